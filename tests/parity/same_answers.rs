//! Everything that is equal: one sequence of requests, then the data that it leaves.

mod corrections;
mod invalid_bodies;

use serde_json::{Value, json};

use crate::both::{Both, Call, get, post, put, raw};
use crate::data::{CONFIG, fill, full, minimal, request, with};
use crate::directories;
use crate::meaning::sorted;

const SHOP: &str = "/projects/Shop%20App%20(SHOP)";
const BENCH: &str = "/projects/Pr%C3%BCfstand";

#[test]
fn both_services_answer_the_same_and_leave_the_same_data() {
    let both = Both::start(CONFIG, fill);
    facts(&both);
    refusals(&both);
    lists(&both);
    changes(&both);
    invalid_bodies::send(&both);
    corrections::send(&both);
    sync_hooks(&both);
    both.compare("the hooks' arguments", "hook.log", &both.read("hook.log").0, &both.read("hook.log").1);
    directories::compare(&both);
    each_reads_what_the_other_wrote(&both);
    both.assert_equal();
}

fn facts(both: &Both) {
    let meaning = both.same("settings", &get("/settings").with_credentials(None));
    assert_eq!(meaning.body["name"], json!("Parity"));
    both.same("settings with a slash at the end", &get("/settings/"));
    both.same("the root leads to the documents", &get("/").with_credentials(None));
    both.same_but("the documents' page", &get("/docs").with_credentials(None), |meaning| meaning.body = Value::Null);
    for (case, query) in [
        ("no project", ""),
        ("an empty project", "?project="),
        ("a project", "?project=Shop%20App%20(SHOP)"),
        ("a plus for a space", "?project=Shop+App+(SHOP)"),
        ("a UTF-8 name", "?project=Pr%C3%BCfstand"),
        ("an unknown project", "?project=Nowhere"),
        ("the first of two projects", "?project=Own&project=Nowhere"),
        ("another parameter", "?projekt=Own"),
        ("a project with an override", "?project=Own"),
    ] {
        both.same(&format!("check-login, {case}"), &get(&format!("/check-login{query}")));
        both.same(&format!("control-fields, {case}"), &get(&format!("/projects/control-fields{query}")));
        both.same(&format!("udfs, {case}"), &get(&format!("/projects/udfs{query}")));
        both.same(&format!("timestamps, {case}"), &get(&format!("/supports-changes-timestamps{query}")));
    }
    // The file system decides on the order.
    both.same_but("projects", &get("/projects"), |meaning| {
        meaning.body = sorted(meaning.body.as_array().cloned().unwrap_or_default());
    });
}

fn refusals(both: &Both) {
    let wrong = [Some(("tester", "wrong")), Some(("nobody", "correct horse")), Some(("", "")), None];
    for credentials in wrong {
        both.same("credentials", &get("/projects").with_credentials(credentials));
        both.same(
            "credentials before the body",
            &raw("POST", &format!("{SHOP}/defects"), "{").with_credentials(credentials),
        );
        both.same("credentials before the route", &get("/nowhere").with_credentials(credentials));
    }
    for header in ["Bearer abc", "Basic", "Basic !!!", "Basic dGVzdGVy", "Basic /w=="] {
        both.same("no credentials", &get("/projects").with_credentials(None).with_header("authorization", header));
    }
    // What is cut differently gives the same hash.
    both.same(
        "user and password run together",
        &get("/check-login").with_credentials(Some(("testerc", "orrect horse"))),
    );
    for path in ["/nowhere", "/projects/Own", "/projects/Own/defects/BUG-1", "/projects/Own/sync", "/settings/x"] {
        both.same("unknown route", &get(path));
    }
    both.same("only the head", &raw("HEAD", "/check-login", ""));
    both.same("no icon", &get("/favicon.ico").with_credentials(None));
    for (method, path) in [
        ("POST", "/settings"),
        ("DELETE", "/projects"),
        ("PUT", "/projects/Own/defects"),
        ("GET", "/projects/Own/defects"),
        ("GET", "/projects/Own/defects/create"),
        ("POST", "/projects/Own/defects/BUG-1/update"),
        ("PUT", "/projects/Own/defects/BUG-1/delete"),
        ("PATCH", "/projects/Own/sync/before"),
    ] {
        both.same("wrong method", &raw(method, path, ""));
    }
}

fn lists(both: &Both) {
    let context = json!({
        "iTBProject": "Shop", "lastSync": "2026-01-31T12:00:00Z", "statusAttribute": "status",
        "statusSyncOption": "ITB", "priorityAttribute": "priority", "prioritySyncOption": "DMS",
        "classAttribute": "classification", "classSyncOption": "TIMESTAMP", "serverTime": "2026-02-01T00:00:00.5+14:00",
        "udaSyncOptions": {"Component": "DMS"}, "syncOption": "FORCE_PUBLISH", "importNewDefects": true,
    });
    for (case, body) in [
        ("no body", String::new()),
        ("null", "null".to_owned()),
        ("an empty context", "{}".to_owned()),
        ("a full context", context.to_string()),
        ("a context of nulls", r#"{"iTBProject":null,"lastSync":null,"udaSyncOptions":null}"#.to_owned()),
        (
            "instants without an offset",
            r#"{"lastSync":"2026-01-31T12:00:00","serverTime":"2026-01-31 12:00"}"#.to_owned(),
        ),
        ("unknown keys", r#"{"later":[{}]}"#.to_owned()),
        ("another content type", "{}".to_owned()),
    ] {
        let defects = |path: &str| {
            let call = raw("POST", path, &body);
            if case.starts_with("another") { call.with_header("content-type", "text/plain") } else { call }
        };
        both.same(&format!("defects, {case}"), &defects(&format!("{SHOP}/defects")));
        both.same(&format!("extended, {case}"), &defects(&format!("{SHOP}/defects/BUG-1/extended")));
    }
    let listed = both.same("defects", &post(&format!("{SHOP}/defects"), &json!({})));
    assert_eq!(listed.body["value"].as_array().map(Vec::len), Some(4), "{listed:?}");
    both.same("defects, an empty file", &post(&format!("{BENCH}/defects"), &json!({})));
    both.same("defects, unknown project", &post("/projects/Nowhere/defects", &json!({})));
    both.same("defects, no file", &post("/projects/No%20files/defects", &json!({})));
    let malformed = both.same("defects, a malformed line", &post("/projects/Malformed/defects", &json!({})));
    assert_eq!(malformed.body["protocol"]["generalWarnings"][0]["code"], json!("IMPORT_WARNING"), "{malformed:?}");

    let batch = |project: &str, ids: Value| {
        post(&format!("{project}/defects/batch"), &json!({ "defectIds": ids, "syncContext": {} }))
    };
    both.same("batch, in the file's order", &batch(SHOP, json!(["7", "BUG-1"])));
    both.same("batch, missing ids", &batch(SHOP, json!(["BUG-404", "BUG-2", "BUG-40", "ü"])));
    both.same("batch, no ids", &batch(SHOP, json!([])));
    both.same("batch, an id twice", &batch(SHOP, json!(["BUG-2", "BUG-2", "BUG-404", "BUG-404"])));
    both.same("batch, an empty id", &batch(SHOP, json!(["", "BUG-2"])));
    both.same("batch, an empty file", &batch(BENCH, json!(["BUG-1"])));
    both.same("batch, unknown project", &batch("/projects/Nowhere", json!(["BUG-1"])));
    both.same("batch, a malformed line", &batch("/projects/Malformed", json!(["BUG-3", "BUG-2"])));

    let extended = |project: &str, id: &str| post(&format!("{project}/defects/{id}/extended"), &json!({}));
    let own_and_user_defined = both.same("extended", &extended(SHOP, "BUG-1"));
    assert_eq!(own_and_user_defined.body["attributes"]["Component"], json!("Checkout"));
    both.same("extended, the project's attributes", &extended("/projects/Own", "BUG-1"));
    both.same("extended, unknown id", &extended(SHOP, "BUG-404"));
    both.same("extended, unknown project", &extended("/projects/Nowhere", "BUG-1"));
    both.same("extended, no file", &extended("/projects/No%20files", "BUG-1"));
}

fn changes(both: &Both) {
    let create = |project: &str, defect: &Value| post(&format!("{project}/defects/create"), &request(defect));
    let listed = |case: &str, project: &str| both.same(case, &post(&format!("{project}/defects"), &json!({})));
    let of_minimal = |members: Value| with(minimal(), members);
    let first = both.same("create in an empty file", &create(BENCH, &full()));
    assert_eq!(first.body["value"], json!("BUG-1"));
    let next = both.same("create after the largest number", &create(SHOP, &full()));
    assert_eq!(next.body["value"], json!("BUG-8"));
    for (case, defect) in [
        ("minimal", minimal()),
        ("300 characters", of_minimal(json!({ "title": "ä".repeat(300), "status": "🐞".repeat(256) }))),
        ("255 characters", of_minimal(json!({ "title": "ä".repeat(255), "reporter": "r".repeat(256) }))),
        (
            "null for what may be absent",
            of_minimal(json!({
                "title": null, "description": null, "reporter": null, "userDefinedFields": null, "references": null,
            })),
        ),
        (
            "empty texts and lists",
            of_minimal(json!({
                "title": "", "description": "", "reporter": "", "status": "", "userDefinedFields": [], "references": [],
            })),
        ),
        ("a negative offset", of_minimal(json!({ "lastEdited": "1969-12-31T23:59:59.000001-11:30" }))),
        ("an offset without minutes' colon", of_minimal(json!({ "lastEdited": "2026-01-31 12:00:00+0530" }))),
        ("no seconds", of_minimal(json!({ "lastEdited": "2026-01-31T12:00Z" }))),
        ("lower-case letters", of_minimal(json!({ "lastEdited": "2026-01-31t12:00:00z" }))),
        ("the last instant", of_minimal(json!({ "lastEdited": "9999-12-31T23:59:59.999999-23:59" }))),
        ("the first instant", of_minimal(json!({ "lastEdited": "0001-01-01T00:00:00+23:59" }))),
        ("an unknown offset", of_minimal(json!({ "lastEdited": "2026-01-31T12:00:00-00:00" }))),
        ("nanoseconds", of_minimal(json!({ "lastEdited": "2026-01-31T12:00:00.123456789Z" }))),
        ("unknown keys", of_minimal(json!({ "id": "BUG-1000", "later": {"a": 1} }))),
        ("a null and a zero character", of_minimal(json!({ "description": "a\u{0}b\u{7f}\u{2028}" }))),
    ] {
        both.same(&format!("create, {case}"), &create(BENCH, &defect));
    }
    both.same("create, unknown project", &create("/projects/Nowhere", &minimal()));
    both.same("create, no file", &create("/projects/No%20files", &minimal()));
    listed("list after the creates", BENCH);

    let update =
        |project: &str, id: &str, defect: &Value| put(&format!("{project}/defects/{id}/update"), &request(defect));
    let changed = of_minimal(json!({ "title": "ä".repeat(300), "lastEdited": "2026-05-01T00:00:00.000001+23:59" }));
    both.same("update", &update(SHOP, "BUG-2", &changed));
    both.same("update, unknown id", &update(SHOP, "BUG-404", &changed));
    both.same("update, unknown project", &update("/projects/Nowhere", "BUG-2", &changed));
    both.same("update, an id of the other kind", &update(SHOP, "OTHER%2D99", &full()));
    listed("list after the updates", SHOP);

    let delete = |project: &str, id: &str| post(&format!("{project}/defects/{id}/delete"), &request(&minimal()));
    both.same("delete", &delete(SHOP, "BUG-1"));
    both.same("delete, again", &delete(SHOP, "BUG-1"));
    both.same("delete, unknown id", &delete(SHOP, "%C3%BC"));
    both.same("delete, unknown project", &delete("/projects/Nowhere", "BUG-1"));
    listed("list after the delete", SHOP);
    both.same("create after a delete of an older one", &create(SHOP, &minimal()));
}

fn sync_hooks(both: &Both) {
    let sync = |project: &str, phase: &str, sync_type: &str| -> Call {
        post(&format!("{project}/sync/{phase}"), &json!({ "syncType": sync_type, "syncContext": {} }))
    };
    for phase in ["before", "after"] {
        for sync_type in ["scheduled", "manual", "partial", "other", "", "SCHEDULED"] {
            for project in [SHOP, "/projects/Own", "/projects/Nowhere"] {
                both.same(&format!("sync {phase} {sync_type}, {project}"), &sync(project, phase, sync_type));
            }
        }
        both.same(&format!("sync {phase}, no body"), &raw("POST", &format!("{SHOP}/sync/{phase}"), ""));
    }
    let failed = both.same("a hook that fails", &sync(SHOP, "before", "manual"));
    assert_eq!(failed.body["generalErrors"][0]["code"], json!("PUBLISH_ERROR"));
    for response in [
        sync(SHOP, "before", "manual").send(both.python.client()),
        sync(SHOP, "before", "manual").send(both.ours.client()),
    ] {
        let message = response.json()["generalErrors"][0]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(" 3"), "the return code is told: {message}");
    }
    let none = both.same("no hook", &sync(SHOP, "before", "partial"));
    assert_eq!(none.body["successes"]["Shop App (SHOP)"][0]["code"], json!("PUBLISH_SUCCESS"));
}

/// The folders change places under the running services.
fn each_reads_what_the_other_wrote(both: &Both) {
    let (python, ours) = (both.python.folder().path().join("data"), both.ours.folder().path().join("data"));
    let aside = both.ours.folder().path().join("aside");
    std::fs::rename(&ours, &aside).unwrap();
    std::fs::rename(&python, &ours).unwrap();
    std::fs::rename(&aside, &python).unwrap();
    for project in [SHOP, BENCH, "/projects/Own"] {
        both.same("the other's data", &post(&format!("{project}/defects"), &json!({})));
        both.same("a create in the other's data", &post(&format!("{project}/defects/create"), &request(&full())));
        both.same(
            "an update in the other's data",
            &put(&format!("{project}/defects/BUG-1/update"), &request(&minimal())),
        );
        both.same("the other's data after that", &post(&format!("{project}/defects"), &json!({})));
        both.same("the other's defect, extended", &post(&format!("{project}/defects/BUG-1/extended"), &json!({})));
    }
    directories::compare(both);
}
