//! Libraries that are not opened, or not used: one sentence and what to do about it.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use defect_host_tests::{HostFolder, api_version, artifacts, version_symbol};
use insta::assert_snapshot;
use sha2::{Digest, Sha256};

const FAULTY: &str = "faulty_defect_client";

/// A folder whose configuration names a library in it.
fn naming(library: &str) -> HostFolder {
    HostFolder::new(&format!("client_class = \"./{library}\""), "")
}

/// What `start` says of a configuration that it refuses: an error, where was searched, a hint.
fn refused(folder: &HostFolder) -> String {
    let ended = folder.run(&["start"]);
    assert_eq!(ended.code(), Some(2), "{}", ended.stdout);
    let said = ended.stderr;
    assert!(said.starts_with("error: ") && said.contains("\n\nhint: "), "{said}");
    let error = said.lines().next().unwrap_or_default();
    assert!(error.len() < 300 && said.lines().count() < 15, "{said}");
    for word in ["layout", "abi_stable", "field", "symbol version"] {
        assert!(!said.contains(word), "{said}");
    }
    assert!(ended.stdout.lines().all(|line| line.contains("INFO")), "{}", ended.stdout);
    said
}

/// The faulty plugin's bytes.
fn library() -> Vec<u8> {
    std::fs::read(artifacts().library(FAULTY)).unwrap()
}

#[test]
fn what_is_no_library_is_refused() {
    let folder = naming("client.so");
    folder.write("client.so", "#!/bin/sh\n");
    assert_snapshot!(refused(&folder), @r#"
        error: `[folder]/client.so` is not a shared library but a script; looked for
          `[folder]/client.so`: found
          `[folder]/libclient.so`

        hint: name the library of a plugin, built with `crate-type = ["cdylib"]`
        "#);
    folder.write("client.so", "");
    assert_snapshot!(refused(&folder).lines().next().unwrap(), @"error: `[folder]/client.so` is not a shared library but an empty file; looked for");
    folder.write("client.so", std::fs::read(&artifacts().host).unwrap());
    assert_snapshot!(refused(&folder).lines().next().unwrap(), @"error: `[folder]/client.so` is not a shared library but a program; looked for");
}

#[test]
fn a_library_that_is_cut_short_is_refused_wherever_it_is_cut() {
    let whole = library();
    let folder = naming("client.so");
    for length in [5, 63, 64, 200, 4096, whole.len() / 3, whole.len() / 2, whole.len() - 4096, whole.len() - 1] {
        folder.write("client.so", &whole[..length]);
        let said = refused(&folder);
        assert!(said.starts_with("error: `[folder]/client.so` is cut short or damaged ("), "{length}: {said}");
        assert!(said.ends_with("\nhint: build the library or copy it here again\n"), "{said}");
    }
}

#[test]
fn a_library_that_is_no_plugin_is_refused() {
    let folder = naming("client.so");
    let source = folder.write("plain.rs", "#[unsafe(no_mangle)] pub extern \"C\" fn answer() -> u32 { 42 }\n");
    let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
    let built = Command::new(rustc)
        .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
        .args([&folder.path().join("client.so"), &source])
        .status();
    assert!(built.unwrap().success());
    assert_snapshot!(refused(&folder), @r#"
        error: `[folder]/client.so` is not a defect-host plugin: it does not export `DEFECT_PLUGIN_API_VERSION`; looked for
          `[folder]/client.so`: found
          `[folder]/libclient.so`

        hint: name a library that exports a client through `defect-plugin-api`
        "#);
}

#[test]
fn a_library_for_another_processor_is_refused() {
    let mut bytes = library();
    // `e_machine` of the ELF header: RISC-V.
    bytes[18..20].copy_from_slice(&243_u16.to_le_bytes());
    let folder = naming("client.so");
    folder.write("client.so", bytes);
    let said = refused(&folder).replace(std::env::consts::ARCH, "[here]");
    assert_snapshot!(said, @r#"
        error: `[folder]/client.so` is a library for riscv64 processors, this host runs on [here]; looked for
          `[folder]/client.so`: found
          `[folder]/libclient.so`

        hint: build the plugin for [here]
        "#);
}

#[test]
fn a_plugin_of_another_major_version_is_refused() {
    let mut bytes = library();
    let at = version_symbol(&bytes);
    bytes[at] = b'7';
    let folder = naming("client.so");
    folder.write("client.so", bytes);
    let said = refused(&folder).replace(&api_version()[1..], ".x.y");
    assert_snapshot!(said, @r#"
        error: `[folder]/client.so` was built for plugin-api 7.x.y, this host speaks 1.x.y; looked for
          `[folder]/client.so`: found
          `[folder]/libclient.so`

        hint: rebuild the plugin against plugin-api 1.x.y
        "#);
}

#[test]
fn a_library_that_others_can_write_to_is_refused_unless_that_is_allowed() {
    let folder = naming("plugins/client.so");
    let library = folder.copy_library(FAULTY, "plugins/client.so");
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    allow(&library, 0o666);
    assert_snapshot!(refused(&folder), @r#"
        error: `[folder]/plugins/client.so` can be changed by every user (mode 666); looked for
          `[folder]/plugins/client.so`: found
          `[folder]/plugins/libclient.so`

        hint: run `chmod go-w '[folder]/plugins/client.so'`, or set `allow_insecure_plugins = true`
        "#);
    allow(&library, 0o644);
    allow(library.parent().unwrap(), 0o777);
    assert_snapshot!(refused(&folder).lines().next().unwrap(), @"error: `[folder]/plugins` can be changed by every user (mode 777); looked for");
    folder.configure("client_class = \"./plugins/client.so\"\nallow_insecure_plugins = true", "");
    assert!(refused(&folder).contains("several others"), "it is opened");
}

/// The pin of a library.
pub(crate) fn sha256_of(library: &Path) -> String {
    Sha256::digest(std::fs::read(library).unwrap()).iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn a_pinned_library_is_that_one_and_no_other() {
    let folder = HostFolder::faulty("");
    let library = folder.copy_library(FAULTY, "mine/libfaulty_defect_client.so");
    let pin = sha256_of(&library);
    let class = "client_class = \"FaultyDefectClient\"\nplugin_dirs = [\"mine\"]";
    folder.configure(&format!("{class}\nclient_sha256 = \"{pin}\""), "");
    assert_eq!(folder.run(&["check"]).code(), Some(0));
    folder.configure(&format!("{class}\nclient_sha256 = \"{}\"", "0".repeat(64)), "");
    assert_snapshot!(refused(&folder), @r#"
        error: `[folder]/mine/libfaulty_defect_client.so` has the SHA-256 sum [sha256], but client_sha256 pins [sha256]

        hint: put the pinned file back; if this file is the right one, set `client_sha256 = "[sha256]"`
        "#);
}

#[test]
fn several_classes_without_a_match_are_listed() {
    let folder = naming("plugins/other_name.so");
    folder.copy_library(FAULTY, "plugins/other_name.so");
    assert_snapshot!(refused(&folder), @r#"
        error: `[folder]/plugins/other_name.so`: the library has no client `OtherName` but several others: `FaultyDefectClient`, `SpareDefectClient`

        hint: add the one that is meant to `client_class`, as in `library.so::FaultyDefectClient`
        "#);
    folder.configure("client_class = \"faulty_defect_client.SpareDefectCleint\"", "");
    assert_snapshot!(refused(&folder), @r#"
        error: `[program]/libfaulty_defect_client.so`: the library has no client `SpareDefectCleint`, only `FaultyDefectClient`, `SpareDefectClient`; did you mean `SpareDefectClient`?

        hint: let `client_class` end in a class that is there, such as `SpareDefectClient`
        "#);
}

/// A folder whose host runs the faulty plugin's bytes with one text in them replaced, wherever it is.
fn patched(from: &[u8], to: &[u8]) -> HostFolder {
    assert_eq!(from.len(), to.len());
    let mut bytes = library();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    let folder = naming("client.so::FaultyDefectClient");
    folder.write("client.so", bytes);
    folder
}

#[test]
fn a_library_that_needs_another_one_that_is_missing_is_refused() {
    assert_snapshot!(refused(&patched(b"libgcc_s.so.1\0", b"libmissing.so\0")), @"
    error: the library `[folder]/client.so` cannot be opened: libmissing.so: cannot open shared object file: No such file or directory

    hint: a library that it needs may be missing, or it was built for a newer system: `ldd` shows which
    ");
}

#[test]
fn a_library_of_another_abi_stable_is_refused() {
    let ended = patched(b"abi stable library for Rust", b"abi stable library for Dust").run(&["start"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr.replace(&api_version(), "1.x.y"), @"
    error: the plugin `[folder]/client.so` does not fit this host (plugin-api 1.x.y): it was built with another version of abi_stable

    hint: rebuild the plugin with this host's version of defect-plugin-api, or install the host that it was built for
    ");
}

#[test]
fn a_library_that_panics_while_it_describes_itself_is_refused() {
    let folder = HostFolder::faulty("");
    let ended = folder.run_with(&["start"], &[("FAULTY_PANIC_IN_DESCRIPTION", "1")]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @"
    error: the plugin `[program]/libfaulty_defect_client.so` does not say what it holds: panicked at tests/plugins/faulty/src/lib.rs:[line]: told to panic in the description

    hint: report it to the plugin's author
    ");
    let inspected =
        folder.run_with(&["plugins", "inspect", "FaultyDefectClient"], &[("FAULTY_PANIC_IN_DESCRIPTION", "1")]);
    assert_eq!((inspected.code(), inspected.stderr), (Some(2), ended.stderr));
    assert!(inspected.stdout.ends_with(&format!("\nplugin-api  {}\n\n", api_version())), "{}", inspected.stdout);
}

#[test]
fn a_constructor_that_fails_without_naming_a_key_says_its_reason() {
    let ended = HostFolder::faulty("fail_in = { new = \"unavailable\" }").run(&["start"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @"
    error: `FaultyDefectClient` cannot start: told to fail in new

    hint: the plugin says what it lacks: provide that, and start again
    ");
}

#[test]
fn a_constructor_that_refuses_a_key_that_is_not_there_shows_the_table() {
    let ended = HostFolder::faulty("refuse_field = \"gate\"").run(&["start"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @"
    error: `gate`: told to refuse it
     --> config.toml:8:1
      |
    8 | [testbench-defect-service.client_config]
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn what_is_no_regular_file_is_not_taken_for_a_library() {
    let folder = naming("client.so");
    let made = Command::new("mkfifo").arg(folder.path().join("client.so")).status();
    assert!(made.unwrap().success());
    assert_snapshot!(refused(&folder), @"
    error: no library found for client_class `./client.so`, looked for
      `[folder]/client.so`: is not a regular file
      `[folder]/libclient.so`

    hint: put `libclient.so` into one of these folders, or write the library's path; `defect-host plugins` lists what is there
    ");
}
