//! Creating, changing and deleting.

use defect_host_tests::HostFolder;
use jira_fake::{Effect, Fault};
use serde_json::{Value, json};

use super::{PROJECT, asked, both, change, is_cloud, serve};

#[test]
fn a_new_issue_has_every_field_and_its_status_and_what_is_not_possible_is_said() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let fields = json!([
            { "name": "Severity", "value": "Major" }, { "name": "Points", "value": "3.5" }, { "name": "Day", "value": "2026-03-01" },
            { "name": "Labels", "value": "red blue" }, { "name": "Unknown field", "value": "x" }, { "name": "Notes", "value": "a\nb" }
        ]);
        let body = change(json!({ "status": "In Progress", "userDefinedFields": fields }));
        let answer = host.client().post(&format!("{PROJECT}/defects/create"), &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let created = answer.json();
        let key = created["value"].as_str().unwrap_or_else(|| panic!("{created}"));
        assert_eq!(created["protocol"]["successes"][key][0]["code"], "INSERT_SUCCESS");
        let warnings: Vec<_> = created["protocol"]["warnings"][key].as_array().cloned().unwrap_or_default();
        let messages: Vec<_> = warnings.iter().map(|warning| warning["message"].as_str().unwrap()).collect();
        assert!(messages.iter().any(|message| message.contains("`Unknown field`")), "{messages:?}");
        let issue = jira.state().issue(key).unwrap();
        assert_eq!(issue["fields"]["summary"], "It falls over");
        assert_eq!(issue["fields"]["status"]["name"], "In Progress");
        assert_eq!(issue["fields"]["priority"]["name"], "High");
        assert_eq!(issue["fields"]["labels"], json!(["red", "blue"]));
        if is_cloud(&jira) {
            assert_eq!(issue["fields"]["description"]["type"], "doc");
        } else {
            assert_eq!(issue["fields"]["description"], "Line 1\nLine 2");
        }
        // It comes back as it was sent.
        let set = host
            .client()
            .post(&format!("{PROJECT}/defects/batch"), &json!({ "defectIds": [key], "syncContext": {} }))
            .json();
        assert_eq!(
            (&set["value"][0]["title"], &set["value"][0]["description"]),
            (&json!("It falls over"), &json!("Line 1\nLine 2"))
        );

        // Once the metadata is known: the issue, its transitions, one of them.
        jira.clear_requests();
        assert_eq!(host.client().post(&format!("{PROJECT}/defects/create"), &body).status, 200);
        assert_eq!(jira.requests().len(), 3, "{:?}", asked(&jira.requests()));
    }
}

#[test]
fn a_status_that_the_workflow_does_not_reach_is_a_warning_that_names_those_that_it_does() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let created =
            host.client().post(&format!("{PROJECT}/defects/create"), &change(json!({ "status": "Done" }))).json();
        let key = created["value"].as_str().unwrap_or_else(|| panic!("{created}"));
        let warning = created["protocol"]["warnings"][key][0]["message"].as_str().unwrap();
        assert_eq!(
            warning,
            "the status stays `Open`: the workflow has no transition from it to `Done`; reachable: `In Progress`"
        );
    }
}

#[test]
fn what_jira_refuses_is_told_with_its_own_words_and_nothing_is_there() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let create =
            |properties: Value| host.client().post(&format!("{PROJECT}/defects/create"), &change(properties)).json();
        let refused = create(json!({ "classification": "Epic" }));
        assert_eq!(refused["value"], Value::Null);
        let message = refused["protocol"]["generalErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains("`Epic` is no issue type of the project; allowed: `Bug`, `Task`"), "{message}");
        let refused = create(json!({ "title": "" }));
        let message = refused["protocol"]["generalErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains("summary"), "{message}");
        assert_eq!(refused["protocol"]["generalErrors"][0]["code"], "INSERT_ERROR");
        assert_eq!(jira.state().keys("SHOP"), [""; 0]);
    }
}

#[test]
fn an_update_sends_only_what_is_different() {
    for jira in both(1) {
        let host = serve(&jira, "");
        let path = format!("{PROJECT}/defects/SHOP-1/update");
        let before = host
            .client()
            .post(&format!("{PROJECT}/defects/batch"), &json!({ "defectIds": ["SHOP-1"], "syncContext": {} }))
            .json();
        let mut defect = before["value"][0].clone();
        defect.as_object_mut().unwrap().remove("id");
        // As it came: nothing to do.
        jira.clear_requests();
        let answer = host.client().send(
            "PUT",
            &path,
            &[],
            json!({ "defect": defect, "syncContext": {} }).to_string().as_bytes(),
        );
        assert!(answer.json()["successes"]["SHOP-1"].is_array(), "{}", answer.text());
        assert!(jira.requests().iter().all(|request| request.method != "PUT"), "{:?}", asked(&jira.requests()));
        defect["title"] = json!("Another title");
        jira.clear_requests();
        let answer = host.client().send(
            "PUT",
            &path,
            &[],
            json!({ "defect": defect, "syncContext": {} }).to_string().as_bytes(),
        );
        assert!(answer.json()["successes"]["SHOP-1"].is_array(), "{}", answer.text());
        let put = jira.requests().into_iter().find(|request| request.method == "PUT").unwrap();
        assert_eq!(put.json(), json!({ "fields": { "summary": "Another title" } }));
        assert_eq!(jira.state().issue("SHOP-1").unwrap()["fields"]["summary"], "Another title");
    }
}

#[test]
fn issues_of_other_projects_are_not_found_here() {
    for jira in both(1) {
        let host = serve(&jira, "");
        for id in ["OTHER-1", "SHOP-99", "nonsense"] {
            let put = change(json!({})).to_string();
            let updated =
                host.client().send("PUT", &format!("{PROJECT}/defects/{id}/update"), &[], put.as_bytes()).json();
            assert_eq!(updated["generalErrors"][0]["code"], "DEFECT_NOT_FOUND", "{updated}");
            let deleted = host.client().post(&format!("{PROJECT}/defects/{id}/delete"), &change(json!({}))).json();
            assert_eq!(deleted["generalErrors"][0]["code"], "NO_DEFECT_FOUND", "{deleted}");
        }
        assert_eq!(jira.state().keys("OTHER"), ["OTHER-1"]);
        let deleted = host.client().post(&format!("{PROJECT}/defects/SHOP-1/delete"), &change(json!({}))).json();
        assert!(deleted["successes"]["SHOP-1"].is_array(), "{deleted}");
        assert_eq!(jira.state().keys("SHOP"), [""; 0]);
    }
}

#[test]
fn a_read_only_project_is_never_written_to_and_another_one_is() {
    for jira in both(1) {
        let host = serve(&jira, "[testbench-defect-service.client_config.projects.SHOP]\nreadonly = true");
        let created = host.client().post(&format!("{PROJECT}/defects/create"), &change(json!({}))).json();
        assert_eq!(created["protocol"]["errors"]["Shop App (SHOP)"][0]["code"], "INSERT_ACCESS_ERROR", "{created}");
        let deleted = host.client().post(&format!("{PROJECT}/defects/SHOP-1/delete"), &change(json!({}))).json();
        assert_eq!(deleted["errors"]["Shop App (SHOP)"][0]["code"], "PUBLISH_ERROR", "{deleted}");
        assert_eq!(jira.state().keys("SHOP"), ["SHOP-1"]);
        let created = host.client().post("/projects/Another%20One%20(OTHER)/defects/create", &change(json!({}))).json();
        assert_eq!(created["value"], "OTHER-2", "{created}");
    }
}

#[test]
fn changes_are_made_as_the_user_of_the_defect_when_that_is_wanted() {
    for jira in both(0) {
        let host = serve(&jira, "enable_shared_auth = false");
        let (name, secret) = if is_cloud(&jira) { ("mia@example.com", "api-token") } else { ("mia", "password") };
        let mia = json!({ "principal": { "username": name, "password": secret } });
        let created = host.client().post(&format!("{PROJECT}/defects/create"), &change(mia)).json();
        let key = created["value"].as_str().unwrap_or_else(|| panic!("{created}"));
        let reporter = &jira.state().issue(key).unwrap()["fields"]["reporter"];
        assert!(reporter["displayName"].as_str().unwrap().to_lowercase().contains("mia"), "{reporter}");
        let wrong = json!({ "principal": { "username": name, "password": "marked-wrong" } });
        let refused = host.client().post(&format!("{PROJECT}/defects/create"), &change(wrong)).json();
        assert_eq!(refused["protocol"]["generalErrors"][0]["code"], "INSERT_ACCESS_ERROR", "{refused}");
        assert!(!host.log().contains("marked-wrong") && !refused.to_string().contains("marked-wrong"));
    }
}

#[test]
fn files_of_the_configured_folder_are_attached_and_no_others() {
    for jira in both(0) {
        let folder = super::folder(&jira, "attachments_dir = \"files\"");
        folder.write("files/log.txt", "what happened");
        folder.write("secret.txt", "not for Jira");
        std::os::unix::fs::symlink("../secret.txt", folder.path().join("files/link.txt")).unwrap();
        let host = folder.start();
        let references = ["log.txt", "../secret.txt", "link.txt", "/etc/passwd", "https://wiki.example/page"];
        let body = change(json!({ "references": references }));
        let created = host.client().post(&format!("{PROJECT}/defects/create"), &body).json();
        let key = created["value"].as_str().unwrap_or_else(|| panic!("{created}"));
        let warnings = created["protocol"]["warnings"][key].as_array().unwrap();
        let messages: Vec<_> = warnings.iter().map(|warning| warning["message"].as_str().unwrap()).collect();
        let outside =
            |path: &str| format!("the file `{path}` was not attached: there is no such file in `attachments_dir`");
        assert_eq!(messages, ["../secret.txt", "link.txt", "/etc/passwd"].map(outside));
        let attached = jira.state().issue(key).unwrap()["fields"]["attachment"].clone();
        assert_eq!((attached.as_array().map(Vec::len), &attached[0]["filename"]), (Some(1), &json!("log.txt")));
        // A second time it is there already.
        let path = format!("{PROJECT}/defects/{key}/update");
        let _ = host.client().send("PUT", &path, &[], body.to_string().as_bytes());
        assert_eq!(jira.state().issue(key).unwrap()["fields"]["attachment"].as_array().map(Vec::len), Some(1));
    }
}

#[test]
fn requests_are_signed_and_tokens_fetched_for_the_other_kinds_of_login() {
    let jira = both(1).pop().unwrap();
    let url = jira.url();
    let config = format!(
        "server_url = \"{url}\"\nauth_type = \"oauth2 2LO (service account)\"\noauth2_client_id = \"client\"\n\
         oauth2_client_secret = \"client-secret\""
    );
    let host = HostFolder::new("client_class = \"JiraDefectClient\"", &config).start();
    assert_eq!(host.client().get("/check-login").json(), json!(true), "{}", host.log());
    let config = format!("server_url = \"{url}\"\nauth_type = \"token\"\ntoken = \"personal-token\"");
    let host = HostFolder::new("client_class = \"JiraDefectClient\"", &config).start();
    assert_eq!(host.client().get("/check-login").json(), json!(true), "{}", host.log());
}

#[test]
fn the_same_report_sent_twice_is_two_issues_and_never_three_when_answers_are_lost() {
    for jira in both(0) {
        let host = serve(&jira, "");
        let create = || host.client().post(&format!("{PROJECT}/defects/create"), &change(json!({}))).json();
        assert_eq!(create()["value"], "SHOP-1");
        jira.fault(Fault::on("POST", "/issue$", Effect::CutAfter));
        let second = create();
        assert_eq!(second["value"], "SHOP-2", "{second}");
        assert_eq!(jira.state().issue("SHOP-2").unwrap()["fields"]["priority"]["name"], "High");
        // This one never arrived: it is not taken for one of the others.
        jira.fault(Fault::on("POST", "/issue$", Effect::CutBefore));
        let lost = create();
        assert_eq!(lost["value"], Value::Null, "{lost}");
        assert_eq!(jira.state().keys("SHOP"), ["SHOP-1", "SHOP-2"]);
    }
}

/// The names of an issue's attachments.
fn attached(jira: &jira_fake::JiraFake, key: &str) -> Vec<String> {
    let issue = jira.state().issue(key).unwrap();
    let names = issue["fields"]["attachment"].as_array().unwrap().iter().map(|file| file["filename"].as_str().unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn a_file_that_was_changed_is_attached_anew_and_one_that_is_the_same_is_not() {
    for jira in both(1) {
        let folder = super::folder(&jira, "attachments_dir = \"files\"");
        folder.write("files/log.txt", "what happened");
        let host = folder.start();
        let update = || {
            let body = change(json!({ "references": ["log.txt"] })).to_string();
            let answer =
                host.client().send("PUT", &format!("{PROJECT}/defects/SHOP-1/update"), &[], body.as_bytes()).json();
            assert_eq!(answer["warnings"], json!({}), "{answer}");
            attached(&jira, "SHOP-1").len()
        };
        // As if the file had been written after it was attached.
        jira.state().clock_ahead_secs = -3600;
        assert_eq!((update(), update()), (1, 1), "its content is the same");
        host.folder().write("files/log.txt", "WHAT HAPPENED");
        assert_eq!((update(), update()), (2, 2), "its size is the same");
    }
}

#[test]
fn what_a_tool_no_longer_refers_to_is_removed_when_that_is_wanted() {
    for jira in both(1) {
        for (setting, left) in
            [("", vec!["a.txt", "b.txt", "a.txt", "new.txt"]), ("remove_attachments = true", vec!["a.txt", "new.txt"])]
        {
            let folder = super::folder(&jira, &format!("attachments_dir = \"files\"\n{setting}"));
            folder.write("files/a.txt", "one");
            folder.write("files/b.txt", "two");
            folder.write("files/new.txt", "three");
            let host = folder.start();
            let create = change(json!({ "references": ["a.txt", "b.txt"] }));
            let created = host.client().post(&format!("{PROJECT}/defects/create"), &create).json();
            let key = created["value"].as_str().unwrap_or_else(|| panic!("{created}"));
            let update = |references: Value, last_sync: &str| {
                let mut body = change(json!({ "references": references }));
                body["syncContext"] = json!({ "lastSync": last_sync });
                let path = format!("{PROJECT}/defects/{key}/update");
                let answer = host.client().send("PUT", &path, &[], body.to_string().as_bytes()).json();
                assert_eq!(answer["warnings"], json!({}), "{answer}");
            };
            let link = format!("{}/browse/{key}", jira.url());
            let (before, after) = ("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
            // A tool that keeps no references, and one that has not seen the attachments yet.
            update(json!([]), after);
            update(json!(["a.txt"]), after);
            update(json!([&link]), before);
            assert_eq!(attached(&jira, key), ["a.txt", "b.txt"]);
            // An older version, and what is gone.
            host.folder().write("files/a.txt", "another one");
            update(json!([&link, "a.txt", "new.txt"]), after);
            assert_eq!(attached(&jira, key), left);
            let defect = host
                .client()
                .post(&format!("{PROJECT}/defects/batch"), &json!({ "defectIds": [key], "syncContext": {} }))
                .json();
            let references = defect["value"][0]["references"].clone();
            assert_eq!(references.as_array().map(Vec::len), Some(1 + left.len()));
            update(references, after);
            assert_eq!(attached(&jira, key), left, "the links that came from Jira keep all of them");
        }
    }
}
