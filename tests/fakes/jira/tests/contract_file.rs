//! `contract.json`, which the plugin's requests are held against: that it is, and that it is what Atlassian's
//! documents say.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use std::path::PathBuf;

use base64::Engine;
use jira_fake::{Contract, Holds, JiraFake, Kind, Rule};
use serde_json::{Value, json};

/// Sends a request as fred, and gives the status and what the answer says.
fn send(jira: &JiraFake, method: &str, path: &str, body: &Value) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
    let login = base64::engine::general_purpose::STANDARD.encode("fred@example.com:api-token");
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{}{path}", jira.url()))
        .header("authorization", format!("Basic {login}"))
        .header("content-type", "application/json");
    let answer = if body.is_null() {
        agent.run(request.body(()).unwrap())
    } else {
        agent.run(request.body(body.to_string()).unwrap())
    };
    let mut answer = answer.unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

#[test]
fn what_the_contract_does_not_have_is_refused_and_ends_the_test() {
    let issue = json!({ "fields": {} });
    for (method, path, body, why) in [
        ("GET", "/rest/api/3/nothing", Value::Null, "no such request"),
        ("GET", "/rest/api/2/myself", Value::Null, "no such request"),
        ("PATCH", "/rest/api/3/myself", Value::Null, "no such request"),
        ("GET", "/rest/api/3/issue/createmeta", Value::Null, "no such request"),
        ("GET", "/rest/api/3/issue/SHOP-1?nope=1", Value::Null, "no query parameter `nope`"),
        ("GET", "/rest/api/3/project/search?maxResults=ten", Value::Null, "`maxResults=ten` is no Integer"),
        ("DELETE", "/rest/api/3/issue/SHOP-1?deleteSubtasks=1", Value::Null, "is no Boolean"),
        ("GET", "/rest/api/3/myself", json!({}), "no body"),
        ("POST", "/rest/api/3/issue", json!({ "fields": {}, "fieldz": {} }), "no key `fieldz`"),
        ("POST", "/rest/api/3/issue", json!({ "update": {} }), "the body has no `fields`"),
        ("POST", "/rest/api/3/issue", json!({ "fields": [] }), "the body's `fields` is no Object"),
        ("POST", "/rest/api/3/search/jql", json!({ "jql": "x", "startAt": 0 }), "no key `startAt`"),
        ("POST", "/rest/api/3/issue/SHOP-1/attachments", issue.clone(), "`X-Atlassian-Token: no-check` is missing"),
    ] {
        let jira = JiraFake::cloud().start().unwrap();
        let (status, said) = send(&jira, method, path, &body);
        assert!(said.contains(why), "{method} {path} {body}: {said}");
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(jira)));
        assert_eq!((status, dropped.is_ok()), (599, false), "{path}");
    }
    let jira = JiraFake::cloud().start().unwrap();
    assert_eq!(send(&jira, "GET", "/rest/api/3/myself", &Value::Null).0, 200);
}

/// What Atlassian's trimmed documents do not have, and where it stands instead.
const ELSEWHERE: [(Kind, &str, &str); 8] = [
    (Kind::Cloud, "GET /_edge/tenant_info", "help page `Find your site's cloud ID`"),
    (Kind::DataCenter, "GET /_edge/tenant_info", "asked in order to learn that it is no Cloud"),
    (Kind::Cloud, "POST /oauth/token", "help pages about OAuth 2.0"),
    (Kind::DataCenter, "POST /rest/oauth2/latest/token", "help page `Jira OAuth 2.0 provider API`"),
    (Kind::Cloud, "GET /rest/api/2/serverInfo", "version 2 has the operations of version 3, says the introduction"),
    (Kind::DataCenter, "GET /rest/api/2/issue/createmeta", "before 8.4, which the document is not about"),
    (Kind::DataCenter, "GET /secure/attachment/{attachment}/{name}", "what `content` of an attachment has"),
    (Kind::DataCenter, "GET /rest/api/2/issue/{issue}/transitions?expand", "the prose, but not the parameters"),
];

#[test]
#[ignore = "needs Atlassian's documents: `cargo xtask jira-contract FOLDER`"]
fn the_contract_is_what_the_documents_say() {
    let mut wrong = Vec::new();
    for (kind, file, prefix) in
        [(Kind::Cloud, "cloud-v3.trimmed.openapi.json", ""), (Kind::DataCenter, "dc-v2.trimmed.openapi.json", "/rest")]
    {
        let folder = PathBuf::from(std::env::var_os("JIRA_DOCUMENTS").expect("run `cargo xtask jira-contract`"));
        let document = std::fs::read_to_string(folder.join(file)).unwrap();
        let document = Document { all: serde_json::from_str(&document).unwrap(), prefix };
        for (call, rule) in Contract::rules(kind) {
            let faults = document.faults(&call, &rule);
            let elsewhere = |what: &str| ELSEWHERE.iter().any(|(known, name, _)| *known == kind && *name == what);
            for (what, fault) in faults {
                if !elsewhere(&what) {
                    wrong.push(format!("{kind:?}: {what}: {fault}"));
                }
            }
        }
        for (_, what, _) in ELSEWHERE.iter().filter(|(known, ..)| *known == kind) {
            let (call, parameter) = what.split_once('?').unwrap_or((what, ""));
            let rules = Contract::rules(kind);
            let faults = document.faults(call, &rules[call]);
            let name = if parameter.is_empty() { call } else { what };
            assert!(faults.iter().any(|(found, _)| found == name), "{kind:?}: the document has `{what}`");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

struct Document {
    all: Value,
    prefix: &'static str,
}

impl Document {
    /// What of a rule the document does not have: the call, or the call and a part of it.
    fn faults(&self, call: &str, rule: &Rule) -> Vec<(String, String)> {
        let (method, path) = call.split_once(' ').unwrap();
        let Some(operation) = self.operation(method, path) else {
            return vec![(call.to_owned(), "no such operation".to_owned())];
        };
        let mut faults = Vec::new();
        let mut check = |part: &str, holds: Holds, schema: Option<&Value>| match schema {
            None => faults.push((format!("{call}?{part}"), "not there".to_owned())),
            Some(schema) if !agrees(holds, schema) => {
                faults.push((format!("{call}?{part}"), format!("{holds:?} instead of {schema}")));
            }
            Some(_) => {}
        };
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for (name, holds) in &rule.query {
            let is_it = |parameter: &&Value| parameter["in"] == "query" && parameter["name"] == **name;
            let found = parameters.iter().map(|parameter| self.resolved(parameter)).find(is_it);
            check(name, *holds, found.map(|parameter| self.resolved(&parameter["schema"])));
        }
        let body = self.resolved(&operation["requestBody"]);
        let schema = self.resolved(&body["content"]["application/json"]["schema"]);
        for (name, holds) in rule.body.iter().flatten() {
            check(name, *holds, schema["properties"].get(name).map(|schema| self.resolved(schema)));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            if !rule.required.contains(name.as_str().unwrap()) {
                faults.push((format!("{call}?{name}"), "required".to_owned()));
            }
        }
        if rule.body.is_some() != schema.is_object() {
            faults.push((call.to_owned(), "a body here and none there".to_owned()));
        }
        if rule.parts.is_some() != body["content"].get("multipart/form-data").is_some() {
            faults.push((call.to_owned(), "files here and none there".to_owned()));
        }
        faults
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        // Names of parameters are ours.
        let shape = |path: &str| {
            let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
            segments.collect::<Vec<_>>().join("/")
        };
        let paths = self.all["paths"].as_object()?;
        let (_, item) = paths.iter().find(|(known, _)| format!("{}{}", self.prefix, shape(known)) == shape(path))?;
        item.get(method.to_ascii_lowercase())
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(link) => self.resolved(self.all.pointer(link.trim_start_matches('#')).unwrap()),
            None => value,
        }
    }
}

/// Data Center's document has texts for numbers, flags and lists, and no type for some objects.
fn agrees(holds: Holds, schema: &Value) -> bool {
    let wanted = format!("{holds:?}").to_lowercase();
    match schema["type"].as_str() {
        None => holds == Holds::Object,
        Some("string") => holds != Holds::Object,
        Some(kind) => kind == wanted,
    }
}
