//! A batch of operations: what they change is worked out, journaled with one sync, then done.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, RwLockWriteGuard};
use std::time::Instant;

use defect_plugin_api::model::{Defect, DefectWithId};

use super::super::error::StoreError;
use super::super::file::{DefectFile, is_servable};
use super::super::index::{Entry, Index, Key, Slot, key_of, number_of_key};
use super::super::journal::{Change, Record};
use super::super::read::new_text;
use super::{Committer, Folder, Job, Operation, Outcome, small};
use crate::line;

/// What came of a batch.
pub(super) enum Progress {
    /// Some operations are done and answered.
    Made,
    /// Another program came in between; nothing is done.
    FilesChanged(PathBuf),
}

/// An operation that is worked out.
struct Planned {
    job: Arc<Job>,
    outcome: Outcome,
    edits: Vec<Edit>,
}

/// What becomes of one line.
pub(super) struct Edit {
    /// Which of the folder's files.
    pub(super) file: usize,
    pub(super) what: What,
    changes: Vec<Change>,
}

pub(super) enum What {
    Append { key: Key, text: Vec<u8> },
    Rewrite { slot: Slot, text: Vec<u8>, in_place: bool },
    Remove { slot: Slot },
}

/// The end of a file, behind everything that the batch appends.
struct End {
    length: u64,
    is_open: bool,
}

/// The batch while it is worked out.
struct Plan<'a> {
    files: &'a [Arc<DefectFile>],
    ends: Vec<End>,
    largest_id: u64,
    touched: HashSet<Key>,
}

/// No more at once: what they change is in memory.
const MOST_OPERATIONS: usize = 256;
const MOST_BYTES: usize = 4 << 20;

impl Folder {
    /// Does as many of the operations as go together, from the front.
    pub(super) fn batch(
        &self,
        committer: &mut Committer,
        project: &str,
        jobs: &mut VecDeque<Arc<Job>>,
    ) -> Result<Progress, StoreError> {
        self.make_ready(committer, project)?;
        let files = self.known_files();
        let end = |file: &Arc<DefectFile>| {
            let index = file.index();
            End { length: index.length, is_open: index.open_end }
        };
        let ends = files.iter().map(end).collect();
        let mut plan = Plan { files: &files, ends, largest_id: committer.largest_id, touched: HashSet::new() };
        let (mut planned, mut records, mut bytes): (Vec<Planned>, Vec<Record>, usize) = Default::default();
        while let Some(job) = jobs.front().filter(|_| planned.len() < MOST_OPERATIONS && bytes < MOST_BYTES) {
            match plan.work_out(job) {
                Ok(Some((outcome, edits))) => {
                    let changes: Vec<_> = edits.iter().flat_map(|edit| edit.changes.iter().cloned()).collect();
                    bytes += changes.iter().map(|change| change.old.len() + change.new.len()).sum::<usize>();
                    if !changes.is_empty() {
                        records.push(Record { largest_id: plan.largest_id, changes });
                    }
                    planned.push(Planned { job: Arc::clone(job), outcome, edits });
                }
                // It concerns a defect that an operation before it concerns: the next batch's.
                Ok(None) => break,
                Err(StoreError::Changing(path)) => return Ok(Progress::FilesChanged(path)),
                Err(error) => job.answer(Err(error)),
            }
            jobs.pop_front();
        }
        let largest_id = plan.largest_id;
        if records.is_empty() {
            planned.into_iter().for_each(|done| done.job.answer(Ok(done.outcome)));
            return Ok(Progress::Made);
        }
        let outcome = self.journal(committer, &files, &records, &planned).and_then(|()| {
            committer.largest_id = largest_id;
            if let Some(changed) = files.iter().find(|file| !file.is_current(&*self.disk)) {
                // What was journaled is not to be done: the places are other ones now.
                self.checkpoint(committer, &files)?;
                return Ok(Some(changed.path.clone()));
            }
            Ok(None)
        });
        match outcome {
            Ok(None) => {}
            Ok(Some(changed)) => {
                planned.into_iter().rev().for_each(|undone| jobs.push_front(undone.job));
                return Ok(Progress::FilesChanged(changed));
            }
            Err(error) => {
                planned.into_iter().for_each(|failed| failed.job.answer(Err(error.again())));
                return Ok(Progress::Made);
            }
        }
        self.counts.add_batch(records.len());
        committer.last_write = Instant::now();
        self.apply(committer, &files, planned);
        Ok(Progress::Made)
    }

    /// Brings the records to stable storage. When that fails, they count no more.
    fn journal(
        &self,
        committer: &mut Committer,
        files: &[Arc<DefectFile>],
        records: &[Record],
        planned: &[Planned],
    ) -> Result<(), StoreError> {
        for edit in planned.iter().flat_map(|planned| &planned.edits) {
            // Before anything is promised: a file that is write-protected stays as it is.
            files[edit.file].settle(&*self.disk)?;
            files[edit.file].writer(&*self.disk)?;
        }
        let Some(journal) = &committer.journal else { return Err(StoreError::Abandoned) };
        let mut bytes = journal.encode(records);
        if !journal.has_room(bytes.len()) {
            self.checkpoint(committer, files)?;
            let Some(journal) = &committer.journal else { return Err(StoreError::Abandoned) };
            bytes = journal.encode(records);
        }
        let Some(journal) = &mut committer.journal else { return Err(StoreError::Abandoned) };
        let Err(error) = journal.append(&bytes, records.len()) else { return Ok(()) };
        let error = StoreError::disk("write", &journal.path, error);
        // What of it is in the journal is not to be done later: its caller is told that it failed.
        if self.empty_journal(committer, files).is_err() {
            self.distrust(committer);
        }
        Err(error)
    }

    /// Does what was journaled, and answers.
    fn apply(&self, committer: &mut Committer, files: &[Arc<DefectFile>], planned: Vec<Planned>) {
        let mut rewritten = Vec::new();
        let mut failure = None;
        for (number, file) in files.iter().enumerate() {
            let edits = || planned.iter().flat_map(|planned| &planned.edits).filter(move |edit| edit.file == number);
            let is_small = file.index().length <= self.limits.small_file;
            if is_small && edits().any(|edit| !matches!(edit.what, What::Append { .. })) {
                match small::rewrite(&*self.disk, file, edits()) {
                    Ok(()) => rewritten.push(number),
                    Err(error) => failure = Some(error),
                }
            }
        }
        let mut guards: Vec<Option<RwLockWriteGuard<'_, Index>>> = files.iter().map(|_| None).collect();
        let mut answers = Vec::new();
        for planned in planned {
            if failure.is_none() {
                failure = self.apply_one(files, &mut guards, &rewritten, &planned.edits).err();
            }
            answers.push(match &failure {
                None => (planned.job, Ok(planned.outcome)),
                Some(error) => (planned.job, Err(error.again())),
            });
        }
        let mut left = true;
        for (file, guard) in files.iter().zip(&mut guards) {
            if let Some(index) = guard {
                left &= file.writer(&*self.disk).is_ok_and(|writer| file.leave(index, writer).is_ok());
            }
        }
        drop(guards);
        if !left {
            // The next request finds the files changed, and reads them again.
            tracing::warn!("`{}`: what was written cannot be looked at", self.path.display());
        }
        if !rewritten.is_empty() {
            self.reopen(committer, files, &rewritten);
        }
        if failure.is_some() {
            // What could not be done is not to be done later: its caller is told that it failed. When
            // this fails too, the next request begins as after a crash.
            if self.checkpoint(committer, files).is_err() {
                self.distrust(committer);
            }
        }
        answers.into_iter().for_each(|(job, answer)| job.answer(answer));
    }

    /// Does one operation, or undoes it.
    fn apply_one<'a>(
        &self,
        files: &'a [Arc<DefectFile>],
        guards: &mut [Option<RwLockWriteGuard<'a, Index>>],
        rewritten: &[usize],
        edits: &[Edit],
    ) -> Result<(), StoreError> {
        let in_place = || edits.iter().filter(|edit| !rewritten.contains(&edit.file));
        let mut begun: Vec<(usize, &Change)> = Vec::new();
        for edit in in_place() {
            let file = &files[edit.file];
            guards[edit.file].get_or_insert_with(|| file.index_mut());
            let writer = file.writer(&*self.disk)?;
            file.set_unsynced();
            for change in &edit.changes {
                begun.push((edit.file, change));
                if let Err(error) = writer.write_at(&change.new, change.offset) {
                    self.undo(files, &begun);
                    return Err(file.failed("write")(error));
                }
            }
        }
        for edit in in_place() {
            if let Some(index) = &mut guards[edit.file] {
                edit.note(index);
            }
        }
        Ok(())
    }

    fn undo(&self, files: &[Arc<DefectFile>], begun: &[(usize, &Change)]) {
        for (file, change) in begun.iter().rev() {
            let file = &files[*file];
            let undone = file.writer(&*self.disk).and_then(|writer| {
                let undone = if change.is_append() {
                    writer.set_length(change.offset)
                } else {
                    writer.write_at(&change.old, change.offset)
                };
                undone.map_err(file.failed("write"))
            });
            if let Err(error) = undone {
                tracing::error!("a write that failed cannot be undone: {error}");
            }
        }
    }

    /// Opens the files anew that were replaced by their successors.
    pub(super) fn reopen(&self, committer: &mut Committer, files: &[Arc<DefectFile>], replaced: &[usize]) {
        let mut files = files.to_vec();
        for number in replaced {
            match DefectFile::open(&*self.disk, &self.path, files[*number].name.clone()) {
                Ok(file) => {
                    let earlier = &files[..*number];
                    file.index_mut().mark_repeated(|key| earlier.iter().any(|file| file.index().has(key)));
                    files[*number] = Arc::new(file);
                }
                Err(error) => {
                    tracing::warn!("{error}");
                    return self.distrust(committer);
                }
            }
        }
        self.set_files(files);
    }
}

impl Plan<'_> {
    /// What an operation changes; `None` when it has to wait for one before it.
    fn work_out(&mut self, job: &Job) -> Result<Option<(Outcome, Vec<Edit>)>, StoreError> {
        let (id, defect) = match &job.operation {
            Operation::Create(defect) => return self.create(&job.project, defect).map(Some),
            Operation::Update(id, defect) => (id, Some(defect)),
            Operation::Delete(id) => (id, None),
        };
        let key = key_of(id);
        if self.touched.contains(&key) {
            return Ok(None);
        }
        let mut edits = Vec::new();
        for (number, file) in self.files.iter().enumerate() {
            let index = file.index();
            for slot in file.find(&index, id)? {
                let Some(entry) = index.get(slot) else { continue };
                edits.push(match defect {
                    Some(defect) => self.update(number, slot, entry, id, defect)?,
                    None => self.remove(number, slot, entry)?,
                });
            }
        }
        self.touched.insert(key);
        Ok(Some((Outcome::Changed(!edits.is_empty()), edits)))
    }

    fn create(&mut self, project: &str, defect: &Defect) -> Result<(Outcome, Vec<Edit>), StoreError> {
        let no_more_ids = || StoreError::NoMoreIds { project: project.to_owned() };
        let number = self.largest_id.checked_add(1).ok_or_else(no_more_ids)?;
        let id = format!("{}{number}", line::ID_PREFIX);
        let key = key_of(&id);
        let text = new_text(&DefectWithId { defect: defect.clone(), id: id.clone() })?;
        let change = self.append(0, &text);
        self.largest_id = number;
        self.touched.insert(key);
        let edit = Edit { file: 0, what: What::Append { key, text }, changes: vec![change] };
        Ok((Outcome::Created(id, self.files[0].display_name()), vec![edit]))
    }

    fn update(
        &mut self,
        file: usize,
        slot: Slot,
        entry: &Entry,
        id: &str,
        defect: &Defect,
    ) -> Result<Edit, StoreError> {
        let holder = &self.files[file];
        let old = holder.read(entry, true)?;
        let defect = DefectWithId { defect: defect.clone(), id: id.to_owned() };
        let text = line::updated_line(&old, &defect).map_err(|_| StoreError::Changing(holder.path.clone()))?;
        let room = old.len();
        let in_place = text.len() <= room;
        let mut changes = Vec::new();
        let mut new = if in_place { text.clone() } else { Vec::new() };
        if !in_place {
            changes.push(self.append(file, &text));
        }
        line::pad(&mut new, room);
        changes.push(self.change(file, entry.offset(), old, new));
        Ok(Edit { file, what: What::Rewrite { slot, text, in_place }, changes })
    }

    fn remove(&mut self, file: usize, slot: Slot, entry: &Entry) -> Result<Edit, StoreError> {
        let old = self.files[file].read(entry, true)?;
        let mut new = Vec::new();
        line::pad(&mut new, old.len());
        let change = self.change(file, entry.offset(), old, new);
        Ok(Edit { file, what: What::Remove { slot }, changes: vec![change] })
    }

    fn append(&mut self, file: usize, text: &[u8]) -> Change {
        let end = &mut self.ends[file];
        let (offset, separator): (_, &[u8]) = (end.length, if end.is_open { b"\n" } else { b"" });
        let new = [separator, text, b"\n"].concat();
        *end = End { length: offset + new.len() as u64, is_open: false };
        self.change(file, offset, Vec::new(), new)
    }

    fn change(&self, file: usize, offset: u64, old: Vec<u8>, new: Vec<u8>) -> Change {
        let file = &self.files[file];
        let identity = file.index().stamp.identity;
        Change { file: file.name.clone(), identity, offset, old, new }
    }
}

impl Edit {
    /// Brings the index up to what was written.
    fn note(&self, index: &mut Index) {
        match &self.what {
            What::Append { key, text } => {
                let entry = self.appended(index, *key, text);
                index.push(entry);
            }
            What::Rewrite { slot, text, in_place: true } => {
                index.rewritten(*slot, u32::try_from(text.len()).unwrap_or(u32::MAX), is_servable(text));
            }
            What::Rewrite { slot, text, in_place: false } => {
                let Some(key) = index.get(*slot).map(|entry| entry.key) else { return };
                let entry = self.appended(index, key, text);
                index.gone(*slot, Some(index.len()));
                index.push(entry);
            }
            What::Remove { slot } => index.gone(*slot, None),
        }
    }

    /// The entry of the text that the first change appended.
    fn appended(&self, index: &mut Index, key: Key, text: &[u8]) -> Entry {
        let end = self.changes.first().map_or(0, |change| change.offset + change.new.len() as u64);
        (index.length, index.open_end) = (end, false);
        index.largest_id = index.largest_id.max(number_of_key(key).unwrap_or(0));
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        Entry::new(key, end - 1 - text.len() as u64, length, length, 1, is_servable(text))
    }
}
