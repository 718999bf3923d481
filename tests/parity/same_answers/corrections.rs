//! What is left of the results of a synchronisation.

use serde_json::{Value, json};

use super::BENCH;
use crate::both::{Both, post, raw};
use crate::data::{full, with};
use crate::meaning::Meaning;

pub(super) fn send(both: &Both) {
    let correct = |body: &Value| post(&format!("{BENCH}/defects/correct"), body);
    let defects = |keys: &[&str]| -> Vec<Value> {
        [
            json!({}),
            json!({"status": "Open", "priority": "Low"}),
            json!({"status": "Unheard of"}),
            json!({"priority": "open"}),
            json!({"status": ""}),
            json!({"classification": ""}),
            json!({"priority": ""}),
            json!({"classification": "anything", "title": null, "userDefinedFields": null}),
        ]
        .into_iter()
        .enumerate()
        .map(|(number, members)| {
            let keys: serde_json::Map<_, _> =
                keys.iter().map(|key| ((*key).to_owned(), json!(format!("{key} {number}")))).collect();
            with(with(full(), members), Value::Object(keys))
        })
        .collect()
    };
    let known = defects(&["id", "localPk"]);
    let all = json!({
        "local": {"delete": known, "update": known, "create": defects(&["id"])},
        "remote": {"delete": known, "update": known, "create": defects(&["localPk"])},
    });
    // Where a list of user-defined fields is null, the Python service leaves null and ours has none.
    let null_as_empty = |meaning: &mut Meaning| null_lists_as_empty(&mut meaning.body);
    let corrected = both.same_but("correct, all lists", &correct(&all), null_as_empty);
    assert_eq!(corrected.body["local"]["create"].as_array().map(Vec::len), Some(3), "{corrected:?}");
    assert_eq!(corrected.body["local"]["delete"].as_array().map(Vec::len), Some(8));
    both.same_but(
        "correct, the project's control fields",
        &post("/projects/Own/defects/correct", &json!({ "local": {"create": defects(&["id"])} })),
        null_as_empty,
    );
    let encoded = post("/projects/Two%20words/defects/correct", &json!({ "remote": {"update": known} }));
    let encoded = both.same_but("correct, the control fields of a percent-encoded name", &encoded, null_as_empty);
    assert_eq!(encoded.body["remote"]["update"].as_array().map(Vec::len), Some(1), "{encoded:?}");
    for body in [
        json!({}),
        json!({"local": null, "remote": null}),
        json!({"local": {}}),
        json!({"remote": {"delete": null, "update": null, "create": null}}),
        json!({"local": {"delete": []}, "remote": {"create": []}, "later": 1}),
    ] {
        both.same(&format!("correct {body}"), &correct(&body));
    }
    both.same("correct, no body", &raw("POST", "/projects/Own/defects/correct", ""));
    both.same("correct, null", &raw("POST", "/projects/Own/defects/correct", "null"));
    both.same("correct, unknown project", &post("/projects/Nowhere/defects/correct", &json!({ "local": {} })));
}

fn null_lists_as_empty(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(null_lists_as_empty),
        Value::Object(members) => {
            for (key, value) in members {
                if matches!(key.as_str(), "userDefinedFields" | "references") && value.is_null() {
                    *value = json!([]);
                }
                null_lists_as_empty(value);
            }
        }
        _ => {}
    }
}
