//! What the store promises, one promise per test.

mod anything;
mod crash;
mod large;
mod random;
mod scenario;
mod simulated;

use std::collections::HashSet;
use std::fs;
use std::io::Write;

use defect_plugin_api::model::Defect;
use tempfile::TempDir;

use super::*;
use crate::line;

/// A store of one project, `P`, with these files.
struct Project {
    root: TempDir,
    store: Store,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("P")).unwrap();
        for (name, content) in files {
            fs::write(root.path().join("P").join(name), content).unwrap();
        }
        let store = Store::new(root.path().to_owned());
        Self { root, store }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("P").join(name)
    }

    fn content(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn create(&self, title: &str) -> String {
        self.store.create("P", &defect(title)).unwrap().id
    }

    /// The ids in the order of the files, and the number of broken lines.
    fn listed(&self) -> (Vec<String>, usize) {
        let (mut ids, mut broken) = (Vec::new(), 0);
        let pieces = self.store.read("P").unwrap();
        let mut protocol = Default::default();
        pieces.warnings().unwrap().add_to(&mut protocol);
        broken += protocol.general_warnings.len();
        for piece in pieces {
            ids.extend(defects_of(&piece.unwrap()).into_iter().map(|defect| defect.id));
        }
        (ids, broken)
    }

    /// The names in the folder that are neither defects nor the note of ids nor the journal.
    fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.root.path().join("P")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let own = [".defect-host-ids", ".defect-host-journal"];
        names.filter(|name| !name.ends_with(".jsonl") && !own.contains(&name.as_str())).collect()
    }
}

/// The defects of a piece of a list.
fn defects_of(piece: &[u8]) -> Vec<DefectWithId> {
    serde_json::from_slice(&[b"[", piece, b"]"].concat()).unwrap()
}

fn defect(title: &str) -> Defect {
    let defect = serde_json::json!({
        "title": title, "status": "Open", "classification": "Bug", "priority": "High",
        "lastEdited": "2026-01-31T12:00:00Z", "principal": { "username": "ann", "password": "hunter2" },
    });
    serde_json::from_value(defect).unwrap()
}

fn line(id: &str, title: &str) -> String {
    String::from_utf8(line::new_line(&DefectWithId { defect: defect(title), id: id.to_owned() }).unwrap()).unwrap()
}

#[test]
fn a_file_without_a_last_newline_keeps_its_last_defect_when_one_is_created() {
    let project = Project::new(&[("d.jsonl", &line("BUG-4", "old"))]);
    assert_eq!(project.create("new"), "BUG-5");
    assert_eq!(project.content("d.jsonl"), format!("{}\n{}\n", line("BUG-4", "old"), line("BUG-5", "new")));
    assert_eq!(project.listed(), (vec!["BUG-4".to_owned(), "BUG-5".to_owned()], 0));
}

#[test]
fn lines_that_nobody_can_read_are_kept_to_the_byte_by_updates_and_deletes() {
    let before = format!(
        "\u{feff}{}\r\nnot json\t\r\n\n{{\"id\":\"BUG-2\"}}\n{}\n{}",
        line("BUG-1", "a"),
        line("BUG-2", "b"),
        line("BUG-3", "c")
    );
    let project = Project::new(&[("d.jsonl", &before)]);
    let changed = project.store.update("P", "BUG-2", &defect("new")).unwrap();
    assert!(changed.found);
    let updated = before.replace(&line("BUG-2", "b"), &line("BUG-2", "new"));
    assert_eq!(project.content("d.jsonl"), updated);
    assert!(project.store.delete("P", "BUG-2").unwrap().found);
    assert_eq!(project.content("d.jsonl"), updated.replace(&format!("{}\n", line("BUG-2", "new")), ""));
    assert!(project.store.delete("P", "BUG-1").unwrap().found);
    assert!(project.content("d.jsonl").starts_with("\u{feff}not json\t\r\n\n"), "the mark stays with the file");
}

#[test]
fn an_update_keeps_the_lines_end_and_ends_a_last_line_that_was_open() {
    let project = Project::new(&[("d.jsonl", &format!("{}\r\n{}", line("BUG-1", "a"), line("BUG-2", "b")))]);
    project.store.update("P", "BUG-1", &defect("x")).unwrap();
    project.store.update("P", "BUG-2", &defect("y")).unwrap();
    assert_eq!(project.content("d.jsonl"), format!("{}\r\n{}\n", line("BUG-1", "x"), line("BUG-2", "y")));
}

#[test]
fn an_id_is_never_handed_out_twice() {
    let project = Project::new(&[("d.jsonl", "")]);
    assert_eq!((project.create("a"), project.create("b")), ("BUG-1".to_owned(), "BUG-2".to_owned()));
    project.store.delete("P", "BUG-2").unwrap();
    assert_eq!(project.create("after a delete"), "BUG-3");
    fs::write(project.path("d.jsonl"), "").unwrap();
    let Project { root, store } = project;
    drop(store);
    let restarted = Store::new(root.path().to_owned());
    assert_eq!(restarted.create("P", &defect("after a restart")).unwrap().id, "BUG-4");
}

#[test]
fn an_id_of_another_program_is_not_handed_out_after_its_defect_was_deleted() {
    let project = Project::new(&[("d.jsonl", &line("BUG-9", "another's"))]);
    project.store.delete("P", "BUG-9").unwrap();
    assert_eq!(project.create("ours"), "BUG-10");
}

#[test]
fn an_id_that_another_program_wrote_and_removed_again_is_not_handed_out_after_a_restart() {
    let project = Project::new(&[("d.jsonl", &line("BUG-3", "ours"))]);
    let both = format!("{}\n{}\n", line("BUG-3", "ours"), line("BUG-34", "another's"));
    fs::write(project.path("d.jsonl"), both).unwrap();
    assert_eq!(project.listed().0, ["BUG-3", "BUG-34"]);
    fs::write(project.path("d.jsonl"), line("BUG-3", "ours")).unwrap();
    assert_eq!(project.listed().0, ["BUG-3"]);
    let Project { root, store } = project;
    drop(store);
    let restarted = Store::new(root.path().to_owned());
    assert_eq!(restarted.create("P", &defect("after a restart")).unwrap().id, "BUG-35");
}

#[test]
fn the_largest_id_counts_wherever_it_is() {
    let cut_off = r#"{"title":"cut off","id":"BUG-30","stat"#;
    let project =
        Project::new(&[("1.jsonl", &line("BUG-3", "a")), ("2.jsonl", &format!("{}\n{cut_off}", line("20", "bare")))]);
    assert_eq!(project.create("new"), "BUG-31");
    assert!(project.content("1.jsonl").ends_with(&format!("{}\n", line("BUG-31", "new"))), "the first file by name");
}

#[test]
fn a_note_of_ids_that_cannot_be_read_is_an_error_that_says_what_to_do() {
    let project = Project::new(&[("d.jsonl", "")]);
    for broken in ["", "many", "-1", "\u{0}\u{0}"] {
        fs::write(project.path(".defect-host-ids"), broken).unwrap();
        let error = project.store.create("P", &defect("x")).err().unwrap();
        assert!(matches!(error, StoreError::BrokenIds(_)));
        let message = error.to_string();
        assert!(message.contains(".defect-host-ids") && message.contains("write that number"), "{message}");
    }
    fs::write(project.path(".defect-host-ids"), "7").unwrap();
    assert_eq!(project.create("repaired by hand"), "BUG-8");
    fs::write(project.path(".defect-host-ids"), u64::MAX.to_string()).unwrap();
    assert!(matches!(project.store.create("P", &defect("x")), Err(StoreError::NoMoreIds { .. })));
}

#[test]
fn a_duplicate_id_is_updated_and_deleted_everywhere() {
    let twice = format!("{0}\n{0}\n", line("BUG-1", "old"));
    let project = Project::new(&[("1.jsonl", &twice), ("2.jsonl", &line("BUG-1", "old")), ("3.jsonl", "")]);
    project.store.update("P", "BUG-1", &defect("new")).unwrap();
    assert_eq!(project.content("1.jsonl"), twice.replace("old", "new"));
    assert_eq!(project.content("2.jsonl"), format!("{}\n", line("BUG-1", "new")));
    project.store.delete("P", "BUG-1").unwrap();
    assert_eq!((project.content("1.jsonl"), project.content("2.jsonl")), (String::new(), String::new()));
}

#[test]
fn the_password_is_not_written() {
    let project = Project::new(&[("d.jsonl", "")]);
    project.create("a");
    project.store.update("P", "BUG-1", &defect("b")).unwrap();
    let content = project.content("d.jsonl");
    assert!(!content.contains("hunter2") && content.contains(r#""password":"""#), "{content}");
}

#[test]
fn a_change_by_hand_is_seen_by_the_next_request() {
    let project = Project::new(&[("d.jsonl", &line("BUG-1", "a"))]);
    assert_eq!(project.listed().0, ["BUG-1"]);
    fs::write(project.path("d.jsonl"), line("BUG-5", "by hand")).unwrap();
    assert_eq!(project.listed().0, ["BUG-5"]);
    assert_eq!(project.create("next"), "BUG-6");
    fs::write(project.path("e.jsonl"), line("BUG-9", "in a new file")).unwrap();
    assert_eq!(project.listed().0, ["BUG-5", "BUG-6", "BUG-9"]);
}

#[test]
fn a_list_that_is_being_read_stays_as_it_was() {
    let project = Project::new(&[("d.jsonl", &line("BUG-1", "a"))]);
    let pieces = project.store.read("P").unwrap();
    project.store.delete("P", "BUG-1").unwrap();
    assert_eq!(pieces.count(), 1);
}

#[test]
fn writers_at_the_same_time_lose_nothing_and_share_no_id() {
    let project = Project::new(&[("d.jsonl", &format!("{}\n", line("BUG-1", "shared")))]);
    let ids: HashSet<String> = std::thread::scope(|scope| {
        let writer = |number: usize| {
            let project = &project;
            move || {
                let title = |round| format!("{number}/{round}");
                let ids: Vec<_> = (0..5).map(|round| project.create(&title(round))).collect();
                assert!(project.store.update("P", &ids[0], &defect("updated")).unwrap().found);
                assert!(project.store.delete("P", &ids[1]).unwrap().found);
                ids
            }
        };
        let threads: Vec<_> = (0..6).map(|number| scope.spawn(writer(number))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.len(), 30);
    let (listed, broken) = project.listed();
    assert_eq!((listed.len(), broken), (1 + 30 - 6, 0));
    assert_eq!(project.content("d.jsonl").matches("\"updated\"").count(), 6);
}

#[test]
fn what_a_killed_process_left_is_ignored_and_removed_at_the_next_write() {
    let project = Project::new(&[
        ("d.jsonl", ""),
        (".d.jsonl.defect-host-Ab3dEf.tmp", "half a li"),
        (".other.jsonl.defect-host-Ab3dEf.tmp", "of another file"),
        (".d.jsonl.mine.tmp", "somebody's"),
    ]);
    assert_eq!(project.listed(), (vec![], 0));
    project.create("a");
    let mut left = project.leftovers();
    left.sort();
    assert_eq!(left, [".d.jsonl.mine.tmp", ".other.jsonl.defect-host-Ab3dEf.tmp"]);
}

#[test]
fn a_write_that_fails_at_any_byte_leaves_the_old_content_and_no_file() {
    let project = Project::new(&[("d.jsonl", "old\n")]);
    let path = project.path("d.jsonl");
    for length in [0, 1, 70_000, 200_000] {
        let failure = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let outcome = replace::replace(&RealDisk, &path, &path, |out| {
            out.write_all(&vec![b'x'; length]).unwrap();
            Err(StoreError::disk("write", &path, failure()))
        });
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains("d.jsonl") && message.contains("free some space"), "{message}");
        assert_eq!(project.content("d.jsonl"), "old\n");
        assert_eq!(project.leftovers(), [""; 0]);
    }
}

#[test]
fn a_write_that_fails_at_each_later_step_leaves_the_old_content_and_recovers() {
    let project = Project::new(&[("d.jsonl", &format!("{}\n", line("BUG-1", "a")))]);
    let before = project.content("d.jsonl");
    // The permissions to take over cannot be read.
    let (path, gone) = (project.path("d.jsonl"), project.path("gone"));
    let fill = |out: &mut dyn Write| out.write_all(b"new").map_err(|error| StoreError::disk("write", &path, error));
    assert!(matches!(replace::replace(&RealDisk, &path, &gone, fill), Err(StoreError::Disk { .. })));
    assert_eq!((project.content("d.jsonl"), project.leftovers()), (before.clone(), vec![]));
    // The new file cannot take the old one's place.
    fs::create_dir(&gone).unwrap();
    fs::write(gone.join("file"), "").unwrap();
    assert!(matches!(replace::replace(&RealDisk, &gone, &path, fill), Err(StoreError::Disk { .. })));
    assert_eq!(project.leftovers(), ["gone"]);
    fs::remove_dir_all(&gone).unwrap();
    // The id cannot be noted: then there is no defect either.
    fs::create_dir(project.path(".defect-host-ids")).unwrap();
    assert!(matches!(project.store.create("P", &defect("x")), Err(StoreError::Disk { .. })));
    assert!(matches!(project.store.delete("P", "BUG-1"), Err(StoreError::Disk { .. })));
    assert_eq!((project.content("d.jsonl"), project.leftovers()), (before, vec![]));
    fs::remove_dir(project.path(".defect-host-ids")).unwrap();
    assert_eq!(project.create("the cause is gone"), "BUG-2");
}

#[test]
fn a_folder_that_is_gone_is_a_fault_of_the_disk_and_comes_back() {
    let project = Project::new(&[("d.jsonl", "")]);
    let (root, away) = (project.root.path(), project.root.path().with_extension("away"));
    fs::rename(root, &away).unwrap();
    for outcome in [project.store.projects().map(drop), project.store.create("P", &defect("x")).map(drop)] {
        let message = outcome.unwrap_err().to_string();
        assert!(message.contains(&root.display().to_string()) && message.contains("put it back"), "{message}");
    }
    assert!(!project.store.exists(None).unwrap());
    fs::rename(&away, root).unwrap();
    assert_eq!(project.create("x"), "BUG-1");
}

#[cfg(unix)]
#[test]
fn owner_and_permissions_stay_and_links_lead_to_the_new_content() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    let project = Project::new(&[]);
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("real.jsonl");
    fs::write(&target, line("BUG-1", "a")).unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o664)).unwrap();
    // Only root may do this; for others the file stays their own.
    let given = chown(&target, Some(12_345), Some(23_456)).is_ok();
    symlink(&target, project.path("d.jsonl")).unwrap();
    project.create("b");
    assert!(fs::symlink_metadata(project.path("d.jsonl")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap().lines().count(), 2);
    for file in [target, project.path(".defect-host-ids")] {
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o664);
        assert!(!given || (metadata.uid(), metadata.gid()) == (12_345, 23_456), "{file:?}");
    }
}

#[test]
fn a_write_protected_file_is_not_replaced() {
    let project = Project::new(&[("d.jsonl", "")]);
    let mut permissions = fs::metadata(project.path("d.jsonl")).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(project.path("d.jsonl"), permissions).unwrap();
    // Permissions do not bind root.
    let protected = fs::OpenOptions::new().write(true).open(project.path("d.jsonl")).is_err();
    match project.store.create("P", &defect("x")) {
        Err(error) => assert!(protected && error.to_string().contains("allow the user"), "{error}"),
        Ok(_) => assert!(!protected),
    }
}

#[cfg(unix)]
#[test]
fn links_to_one_folder_share_one_lock() {
    let project = Project::new(&[("d.jsonl", "")]);
    std::os::unix::fs::symlink("P", project.root.path().join("Q")).unwrap();
    let lock = |name| project.store.folder(name).unwrap();
    assert!(Arc::ptr_eq(&lock("P"), &lock("Q")));
}
