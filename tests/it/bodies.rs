//! Request bodies: what is read, what is refused and how.

use defect_host_tests::{HostFolder, Response, TestHost, defect_request};
use insta::assert_snapshot;
use serde_json::{Value, json};

const CREATE: &str = "/projects/Shop/defects/create";

fn host() -> TestHost {
    HostFolder::faulty("defects = 1").start()
}

fn shown(answer: &Response) -> String {
    format!("{} {}", answer.status, answer.text())
}

/// The fields at fault.
fn fields(answer: &Response) -> Vec<Value> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.into_iter().map(|error| error["field"].clone()).collect()
}

#[test]
fn json_is_read_whatever_its_content_type_says() {
    let host = host();
    let body = defect_request().to_string();
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "application/x-www-form-urlencoded")],
        &[("content-type", "application/json; charset=iso-8859-1")],
        &[("content-type", "nonsense")],
    ] {
        let answer = host.client().send("POST", CREATE, headers, body.as_bytes());
        assert_eq!((answer.status, &answer.json()["value"]), (200, &json!("It falls over")), "{headers:?}");
    }
}

#[test]
fn a_body_that_may_be_absent_may_also_be_null() {
    let host = host();
    for path in ["/projects/Shop/defects", "/projects/Shop/defects/1/extended", "/projects/Shop/defects/correct"] {
        // White space alone is no JSON and not absent either, as with the Python service.
        for (body, status) in [("", 200), ("null", 200), (" null ", 200), ("{}", 200), (" \r\n", 400)] {
            assert_eq!(host.client().send("POST", path, &[], body.as_bytes()).status, status, "{path} {body:?}");
        }
    }
}

#[test]
fn a_body_that_must_be_there_is_missed() {
    let host = host();
    let absent = host.client().send("POST", CREATE, &[], b"");
    assert_snapshot!(shown(&absent), @r#"400 {"description":"Bad Request","status":400,"message":"Missing request body. Request body must be valid JSON."}"#);
    assert_eq!(shown(&host.client().send("POST", CREATE, &[], b"null")), shown(&absent));
}

#[test]
fn what_is_no_json_is_400_with_its_place() {
    let host = host();
    assert_snapshot!(shown(&host.client().send("POST", CREATE, &[], b"{\"defect\":\n }")), @r#"400 {"description":"Bad Request","status":400,"message":"Failed when parsing body as json: line 2, column 2"}"#);
    assert_eq!(host.client().send("POST", CREATE, &[], b"{} {}").status, 400);
    assert_eq!(host.client().send("POST", CREATE, &[], b"\xff\xfe").status, 400);
    let deep = "[".repeat(100_000);
    assert_eq!(host.client().send("POST", CREATE, &[], deep.as_bytes()).status, 400, "and the host lives on");
    assert_eq!(host.client().get("/healthz").status, 200);
}

#[test]
fn every_field_at_fault_is_named_at_once() {
    let host = host();
    let body = json!({
        "defect": {
            "status": 5,
            "classification": null,
            "lastEdited": "2026-01-31T12:00:00",
            "references": ["a", 1],
            "userDefinedFields": [{"value": "x"}],
            "principal": {"username": "ann", "password": ["hunter2"]}
        },
        "syncContext": {"syncOption": "SOMEHOW", "udaSyncOptions": {"Component": "X"}}
    });
    let answer = host.client().post(CREATE, &body);
    assert_snapshot!(
        format!("{} {}\n{:#}", answer.status, answer.json()["message"], answer.json()["errors"]),
        @r#"
        400 "Validation error"
        [
          {
            "field": "defect.priority",
            "message": "Missing required field 'defect.priority'"
          },
          {
            "field": "defect.classification",
            "message": "Invalid value for 'defect.classification': expected string"
          },
          {
            "field": "defect.lastEdited",
            "message": "Invalid value for 'defect.lastEdited': the date-time needs an offset such as Z or +01:00"
          },
          {
            "field": "defect.principal.password",
            "message": "Invalid value for 'defect.principal.password': expected string"
          },
          {
            "field": "defect.references.1",
            "message": "Invalid value for 'defect.references.1': expected string"
          },
          {
            "field": "defect.status",
            "message": "Invalid value for 'defect.status': expected string"
          },
          {
            "field": "defect.userDefinedFields.0.name",
            "message": "Missing required field 'defect.userDefinedFields.0.name'"
          },
          {
            "field": "syncContext.syncOption",
            "message": "Invalid value for 'syncContext.syncOption': expected one of USE_SYNC_MASTER, FORCE_PUBLISH, FORCE_UPDATE"
          },
          {
            "field": "syncContext.udaSyncOptions.Component",
            "message": "Invalid value for 'syncContext.udaSyncOptions.Component': expected one of ITB, DMS, TIMESTAMP"
          }
        ]
        "#
    );
    assert!(!answer.text().contains("hunter2"));
}

#[test]
fn lists_where_objects_belong_are_refused() {
    let host = host();
    assert_eq!(fields(&host.client().post(CREATE, &json!({"defect": ["a", "b"]}))), [json!("defect")]);
    assert_eq!(fields(&host.client().post(CREATE, &json!([]))), [Value::Null]);
}

#[test]
fn unknown_keys_are_ignored_and_the_sync_context_may_be_absent() {
    let host = host();
    let mut request = defect_request();
    request["more"] = json!([{"deep": true}]);
    request["defect"]["severity"] = json!(5);
    request["defect"]["principal"]["realm"] = json!({});
    request["syncContext"]["more"] = json!("x");
    assert_eq!(host.client().post(CREATE, &request).status, 200);
    for context in [None, Some(Value::Null)] {
        let mut request = defect_request();
        match context {
            None => request.as_object_mut().unwrap().remove("syncContext"),
            Some(context) => request.as_object_mut().unwrap().insert("syncContext".to_owned(), context),
        };
        for (method, path) in
            [("POST", CREATE), ("PUT", "/projects/Shop/defects/1/update"), ("POST", "/projects/Shop/defects/1/delete")]
        {
            let answer = host.client().send(method, path, &[], request.to_string().as_bytes());
            assert_eq!(answer.status, 200, "{method} {path} {}", answer.text());
        }
    }
    for path in ["/projects/Shop/sync/before", "/projects/Shop/sync/after"] {
        assert_eq!(host.client().post(path, &json!({"syncType": "partial"})).status, 200);
        assert_eq!(fields(&host.client().post(path, &json!({}))), [json!("syncType")]);
    }
    assert_eq!(host.client().post("/projects/Shop/defects/batch", &json!({"defectIds": []})).status, 200);
}

#[test]
fn the_password_reaches_the_client_and_is_neither_answered_nor_logged() {
    let folder = HostFolder::faulty("defects = 1");
    let host = folder.start_with(&[], &[("DEFECT_HOST_LOG", "trace")]);
    let mut answers = String::new();
    let request = defect_request();
    let known = |key: &str| {
        let mut defect = request["defect"].clone();
        defect["id"] = json!("1");
        defect["localPk"] = json!("2");
        json!({"local": {key: [defect.clone()]}, "remote": {key: [defect]}})
    };
    let created = host.client().post(CREATE, &request);
    assert_eq!(created.json()["protocol"]["successes"]["seen"][0]["message"], json!("password of 19"));
    answers.push_str(&created.text());
    answers.push_str(&host.client().put("/projects/Shop/defects/1/update", &request).text());
    answers.push_str(&host.client().post("/projects/Shop/defects/1/delete", &request).text());
    for key in ["create", "update", "delete"] {
        let corrected = host.client().post("/projects/Shop/defects/correct", &known(key));
        assert_eq!(corrected.json()["local"][key][0]["principal"], json!({"username": "ann", "password": ""}));
        answers.push_str(&corrected.text());
    }
    // A body that is refused, a password in the wrong place, a wrong password.
    let mut refused = request.clone();
    refused["defect"]["lastEdited"] = json!("hunter2-in-the-body");
    answers.push_str(&host.client().post(CREATE, &refused).text());
    answers.push_str(&host.client().send("POST", CREATE, &[], b"{\"password\": hunter2-in-the-body}").text());
    let wrong = host.client().with_credentials(Some(("tester", "hunter2-in-the-body")));
    answers.push_str(&wrong.get("/projects").text());
    assert!(!answers.contains("hunter2"), "{answers}");

    assert_eq!(host.client().get("/check-login?project=last").status, 200);
    host.wait_for_log("operation=check_login");
    let log = host.log();
    assert!(
        log.lines().any(|line| line.contains("TRACE") || line.contains("DEBUG")),
        "the log is at its most detailed"
    );
    // `correct horse` is the service's own password, the others are base64 of `user:password`.
    for secret in ["hunter2", "correct horse", "dGVzdGVyOmNvcnJlY3QgaG9yc2U", "dGVzdGVyOmh1bnRlcjI", "It falls over"] {
        assert!(!log.contains(secret), "`{secret}` is in the log");
    }
}
