//! The fake and the requests of a client, held against Atlassian's OpenAPI documents by prism, which stands
//! as a proxy before the fake. `cargo xtask jira-contract` gets prism and runs this; the documents are not
//! ours to keep, so their folder has to be named.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use jira_fake::JiraFake;
use serde_json::{Value, json};

/// Who has to say no.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Verdict {
    /// Nobody: the request is right, and so is its answer.
    Right,
    /// The fake and the document.
    Both,
    /// The fake alone: the document cannot know.
    Fake,
}

use Verdict::{Both, Fake, Right};

type Case = (Verdict, &'static str, String, Value);

fn folder(name: &str) -> PathBuf {
    PathBuf::from(
        std::env::var_os(name).unwrap_or_else(|| panic!("{name} is not set: run `cargo xtask jira-contract`")),
    )
}

/// Prism between a client and a fake. Killed when dropped.
struct Proxy {
    child: Child,
    url: String,
}

impl Proxy {
    fn start(product: &str, prefix: &str, port: u16, upstream: &str, scratch: &Path) -> Self {
        let documents = folder("JIRA_DOCUMENTS");
        let (script, document) = (documents.join("make_mock_spec.py"), scratch.join(format!("{product}.json")));
        let url = format!("http://127.0.0.1:{port}");
        let mut make = Command::new("python3");
        make.arg(script).arg(product).arg(&document).args(["--base", &url]).arg("--here").arg(documents);
        if !prefix.is_empty() {
            make.args(["--prefix", prefix]);
        }
        assert!(make.status().unwrap().success(), "the document for {product} cannot be made");
        let mut child = Command::new(folder("JIRA_PRISM"))
            .args(["proxy", "-h", "127.0.0.1", "-p", &port.to_string()])
            .arg(document)
            .arg(upstream)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("prism ended:\n{said}")).unwrap();
            if line.contains("Prism is listening") {
                break;
            }
            said = said + &line + "\n";
        }
        // Prism stops when nobody reads what it says.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends one request: the status, the body, and what the document has against request and answer.
fn send(base: &str, login: &str, method: &str, path: &str, body: &Value) -> (u16, String, String) {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build().into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{base}{path}"));
    if !login.is_empty() {
        let login = base64::engine::general_purpose::STANDARD.encode(login);
        request = request.header("authorization", format!("Basic {login}"));
    }
    let bytes = match body {
        Value::Null => String::new(),
        // A file.
        Value::String(name) => {
            let (name, token) = name.split_once('|').unwrap_or((name, "no-check"));
            request =
                request.header("content-type", "multipart/form-data; boundary=edge").header("x-atlassian-token", token);
            format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--edge--\r\n"
            )
        }
        body => {
            request = request.header("content-type", "application/json");
            body.to_string()
        }
    };
    let mut answer = if bytes.is_empty() {
        agent.run(request.body(()).unwrap()).unwrap()
    } else {
        agent.run(request.body(bytes).unwrap()).unwrap()
    };
    let violations = answer.headers().get("sl-violations").map_or("", |value| value.to_str().unwrap()).to_owned();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap_or_default(), violations)
}

fn check(base: &str, login: &str, cases: Vec<Case>) {
    let mut wrong = Vec::new();
    for (verdict, method, path, body) in &cases {
        let (status, said, violations) = send(base, login, method, path, body);
        // Only the request's: answers to what the document does not allow are not in it either.
        let objects =
            if *verdict == Right { !violations.is_empty() } else { violations.contains("\"location\":[\"request") };
        let expected = match verdict {
            Right => (200..400).contains(&status) && !objects,
            Both => (400..500).contains(&status) && objects,
            Fake => (400..500).contains(&status) && !objects,
        };
        if !expected {
            wrong.push(format!("{verdict:?}: {method} {path} {body}\n  {status} {said:.300}\n  {violations:.600}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} requests:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn get(verdict: Verdict, path: &str) -> Case {
    (verdict, "GET", path.into(), Value::Null)
}

fn post(verdict: Verdict, path: &str, body: Value) -> Case {
    (verdict, "POST", path.into(), body)
}

fn put(verdict: Verdict, path: &str, body: Value) -> Case {
    (verdict, "PUT", path.into(), body)
}

/// A body for create, with further fields.
fn new(more: Value) -> Value {
    let mut fields = json!({"project": {"key": "SHOP"}, "issuetype": {"id": "1"}, "summary": "One line"});
    for (key, value) in more.as_object().unwrap() {
        fields[key] = value.clone();
    }
    json!({"fields": fields})
}

fn adf(text: &str) -> Value {
    json!({"version": 1, "type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

/// What both products take and refuse in the same way.
fn common(rich: &Value, user: &Value) -> Vec<Case> {
    let fields = json!({"description": rich, "priority": {"name": "High"}, "labels": ["a"], "components": [{"name": "Backend"}],
                        "fixVersions": [{"name": "1.0"}], "duedate": "2026-01-31", "assignee": user});
    vec![
        get(Right, "/serverInfo"),
        get(Right, "/myself"),
        get(Right, "/project"),
        get(Right, "/project/SHOP"),
        get(Right, "/project/SHOP/statuses"),
        get(Right, "/field"),
        get(Right, "/priority"),
        get(Right, "/status"),
        get(Right, "/attachment/meta"),
        get(Right, "/issue/createmeta/SHOP/issuetypes?startAt=0&maxResults=50"),
        get(Right, "/issue/createmeta/SHOP/issuetypes/1?startAt=0&maxResults=50"),
        get(Right, "/issue/SHOP-1?fields=*all&expand=changelog"),
        get(Right, "/issue/SHOP-1?fields=summary,status"),
        get(Right, "/issue/SHOP-1/editmeta"),
        get(Right, "/issue/SHOP-3/transitions?expand=transitions.fields"),
        get(Right, "/issue/SHOP-1/comment?startAt=0&maxResults=100"),
        get(Right, "/user/assignable/search?project=SHOP"),
        post(Right, "/issue", new(fields)),
        put(Right, "/issue/SHOP-1?notifyUsers=false", json!({"fields": {"summary": "Changed", "description": rich}})),
        put(Right, "/issue/SHOP-1", json!({"fields": {"description": null, "assignee": null}})),
        put(Right, "/issue/SHOP-1", json!({"update": {"labels": [{"add": "x"}, {"remove": "y"}]}})),
        post(Right, "/issue/SHOP-1/transitions", json!({"transition": {"id": "11"}})),
        post(
            Right,
            "/issue/SHOP-3/transitions",
            json!({"transition": {"id": "31"}, "fields": {"resolution": {"name": "Done"}}}),
        ),
        post(Right, "/issue/SHOP-1/comment", json!({"body": rich})),
        post(Right, "/issue/SHOP-1/attachments", "file".into()),
        (Right, "DELETE", "/issue/SHOP-5?deleteSubtasks=true".into(), Value::Null),
        // What the document knows about.
        post(Both, "/issue", json!({"fields": {"project": {"key": "SHOP"}, "issuetype": {"id": "1"}}})),
        post(Both, "/issue", json!({"fields": {"issuetype": {"id": "1"}, "summary": "x"}})),
        post(Both, "/issue", new(json!({"summary": "two\nlines"}))),
        post(Both, "/issue", new(json!({"labels": ["two words"]}))),
        post(Both, "/issue", new(json!({"status": {"name": "Done"}}))),
        post(Both, "/issue", new(json!({"issuetype": {"id": 1}}))),
        post(Both, "/issue", new(json!({"duedate": "31.01.2026"}))),
        post(Both, "/issue/SHOP-1/transitions", json!({"transition": {}})),
        post(Both, "/issue/SHOP-1/comment", json!({})),
        post(Both, "/issue/SHOP-1/attachments", "attachment".into()),
        post(Both, "/issue/SHOP-1/attachments", "file|check".into()),
        // What only somebody with state does.
        post(Fake, "/issue", new(json!({"customfield_1": "x"}))),
        post(Fake, "/issue", new(json!({"priority": {"name": "Nope"}}))),
        post(Fake, "/issue", new(json!({"project": {"key": "NOPE"}}))),
        post(Fake, "/issue/SHOP-2/transitions", json!({"transition": {"id": "51"}})),
        get(Fake, "/issue/SHOP-99999"),
        get(Fake, "/project/NOPE"),
    ]
}

fn run(product: &str, cloud: bool, prefix: &str, login: &str, cases: Vec<Case>) {
    let port = free_port();
    let options = if cloud {
        JiraFake::cloud().for_any_client()
    } else {
        JiraFake::data_center().for_any_client().context_path(prefix)
    };
    let inner = free_port();
    let jira = options.public_address(&format!("http://127.0.0.1:{port}")).port(inner).start().unwrap();
    jira.state().add_project("SHOP", "Shop App");
    jira.state().add_fields_of_every_type("SHOP");
    jira.state().add_issues("SHOP", 120);
    jira.state().add_changes("SHOP-1", 130);
    let scratch = tempfile::tempdir().unwrap();
    let proxy = Proxy::start(product, prefix, port, &format!("http://127.0.0.1:{inner}"), scratch.path());
    let version = if cloud { 3 } else { 2 };
    let base = format!("{}{prefix}/rest/api/{version}", proxy.url);
    check(&base, login, cases);
    // Without a login.
    let (status, _, violations) = send(&base, "", "GET", "/myself", &Value::Null);
    assert_eq!((status, violations.is_empty()), (401, false));
    let unknown: Vec<_> =
        jira.requests().into_iter().filter(|request| !request.unknown_parameters.is_empty()).collect();
    let expected = ["startAt", "username", "accountId"];
    assert!(
        unknown.iter().flat_map(|request| &request.unknown_parameters).all(|name| expected.contains(&name.as_str())),
        "{unknown:?}"
    );
}

#[test]
#[ignore = "needs Atlassian's documents and prism: `cargo xtask jira-contract FOLDER`"]
fn cloud_and_its_document_agree() {
    let mut cases = common(&adf("text"), &json!({"accountId": "5b10mia"}));
    cases.extend([
        get(Right, "/project/search?startAt=0&maxResults=100&orderBy=key"),
        get(Right, "/search/jql?jql=project%3DSHOP&fields=*all&maxResults=50"),
        get(Right, "/issue/SHOP-1/changelog?startAt=100&maxResults=100"),
        get(Right, "/user/search?query=mia&maxResults=10"),
        get(Right, "/user/search?accountId=5b10mia"),
        post(Right, "/search/jql", json!({"jql": "project = SHOP ORDER BY key", "maxResults": 100, "fields": ["summary", "status"], "expand": "changelog"})),
        post(Right, "/search/jql", json!({"jql": "key in (SHOP-1, SHOP-2)", "fields": ["*all"], "reconcileIssues": [10001]})),
        post(Right, "/search/approximate-count", json!({"jql": "project = SHOP"})),
        post(Right, "/issue/bulkfetch", json!({"issueIdsOrKeys": ["SHOP-1", "SHOP-2"], "fields": ["*all"], "expand": ["changelog"]})),
        get(Both, "/search/jql?jql=project%3DSHOP&maxResults=abc"),
        get(Both, "/project/search?maxResults=abc"),
        post(Both, "/search/jql", json!({"jql": "project = SHOP", "startAt": 0})),
        post(Both, "/search/jql", json!({"jql": "project = SHOP", "expand": ["changelog"]})),
        get(Both, "/user/search?username=mia"),
        post(Both, "/issue", new(json!({"description": "plain"}))),
        post(Both, "/issue", new(json!({"description": {"type": "doc", "content": []}}))),
        post(Both, "/issue", new(json!({"description": adf("")}))),
        post(Both, "/issue", new(json!({"assignee": {"name": "mia"}}))),
        (Both, "DELETE", "/issue/SHOP-6?deleteSubtasks=1".into(), Value::Null),
        post(Both, "/issue/SHOP-1/comment", json!({"body": adf("")})),
        post(Fake, "/search/jql", json!({"jql": "order by key"})),
        post(Fake, "/search/jql", json!({"jql": "project = SHOP AND"})),
        post(Fake, "/search/jql", json!({"jql": "key in (SHOP-1, SHOP-99999)"})),
        post(Fake, "/search/jql", json!({"jql": "project = SHOP", "nextPageToken": "none"})),
        get(Fake, "/user/search"),
    ]);
    run("cloud", true, "", "fred@example.com:api-token", cases);
}

#[test]
#[ignore = "needs Atlassian's documents and prism: `cargo xtask jira-contract FOLDER`"]
fn data_center_and_its_document_agree() {
    let mut cases = common(&"text".into(), &json!({"name": "mia"}));
    cases.extend([
        get(Right, "/search?jql=project%3DSHOP&startAt=50&maxResults=50&fields=*all"),
        get(Right, "/search?jql=project%3DSHOP&maxResults=0"),
        get(Right, "/user/search?username=mia&maxResults=10"),
        post(Right, "/search", json!({"jql": "project = SHOP ORDER BY key", "startAt": 100, "maxResults": 100, "fields": ["summary"], "expand": ["changelog"], "validateQuery": false})),
        post(Right, "/search", json!({"jql": "key in (SHOP-1, SHOP-99999)", "validateQuery": false})),
        get(Both, "/search?jql=project%3DSHOP&maxResults=abc"),
        post(Both, "/search", json!({"jql": "project = SHOP", "nextPageToken": "x"})),
        post(Both, "/search", json!({"jql": "project = SHOP", "expand": "changelog"})),
        get(Both, "/user/search?accountId=5b10mia"),
        post(Both, "/issue", new(json!({"description": adf("text")}))),
        post(Both, "/issue", new(json!({"assignee": {"accountId": "5b10mia"}}))),
        post(Fake, "/search", json!({"jql": "project = SHOP AND"})),
        post(Fake, "/search", json!({"jql": "key in (SHOP-1, SHOP-99999)"})),
    ]);
    run("dc", false, "/jira", "fred:password", cases);
}
