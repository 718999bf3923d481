//! What `plugins new` writes and refuses. That it builds and serves is in [`super::guide_quick_start`].

use std::collections::BTreeMap;
use std::path::Path;

use defect_host_tests::{Cli, Document, HostFolder, root};
use insta::assert_snapshot;

fn nowhere() -> HostFolder {
    let folder = HostFolder::with_config("");
    std::fs::remove_file(folder.path().join("config.toml")).unwrap();
    folder
}

fn new(folder: &HostFolder, arguments: &[&str]) -> Cli {
    folder.run(&[&["plugins", "new"], arguments].concat())
}

/// All files below a folder, by their path in it.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(folder, folder, &mut found);
    found
}

#[test]
fn a_new_plugin_has_its_files_and_the_plugin_api_to_the_byte() {
    let folder = nowhere();
    let written = new(&folder, &["my-tracker"]);
    assert_eq!((written.code(), &*written.stderr), (Some(0), ""));
    assert_snapshot!(written.stdout, @"
        wrote `my-tracker`: a plugin with the class `MyTrackerDefectClient`; its tracker is to be written in `src/lib.rs`

        next:
          cd 'my-tracker'
          cargo test
          cargo build --release
          mkdir -p plugins
          cp target/release/libmy_tracker_defect_client.so plugins/
          defect-host set-credentials --username me
          defect-host check
          defect-host start
        ");
    let guide = Document::read("docs/plugins.md");
    let typed: Vec<_> = guide.blocks_in("console").into_iter().flat_map(str::lines).collect();
    for next in written.stdout.lines().filter_map(|line| line.strip_prefix("  ")) {
        let next = next.replace('\'', "");
        assert!(typed.iter().any(|line| line.starts_with(&next)), "`{next}` is not in the guide");
    }
    let mut own = files(&folder.path().join("my-tracker"));
    let api: BTreeMap<_, _> = own
        .extract_if(.., |name, _| name.starts_with("defect-plugin-api/"))
        .map(|(name, content)| (name.replacen("defect-plugin-api/", "", 1), content))
        .collect();
    assert_snapshot!(own.into_keys().collect::<Vec<_>>().join("\n"), @"
        .gitignore
        Cargo.toml
        README.md
        config.toml
        src/lib.rs
        src/tests.rs
        ");
    let mut source = files(&root().join("plugin-api"));
    // What cargo makes when somebody builds it alone.
    source.retain(|name, _| name != "Cargo.lock" && !name.starts_with("target/") && !name.starts_with('.'));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&api), names(&source));
    assert!(api == source, "a file differs");
}

#[test]
fn a_checkout_takes_the_place_of_the_copy() {
    let folder = nowhere();
    let checkout = root();
    assert_eq!(new(&folder, &["acme", "--dir", "here", "--api", checkout.to_str().unwrap()]).code(), Some(0));
    let written = files(&folder.path().join("here"));
    assert!(written.keys().all(|name| !name.starts_with("defect-plugin-api")), "{:?}", written.keys());
    let manifest = folder.read("here/Cargo.toml");
    let dependency = manifest.lines().find(|line| line.starts_with("defect-plugin-api = ")).unwrap();
    let api = checkout.join("plugin-api");
    assert!(dependency.ends_with(&format!("path = {api:?} }}")), "{dependency}");
    assert!(manifest.contains("# From a checkout of defect-host, as `--api` named it."), "{manifest}");
    assert!(!folder.read("here/README.md").contains("`defect-plugin-api/`"));
}

#[test]
fn what_cannot_be_written_is_said_with_what_to_do_and_leaves_nothing() {
    let folder = nowhere();
    folder.write("full/mine.txt", "mine");
    let refusals = [
        &["std"][..],
        &["../elsewhere"],
        &["my-tracker", "--dir", "full"],
        &["my-tracker", "--dir", "full/mine.txt/new"],
        &["my-tracker", "--dir", "missing/new"],
        &["my-tracker", "--api", "full"],
    ];
    let said: Vec<_> = refusals
        .iter()
        .map(|arguments| {
            let refused = new(&folder, arguments);
            assert_eq!((refused.code(), &*refused.stdout), (Some(2), ""), "{arguments:?}");
            refused.stderr
        })
        .collect();
    assert_snapshot!(said.join("\n"), @"
        error: the name `std` is taken by something that plugins are used with

        hint: take a name that says more, such as `std-tracker`

        error: `../elsewhere` is a path, not a plugin's name

        hint: give the name alone, such as `my-tracker`; `--dir` says where the folder shall be

        error: `[folder]/full` exists and is not an empty folder

        hint: choose another name, or another folder with `--dir`

        error: there is no folder `[folder]/full/mine.txt` to write into

        hint: make it first, or choose another folder with `--dir`

        error: there is no folder `[folder]/missing` to write into

        hint: make it first, or choose another folder with `--dir`

        error: `full` does not hold the sources of defect-plugin-api

        hint: let `--api` name the folder `plugin-api` of a checkout of defect-host, or leave it out: the program brings the sources along
        ");
    assert_eq!(files(folder.path()).into_keys().collect::<Vec<_>>(), ["full/mine.txt"]);
}
