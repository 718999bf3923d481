//! What goes wrong in the middle: of a list, of a create.

use defect_host_tests::{HostFolder, TestHost};
use jira_fake::{Effect, Fault, JiraFake};
use serde_json::{Value, json};

use super::{PROJECT, asked, both, change, is_cloud, serve};

/// Both kinds, with a list of three pages.
fn with_pages() -> Vec<JiraFake> {
    let all = both(250);
    for jira in &all {
        jira.state().largest_page = 100;
    }
    all
}

/// The second page of a list. By its place: of a list that was cut short, a later page may still be asked for.
fn second_page(jira: &JiraFake, effect: Effect) {
    // On Data Center, pages have ten issues in common.
    let (path, place) =
        if is_cloud(jira) { ("/search/jql", "\"nextPageToken\"") } else { ("/search", "\"startAt\":90") };
    jira.fault(Fault::on("POST", path, effect).with(place));
}

fn list(host: &TestHost) -> Value {
    let answer = host.client().post(&format!("{PROJECT}/defects"), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// Every defect once, and no error.
fn assert_whole(set: &Value, case: &str) {
    let mut ids: Vec<_> =
        set["value"].as_array().unwrap().iter().map(|defect| defect["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), set["value"].as_array().unwrap().len()), (250, 250), "{case}");
    assert_eq!(set["protocol"]["generalErrors"], json!([]), "{case}");
}

/// Fewer defects than there are, and an error that says so and why.
fn assert_cut_short(set: &Value, why: &str) {
    assert!(set["value"].as_array().unwrap().len() < 250);
    let error = &set["protocol"]["generalErrors"][0];
    assert_eq!(error["code"], "READ_ACCESS_ERROR", "{}", set["protocol"]["generalErrors"]);
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("the list is not whole: after ") && message.contains(why), "{why}: {message}");
}

#[test]
fn a_page_that_is_slow_or_fails_once_is_no_matter() {
    for jira in with_pages() {
        let host = serve(&jira, "");
        for effect in [
            Effect::answer(500),
            Effect::CutBefore,
            Effect::CutBody,
            Effect::answer(503).with_header("Retry-After", "0"),
            Effect::answer(429).with_header("Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"),
            Effect::Delay(1_000),
        ] {
            second_page(&jira, effect.clone());
            assert_whole(&list(&host), &format!("{effect:?}"));
        }
    }
}

#[test]
fn a_busy_jira_that_does_not_say_for_how_long_is_asked_again_too() {
    // On one kind: nobody can say but the clock when it is asked again.
    let jira = with_pages().remove(0);
    let host = serve(&jira, "");
    second_page(&jira, Effect::answer(429));
    assert_whole(&list(&host), "429 without Retry-After");
}

#[test]
fn a_page_that_cannot_be_used_leaves_a_list_that_says_why() {
    for jira in with_pages() {
        let host = serve(&jira, "max_retries = 0");
        for (effect, why) in [
            (Effect::HtmlPage(200), "not JSON but"),
            (Effect::HtmlPage(502), "an HTML page"),
            (Effect::MalformedJson, "not JSON"),
            (Effect::answer(200).with_body("{\"issues\": 5}"), "has no issues in it"),
            (Effect::answer(400).with_body("{\"errorMessages\": [\"No such thing.\"]}"), "No such thing."),
            (Effect::answer(401), "401"),
            (Effect::answer(429), "429"),
            (Effect::CutBody, "was lost"),
        ] {
            second_page(&jira, effect);
            assert_cut_short(&list(&host), why);
        }
        assert_whole(&list(&host), "afterwards");
    }
}

#[test]
fn a_page_token_that_has_expired_is_said() {
    let jira = with_pages().remove(0);
    assert!(is_cloud(&jira));
    let host = serve(&jira, "");
    second_page(&jira, Effect::ExpirePageTokens);
    assert_cut_short(&list(&host), "next page token is invalid or expired");
    assert_whole(&list(&host), "afterwards");
}

#[test]
fn an_access_token_that_ends_in_the_middle_of_a_list_is_renewed() {
    let jira = with_pages().remove(1);
    let config = format!(
        "server_url = \"{}\"\nauth_type = \"oauth2 2LO\"\noauth2_client_id = \"client\"\n\
         oauth2_client_secret = \"client-secret\"",
        jira.url()
    );
    let host = HostFolder::new("client_class = \"JiraDefectClient\"", &config).start();
    second_page(&jira, Effect::ExpireAccessTokens);
    assert_whole(&list(&host), "an access token that ended");
    let tokens = jira.requests().iter().filter(|request| request.path.ends_with("/token")).count();
    assert_eq!(tokens, 2, "{:?}", asked(&jira.requests()));
}

#[test]
fn a_clock_that_is_days_off_matters_only_where_a_signature_has_the_time() {
    for jira in with_pages() {
        for ahead in [3 * 24 * 3600, -3 * 24 * 3600] {
            jira.state().clock_ahead_secs = ahead;
            let host = serve(&jira, "");
            second_page(&jira, Effect::answer(429).with_header("Retry-After", &date_in(ahead)));
            assert_whole(&list(&host), "a skewed clock");
        }
    }
    let jira = both(1).pop().unwrap();
    jira.state().clock_ahead_secs = 3 * 24 * 3600;
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/jira/tests-data/oauth1/pkcs8.test-key.pem");
    let (consumer, token) = jira.state().logins.oauth1.clone();
    let config = format!(
        "server_url = \"{}\"\nauth_type = \"oauth1\"\noauth1_consumer_key = \"{consumer}\"\n\
         oauth1_access_token = \"{token}\"\noauth1_key_cert_path = \"{key}\"",
        jira.url()
    );
    let host = HostFolder::new("client_class = \"JiraDefectClient\"", &config).start();
    let answer = host.client().get("/projects");
    assert_eq!(answer.status, 401, "{}", answer.text());
    assert!(answer.text().contains("clock"), "{}", answer.text());
    jira.state().clock_ahead_secs = 0;
    assert_eq!(host.client().get("/projects").status, 200);
}

/// This Jira's own time, as it writes it in `Date`.
fn date_in(ahead: i64) -> String {
    let now = chrono::Utc::now() + chrono::TimeDelta::seconds(ahead);
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[test]
fn a_description_of_ten_megabytes_is_read_and_is_refused_when_it_is_written() {
    for jira in both(3) {
        let text = format!("{}\n", "0123456789 word ".repeat(256)).repeat(10 * 1024 * 1024 / 4096);
        let long = if is_cloud(&jira) {
            let paragraph = json!({ "type": "paragraph", "content": [{ "type": "text", "text": text }] });
            json!({ "version": 1, "type": "doc", "content": [paragraph] })
        } else {
            json!(text)
        };
        jira.state().set_field("SHOP-2", "description", long);
        let host = serve(&jira, "");
        let set = list(&host);
        let found = set["value"].as_array().unwrap().iter().find(|defect| defect["id"] == "SHOP-2").unwrap();
        assert_eq!(found["description"].as_str().map(|found| found.trim().len()), Some(text.trim().len()));

        let body = change(json!({ "description": text }));
        let answer = host.client().post(&format!("{PROJECT}/defects/create"), &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let refused = answer.json();
        assert_eq!(refused["protocol"]["generalErrors"][0]["code"], "INSERT_ERROR", "{refused}");
        let message = refused["protocol"]["generalErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains("32,767 characters") && message.len() < 2_000, "{message:.2000}");
        assert_eq!(jira.state().keys("SHOP").len(), 3);
    }
}

#[test]
fn a_create_that_jira_did_and_answered_in_pieces_is_found() {
    for jira in both(0) {
        let host = serve(&jira, "max_retries = 0");
        for (effect, title) in [(Effect::CutBody, "Cut"), (Effect::MalformedJson, "Malformed")] {
            jira.fault(Fault::on("POST", "/issue$", effect));
            let body = change(json!({ "title": title }));
            let answer = host.client().post(&format!("{PROJECT}/defects/create"), &body);
            let created = answer.json();
            let key = created["value"].as_str().unwrap_or_else(|| panic!("{title}: {created}"));
            assert_eq!(jira.state().issue(key).unwrap()["fields"]["summary"], title);
        }
        assert_eq!(jira.state().keys("SHOP").len(), 2);
    }
}

#[test]
fn a_create_that_jira_did_not_answer_as_it_should_is_never_sent_twice() {
    for jira in both(0) {
        let host = serve(&jira, "");
        for (effect, said) in [
            (Effect::answer(500), "look for it in Jira first"),
            (Effect::HtmlPage(502), "look for it in Jira first"),
            (Effect::HtmlPage(200), "look for it in Jira first"),
            (Effect::answer(403), "403"),
        ] {
            jira.clear_requests();
            jira.fault(Fault::on("POST", "/issue$", effect.clone()));
            let answer = host.client().post(&format!("{PROJECT}/defects/create"), &change(json!({}))).json();
            let message = answer["protocol"]["generalErrors"][0]["message"].as_str().unwrap_or_default().to_owned();
            assert!(message.contains(said), "{effect:?}: {answer}");
            let sent = asked(&jira.requests()).iter().filter(|call| *call == "POST issue").count();
            assert_eq!(sent, 1, "{effect:?}");
        }
        assert_eq!(jira.state().keys("SHOP"), [""; 0]);
        // Busy is another matter: nothing was done, and it is sent again.
        jira.fault(Fault::on("POST", "/issue$", Effect::answer(429).with_header("Retry-After", "0")));
        let created = host.client().post(&format!("{PROJECT}/defects/create"), &change(json!({}))).json();
        assert_eq!(created["value"], "SHOP-1", "{created}");
    }
}
