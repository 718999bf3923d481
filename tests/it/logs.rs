//! The log: what is in it, where and how it looks.

use chrono::DateTime;
use defect_host_tests::HostFolder;
use serde_json::{Value, json};

const NAMED: &str = "logging.console.log_format = \"%(levelname)s|%(name)s|%(message)s\"";

#[test]
fn a_plugins_events_have_level_target_fields_and_request_id() {
    let host = HostFolder::faulty_with(NAMED, "").start();
    assert_eq!(host.client().send("GET", "/projects", &[("x-request-id", "r-1")], b"").status, 200);
    assert_eq!(
        host.wait_for_log("get_projects"),
        "INFO|plugin::faulty_defect_client|entered operation=get_projects answer=42 request_id=r-1"
    );
}

#[test]
fn levels_that_are_off_are_absent() {
    let host = HostFolder::faulty_with(NAMED, "").start();
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("GET /projects 200");
    assert!(!host.log().contains("DEBUG|"), "{}", host.log());

    let host = HostFolder::faulty_with(&format!("debug = true\n{NAMED}"), "").start();
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("DEBUG|plugin::faulty_defect_client|entered, in detail operation=get_projects");
}

#[test]
fn directives_override_the_configured_levels_per_target() {
    let host = HostFolder::faulty_with(NAMED, "")
        .start_with(&[], &[("DEFECT_HOST_LOG", "warn,defect_host=info,plugin::faulty_defect_client=debug")]);
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("DEBUG|plugin::faulty_defect_client|entered, in detail");
    host.wait_for_log("GET /projects 200");
    assert!(!host.log().contains("DEBUG|defect_host"), "{}", host.log());

    let host = HostFolder::faulty_with(NAMED, "")
        .start_with(&[], &[("DEFECT_HOST_LOG", "info,plugin::faulty_defect_client=off")]);
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("GET /projects 200");
    assert!(!host.log().contains("plugin::"), "{}", host.log());
}

#[test]
fn rust_log_counts_where_the_hosts_own_variable_has_nothing() {
    let host = HostFolder::faulty_with(NAMED, "")
        .start_with(&[], &[("RUST_LOG", "info,plugin::faulty_defect_client=debug"), ("DEFECT_HOST_LOG", "")]);
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("DEBUG|plugin::faulty_defect_client|entered, in detail");

    let host = HostFolder::faulty_with(NAMED, "").start_with(&[], &[("RUST_LOG", "off"), ("DEFECT_HOST_LOG", "info")]);
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("GET /projects 200");

    let refused = HostFolder::faulty("").run_with(&["check"], &[("RUST_LOG", "inof")]);
    assert_eq!(refused.code(), Some(2));
    assert!(refused.stderr.starts_with("error: the environment variable `RUST_LOG` is not"), "{}", refused.stderr);
}

#[test]
fn lines_of_json_have_every_field_with_its_type() {
    let service = "
        logging.console.format = \"json\"
        logging.file = { format = \"json\", file_path = \"host.log\" }
    ";
    let host = HostFolder::faulty_with(service, "").start();
    assert_eq!(host.client().send("GET", "/projects?x=hunter2", &[("x-request-id", "r-7")], b"").status, 200);
    host.wait_for_log("/projects");
    let console = host.log();
    let lines: Vec<Value> = console.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let file = host.folder().read("host.log");
    assert!(file.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{file}");
    let of = |name: &str| lines.iter().find(|line| line["name"] == name).unwrap_or_else(|| panic!("{name}: {console}"));

    let event = of("plugin::faulty_defect_client");
    assert!(DateTime::parse_from_rfc3339(event["time"].as_str().unwrap()).is_ok(), "{event}");
    assert_eq!(
        (&event["level"], &event["message"], &event["request_id"]),
        (&json!("INFO"), &json!("entered"), &json!("r-7"))
    );
    assert_eq!(event["fields"], json!({ "operation": "get_projects", "answer": 42 }));
    assert_eq!(of("defect_host::access")["request_id"], json!("r-7"));
}

#[test]
fn wrong_directives_end_the_start() {
    let refused = HostFolder::faulty("").run_with(&["start"], &[("DEFECT_HOST_LOG", "inof")]);
    assert_eq!(refused.code(), Some(2));
    insta::assert_snapshot!(refused.stderr, @r#"
        error: the environment variable `DEFECT_HOST_LOG` is not a list of log directives: `inof` is neither a level (`error`, `warn`, `info`, `debug`, `trace`, `off`) nor `target=level`

        hint: an example is `info,hyper=debug`
        "#);
}

#[test]
fn console_and_file_have_their_own_levels_and_formats() {
    let service = "
        [testbench-defect-service.logging.console]
        log_level = \"INFO\"
        log_format = \"console %(levelname)s %(message)s\"
        [testbench-defect-service.logging.file]
        log_level = \"ERROR\"
        log_format = \"file %(levelname)s %(name)s %(message)s\"
        file_path = \"host.log\"
    ";
    let host = HostFolder::faulty_with(service, "fail_in = { get_projects = \"unavailable\" }").start();
    for _ in 0..20 {
        assert_eq!(host.client().send("GET", "/projects", &[("x-request-id", "r-3")], b"").status, 500);
    }
    host.wait_for_log("console INFO entered operation=get_projects answer=42 request_id=r-3");
    host.wait_for_log("console INFO 127.0.0.1 GET /projects 500");
    let line = "file ERROR defect_host::serve::error the plugin reports: told to fail in get_projects request_id=r-3\n";
    assert_eq!(host.folder().read("host.log"), line.repeat(20));
}

#[test]
fn a_log_file_that_cannot_be_opened_ends_the_start() {
    let service = "logging.file.file_path = \"no such folder/host.log\"";
    let refused = HostFolder::faulty_with(service, "").run(&["start"]);
    assert_eq!(refused.code(), Some(2));
    insta::assert_snapshot!(refused.stderr, @r#"
        error: cannot open log file `no such folder/host.log`: No such file or directory (os error 2)

        hint: its folder has to exist and to be writable; the key is `logging.file.file_path`
        "#);
}

#[test]
fn one_request_is_one_line_whatever_its_path_holds() {
    let host = HostFolder::faulty("").start();
    assert_eq!(host.client().get("/nowhere%0AERROR%20forged").status, 404);
    let line = host.wait_for_log("/nowhere");
    assert!(line.contains("/nowhere%0AERROR%20forged 404"), "{line}");
    assert!(!host.log().lines().any(|line| line.starts_with("ERROR")));
}

#[test]
fn queries_and_credentials_are_not_logged() {
    let host = HostFolder::faulty("").start_with(&[], &[("DEFECT_HOST_LOG", "trace")]);
    assert_eq!(host.client().get("/check-login?project=closed&token=hunter2").status, 200);
    host.wait_for_log("GET /check-login 200");
    assert!(!host.log().contains("hunter2") && !host.log().contains("Basic "), "{}", host.log());
}

#[test]
fn a_backend_that_fails_is_an_error_in_the_log() {
    let host = HostFolder::faulty_with(NAMED, "fail_in = { get_projects = \"unavailable\" }").start();
    assert_eq!(host.client().send("GET", "/projects", &[("x-request-id", "r-2")], b"").status, 500);
    let line = host.wait_for_log("told to fail in get_projects");
    assert!(line.starts_with("ERROR|defect_host::") && line.ends_with("request_id=r-2"), "{line}");
}
