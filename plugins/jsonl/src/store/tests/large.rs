//! Files that are changed in place, on this machine's disk.

use std::sync::atomic::{AtomicBool, Ordering};

use super::super::disk::DiskFile;
use super::super::folder::Limits;
use super::super::lock::HostLock;
use super::scenario::{FILE, IN_PLACE, Step, World};
use super::*;

/// A project whose files are never rewritten as a whole, and never tidied up by themselves.
fn in_place(files: &[(&str, &str)]) -> Project {
    let mut project = Project::new(files);
    let root = project.root.path().to_owned();
    let idle = std::time::Duration::from_secs(3_600);
    project.store = Store::readonly(root.clone());
    project.store =
        Store::with(root.clone(), HostLock::new(&root), Limits { small_file: 0, idle, ..Limits::default() });
    project
}

fn lines(ids: std::ops::RangeInclusive<u32>) -> String {
    ids.map(|id| line(&format!("BUG-{id}"), "a title of some length") + "\n").collect()
}

fn tidy(project: &Project) {
    let folder = project.store.folder("P").unwrap();
    folder.be_idle();
    folder.tidy();
}

#[test]
fn a_line_is_rewritten_where_it_is_when_it_fits_else_at_the_end() {
    let project = in_place(&[("d.jsonl", &lines(1..=3))]);
    let identity = RealDisk.stamp(&project.path("d.jsonl")).unwrap().identity;
    project.store.update("P", "BUG-2", &defect("short")).unwrap();
    let content = project.content("d.jsonl");
    assert_eq!(content.len(), lines(1..=3).len());
    assert_eq!(content.lines().nth(1).unwrap().trim_end(), line("BUG-2", "short"));
    project.store.update("P", "BUG-1", &defect(&"long ".repeat(20))).unwrap();
    project.store.delete("P", "BUG-3").unwrap();
    let content = project.content("d.jsonl");
    let trimmed: Vec<_> = content.lines().map(str::trim_end).collect();
    assert_eq!(trimmed, ["", &line("BUG-2", "short"), "", &line("BUG-1", &"long ".repeat(20))]);
    assert_eq!(project.listed().0, ["BUG-2", "BUG-1"]);
    assert_eq!(RealDisk.stamp(&project.path("d.jsonl")).unwrap().identity, identity);
    tidy(&project);
    let tidied = [line("BUG-2", "short"), line("BUG-1", &"long ".repeat(20)), String::new()].join("\n");
    assert_eq!(project.content("d.jsonl"), tidied);
    assert_eq!((project.create("next"), project.listed().0.len()), ("BUG-4".to_owned(), 3));
}

#[test]
fn a_password_of_the_python_service_is_nowhere_once_its_defect_was_updated() {
    let old = lines(1..=2).replacen(r#""password":"""#, r#""password":"hunter2""#, 1);
    assert!(old.contains("hunter2"), "the sample has a password to hide");
    let project = in_place(&[("d.jsonl", &old)]);
    project.store.update("P", "BUG-1", &defect("short")).unwrap();
    tidy(&project);
    for entry in fs::read_dir(project.root.path().join("P")).unwrap() {
        let path = entry.unwrap().path();
        let holds = fs::read(&path).unwrap().windows(7).any(|bytes| bytes == b"hunter2");
        assert!(!holds, "{} holds the password", path.display());
    }
}

#[test]
fn tidying_up_keeps_the_lines_of_others_to_the_byte() {
    let others = format!("\u{feff}{}  \r\nnot json \t\n\n   \t\n{}}} \n", line("OTHER-1", "x"), "{");
    let project = in_place(&[("d.jsonl", &format!("{others}{}", lines(1..=2)))]);
    project.store.delete("P", "BUG-1").unwrap();
    project.store.update("P", "BUG-2", &defect("short")).unwrap();
    tidy(&project);
    assert_eq!(project.content("d.jsonl"), format!("{others}{}\n", line("BUG-2", "short")));
}

#[test]
fn what_another_program_does_between_two_requests_is_noticed_and_kept() {
    let project = in_place(&[("d.jsonl", &lines(1..=5))]);
    let path = project.path("d.jsonl");
    project.store.update("P", "BUG-5", &defect("by us")).unwrap();
    // In place, of the same length.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let at = project.content("d.jsonl").find("BUG-3").unwrap();
    file.write_at(b"BUG-9", at as u64).unwrap();
    assert_eq!(project.listed().0, ["BUG-1", "BUG-2", "BUG-9", "BUG-4", "BUG-5"]);
    // Appended.
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(lines(20..=20).as_bytes()).unwrap();
    assert!(project.store.update("P", "BUG-20", &defect("by us")).unwrap().found);
    assert_eq!(project.create("x"), "BUG-21");
    // Put in its place.
    fs::write(project.path("new"), lines(30..=31)).unwrap();
    fs::rename(project.path("new"), &path).unwrap();
    assert!(!project.store.delete("P", "BUG-20").unwrap().found);
    assert_eq!(project.create("x"), "BUG-32");
    // Truncated.
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(lines(30..=30).len() as u64 + 9).unwrap();
    assert!(project.store.update("P", "BUG-30", &defect("by us")).unwrap().found);
    assert_eq!(project.create("x"), "BUG-33");
    assert_eq!(project.listed(), (vec!["BUG-30".to_owned(), "BUG-33".to_owned()], 1));
    // Removed, and back again.
    fs::rename(&path, project.path("away")).unwrap();
    assert!(project.store.create("P", &defect("x")).is_err());
    fs::rename(project.path("away"), &path).unwrap();
    assert_eq!(project.create("x"), "BUG-34");
    // The journal is gone.
    fs::remove_file(project.path(".defect-host-journal")).unwrap();
    assert_eq!(project.create("x"), "BUG-35");
    assert!(project.path(".defect-host-journal").exists());
}

#[test]
fn a_list_has_every_defect_once_whatever_is_written_and_tidied_up_meanwhile() {
    let project = in_place(&[("d.jsonl", &lines(1..=3_000)), ("e.jsonl", &lines(3_001..=4_000))]);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let id = format!("BUG-{}", 1 + round * 37 % 4_000);
                project.store.update("P", &id, &defect(&"longer ".repeat(round / 37 % 9))).unwrap();
                if round % 200 == 0 {
                    tidy(&project);
                }
            }
        });
        for _ in 0..20 {
            let mut ids = HashSet::new();
            for piece in project.store.read("P").unwrap() {
                for defect in defects_of(&piece.unwrap()) {
                    assert!(ids.insert(defect.id));
                }
            }
            assert_eq!(ids.len(), 4_000);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_list_goes_on_after_another_program_appended_and_ends_when_lines_are_elsewhere() {
    let project = in_place(&[("d.jsonl", &lines(1..=2_000))]);
    let mut pieces = project.store.read("P").unwrap();
    let first = defects_of(&pieces.next().unwrap().unwrap()).len();
    let mut file = fs::OpenOptions::new().append(true).open(project.path("d.jsonl")).unwrap();
    file.write_all(lines(5_000..=5_000).as_bytes()).unwrap();
    assert_eq!(first + pieces.map(|piece| defects_of(&piece.unwrap()).len()).sum::<usize>(), 2_000);
    let mut pieces = project.store.read("P").unwrap();
    pieces.next().unwrap().unwrap();
    fs::write(project.path("d.jsonl"), lines(1..=2_000).replacen("a title", "another title", 1)).unwrap();
    let error = pieces.find_map(Result::err).unwrap().to_string();
    assert!(error.contains("d.jsonl") && error.contains("repeat the request"), "{error}");
}

#[cfg(unix)]
#[test]
fn what_was_journaled_for_a_file_behind_a_link_waits_for_the_link() {
    let project = in_place(&[("e.jsonl", "")]);
    let outside = tempfile::tempdir().unwrap();
    let (target, away) = (outside.path().join("d.jsonl"), outside.path().join("away"));
    fs::write(&target, lines(1..=1)).unwrap();
    std::os::unix::fs::symlink(&target, project.path("d.jsonl")).unwrap();
    assert_eq!(project.create("x"), "BUG-2");
    // As after a kill: the journal is as it was.
    let Project { root, store } = project;
    drop(store);
    fs::rename(&target, &away).unwrap();
    let store = Store::new(root.path().to_owned());
    let error = store.create("P", &defect("x")).err().unwrap().to_string();
    assert!(error.contains("d.jsonl") && error.contains("put it back"), "{error}");
    fs::rename(&away, &target).unwrap();
    assert_eq!(store.create("P", &defect("x")).unwrap().id, "BUG-3");
    assert_eq!(fs::read_to_string(&target).unwrap().lines().count(), 3);
}

#[test]
fn a_second_host_reads_but_does_not_write_until_the_first_is_gone() {
    let project = Project::new(&[("d.jsonl", &lines(1..=1))]);
    let second = Store::new(project.root.path().to_owned());
    project.create("by the first");
    assert!(second.find("P", "BUG-2").unwrap().is_some());
    let error = second.create("P", &defect("x")).err().unwrap();
    let message = error.to_string();
    // On Windows nobody else can read a file that is locked.
    assert!(cfg!(windows) || message.contains(&format!("({})", std::process::id())), "{message}");
    assert!(message.contains(".defect-host-lock") && message.contains("stop one of the two"), "{message}");
    assert!(matches!(error.into(), defect_plugin_api::ClientError::Unavailable(_)));
    let Project { store, root: _root } = project;
    drop(store);
    assert_eq!(second.create("P", &defect("x")).unwrap().id, "BUG-3");
}

#[test]
fn a_store_that_only_reads_leaves_no_file() {
    let project = Project::new(&[("d.jsonl", &lines(1..=1))]);
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("P")).unwrap();
    fs::copy(project.path("d.jsonl"), root.path().join("P/d.jsonl")).unwrap();
    let store = Store::readonly(root.path().to_owned());
    assert_eq!(store.read("P").unwrap().count(), 1);
    assert!(matches!(store.create("P", &defect("x")), Err(StoreError::ReadOnly(_))));
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert_eq!(fs::read_dir(root.path().join("P")).unwrap().count(), 1);
}

#[test]
fn writers_at_the_same_time_share_a_sync() {
    let mut world = World::new(b"", IN_PLACE);
    assert!(world.step(&Step::Create("first".to_owned())));
    let before = world.disk.syncs();
    let held = world.folder.hold_committer();
    std::thread::scope(|scope| {
        let folder = &world.folder;
        let writers: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| folder.write("P", super::super::folder::Operation::Create(defect("x"))).unwrap()))
            .collect();
        while folder.waiting() < 15 {
            std::thread::yield_now();
        }
        drop(held);
        writers.into_iter().for_each(|writer| drop(writer.join().unwrap()));
    });
    let syncs = world.disk.syncs() - before;
    assert!(syncs <= 8, "{syncs} syncs for 16 creates");
    assert_eq!(world.disk.content(FILE).split_inclusive(|byte| *byte == b'\n').count(), 17);
}
