//! `x-request-id`: the thread that ties an answer to the lines of the log.

use defect_host_tests::{HostFolder, TestHost};
use serde_json::json;

fn host() -> TestHost {
    HostFolder::faulty("defects = 2000\nfail_at_defect = 1500").start()
}

#[test]
fn a_callers_id_is_taken_over_into_answer_and_log() {
    let host = host();
    let answer = host.client().send("GET", "/projects", &[("x-request-id", "run-42_a.b")], b"");
    assert_eq!(answer.header("x-request-id"), "run-42_a.b");
    for text in ["entered operation=get_projects", "GET /projects 200"] {
        let line = host.wait_for_log(text);
        assert!(line.ends_with("request_id=run-42_a.b"), "{line}");
    }
}

#[test]
fn without_one_each_answer_has_a_fresh_id() {
    let host = host();
    let ids: Vec<String> = (0..3).map(|_| host.client().get("/healthz").header("x-request-id").to_owned()).collect();
    assert!(ids.iter().all(|id| id.len() == 16 && id.chars().all(|c| c.is_ascii_hexdigit())), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
}

#[test]
fn an_id_that_could_forge_a_line_of_the_log_is_replaced() {
    let host = host();
    let long = "a".repeat(129);
    for hostile in ["a b", "a\" level=ERROR", "\u{1b}[31m", "ä", long.as_str()] {
        let mut connection = defect_host_tests::Connection::open(host.address()).unwrap();
        connection.send(defect_host_tests::head_of("GET", "/projects", &[("x-request-id", hostile)])).unwrap();
        let head = connection.head().unwrap();
        // A control character is not even HTTP.
        if head.status == 200 {
            assert_eq!(head.header("x-request-id").len(), 16, "{hostile:?}");
        } else {
            assert_eq!((head.status, hostile.as_bytes()[0]), (400, 0x1b));
        }
    }
}

#[test]
fn errors_have_an_id_too() {
    let host = host();
    let nobody = host.client().with_credentials(None);
    for answer in [nobody.get("/projects"), host.client().get("/nowhere"), host.client().post("/projects", &json!({}))]
    {
        assert_ne!(answer.header("x-request-id"), "", "{}", answer.status);
    }
}

#[test]
fn what_goes_wrong_late_in_a_list_is_logged_under_its_id() {
    let host = host();
    let headers = [("x-request-id", "the-list")];
    assert!(host.client().try_send("POST", "/projects/Shop/defects", &headers, b"").is_err());
    let line = host.wait_for_log("breaks off");
    assert!(line.ends_with("request_id=the-list"), "{line}");
}
