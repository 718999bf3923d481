//! A project on a simulated disk, and what is known of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::folder::{Folder, Limits, Operation, Outcome};
use super::super::lock::HostLock;
use super::super::read::Pieces;
use super::simulated::{Loss, Simulated};
use super::{defect, defects_of};
use crate::line::{self, Line};

pub(super) const FILE: &str = "/p/d.jsonl";

/// A file of its lines stays small, is rewritten whole.
pub(super) const REWRITTEN: Limits = Limits { journal: 3_000, small_file: 1 << 20, idle: Duration::ZERO };
/// It is changed in place.
pub(super) const IN_PLACE: Limits = Limits { journal: 3_000, small_file: 0, idle: Duration::ZERO };

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Create(String),
    Update(String, String),
    Delete(String),
    Tidy,
    Restart,
}

/// What may stand in the files.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    /// The titles that a defect may have; `None`: it may be missing.
    pub(super) titles: BTreeMap<String, Vec<Option<String>>>,
    /// Ids that we made.
    pub(super) handed_out: BTreeSet<String>,
    /// Titles of defects that were not acknowledged.
    pub(super) uncertain: BTreeSet<String>,
    /// Lines that are none of ours, in their order.
    pub(super) foreign: Vec<String>,
    /// Lines of defects that nobody touched.
    pub(super) untouched: BTreeMap<String, Vec<u8>>,
}

pub(super) struct World {
    pub(super) disk: Simulated,
    pub(super) folder: Folder,
    pub(super) limits: Limits,
    pub(super) model: Model,
}

fn folder(disk: &Simulated, limits: Limits) -> Folder {
    let lock = Arc::new(HostLock::alone(Path::new("/")));
    Folder::new("/p".into(), Arc::new(disk.clone()), lock, limits, Arc::default())
}

impl Model {
    /// What another program has left.
    pub(super) fn of(content: &[u8]) -> Self {
        let mut model = Self::default();
        for whole in content.split_inclusive(|byte| *byte == b'\n') {
            let text = whole.strip_suffix(b"\n").unwrap_or(whole);
            let blank = text.strip_suffix(b"\r").unwrap_or(text);
            if line::padding(blank) == blank.len() && !blank.is_empty() {
                continue;
            }
            match Line::parse(text) {
                Line::Defect(defect) => {
                    model.titles.insert(defect.id.clone(), vec![defect.defect.title.clone()]);
                    model.untouched.insert(defect.id, text[..text.len() - line::padding(text)].to_vec());
                }
                _ => model.foreign.push(String::from_utf8_lossy(text).into_owned()),
            }
        }
        model
    }

    fn changed(&mut self, id: &str, title: Option<String>, acknowledged: bool) {
        self.untouched.remove(id);
        let titles = self.titles.entry(id.to_owned()).or_insert_with(|| vec![None]);
        if acknowledged {
            titles.clear();
        }
        titles.push(title);
    }
}

impl World {
    pub(super) fn new(content: &[u8], limits: Limits) -> Self {
        let disk = Simulated::default();
        disk.put(FILE, content);
        Self { folder: folder(&disk, limits), disk, limits, model: Model::of(content) }
    }

    /// Does it; whether it was acknowledged.
    pub(super) fn step(&mut self, step: &Step) -> bool {
        let (operation, id, title) = match step {
            Step::Create(title) => (Operation::Create(defect(title)), None, Some(title)),
            Step::Update(id, title) => (Operation::Update(id.clone(), defect(title)), Some(id), Some(title)),
            Step::Delete(id) => (Operation::Delete(id.clone()), Some(id), None),
            Step::Tidy => {
                std::thread::sleep(Duration::from_micros(200));
                self.folder.tidy();
                return true;
            }
            Step::Restart => {
                self.folder = folder(&self.disk, self.limits);
                return true;
            }
        };
        let there = id.is_some_and(|id| self.model.titles.get(id).is_some_and(|titles| *titles != [None]));
        match (self.folder.write("P", operation), id) {
            (Ok(Outcome::Created(id, file)), None) => {
                assert_eq!(file, "d.jsonl");
                let before = self.model.titles.insert(id.clone(), vec![title.cloned()]);
                assert_eq!(before, None, "`{id}` was handed out before");
                assert!(self.model.handed_out.insert(id), "handed out twice");
                true
            }
            (Ok(Outcome::Changed(found)), Some(id)) => {
                assert!(found || !there || self.model.titles[id].contains(&None), "{step:?} found nothing");
                if found {
                    self.model.changed(id, title.cloned(), true);
                }
                true
            }
            (Err(_), Some(id)) => {
                if there {
                    self.model.changed(id, title.cloned(), false);
                }
                false
            }
            (Err(_), None) => {
                self.model.uncertain.extend(title.cloned());
                false
            }
            other => panic!("{other:?}"),
        }
    }

    /// The world after the end of the process or of the power.
    pub(super) fn crash(&self, loss: Loss) -> Self {
        let disk = self.disk.after_crash(loss);
        Self { folder: folder(&disk, self.limits), disk, limits: self.limits, model: self.model.clone() }
    }

    /// Reads everything and compares it with what is known.
    pub(super) fn check(&mut self, context: &str) {
        let files = self.folder.current("P").unwrap_or_else(|error| panic!("{context}: {error}"));
        let mut listed = BTreeMap::new();
        let mut pieces = Pieces::all(files);
        for piece in pieces.by_ref() {
            for defect in defects_of(&piece.unwrap()) {
                let before = listed.insert(defect.id.clone(), defect.defect.title);
                assert_eq!(before, None, "{context}: `{}` is there twice", defect.id);
            }
        }
        let (mut ids, mut rest) = (BTreeSet::new(), pieces.take_listed().into_ids());
        // Ends, and fails below, at an id that is there twice.
        while rest.visit_some(|id| ids.insert(id.to_owned())) {}
        assert_eq!(ids, listed.keys().cloned().collect(), "{context}");
        for (id, titles) in &self.model.titles {
            let found = listed.get(id).cloned().unwrap_or_default();
            assert!(titles.contains(&found), "{context}: `{id}` is {found:?}, not one of {titles:?}");
        }
        for (id, title) in listed {
            // What is there now stays there.
            let known = self.model.titles.insert(id.clone(), vec![title.clone()]);
            let title = title.unwrap();
            assert!(known.is_some() || self.model.uncertain.remove(&title), "{context}: where is {id} {title} from?");
        }
        self.check_lines(context);
    }

    fn check_lines(&self, context: &str) {
        let content = self.disk.content(FILE);
        let found = Model::of(&content);
        let shown = || String::from_utf8_lossy(&content).into_owned();
        assert_eq!(found.foreign, self.model.foreign, "{context}: {}", shown());
        for (id, line) in &self.model.untouched {
            assert_eq!(found.untouched.get(id), Some(line), "{context}: {}", shown());
        }
        let ids: Vec<_> = self.model.titles.iter().filter(|(_, titles)| **titles != [None]).collect();
        assert!(found.titles.len() <= ids.len(), "{context}: {}", shown());
        for name in self.disk.names() {
            let own = ["d.jsonl", ".defect-host-ids", ".defect-host-journal"];
            assert!(name.ends_with(".tmp") || own.iter().any(|own| name == format!("/p/{own}")), "{name}");
        }
    }
}
