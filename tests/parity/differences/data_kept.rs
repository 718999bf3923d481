use std::io::Read;

use serde_json::{Value, json};

use super::{Stage, create, delete, extended, ids, list, update};
use crate::both::{Both, post};
use crate::data::{full, line, minimal, with};

/// The lists of a project: the Python service's, then ours.
fn lists(both: &Both, project: &str) -> (Value, Value) {
    let answers = both.ask(&list(project));
    assert_eq!(answers.statuses(), (200, 200));
    (answers.python.json(), answers.ours.json())
}

pub(super) fn create_after_a_line_without_a_newline(stage: &Stage) {
    let both = &stage.both;
    both.project("NoNewline", line("BUG-1").trim_end());
    for (python, ours) in [("BUG-2", "BUG-2"), ("BUG-1", "BUG-3")] {
        let created = both.ask(&create("NoNewline", &minimal()));
        assert_eq!(created.statuses(), (200, 200));
        assert_eq!((&created.python.json()["value"], &created.ours.json()["value"]), (&json!(python), &json!(ours)));
    }
    let (python, ours) = lists(both, "NoNewline");
    assert_eq!((ids(&python), ids(&ours)), (vec!["BUG-1"], vec!["BUG-1", "BUG-2", "BUG-3"]));
}

pub(super) fn a_malformed_line_survives_an_update(stage: &Stage) {
    let both = &stage.both;
    let malformed = "{\"id\": \"BUG-2\",";
    both.project_with("Update", malformed);
    both.project_with("Delete", malformed);
    for (project, call) in [("Update", update("Update", "BUG-1", &minimal())), ("Delete", delete("Delete", "BUG-1"))] {
        let answers = both.ask(&call);
        for answer in [&answers.python, &answers.ours] {
            let protocol = answer.json();
            assert_eq!(protocol["generalWarnings"][0]["code"], json!("IMPORT_WARNING"), "{protocol}");
            assert_eq!(protocol["successes"][project][0]["code"], json!("PUBLISH_SUCCESS"));
        }
        let (python, ours) = both.lines(project);
        assert!(!python.contains(malformed), "{python}");
        assert!(ours.contains(&format!("{malformed}\n")), "{ours}");
    }
}

pub(super) fn unknown_keys_survive_an_update(stage: &Stage) {
    let both = &stage.both;
    let of = |id: &str| with(minimal(), json!({ "id": id, "assignee": "Jo" })).to_string();
    both.project("Keys", &format!("{}\n{}\n", of("BUG-1"), of("BUG-2")));
    assert_eq!(both.ask(&update("Keys", "BUG-1", &full())).statuses(), (200, 200));
    let (python, ours) = both.lines("Keys");
    assert_eq!((python.matches("assignee").count(), ours.matches("assignee").count()), (0, 2));
    assert_eq!(ours.lines().nth(1), Some(of("BUG-2").as_str()));
}

pub(super) fn a_file_is_replaced_and_not_truncated(stage: &Stage) {
    let both = &stage.both;
    both.project("Replaced", &line("BUG-1"));
    let open = |folder: &std::path::Path| std::fs::File::open(folder.join("data/Replaced/defects.jsonl")).unwrap();
    let readers = [open(both.python.folder().path()), open(both.ours.folder().path())];
    assert_eq!(both.ask(&update("Replaced", "BUG-1", &minimal())).statuses(), (200, 200));
    // Who had the file open before sees what became of it.
    let [python, ours] = readers.map(|mut reader| {
        let mut content = String::new();
        reader.read_to_string(&mut content).unwrap();
        content
    });
    assert_ne!(python, line("BUG-1"));
    assert_eq!(ours, line("BUG-1"));
}

pub(super) fn an_id_is_not_handed_out_twice(stage: &Stage) {
    let both = &stage.both;
    both.project("Newest", &line("BUG-1"));
    for (python, ours) in [("BUG-1", "BUG-2"), ("BUG-1", "BUG-3")] {
        let newest = |answer: Value| ids(&answer).last().map(|id| (*id).to_owned()).unwrap();
        let (of_python, of_ours) = lists(both, "Newest");
        delete("Newest", &newest(of_python)).send(both.python.client());
        delete("Newest", &newest(of_ours)).send(both.ours.client());
        let created = both.ask(&create("Newest", &minimal()));
        assert_eq!((&created.python.json()["value"], &created.ours.json()["value"]), (&json!(python), &json!(ours)));
    }
}

pub(super) fn passwords_are_not_stored(stage: &Stage) {
    let both = &stage.both;
    both.project("Secret", "");
    assert_eq!(both.ask(&create("Secret", &full())).statuses(), (200, 200));
    let (python, ours) = both.lines("Secret");
    assert!(python.contains("hunter2") && !ours.contains("hunter2"));
    // What other programs stored is not returned either.
    both.project("Secret", &line("BUG-1"));
    let results = json!({ "local": { "create": [with(full(), json!({ "id": "BUG-1" }))] } });
    for call in [list("Secret"), extended("Secret", "BUG-1"), post("/projects/Secret/defects/correct", &results)] {
        let answers = both.ask(&call);
        assert!(answers.python.text().contains("hunter2"));
        assert!(answers.ours.status == 200 && !answers.ours.text().contains("hunter2"));
        assert!(answers.ours.text().contains(r#""principal":{"username":"anna","password":""}"#), "{answers:?}");
    }
    assert!(!both.ours.log().contains("hunter2"));
}

pub(super) fn all_files_of_a_project_are_served(stage: &Stage) {
    let both = &stage.both;
    both.write("data/Several/a.jsonl", &line("BUG-1"));
    both.write("data/Several/b.jsonl", &line("BUG-2"));
    let (python, ours) = lists(both, "Several");
    assert_eq!(ids(&python).len(), 1);
    assert_eq!(ids(&ours), ["BUG-1", "BUG-2"]);
    assert_eq!(create("Several", &minimal()).send(both.ours.client()).json()["value"], json!("BUG-3"));
    assert_eq!(both.ours.folder().read("data/Several/a.jsonl").lines().count(), 2);
}

pub(super) fn a_partial_line_is_a_warning(stage: &Stage) {
    let both = &stage.both;
    both.project_with("Partial", r#"{"id": "BUG-2", "title": "no status"}"#);
    let batch = json!({ "defectIds": ["BUG-3"], "syncContext": {} });
    for call in [list("Partial"), post("/projects/Partial/defects/batch", &batch)] {
        let answers = both.ask(&call);
        assert_eq!(answers.statuses(), (400, 200));
        let warning = &answers.ours.json()["protocol"]["generalWarnings"][0];
        assert_eq!(warning["code"], json!("IMPORT_WARNING"));
        let message = warning["message"].as_str().unwrap_or_default();
        assert!(message.contains("defects.jsonl") && message.contains("line 2") && message.contains("`status`"));
    }
    let changes = [update("Partial", "BUG-1", &minimal()), delete("Partial", "BUG-1"), extended("Partial", "BUG-3")];
    for call in changes {
        assert_eq!(both.ask(&call).statuses(), (400, 200));
    }
    both.project_with("NoObject", "[]");
    assert_eq!(both.ask(&list("NoObject")).statuses(), (500, 200));
    assert_eq!(both.ask(&create("NoObject", &minimal())).statuses(), (500, 200));
}

pub(super) fn a_malformed_line_hides_no_other(stage: &Stage) {
    stage.both.project_with("Hidden", "{");
    assert_eq!(stage.both.ask(&extended("Hidden", "BUG-3")).statuses(), (400, 200));
}

pub(super) fn blank_lines_mean_nothing(stage: &Stage) {
    let both = &stage.both;
    both.project_with("Blank", "");
    let (python, ours) = lists(both, "Blank");
    let warnings = |list: &Value| list["protocol"]["generalWarnings"].as_array().map(Vec::len);
    assert_eq!((warnings(&python), warnings(&ours)), (Some(1), Some(0)));
    assert_eq!(both.ask(&update("Blank", "BUG-1", &minimal())).statuses(), (200, 200));
    let (python, ours) = both.lines("Blank");
    assert_eq!((python.lines().count(), ours.lines().count()), (2, 3));
}

pub(super) fn an_id_on_two_lines_is_one_success(stage: &Stage) {
    stage.both.project("Twice", &[line("BUG-1"), line("BUG-1")].concat());
    let (python, ours) = lists(&stage.both, "Twice");
    let successes = |list: &Value| list["protocol"]["successes"]["BUG-1"].as_array().map(Vec::len);
    assert_eq!((successes(&python), successes(&ours)), (Some(2), Some(1)));
    assert_eq!((ids(&python).len(), ids(&ours).len()), (2, 2));
}
