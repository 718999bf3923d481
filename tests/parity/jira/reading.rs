use jira_fake::{Effect, Fault};
use serde_json::{Value, json};

use super::{Twins, batch, context, extended, general_error, ids, list, project};
use crate::both::get;

pub(super) fn a_list_that_is_not_whole_says_so(twins: &Twins) {
    let path = if twins.cloud { "/search/jql" } else { "/search" };
    twins.each(|jira| jira.fault(Fault::on("", path, Effect::answer(500)).after(1).times(100)));
    let [python, ours] = twins.bodies(&list("BIG", &context()));
    twins.each(jira_fake::JiraFake::clear_faults);
    assert_eq!((ids(&python).len(), general_error(&python["protocol"])), (0, "NO_DEFECT_FOUND"));
    assert_eq!((ids(&ours).len(), general_error(&ours["protocol"])), (100, "READ_ACCESS_ERROR"));
}

pub(super) fn a_project_without_defects_is_no_error(twins: &Twins) {
    let [python, ours] = twins.bodies(&list("NONE", &context()));
    assert_eq!([&python, &ours].map(|set| ids(set).len()), [0, 0]);
    assert_eq!([&python, &ours].map(|set| general_error(&set["protocol"])), ["NO_DEFECT_FOUND", ""]);
}

pub(super) fn what_was_read_is_a_success(twins: &Twins) {
    for call in [list("RO", &context()), batch("RO", &["RO-1"])] {
        let [python, ours] = twins.bodies(&call);
        assert_eq!(python["protocol"]["successes"], json!({}));
        assert_eq!(ours["protocol"]["successes"]["RO-1"][0]["code"], "IMPORT_SUCCESS");
    }
}

pub(super) fn issues_of_other_projects_are_not_served(twins: &Twins) {
    let [python, ours] = twins.bodies(&batch("SHOP", &["OTHER-1"]));
    assert_eq!(ids(&python), ["OTHER-1"]);
    assert_eq!(ids(&ours), [""; 0]);
    assert_eq!(ours["protocol"]["warnings"]["OTHER-1"][0]["code"], "DEFECT_NOT_FOUND");
    assert_eq!(twins.ask(&extended("SHOP", "OTHER-1")).statuses(), (200, 404));
}

pub(super) fn an_id_twice_is_one_defect(twins: &Twins) {
    let [python, ours] = twins.bodies(&batch("SHOP", &["SHOP-2", "SHOP-2"]));
    assert_eq!((ids(&python), ids(&ours)), (vec!["SHOP-2", "SHOP-2"], vec!["SHOP-2"]));
}

pub(super) fn a_batch_is_few_requests(twins: &Twins) {
    let asked: Vec<String> = (1..=100).map(|number| format!("BIG-{number}")).collect();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    // Once for the metadata.
    let _ = twins.ask(&batch("BIG", &asked[..1]));
    twins.each(jira_fake::JiraFake::clear_requests);
    let [python, ours] = twins.bodies(&batch("BIG", &asked));
    assert_eq!([&python, &ours].map(|set| ids(set).len()), [100, 100]);
    assert!(twins.python.requests().len() >= 100);
    assert_eq!(twins.ours.requests().len(), 1);
}

pub(super) fn what_the_context_does_not_name_is_the_usual(twins: &Twins) {
    let [python, ours] = twins.bodies(&list("RO", &json!({})));
    let of = |set: &Value| {
        ["status", "priority", "classification"].map(|key| set["value"][0][key].as_str().unwrap().to_owned())
    };
    assert_eq!(of(&python), ["", "", ""]);
    assert_eq!(of(&ours), ["Open", "Highest", "Bug"]);
}

pub(super) fn values_are_what_people_read(twins: &Twins) {
    twins.each(|jira| {
        let mut state = jira.state();
        let find = |state: &jira_fake::State, name: &str| {
            state.fields.iter().find(|field| field.name == name).unwrap().clone()
        };
        let (place, moment) = (find(&state, "Place"), find(&state, "Moment"));
        let (shop, cart) = (&place.options[0].id, &place.options[0].children[0].id);
        state.set_field("SHOP-1", &place.id, json!({ "id": shop, "child": cart }));
        state.set_field("SHOP-1", &moment.id, json!("2026-01-31T12:00:00.000+0000"));
    });
    let options = json!({ "udaSyncOptions": { "Place": "ITB", "Moment": "ITB" } });
    let of = |set: &Value, name: &str| {
        let issue = set["value"].as_array().unwrap().iter().find(|defect| defect["id"] == "SHOP-1").unwrap();
        let fields = issue["userDefinedFields"].as_array().unwrap();
        fields.iter().find(|field| field["name"] == name).unwrap()["value"].as_str().unwrap().to_owned()
    };
    let [python, ours] = twins.bodies(&list("SHOP", &crate::data::with(context(), options)));
    assert_eq!([&python, &ours].map(|set| of(set, "Place")), ["Shop - Cart", "Shop / Cart"]);
    assert_eq!(of(&python, "Moment"), of(&ours, "Moment"));
    let [python, ours] = twins.bodies(&extended("RO", "RO-1"));
    let of = |view: Value| {
        let fields = view["userDefinedFields"].as_array().unwrap().clone();
        fields.into_iter().find(|field| field["name"] == "Project").unwrap()["value"].clone()
    };
    assert_eq!([of(python), of(ours)], ["RO", "Read Only"]);
}

pub(super) fn the_change_history_is_whole(twins: &Twins) {
    let [python, ours] =
        twins.bodies(&extended("HIST", "HIST-2")).map(|view| view["attributes"].as_object().unwrap().len());
    assert_eq!((python, ours), (if twins.cloud { 100 } else { 130 }, 130));
}

pub(super) fn the_extended_view_has_the_fields_of_the_project(twins: &Twins) {
    // Only sub-tasks have a parent.
    let has_parent =
        |view: Value| view["userDefinedFields"].as_array().unwrap().iter().any(|field| field["name"] == "Parent");
    assert_eq!(twins.bodies(&extended("RO", "RO-1")).map(has_parent), [!twins.cloud, true]);
}

pub(super) fn control_fields_have_the_names_of_defects(twins: &Twins) {
    let [python, ours] = twins.bodies(&get(&format!(
        "/projects/control-fields?project={}",
        project("SHOP").trim_start_matches("/projects/")
    )));
    assert_eq!((&python["priority"], &python["classification"]), (&Value::Null, &Value::Null));
    assert_eq!((&ours["priority"], &ours["classification"]), (&python["Priority"], &python["issuetype"]));
    assert_eq!((&python["Issue Type"], &ours["Issue Type"]), (&json!(["Sub-task"]), &python["issuetype"]));
    assert_eq!(python["status"], json!(["Done", "In Progress", "In Review", "Open"]));
    assert_eq!(ours["status"], json!(["Open", "In Progress", "In Review", "Done"]));
}

pub(super) fn control_fields_of_no_project(twins: &Twins) {
    let answers = twins.ask(&get("/projects/control-fields"));
    assert_eq!(answers.statuses(), (if twins.cloud { 200 } else { 500 }, 200));
    assert_eq!(answers.python.json()["Severity"].is_array(), twins.cloud);
    let ours = answers.ours.json();
    let names: Vec<_> = ours.as_object().unwrap().keys().collect();
    assert_eq!(names, ["priority", "status"]);
}

pub(super) fn required_fields_are_said(twins: &Twins) {
    let udfs = get("/projects/udfs?project=Shop%20App%20(SHOP)");
    let [python, ours] = twins.bodies(&udfs).map(|fields| fields.as_array().unwrap().clone());
    let find = |fields: &[Value], name: &str| fields.iter().find(|field| field["name"] == name).cloned();
    assert!(python.iter().all(|field| field["mustField"].is_null()));
    assert_eq!(find(&ours, "Summary").unwrap()["mustField"], true);
    assert_eq!(find(&ours, "Labels").unwrap()["mustField"], false);
    assert!(find(&python, "Status").is_some() && find(&ours, "Status").is_none());
}

pub(super) fn the_settings_name_the_address(twins: &Twins) {
    let [python, ours] = twins.bodies(&get("/settings")).map(|settings| settings["description"].clone());
    assert!(!python.as_str().unwrap().contains("jira.example"), "{python}");
    assert!(ours.as_str().unwrap().contains("http://jira.example"), "{ours}");
}
