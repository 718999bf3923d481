//! The Jira plugin in the real host, against a fake of both kinds of Jira.

mod changing;
mod faults;
mod interrupted;
mod logins;
mod reading;

use defect_host_tests::{HostFolder, TestHost};
use jira_fake::{Effect, Fault, JiraFake, Logged, Options};
use serde_json::{Value, json};

const PROJECT: &str = "/projects/Shop%20App%20(SHOP)";

/// A Jira with a project of so many issues.
fn with_issues(options: Options, issues: u64) -> JiraFake {
    let jira = options.start().unwrap();
    jira.state().add_project("SHOP", "Shop App");
    jira.state().add_project("OTHER", "Another One");
    jira.state().add_fields_of_every_type("SHOP");
    jira.state().add_issues("SHOP", issues);
    jira.state().add_issues("OTHER", 1);
    jira
}

/// Both kinds, each with a project of so many issues.
fn both(issues: u64) -> Vec<JiraFake> {
    let cloud = with_issues(JiraFake::cloud(), issues);
    // A login that is refused is tried at the gateway of this site, which is Atlassian's own: no test calls it.
    cloud.fault(Fault::on("GET", "/_edge/tenant_info", Effect::answer(404)).times(u32::MAX));
    vec![cloud, with_issues(JiraFake::data_center().context_path("/jira"), issues)]
}

fn is_cloud(jira: &JiraFake) -> bool {
    !jira.url().ends_with("/jira")
}

/// A folder whose host serves this Jira.
fn folder(jira: &JiraFake, config: &str) -> HostFolder {
    let (username, password) = if is_cloud(jira) { ("fred@example.com", "api-token") } else { ("fred", "password") };
    let (url, class) = (jira.url(), "client_class = \"testbench_defect_service.clients.JiraDefectClient\"");
    let login = format!("server_url = \"{url}\"\nusername = \"{username}\"\npassword = \"{password}\"\n");
    HostFolder::new(class, &format!("{login}{config}"))
}

fn serve(jira: &JiraFake, config: &str) -> TestHost {
    folder(jira, config).start()
}

/// A request for a change, with these properties of the defect instead of the usual ones.
fn change(properties: Value) -> Value {
    let mut defect = json!({
        "title": "It falls over", "description": "Line 1\nLine 2", "reporter": null, "status": "Open",
        "classification": "Bug", "priority": "High", "userDefinedFields": [],
        "lastEdited": "2026-01-31T12:00:00Z", "references": [],
        "principal": { "username": "ann", "password": "hunter2-in-the-body" }
    });
    for (key, value) in properties.as_object().unwrap() {
        defect[key] = value.clone();
    }
    json!({ "defect": defect, "syncContext": {} })
}

/// Method and path, below the version, of what Jira was asked.
fn asked(requests: &[Logged]) -> Vec<String> {
    let path = |request: &Logged| {
        let path = request.path.split("/rest/api/").nth(1).and_then(|path| path.split_once('/'));
        path.map_or_else(|| request.path.clone(), |(_, path)| path.to_owned())
    };
    requests.iter().map(|request| format!("{} {}", request.method, path(request))).collect()
}
