//! Large bodies, slow and hanging calls.

use defect_host_tests::{Connection, HostFolder, Response, TestHost, head_of};
use insta::assert_snapshot;
use serde_json::json;

const LIMIT: usize = 64 * 1024 * 1024;
const LIST: &str = "/projects/Shop/defects";

fn shown(answer: &Response) -> String {
    format!("{} {}", answer.status, answer.text())
}

/// JSON of this length.
fn padded(length: usize) -> Vec<u8> {
    let mut body = vec![b' '; length - 2];
    body.extend_from_slice(b"{}");
    body
}

#[test]
fn a_body_may_have_64_mib_and_not_one_byte_more() {
    let host = HostFolder::faulty("").start();
    assert_eq!(host.client().send("POST", LIST, &[], &padded(LIMIT)).status, 200);
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("POST", LIST, &[("transfer-encoding", "chunked")])).unwrap();
    for piece in padded(LIMIT + 1).chunks(1024 * 1024) {
        connection.send(format!("{:x}\r\n", piece.len())).unwrap();
        connection.send(piece).unwrap();
        connection.send("\r\n").unwrap();
    }
    let answer = connection.head().unwrap();
    assert_eq!(answer.status, 413);
    let length = answer.header("content-length").parse().unwrap();
    assert_snapshot!(String::from_utf8(connection.body(length).unwrap()).unwrap(), @r#"{"description":"Payload Too Large","status":413,"message":"the body is larger than 67108864 bytes"}"#);
}

#[test]
fn a_body_that_says_it_is_too_large_is_refused_before_it_is_sent() {
    let host = HostFolder::faulty("").start();
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("POST", LIST, &[("content-length", &(LIMIT + 1).to_string())])).unwrap();
    assert_eq!(connection.head().unwrap().status, 413);
}

#[test]
fn a_call_over_its_time_is_504_and_names_plugin_and_operation() {
    let host = HostFolder::faulty_with("call_timeout = 0.25", r#"hang_in = ["get_projects", "before_sync"]"#).start();
    assert_snapshot!(shown(&host.client().get("/projects")), @r#"504 {"description":"Gateway Timeout","status":504,"message":"plugin `faulty_defect_client` did not answer `get_projects` within 0.25 s"}"#);
    // With isolation, that has ended the plugin's process.
    let wait_until_ready = || while host.client().get("/check-login").status == 503 {};
    wait_until_ready();
    let answer = host.client().post("/projects/Shop/sync/before", &json!({"syncType": "manual"}));
    assert_snapshot!(shown(&answer), @r#"504 {"description":"Gateway Timeout","status":504,"message":"plugin `faulty_defect_client` did not answer `before_sync` within 0.25 s"}"#);
    host.wait_for_log("plugin `faulty_defect_client` did not answer `get_projects` within 0.25 s");
    wait_until_ready();
    assert_eq!(host.client().get("/check-login").json(), json!(true));
}

#[test]
fn an_endless_time_for_calls_is_no_fault() {
    let host = HostFolder::faulty_with("call_timeout = 1e300", r#"sleep_ms_in = { get_projects = 100 }"#).start();
    assert_eq!(host.client().get("/projects").status, 200);
    assert_eq!(host.client().get("/readyz").status, 200);
}

/// Starts a request in the background, gives it to the plugin and runs `meanwhile` while it waits there.
fn while_waiting(
    operation: &str,
    request: impl FnOnce(&TestHost) -> Response + Send,
    meanwhile: impl FnOnce(&TestHost),
) {
    let host = HostFolder::faulty(&format!("wait_in = [\"{operation}\"]\ngate = \"gate\"")).start();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| request(&host));
        host.wait_for_log(&format!("entered operation={operation}"));
        meanwhile(&host);
        assert!(!waiting.is_finished());
        host.folder().write("gate", "");
        assert_eq!(waiting.join().unwrap().status, 200);
    });
}

#[test]
fn a_slow_sync_hook_delays_no_other_request() {
    let hook = |host: &TestHost| host.client().post("/projects/Shop/sync/before", &json!({"syncType": "manual"}));
    while_waiting("before_sync", hook, |host| {
        assert_eq!(host.client().get("/projects").status, 200);
        assert_eq!(host.client().post(LIST, &json!({})).status, 200);
        let after = host.client().post("/projects/Shop/sync/after", &json!({"syncType": "manual"}));
        assert_eq!(after.status, 200);
    });
}

#[test]
fn a_slow_backend_delays_no_request_that_does_not_need_it() {
    let list = |host: &TestHost| host.client().post(LIST, &json!({}));
    while_waiting("get_defects", list, |host| {
        for path in ["/healthz", "/readyz", "/settings", "/docs", "/projects", "/check-login"] {
            assert_eq!(host.client().get(path).status, 200, "{path}");
        }
    });
}

#[test]
fn when_all_calls_hang_the_callers_are_told_and_what_needs_no_plugin_is_answered() {
    let host = HostFolder::faulty_with("call_timeout = 2", r#"hang_in = ["get_projects"]"#).start();
    let settings = host.client().get("/settings");
    std::thread::scope(|scope| {
        let hanging: Vec<_> = (0..64).map(|_| scope.spawn(|| host.client().get("/projects").status)).collect();
        for hanging in hanging {
            assert_eq!(hanging.join().unwrap(), 504);
        }
    });
    let answer = host.client().get("/check-login");
    assert_snapshot!(shown(&answer), @r#"503 {"description":"Service Unavailable","status":503,"message":"too many requests are waiting; try again later"}"#);
    assert_eq!(answer.header("retry-after"), "5");
    host.wait_for_log("all 64 calls of the plugin are taken");
    assert_eq!(host.client().get("/healthz").status, 200);
    assert_eq!(host.client().get("/docs").status, 200);
    // The last that are known: a test-management tool asks for them all the time.
    assert_eq!(shown(&host.client().get("/settings")), shown(&settings));
    assert_eq!(host.client().get("/readyz").status, 503);
}

/// A request whose headers have this many bytes more than usual.
fn head_with(more: usize) -> Vec<u8> {
    head_of("GET", "/healthz", &[("x-more", &"x".repeat(more))]).into()
}

#[test]
fn headers_may_have_60_kib_and_what_is_over_64_kib_is_431() {
    let host = HostFolder::faulty("").start();
    let status_of = |head: Vec<u8>| {
        let mut connection = Connection::open(host.address()).unwrap();
        connection.send(head).unwrap();
        connection.head().unwrap().status
    };
    assert_eq!(status_of(head_with(60 * 1024)), 200);
    assert_eq!(status_of(head_with(65 * 1024)), 431);
    assert_eq!(status_of(head_with(0)), 200);
}
