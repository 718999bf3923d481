//! `plugins inspect`: what a plugin is, and a configuration of it to paste.

use defect_host_tests::{Cli, HostFolder, api_version, version_symbol};
use insta::assert_snapshot;

const FAULTY: &str = "faulty_defect_client";

/// A folder without a configuration, and with a library of two classes.
fn folder() -> HostFolder {
    let folder = HostFolder::with_config("");
    std::fs::remove_file(folder.path().join("config.toml")).unwrap();
    folder.copy_library(FAULTY, "plugins/libtwo.so");
    folder
}

/// Standard output of a command that ends well, without what differs from machine to machine.
fn said(ended: Cli) -> String {
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    stable(&ended.stdout)
}

/// The text without sizes, and without the compiler and what it builds for.
fn stable(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_whitespace().next() {
        Some("size") if line.ends_with(" bytes") => "size        [size]",
        Some("built") if line.contains(" rustc 1.") => "built with  rustc 1.[…]",
        Some("target") if line.contains(std::env::consts::ARCH) => "target      [target]",
        Some("made") if line.ends_with(&format!(", {}", std::env::consts::ARCH)) => "made for    [here]",
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn inspect(folder: &HostFolder, class: &str) -> Cli {
    folder.run(&["plugins", "inspect", class])
}

#[test]
fn everything_that_is_known_of_a_plugin_is_shown() {
    let shown = said(inspect(&folder(), "JsonlDefectClient"));
    let (about, _) = shown.split_once("\ncommands  ").unwrap();
    assert_snapshot!(about, @r#"
    library     [program]/libjsonl_defect_client.so
    size        [size]
    sha256      [sha256]
    made for    [here]
    plugin      jsonl_defect_client [version]
    plugin-api  1.2.0
    built with  rustc 1.[…]
    target      [target]
    classes     JsonlDefectClient

    class JsonlDefectClient

    operations  check_login, get_settings, supports_changes_timestamps,
                get_projects, get_control_fields, get_user_defined_attributes,
                get_defects, get_defects_batch, get_defect_extended, create_defect,
                update_defect, delete_defect, before_sync, after_sync,
                correct_sync_results, get_metrics

    client_config

    key                               type               required  default
    defects_path                      string             yes
        The folder with one folder per project. It must exist; a relative path is
        relative to the host's working directory. Required.
    attributes                        list of strings    no        ["title",
                                                                   "status"]
        The attributes of the extended view: fields of a defect or user-defined
        fields. Default: `["title", "status"]`.
    "#);
}

#[test]
fn it_takes_the_width_that_there_is() {
    let longest = |columns: &str| {
        let shown = folder().run_with(&["plugins", "inspect", "JsonlDefectClient"], &[("COLUMNS", columns)]);
        let (_, table) = shown.stdout.split_once("\nclient_config\n").unwrap();
        table.lines().map(|line| line.chars().count()).max().unwrap()
    };
    assert!((71..=80).contains(&longest("80")));
    assert!((101..=120).contains(&longest("120")));
    assert_eq!(longest("no number"), longest("80"));
}

#[test]
fn of_several_classes_all_are_shown_or_the_one_that_is_named() {
    let folder = folder();
    let classes = |class: &str| {
        let shown = said(inspect(&folder, class));
        shown.lines().filter(|line| line.starts_with("class")).collect::<Vec<_>>().join(", ")
    };
    let both = "classes     FaultyDefectClient, SpareDefectClient";
    assert_eq!(classes("libtwo.so"), format!("{both}, class FaultyDefectClient, class SpareDefectClient"));
    assert_eq!(classes("plugins/two::SpareDefectClient"), format!("{both}, class SpareDefectClient"));
    assert_eq!(classes("FaultyDefectClient"), format!("{both}, class FaultyDefectClient"));
    let missing = inspect(&folder, "libtwo.so::Spare");
    assert_eq!(missing.code(), Some(2));
    assert_snapshot!(missing.stderr, @"
    error: `[folder]/plugins/libtwo.so`: the library has no client `Spare`, only `FaultyDefectClient`, `SpareDefectClient`; did you mean `SpareDefectClient`?

    hint: let `client_class` end in a class that is there, such as `SpareDefectClient`
    ");
    let nowhere = inspect(&folder, "libthree.so");
    assert_eq!((nowhere.code(), &*nowhere.stdout), (Some(2), ""));
    assert!(nowhere.stderr.starts_with("error: no library found for client_class `libthree.so`"));
}

#[test]
fn of_a_library_that_cannot_be_opened_its_bytes_are_shown_and_the_reason() {
    let folder = folder();
    let whole = std::fs::read(folder.path().join("plugins/libtwo.so")).unwrap();
    let shown = |bytes: &[u8]| {
        folder.write("plugins/libtwo.so", bytes);
        let ended = inspect(&folder, "libtwo.so");
        assert_eq!(ended.code(), Some(2));
        format!("{}\n--\n{}", stable(&ended.stdout).trim_end(), ended.stderr)
    };
    assert_snapshot!(shown(&whole[..whole.len() / 2]), @"
    library     [folder]/plugins/libtwo.so
    size        [size]
    sha256      [sha256]
    made for    Linux
    --
    error: `[folder]/plugins/libtwo.so` is cut short or damaged (Invalid ELF section header offset/size/alignment); looked for
      `[folder]/libtwo.so`
      `[program]/libtwo.so` (folder of the program)
      `[program]/plugins/libtwo.so` (plugins beside the program)
      `[folder]/plugins/libtwo.so` (plugins beside the configuration file): found

    hint: build the library or copy it here again
    ");
    let mut newer = whole.clone();
    let at = version_symbol(&newer);
    newer[at] = b'7';
    assert_snapshot!(shown(&newer).replace(&api_version()[1..], ".x.y"), @"
    library     [folder]/plugins/libtwo.so
    size        [size]
    sha256      [sha256]
    made for    [here]
    plugin-api  7.x.y
    --
    error: `[folder]/plugins/libtwo.so` was built for plugin-api 7.x.y, this host speaks 1.x.y; looked for
      `[folder]/libtwo.so`
      `[program]/libtwo.so` (folder of the program)
      `[program]/plugins/libtwo.so` (plugins beside the program)
      `[folder]/plugins/libtwo.so` (plugins beside the configuration file): found

    hint: rebuild the plugin against plugin-api 1.x.y
    ");
    let mut foreign = whole;
    foreign[18..20].copy_from_slice(&243_u16.to_le_bytes());
    assert_snapshot!(shown(&foreign).replace(std::env::consts::ARCH, "[arch]").replace(&api_version(), "1.x.y"), @"
    library     [folder]/plugins/libtwo.so
    size        [size]
    sha256      [sha256]
    made for    Linux, riscv64
    plugin-api  1.x.y
    --
    error: `[folder]/plugins/libtwo.so` is a library for riscv64 processors, this host runs on [arch]; looked for
      `[folder]/libtwo.so`
      `[program]/libtwo.so` (folder of the program)
      `[program]/plugins/libtwo.so` (plugins beside the program)
      `[folder]/plugins/libtwo.so` (plugins beside the configuration file): found

    hint: build the plugin for [arch]
    ");
    assert_snapshot!(shown(b"#!/bin/sh\n"), @r#"
    library     [folder]/plugins/libtwo.so
    size        [size]
    sha256      [sha256]
    made for    unknown: it is no library
    --
    error: `[folder]/plugins/libtwo.so` is not a shared library but a script; looked for
      `[folder]/libtwo.so`
      `[program]/libtwo.so` (folder of the program)
      `[program]/plugins/libtwo.so` (plugins beside the program)
      `[folder]/plugins/libtwo.so` (plugins beside the configuration file): found

    hint: name the library of a plugin, built with `crate-type = ["cdylib"]`
    "#);
}

#[test]
fn a_configuration_to_paste_is_what_check_understands() {
    for class in ["JsonlDefectClient", "libtwo.so::FaultyDefectClient", "libtwo.so::SpareDefectClient"] {
        let folder = folder();
        let pasted = said(folder.run(&["plugins", "inspect", class, "--toml"]));
        folder.write("config.toml", pasted.replace("defects_path = \"change-me\"", "defects_path = \"plugins\""));
        checked(&folder);
        if class == "JsonlDefectClient" {
            // The keys that are commented out are right as well, each as an example.
            let keys = pasted.lines().map(|line| match line.strip_prefix('#') {
                Some(key) if !key.starts_with(' ') => key,
                _ => line,
            });
            folder.write("config.toml", keys.collect::<Vec<_>>().join("\n").replace("change-me", "plugins"));
            checked(&folder);
        }
    }
}

fn checked(folder: &HostFolder) {
    let stored = folder.run(&["set-credentials", "--username", "me", "--password", "secret"]);
    assert_eq!(stored.code(), Some(0), "{}", stored.stderr);
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code(), Some(0), "{}\n{}", checked.stderr, folder.read("config.toml"));
    assert!(checked.stdout.ends_with("all right\n"), "{}", checked.stdout);
}

#[test]
fn a_configuration_to_paste_says_what_each_key_is() {
    let pasted = said(folder().run(&["plugins", "inspect", "JsonlDefectClient", "--toml"]));
    let (beginning, rest) = pasted.split_once("\n# The name that").unwrap();
    assert_snapshot!(beginning, @r#"
    # JsonlDefectClient of jsonl_defect_client [version]: what is required stands here with a value to
    # replace, the rest behind `#` with its default.

    [testbench-defect-service]
    client_class = "JsonlDefectClient"

    [testbench-defect-service.client_config]

    # The folder with one folder per project. It must exist; a relative path is relative to the host's
    # working directory. Required.
    defects_path = "change-me"

    # The attributes of the extended view: fields of a defect or user-defined fields. Default:
    # `["title", "status"]`.
    #attributes = ["title", "status"]

    # The description that test-management tools show. Default: `JSONL client for managing defect
    # records stored in a File.`
    #description = "JSONL client for managing defect records stored in a File."
    "#);
    assert!(rest.contains("\n#[testbench-defect-service.client_config.projects.\"<name>\"]\n"), "{rest}");
    let ambiguous = folder().run(&["plugins", "inspect", "libtwo.so", "--toml"]);
    assert_eq!((ambiguous.code(), &*ambiguous.stdout), (Some(2), ""));
    assert!(ambiguous.stderr.contains("\nhint: add the one that is meant to `client_class`"), "{}", ambiguous.stderr);
}
