//! The documents say what is true: their commands run, their plugin builds and serves.

use std::path::Path;
use std::process::Command;

use defect_host_tests::{Client, HostFolder, artifacts, root};
use serde_json::json;

const DOCUMENTS: [&str; 9] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "docs/benchmarks.md",
    "docs/configuration.md",
    "docs/conformance.md",
    "docs/differences.md",
    "docs/jsonl-store.md",
    "docs/writing-a-plugin.md",
];

/// The text between the fences of the first block that begins with this.
fn block<'a>(document: &'a str, fence: &str) -> &'a str {
    let (_, rest) = document.split_once(&format!("```{fence}\n")).unwrap_or_else(|| panic!("no block `{fence}`"));
    rest.split_once("```").map_or(rest, |(block, _)| block)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Builds the guide's plugin in a folder under `target`, so that a second run finds it built.
fn guide_library(guide: &str) -> std::path::PathBuf {
    let folder = root().join("target/guide");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    let api = root().join("plugin-api");
    let manifest = block(guide, "toml\n# Cargo.toml").replace("\"../defect-host/plugin-api\"", &format!("{api:?}"));
    // A workspace of its own, with the versions that this one has locked: nothing is fetched.
    std::fs::write(folder.join("Cargo.toml"), format!("{manifest}\n[workspace]\n")).unwrap();
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    std::fs::write(folder.join("src/lib.rs"), block(guide, "rust\n// src/lib.rs")).unwrap();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .current_dir(&folder)
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the guide's plugin builds");
    folder.join("target/debug/libmemory_defect_client.so")
}

#[test]
fn the_guides_plugin_builds_and_is_served_after_dropping_it_beside_the_configuration() {
    let guide = read("docs/writing-a-plugin.md");
    let library = guide_library(&guide);
    let config = block(&guide, "toml\n[testbench-defect-service]");
    let folder = HostFolder::with_config(&format!("[testbench-defect-service]\nport = 0\n{config}"));
    std::fs::create_dir(folder.path().join("plugins")).unwrap();
    std::fs::copy(library, folder.path().join("plugins/libmemory_defect_client.so")).unwrap();
    for command in ["set-credentials --username me --password secret", "check"] {
        assert!(guide.contains(&format!("\ndefect-host {command}\n")), "the guide has `{command}`");
        let run = folder.run(&command.split(' ').collect::<Vec<_>>());
        assert_eq!(run.code(), Some(0), "{run:?}");
    }
    let host = folder.start();
    let client = host.client().with_credentials(Some(("me", "secret")));
    assert_eq!(client.get("/projects").json(), json!(["Scratch"]));
    let defect = json!({"status": "open", "classification": "bug", "priority": "low",
        "lastEdited": "2026-01-31T12:00:00Z", "principal": {"username": "me", "password": "pw"}});
    let created = client.post("/projects/Scratch/defects/create", &json!({ "defect": defect }));
    assert_eq!(created.json()["value"], json!("M-1"));
    let listed = client.post("/projects/Scratch/defects", &json!({})).json();
    assert_eq!(listed["value"][0]["principal"], json!({"username": "me", "password": ""}));
    let missing = client.post("/projects/Scratch/defects/batch", &json!({"defectIds": ["M-1", "M-2"]})).json();
    assert_eq!(missing["protocol"]["warnings"]["M-2"][0]["code"], json!("DEFECT_NOT_FOUND"));
    host.wait_for_log("created a defect");
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
            let target = link.split([')', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                assert!(root().join(folder).join(target).exists(), "{document} links to {target}");
            }
        }
    }
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
