//! What other programs, a crash or an operator did to the folder is noticed here.

use std::ffi::OsString;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::disk::{Mode, read_up_to};
use super::super::error::StoreError;
use super::super::file::DefectFile;
use super::super::ids::HandedOut;
use super::super::journal::{self, Journal};
use super::super::{recover, replace};
use super::{Committer, Folder};
use crate::project;

impl Folder {
    /// The files as they are at this moment, indexed.
    pub(in crate::store) fn current(&self, project: &str) -> Result<Vec<Arc<DefectFile>>, StoreError> {
        let names = self.names(project)?;
        if self.ready.load(Ordering::Acquire) {
            let files = self.known_files();
            if files.len() == names.len()
                && files.iter().zip(&names).all(|(file, name)| file.name == *name && file.is_current(&*self.disk))
            {
                return Ok(files);
            }
        }
        let mut committer = self.committer();
        self.refresh(&mut committer, project)?;
        Ok(self.known_files())
    }

    /// The names of the `.jsonl` files, sorted, at least one.
    fn names(&self, project: &str) -> Result<Vec<OsString>, StoreError> {
        let failed = |error| StoreError::disk("read", &self.path, error);
        let mut names = Vec::new();
        for name in self.disk.names(&self.path).map_err(failed)? {
            if project::is_defects_file(&name) && self.disk.is_file(&self.path.join(&name)).map_err(failed)? {
                names.push(name);
            }
        }
        if names.is_empty() {
            return Err(StoreError::NoFile { project: project.to_owned(), folder: self.path.clone() });
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Brings in what a crash left, then indexes the files that are not as they were left.
    pub(super) fn refresh(&self, committer: &mut Committer, project: &str) -> Result<(), StoreError> {
        let names = self.names(project)?;
        if committer.journal.is_none() && self.lock.is_held() && self.has_journal()? {
            match self.recover(committer, &names) {
                // Nobody reads what lacks an acknowledged change. But while this process runs, the files
                // have all of them: then only who writes has to wait for the disk.
                Err(error) if committer.was_ready || !self.has_records() => tracing::warn!("{error}"),
                outcome => outcome?,
            }
        }
        let known = self.known_files();
        let is_same = |file: &Arc<DefectFile>, name: &OsString| file.name == *name && file.is_current(&*self.disk);
        let same = |name: &OsString| known.iter().find(|file| is_same(file, name)).cloned();
        let kept: Vec<_> = names.iter().map(same).collect();
        if kept.len() != known.len() || kept.iter().any(Option::is_none) {
            // What the journal says of the others' bytes is over: theirs are not to be overwritten.
            self.checkpoint(committer, &known)?;
            let opened = names.into_iter().zip(kept).map(|(name, kept)| match kept {
                Some(kept) => Ok(kept),
                None => {
                    if known.iter().any(|file| file.name == name) {
                        tracing::debug!("`{}` was changed by another program", self.path.join(&name).display());
                    }
                    DefectFile::open(&*self.disk, &self.path, name).map(Arc::new)
                }
            });
            let files = opened.collect::<Result<Vec<_>, StoreError>>()?;
            for (number, file) in files.iter().enumerate().skip(1) {
                let earlier = &files[..number];
                file.index_mut().mark_repeated(|key| earlier.iter().any(|file| file.index().has(key)));
            }
            let in_files = files.iter().map(|file| file.index().largest_id).max().unwrap_or(0);
            committer.largest_id = committer.largest_id.max(in_files);
            self.set_files(files);
            if in_files < committer.largest_id {
                self.keep_largest_id(committer);
            }
        }
        // Without the lock another host may have a journal, and looks after it.
        self.ready
            .store(committer.journal.is_some() || !self.lock.is_held() || !self.has_journal()?, Ordering::Release);
        Ok(())
    }

    fn has_journal(&self) -> Result<bool, StoreError> {
        let path = self.path.join(journal::FILE);
        self.disk.is_file(&path).map_err(|error| StoreError::disk("read", &path, error))
    }

    /// Whether the journal holds something that the files may lack; also when it cannot be read.
    fn has_records(&self) -> bool {
        let journal = self.disk.open(&self.path.join(journal::FILE), Mode::Read);
        let read = journal.and_then(|file| {
            let length = usize::try_from(file.stamp()?.length).unwrap_or(usize::MAX);
            read_up_to(&*file, 0, length)
        });
        read.map_or(true, |bytes| !journal::decode(&bytes).records.is_empty())
    }

    /// Brings what the journal holds into the files.
    fn recover(&self, committer: &mut Committer, names: &[OsString]) -> Result<(), StoreError> {
        let path = self.path.join(journal::FILE);
        let failed = |error| StoreError::disk("write", &path, error);
        let model = self.path.join(&names[0]);
        let (mut journal, records) =
            Journal::open(&*self.disk, &self.path, &model, self.limits.journal).map_err(failed)?;
        if !records.is_empty() {
            tracing::info!(records = records.len(), "bringing `{}` into the defects", path.display());
            recover::replay(&*self.disk, &self.path, &records)?;
            let largest = records.iter().map(|record| record.largest_id).max().unwrap_or(0);
            committer.largest_id = committer.largest_id.max(largest);
            self.read_note(committer, names)?;
            self.write_note(committer, names)?;
            journal.reset().map_err(failed)?;
            // What was indexed before is not what the files hold now.
            self.set_files(Vec::new());
        }
        (committer.journal, committer.was_ready) = (Some(journal), true);
        Ok(())
    }

    /// After this the project can be written to.
    pub(super) fn make_ready(&self, committer: &mut Committer, project: &str) -> Result<(), StoreError> {
        self.lock.ensure()?;
        if committer.journal.as_ref().is_some_and(|journal| !journal.is_in_place(&*self.disk)) {
            // Somebody removed it or put another one there: what it said is to be in the files first.
            self.known_files().iter().try_for_each(|file| file.sync())?;
            committer.journal = None;
            self.ready.store(false, Ordering::Release);
        }
        self.refresh(committer, project)?;
        let names: Vec<OsString> = self.known_files().iter().map(|file| file.name.clone()).collect();
        self.read_note(committer, &names)?;
        if committer.journal.is_none() {
            for name in &names {
                replace::remove_leftovers(&*self.disk, &self.path.join(name));
            }
            if committer.note.is_none() {
                self.write_note(committer, &names)?;
            }
            self.recover(committer, &names)?;
            self.refresh(committer, project)?;
        }
        Ok(())
    }

    /// Another program removed the defect with the largest id: only this process still knows of it. Who reads gets
    /// an answer also when it cannot be noted now; the next write notes it.
    fn keep_largest_id(&self, committer: &mut Committer) {
        let names: Vec<OsString> = self.known_files().iter().map(|file| file.name.clone()).collect();
        if names.is_empty() || !self.lock.is_held() {
            return;
        }
        let noted = self.read_note(committer, &names).and_then(|()| self.write_note(committer, &names));
        if let Err(error) = noted {
            tracing::warn!("the largest id was not noted: {error}");
        }
    }

    /// Reads the note of ids when it is not the one that was read or written last.
    fn read_note(&self, committer: &mut Committer, names: &[OsString]) -> Result<(), StoreError> {
        let defects = self.path.join(&names[0]);
        let note = HandedOut::beside(&defects);
        let stamp = note.stamp(&*self.disk)?;
        if committer.note != stamp || stamp.is_none() {
            committer.noted_id = note.read(&*self.disk)?;
            if stamp.is_some() {
                // Whoever wrote it: the power may still take it away.
                note.settle(&*self.disk)?;
            }
            committer.note = stamp;
            committer.largest_id = committer.largest_id.max(committer.noted_id);
        }
        Ok(())
    }

    fn write_note(&self, committer: &mut Committer, names: &[OsString]) -> Result<(), StoreError> {
        if committer.note.is_none() || committer.noted_id < committer.largest_id {
            let defects = self.path.join(&names[0]);
            let note = HandedOut::beside(&defects);
            note.write(&*self.disk, committer.largest_id)?;
            committer.noted_id = committer.largest_id;
            committer.note = note.stamp(&*self.disk)?;
        }
        Ok(())
    }

    /// Brings everything that the journal holds to stable storage where it belongs, and empties it.
    pub(super) fn checkpoint(&self, committer: &mut Committer, files: &[Arc<DefectFile>]) -> Result<(), StoreError> {
        if committer.journal.as_ref().is_none_or(Journal::is_empty) {
            return Ok(());
        }
        let outcome = self.empty_journal(committer, files);
        if outcome.is_err() {
            // A sync that failed says nothing of what is on the disk: only the journal still knows.
            self.distrust(committer);
        }
        outcome
    }

    pub(super) fn empty_journal(&self, committer: &mut Committer, files: &[Arc<DefectFile>]) -> Result<(), StoreError> {
        files.iter().try_for_each(|file| file.sync())?;
        if let Some(first) = files.first() {
            self.write_note(committer, std::slice::from_ref(&first.name))?;
        }
        let Some(journal) = &mut committer.journal else { return Ok(()) };
        let failed = |path: &std::path::Path| {
            let path = path.to_owned();
            move |error| StoreError::disk("write", &path, error)
        };
        journal.reset().map_err(failed(&journal.path))?;
        if journal.capacity() > self.limits.journal {
            journal.set_capacity(self.limits.journal).map_err(failed(&journal.path))?;
        }
        Ok(())
    }

    /// The next request begins as after a crash.
    pub(super) fn distrust(&self, committer: &mut Committer) {
        committer.journal = None;
        committer.note = None;
        self.ready.store(false, Ordering::Release);
        self.set_files(Vec::new());
    }
}
