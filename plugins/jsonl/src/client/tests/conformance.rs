//! The contract of a defect client, checked by the suite that every plugin can run.

use std::fs;

use defect_plugin_api::conformance::{self, Check, Report, ScratchProject};
use serde_json::{Value, json};

use super::{client, line};

/// Any status, any field: the files take all that the API has.
fn scratch() -> ScratchProject {
    ScratchProject::new("Scratch")
        .status("Open", "Closed")
        .user_defined_field("Team", "Red", "Blue")
        .text_field("Notes")
        .unknown_id("BUG-999999")
}

fn skipped(report: &Report) -> Vec<(Check, &str)> {
    report.skipped().collect()
}

fn config() -> Value {
    json!({ "control_fields": { "status": ["Open", "Closed"] }, "attributes": ["title", "Team", "principal"] })
}

#[test]
fn keeps_the_contract() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("Scratch")).unwrap();
    let before = format!("{}\n{}", line("BUG-1"), line("BUG-7"));
    fs::write(root.path().join("Scratch/d.jsonl"), &before).unwrap();
    let attributes = r#"[{"name":"Team","valueType":"STRING"},{"name":"Done","valueType":"BOOLEAN"}]"#;
    fs::write(root.path().join("Scratch/UserDefinedAttributes.json"), attributes).unwrap();
    let client = client(root.path(), config());
    let report = conformance::check(&client, &scratch());
    report.assert_passed();
    assert_eq!(skipped(&report), []);
    assert_eq!(report.left_behind(), [""; 0]);
    let written = fs::read_to_string(root.path().join("Scratch/d.jsonl")).unwrap();
    assert_eq!(written.trim_ascii(), before, "the defects that were there are as they were");
}

#[test]
fn keeps_the_contract_of_a_read_only_client() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("Scratch")).unwrap();
    let before = format!("{}\n{}\n", line("BUG-1"), line("BUG-7"));
    fs::write(root.path().join("Scratch/d.jsonl"), &before).unwrap();
    let mut config = config();
    config["readonly"] = true.into();
    let report = conformance::check_read_only(&client(root.path(), config), &scratch());
    report.assert_passed();
    assert_eq!(skipped(&report), []);
    assert_eq!(fs::read_to_string(root.path().join("Scratch/d.jsonl")).unwrap(), before);
}
