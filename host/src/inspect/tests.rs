//! Real libraries of the three formats, whole and spoilt in every way.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::platform::Platform;

const EXPECTED: Expectations = Expectations {
    loader_symbol: "_abi_stable_root_module_loader",
    version_symbol: "DEFECT_PLUGIN_API_VERSION",
    api_version: "1.0.0",
};

const WINDOWS: Target = x86_64(Platform::Windows);
const MACOS: Target = x86_64(Platform::MacOs);
const WINDOWS_PLUGIN: &[u8] = include_bytes!("samples/plugin.dll");
const MACOS_PLUGIN: &[u8] = include_bytes!("samples/plugin.dylib");

/// A plugin as this machine's compiler makes it.
static OWN_PLUGIN: LazyLock<Vec<u8>> = LazyLock::new(|| compile("cdylib"));

const SOURCE: &str = r#"
    #[unsafe(no_mangle)]
    pub static DEFECT_PLUGIN_API_VERSION: [u8; 32] =
        *b"1.2.3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    #[unsafe(no_mangle)]
    pub static _abi_stable_root_module_loader: u8 = 1;
"#;

const fn x86_64(platform: Platform) -> Target {
    Target { platform, architecture: "x86_64" }
}

fn compile(crate_type: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (source, output) = (folder.path().join("a.rs"), folder.path().join("output"));
    fs::write(&source, SOURCE).unwrap();
    let status = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        // The standard library stays outside, which keeps the file small.
        .args(["--crate-type", crate_type, "-C", "prefer-dynamic", "-o"])
        .args([&output, &source])
        .status()
        .unwrap();
    assert!(status.success());
    fs::read(output).unwrap()
}

fn check_for(target: Target, bytes: &[u8]) -> Result<String, InspectError> {
    let path = Path::new("/p/libmine.so");
    Library { path, bytes, target }.check(&EXPECTED)
}

/// What is said of `bytes` on `target`.
fn said(target: Target, bytes: &[u8]) -> String {
    match check_for(target, bytes) {
        Ok(version) => format!("fine, {version}"),
        Err(error) => format!("{error}\nhint: {}", error.hint()),
    }
}

fn said_here(bytes: &[u8]) -> String {
    said(Target::CURRENT, bytes)
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let mut found = false;
    for at in 0..=bytes.len() - from.len() {
        if bytes[at..].starts_with(from) {
            bytes[at..at + from.len()].copy_from_slice(to);
            found = true;
        }
    }
    assert!(found);
    bytes
}

/// A universal library with `parts` of the given processor types.
fn universal(parts: &[(u32, &[u8])]) -> Vec<u8> {
    const PAGE: usize = 0x4000;
    let mut header = vec![0xcafe_babe, u32::try_from(parts.len()).unwrap()];
    let mut body = Vec::new();
    for (processor, part) in parts {
        let (offset, size) = (PAGE + body.len(), part.len());
        header.extend([*processor, 0, offset as u32, size as u32, 14]);
        body.extend_from_slice(part);
        body.resize(body.len().next_multiple_of(PAGE), 0);
    }
    let mut bytes: Vec<u8> = header.into_iter().flat_map(u32::to_be_bytes).collect();
    bytes.resize(PAGE, 0);
    bytes.extend(body);
    bytes
}

const CPU_X86_64: u32 = 0x0100_0007;
const CPU_ARM64: u32 = 0x0100_000c;

#[test]
fn a_plugin_of_each_format_is_fine() {
    assert_eq!(said_here(&OWN_PLUGIN), "fine, 1.2.3");
    assert_eq!(said(WINDOWS, WINDOWS_PLUGIN), "fine, 1.2.3");
    assert_eq!(said(MACOS, MACOS_PLUGIN), "fine, 1.2.3");
}

#[test]
fn a_universal_library_is_judged_by_the_part_for_this_processor() {
    let both = universal(&[(CPU_ARM64, b"?"), (CPU_X86_64, MACOS_PLUGIN)]);
    assert_eq!(said(MACOS, &both), "fine, 1.2.3");
    let cut = &both[..both.len() - 0x4000];
    insta::assert_snapshot!(said(MACOS, cut), @"
    `/p/libmine.so` is cut short or damaged (Invalid fat arch offset or size)
    hint: build the library or copy it here again
    ");
    let foreign = universal(&[(CPU_ARM64, b"?"), (7, b"?")]);
    insta::assert_snapshot!(said(MACOS, &foreign), @"
    `/p/libmine.so` is a library for aarch64 and x86 processors, this host runs on x86_64
    hint: build the plugin for x86_64
    ");
}

#[test]
fn a_library_for_another_machine_names_both() {
    insta::assert_snapshot!(said(x86_64(Platform::Linux), WINDOWS_PLUGIN), @"
    `/p/libmine.so` is a library for Windows, this host runs on Linux
    hint: build the plugin for Linux
    ");
    insta::assert_snapshot!(said(WINDOWS, MACOS_PLUGIN), @"
    `/p/libmine.so` is a library for macOS, this host runs on Windows
    hint: build the plugin for Windows
    ");
    let arm = Target { architecture: "aarch64", ..WINDOWS };
    insta::assert_snapshot!(said(arm, WINDOWS_PLUGIN), @"
    `/p/libmine.so` is a library for x86_64 processors, this host runs on aarch64
    hint: build the plugin for aarch64
    ");
}

#[test]
fn what_is_no_library_is_called_by_its_name() {
    let found = |bytes: &[u8]| match check_for(Target::CURRENT, bytes) {
        Err(InspectError::NotALibrary { found, .. }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(b""), "an empty file");
    assert_eq!(found(b"#!/bin/sh\nexit 0\n"), "a script");
    assert_eq!(found("class Mine: pass # ä".as_bytes()), "a text file");
    assert_eq!(found("ä".repeat(4000).as_bytes()), "a text file");
    assert_eq!(found(format!("x{}", "ä".repeat(4000)).as_bytes()), "a text file");
    assert_eq!(found(b"PK\x03\x04 and so on"), "a zip archive");
    assert_eq!(found(&[0x1f, 0x8b, 8, 0]), "a gzip archive");
    assert_eq!(found(&[0; 100]), "data of an unknown kind");
    assert_eq!(found(&compile("rlib")), "a static library");
    assert_eq!(found(&compile("staticlib")), "a static library");
    let program = std::env::current_exe().unwrap();
    assert_eq!(found(&fs::read(program).unwrap()), "a program");
    insta::assert_snapshot!(said_here(b"hello"), @r#"
    `/p/libmine.so` is not a shared library but a text file
    hint: name the library of a plugin, built with `crate-type = ["cdylib"]`
    "#);
}

#[test]
fn an_object_file_is_no_library() {
    // ELF and Mach-O keep the kind in a field of the header.
    let mut object = OWN_PLUGIN.clone();
    match Target::CURRENT.platform {
        Platform::Linux => object[16] = 1,
        Platform::MacOs => object[12] = 1,
        Platform::Windows => return,
    }
    assert!(said_here(&object).contains("is not a shared library but an object file"));
}

#[test]
fn a_library_that_is_no_plugin_lacks_a_symbol() {
    let nameless = replaced(&OWN_PLUGIN, b"DEFECT_PLUGIN_API_VERSION", &[b'X'; 25]);
    insta::assert_snapshot!(said_here(&nameless), @"
    `/p/libmine.so` is not a defect-host plugin: it does not export `DEFECT_PLUGIN_API_VERSION`
    hint: name a library that exports a client through `defect-plugin-api`
    ");
    let closed = replaced(&OWN_PLUGIN, b"_abi_stable_root_module_loader", &[b'X'; 30]);
    insta::assert_snapshot!(said_here(&closed), @"
    `/p/libmine.so` is not a defect-host plugin: it does not export `_abi_stable_root_module_loader`
    hint: name a library that exports a client through `defect-plugin-api`
    ");
}

#[test]
fn only_the_major_version_has_to_be_the_same() {
    let versioned = |version| said_here(&replaced(&OWN_PLUGIN, b"1.2.3\0", version));
    assert_eq!(versioned(b"1.99.0"), "fine, 1.99.0");
    insta::assert_snapshot!(versioned(b"2.3.0\0"), @"
    `/p/libmine.so` was built for plugin-api 2.3.0, this host speaks 1.0.0
    hint: rebuild the plugin against plugin-api 1.0.0
    ");
    insta::assert_snapshot!(versioned(b"10.0.0"), @"
    `/p/libmine.so` was built for plugin-api 10.0.0, this host speaks 1.0.0
    hint: rebuild the plugin against plugin-api 1.0.0
    ");
    for unreadable in [b"\x001.2.3", b"1\n.2.3", b"1\xff.2.3", b"v1.2.3", b"latest"] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(versioned(unreadable), @"
            `/p/libmine.so` is not a defect-host plugin: its `DEFECT_PLUGIN_API_VERSION` holds no version
            hint: name a library that exports a client through `defect-plugin-api`
            ");
        }
    }
}

#[test]
fn a_library_cut_short_is_refused_wherever_it_is_cut() {
    for (target, plugin) in [(Target::CURRENT, &**OWN_PLUGIN), (MACOS, MACOS_PLUGIN)] {
        if target.platform == Platform::Windows {
            continue; // the last bytes only fill up a block, and the loader itself is careful
        }
        for length in 0..plugin.len() {
            let outcome = check_for(target, &plugin[..length]);
            assert!(outcome.is_err(), "{target:?} cut at {length}");
        }
    }
    let cut = &MACOS_PLUGIN[..MACOS_PLUGIN.len() - 1];
    insta::assert_snapshot!(said(MACOS, cut), @"
    `/p/libmine.so` is cut short or damaged (a part ends at byte 4280, the file at byte 4279)
    hint: build the library or copy it here again
    ");
    insta::assert_snapshot!(said(WINDOWS, &WINDOWS_PLUGIN[..0x480]), @"
    `/p/libmine.so` is cut short or damaged (a part ends at byte 1185, the file at byte 1152)
    hint: build the library or copy it here again
    ");
}

#[test]
fn a_segment_beyond_the_end_is_refused_though_the_section_table_is_whole() {
    // Of ELF: a program header whose size in the file is raised.
    let target = Target::CURRENT;
    if target.platform != Platform::Linux || cfg!(not(target_pointer_width = "64")) {
        return;
    }
    let mut bytes = OWN_PLUGIN.clone();
    let (table, entry) = (64, 56);
    let loaded = (table..).step_by(entry).find(|at| bytes[*at..].starts_with(&1_u32.to_ne_bytes())).unwrap();
    bytes[loaded + 32 + 4] = 1; // p_filesz: 4 GiB more
    let said = said_here(&bytes);
    assert!(said.contains("a part ends at byte 4294"), "{said}");
}

#[test]
fn what_can_be_read_of_a_library_is_known_though_it_is_refused() {
    let facts = |target, bytes: &[u8]| {
        let library = Library { path: Path::new("/p/libmine.so"), bytes, target };
        let (made_for, version) = library.facts(EXPECTED.version_symbol);
        format!("{} {}", made_for.unwrap_or_default(), version.unwrap_or_default())
    };
    let linux = x86_64(Platform::Linux);
    assert_eq!(facts(linux, WINDOWS_PLUGIN), "Windows, x86_64 1.2.3");
    assert_eq!(facts(linux, MACOS_PLUGIN), "macOS, x86_64 1.2.3");
    assert_eq!(facts(linux, &MACOS_PLUGIN[..MACOS_PLUGIN.len() / 2]), "macOS ");
    let both = universal(&[(CPU_ARM64, b"?"), (CPU_X86_64, MACOS_PLUGIN)]);
    assert_eq!(facts(MACOS, &both), "macOS, aarch64, x86_64 1.2.3");
    assert_eq!(facts(linux, b"#!/bin/sh"), " ");
    let newer = replaced(&OWN_PLUGIN, b"1.2.3\0", b"9.9.99");
    assert!(facts(Target::CURRENT, &newer).ends_with(" 9.9.99"));
}

#[test]
fn a_file_is_read_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("libmine.so");
    fs::write(&library, &**OWN_PLUGIN).unwrap();
    let inspection = inspect(&library, &EXPECTED).unwrap();
    assert_eq!(inspection.api_version, "1.2.3");
    assert_eq!(inspection.size, OWN_PLUGIN.len() as u64);
    assert_eq!(inspection.sha256.len(), 64);

    let said = |path: PathBuf| {
        let error = inspect(&path, &EXPECTED).unwrap_err();
        format!("{error}\nhint: {}", error.hint()).replace(&folder.path().display().to_string(), "")
    };
    insta::assert_snapshot!(said(folder.path().join("gone.so")), @"
    cannot read `/gone.so`: No such file or directory (os error 2)
    hint: let the user that this service runs as read the file and enter its folder
    ");
    insta::assert_snapshot!(said(folder.path().to_owned()), @r#"
    `` is not a shared library but a folder
    hint: name the library of a plugin, built with `crate-type = ["cdylib"]`
    "#);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_a_device_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (library, link) = (folder.path().join("a"), folder.path().join("libmine.so"));
    fs::write(&library, &**OWN_PLUGIN).unwrap();
    std::os::unix::fs::symlink(&library, &link).unwrap();
    assert!(inspect(&link, &EXPECTED).is_ok());
    let error = inspect(Path::new("/dev/null"), &EXPECTED).unwrap_err();
    insta::assert_snapshot!(error, @"`/dev/null` is not a shared library but a device, socket or pipe");
}

/// The three plugins, each with the machine that it is for.
fn any_plugin() -> impl Strategy<Value = (Target, Vec<u8>)> {
    prop_oneof![
        Just((Target::CURRENT, OWN_PLUGIN.clone())),
        Just((WINDOWS, WINDOWS_PLUGIN.to_vec())),
        Just((MACOS, MACOS_PLUGIN.to_vec())),
        Just((MACOS, universal(&[(CPU_X86_64, MACOS_PLUGIN)]))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_are_refused_without_a_panic(
        (target, plugin) in any_plugin(),
        header in 0..128_usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..2048),
    ) {
        let _ = check_for(target, &bytes);
        let _ = Library { path: Path::new("/p/libmine.so"), bytes: &bytes, target }.facts(EXPECTED.version_symbol);
        let with_header = [&plugin[..header], &bytes].concat();
        prop_assert!(check_for(target, &with_header).is_err());
    }

    #[test]
    fn a_spoilt_plugin_never_makes_it_panic(
        (target, mut plugin) in any_plugin(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..16),
        in_header in any::<bool>(),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let reach = if in_header { 1024 } else { plugin.len() };
        for (at, byte) in changes {
            plugin[at.index(reach)] = byte;
        }
        if cut {
            plugin.truncate(length.index(plugin.len()));
        }
        let _ = check_for(target, &plugin);
        let _ = Library { path: Path::new("/p/libmine.so"), bytes: &plugin, target }.facts(EXPECTED.version_symbol);
    }
}
