//! The dashboard and the alerts, asked of a real Prometheus, Debian's, as a process of the test's.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use defect_host_tests::{Client, Document, HostFolder, TestHost, defect_request, root};
use jira_fake::{Effect, Fault, JiraFake};
use serde_json::{Value, json};

use crate::metrics::{ADDRESS, families_in, page};

const ALERTS: &str = "docs/prometheus-alerts.yml";
const SHOP: &str = "/projects/Shop%20App%20(SHOP)/defects";

/// How long Prometheus may take to have seen all. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

struct Prometheus {
    process: Child,
    client: Client,
    _folder: HostFolder,
}

impl Prometheus {
    /// Runs it with the configuration that docs/operations.md shows, which asks these hosts every second.
    fn start(targets: &[String]) -> Self {
        let folder = HostFolder::with_config("");
        let guide = Document::read("docs/operations.md");
        let shown = *guide.blocks_in("yaml").first().unwrap();
        let mut config = shown.to_owned();
        for (shown, own) in [
            ("15s", "1s"),
            ("127.0.0.1:9464", &targets.join("\", \"")),
            ("/usr/share/doc/defect-host/docs/prometheus-alerts.yml", root().join(ALERTS).to_str().unwrap()),
        ] {
            assert!(config.contains(shown), "{config}");
            config = config.replace(shown, own);
        }
        folder.write("prometheus.yml", format!("global: {{ evaluation_interval: 1s }}\n{config}"));
        // It does not say which port it has when it takes any.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut command = Command::new("prometheus");
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.arg(format!("--web.listen-address={address}")).current_dir(folder.path());
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut process = spawned.expect("prometheus is installed: Debian's package of that name");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let client = Client::new(&format!("http://{address}"), None);
        let this = Self { process, client, _folder: folder };
        let mut said = Vec::new();
        while said.last().is_none_or(|line: &String| !line.contains("ready to receive web requests")) {
            said.push(log.next().unwrap_or_else(|| panic!("Prometheus ended:\n{}", said.join("\n"))));
        }
        std::thread::spawn(move || log.for_each(drop));
        this
    }

    fn ask(&self, path: &str) -> Value {
        let answer = self.client.get(path).json();
        assert_eq!(answer["status"], "success", "{path}: {answer}");
        answer["data"].clone()
    }

    /// What a query gives now.
    fn query(&self, query: &str) -> Vec<Value> {
        let escaped: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        self.ask(&format!("/api/v1/query?query={escaped}"))["result"].as_array().unwrap().clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `promtool`, with this on its standard input, has nothing to say against it.
fn promtool(arguments: &[&str], input: &str) {
    let folder = HostFolder::with_config("");
    let input = std::fs::File::open(folder.write("input", input)).unwrap();
    let ran = Command::new("promtool").args(arguments).current_dir(root()).stdin(input).output();
    let ran = ran.expect("promtool is installed: with Debian's package prometheus");
    let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(ran.status.success(), "promtool {arguments:?}: {said}");
}

/// `address:port` of a host's metrics.
fn target(host: &TestHost) -> String {
    let line = host.wait_for_log("metrics on http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.strip_suffix("/metrics"));
    address.unwrap().to_owned()
}

fn jsonl() -> TestHost {
    let folder = HostFolder::new(ADDRESS, "defects_path = \"defects\"");
    folder.write("defects/Shop/defects.jsonl", "");
    folder.start()
}

fn jira(fake: &JiraFake) -> TestHost {
    fake.state().add_project("SHOP", "Shop App");
    let login = "username = \"fred@example.com\"\npassword = \"api-token\"";
    let service = format!("client_class = \"JiraDefectClient\"\n{ADDRESS}");
    HostFolder::new(&service, &format!("server_url = \"{}\"\n{login}", fake.url())).start()
}

/// A query of the dashboard, as Grafana sends it.
struct Shown {
    /// The panel's title and the query's legend.
    name: String,
    query: String,
    /// The labels that the legend names.
    labels: Vec<String>,
}

/// All queries, asked for these hosts.
fn shown(dashboard: &Value, hosts: &[String]) -> Vec<Shown> {
    // Grafana escapes each for the regular expression, and its backslashes for the text that it is in.
    let hosts: Vec<_> = hosts.iter().map(|host| host.replace('.', r"\\.")).collect();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let queries = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(move |target| (panel["title"].as_str().unwrap(), target))
    });
    let queries = queries.map(|(title, target)| {
        let text = |key: &str| target[key].as_str().unwrap();
        let legend = text("legendFormat");
        let query = text("expr").replace("$__rate_interval", "1m");
        let query = query.replace("$instance", &format!("({})", hosts.join("|")));
        assert!(!query.contains('$'), "a variable that the dashboard does not have: {query}");
        let labels = legend.split("{{").skip(1).map(|rest| rest.split("}}").next().unwrap().to_owned()).collect();
        Shown { name: format!("{title}: {legend}"), query, labels }
    });
    queries.collect()
}

/// What stays at nothing here: it is over before it is looked at, or does not happen.
const MAY_BE_ZERO: [&str; 7] = [
    "In flight: requests",
    "Broken off: {{operation}}",
    "Places: running",
    "Places: waiting",
    "Calls without an answer, and restarts: restarts",
    "Bytes: journals",
    "Requests to Jira: too many",
];

impl Shown {
    /// The finite values; rates of what nobody asked for lately are none.
    fn values(&self, result: &[Value]) -> Vec<f64> {
        let values = result.iter().map(|sample| sample["value"][1].as_str().unwrap().parse().unwrap());
        values.filter(|value: &f64| value.is_finite()).collect()
    }

    /// Whether a person who looks at it sees something.
    fn is_seen(&self, result: &[Value]) -> bool {
        self.values(result).iter().any(|value| *value > 0.0 || MAY_BE_ZERO.contains(&self.name.as_str()))
    }
}

#[test]
fn each_query_of_the_dashboard_shows_something_that_can_be_so() {
    let begun = SystemTime::now();
    let fake = JiraFake::cloud().start().unwrap();
    let (jsonl, jira) = (jsonl(), jira(&fake));
    let faulty = "panic_in = [\"get_control_fields\"]\nfail_in = { before_sync = \"unavailable\" }";
    let faulty = HostFolder::faulty_with(ADDRESS, faulty).start();
    let hosts = [&jsonl, &jira, &faulty].map(target);
    let prometheus = Prometheus::start(&hosts);
    let deadline = Instant::now() + PATIENCE;
    while prometheus.query("sum(defect_host_plugin_calls_limit)").iter().all(|sum| sum["value"][1] != "192") {
        assert!(Instant::now() < deadline, "{}", prometheus.ask("/api/v1/targets"));
    }
    // Once: the first one is seen, too, and the alert is raised.
    assert_eq!(faulty.client().get("/projects/control-fields").status, 500);
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("docs/grafana-dashboard.json")).unwrap()).unwrap();
    let mut asked: Vec<_> = shown(&dashboard, &hosts).into_iter().map(|query| (query, Vec::new())).collect();
    assert!(asked.len() > 20, "{}", asked.len());

    while let Some(unseen) = asked.iter().find(|(query, result)| !query.is_seen(result)) {
        assert!(Instant::now() < deadline, "{}: {} gives {:?}", unseen.0.name, unseen.0.query, unseen.1);
        assert_eq!(jsonl.client().post("/projects/Shop/defects/create", &defect_request()).status, 200);
        assert_eq!(jsonl.client().with_credentials(None).get("/projects").status, 401);
        assert_eq!(faulty.client().post("/projects/Shop/sync/before", &json!({ "syncType": "manual" })).status, 500);
        fake.fault(Fault::on("POST", "/search/jql", Effect::answer(503).with_header("Retry-After", "0")));
        assert_eq!(jira.client().post(SHOP, &json!({})).status, 200);
        for (query, result) in &mut asked {
            *result = prometheus.query(&query.query);
        }
    }

    for (query, result) in &asked {
        assert!(query.values(result).iter().all(|value| *value >= 0.0), "{}: {result:?}", query.name);
        for label in &query.labels {
            assert!(result.iter().all(|sample| sample["metric"][label].is_string()), "{}: {result:?}", query.name);
        }
    }
    let of = |name: &str| {
        let (query, result) = asked.iter().find(|(query, _)| query.name == name).unwrap();
        query.values(result)
    };
    let began = begun.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as f64;
    assert!(of("Up since: {{instance}}").iter().all(|time| *time >= began && *time < began + 1e6));
    assert_eq!(of("Version: {{version}} {{plugin}}"), [1.0, 1.0, 1.0]);
    assert_eq!(of("Places: limit"), [192.0]);
    assert!(of("Faults: 5xx").iter().all(|part| *part > 0.0 && *part <= 1.0));
    for name in ["Time of 95 % of the requests: {{operation}}", "Time of 95 % of the calls: {{operation}}"] {
        assert!(of(name).iter().all(|seconds| *seconds < 60.0), "{name}");
    }
    assert!(of("Writes for each sync: changes").iter().all(|changes| *changes >= 1.0));

    // What the variable `instance` offers, by Grafana's `label_values`.
    let variable = &dashboard["templating"]["list"][1];
    assert_eq!(
        (&variable["name"], &variable["query"]),
        (&json!("instance"), &json!("label_values(defect_host_build_info, instance)"))
    );
    let mut offered = hosts.to_vec();
    offered.sort();
    assert_eq!(prometheus.ask("/api/v1/label/instance/values?match[]=defect_host_build_info"), json!(offered));

    // The same server has read the alerts: each can be computed, of numbers that there are.
    let known: BTreeSet<String> = serde_json::from_value(prometheus.ask("/api/v1/label/__name__/values")).unwrap();
    let rules = || prometheus.ask("/api/v1/rules")["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
    let is_raised = |rule: &Value| rule["name"] == "DefectHostCallsUnanswered" && rule["state"] == "firing";
    while !rules().iter().any(is_raised) {
        assert!(Instant::now() < deadline, "{:?}", rules());
    }
    for rule in rules() {
        assert_eq!(rule["health"], "ok", "{rule}");
        assert!(families_in(rule["query"].as_str().unwrap()).is_subset(&known), "{rule}");
    }
}

#[test]
fn the_page_keeps_the_rules_for_names_and_each_alert_is_raised_in_its_case() {
    let fake = JiraFake::cloud().start().unwrap();
    for host in [jsonl(), jira(&fake)] {
        assert_eq!(host.client().get("/projects").status, 200);
        promtool(&["check", "metrics"], &page(&host).text());
    }
    promtool(&["check", "rules", ALERTS], "");
    promtool(&["test", "rules", "tests/it/prometheus/alerts.yml"], "");
}
