//! What the operations answer.

mod conformance;
mod faults;

use std::fs;
use std::path::{Path, PathBuf};

use defect_plugin_api::FieldError;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

/// A client over a folder of its own, asked as the host asks it.
struct Tracker {
    root: TempDir,
    client: JsonlDefectClient,
}

impl Tracker {
    fn new(config: Value) -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { client: client(root.path(), config), root }
    }

    /// With one project, `Shop`, of one file, `d.jsonl`.
    fn with(content: &str) -> Self {
        let tracker = Self::new(json!({}));
        tracker.write("Shop/d.jsonl", content);
        tracker
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn content(&self) -> String {
        fs::read_to_string(self.path("Shop/d.jsonl")).unwrap()
    }

    fn list(&self) -> ProtocolledDefectSet {
        self.client.get_defects("Shop", &SyncContext::default()).unwrap().collect().unwrap()
    }

    fn batch(&self, ids: &[&str]) -> ProtocolledDefectSet {
        let ids: Vec<_> = ids.iter().map(|id| (*id).to_owned()).collect();
        self.client.get_defects_batch("Shop", &ids, &SyncContext::default()).unwrap().collect().unwrap()
    }

    fn extended(&self, id: &str) -> Result<DefectWithAttributes, ClientError> {
        self.client.get_defect_extended("Shop", id, &SyncContext::default())
    }

    fn create(&self, project: &str) -> Result<ProtocolledString, ClientError> {
        self.client.create_defect(project, &defect("new"), &SyncContext::default())
    }

    fn update(&self, project: &str, id: &str) -> Result<Protocol, ClientError> {
        self.client.update_defect(project, id, &defect("updated"), &SyncContext::default())
    }

    fn delete(&self, project: &str, id: &str) -> Result<Protocol, ClientError> {
        self.client.delete_defect(project, id, &defect("any"), &SyncContext::default())
    }
}

fn client(root: &Path, mut config: Value) -> JsonlDefectClient {
    config["defects_path"] = json!(root);
    JsonlDefectClient::new(serde_json::from_value(config).unwrap()).unwrap()
}

fn defect_json(title: &str) -> Value {
    json!({
        "title": title, "status": "Open", "classification": "Bug", "priority": "High",
        "lastEdited": "2026-01-31T12:00:00Z", "principal": { "username": "ann", "password": "hunter2" },
        "userDefinedFields": [{ "name": "Team", "value": "Red" }],
    })
}

fn defect(title: &str) -> Defect {
    serde_json::from_value(defect_json(title)).unwrap()
}

fn line(id: &str) -> String {
    let mut line = defect_json(id);
    line["id"] = json!(id);
    line.to_string()
}

fn ids(set: &ProtocolledDefectSet) -> Vec<&str> {
    set.value.iter().map(|defect| defect.id.as_str()).collect()
}

/// `code: message` of each.
fn texts(entries: &[defect_plugin_api::model::ProtocolEntry]) -> Vec<String> {
    entries.iter().map(|entry| format!("{:?}: {}", entry.code, entry.message)).collect()
}

#[test]
fn a_list_has_every_file_and_a_success_for_each_id_once() {
    let tracker = Tracker::with(&format!("{}\n{}\n", line("BUG-1"), line("BUG-1")));
    tracker.write("Shop/a.jsonl", &line("BUG-7"));
    let list = tracker.list();
    assert_eq!(ids(&list), ["BUG-7", "BUG-1", "BUG-1"]);
    let successes = &list.protocol.successes;
    assert_eq!(successes.keys().collect::<Vec<_>>(), ["BUG-1", "BUG-7"]);
    assert_eq!(texts(&successes["BUG-1"]), ["ImportSuccess: defect `BUG-1` retrieved from project `Shop`"]);
}

#[test]
fn a_success_names_every_id_as_it_is() {
    let odd = ["BUG-01", "a\"b", "back\\slash", "tab\tnewline\n", "ünï 漢", ""];
    let escaped = odd.map(|id| line("ID").replace("\"ID\"", &json!(id).to_string()));
    let list = Tracker::with(&escaped.join("\n")).list();
    assert_eq!(ids(&list), odd);
    for id in odd {
        let message = format!("ImportSuccess: defect `{id}` retrieved from project `Shop`");
        assert_eq!(texts(&list.protocol.successes[id]), [message]);
    }
}

#[test]
fn a_batch_is_in_file_order_and_warns_of_each_missing_id() {
    let tracker = Tracker::with(&["BUG-1", "BUG-2", "BUG-3"].map(line).join("\n"));
    let batch = tracker.batch(&["BUG-3", "BUG-1", "BUG-9", "BUG-1", ""]);
    assert_eq!(ids(&batch), ["BUG-1", "BUG-3"]);
    assert_eq!(batch.protocol.successes.keys().collect::<Vec<_>>(), ["BUG-1", "BUG-3"]);
    assert_eq!(batch.protocol.warnings.keys().collect::<Vec<_>>(), ["BUG-9"]);
    assert_eq!(
        texts(&batch.protocol.warnings["BUG-9"]),
        ["DefectNotFound: requested defect id `BUG-9` not found in project `Shop`"]
    );
}

#[test]
fn success_is_reported_under_the_project_and_an_unknown_id_as_a_general_error() {
    let tracker = Tracker::with("");
    let created = tracker.create("Shop").unwrap();
    assert_eq!(
        texts(&created.protocol.successes["Shop"]),
        ["InsertSuccess: defect `BUG-1` created successfully in project `Shop` and appended to `d.jsonl`"]
    );
    let updated = tracker.update("Shop", "BUG-1").unwrap();
    assert_eq!(
        texts(&updated.successes["Shop"]),
        ["PublishSuccess: defect `BUG-1` updated successfully in project `Shop`"]
    );
    let deleted = tracker.delete("Shop", "BUG-1").unwrap();
    assert_eq!(
        texts(&deleted.successes["Shop"]),
        ["PublishSuccess: defect `BUG-1` deleted successfully in project `Shop`"]
    );
    let message = "defect with id `BUG-1` not found in project `Shop`";
    let updated = tracker.update("Shop", "BUG-1").unwrap();
    assert_eq!(texts(&updated.general_errors), [format!("DefectNotFound: {message}")]);
    let deleted = tracker.delete("Shop", "BUG-1").unwrap();
    assert_eq!(texts(&deleted.general_errors), [format!("NoDefectFound: {message}")]);
    assert_eq!(tracker.extended("BUG-1"), Err(ClientError::not_found(message)));
}

#[test]
fn a_defect_without_an_id_is_not_synchronized_yet() {
    let tracker = Tracker::with("");
    let updated = tracker.update("Shop", "").unwrap();
    assert_eq!(
        texts(&updated.warnings[""]),
        ["DefectNotFound: the defect is not synchronized yet and cannot be updated"]
    );
    let deleted = tracker.delete("Shop", "").unwrap();
    assert_eq!(
        texts(&deleted.general_errors),
        ["NoDefectFound: the defect is not synchronized yet and cannot be deleted"]
    );
}

#[test]
fn an_unknown_project_is_an_empty_list_and_for_the_others_not_found() {
    let tracker = Tracker::new(json!({}));
    let expect = |hint: &str| {
        for set in [tracker.list(), tracker.batch(&["BUG-1"])] {
            assert!(set.value.is_empty() && set.protocol.warnings.is_empty());
            let errors = texts(&set.protocol.general_errors);
            assert!(errors[0].starts_with("ProjectNotFound: ") && errors[0].contains(hint), "{errors:?}");
        }
        let (create, update) = (tracker.create("Shop").map(drop), tracker.update("Shop", "BUG-1").map(drop));
        let (delete, extended) = (tracker.delete("Shop", "BUG-1").map(drop), tracker.extended("BUG-1").map(drop));
        for outcome in [create, update, delete, extended] {
            let Err(ClientError::NotFound(message)) = outcome else { panic!("{outcome:?}") };
            assert!(message.contains(hint), "{message}");
        }
    };
    expect("there is no folder");
    fs::create_dir(tracker.path("Shop")).unwrap();
    expect("add a .jsonl file");
}

#[test]
fn a_project_that_leaves_the_folder_is_refused_everywhere() {
    let tracker = Tracker::with("");
    tracker.write("d.jsonl", &line("BUG-1"));
    let context = SyncContext::default();
    for project in ["..", ".", "../Shop", "/", "Shop/../Shop", "Shop\\x"] {
        let client = &tracker.client;
        for outcome in [
            client.check_login(Some(project)).map(drop),
            client.get_user_defined_attributes(Some(project)).map(drop),
            client.get_defects(project, &context).map(drop),
            client.get_defects_batch(project, &[], &context).map(drop),
            client.get_defect_extended(project, "BUG-1", &context).map(drop),
            tracker.create(project).map(drop),
            tracker.update(project, "BUG-1").map(drop),
            tracker.delete(project, "BUG-1").map(drop),
            client.before_sync(project, None, &context).map(drop),
            client.after_sync(project, None, &context).map(drop),
        ] {
            assert!(matches!(outcome, Err(ClientError::InvalidInput { .. })), "{project}: {outcome:?}");
        }
    }
}

#[test]
fn a_read_only_client_or_project_forbids_writing_and_says_what_to_change() {
    let tracker = Tracker::new(json!({ "readonly": true, "projects": { "Open": { "readonly": false } } }));
    tracker.write("Shop/d.jsonl", &line("BUG-1"));
    tracker.write("Open/d.jsonl", "");
    let outcomes = [
        tracker.create("Shop").map(drop),
        tracker.update("Shop", "BUG-1").map(drop),
        tracker.delete("Shop", "BUG-1").map(drop),
    ];
    for outcome in outcomes {
        let Err(ClientError::Forbidden(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("`Shop`") && message.contains("`readonly = false`"), "{message}");
    }
    assert_eq!(ids(&tracker.list()), ["BUG-1"]);
    assert!(tracker.client.get_settings().unwrap().readonly);
    assert_eq!(tracker.create("Open").unwrap().value.as_deref(), Some("BUG-1"));
}

#[test]
fn the_extended_view_has_the_configured_attributes_that_are_there() {
    let tracker =
        Tracker::new(json!({ "projects": { "Shop": { "attributes": ["id", "Team", "reporter", "principal"] } } }));
    tracker.write("Shop/d.jsonl", &line("BUG-1"));
    tracker.write("Other/d.jsonl", &line("BUG-1"));
    let attributes = tracker.extended("BUG-1").unwrap().attributes;
    assert_eq!(json!(attributes), json!({ "id": "BUG-1", "Team": "Red" }));
    let other = tracker.client.get_defect_extended("Other", "BUG-1", &SyncContext::default()).unwrap();
    assert_eq!(json!(other.attributes), json!({ "title": "BUG-1", "status": "Open" }));
}

#[test]
fn user_defined_attributes_are_of_the_project_or_of_none() {
    let tracker = Tracker::with("");
    let asked = |project| tracker.client.get_user_defined_attributes(project);
    assert_eq!(asked(None), Ok(Vec::new()));
    assert_eq!(asked(Some("Shop")), Ok(Vec::new()));
    tracker.write("UserDefinedAttributes.json", r#"[{"name":"Team","valueType":"STRING","mustField":true}]"#);
    tracker.write("Shop/UserDefinedAttributes.json", r#"[{"name":"Done","valueType":"BOOLEAN","other":1}]"#);
    assert_eq!(asked(None).unwrap()[0].must_field, Some(true));
    assert_eq!(asked(Some("")), asked(None), "an empty name is none");
    assert_eq!(asked(Some("Shop")).unwrap()[0].name, "Done");
}

#[test]
fn broken_user_defined_attributes_are_an_error_that_says_where() {
    let tracker = Tracker::with("");
    for (content, problem) in
        [("[\n{]", "line 2 column 2"), ("{}", "line 1"), (r#"[{"name":"x"}]"#, "missing field `valueType`")]
    {
        tracker.write("Shop/UserDefinedAttributes.json", content);
        let outcome = tracker.client.get_user_defined_attributes(Some("Shop"));
        let Err(ClientError::Internal(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("UserDefinedAttributes.json") && message.contains(problem), "{message}");
    }
}

#[test]
fn settings_projects_and_logins_are_those_of_folder_and_configuration() {
    let config = json!({ "name": "N", "description": "D", "control_fields": { "status": ["Open"] },
        "projects": { "Shop": { "control_fields": { "priority": ["High"] }, "supports_changes_timestamps": false } } });
    let tracker = Tracker::new(config);
    tracker.write("Shop/d.jsonl", "");
    let client = &tracker.client;
    let settings = Settings { name: "N".to_owned(), description: "D".to_owned(), readonly: false };
    assert_eq!(client.get_settings(), Ok(settings));
    assert_eq!(client.get_projects(), Ok(vec!["Shop".to_owned()]));
    assert_eq!(client.check_login(None), Ok(true));
    assert_eq!(client.check_login(Some("Shop")), Ok(true));
    assert_eq!(client.check_login(Some("Other")), Ok(false));
    assert_eq!(json!(client.get_control_fields(None).unwrap()), json!({ "status": ["Open"] }));
    assert_eq!(json!(client.get_control_fields(Some("Shop")).unwrap()), json!({ "priority": ["High"] }));
    assert_eq!(client.supports_changes_timestamps(Some("Shop")), Ok(false));
    assert_eq!(client.supports_changes_timestamps(None), Ok(true));
}

#[test]
fn a_missing_folder_refuses_the_configuration_at_its_field() {
    let config = serde_json::from_value(json!({ "defects_path": "not-there" })).unwrap();
    let outcome = JsonlDefectClient::new(config);
    let Some(ClientError::InvalidInput { fields, .. }) = outcome.err() else { panic!("accepted") };
    assert!(matches!(fields.as_slice(), [FieldError { field: Some(field), .. }] if field == "defects_path"));
}

#[test]
fn correcting_drops_invalid_creates_and_updates_and_leaves_deletes_alone() {
    let tracker = Tracker::new(json!({ "control_fields": { "status": ["Open"], "Team": ["Red"] } }));
    let known = |title: &str, key: &str, value: Value| {
        let mut known = defect_json(title);
        (known["id"], known["localPk"], known[key]) = (json!(title), json!("1"), value);
        known
    };
    let good = || known("good", "title", json!("good"));
    let all = || {
        let no_team = known("no team", "userDefinedFields", json!([]));
        json!([good(), known("empty", "priority", json!("")), known("closed", "status", json!("Closed")), no_team])
    };
    let side = || json!({ "create": all(), "update": all(), "delete": all() });
    let correct = |results: Value| {
        let results = serde_json::from_value(results).unwrap();
        tracker.client.correct_sync_results("Shop", results).unwrap()
    };
    let corrected = correct(json!({ "local": side(), "remote": side() }));
    let (local, remote) = (corrected.local.unwrap(), corrected.remote.unwrap());
    assert_eq!(local.create.unwrap().len() + remote.create.unwrap().len(), 2);
    for (update, delete) in [(local.update, local.delete), (remote.update, remote.delete)] {
        assert_eq!(update.unwrap()[0].defect.title.as_deref(), Some("good"));
        assert_eq!(delete.unwrap().len(), 4);
    }
    let nothing = json!({ "create": [], "update": [], "delete": null });
    assert_eq!(json!(correct(json!({ "local": {}, "remote": null }))), json!({ "local": nothing, "remote": null }));
}

#[test]
fn hooks_run_the_projects_own_commands() {
    let tracker = Tracker::new(json!({ "commands": { "presync": { "manual": "not-there.sh" } },
        "projects": { "Shop": { "commands": {} } } }));
    let context = SyncContext::default();
    let before = tracker.client.before_sync("Other", Some("manual"), &context).unwrap();
    assert!(before.general_warnings[0].message.contains("not-there.sh"), "{before:?}");
    for protocol in [
        tracker.client.before_sync("Shop", Some("manual"), &context).unwrap(),
        tracker.client.after_sync("Other", Some("manual"), &context).unwrap(),
    ] {
        let entry = &protocol.successes.values().next().unwrap()[0];
        assert_eq!(entry.code, ProtocolCode::PublishSuccess);
        assert!(entry.message.contains("acknowledged"), "{protocol:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_fault_in_the_middle_of_a_list_is_the_lists_error() {
    // A file that opens and then cannot be read: this process' memory, at address 0.
    let tracker = Tracker::with(&line("BUG-1"));
    let memory = Path::new("/proc/self/mem");
    if memory.exists() {
        std::os::unix::fs::symlink(memory, tracker.path("Shop/e.jsonl")).unwrap();
        let outcome = tracker.client.get_defects("Shop", &SyncContext::default()).unwrap().collect();
        let Err(ClientError::Unavailable(message)) = outcome else { panic!("{outcome:?}") };
        assert!(message.contains("e.jsonl") && message.contains("check the disk"), "{message}");
    }
}
