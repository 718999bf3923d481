//! What is equal, but for what the list of differences has: [`without_successes`] and the like take that away.

use serde_json::{Value, json};

use super::{Twins, batch, context, create, defect, delete, extended, list, person, project, update};
use crate::both::{get, post};
use crate::meaning::sorted;

#[test]
fn both_services_answer_the_same_about_cloud() {
    run(&Twins::of(true));
}

#[test]
fn both_services_answer_the_same_about_data_center() {
    run(&Twins::of(false));
}

fn run(twins: &Twins) {
    facts(twins);
    reading(twins);
    changing(twins);
    corrections(twins);
    twins.both.assert_equal();
}

fn nothing(_: &mut Value) {}

/// Ours says of each defect of a list that it was read.
fn without_successes(set: &mut Value) {
    set["protocol"]["successes"] = json!({});
}

/// By name, without what the differences have: which are required, the status, the fields of other issue types, the
/// project's name.
fn comparable_fields(fields: &mut Value) {
    let mut all = fields.as_array().cloned().unwrap_or_default();
    all.retain(|field| field["name"] != "Status" && field["name"] != "Parent");
    for field in &mut all {
        field["mustField"] = Value::Null;
        if field["name"] == "Project" {
            field["value"] = Value::Null;
        }
    }
    *fields = sorted(all);
}

fn facts(twins: &Twins) {
    let described = |settings: &mut Value| settings["description"] = Value::Null;
    let settings = twins.same_but("settings", &get("/settings"), described, described);
    assert_eq!(settings["name"], "Parity");
    for query in ["", "?project=Shop%20App%20(SHOP)", "?project=Nothing%20(NO)"] {
        twins.same("login", &get(&format!("/check-login{query}")));
        twins.same("timestamps", &get(&format!("/supports-changes-timestamps{query}")));
    }
    let by_name = |list: &mut Value| *list = sorted(list.as_array().cloned().unwrap_or_default());
    twins.same_but("projects", &get("/projects"), by_name, by_name);
    let fields = get("/projects/control-fields?project=Shop%20App%20(SHOP)");
    let in_one_order = |fields: &mut Value| {
        for name in ["classification", "priority", "Issue Type"] {
            fields.as_object_mut().unwrap().remove(name);
        }
        fields["status"] = sorted(fields["status"].as_array().cloned().unwrap_or_default());
    };
    let known = twins.same_but("control fields", &fields, in_one_order, in_one_order);
    assert_eq!(known["Severity"], json!(["Critical", "Major", "Minor"]));
    for path in ["control-fields", "udfs"] {
        twins.same("an unknown project", &get(&format!("/projects/{path}?project=Nothing%20(NO)")));
    }
    let udfs = get("/projects/udfs?project=Shop%20App%20(SHOP)");
    let udfs = twins.same_but("user-defined fields", &udfs, comparable_fields, comparable_fields);
    assert!(udfs.as_array().is_some_and(|fields| fields.len() > 20), "{udfs}");
}

fn reading(twins: &Twins) {
    twins.each(|jira| an_issue_with_every_field(jira, twins.cloud));
    for key in ["SHOP", "BIG", "RO", "OTHER"] {
        let set = twins.same_but("list", &list(key, &context()), nothing, without_successes);
        assert!(!set["value"].as_array().unwrap().is_empty());
    }
    // The fields whose texts are the same in both; see the differences for the others.
    let names = ["Text", "Day", "Points", "Severity", "Platforms", "Labels", "Tags", "Broken in", "Tester", "Unknown"];
    let options: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), json!("ITB"))).collect();
    let with_fields = crate::data::with(context(), json!({ "udaSyncOptions": options }));
    let in_one_order = |set: &mut Value| {
        for defect in set["value"].as_array_mut().unwrap() {
            let fields = defect["userDefinedFields"].as_array().cloned().unwrap_or_default();
            defect["userDefinedFields"] = sorted(fields);
        }
        without_successes(set);
    };
    let set = twins.same_but("with further fields", &list("SHOP", &with_fields), in_one_order, in_one_order);
    let newest = set["value"][0]["userDefinedFields"].as_array().unwrap();
    assert_eq!(newest.len(), names.len() - 1, "{newest:?}");
    twins.same("a list of no project", &list("Nothing", &context()));
    let some = batch("SHOP", &["SHOP-3", "SHOP-1", "SHOP-99"]);
    let set = twins.same_but("batch", &some, nothing, without_successes);
    assert_eq!(super::ids(&set), ["SHOP-3", "SHOP-1"]);
    twins.same("a batch of nothing", &batch("SHOP", &[]));
    twins.same("a batch of no project", &batch("Nothing", &["SHOP-1"]));
    let comparable = |defect: &mut Value| comparable_fields(&mut defect["userDefinedFields"]);
    let view = twins.same_but("extended", &extended("SHOP", "SHOP-2"), comparable, comparable);
    assert_eq!(view["attributes"]["title"], "Defect 2");
    twins.same("extended, unknown", &extended("SHOP", "SHOP-99"));
    let changes = twins.same_but("history", &extended("HIST", "HIST-1"), comparable, comparable);
    assert_eq!(changes["attributes"].as_object().map(serde_json::Map::len), Some(7), "{changes}");
    let synced = crate::data::with(context(), json!({ "lastSync": "2026-02-01T11:57:00Z" }));
    let since = post(&format!("{}/defects/HIST-1/extended", project("HIST")), &synced);
    let changes = twins.same_but("history since the last synchronisation", &since, comparable, comparable);
    assert_eq!(changes["attributes"].as_object().map(serde_json::Map::len), Some(2), "{changes}");
}

/// As a person makes it in Jira, with an attachment.
fn an_issue_with_every_field(jira: &jira_fake::JiraFake, cloud: bool) {
    let id = |name: &str| jira.state().fields.iter().find(|field| field.name == name).unwrap().id.clone();
    let user = if cloud { json!({ "accountId": "5b10mia" }) } else { json!({ "name": "mia" }) };
    let text = |text: &str| json!({ "type": "text", "text": text });
    let paragraph = json!({ "type": "paragraph", "content": [text("Two"), { "type": "hardBreak" }, text("lines")] });
    let document = json!({ "version": 1, "type": "doc", "content": [paragraph] });
    let mut fields = json!({
        "project": { "key": "SHOP" }, "issuetype": { "name": "Task" }, "summary": "Preis falsch: 漢字 🐞 é \" \\",
        "description": if cloud { document } else { json!("Two\nlines") }, "labels": ["red", "blue"], "priority": { "name": "Low" }
    });
    for (name, value) in [
        ("Text", json!("a text")),
        ("Day", json!("2026-03-01")),
        ("Points", json!(3.5)),
        ("Severity", json!({ "value": "Major" })),
        ("Platforms", json!([{ "value": "Linux" }, { "value": "macOS" }])),
        ("Tags", json!(["x"])),
        ("Broken in", json!([{ "name": "1.0" }, { "name": "2.0" }])),
        ("Tester", user),
    ] {
        fields[id(name)] = value;
    }
    let person = person(jira, cloud);
    let issues = if cloud { "/rest/api/3/issue" } else { "/rest/api/2/issue" };
    let made = person.post(issues, &json!({ "fields": fields }));
    assert_eq!(made.status, 201, "{}", made.text());
    let file = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"log.txt\"\r\n\
                Content-Type: text/plain\r\n\r\nbytes\r\n--edge--\r\n";
    let headers = [("content-type", "multipart/form-data; boundary=edge"), ("x-atlassian-token", "no-check")];
    let path = format!("{issues}/{}/attachments", made.json()["key"].as_str().unwrap());
    assert_eq!(person.send("POST", &path, &headers, file.as_bytes()).status, 200);
}

fn changing(twins: &Twins) {
    let texts = json!([
        { "name": "Points", "value": "3.5" }, { "name": "Day", "value": "2026-03-01" }, { "name": "Text", "value": "a" },
        { "name": "Labels", "value": "red" }, { "name": "Components", "value": "" }
    ]);
    for (case, members) in [
        ("a new defect", json!({})),
        ("of another type", json!({ "classification": "Task", "priority": "Lowest" })),
        ("with a status", json!({ "status": "In Progress" })),
        ("with further fields", json!({ "userDefinedFields": texts })),
        ("by somebody", json!({ "reporter": "Mia Krystof" })),
        ("with a link", json!({ "references": ["https://wiki.example/page"] })),
    ] {
        let answer = twins.same(case, &create("SHOP", &defect(members)));
        let key = answer["value"].as_str().unwrap_or_default().to_owned();
        assert!(key.starts_with("SHOP-"), "{case}: {answer}");
        twins.same_issue(case, &key);
    }
    twins.same_but("a list of what was made", &list("SHOP", &context()), nothing, without_successes);

    let changed = json!({ "title": "Another title", "description": "Other\nlines", "priority": "Low" });
    twins.same("a change", &update("SHOP", "SHOP-1", &defect(changed)));
    twins.same_issue("a change", "SHOP-1");
    let retyped = json!({ "classification": "Task", "status": "In Progress" });
    twins.same("a change of type and status", &update("SHOP", "SHOP-1", &defect(retyped)));
    twins.same_issue("a change of type and status", "SHOP-1");
    twins.same("a change of no project", &update("Nothing", "SHOP-1", &defect(json!({}))));
    twins.same("a deletion", &delete("SHOP", "SHOP-4"));
    twins.same("a deletion of what is gone", &delete("SHOP", "SHOP-4"));
    twins.same("a deletion of no project", &delete("Nothing", "SHOP-1"));
    let [python, ours] = [&twins.python, &twins.ours].map(|jira| jira.state().keys("SHOP"));
    twins.both.compare("the issues that are left", "SHOP", &python, &ours);

    let no_id = |answer: &mut Value| answer["value"] = Value::Null;
    twins.same_but("read-only, create", &create("RO", &defect(json!({}))), no_id, nothing);
    twins.same("read-only, update", &update("RO", "RO-1", &defect(json!({}))));
    twins.same("read-only, delete", &delete("RO", "RO-1"));
    twins.same_but("create in no project", &create("Nothing", &defect(json!({}))), no_id, nothing);
    twins.same_but("without a title", &create("SHOP", &defect(json!({ "title": "" }))), no_id, nothing);

    let (name, secret) = if twins.cloud { ("mia@example.com", "api-token") } else { ("mia", "password") };
    let mia = json!({ "principal": { "username": name, "password": secret } });
    twins.same("as somebody else", &create("OWN", &defect(mia)));
    let issue = twins.same_issue("as somebody else", "OWN-1");
    assert_eq!(issue["fields"]["creator"]["displayName"], "Mia Krystof");

    for phase in ["before", "after"] {
        let body = json!({ "syncType": "manual", "syncContext": {} });
        twins.same("no hook", &post(&format!("{}/sync/{phase}", project("SHOP")), &body));
    }
}

fn corrections(twins: &Twins) {
    let with_local_key = |members: Value| defect(crate::data::with(members, json!({ "localPk": "7" })));
    let new = json!([
        with_local_key(json!({})),
        with_local_key(json!({ "status": "Nope" })),
        with_local_key(json!({ "status": "" })),
    ]);
    let results = json!({ "remote": { "create": new, "update": [], "delete": [] }, "local": null });
    let corrected = twins.same("correct", &post(&format!("{}/defects/correct", project("SHOP")), &results));
    assert_eq!(corrected["remote"]["create"].as_array().map(Vec::len), Some(1), "{corrected}");
}
