//! Traces for OpenTelemetry, with the host built for them: `cargo test --workspace --all-features --test traces`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here is the failure of a test")]

mod collector;

use std::net::TcpListener;
use std::process::Command;

use defect_host_tests::{Connection, HostFolder, TestHost, head_of};

use self::collector::{Collector, Export, of_resource, spans};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const JSON: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");

/// A caller's span, in a trace of its.
const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn start(client_config: &str, environment: &[(&str, &str)]) -> TestHost {
    HostFolder::faulty(client_config).start_with(&[], environment)
}

/// Ends the host; what it has to export is with the collector then.
fn end(mut host: TestHost) -> String {
    host.signal("TERM");
    assert_eq!(host.wait().code(), Some(0));
    assert_eq!(host.stderr(), "");
    host.log()
}

#[test]
fn a_request_has_a_span_and_in_it_one_for_each_call() {
    let collector = Collector::answering(&[]);
    let host = start("panic_in = [\"get_control_fields\"]", &[(ENDPOINT, collector.endpoint()), JSON]);
    let sent = [("traceparent", CALLER), ("tracestate", "vendor=header-secret"), ("x-key", "header-secret")];
    let answer = host.client().send("POST", "/projects/Shop%20App/defects?key=query-secret", &sent, b"");
    assert_eq!(answer.status, 200);
    assert_eq!(host.client().get("/projects/control-fields").status, 500);
    let body = br#"{"title": "body-secret"}"#;
    assert_eq!(host.client().send("POST", "/projects/Shop/defects/create", &[], body).status, 400);
    let mut other = Connection::open(host.address()).unwrap();
    other.send(head_of("BREW", &format!("/{}", "x".repeat(2000)), &[])).unwrap();
    assert_eq!(other.head().unwrap().status, 404);
    end(host);

    let exports = collector.exports();
    assert_eq!(of_resource(&exports[0], "service.name"), "defect-host");
    let spans = spans(&exports);
    let names: Vec<_> = spans.iter().map(|span| span.text("name")).collect();
    let calls = ["create_defect", "get_control_fields", "get_defects"];
    let requests = [
        "GET /projects/control-fields",
        "HTTP",
        "POST /projects/{project}/defects",
        "POST /projects/{project}/defects/create",
    ];
    assert_eq!(names, [&requests[..], &calls[..]].concat());

    let of = |name: &str| spans.iter().find(|span| span.text("name") == name).unwrap();
    let listed = of("POST /projects/{project}/defects");
    assert_eq!((listed.text("traceId"), listed.text("parentSpanId")), (&CALLER[3..35], &CALLER[36..52]));
    let shown = ["http.request.method", "http.route", "url.scheme", "url.path", "http.response.status_code"];
    assert_eq!(
        shown.map(|key| listed.attribute(key)),
        ["POST", "/projects/{project}/defects", "http", "/projects/Shop%20App/defects", "200"]
    );
    assert!(!listed.is_error());
    let call = of("get_defects");
    assert_eq!((call.text("traceId"), call.text("parentSpanId")), (listed.text("traceId"), listed.text("spanId")));
    assert_eq!(
        (call.attribute("defect_host.operation"), call.attribute("defect_host.outcome")),
        ("get_defects".into(), "ok".into())
    );

    let failed = of("GET /projects/control-fields");
    assert_eq!((failed.attribute("http.response.status_code"), failed.is_error()), ("500".into(), true));
    assert_eq!(failed.text("parentSpanId"), "");
    let call = of("get_control_fields");
    assert_eq!((call.attribute("defect_host.outcome"), call.is_error()), ("panicked".into(), true));

    let call = of("create_defect");
    assert_eq!((call.attribute("defect_host.outcome"), call.is_error()), ("not_asked".into(), false));
    let other = of("HTTP");
    assert_eq!((other.attribute("http.request.method"), other.attribute("url.path").len()), ("_OTHER".into(), 1024));

    for Export { body, .. } in &exports {
        let text = String::from_utf8_lossy(body);
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn the_variables_of_the_environment_decide() {
    let collector = Collector::answering(&[]);
    let endpoint = collector.endpoint();
    let to_collector = (ENDPOINT, endpoint);
    for (environment, is_exported) in [
        (&[][..], false),
        (&[(ENDPOINT, "")], false),
        (&[to_collector, ("OTEL_SDK_DISABLED", "true")], false),
        (&[to_collector, ("OTEL_TRACES_EXPORTER", "none")], false),
        (&[to_collector, ("OTEL_TRACES_SAMPLER", "always_off")], false),
        (&[to_collector, ("OTEL_TRACES_EXPORTER", "otlp")], true),
    ] {
        let host = start("", environment);
        assert_eq!(host.client().get("/projects").status, 200);
        end(host);
        assert_eq!(!collector.exports().is_empty(), is_exported, "{environment:?}");
    }

    let traces = format!("{endpoint}/own/path");
    let environment = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", traces.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop"),
        ("OTEL_SERVICE_NAME", "tracker"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=less,deployment.environment.name=test"),
        JSON,
    ];
    let host = start("", &environment);
    assert_eq!(host.client().get("/projects").status, 200);
    end(host);
    let exports = collector.exports();
    assert_eq!(exports[0].head[0], "POST /own/path HTTP/1.1");
    assert!(exports[0].head.iter().any(|line| line == "x-tenant: shop"), "{:?}", exports[0].head);
    assert_eq!(of_resource(&exports[0], "service.name"), "tracker");
    assert_eq!(of_resource(&exports[0], "deployment.environment.name"), "test");
}

#[test]
fn protobuf_is_what_is_sent_unless_told_otherwise() {
    let collector = Collector::answering(&[]);
    let host = start("", &[(ENDPOINT, collector.endpoint())]);
    assert_eq!(host.client().get("/projects").status, 200);
    end(host);
    let export = &collector.exports()[0];
    assert_eq!(export.head[0], "POST /v1/traces HTTP/1.1");
    assert!(export.head.iter().any(|line| line == "content-type: application/x-protobuf"), "{:?}", export.head);
    assert!(export.body.windows(13).any(|bytes| bytes == b"GET /projects"));
}

#[test]
fn what_cannot_be_used_is_warned_of_and_the_service_starts() {
    for (environment, warning) in [
        (&[(ENDPOINT, "http://user:pass-word@bad host")][..], "the value of `OTEL_EXPORTER_OTLP_ENDPOINT`"),
        (
            &[(ENDPOINT, "http://[::1]"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")],
            "`OTEL_EXPORTER_OTLP_PROTOCOL` names a",
        ),
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")], "`OTEL_EXPORTER_OTLP_TIMEOUT`"),
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_TRACES_EXPORTER", "zipkin")], "`OTEL_TRACES_EXPORTER` names an"),
        (
            &[(ENDPOINT, "https://[::1]"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", "none.pem")],
            "`OTEL_EXPORTER_OTLP_CERTIFICATE`",
        ),
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_EXPORTER_OTLP_TIMEOUT", "0")], "`OTEL_EXPORTER_OTLP_TIMEOUT`"),
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")], "`OTEL_EXPORTER_OTLP_COMPRESSION`"),
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_EXPORTER_OTLP_HEADERS", "pass-word")], "`OTEL_EXPORTER_OTLP_HEADERS`"),
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_TRACES_SAMPLER", "jaeger_remote")], "`OTEL_TRACES_SAMPLER`"),
        (
            &[
                (ENDPOINT, "http://[::1]"),
                ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
                ("OTEL_TRACES_SAMPLER_ARG", "10%"),
            ],
            "`OTEL_TRACES_SAMPLER_ARG`",
        ),
        // It would never rest.
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_BSP_SCHEDULE_DELAY", "0")], "`OTEL_BSP_SCHEDULE_DELAY`"),
        // It would not start for want of memory.
        (&[(ENDPOINT, "http://[::1]"), ("OTEL_BSP_MAX_QUEUE_SIZE", "99999999999")], "`OTEL_BSP_MAX_QUEUE_SIZE`"),
    ] {
        let host = start("", environment);
        assert_eq!(host.client().get("/projects").status, 200);
        let log = end(host);
        assert!(log.contains("no traces are exported") && log.contains(warning), "{log}");
        assert!(!log.contains("pass-word"), "{log}");
    }
}

#[test]
fn a_collector_that_is_not_there_is_told_once_and_disturbs_nobody() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let endpoint = format!("http://user:pass-word@{free}");
    let environment = [(ENDPOINT, endpoint.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "1")];
    let host = start("", &environment);
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("traces do not reach the collector");
    for _ in 0..50 {
        assert_eq!(host.client().get("/projects").status, 200);
    }
    let log = end(host);
    assert_eq!(log.matches("collector").count(), 1, "{log}");
    assert!(!log.contains("pass-word"), "{log}");
}

#[test]
fn what_the_headers_and_the_endpoint_hold_is_logged_at_no_level() {
    let collector = Collector::answering(&[401]);
    let endpoint = collector.endpoint().replace("//", "//user:pass-word@");
    let environment = [
        (ENDPOINT, endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20pass-word"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("DEFECT_HOST_LOG", "trace"),
    ];
    let host = start("", &environment);
    assert_eq!(host.client().get("/projects").status, 200);
    host.wait_for_log("which answers 401");
    let log = end(host);
    let told: Vec<_> = log.lines().filter(|line| line.contains("pass-word")).collect();
    assert!(told.is_empty(), "{told:#?}");
    let head = &collector.exports()[0].head;
    assert!(head.iter().any(|line| line == "authorization: Bearer pass-word"), "{head:?}");
}

#[test]
fn the_scheme_is_that_of_the_service() {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let collector = Collector::answering(&[]);
    let folder = HostFolder::faulty_with("ssl_cert = \"own.pem\"\nssl_key = \"own.key\"", "");
    folder.write("own.pem", own.cert.pem());
    folder.write("own.key", own.signing_key.serialize_pem());
    let host = folder.start_with(&[], &[(ENDPOINT, collector.endpoint()), JSON]);
    let curl = Command::new("curl").args(["-sk", "--noproxy", "*", host.client().base()]).status();
    assert!(curl.expect("curl is installed").success());
    end(host);
    assert_eq!(spans(&collector.exports())[0].attribute("url.scheme"), "https");
}

#[test]
fn a_collector_that_works_again_is_told_too() {
    let collector = Collector::answering(&[503]);
    let host = start("", &[(ENDPOINT, collector.endpoint()), ("OTEL_BSP_SCHEDULE_DELAY", "1")]);
    assert_eq!(host.client().get("/projects").status, 200);
    let failed = host.wait_for_log("traces do not reach the collector");
    assert!(failed.contains("which answers 503"), "{failed}");
    host.wait_for_log("traces reach the collector again");
    end(host);
}

#[test]
fn a_collector_that_never_answers_does_not_keep_the_process() {
    // Connections are made, by the system, and nobody takes them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let host = start("", &[(ENDPOINT, &endpoint), ("OTEL_EXPORTER_OTLP_TIMEOUT", "3600000")]);
    assert_eq!(host.client().get("/projects").status, 200);
    end(host);
}

#[test]
fn a_collector_behind_tls_is_believed_by_its_certificate() {
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let collector = Collector::with_certificate(&own);
    for is_known in [true, false] {
        let folder = HostFolder::faulty("");
        folder.write("collector.pem", own.cert.pem());
        let certificate = if is_known { "collector.pem" } else { "" };
        let environment = [(ENDPOINT, collector.endpoint()), ("OTEL_EXPORTER_OTLP_CERTIFICATE", certificate)];
        let host = folder.start_with(&[], &environment);
        assert_eq!(host.client().get("/projects").status, 200);
        let log = end(host);
        assert_eq!(collector.exports().len(), usize::from(is_known), "{log}");
        assert_eq!(log.contains("invalid peer certificate"), !is_known, "{log}");
    }
}
