//! The log's line about each request.

use defect_host_tests::{Connection, HostFolder, head_of};
use serde_json::{Value, json};

/// The parts of a line, with `#` for each time.
fn shape(line: &str) -> String {
    let words = line.split(' ').map(|word| match word.trim_end_matches(',').parse::<f64>() {
        Ok(_) if word.contains('.') => word.replace(|c: char| c.is_ascii_digit() || c == '.', "").to_owned() + "#",
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_line_has_all_that_is_known_of_a_request() {
    let host = HostFolder::faulty_with("logging.console.log_format = \"%(message)s\"", "").start();
    let id = [("x-request-id", "r-1")];
    assert_eq!(host.client().send("GET", "/projects", &id, b"").status, 200);
    assert_eq!(host.client().send("GET", "/healthz", &id, b"").status, 200);
    assert_eq!(
        host.client().with_credentials(None).send("PUT", "/projects/A/defects/7/update", &id, b"{}").status,
        401
    );
    for (path, line) in [
        ("/projects ", "127.0.0.1 GET /projects 200 19 B # ms, get_projects # ms request_id=r-1"),
        ("/healthz ", "127.0.0.1 GET /healthz 200 18 B # ms request_id=r-1"),
        ("/update ", "127.0.0.1 PUT /projects/A/defects/7/update 401 95 B # ms, update_defect # ms request_id=r-1"),
    ] {
        assert_eq!(shape(&host.wait_for_log(path)), line);
    }
}

#[test]
fn a_long_list_has_its_line_at_its_end_with_all_its_bytes() {
    let folder = HostFolder::faulty_with(
        "logging.console.format = \"json\"",
        "defects = 10000\nwait_at_defect = 9000\ngate = \"gate\"",
    );
    let host = folder.start();
    let list = std::thread::scope(|scope| {
        let list = scope.spawn(|| host.client().post("/projects/Shop/defects", &json!({})));
        host.wait_for_log("waiting");
        assert!(!host.log().contains("defect_host::access"), "{}", host.log());
        host.folder().write("gate", "");
        list.join().unwrap()
    });
    let line: Value = serde_json::from_str(&host.wait_for_log("defect_host::access")).unwrap();
    let fields = &line["fields"];
    assert_eq!(
        (&fields["bytes"], &fields["status"], &fields["broken_off"], &fields["operation"]),
        (&json!(list.body.len()), &json!(200), &json!(false), &json!("get_defects"))
    );
    assert_eq!(line["request_id"], json!(list.header("x-request-id")));
    let time = |name: &str| fields[name].as_f64().unwrap();
    assert!(0.0 < time("plugin_ms") && time("plugin_ms") <= time("duration_ms"), "{line}");
    assert_eq!(
        fields.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(),
        ["address", "broken_off", "bytes", "duration_ms", "method", "operation", "path", "plugin_ms", "status"]
    );
}

#[test]
fn an_answer_that_breaks_off_says_so() {
    let host = HostFolder::faulty("defects = 10000\nfail_at_defect = 9000").start();
    assert!(host.client().try_send("POST", "/projects/Shop/defects", &[], b"").is_err());
    let line = host.wait_for_log("POST /projects/Shop/defects 200");
    assert!(line.contains(" ms, broken off request_id="), "{line}");
}

#[test]
fn a_caller_that_leaves_is_a_line_too() {
    let host = HostFolder::faulty("defects = 100000\nwait_in = [\"get_projects\"]\ngate = \"gate\"").start();
    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("GET", "/projects", &[])).unwrap();
    host.wait_for_log("entered operation=get_projects");
    drop(connection);
    let line = host.wait_for_log("GET /projects - 0 B");
    assert!(line.contains(" ms, broken off request_id="), "{line}");
    host.folder().write("gate", "");

    let mut connection = Connection::open(host.address()).unwrap();
    connection.send(head_of("POST", "/projects/Shop/defects", &[("content-length", "0")])).unwrap();
    assert_eq!(connection.head().unwrap().status, 200);
    drop(connection);
    let line = host.wait_for_log("POST /projects/Shop/defects 200");
    assert!(line.contains(" ms, broken off request_id="), "{line}");
}
