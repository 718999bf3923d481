//! The contract of a defect client, checked by the suite that every plugin can run, on a fake of both kinds of Jira.

use defect_plugin_api::DefectClient;
use defect_plugin_api::conformance::{self, Check, Field, ScratchProject};
use jira_fake::{JiraFake, Options};
use serde_json::json;

use super::JiraDefectClient;

fn started(options: Options) -> JiraFake {
    let jira = options.start().unwrap();
    jira.state().add_project("SCR", "Scratch");
    jira.state().add_fields_of_every_type("SCR");
    jira.state().add_issues("SCR", 2);
    jira
}

fn client(jira: &JiraFake, username: &str, password: &str) -> JiraDefectClient {
    let config = json!({ "server_url": jira.url(), "username": username, "password": password });
    JiraDefectClient::new(serde_json::from_value(config).unwrap()).unwrap()
}

fn scratch() -> ScratchProject {
    ScratchProject::new("Scratch (SCR)")
        .status("Open", "In Progress")
        .classification("Bug", "Task")
        .text_field("Notes")
        .user_defined_field("Severity", "Major", "Minor")
        .unknown_id("SCR-999999")
        .does_not_keep(Field::LastEdited, "Jira sets the time itself")
        .does_not_keep(Field::Reporter, "a reporter is one of Jira's users")
        .does_not_keep(Field::References, "those are the links to the issue and its attachments")
        .does_not_keep(Field::Principal, "Jira shows its own users")
        .does_not_keep(Field::UserDefinedFields, "a list has those that the synchronisation's context names")
        .skip(Check::AbsentTexts, "an issue has a summary")
        .skip(Check::LargeTexts, "a text has 32,767 characters at most")
        .skip(Check::UserDefinedTexts, "a list has those that the synchronisation's context names")
}

#[test]
fn keeps_the_contract_on_cloud() {
    let jira = started(JiraFake::cloud());
    let scratch = scratch().skip(Check::ControlCharacters, "rich text knows line breaks, and no carriage returns");
    conformance::check(&client(&jira, "fred@example.com", "api-token"), &scratch).assert_passed();
}

#[test]
fn keeps_the_contract_on_data_center() {
    let jira = started(JiraFake::data_center());
    conformance::check(&client(&jira, "fred", "password"), &scratch()).assert_passed();
}
