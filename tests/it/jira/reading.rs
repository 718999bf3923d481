//! Reading: lists, batches, the extended view, what the tracker is like.

use jira_fake::{Effect, Fault};
use serde_json::{Value, json};

use super::{PROJECT, asked, both, is_cloud, serve};

#[test]
fn settings_projects_and_login_are_jiras() {
    for jira in both(0) {
        let host = serve(&jira, "name = \"Our Jira\"");
        let settings = host.client().get("/settings").json();
        assert_eq!((&settings["name"], &settings["readonly"]), (&json!("Our Jira"), &json!(false)));
        let projects = host.client().get("/projects").json();
        let mut names: Vec<_> = projects.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Another One (OTHER)", "Shop App (SHOP)"]);
        assert_eq!(host.client().get("/check-login").json(), json!(true));
        assert_eq!(host.client().get("/check-login?project=Nothing%20(NO)").json(), json!(false));
        assert_eq!(host.client().get("/readyz").status, 200);
    }
}

#[test]
fn a_list_has_every_issue_of_the_project_and_none_of_another_one() {
    for jira in both(620) {
        let host = serve(&jira, "defect_jql = \"project = '{project}' OR project = OTHER\"");
        let context = json!({ "statusAttribute": "status", "udaSyncOptions": { "Severity": "ITB" } });
        let answer = host.client().post(&format!("{PROJECT}/defects"), &context);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let set = answer.json();
        let ids: Vec<_> =
            set["value"].as_array().unwrap().iter().map(|defect| defect["id"].as_str().unwrap()).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!((ids.len(), sorted.len()), (620, 620));
        assert!(ids.iter().all(|id| id.starts_with("SHOP-")));
        assert_eq!(set["protocol"]["successes"].as_object().unwrap().len(), 620);
        assert_eq!((&set["protocol"]["errors"], &set["protocol"]["generalErrors"]), (&json!({}), &json!([])));
        let first = set["value"].as_array().unwrap().iter().find(|defect| defect["id"] == "SHOP-1").unwrap();
        assert_eq!(first["title"], "Defect 1");
        assert_eq!(first["classification"], "Bug");
        assert_eq!(first["userDefinedFields"], json!([{ "name": "Severity", "value": "", "mustField": false }]));
        assert_eq!(first["references"], json!([format!("{}/browse/SHOP-1", jira.url())]));
        let searches = asked(&jira.requests())
            .into_iter()
            .filter(|call| call.contains("search") && call.starts_with("POST"))
            .count();
        // 621 issues; Cloud gives no more than 100 at once when fields are asked for.
        assert_eq!(searches, if is_cloud(&jira) { 7 } else { 3 });
    }
}

#[test]
fn a_batch_of_a_hundred_takes_three_requests_and_names_what_is_not_there() {
    for jira in both(99) {
        let host = serve(&jira, "");
        assert_eq!(host.client().get("/projects").status, 200);
        jira.clear_requests();
        let mut ids: Vec<String> = (1..=99).rev().map(|number| format!("SHOP-{number}")).collect();
        let there = ids.clone();
        ids.extend(["SHOP-500", "OTHER-1", "no key", "shop-1"].map(str::to_owned));
        let answer =
            host.client().post(&format!("{PROJECT}/defects/batch"), &json!({ "defectIds": ids, "syncContext": {} }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let set = answer.json();
        let found: Vec<_> =
            set["value"].as_array().unwrap().iter().map(|defect| defect["id"].as_str().unwrap()).collect();
        assert_eq!(found, there, "in the order in which they were asked for");
        let warned: Vec<_> = set["protocol"]["warnings"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(warned, ["OTHER-1", "SHOP-500", "no key", "shop-1"]);
        assert_eq!(set["protocol"]["warnings"]["SHOP-500"][0]["code"], "DEFECT_NOT_FOUND");
        assert!(jira.requests().len() <= 3, "{:?}", asked(&jira.requests()));
    }
}

#[test]
fn the_extended_view_shows_the_configured_attributes_or_what_changed_of_them() {
    for jira in both(2) {
        let attributes = "attributes = [\"title\", \"status\", \"Severity\", \"Priority\"]";
        let path = format!("{PROJECT}/defects/SHOP-2/extended");
        let host = serve(&jira, attributes);
        let answer = host.client().post(&path, &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let view = answer.json();
        assert_eq!(view["attributes"]["title"], "Defect 2");
        assert_eq!(view["attributes"]["Severity"], "");
        assert_eq!(view["attributes"]["status"], view["status"]);
        assert!(view["userDefinedFields"].as_array().unwrap().len() > 10, "all fields of the issue type");
        for (id, status) in [("SHOP-9", 404), ("OTHER-1", 404), ("x%2F..%2FSHOP-1", 404)] {
            assert_eq!(
                host.client().post(&format!("{PROJECT}/defects/{id}/extended"), &json!({})).status,
                status,
                "{id}"
            );
        }
        drop(host);

        // More than the first page of the changes.
        jira.state().add_changes("SHOP-2", 130);
        let host = serve(
            &jira,
            "show_change_history = true\nattributes = [\"title\", \"status\", \"priority\", \"labels\", \"description\", \"summary\"]",
        );
        let view = host.client().post(&path, &json!({})).json();
        let changes = view["attributes"].as_object().unwrap();
        assert!(
            changes.len() >= 130,
            "{} of 130 changes on {}",
            changes.len(),
            if is_cloud(&jira) { "Cloud" } else { "DC" }
        );
        assert!(changes.values().all(|change| change.as_str().unwrap().contains(" → ")));
    }
}

#[test]
fn control_fields_and_attributes_are_those_of_the_project() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let fields = host.client().get("/projects/control-fields?project=Shop%20App%20(SHOP)").json();
        let has =
            |field: &str, value: &str| fields[field].as_array().is_some_and(|values| values.contains(&json!(value)));
        assert!(has("status", "In Review") && has("classification", "Bug") && has("priority", "High"), "{fields}");
        assert!(
            has("issuetype", "Task") && has("Priority", "High") && has("Component/s", "Backend")
                || has("Components", "Backend"),
            "{fields}"
        );
        assert_eq!(host.client().get("/projects/control-fields?project=Nothing%20(NO)").status, 404);
        let attributes = host.client().get("/projects/udfs?project=Shop%20App%20(SHOP)").json();
        let find = |name: &str| {
            attributes.as_array().unwrap().iter().find(|field| field["name"] == name).cloned().unwrap_or(Value::Null)
        };
        assert_eq!(find("Summary")["mustField"], true);
        assert_eq!(find("Severity")["mustField"], false);
        assert!(host.client().get("/projects/control-fields").json()["status"].is_array());
        assert!(host.client().get("/projects/udfs").json().as_array().unwrap().len() > 10);
    }
}

#[test]
fn what_jira_would_refuse_is_left_out_of_a_synchronisation() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let defect = |status: &str, classification: &str| {
            let mut defect =
                super::change(json!({ "status": status, "classification": classification }))["defect"].clone();
            defect["localPk"] = json!("7");
            defect
        };
        let results =
            json!({ "remote": { "create": [defect("Open", "Bug"), defect("Closed", "Bug"), defect("Open", "Epic")] } });
        let answer = host.client().post(&format!("{PROJECT}/defects/correct"), &results);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["remote"]["create"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_call_that_has_to_wait_longer_than_it_may_is_answered_at_once() {
    for jira in both(1) {
        let host = serve(&jira, "time_limit = 20");
        jira.fault(Fault::on("GET", "/project", Effect::answer(429).with_header("Retry-After", "21")));
        let answer = host.client().get("/projects");
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("Jira asks to wait 21 s"), "{}", answer.text());
        assert_eq!(host.client().get("/projects").status, 200);
    }
}
