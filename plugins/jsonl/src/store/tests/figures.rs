//! Figures for people, no assertions:
//! `cargo test --release -p jsonl-defect-client figures -- --ignored --nocapture`.

use std::time::Instant;

use super::*;

fn content(defects: usize) -> String {
    let mut content = String::new();
    for number in 1..=defects {
        let mut defect = DefectWithId { defect: defect("a title"), id: format!("BUG-{number}") };
        defect.defect.description = Some("x".repeat(350));
        content.push_str(&String::from_utf8(line::new_line(&defect).unwrap()).unwrap());
        content.push('\n');
    }
    content
}

fn timed(what: &str, times: u32, mut act: impl FnMut()) {
    let begun = Instant::now();
    (0..times).for_each(|_| act());
    println!("{what:>30}: {:?}", begun.elapsed() / times);
}

#[test]
#[ignore = "takes long and asserts nothing"]
fn figures() {
    for defects in [1_000, 10_000, 100_000] {
        let project = Project::new(&[("d.jsonl", &content(defects))]);
        println!("{defects} defects, {} bytes", fs::metadata(project.path("d.jsonl")).unwrap().len());
        timed("index", 1, || drop(project.store.read("P").unwrap()));
        timed("list", 5, || project.store.read("P").unwrap().for_each(|piece| drop(piece.unwrap())));
        timed("successes", 5, || {
            let mut pieces = project.store.read("P").unwrap();
            pieces.by_ref().for_each(drop);
            pieces.take_listed().ids().for_each(drop);
        });
        timed("extended", 200, || drop(project.store.find("P", "BUG-500").unwrap().unwrap()));
        let ids: Vec<String> = (1..=100).map(|number| format!("BUG-{number}")).collect();
        timed("batch of 100", 50, || project.store.read_ids("P", &ids).unwrap().0.for_each(drop));
        timed("first create", 1, || drop(project.create("new")));
        timed("create", 100, || drop(project.create("new")));
        timed("update in place", 100, || drop(project.store.update("P", "BUG-5", &defect("shorter")).unwrap()));
        let mut number = 100;
        timed("delete", 100, || {
            number += 1;
            assert!(project.store.delete("P", &format!("BUG-{number}")).unwrap().found);
        });
        timed("32 x 10 creates at a time", 1, || {
            std::thread::scope(|scope| {
                (0..32).for_each(|_| drop(scope.spawn(|| (0..10).for_each(|_| drop(project.create("at a time"))))));
            });
        });
        std::thread::sleep(std::time::Duration::from_millis(1_500));
        timed("tidy", 1, || assert!(project.store.folder("P").unwrap().tidy() || defects > 0));
    }
}
