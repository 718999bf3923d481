//! What tests of the plugin rely on, by plain requests.

#![expect(clippy::unwrap_used, reason = "helpers of tests may end a test")]

use base64::Engine;
use jira_fake::{Effect, Fault, JiraFake};
use serde_json::{Value, json};

struct Client {
    base: String,
    authorization: String,
}

struct Answer {
    status: u16,
    location: Option<String>,
    retry_after: Option<String>,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}: {}", self.status, self.text))
    }
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None);
    config.build().into()
}

fn basic(login: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(login))
}

impl Client {
    fn cloud(jira: &JiraFake) -> Self {
        Self { base: format!("{}/rest/api/3", jira.url()), authorization: basic("fred@example.com:api-token") }
    }

    fn data_center(jira: &JiraFake) -> Self {
        Self { base: format!("{}/rest/api/2", jira.url()), authorization: "Bearer personal-token".into() }
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if !self.authorization.is_empty() {
            request = request.header("authorization", &self.authorization);
        }
        let mut answer = if body.is_null() {
            agent().run(request.body(()).unwrap())?
        } else {
            agent().run(request.header("content-type", "application/json").body(body.to_string()).unwrap())?
        };
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (location, retry_after) = (header("location"), header("retry-after"));
        Ok(Answer {
            status: answer.status().as_u16(),
            location,
            retry_after,
            text: answer.body_mut().read_to_string()?,
        })
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null).unwrap()
    }

    fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &body).unwrap()
    }
}

fn cloud(issues: u64) -> JiraFake {
    let jira = JiraFake::cloud().for_any_client().start().unwrap();
    jira.state().add_project("SHOP", "Shop App");
    jira.state().add_issues("SHOP", issues);
    jira
}

fn new(summary: &str) -> Value {
    json!({"fields": {"project": {"key": "SHOP"}, "issuetype": {"name": "Bug"}, "summary": summary}})
}

#[test]
fn pages_of_cloud_go_on_by_token_until_the_last_has_none() {
    let jira = cloud(250);
    let client = Client::cloud(&jira);
    let mut asked = json!({"jql": "project = SHOP ORDER BY key", "maxResults": 500, "fields": ["summary"]});
    let mut keys = Vec::new();
    loop {
        let page = client.post("/search/jql", asked.clone()).json();
        assert_eq!(page.get("total"), None);
        keys.extend(page["issues"].as_array().unwrap().iter().map(|issue| issue["key"].as_str().unwrap().to_owned()));
        let Some(token) = page.get("nextPageToken") else {
            assert_eq!(page["isLast"], true);
            break;
        };
        assert_eq!(page["isLast"], false);
        asked["nextPageToken"] = token.clone();
    }
    let mut expected = jira.state().keys("SHOP");
    expected.sort_by_key(|key| key[5..].parse::<u64>().unwrap());
    assert_eq!(keys, expected);
    assert_eq!(jira.requests().len(), 3);
    // Ids alone, and in one page, unless fields are asked for.
    let bare = client.get("/search/jql?jql=project%3DSHOP&maxResults=5000").json();
    assert_eq!(bare["issues"][0].as_object().unwrap().keys().collect::<Vec<_>>(), ["id"]);
    assert_eq!(bare["issues"].as_array().unwrap().len(), 250);
}

#[test]
fn a_page_token_can_expire_and_belongs_to_its_query() {
    let jira = cloud(120);
    let client = Client::cloud(&jira);
    let first = client.post("/search/jql", json!({"jql": "project = SHOP", "fields": ["summary"]})).json();
    let next = |jql: &str| {
        client
            .post("/search/jql", json!({"jql": jql, "fields": ["summary"], "nextPageToken": first["nextPageToken"]}))
            .status
    };
    assert_eq!(next("project in (SHOP)"), 400);
    assert_eq!(next("project = SHOP"), 200);
    jira.fault(Fault::on("POST", "/search/jql", Effect::ExpirePageTokens));
    assert_eq!(next("project = SHOP"), 400);
}

#[test]
fn the_index_of_cloud_may_be_behind() {
    let jira = cloud(1);
    let client = Client::cloud(&jira);
    jira.state().index_stands_still = true;
    let made = client.post("/issue", new("late")).json();
    let id: u64 = made["id"].as_str().unwrap().parse().unwrap();
    let found = |more: Value| {
        let mut asked = json!({"jql": "project = SHOP"});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        client.post("/search/jql", asked).json()["issues"].as_array().unwrap().len()
    };
    assert_eq!(found(json!({})), 1);
    assert_eq!(found(json!({"reconcileIssues": [id]})), 2);
    assert_eq!(client.get(&format!("/issue/{id}")).status, 200);
    jira.state().index_stands_still = false;
    assert_eq!(found(json!({})), 2);
}

#[test]
fn data_center_finds_nothing_for_missing_keys_only_when_it_shall_not_validate() {
    let jira = JiraFake::data_center().for_any_client().context_path("/jira").start().unwrap();
    jira.state().add_project("SHOP", "Shop App");
    jira.state().add_issues("SHOP", 3);
    let client = Client::data_center(&jira);
    let asked =
        |validate: bool| client.post("/search", json!({"jql": "key in (SHOP-1, SHOP-9)", "validateQuery": validate}));
    assert_eq!(asked(true).status, 400);
    let lenient = asked(false).json();
    assert_eq!((lenient["total"].as_u64(), lenient["warningMessages"].as_array().unwrap().len()), (Some(1), 1));
    assert_eq!(Client { base: jira.url().replace("/jira", ""), ..client }.get("/rest/api/2/myself").status, 404);
}

#[test]
fn before_8_4_only_the_old_createmeta_is_there_and_since_9_only_the_new() {
    for (version, old, new) in [([8, 3, 0], 200, 404), ([8, 20, 0], 200, 200), ([9, 0, 0], 404, 200)] {
        let jira = JiraFake::data_center().for_any_client().version(version).start().unwrap();
        jira.state().add_project("SHOP", "Shop App");
        let client = Client::data_center(&jira);
        let statuses = (
            client.get("/issue/createmeta?projectKeys=SHOP").status,
            client.get("/issue/createmeta/SHOP/issuetypes").status,
        );
        assert_eq!(statuses, (old, new), "{version:?}");
    }
}

#[test]
fn scoped_tokens_work_at_the_gateway_only() {
    let jira = cloud(1);
    let scoped = Client { authorization: basic("fred@example.com:scoped-token"), ..Client::cloud(&jira) };
    assert_eq!(scoped.get("/myself").status, 401);
    let gateway = format!("{}/rest/api/3", jira.gateway_url());
    let scoped = Client { base: gateway.clone(), ..scoped };
    let issue = scoped.get("/issue/SHOP-1").json();
    assert!(issue["self"].as_str().unwrap().starts_with(&gateway), "{issue}");
    assert_eq!(Client { base: gateway, ..Client::cloud(&jira) }.get("/myself").status, 401);
}

#[test]
fn a_refresh_token_works_once_and_is_not_in_the_log() {
    let jira = cloud(1);
    let client = Client { base: jira.gateway_url() + "/rest/api/3", authorization: String::new() };
    let refresh = |token: &str| {
        let body = json!({"grant_type": "refresh_token", "client_id": "client", "client_secret": "client-secret", "refresh_token": token});
        client.post(&jira.token_url(), body)
    };
    let first = refresh("refresh-0").json();
    assert_eq!(refresh("refresh-0").status, 403);
    assert_eq!(refresh(first["refresh_token"].as_str().unwrap()).status, 200);
    let bearer = Client { authorization: format!("Bearer {}", first["access_token"].as_str().unwrap()), ..client };
    assert_eq!(bearer.get("/myself").status, 200);
    jira.fault(Fault::on("GET", "/issue", Effect::ExpireAccessTokens));
    assert_eq!(bearer.get("/issue/SHOP-1").status, 401);
    let log = serde_json::to_string(&jira.requests()).unwrap();
    assert!(!log.contains("refresh-0") && !log.contains("client-secret") && !log.contains("access-1"), "{log}");
}

#[test]
fn faults_hit_what_they_name() {
    let jira = cloud(3);
    let client = Client::cloud(&jira);
    jira.fault(Fault::on("GET", "/issue/", Effect::answer(429).with_header("Retry-After", "7")).after(1));
    let answers = [1, 2, 3].map(|number| client.get(&format!("/issue/SHOP-{number}")));
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 429, 200]);
    assert_eq!(answers[1].retry_after.as_deref(), Some("7"));
    for (effect, kept) in [(Effect::CutBefore, 0), (Effect::CutAfter, 1), (Effect::CutBody, 1)] {
        let before = jira.state().keys("SHOP").len();
        jira.fault(Fault::on("POST", "/issue$", effect.clone()));
        assert!(client.send("POST", "/issue", &new("cut")).is_err(), "{effect:?}");
        assert_eq!(jira.state().keys("SHOP").len() - before, kept, "{effect:?}");
    }
    jira.fault(Fault::on("GET", "/myself", Effect::MalformedJson));
    assert!(serde_json::from_str::<Value>(&client.get("/myself").text).is_err());
    jira.fault(Fault::on("GET", "/myself", Effect::HtmlPage(502)));
    assert!(client.get("/myself").text.starts_with("<html>"));
    assert_eq!(client.get("/myself").status, 200);
}

#[test]
fn the_control_endpoint_does_the_same_from_another_process() {
    let jira = cloud(1);
    let client = Client::cloud(&jira);
    let control = format!("{}/__fake__", jira.url());
    let fault = json!({"method": "GET", "path": "/myself", "effect": {"answer": {"status": 503, "headers": {"retry-after": "1"}}}});
    assert_eq!(client.post(&format!("{control}/faults"), fault).status, 204);
    assert_eq!(client.post(&format!("{control}/faults"), json!({"effect": "cut-after", "nope": 1})).status, 400);
    assert_eq!(client.get("/myself?nope=1").status, 503);
    assert_eq!(client.get("/myself?nope=1").status, 200);
    let log = client.get(&format!("{control}/requests")).json();
    assert_eq!(log["count"], 2);
    assert_eq!(log["requests"][1]["unknown_parameters"], json!(["nope"]));
    assert!(!log.to_string().contains(&client.authorization), "{log}");
}

#[test]
fn the_history_has_pages_and_an_expanded_one_is_not_whole_on_cloud() {
    let jira = cloud(1);
    jira.state().add_changes("SHOP-1", 250);
    let client = Client::cloud(&jira);
    let expanded = client.get("/issue/SHOP-1?expand=changelog").json();
    assert_eq!(expanded["changelog"]["histories"].as_array().unwrap().len(), 100);
    assert_eq!(expanded["changelog"]["total"], 250);
    let last = client.get("/issue/SHOP-1/changelog?startAt=200&maxResults=1000").json();
    assert_eq!((last["values"].as_array().unwrap().len(), &last["isLast"]), (50, &json!(true)));
}

#[test]
fn documents_with_unknown_nodes_are_served_and_not_taken_back() {
    let jira = cloud(1);
    let document = json!({"version": 1, "type": "doc", "content": [{"type": "hologram", "content": []}]});
    jira.state().set_field("SHOP-1", "description", document.clone());
    let client = Client::cloud(&jira);
    assert_eq!(client.get("/issue/SHOP-1").json()["fields"]["description"], document);
    let back = client.send("PUT", "/issue/SHOP-1", &json!({"fields": {"description": document}})).unwrap();
    assert_eq!(back.status, 400);
}

#[test]
fn bytes_are_at_another_host_that_wants_no_credentials() {
    let jira = cloud(1);
    let client = Client::cloud(&jira);
    let mut upload = agent()
        .post(format!("{}/issue/SHOP-1/attachments", client.base))
        .header("authorization", &client.authorization)
        .header("x-atlassian-token", "no-check")
        .header("content-type", "multipart/form-data; boundary=edge")
        .send(
            "--edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nbytes\r\n--edge--\r\n",
        )
        .unwrap();
    let attached: Value = upload.body_mut().read_json().unwrap();
    let content = client.get(attached[0]["content"].as_str().unwrap());
    assert_eq!(content.status, 303);
    let location = content.location.unwrap();
    assert!(!location.starts_with(&jira.url()));
    assert_eq!(client.get(&location).status, 400);
    assert_eq!(Client { authorization: String::new(), ..client }.get(&location).text, "bytes");
    assert!(jira.requests().last().unwrap().media_host);
}

#[test]
fn a_moved_issue_is_found_by_its_old_key_with_its_new_one() {
    let jira = cloud(1);
    jira.state().add_project("OTHER", "Other");
    let key = jira.state().move_issue("SHOP-1", "OTHER");
    assert_eq!(Client::cloud(&jira).get("/issue/shop-1").json()["key"], key);
    assert_eq!(jira.state().issue(&key).unwrap()["fields"]["project"]["key"], "OTHER");
}

#[test]
fn dates_of_jql_are_in_the_callers_time_zone() {
    let jira = cloud(1);
    let client = Client::cloud(&jira);
    let created = jira.state().issue("SHOP-1").unwrap()["fields"]["created"].as_str().unwrap().to_owned();
    let minute = created[..16].replace('T', " ");
    let found = || {
        let jql = format!("project = SHOP AND created >= \"{minute}\" ORDER BY created");
        client.post("/search/jql", json!({"jql": jql})).json()["issues"].as_array().unwrap().len()
    };
    assert_eq!(found(), 1);
    // Two hours west: that wall-clock time is yet to come.
    jira.state().users[0].utc_offset_minutes = -120;
    assert_eq!(found(), 0);
}

#[test]
fn a_huge_project_is_there_at_once_and_its_pages_are_quick() {
    let jira = cloud(0);
    jira.state().add_issues("SHOP", 100_000);
    jira.state().largest_page = 1000;
    let client = Client::cloud(&jira);
    let mut asked = json!({"jql": "project = SHOP", "maxResults": 5000});
    let mut found = 0;
    loop {
        let page = client.post("/search/jql", asked.clone()).json();
        found += page["issues"].as_array().unwrap().len();
        let Some(token) = page.get("nextPageToken") else { break };
        asked["nextPageToken"] = token.clone();
    }
    assert_eq!(found, 100_000);
}
