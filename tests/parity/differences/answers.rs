use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use defect_host_tests::{CREDENTIALS, Client, Response};
use serde_json::{Value, json};

use super::{Stage, create, delete, extended, list, sync_before, update};
use crate::both::{Both, get, post, put, raw};
use crate::data::{full, line, minimal, request, set_executable, with};

/// The dotted paths of a refusal's faults.
fn fields(answer: &Value) -> Vec<&str> {
    answer["errors"].as_array().into_iter().flatten().filter_map(|error| error["field"].as_str()).collect()
}

pub(super) fn read_only_is_forbidden(stage: &Stage) {
    for call in [create("Own", &minimal()), update("Own", "BUG-1", &minimal()), delete("Own", "BUG-1")] {
        assert_eq!(stage.read_only.ask(&call).statuses(), (400, 403));
    }
    // What reads is allowed to both.
    for call in [get("/settings"), list("Own"), extended("Own", "BUG-1"), sync_before("Own", "other")] {
        assert_eq!(stage.read_only.ask(&call).statuses(), (200, 200));
    }
    let (python, ours) = stage.read_only.lines("Own");
    assert_eq!((python, ours), (line("BUG-1"), line("BUG-1")));
}

pub(super) fn a_sync_context_may_be_missing(stage: &Stage) {
    let both = &stage.both;
    both.project("Context", &[line("BUG-1"), line("BUG-2")].concat());
    for context in [json!({}), json!({ "syncContext": null })] {
        let body = |members: Value| with(members, context.clone());
        for call in [
            post("/projects/Context/defects/batch", &body(json!({ "defectIds": [] }))),
            post("/projects/Context/defects/create", &body(json!({ "defect": minimal() }))),
            put("/projects/Context/defects/BUG-1/update", &body(json!({ "defect": minimal() }))),
            post("/projects/Context/defects/BUG-2/delete", &body(json!({ "defect": minimal() }))),
            post("/projects/Context/sync/before", &body(json!({ "syncType": "other" }))),
            post("/projects/Context/sync/after", &body(json!({ "syncType": "other" }))),
        ] {
            let answers = both.ask(&call);
            assert_eq!(answers.statuses(), (400, 200));
            assert_eq!(fields(&answers.python.json()), ["syncContext"]);
        }
    }
}

pub(super) fn a_sync_type_may_be_null(stage: &Stage) {
    let body = json!({ "syncType": null, "syncContext": {} });
    for phase in ["before", "after"] {
        let answers = stage.both.ask(&post(&format!("/projects/Own/sync/{phase}"), &body));
        assert_eq!(answers.statuses(), (400, 200));
        assert_eq!(answers.ours.json()["successes"]["Own"][0]["code"], json!("PUBLISH_SUCCESS"));
    }
}

pub(super) fn bad_input_is_no_server_error(stage: &Stage) {
    for key in ["status", "classification", "priority"] {
        for value in [json!(5), json!(null)] {
            let answers = stage.both.ask(&create("Own", &with(minimal(), json!({ key: value }))));
            assert_eq!(answers.statuses(), (500, 400));
            assert_eq!(fields(&answers.ours.json()), [format!("defect.{key}")]);
        }
    }
    assert_eq!(stage.both.ask(&sync_before("Own", "copy")).statuses(), (500, 200));
}

pub(super) fn types_are_those_of_the_document(stage: &Stage) {
    let both = &stage.both;
    both.project("Lax", "");
    let fields_of = |must: Value| json!({ "userDefinedFields": [{ "name": "a", "mustField": must }] });
    for (members, field) in [
        (json!({ "lastEdited": 1_767_225_600 }), "defect.lastEdited"),
        (json!({ "lastEdited": "1767225600" }), "defect.lastEdited"),
        (fields_of(json!("true")), "defect.userDefinedFields.0.mustField"),
        (fields_of(json!(1)), "defect.userDefinedFields.0.mustField"),
    ] {
        let answers = both.ask(&create("Lax", &with(minimal(), members)));
        assert_eq!(answers.statuses(), (200, 400));
        assert_eq!(fields(&answers.ours.json()), [field]);
    }
    for context in [json!({ "lastSync": 1_767_225_600 }), json!({ "importNewDefects": "yes" })] {
        assert_eq!(both.ask(&post("/projects/Lax/defects", &context)).statuses(), (200, 400));
    }
}

pub(super) fn date_times_in_other_spellings(stage: &Stage) {
    let both = &stage.both;
    both.project("Spelling", "");
    for (text, statuses) in [
        ("2026-01-31_12:00:00Z", (200, 400)),
        ("2026-01-31T12:00:00,5Z", (200, 400)),
        ("2026-01-31T12:00:00+01", (400, 200)),
        ("2026-1-31T12:00:00+01:00", (400, 200)),
    ] {
        let answers = both.ask(&create("Spelling", &with(minimal(), json!({ "lastEdited": text }))));
        assert_eq!(answers.statuses(), statuses, "{text}");
    }
    let date = post("/projects/Spelling/defects", &json!({ "lastSync": "2026-01-31" }));
    assert_eq!(both.ask(&date).statuses(), (200, 400));
    let (_, ours) = both.lines("Spelling");
    assert_eq!(ours.matches(r#""lastEdited":"2026-01-31T12:00:00+01:00""#).count(), 2, "{ours}");
}

pub(super) fn a_body_of_another_type_is_refused(stage: &Stage) {
    for path in ["defects", "defects/BUG-1/extended", "defects/correct"] {
        for (body, ours) in
            [("[]", 400), ("0", 400), ("\"\"", 400), ("false", 400), ("", 200), ("null", 200), ("{}", 200)]
        {
            let answers = stage.both.ask(&raw("POST", &format!("/projects/Own/{path}"), body));
            assert_eq!(answers.statuses(), (200, ours), "{path} {body}");
        }
    }
}

pub(super) fn a_key_twice_is_refused(stage: &Stage) {
    stage.both.project("Keys twice", "");
    let body = request(&minimal()).to_string();
    let body = body.replace(r#""status":"Open""#, r#""status":"Old","status":"Open""#);
    let answers = stage.both.ask(&raw("POST", "/projects/Keys%20twice/defects/create", &body));
    assert_eq!(answers.statuses(), (200, 400));
    assert!(answers.ours.text().contains("status"), "{answers:?}");
    let (python, ours) = stage.both.lines("Keys twice");
    assert!(python.contains("Open") && !python.contains("Old") && ours.is_empty());
}

pub(super) fn lists_are_always_lists(stage: &Stage) {
    let both = &stage.both;
    both.project("Null", &line("BUG-1"));
    let nulls = with(minimal(), json!({ "userDefinedFields": null, "references": null }));
    assert_eq!(both.ask(&update("Null", "BUG-1", &nulls)).statuses(), (200, 200));
    let must = with(minimal(), json!({ "userDefinedFields": [{ "name": "a", "mustField": null }] }));
    assert_eq!(both.ask(&create("Null", &must)).statuses(), (200, 200));
    let answers = both.ask(&list("Null"));
    let (python, ours) = (&answers.python.json()["value"], &answers.ours.json()["value"]);
    for key in ["userDefinedFields", "references"] {
        assert_eq!((&python[0][key], &ours[0][key]), (&json!(null), &json!([])));
    }
    let must = |list: &Value| list[1]["userDefinedFields"][0]["mustField"].clone();
    assert_eq!((must(python), must(ours)), (json!(false), json!(null)));
}

pub(super) fn a_project_is_one_folder(stage: &Stage) {
    let both = &stage.both;
    both.write("data/Outer/Inner/defects.jsonl", &line("BUG-1"));
    for call in [list("Outer%2FInner"), extended("Outer%2FInner", "BUG-1"), get("/check-login?project=.")] {
        let answers = both.ask(&call);
        assert_eq!(answers.statuses(), (200, 400));
        assert_eq!(fields(&answers.ours.json()), ["project"]);
    }
    for name in ["Outer%2FInner", "..%2F"] {
        assert_eq!(both.ask(&sync_before(name, "manual")).statuses(), (200, 400));
    }
}

pub(super) fn extended_attributes_are_readable(stage: &Stage) {
    stage.both.project("Attributes", &format!("{}\n", with(full(), json!({ "id": "BUG-1" }))));
    let answers = stage.both.ask(&extended("Attributes", "BUG-1"));
    let (python, ours) = (&answers.python.json()["attributes"], &answers.ours.json()["attributes"]);
    let python = |key: &str| python[key].as_str().unwrap_or_default().to_owned();
    assert_eq!(python("id"), "root='BUG-1'");
    assert_eq!(python("references"), "['http://127.0.0.1/a?b=c', 'ä.txt']");
    assert_eq!(python("lastEdited"), "2026-01-31 12:00:00.123456+05:45");
    assert_eq!(python("Empty"), "None");
    assert!(python("principal").contains("hunter2") && python("userDefinedFields").contains("Component"));
    assert_eq!(
        *ours,
        json!({
            "id": "BUG-1",
            "references": "http://127.0.0.1/a?b=c, ä.txt",
            "lastEdited": "2026-01-31T12:00:00.123456+05:45",
        })
    );
}

pub(super) fn a_broken_file_of_attributes_is_the_operators(stage: &Stage) {
    for (content, python) in [
        ("{", 500),
        ("{}", 500),
        (r#"[{"name":"a"}]"#, 500),
        (r#"[{"name":"a","valueType":"NUMBER"}]"#, 400),
        (r#"[{"name":"a","valueType":"STRING","lastEdited":"2026-01-31T12:00:00"}]"#, 400),
    ] {
        stage.both.write("data/Attributes/UserDefinedAttributes.json", content);
        let answers = stage.both.ask(&get("/projects/udfs?project=Attributes"));
        assert_eq!(answers.statuses(), (python, 500), "{content}");
        assert!(answers.ours.text().contains("UserDefinedAttributes.json"));
    }
}

/// While a hook of the service holds: does it answer another request? The Python service cannot,
/// however long one waits, so that the pause of this test is not a race.
pub(super) fn a_slow_hook_delays_nobody(stage: &Stage) {
    let Both { python, ours, .. } = &stage.both;
    while_a_hook_runs(python.folder().path(), python.client(), || {
        let mut connection = TcpStream::connect(python.address()).unwrap();
        connection.write_all(b"GET /settings HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        assert!(connection.read(&mut [0]).is_err(), "the Python service answers while a hook runs");
    });
    while_a_hook_runs(ours.folder().path(), ours.client(), || {
        assert_eq!(ours.client().get("/settings").status, 200);
    });
}

fn while_a_hook_runs(folder: &Path, client: &Client, then: impl FnOnce()) {
    let hook = folder.join("hooks/waits.sh");
    std::fs::write(&hook, "#!/bin/sh\necho started > events\nread go < orders\n").unwrap();
    set_executable(&hook, true);
    let pipe = |name: &str| {
        let path = folder.join(name);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // Open at both ends: neither opening nor writing waits for the hook, and closing ends it.
        OpenOptions::new().read(true).write(true).open(path).unwrap()
    };
    let (events, mut orders) = (pipe("events"), pipe("orders"));
    let mut ended = events.try_clone().unwrap();
    std::thread::scope(|scope| {
        let syncing = scope.spawn(move || {
            let answer = sync_before("Slow", "manual").send(client);
            // Should the hook not have run at all, nobody is to wait for it.
            ended.write_all(b"ended\n").unwrap();
            answer
        });
        let mut event = String::new();
        BufReader::new(events).read_line(&mut event).unwrap();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            assert_eq!(event, "started\n");
            then();
        }));
        orders.write_all(b"go\n").unwrap();
        let answer = syncing.join().unwrap();
        assert_eq!(answer.json()["successes"]["Slow"][0]["code"], json!("PUBLISH_SUCCESS"), "{answer:?}");
        outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

pub(super) fn the_documents_are_what_they_are_called(stage: &Stage) {
    let yaml = stage.both.ask(&get("/openapi.yaml").with_credentials(None));
    assert_eq!(yaml.statuses(), (404, 200));
    assert!(yaml.ours.text().starts_with("openapi: 3."), "{}", yaml.ours.text());
    let json = stage.both.ask(&get("/docs/openapi.json").with_credentials(None));
    assert_eq!(json.statuses(), (200, 200));
    assert!(json.python.json().is_null() && json.ours.json()["openapi"].is_string());
}

pub(super) fn http_is_kept_to(stage: &Stage) {
    let refused = stage.both.ask(&get("/projects").with_credentials(None));
    assert_eq!(refused.statuses(), (401, 401));
    assert_eq!(refused.python.header("www-authenticate"), "");
    assert!(refused.ours.header("www-authenticate").starts_with("Basic "));
    let (username, password) = CREDENTIALS;
    assert_eq!((username, password), ("tester", "correct horse"));
    let basic =
        get("/check-login").with_credentials(None).with_header("authorization", "basic dGVzdGVyOmNvcnJlY3QgaG9yc2U=");
    assert_eq!(stage.both.ask(&basic).statuses(), (401, 200));
    let options = stage.both.ask(&raw("OPTIONS", "/check-login", ""));
    assert_eq!(options.statuses(), (204, 405));
    assert!(options.ours.header("allow").contains("GET"), "{options:?}");
}

pub(super) fn guesses_of_passwords_are_limited(stage: &Stage) {
    assert_eq!(stage.both.ask(&get("/projects")).statuses(), (200, 200));
    // At once: one after the other they would be slowed for seconds.
    let guess = |client: &Client| -> Vec<Response> {
        std::thread::scope(|scope| {
            let guesses: Vec<_> = (0..16)
                .map(|number| client.with_credentials(Some(("tester", &format!("guess {number}")))))
                .map(|guesser| scope.spawn(move || guesser.get("/projects")))
                .collect();
            guesses.into_iter().map(|guess| guess.join().unwrap()).collect()
        })
    };
    let python = guess(stage.both.python.client());
    assert!(python.iter().all(|answer| answer.status == 401), "{python:?}");
    let (refused, others): (Vec<_>, Vec<_>) =
        guess(stage.both.ours.client()).into_iter().partition(|answer| answer.status == 429);
    assert!(!refused.is_empty() && others.iter().all(|answer| answer.status == 401), "{refused:?} {others:?}");
    assert!(refused.iter().all(|answer| !answer.header("retry-after").is_empty()), "{refused:?}");
    assert_eq!(stage.both.ask(&get("/projects")).statuses(), (200, 200));
}
