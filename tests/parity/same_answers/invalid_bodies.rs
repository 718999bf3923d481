//! What is refused, and which fields are said to be at fault.

use serde_json::{Value, json};

use crate::both::{Both, get, post, put, raw};
use crate::data::{full, minimal, request, with};
use crate::meaning::Meaning;

pub(super) fn send(both: &Both) {
    let to = |operation: &str| format!("/projects/Own/defects/{operation}");
    let create = |body: &Value| post(&to("create"), body);
    let with_defect = |members: Value| request(&with(full(), members));
    for operation in ["create", "batch", "BUG-1/delete"] {
        for body in ["", "null", "{", "{\"defect\":}", "\u{0}", "[1,]", "'a'"] {
            both.same(&format!("{operation}, no JSON"), &raw("POST", &to(operation), body));
        }
        both.same(&format!("{operation}, no UTF-8"), &raw("POST", &to(operation), b"{\"defect\": \"\xff\"}"));
        both.same(&format!("{operation}, a list"), &post(&to(operation), &json!([1])));
        both.same(&format!("{operation}, a text"), &post(&to(operation), &json!("a")));
    }
    both.same("update, no body", &raw("PUT", &to("BUG-1/update"), ""));
    both.same("update, malformed", &raw("PUT", &to("BUG-1/update"), "{"));
    both.same("update, no defect", &put(&to("BUG-1/update"), &json!({ "syncContext": {} })));
    both.same("defects, malformed", &raw("POST", "/projects/Own/defects", "{"));
    for body in [" ", "\r\n\t", "\u{c}", "\u{c}null", " \n{} ", " null "] {
        for operation in ["BUG-1/extended", "correct"] {
            both.same(&format!("{operation}, {body:?}"), &raw("POST", &to(operation), body));
        }
    }
    both.same("extended, malformed", &raw("POST", &to("BUG-1/extended"), "}"));
    both.same("correct, malformed", &raw("POST", &to("correct"), "{\"local\""));
    for body in [
        json!({"syncContext": {}}),
        json!({"defect": null, "syncContext": {}}),
        json!({"defect": 5, "syncContext": {}}),
    ] {
        both.same("create, no defect", &create(&body));
    }
    for key in ["status", "classification", "priority", "lastEdited", "principal"] {
        let mut defect = full();
        defect.as_object_mut().unwrap().remove(key);
        both.same(&format!("create without {key}"), &create(&request(&defect)));
    }
    for members in [
        json!({"lastEdited": null}),
        json!({"principal": null}),
        json!({"description": 5}),
        json!({"description": ["a"]}),
        json!({"lastEdited": "yesterday"}),
        json!({"lastEdited": "2026-01-31T12:00:00"}),
        json!({"lastEdited": "2026-02-30T12:00:00Z"}),
        json!({"lastEdited": "2026-01-31T25:00:00Z"}),
        json!({"lastEdited": ""}),
        json!({"lastEdited": []}),
        json!({"lastEdited": "2026-01-31"}),
        json!({"lastEdited": "2026-06-30T23:59:60Z"}),
        json!({"lastEdited": "2026-01-31T24:00:00Z"}),
        json!({"lastEdited": "0000-12-31T00:00:00Z"}),
        json!({"lastEdited": "10000-01-01T00:00:00Z"}),
        json!({"lastEdited": "2026-01-31T12:00:00+24:00"}),
        json!({"lastEdited": " 2026-01-31T12:00:00Z "}),
        json!({"references": "a"}),
        json!({"references": ["a", 1, null]}),
        json!({"userDefinedFields": {}}),
        json!({"userDefinedFields": [{}, {"name": "a", "value": 5}, "b", null]}),
        json!({"principal": "anna"}),
        json!({"principal": {}}),
        json!({"principal": {"username": "anna"}}),
        json!({"principal": {"username": null, "password": 5}}),
        json!({"description": 5, "lastEdited": "now", "references": [[]], "principal": {"username": 1}}),
    ] {
        both.same(&format!("create with {members}"), &create(&with_defect(members)));
    }
    for context in [
        json!({"lastSync": "y"}),
        json!({"serverTime": "2026-13-01T00:00:00Z"}),
        json!({"syncOption": "x"}),
        json!({"statusSyncOption": "itb"}),
        json!({"udaSyncOptions": {"Component": "x", "Other": 1}}),
        json!({"udaSyncOptions": []}),
        json!({"importNewDefects": "perhaps"}),
        json!({"iTBProject": 5, "classAttribute": {}, "syncOption": null}),
        json!([1]),
        json!("context"),
    ] {
        both.same(&format!("defects with {context}"), &post("/projects/Own/defects", &context));
        let body = json!({ "defectIds": [], "syncContext": context });
        both.same(&format!("batch with {context}"), &post(&to("batch"), &body));
    }
    for ids in [json!(null), json!("BUG-1"), json!([1]), json!(["BUG-1", null, {}, []]), json!({})] {
        both.same(&format!("batch of {ids}"), &post(&to("batch"), &json!({ "defectIds": ids, "syncContext": {} })));
    }
    both.same("batch without ids", &post(&to("batch"), &json!({ "syncContext": {} })));
    for body in [
        json!({"local": 5}),
        json!({"remote": []}),
        json!({"local": {"create": {}}}),
        json!({"local": {"create": [{}], "delete": [minimal()]}, "remote": {"update": [1], "create": [minimal()]}}),
    ] {
        both.same(&format!("correct {body}"), &post(&to("correct"), &body));
    }
    for body in [
        json!({"syncContext": {}}),
        json!({"syncType": 5, "syncContext": {}}),
        json!({"syncType": "manual", "syncContext": 1}),
    ] {
        both.same(&format!("sync {body}"), &post("/projects/Own/sync/before", &body));
        both.same(&format!("sync {body}"), &post("/projects/Own/sync/after", &body));
    }
    for name in ["..%2F", "%2E%2E", "..%2F..%2Fetc", "%2Fetc", "Own%2F..%2F..%2Fdata2"] {
        let strip = |meaning: &mut Meaning| {
            // Ours also names the field.
            if let Some(body) = meaning.body.as_object_mut() {
                body.remove("errors");
            }
        };
        both.same_but("a name outside", &get(&format!("/check-login?project={name}")), strip);
        both.same_but("a name outside", &get(&format!("/projects/udfs?project={name}")), strip);
        both.same_but("a name outside", &post(&format!("/projects/{name}/defects"), &json!({})), strip);
        both.same_but("a name outside", &post(&format!("/projects/{name}/defects/create"), &request(&full())), strip);
        let update = put(&format!("/projects/{name}/defects/BUG-1/update"), &request(&full()));
        both.same_but("a name outside", &update, strip);
        let delete = post(&format!("/projects/{name}/defects/BUG-1/delete"), &request(&full()));
        both.same_but("a name outside", &delete, strip);
        both.same_but("a name outside", &post(&format!("/projects/{name}/defects/BUG-1/extended"), &json!({})), strip);
        let batch = json!({ "defectIds": ["BUG-1"], "syncContext": {} });
        both.same_but("a name outside", &post(&format!("/projects/{name}/defects/batch"), &batch), strip);
    }
}
