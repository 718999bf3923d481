//! What goes wrong on the way to Jira.

use std::net::TcpListener;

use defect_host_tests::{Document, HostFolder, STORED};
use jira_fake::{Effect, Fault};
use serde_json::{Value, json};

use super::{PROJECT, asked, both, change, is_cloud, serve};

#[test]
fn the_host_starts_without_jira_and_says_what_is_wrong() {
    // Nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config =
        format!("server_url = \"http://127.0.0.1:{port}\"\nauth_type = \"token\"\ntoken = \"t\"\nmax_retries = 0");
    let host = HostFolder::new("client_class = \"JiraDefectClient\"", &config).start();
    let answer = host.client().get("/projects");
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("cannot reach"), "{}", answer.text());
    assert_eq!(host.client().get("/readyz").status, 503);
    assert_eq!(host.client().get("/settings").status, 200);
}

#[test]
fn credentials_that_are_missing_end_the_start_and_name_the_variables() {
    let folder = HostFolder::new("client_class = \"JiraDefectClient\"", "server_url = \"https://jira.example\"");
    let ended = folder.run(&["start"]);
    assert_eq!(ended.code(), Some(2));
    assert!(ended.stderr.contains("JIRA_USERNAME") && ended.stderr.contains("JIRA_PASSWORD"), "{}", ended.stderr);
    let environment = [("JIRA_USERNAME", "fred"), ("JIRA_PASSWORD", "marked-secret")];
    let checked = folder.run_with(&["check"], &environment);
    assert_eq!(checked.code(), Some(0), "{}", checked.stderr);
    assert!(!checked.stdout.contains("marked") && !checked.stderr.contains("marked"));
}

#[test]
fn a_wrong_password_is_a_login_that_is_not_accepted() {
    for jira in both(0) {
        let config = format!("server_url = \"{}\"\nusername = \"fred\"\npassword = \"wrong-secret\"", jira.url());
        let host = HostFolder::new("client_class = \"JiraDefectClient\"", &config).start();
        assert_eq!(host.client().get("/check-login").json(), json!(false));
        let answer = host.client().get("/projects");
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert!(!answer.text().contains("wrong-secret") && !host.log().contains("wrong-secret"));
    }
}

#[test]
fn a_page_that_fails_for_good_leaves_a_list_that_says_it_is_not_whole() {
    for jira in both(600) {
        let host = serve(&jira, "max_retries = 0");
        assert_eq!(host.client().get("/projects").status, 200);
        jira.fault(Fault::on("POST", "/search", Effect::answer(500)).after(1).times(100));
        let answer = host.client().post(&format!("{PROJECT}/defects"), &json!({}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let set = answer.json();
        let first = if is_cloud(&jira) { 100 } else { 250 };
        assert_eq!(set["value"].as_array().unwrap().len(), first);
        assert_eq!(set["protocol"]["generalErrors"][0]["code"], "READ_ACCESS_ERROR");
        let message = set["protocol"]["generalErrors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("the list is not whole: after {first} issues")), "{message}");
    }
}

#[test]
fn a_busy_jira_is_asked_again() {
    for jira in both(3) {
        let host = serve(&jira, "");
        jira.fault(Fault::on("POST", "/search", Effect::answer(429).with_header("Retry-After", "0")));
        jira.fault(Fault::on("GET", "/field", Effect::answer(503).with_header("Retry-After", "0")));
        let set = host.client().post(&format!("{PROJECT}/defects"), &json!({})).json();
        assert_eq!(set["value"].as_array().map(Vec::len), Some(3), "{set}");
    }
}

#[test]
fn an_issue_whose_answer_was_lost_is_found_and_not_created_again() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let create = || host.client().post(&format!("{PROJECT}/defects/create"), &change(json!({}))).json();
        jira.fault(Fault::on("POST", "/issue$", Effect::CutAfter));
        let created = create();
        assert_eq!(created["value"], "SHOP-1", "{created}");
        assert_eq!(jira.state().keys("SHOP"), ["SHOP-1"]);
        // Not stored: said so, and not tried again.
        jira.fault(Fault::on("POST", "/issue$", Effect::CutBefore));
        let mut other = change(json!({ "title": "Another one" }));
        other["defect"]["description"] = json!("x");
        let lost = host.client().post(&format!("{PROJECT}/defects/create"), &other).json();
        assert_eq!(lost["value"], Value::Null, "{lost}");
        let message = lost["protocol"]["generalErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains("look for it in Jira first"), "{message}");
        assert_eq!(jira.state().keys("SHOP"), ["SHOP-1"], "{:?}", asked(&jira.requests()));
    }
}

#[test]
fn pages_of_a_proxy_and_broken_answers_are_errors_in_a_sentence() {
    for jira in both(0) {
        let host = serve(&jira, "max_retries = 0");
        for (effect, said) in [
            (Effect::HtmlPage(502), "an HTML page"),
            (Effect::HtmlPage(200), "not JSON"),
            (Effect::MalformedJson, "not JSON"),
        ] {
            jira.fault(Fault::on("GET", "/project", effect));
            let answer = host.client().get("/projects");
            assert_eq!(answer.status, 500, "{}", answer.text());
            assert!(answer.text().contains(said), "{}", answer.text());
        }
        assert_eq!(host.client().get("/projects").status, 200);
    }
}

#[test]
fn the_configurations_of_the_guide_are_understood() {
    let guide = Document::read("docs/jira.md");
    let blocks = guide.blocks_in("toml");
    assert_eq!(blocks.len(), 3);
    for block in blocks {
        let mut environment = STORED.to_vec();
        environment.extend([("JIRA_PASSWORD", "secret"), ("JIRA_BEARER_TOKEN", "secret")]);
        let checked = HostFolder::with_config(block).run_with(&["check"], &environment);
        assert_eq!(checked.code(), Some(0), "{block}\n{}", checked.stderr);
    }
}
