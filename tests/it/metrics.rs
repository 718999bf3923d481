//! `/metrics`: what is counted, and where it is shown.

use std::collections::{BTreeMap, BTreeSet};

use defect_host_tests::{Client, Connection, HostFolder, Response, TestHost, defect_request, head_of, root};
use jira_fake::{Effect, Fault, JiraFake};
use openmetrics_parser::prometheus::parse_prometheus;
use serde_json::json;

pub(crate) const ADDRESS: &str = "metrics_addr = \"127.0.0.1:0\"";

pub(crate) fn page(host: &TestHost) -> Response {
    let line = host.wait_for_log("metrics on http://");
    let base = line.split("metrics on ").nth(1).and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    Client::new(base, None).get("/metrics")
}

/// Each sample by its name and labels, of a page that another program can read.
fn numbers(host: &TestHost) -> BTreeMap<String, f64> {
    let text = page(host).text();
    if let Err(error) = parse_prometheus(&text) {
        panic!("{error}\n{text}");
    }
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
    samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[test]
fn what_happens_is_counted() {
    let host = HostFolder::faulty_with(
        &format!("call_timeout = 2\n{ADDRESS}"),
        "defects = 2000\npanic_in = [\"get_control_fields\"]\nhang_in = [\"get_user_defined_attributes\"]\n\
         fail_in = { before_sync = \"unavailable\", after_sync = \"forbidden\" }",
    )
    .start();
    let client = host.client();
    assert_eq!(page(&host).header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let before = numbers(&host);
    assert!(!before.keys().any(|name| name.starts_with("defect_host_requests_total")), "{before:?}");

    for _ in 0..3 {
        assert_eq!(client.get("/projects").status, 200);
    }
    assert_eq!(client.with_credentials(None).get("/projects").status, 401);
    assert_eq!(client.with_credentials(Some(("tester", "wrong"))).get("/nowhere").status, 401);
    assert_eq!(client.get("/nowhere").status, 404);
    assert_eq!(client.get("/projects/control-fields").status, 500);
    let hook = json!({ "syncType": "manual" });
    assert_eq!(client.post("/projects/A/sync/before", &hook).status, 500);
    assert_eq!(client.post("/projects/A/sync/after", &hook).status, 403);
    assert_eq!(client.post("/projects/A/sync/after", &json!([])).status, 400);
    let list = client.post("/projects/A/defects", &json!({}));
    // The last call: with isolation it ends the process.
    assert_eq!(client.get("/projects/udfs").status, 504);
    assert_eq!(client.get("/healthz").status, 200);
    host.wait_for_log("GET /healthz 200");

    let numbers = numbers(&host);
    let calls = |operation: &str, outcome: &str| {
        format!("defect_host_plugin_calls_total{{operation=\"{operation}\",outcome=\"{outcome}\"}}")
    };
    let requests = |operation: &str, status: u16| {
        format!("defect_host_requests_total{{operation=\"{operation}\",status=\"{status}\"}}")
    };
    let of = |name: &str, operation: &str| format!("{name}{{operation=\"{operation}\"}}");
    for (name, value) in [
        (requests("get_projects", 200), 3),
        (requests("get_projects", 401), 1),
        (requests("other", 401), 1),
        (requests("other", 404), 1),
        (requests("get_control_fields", 500), 1),
        (requests("get_user_defined_attributes", 504), 1),
        (requests("after_sync", 400), 1),
        (requests("health", 200), 1),
        ("defect_host_logins_failed_total".to_owned(), 2),
        ("defect_host_requests_in_flight".to_owned(), 0),
        (calls("get_projects", "ok"), 3),
        (calls("get_projects", "panicked"), 0),
        (calls("get_control_fields", "panicked"), 1),
        (calls("get_user_defined_attributes", "timed_out"), 1),
        (calls("before_sync", "failed"), 1),
        (calls("after_sync", "refused"), 1),
        (calls("after_sync", "ok"), 0),
        (calls("get_defects", "ok"), 1),
        (of("defect_host_plugin_call_duration_seconds_count", "get_projects"), 3),
        (of("defect_host_request_duration_seconds_count", "get_projects"), 4),
        (of("defect_host_response_bytes_total", "get_defects"), list.body.len()),
        (of("defect_host_requests_broken_off_total", "get_defects"), 0),
        ("defect_host_plugin_calls_limit".to_owned(), 64),
        ("defect_host_plugin_calls_queued".to_owned(), 0),
    ] {
        assert_eq!(numbers.get(&name), Some(&(value as f64)), "{name}");
    }
    assert!(numbers[&of("defect_host_plugin_pieces_seconds_total", "get_defects")] > 0.0);
    let limit = |limit: &str| {
        numbers[&format!(
            "defect_host_request_duration_seconds_bucket{{operation=\"get_user_defined_attributes\",le=\"{limit}\"}}"
        )]
    };
    assert_eq!((limit("1"), limit("+Inf")), (0.0, 1.0), "it took its 2 s");
}

#[test]
fn what_runs_and_waits_is_seen_while_it_does() {
    let host = HostFolder::faulty_with(ADDRESS, "wait_in = [\"check_login\"]\ngate = \"gate\"").start();
    // From here on the credentials are known: so many unknown ones are not checked at once.
    assert_eq!(host.client().get("/projects").status, 200);
    // More than may run at once.
    let mut connections: Vec<Connection> = (0..65)
        .map(|_| {
            let mut connection = Connection::open(host.address()).unwrap();
            connection.send(head_of("GET", "/check-login", &[])).unwrap();
            connection
        })
        .collect();
    while numbers(&host)["defect_host_plugin_calls_queued"] != 1.0 {}
    // A page's numbers are not of one moment, and from here on nothing changes: the pages' own questions to the
    // plugin do not stand in the queue.
    assert_eq!(numbers(&host)["defect_host_plugin_metrics_up"], 0.0);
    let seen = numbers(&host);
    assert_eq!(seen["defect_host_plugin_calls_queued"], 1.0);
    assert_eq!(seen["defect_host_plugin_calls_in_flight"], 64.0);
    assert_eq!(seen["defect_host_requests_in_flight"], 65.0);
    host.folder().write("gate", "");
    assert!(connections.iter_mut().all(|connection| connection.head().unwrap().status == 200));
}

#[test]
fn restarts_of_the_plugins_process_are_counted() {
    let host =
        HostFolder::faulty_with(&format!("isolation = \"process\"\n{ADDRESS}"), "crash_in.get_projects = \"abort\"")
            .start();
    assert_eq!(numbers(&host)["defect_host_plugin_restarts_total"], 0.0);
    assert_eq!(host.client().get("/projects").status, 502);
    host.wait_for_log("its process runs again");
    let numbers = numbers(&host);
    assert_eq!(numbers["defect_host_plugin_restarts_total"], 1.0);
    assert_eq!(numbers["defect_host_plugin_calls_total{operation=\"get_projects\",outcome=\"ended\"}"], 1.0);
}

#[test]
fn the_numbers_are_not_on_the_services_own_address() {
    let host = HostFolder::faulty_with(ADDRESS, "").start();
    assert_eq!(page(&host).status, 200);
    assert_eq!(host.client().get("/metrics").status, 404);
    assert_eq!(host.client().with_credentials(None).get("/metrics").status, 401);
    let line = host.wait_for_log("metrics on http://");
    let base = line.split("metrics on ").nth(1).and_then(|rest| rest.strip_suffix("/metrics")).unwrap();
    assert_eq!(Client::new(base, None).get("/projects").status, 404);

    let host = HostFolder::faulty("").start();
    assert!(!host.log().contains("metrics"), "{}", host.log());
}

#[test]
fn an_address_that_cannot_be_had_ends_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let refused = HostFolder::faulty_with(&format!("metrics_addr = \"{address}\""), "").run(&["start"]);
    assert_eq!(refused.code(), Some(1));
    insta::assert_snapshot!(refused.stderr.replace(&address.to_string(), "[address]"), @r"
    error: cannot listen on [address] for the metrics: Address already in use (os error 98)

    hint: another program listens there: stop it, or choose another `metrics_addr`
    ");
}

#[test]
fn a_plugins_own_numbers_are_shown_as_far_as_they_can_be() {
    let host = HostFolder::faulty_with(ADDRESS, "").start();
    let shown = numbers(&host);
    assert_eq!(shown["defect_plugin_answers{key=\"\"}"], 42.0);
    assert_eq!((shown["defect_host_plugin_metrics_up"], shown["defect_host_plugin_metrics_left_out"]), (1.0, 2.0));

    let host = HostFolder::faulty_with(ADDRESS, "panic_in = [\"get_metrics\"]").start();
    let shown = numbers(&host);
    assert_eq!(shown["defect_host_plugin_metrics_up"], 0.0);
    assert!(!shown.keys().any(|name| name.starts_with("defect_plugin_")), "{shown:?}");
    // What failed is counted before the next page.
    let panicked = "defect_host_plugin_calls_total{operation=\"get_metrics\",outcome=\"panicked\"}";
    assert_eq!(numbers(&host)[panicked], 1.0);
}

#[test]
fn a_plugin_that_hangs_over_its_numbers_is_asked_once() {
    let host = HostFolder::faulty_with(&format!("call_timeout = 4\n{ADDRESS}"), "hang_in = [\"get_metrics\"]").start();
    // The page does not wait for the end of the call, nor does the next one ask again.
    assert_eq!(numbers(&host)["defect_host_plugin_metrics_up"], 0.0);
    host.wait_for_log("the plugin is not asked for its numbers any more");
    assert_eq!(numbers(&host)["defect_host_plugin_metrics_up"], 0.0);
    assert_eq!(host.log().matches("entered operation=get_metrics").count(), 1, "{}", host.log());
    assert_eq!(host.client().get("/projects").status, 200);
}

#[test]
fn the_jsonl_plugin_tells_sizes_writes_and_syncs() {
    let folder = HostFolder::new(ADDRESS, "defects_path = \"defects\"");
    folder.write("defects/Shop/defects.jsonl", "");
    let host = folder.start();
    for _ in 0..3 {
        assert_eq!(host.client().post("/projects/Shop/defects/create", &defect_request()).status, 200);
    }
    let shown = numbers(&host);
    let bytes = host.folder().read("defects/Shop/defects.jsonl").len();
    assert_eq!(shown["defect_plugin_defects{project=\"Shop\"}"], 3.0);
    assert_eq!(shown["defect_plugin_file_bytes{project=\"Shop\"}"], bytes as f64);
    assert!(shown.contains_key("defect_plugin_journal_bytes{project=\"Shop\"}"), "{shown:?}");
    assert_eq!((shown["defect_plugin_writes_total"], shown["defect_plugin_batches_total"]), (3.0, 3.0));
}

#[test]
fn the_jira_plugin_tells_what_it_asks_again_and_what_it_knows() {
    let jira = JiraFake::cloud().start().unwrap();
    jira.state().add_project("SHOP", "Shop App");
    let login = "username = \"fred@example.com\"\npassword = \"api-token\"";
    let service = format!("client_class = \"JiraDefectClient\"\n{ADDRESS}");
    let host = HostFolder::new(&service, &format!("server_url = \"{}\"\n{login}", jira.url())).start();
    jira.fault(Fault::on("GET", "/field", Effect::answer(503).with_header("Retry-After", "0")));
    let list = || host.client().post("/projects/Shop%20App%20(SHOP)/defects", &json!({})).status;
    assert_eq!((list(), list()), (200, 200));
    let shown = numbers(&host);
    let of = |name: &str| shown[&format!("defect_plugin_jira_{name}_total")];
    assert_eq!(of("requests"), jira.requests().len() as f64);
    assert_eq!((of("requests_repeated"), of("requests_limited")), (1.0, 1.0));
    assert!(of("cache_hits") > 0.0, "{shown:?}");
}

/// What in a text of Prometheus' query language is the name of a family.
pub(crate) fn families_in(query: &str) -> BTreeSet<String> {
    let words = query.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let names = words.filter(|word| word.starts_with("defect_") || word.starts_with("process_"));
    names.map(str::to_owned).collect()
}

#[test]
fn the_guide_has_all_numbers() {
    let folder = HostFolder::new(ADDRESS, "defects_path = \"defects\"");
    folder.write("defects/Shop/defects.jsonl", "");
    let host = folder.start();
    assert_eq!(host.client().post("/projects/Shop/defects", &json!({})).status, 200);
    let page = page(&host).text();
    let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let families: BTreeSet<String> = families.map(str::to_owned).collect();
    let guide = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let rows = guide.lines().filter(|line| line.starts_with("| `defect_") || line.starts_with("| `process_"));
    let documented: BTreeSet<String> = rows.flat_map(|row| families_in(row.split(" | ").next().unwrap())).collect();
    let of_jira = |name: &String| name.starts_with("defect_plugin_jira_");
    assert_eq!(documented.into_iter().filter(|name| !of_jira(name)).collect::<BTreeSet<_>>(), families);
}
