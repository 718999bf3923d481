use jira_fake::JiraFake;
use serde_json::{Value, json};

use super::{Twins, batch, create, defect, delete, general_error, project, update};
use crate::both::post;

/// The id that each gave to a new defect.
fn made(answers: &[Value; 2]) -> [&str; 2] {
    answers.each_ref().map(|answer| answer["value"].as_str().unwrap_or_default())
}

/// What Jira holds of an issue's field: the Python service's, then ours.
fn field(twins: &Twins, keys: [&str; 2], id: &str) -> [Value; 2] {
    let of = |jira: &JiraFake, key| jira.state().issue(key).unwrap()["fields"][id].clone();
    [of(&twins.python, keys[0]), of(&twins.ours, keys[1])]
}

/// The texts of our warnings about a defect.
fn warnings(protocol: &Value, key: &str) -> String {
    let warnings = protocol["warnings"][key].as_array().cloned().unwrap_or_default();
    warnings.iter().map(|warning| format!("{}\n", warning["message"].as_str().unwrap())).collect()
}

pub(super) fn a_status_out_of_reach_is_a_warning(twins: &Twins) {
    let answers = twins.bodies(&create("FLOW", &defect(json!({ "status": "Done" }))));
    let keys = made(&answers);
    let [python, ours] = answers.each_ref().map(|answer| &answer["protocol"]);
    for (protocol, key) in [(python, keys[0]), (ours, keys[1])] {
        assert_eq!(protocol["successes"][key][0]["code"], "INSERT_SUCCESS");
    }
    assert_eq!(field(twins, keys, "status").map(|status| status["name"].clone()), ["Open", "Open"]);
    assert_eq!(python["warnings"], json!({}));
    assert!(warnings(ours, keys[1]).contains("`In Progress`"), "{ours}");
}

pub(super) fn what_cannot_be_written_is_a_warning(twins: &Twins) {
    let fields = json!([
        { "name": "Unknown", "value": "x" }, { "name": "Points", "value": "many" }, { "name": "Tester", "value": "Nobody" }
    ]);
    let answers = twins.bodies(&create("FLOW", &defect(json!({ "userDefinedFields": fields }))));
    let keys = made(&answers);
    assert!(keys.iter().all(|key| key.starts_with("FLOW-")), "{answers:?}");
    assert_eq!(answers[0]["protocol"]["warnings"], json!({}));
    let said = warnings(&answers[1]["protocol"], keys[1]);
    for words in ["`Unknown`", "`Points` is no number", "`Nobody`"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let answers = twins.bodies(&create("FLOW", &defect(json!({ "priority": "Nope" }))));
    assert_eq!(made(&answers)[0], "");
    assert_eq!(general_error(&answers[0]["protocol"]), "INSERT_ERROR");
    let said = warnings(&answers[1]["protocol"], made(&answers)[1]);
    assert!(said.contains("`Nope`") && said.contains("`Highest`"), "{said}");
}

pub(super) fn choices_are_set(twins: &Twins) {
    let fields = json!([{ "name": "Severity", "value": "Major" }]);
    let answers = twins.bodies(&create("FLOW", &defect(json!({ "userDefinedFields": fields }))));
    let id = twins.ours.state().fields.iter().find(|field| field.name == "Severity").unwrap().id.clone();
    let [python, ours] = field(twins, made(&answers), &id).map(|value| value["value"].clone());
    assert_eq!(python, if twins.cloud { json!("Major") } else { Value::Null });
    assert_eq!(ours, "Major");
}

pub(super) fn an_absent_text_is_no_text(twins: &Twins) {
    let answers = twins.bodies(&create("FLOW", &defect(json!({ "description": null }))));
    let keys = made(&answers);
    let [python, ours] = field(twins, keys, "description");
    assert!(python.to_string().contains("\"None\""), "{python}");
    assert_eq!(ours, Value::Null);
}

pub(super) fn a_create_that_failed_has_no_id(twins: &Twins) {
    let answers = twins.bodies(&create("FLOW", &defect(json!({ "title": "" }))));
    assert_eq!(answers.each_ref().map(|answer| &answer["value"]), [&json!(""), &Value::Null]);
    assert_eq!(answers.each_ref().map(|answer| general_error(&answer["protocol"])), ["INSERT_ERROR"; 2]);
}

pub(super) fn an_update_sends_what_is_different(twins: &Twins) {
    let [read, _] = twins.bodies(&batch("EDIT", &["EDIT-1"]));
    let mut changed = read["value"][0].clone();
    changed["title"] = json!("Another title");
    let _ = twins.ask(&update("EDIT", "EDIT-1", &changed));
    twins.each(JiraFake::clear_requests);
    changed["title"] = json!("A third title");
    assert_eq!(twins.ask(&update("EDIT", "EDIT-1", &changed)).statuses(), (200, 200));
    assert_eq!(field(twins, ["EDIT-1"; 2], "summary"), ["A third title", "A third title"]);
    let sent = |jira: &JiraFake| {
        let put = jira.requests().into_iter().find(|request| request.method == "PUT").unwrap();
        put.json()["fields"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert!(sent(&twins.python).len() > 3, "{:?}", sent(&twins.python));
    assert_eq!(sent(&twins.ours), ["summary"]);
    assert!(twins.python.requests().len() > twins.ours.requests().len());
}

pub(super) fn issues_of_other_projects_are_not_changed(twins: &Twins) {
    let new_title = defect(json!({ "title": "Changed from outside" }));
    let [python, ours] = twins.bodies(&update("SHOP", "RO-1", &new_title));
    assert!(python["successes"]["RO-1"].is_array(), "{python}");
    assert_eq!(general_error(&ours), "DEFECT_NOT_FOUND");
    assert_eq!(field(twins, ["RO-1"; 2], "summary"), ["Changed from outside", "Defect 1"]);
    let [python, ours] = twins.bodies(&delete("SHOP", "RO-1"));
    assert!(python["successes"]["RO-1"].is_array(), "{python}");
    assert_eq!(general_error(&ours), "NO_DEFECT_FOUND");
    assert_eq!((twins.python.state().keys("RO").len(), twins.ours.state().keys("RO").len()), (0, 1));
}

pub(super) fn an_update_of_nothing(twins: &Twins) {
    let answers = twins.bodies(&update("SHOP", "SHOP-99", &defect(json!({}))));
    assert_eq!(answers.each_ref().map(general_error), ["NO_DEFECT_FOUND", "DEFECT_NOT_FOUND"]);
}

pub(super) fn settings_under_the_key_count(twins: &Twins) {
    let [python, ours] = twins.bodies(&create("KEYED", &defect(json!({}))));
    assert_eq!(python["value"], "KEYED-1");
    assert_eq!(ours["protocol"]["errors"]["Set By Key (KEYED)"][0]["code"], "INSERT_ACCESS_ERROR", "{ours}");
    assert_eq!(twins.ours.state().keys("KEYED"), [""; 0]);
}

pub(super) fn what_jira_would_refuse_is_left_out(twins: &Twins) {
    let with = |members: Value| defect(crate::data::with(members, json!({ "localPk": "7" })));
    let new = json!([with(json!({ "classification": "Epic" })), with(json!({ "priority": "Nope" }))]);
    let results = json!({ "remote": { "create": new } });
    let [python, ours] = twins.bodies(&post(&format!("{}/defects/correct", project("SHOP")), &results));
    let kept = |results: &Value| results["remote"]["create"].as_array().map(Vec::len);
    assert_eq!((kept(&python), kept(&ours)), (Some(2), Some(0)));
    assert_eq!((&python["remote"]["update"], &ours["remote"]["update"]), (&json!([]), &Value::Null));
}
