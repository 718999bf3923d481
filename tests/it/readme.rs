//! The documents say what is true: their commands run, their links lead somewhere.

use std::path::{Path, PathBuf};
use std::process::Command;

use defect_host_tests::{Client, HostFolder, artifacts, root};

const DOCUMENTS: [&str; 11] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "docs/benchmarks.md",
    "docs/configuration.md",
    "docs/conformance.md",
    "docs/differences.md",
    "docs/jira.md",
    "docs/jsonl-store.md",
    "docs/operations.md",
    "docs/plugins.md",
];

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_readmes_requests_answer_what_it_says_from_the_demo_configuration() {
    let readme = read("README.md");
    let folder = HostFolder::with_config(&read("config.toml"));
    copy(&root().join("plugins/jsonl/demo"), &folder.path().join("plugins/jsonl/demo"));
    let host = folder.start_with(&["--port", "0"], &[]);
    let client = Client::new(host.client().base(), Some(("demo", "demo")));
    assert!(readme.contains("curl -u demo:demo http://127.0.0.1:8030/projects\n"));
    let projects = client.get("/projects").text();
    assert!(readme.contains(&format!("answers `{projects}`")), "{projects}");
    let path = "/projects/Shop%20App%20(SHOP)/defects";
    assert!(readme.contains(&format!("curl -u demo:demo -X POST \"http://127.0.0.1:8030{path}\"\n")));
    let listed = client.send("POST", path, &[], b"").json();
    assert_eq!(listed["value"].as_array().map(Vec::len), Some(5));
}

#[test]
fn every_command_of_the_readmes_table_is_one_of_the_programs() {
    let help = Command::new(&artifacts().host).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let readme = read("README.md");
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| `defect-host "))
        .filter_map(|line| line.split([' ', '`']).next())
        .collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        assert!(help.contains(&format!("  {command}")), "{command} in {help}");
    }
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    for document in DOCUMENTS {
        let text = read(document);
        let folder = Path::new(document).parent().unwrap_or(Path::new(""));
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap_or_default();
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            if target.contains("://") {
                continue;
            }
            let path = if target.is_empty() { PathBuf::from(document) } else { folder.join(target) };
            assert!(root().join(&path).exists(), "{document} links to {target}");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(root().join(path)).unwrap();
                let found = text.lines().filter_map(|line| line.strip_prefix('#')).any(|line| slug(line) == anchor);
                assert!(found, "{document} links to the heading {anchor}");
            }
        }
    }
}

/// What a heading is linked by.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    words.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
