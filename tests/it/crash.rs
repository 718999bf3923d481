//! The real process, killed at any moment under eight writers: what was answered is there.
//!
//! Three rounds here; `cargo xtask crash` runs two hundred.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use defect_host_tests::{Client, HostFolder, defect_request};
use serde_json::{Value, json};

const WRITERS: usize = 8;
/// Beyond the size at which the store rewrites a file instead of journaling.
const FIRST_DEFECTS: usize = 200;

/// What one writer was promised.
#[derive(Default)]
struct Writer {
    /// Title by id, of its own defects.
    expected: BTreeMap<String, String>,
    /// What it asked for when the process died: that may have happened or not.
    open: Option<Open>,
}

enum Open {
    Create(String),
    Update(String, String),
    Delete(String),
}

fn body(title: &str) -> Value {
    let mut body = defect_request();
    body["defect"]["title"] = json!(title);
    body
}

impl Writer {
    /// One change, chosen by the numbers of the writer and of the change. False when the host is gone.
    fn change(&mut self, client: &Client, writer: usize, number: usize) -> bool {
        let title = format!("{} {writer}-{number}", "long ".repeat(number % 40));
        let own = self.expected.keys().nth(number % self.expected.len().max(1)).cloned();
        let (open, method, path) = match (number % 3, own) {
            (1, Some(id)) => {
                (Open::Update(id.clone(), title.clone()), "PUT", format!("/projects/P/defects/{id}/update"))
            }
            (2, Some(id)) if number.is_multiple_of(2) => {
                (Open::Delete(id.clone()), "POST", format!("/projects/P/defects/{id}/delete"))
            }
            _ => (Open::Create(title.clone()), "POST", "/projects/P/defects/create".to_owned()),
        };
        self.open = Some(open);
        let Ok(answer) = client.try_send(method, &path, &[], body(&title).to_string().as_bytes()) else { return false };
        assert_eq!(answer.status, 200, "{}", answer.text());
        match self.open.take() {
            Some(Open::Create(title)) => {
                let id = answer.json()["value"].as_str().unwrap().to_owned();
                assert!(self.expected.insert(id, title).is_none(), "an id is handed out once");
            }
            Some(Open::Update(id, title)) => {
                assert!(answer.json()["successes"]["P"].is_array(), "{}", answer.text());
                self.expected.insert(id, title);
            }
            Some(Open::Delete(id)) => {
                assert!(answer.json()["successes"]["P"].is_array(), "{}", answer.text());
                self.expected.remove(&id);
            }
            None => {}
        }
        true
    }

    /// Holds what it was promised against what is there, and takes over what its open change became.
    fn check(&mut self, found: &mut BTreeMap<String, String>) {
        match self.open.take() {
            Some(Open::Update(id, title)) if found.get(&id) == Some(&title) => {
                self.expected.insert(id, title);
            }
            Some(Open::Delete(id)) if !found.contains_key(&id) => {
                self.expected.remove(&id);
            }
            Some(Open::Create(title)) => {
                let created = found.iter().find(|(id, found)| **found == title && !self.expected.contains_key(*id));
                if let Some((id, _)) = created.map(|(id, title)| (id.clone(), title.clone())) {
                    self.expected.insert(id, title);
                }
            }
            _ => {}
        }
        for (id, title) in &self.expected {
            assert_eq!(found.remove(id).as_ref(), Some(title), "{id} is as it was answered");
        }
    }
}

/// Changes defects until the process is killed, after so many answers of all writers together.
fn write_until_killed(client: &Client, writers: &mut [Writer], round: usize, answers: usize, kill: impl FnOnce()) {
    let answered = AtomicUsize::new(0);
    let (enough, wait) = mpsc::channel();
    std::thread::scope(|scope| {
        for (index, writer) in writers.iter_mut().enumerate() {
            let (answered, enough) = (&answered, enough.clone());
            scope.spawn(move || {
                let mut number = round * 10_000;
                while writer.change(client, index, number) {
                    number += 1;
                    if answered.fetch_add(1, Ordering::Relaxed) + 1 == answers {
                        let _ = enough.send(());
                    }
                }
            });
        }
        wait.recv().unwrap();
        kill();
    });
}

fn listed(client: &Client) -> BTreeMap<String, String> {
    let answer = client.post("/projects/P/defects", &json!({}));
    let answer = answer.json();
    assert_eq!(answer["protocol"]["generalWarnings"], json!([]), "no line is broken");
    let defects = answer["value"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found: BTreeMap<_, _> = defects.iter().map(|defect| (text(&defect["id"]), text(&defect["title"]))).collect();
    assert_eq!(found.len(), defects.len(), "every id is there once");
    found
}

#[test]
fn what_was_answered_survives_sigkill_under_eight_writers() {
    let rounds = std::env::var("DEFECT_HOST_CRASH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let folder = HostFolder::new("client_class = \"JsonlDefectClient\"", "defects_path = \"data\"");
    let mut line = defect_request()["defect"].clone();
    line["principal"]["password"] = json!("");
    let first = (1..=FIRST_DEFECTS).map(|number| {
        (line["id"], line["title"]) = (json!(format!("BUG-{number}")), json!(format!("old {number}")));
        format!("{line}\n")
    });
    folder.write("data/P/defects.jsonl", first.collect::<String>());
    let old: BTreeMap<_, _> = (1..=FIRST_DEFECTS).map(|n| (format!("BUG-{n}"), format!("old {n}"))).collect();
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    let mut ever: BTreeSet<String> = old.keys().cloned().collect();
    let mut host = folder.start();
    for round in 0..rounds {
        let known: BTreeSet<String> = writers.iter().flat_map(|writer| writer.expected.keys().cloned()).collect();
        // Different moments, the same in every run.
        let answers = 20 + round * 37 % 200;
        let client = host.client().clone();
        write_until_killed(&client, &mut writers, round, answers, || host.signal("KILL"));
        host = host.into_folder().start();
        let mut found = listed(host.client());
        for (id, title) in &old {
            assert_eq!(found.remove(id).as_ref(), Some(title), "nothing older is gone");
        }
        writers.iter_mut().for_each(|writer| writer.check(&mut found));
        assert!(found.is_empty(), "nothing is there that nobody wrote: {found:?}");
        for id in writers.iter().flat_map(|writer| writer.expected.keys()).filter(|id| !known.contains(*id)) {
            assert!(ever.insert(id.clone()), "{id} is handed out once, also after a restart");
        }
        let lines = host.folder().read("data/P/defects.jsonl");
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "a whole line: {line}");
        }
    }
}
