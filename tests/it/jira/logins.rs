//! Logins that go through Atlassian's gateway.

use defect_host_tests::HostFolder;
use jira_fake::{Effect, Fault, JiraFake};
use serde_json::json;

use super::{PROJECT, with_issues};

/// Cloud, with so many issues, and a host's folder that logs in like this.
fn cloud(issues: u64, login: &str) -> (JiraFake, HostFolder) {
    let jira = with_issues(JiraFake::cloud(), issues);
    let gateway = jira.gateway_url();
    let (gateway, _cloud_id) = gateway.rsplit_once('/').unwrap();
    let (url, tokens) = (jira.url(), jira.token_url());
    let config =
        format!("server_url = \"{url}\"\ncloud_gateway_url = \"{gateway}\"\ncloud_token_url = \"{tokens}\"\n{login}");
    (jira, HostFolder::new("client_class = \"JiraDefectClient\"", &config))
}

#[test]
fn a_token_with_scopes_is_used_through_the_gateway_and_links_are_the_sites() {
    let (jira, folder) = cloud(2, "username = \"fred@example.com\"\npassword = \"scoped-token\"");
    let host = folder.start();
    assert_eq!(host.client().get("/check-login").json(), json!(true), "{}", host.log());
    jira.clear_requests();
    let set = host.client().post(&format!("{PROJECT}/defects"), &json!({})).json();
    let mut links: Vec<_> = set["value"].as_array().unwrap().iter().map(|defect| &defect["references"][0]).collect();
    links.sort_by_key(|link| link.to_string());
    assert_eq!(
        links,
        [&json!(format!("{}/browse/SHOP-1", jira.url())), &json!(format!("{}/browse/SHOP-2", jira.url()))]
    );
    let requests = jira.requests();
    assert!(!requests.is_empty() && requests.iter().all(|request| request.path.starts_with("/ex/jira/")));
}

#[test]
fn a_login_that_ends_in_the_middle_of_a_list_is_renewed_and_outlives_the_host() {
    let login = "auth_type = \"oauth2 3LO (user account)\"\noauth2_client_id = \"client\"\n\
                 oauth2_client_secret = \"client-secret\"";
    let (jira, folder) = cloud(350, login);
    // The Python service's: there is no consent of ours yet.
    folder.write("tmp/oauth2_tokens.toml", "[oauth2]\nrefresh_token = \"refresh-0\"\n");
    let host = folder.start();
    assert_eq!(host.client().get("/check-login").json(), json!(true), "{}", host.log());
    jira.fault(Fault::on("POST", "/search/jql", Effect::ExpireAccessTokens).after(2));
    let set = host.client().post(&format!("{PROJECT}/defects"), &json!({})).json();
    assert_eq!(set["value"].as_array().map(Vec::len), Some(350), "{}", set["protocol"]);
    assert_eq!(set["protocol"]["generalErrors"], json!([]));
    assert_eq!(jira.state().logins.refresh_token, "refresh-2");
    let stored = host.folder().read("jira-oauth2-token.json");
    assert!(stored.contains("refresh-2"), "{stored}");
    assert!(!host.log().contains("refresh-") && !host.log().contains("client-secret"));
}
