//! The Python package `jira`, a client that we did not write, makes its ordinary calls against each face.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use std::path::PathBuf;
use std::process::Command;

use jira_fake::{JiraFake, Options};

fn python() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../target/python");
    assert!(folder.join("complete").is_file(), "the package `jira` is not installed: run `cargo xtask python`");
    folder.join("bin/python")
}

fn calls(options: Options, product: &str, version: &str) {
    let jira = options.start().unwrap();
    jira.state().add_project("SHOP", "Shop App");
    jira.state().add_fields_of_every_type("SHOP");
    jira.state().add_issues("SHOP", 230);
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python/calls.py");
    // No proxies: nothing but loopback is called.
    let run = Command::new(python()).arg(script).args([&jira.url(), product, version]).env_clear().output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}\n{:#?}", jira.requests().last());
    let cut = jira.requests().into_iter().find(|request| request.status.is_none());
    assert!(cut.is_none(), "{cut:?}");
}

#[test]
fn on_cloud_with_v3() {
    calls(JiraFake::cloud().for_any_client(), "cloud", "3");
}

/// As the Python service does it.
#[test]
fn on_cloud_with_v2() {
    calls(JiraFake::cloud().for_any_client(), "cloud", "2");
}

#[test]
fn on_data_center() {
    calls(JiraFake::data_center().for_any_client().context_path("/jira"), "dc", "2");
}

#[test]
fn on_an_old_data_center() {
    calls(JiraFake::data_center().for_any_client().version([8, 3, 0]), "old", "2");
}
