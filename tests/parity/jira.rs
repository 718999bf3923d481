//! The Jira clients of both services, each over a fake Jira of its own that began as the other's twin.

mod changing;
mod differences;
mod reading;
mod same_answers;
mod unequal;

use chrono::{DateTime, Utc};
use defect_host_tests::{Client, HostFolder};
use jira_fake::{JiraFake, Options};
use serde_json::{Value, json};

use crate::both::{Answers, Both, Call, post, put};
use crate::meaning::Meaning;

pub(crate) use differences::DIFFERENCES;

/// What both services are told, but for Jira's address. Overrides are under the display name, where the Python
/// service looks for them.
const CONFIG: &str = r#"
[testbench-defect-service]
client_class = "testbench_defect_service.clients.JiraDefectClient"
port = 0
# User `tester`, password `correct horse`.
password_hash = "69e31d7b5d839c0a45ebeadae0b73c95638dd2de4a4d428a67500496065f883a"
salt = "oheoUGwLn1lDpDfXlZLavA=="

[testbench-defect-service.client_config]
name = "Parity"
server_url = "{url}"
auth_type = "basic"
username = "{username}"
password = "{password}"
max_retries = 0
# Without an order, ours lists by key, and Jira's own order is told nowhere.
defect_jql = "project = '{project}' AND issuetype in standardIssueTypes() ORDER BY key DESC"
attributes = ["title", "status", "Severity", "Labels", "Points", "reporter", "unheard of"]

[testbench-defect-service.client_config.projects."Read Only (RO)"]
readonly = true

[testbench-defect-service.client_config.projects."History (HIST)"]
show_change_history = true
attributes = ["title", "status", "priority", "description"]

[testbench-defect-service.client_config.projects."Own Login (OWN)"]
enable_shared_auth = false

[testbench-defect-service.client_config.projects.KEYED]
readonly = true
"#;

/// Both services, each with its own Jira. The clocks of both stand still, so that instants are equal too.
pub(crate) struct Twins {
    pub(crate) both: Both,
    pub(crate) python: JiraFake,
    pub(crate) ours: JiraFake,
    pub(crate) cloud: bool,
}

impl Twins {
    pub(crate) fn of(cloud: bool) -> Self {
        Self::start(cloud, CONFIG)
    }

    /// With this configuration, in which `{url}`, `{username}` and `{password}` are filled in.
    pub(crate) fn start(cloud: bool, config: &str) -> Self {
        let options = || if cloud { JiraFake::cloud() } else { JiraFake::data_center().context_path("/jira") };
        let (python, ours) = (furnished(options().for_any_client()), furnished(options()));
        let folder = |jira: &JiraFake| {
            let (username, password) = if cloud { ("fred@example.com", "api-token") } else { ("fred", "password") };
            let config = config.replace("{url}", &jira.url());
            HostFolder::with_config(&config.replace("{username}", username).replace("{password}", password))
        };
        Self { both: Both::of(folder(&python), folder(&ours)), python, ours, cloud }
    }

    /// Both answers to a request, in which the addresses of the two Jiras are one.
    pub(crate) fn ask(&self, call: &Call) -> Answers {
        let mut answers = self.both.ask(call);
        for (answer, jira) in [(&mut answers.python, &self.python), (&mut answers.ours, &self.ours)] {
            answer.body = answer.text().replace(&jira.url(), "http://jira.example").into_bytes();
        }
        answers
    }

    /// Both answers' bodies.
    pub(crate) fn bodies(&self, call: &Call) -> [Value; 2] {
        let answers = self.ask(call);
        [answers.python.json(), answers.ours.json()]
    }

    /// Asks both, whose answers have to mean the same after these changes of the Python service's and of ours: what
    /// the list of differences has.
    pub(crate) fn same_but(
        &self,
        case: &str,
        call: &Call,
        python: impl Fn(&mut Value),
        ours: impl Fn(&mut Value),
    ) -> Value {
        let answers = self.ask(call);
        let [mut theirs, mut own] = [&answers.python, &answers.ours].map(Meaning::of);
        python(&mut theirs.body);
        ours(&mut own.body);
        self.compare(case, &call.what(), &json!([theirs.status, theirs.body]), &json!([own.status, own.body]));
        own.body
    }

    pub(crate) fn same(&self, case: &str, call: &Call) -> Value {
        self.same_but(case, call, |_| {}, |_| {})
    }

    /// Does the same to both Jiras.
    pub(crate) fn each(&self, change: impl Fn(&JiraFake)) {
        change(&self.python);
        change(&self.ours);
    }

    /// What the two Jiras hold of an issue has to be the same.
    pub(crate) fn same_issue(&self, case: &str, key: &str) -> Value {
        let [python, ours] = [&self.python, &self.ours].map(|jira| jira.state().issue(key).unwrap_or_default());
        self.compare(case, key, &python["fields"], &ours["fields"]);
        ours
    }

    fn compare(&self, case: &str, what: &str, python: &Value, ours: &Value) {
        let places = unequal::places(python, ours);
        self.both.compare(case, what, &"", &places.join("\n").as_str());
    }
}

/// The projects of both Jiras, by key and name. The Python service asks for them once, so all are there before it
/// starts. A difference that changes issues has one of its own.
const PROJECTS: [(&str, &str); 10] = [
    ("SHOP", "Shop App"),
    ("BIG", "Big"),
    ("RO", "Read Only"),
    ("HIST", "History"),
    ("OWN", "Own Login"),
    ("NONE", "Empty"),
    ("OTHER", "Other"),
    ("FLOW", "Workflow"),
    ("EDIT", "Edited"),
    ("KEYED", "Set By Key"),
];

/// The path of a project, as tools see it.
fn project(key: &str) -> String {
    let name = PROJECTS.iter().find(|(known, _)| *known == key).map_or("Nowhere", |(_, name)| name);
    format!("/projects/{}%20({key})", name.replace(' ', "%20"))
}

/// Projects with issues of every kind.
fn furnished(options: Options) -> JiraFake {
    let jira = options.start().unwrap();
    {
        let mut state = jira.state();
        state.clock_stands_at = Some("2026-02-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        state.largest_page = 100;
        for (key, name) in PROJECTS {
            state.add_project(key, name);
        }
        for (key, issues) in [("SHOP", 6), ("BIG", 150), ("RO", 1), ("HIST", 2), ("OTHER", 4), ("EDIT", 2)] {
            state.add_issues(key, issues);
        }
        state.add_fields_of_every_type("SHOP");
        let own = state.fields.iter().filter(|field| field.id.starts_with("customfield_"));
        for id in own.map(|field| field.id.clone()).collect::<Vec<_>>() {
            state.put_on_screens("FLOW", &id, false);
        }
        state.add_changes("HIST-1", 7);
        state.add_changes("HIST-2", 130);
    }
    jira
}

/// A client of the fake itself, for what a person would do in Jira.
fn person(jira: &JiraFake, cloud: bool) -> Client {
    Client::new(&jira.url(), Some(if cloud { ("fred@example.com", "api-token") } else { ("fred", "password") }))
}

/// The ids of a list's defects.
fn ids(set: &Value) -> Vec<&str> {
    set["value"].as_array().into_iter().flatten().filter_map(|defect| defect["id"].as_str()).collect()
}

/// The code of a protocol's first general error; empty without one.
fn general_error(protocol: &Value) -> &str {
    protocol["generalErrors"][0]["code"].as_str().unwrap_or_default()
}

/// The context that names Jira's own fields, as a test-management tool sends it.
fn context() -> Value {
    json!({ "statusAttribute": "status", "priorityAttribute": "priority", "classAttribute": "issuetype" })
}

/// A defect that can be an issue of either Jira.
fn defect(members: Value) -> Value {
    let defect = json!({
        "title": "It falls over", "description": "Line 1\nLine 2", "reporter": null, "status": "Open",
        "classification": "Bug", "priority": "High", "userDefinedFields": [],
        "lastEdited": "2026-01-31T12:00:00Z", "references": [],
        "principal": { "username": "ann", "password": "secret" }
    });
    crate::data::with(defect, members)
}

fn list(key: &str, context: &Value) -> Call {
    post(&format!("{}/defects", project(key)), context)
}

fn batch(key: &str, ids: &[&str]) -> Call {
    post(&format!("{}/defects/batch", project(key)), &json!({ "defectIds": ids, "syncContext": context() }))
}

fn extended(key: &str, id: &str) -> Call {
    post(&format!("{}/defects/{id}/extended", project(key)), &context())
}

fn create(key: &str, defect: &Value) -> Call {
    post(&format!("{}/defects/create", project(key)), &json!({ "defect": defect, "syncContext": context() }))
}

fn update(key: &str, id: &str, defect: &Value) -> Call {
    put(&format!("{}/defects/{id}/update", project(key)), &json!({ "defect": defect, "syncContext": context() }))
}

fn delete(key: &str, id: &str) -> Call {
    post(
        &format!("{}/defects/{id}/delete", project(key)),
        &json!({ "defect": defect(json!({})), "syncContext": context() }),
    )
}
