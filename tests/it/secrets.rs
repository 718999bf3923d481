//! Secrets go in on every way that there is, and come out on none.

use std::path::Path;

use base64::Engine as _;
use defect_host_tests::{Cli, Client, Connection, HostFolder, Response, head_of};
use serde_json::json;

/// A part of every secret here.
const MARK: &str = "M4RK3D";

/// Everything that was seen, with where.
#[derive(Default)]
struct Seen(Vec<(String, String)>);

impl Seen {
    fn add(&mut self, place: impl Into<String>, text: impl Into<String>) {
        self.0.push((place.into(), text.into()));
    }

    fn answer(&mut self, place: &str, answer: &Response) {
        self.add(place, format!("{} {:?} {}", answer.status, answer.headers, answer.text()));
    }

    fn run(&mut self, place: &str, run: &Cli) {
        self.add(place, format!("{}\n{}", run.stdout, run.stderr));
    }

    /// All files but those that the secrets were put into.
    fn files(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.files(&path);
            } else if ![".env", "config.toml"].iter().any(|name| path.ends_with(name)) {
                self.add(path.display().to_string(), String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
            }
        }
    }

    fn hold_nothing(&self, of: &[&str]) {
        for (place, text) in &self.0 {
            for secret in of.iter().copied().chain([MARK]) {
                assert!(!text.contains(secret), "`{secret}` is in {place}: {text}");
            }
        }
    }
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A host that logs all that it can into a file, too, and a plugin that tells its key wherever it speaks.
fn careless(client_config: &str) -> HostFolder {
    let service = format!(
        "debug = true\nmetrics_addr = \"127.0.0.1:0\"\nforwarded_secret = \"{MARK}-forwarded\"\n\
         logging.console.format = \"json\"\nlogging.file.file_path = \"host.log\""
    );
    let client_config = format!("api_key = \"{MARK}-key\"\ntell_key = true\n{client_config}");
    HostFolder::faulty_with(&service, &client_config)
}

#[test]
fn nothing_that_a_caller_sends_or_a_plugin_says_shows_a_secret() {
    let host = careless(
        "defects = 500\nfail_at_defect = 400\npanic_in = [\"get_control_fields\"]\nfail_in = { before_sync = \"unavailable\", \
         after_sync = \"invalid_input\" }",
    )
    .start_with(
        &[],
        &[("DEFECT_HOST_LOG", "trace"), ("TRACKER_TOKEN", "M4RK3D-environment"), ("PASSWORD", "M4RK3D-password")],
    );
    let mut seen = Seen::default();
    let client = host.client();

    // Queries, headers and credentials.
    let headers = [
        ("cookie", format!("session={MARK}-cookie")),
        ("forwarded", format!("for=192.0.2.7;secret={MARK}-forwarded")),
        ("x-api-key", format!("{MARK}-header")),
        ("x-request-id", format!("{MARK} not sensible")),
        ("referer", format!("http://user:{MARK}-url@example.org/?token={MARK}")),
    ];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for path in ["/projects", "/nowhere", "/settings", "/docs", "/readyz"] {
        let path = format!("{path}?token={MARK}-query&project={MARK}-query");
        seen.answer(&path.replace(MARK, "…"), &client.send("GET", &path, &headers, b""));
    }
    let wrong = format!("{MARK}-wrong");
    seen.answer("wrong credentials", &client.with_credentials(Some(("tester", &wrong))).get("/projects"));
    seen.answer("wrong user", &client.with_credentials(Some((&wrong, "x"))).get("/projects"));
    let nobody = client.with_credentials(None);
    for header in [format!("Bearer {MARK}-bearer"), format!("Basic {MARK}-no-base64"), base64(&wrong)] {
        seen.answer("an odd authorization", &nobody.send("GET", "/projects", &[("authorization", &header)], b""));
    }
    // An address with a password in it, as to a proxy.
    let mut connection = Connection::open(host.address()).unwrap();
    let url = format!("http://user:{MARK}-url@{}/projects", host.address());
    connection.send(head_of("GET", &url, &[("connection", "close")])).unwrap();
    seen.add("an absolute address", String::from_utf8_lossy(&connection.rest()));

    // Bodies: good ones, wrong ones, no JSON.
    let mut defect = defect_host_tests::defect_request();
    defect["defect"]["principal"]["password"] = json!(format!("{MARK}-body"));
    seen.answer("create", &client.post("/projects/A/defects/create", &defect));
    defect["defect"]["status"] = json!([format!("{MARK}-body")]);
    seen.answer("a wrong field", &client.post("/projects/A/defects/create", &defect));
    defect["defect"]["principal"] = json!(format!("{MARK}-body"));
    seen.answer("a wrong login", &client.put("/projects/A/defects/7/update", &defect));
    let no_json = format!("{{\"password\": \"{MARK}-body");
    seen.answer("no JSON", &client.send("POST", "/projects/A/defects/create", &[], no_json.as_bytes()));
    seen.answer("no JSON at all", &client.send("POST", "/projects/A/sync/before", &[], MARK.as_bytes()));

    // What the plugin says: in its log, its panics, its errors, its list.
    seen.answer("a panic", &client.get("/projects/control-fields"));
    let hook = json!({ "syncType": "manual" });
    let failed = client.post("/projects/A/sync/before", &hook);
    assert_eq!(failed.json()["message"], json!("told to fail in before_sync with ***"));
    seen.answer("an error", &failed);
    let refused = client.post("/projects/A/sync/after", &hook);
    assert_eq!(refused.json()["errors"][0]["message"], json!("told to fail in after_sync with ***"));
    seen.answer("a field", &refused);
    let _ = client.try_send("POST", "/projects/A/defects", &[], b"{}");
    host.wait_for_log("breaks off");

    let metrics = host.wait_for_log("metrics on http://");
    let metrics = metrics.split("metrics on ").nth(1).and_then(|rest| rest.split("/metrics").next()).unwrap();
    let page = Client::new(metrics, None).get(&format!("/metrics?token={MARK}-query"));
    assert!(page.text().contains("defect_host_logins_failed_total 5"), "{}", page.text());
    seen.answer("the metrics", &page);

    host.wait_for_log("told to panic in get_control_fields with ***");
    host.wait_for_log("my key is ***");
    let log = host.log();
    assert!(log.contains(r#""key":"***""#), "{log}");
    seen.add("standard output", log);
    seen.add("standard error", host.stderr());
    let folder = host.into_folder();
    assert!(folder.read("host.log").contains("my key is ***"));
    seen.files(folder.path());
    assert!(seen.0.iter().any(|(place, _)| place.ends_with("host.log")));
    seen.hold_nothing(&[&base64(&format!("tester:{wrong}")), &base64(&format!("{wrong}:x")), &base64(&wrong)]);
}

#[test]
fn no_fault_of_the_configuration_shows_a_secret() {
    let mut seen = Seen::default();
    for (name, config) in [
        ("a wrong type", "defects = \"many\""),
        ("an unknown key beside it", "pasword = \"M4RK3D-typo\""),
        ("a key twice", "api_key = \"M4RK3D-again\""),
        ("no TOML", "token = \"M4RK3D-open"),
        ("what the constructor says", "fail_in = { new = \"unavailable\" }"),
        ("what it refuses", "fail_in = { new = \"invalid_input\" }"),
        ("a field that it refuses", "refuse_field = \"api_key\""),
        ("a panic of it", "panic_in_new = true"),
    ] {
        let folder = careless(config);
        for command in ["check", "start"] {
            let run = folder.run(&[command]);
            assert_eq!(run.code(), Some(2), "{name}: {run:?}");
            assert!(!run.stderr.is_empty());
            seen.run(&format!("{command}, {name}"), &run);
        }
        seen.files(folder.path());
    }
    let folder = careless("");
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code(), Some(0), "{checked:?}");
    seen.run("check", &checked);
    for arguments in [
        vec!["plugins"],
        vec!["plugins", "inspect", "FaultyDefectClient"],
        vec!["plugins", "inspect", "FaultyDefectClient", "--toml"],
        vec!["plugins", "schema", "FaultyDefectClient"],
    ] {
        seen.run(&arguments.join(" "), &folder.run(&arguments));
    }
    for environment in
        [("PASSWORD_PEPPER", "M4RK3D no base64"), ("SALT", "M4RK3D no base64"), ("PASSWORD_HASH", "M4RK3D")]
    {
        let folder = HostFolder::with_config(
            "[testbench-defect-service]\nclient_class = \"FaultyDefectClient\"\n[testbench-defect-service.client_config]\n",
        );
        let others = [("SALT", "oheoUGwLn1lDpDfXlZLavA=="), ("PASSWORD_HASH", "00")];
        let others = others.into_iter().filter(|other| other.0 != environment.0);
        let run = folder.run_with(&["check"], &others.chain([environment]).collect::<Vec<_>>());
        assert_eq!(run.code(), Some(2), "{environment:?}: {run:?}");
        seen.run(environment.0, &run);
    }
    let folder = careless("");
    folder.write(".env", "TOKEN=\"M4RK3D-never-closed\nOTHER M4RK3D\n");
    let run = folder.run(&["check"]);
    assert_eq!(run.code(), Some(2), "{run:?}");
    seen.run(".env", &run);
    seen.hold_nothing(&[]);
}
