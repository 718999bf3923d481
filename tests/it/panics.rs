//! A plugin that panics, wherever it does.

use defect_host_tests::{Connection, HostFolder, head_of};
use insta::assert_snapshot;
use serde_json::json;

#[test]
fn a_panicking_plugin_is_one_failed_request() {
    let host = HostFolder::faulty(r#"panic_in = ["get_projects"]"#).start();
    let answers: Vec<_> = (0..20).map(|_| host.client().get("/projects")).collect();
    assert!(answers.iter().all(|answer| answer.status == 500 && answer.body == answers[0].body));
    assert_snapshot!(answers[0].text(), @r#"{"description":"Internal Server Error","status":500,"message":"plugin `faulty_defect_client` failed in `get_projects`; the host's log says where"}"#);
    // What the panic says may be anything, so it is for the log only.
    let line = host.wait_for_log("told to panic in get_projects");
    assert!(line.contains("plugin `faulty_defect_client`, operation `get_projects`"), "{line}");
    assert!(line.contains("tests/plugins/faulty/src/lib.rs:"), "{line}");
    assert_eq!(host.client().get("/check-login").json(), json!(true));
    assert_eq!(host.stderr(), "", "nothing beside the log");
}

#[test]
fn every_operation_may_panic() {
    let defect = defect_host_tests::defect_request();
    let calls = [
        ("check_login", "GET", "/check-login", json!(null)),
        ("get_settings", "GET", "/settings", json!(null)),
        ("supports_changes_timestamps", "GET", "/supports-changes-timestamps", json!(null)),
        ("get_projects", "GET", "/projects", json!(null)),
        ("get_control_fields", "GET", "/projects/control-fields", json!(null)),
        ("get_user_defined_attributes", "GET", "/projects/udfs", json!(null)),
        ("get_defects", "POST", "/projects/Shop/defects", json!(null)),
        ("get_defects_batch", "POST", "/projects/Shop/defects/batch", json!({"defectIds": []})),
        ("get_defect_extended", "POST", "/projects/Shop/defects/1/extended", json!(null)),
        ("create_defect", "POST", "/projects/Shop/defects/create", defect.clone()),
        ("update_defect", "PUT", "/projects/Shop/defects/1/update", defect.clone()),
        ("delete_defect", "POST", "/projects/Shop/defects/1/delete", defect),
        ("before_sync", "POST", "/projects/Shop/sync/before", json!({"syncType": null})),
        ("after_sync", "POST", "/projects/Shop/sync/after", json!({"syncType": null})),
        ("correct_sync_results", "POST", "/projects/Shop/defects/correct", json!(null)),
    ];
    let names: Vec<_> = calls.iter().map(|call| call.0).collect();
    let host = HostFolder::faulty(&format!("panic_in = {names:?}")).start();
    for (operation, method, path, body) in calls {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let answer = host.client().send(method, path, &[], &body);
        assert_eq!(answer.status, 500, "{operation}");
        let named = format!("plugin `faulty_defect_client` failed in `{operation}`; the host's log says where");
        assert_eq!(answer.json()["message"], json!(named));
    }
}

#[test]
fn a_panic_while_the_client_is_made_ends_the_start() {
    let ended = HostFolder::faulty("panic_in_new = true").run(&["start"]);
    assert_eq!(ended.code(), Some(2));
    assert_snapshot!(ended.stderr, @r#"
        error: the plugin `[program]/libfaulty_defect_client.so` failed while `FaultyDefectClient` was made: panicked at tests/plugins/faulty/src/lib.rs:[line]: told to panic in new

        hint: report it to the plugin's author
        "#);
}

#[test]
fn a_panic_while_the_client_is_dropped_harms_nobody() {
    let mut host = HostFolder::new("client_class = \"faulty_defect_client.SpareDefectClient\"", "").start();
    assert_eq!(host.client().get("/check-login").json(), json!(true));
    host.signal("TERM");
    assert!(host.wait().success());
    let line = host.wait_for_log("told to panic in drop");
    assert!(line.contains("tests/plugins/faulty/src/lib.rs:"), "{line}");
    assert_eq!(host.stderr(), "");
}

#[test]
fn a_panic_before_the_first_piece_of_a_list_is_an_error_status() {
    let host = HostFolder::faulty("defects = 10\npanic_at_defect = 9").start();
    let answer = host.client().post("/projects/Shop/defects", &json!({}));
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.json()["message"],
        json!("plugin `faulty_defect_client` failed in `get_defects`; the host's log says where")
    );
}

#[test]
fn a_panic_later_in_a_list_breaks_the_transfer_off() {
    let host = HostFolder::faulty("defects = 10000\npanic_at_defect = 9000").start();
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("POST", "/projects/Shop/defects", &[("content-length", "0")])).unwrap();
    assert_eq!(connection.head().unwrap().status, 200);
    let body = String::from_utf8_lossy(&connection.rest()).into_owned();
    assert!(body.contains("Defect 7000") && !body.contains("Defect 9000"));
    assert!(!body.ends_with("0\r\n\r\n"), "no reader takes this for the whole list");
    let line = host.wait_for_log("told to panic at defect 9000");
    assert!(line.contains("tests/plugins/faulty/src/lib.rs:"), "{line}");
    // An ordinary client sees an error, not a short list.
    assert!(host.client().try_send("POST", "/projects/Shop/defects", &[], b"").is_err());
    assert_eq!(host.client().get("/projects").status, 200);
}
