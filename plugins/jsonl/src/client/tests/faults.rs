//! Where the reference service loses data or falls over: every row of the table in the facts about
//! it, the other way round. The rows on `"status": 5`, a slow hook and `/openapi.yaml` are the host's.

use super::*;

#[test]
fn a_create_after_a_line_without_a_newline_keeps_both() {
    let tracker = Tracker::with(&line("BUG-1"));
    assert_eq!(tracker.create("Shop").unwrap().value.as_deref(), Some("BUG-2"));
    let list = tracker.list();
    assert_eq!(ids(&list), ["BUG-1", "BUG-2"]);
    assert!(list.protocol.general_warnings.is_empty());
}

#[test]
fn updates_and_deletes_keep_a_line_they_cannot_read_and_warn_of_it() {
    let tracker = Tracker::with(&format!("{}\n{{broken\n{}\n", line("BUG-1"), line("BUG-2")));
    for protocol in [tracker.update("Shop", "BUG-1").unwrap(), tracker.delete("Shop", "BUG-1").unwrap()] {
        assert_eq!(protocol.successes["Shop"].len(), 1);
        assert_eq!(
            texts(&protocol.general_warnings),
            ["ImportWarning: malformed defect entry in JSONL file `d.jsonl` at line 2: it is not JSON (column 2); \
              correct the line"]
        );
    }
    assert_eq!(tracker.content(), format!("{{broken\n{}\n", line("BUG-2")));
}

#[test]
fn a_line_that_misses_a_field_is_a_warning_and_all_others_are_served() {
    let partial = r#"{"id":"BUG-2","status":"Open"}"#;
    let tracker = Tracker::with(&format!("{}\n\n{partial}\n{}\n", line("BUG-1"), line("BUG-3")));
    let list = tracker.list();
    assert_eq!(ids(&list), ["BUG-1", "BUG-3"]);
    assert_eq!(
        texts(&list.protocol.general_warnings),
        ["ImportWarning: malformed defect entry in JSONL file `d.jsonl` at line 3: `classification` is missing, \
          `priority` is missing, `lastEdited` is missing, `principal` is missing; correct the line"]
    );
    assert_eq!(ids(&tracker.batch(&["BUG-3"])), ["BUG-3"]);
    assert_eq!(tracker.extended("BUG-3").unwrap().id, "BUG-3");
}

#[test]
fn an_update_replaces_the_file_whole() {
    let tracker = Tracker::with(&line("BUG-1"));
    // Whoever has the file open goes on reading what it was: nothing was truncated under them.
    let mut reader = fs::File::open(tracker.path("Shop/d.jsonl")).unwrap();
    tracker.update("Shop", "BUG-1").unwrap();
    let mut read = String::new();
    std::io::Read::read_to_string(&mut reader, &mut read).unwrap();
    assert_eq!(read, line("BUG-1"));
    assert_eq!(tracker.list().value[0].defect.title.as_deref(), Some("updated"));
}

#[test]
fn the_id_of_the_newest_defect_is_not_reused_after_its_delete() {
    let tracker = Tracker::with(&line("BUG-1"));
    tracker.delete("Shop", "BUG-1").unwrap();
    assert_eq!(tracker.create("Shop").unwrap().value.as_deref(), Some("BUG-2"));
    tracker.delete("Shop", "BUG-2").unwrap();
    let Tracker { root, client: stopped } = tracker;
    drop(stopped);
    let restarted = client(root.path(), json!({}));
    let created = restarted.create_defect("Shop", &defect("new"), &SyncContext::default()).unwrap();
    assert_eq!(created.value.as_deref(), Some("BUG-3"));
}

#[test]
fn writers_at_the_same_time_all_succeed_under_ids_of_their_own() {
    let tracker = Tracker::with("");
    std::thread::scope(|scope| {
        (0..4).for_each(|_| drop(scope.spawn(|| (0..4).for_each(|_| drop(tracker.create("Shop").unwrap())))));
    });
    let list = tracker.list();
    assert_eq!((list.value.len(), list.protocol.successes.len()), (16, 16));
}

#[test]
fn an_edit_by_hand_is_in_the_next_answer() {
    let tracker = Tracker::with(&line("BUG-1"));
    assert_eq!(ids(&tracker.list()), ["BUG-1"]);
    tracker.write("Shop/d.jsonl", &line("BUG-2"));
    assert_eq!(ids(&tracker.list()), ["BUG-2"]);
    assert!(tracker.extended("BUG-1").is_err() && tracker.extended("BUG-2").is_ok());
}

#[test]
fn a_password_is_neither_stored_nor_returned() {
    let tracker = Tracker::with(&format!("{}\n", line("BUG-1")));
    let bad_password = line("BUG-9").replace("\"hunter2\"", "4711");
    tracker.write("Shop/e.jsonl", &bad_password);
    tracker.create("Shop").unwrap();
    let list = serde_json::to_string(&tracker.list()).unwrap();
    let extended = serde_json::to_string(&tracker.extended("BUG-1").unwrap()).unwrap();
    assert!(!(list + &extended).contains("hunter2"));
    assert!(!serde_json::to_string(&tracker.list().protocol).unwrap().contains("4711"));
    let created = tracker.content().replace(&line("BUG-1"), "");
    assert!(created.contains(r#""principal":{"username":"ann","password":""}"#), "{created}");
    tracker.update("Shop", "BUG-1").unwrap();
    assert!(!tracker.content().contains("hunter2"));
}
