//! In the background: the journal is emptied, and files get rid of blank lines and padding.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::disk::{Handle, read_up_to};
use super::super::error::StoreError;
use super::super::file::{DefectFile, scan};
use super::super::index::{Entry, Index, Key, Slot};
use super::super::journal::Journal;
use super::super::replace::Temporary;
use super::{Committer, Folder};
use crate::line;

/// Bytes that are copied at once; meanwhile nobody changes them.
const PIECE: usize = 256 * 1024;
/// A file is tidied up at once when this share of it is untidy, else when nobody writes.
const UNTIDY_SHARE: u64 = 8;
/// After a fault nothing is tried for so long.
const AFTER_A_FAULT: Duration = Duration::from_secs(30);

impl Folder {
    /// Does what is due. Whether there will be more to do without any further write.
    pub(in crate::store) fn tidy(&self) -> bool {
        let (file, known) = {
            let mut committer = self.committer();
            let is_ours = |journal: &Journal| journal.is_in_place(&*self.disk);
            if !self.lock.is_held() || !committer.journal.as_ref().is_some_and(is_ours) {
                return false;
            }
            let files = self.known_files();
            let is_idle = committer.last_write.elapsed() >= self.limits.idle;
            let is_due = is_idle && files.iter().all(|file| file.is_current(&*self.disk));
            let outcome = if is_due { self.checkpoint(&mut committer, &files) } else { Ok(()) };
            if let Err(error) = outcome {
                tracing::warn!("{error}");
                return true;
            }
            let untidy = |file: &Arc<DefectFile>| {
                let index = file.index();
                index.wasted > 0 && (is_idle || index.wasted > index.length / UNTIDY_SHARE)
            };
            let wait = committer.tidy_again > Instant::now();
            let Some(file) = files.iter().find(|file| !wait && untidy(file)) else {
                let is_empty = committer.journal.as_ref().is_none_or(Journal::is_empty);
                return !is_empty || files.iter().any(|file| file.index().wasted > 0);
            };
            if !file.is_current(&*self.disk) {
                return false;
            }
            let mut index = file.index_mut();
            index.changed = Some(Vec::new());
            (Arc::clone(file), (index.len(), index.length))
        };
        let begun = Instant::now();
        let outcome = self.compact(&file, known);
        let wait = match outcome {
            Ok(()) => {
                tracing::debug!("tidied up `{}`", file.path.display());
                begun.elapsed() * 20
            }
            Err(error) => {
                tracing::warn!("`{}` cannot be tidied up now: {error}", file.path.display());
                AFTER_A_FAULT
            }
        };
        // Only who holds this changes an index: all others may read one twice at a time.
        let mut committer = self.committer();
        file.index_mut().changed = None;
        committer.tidy_again = Instant::now() + wait;
        true
    }

    /// Puts a tidy copy in a file's place. Writers wait for the end of it only.
    fn compact(&self, file: &Arc<DefectFile>, (known, length): (Slot, u64)) -> Result<(), StoreError> {
        let failed = file.failed("write");
        let path = self.disk.canonicalize(&file.path).map_err(&failed)?;
        let temporary = Temporary::create(&*self.disk, &path)?;
        copy(file, length, &temporary.file)?;
        temporary.file.sync().map_err(&failed)?;
        let mut index = scan(&temporary.file).map_err(&failed)?;

        let mut committer = self.committer();
        let files = self.known_files();
        let number = files.iter().position(|known| Arc::ptr_eq(known, file));
        let Some(number) = number.filter(|_| file.is_current(&*self.disk)) else {
            return Err(StoreError::Changing(file.path.clone()));
        };
        catch_up(file, known, &temporary.file, &mut index)?;
        file.writer(&*self.disk)?;
        let handle = Arc::clone(&temporary.file);
        temporary.put_in_place(&path)?;
        index.stamp = handle.stamp().map_err(&failed)?;
        let earlier = &files[..number];
        index.mark_repeated(|key| earlier.iter().any(|file| file.index().has(key)));
        let tidy = DefectFile::replaced(file, handle, index);
        self.put(&mut committer, &files, number, tidy)
    }

    fn put(
        &self,
        committer: &mut Committer,
        files: &[Arc<DefectFile>],
        number: usize,
        tidy: DefectFile,
    ) -> Result<(), StoreError> {
        let mut files = files.to_vec();
        files[number] = Arc::new(tidy);
        self.set_files(files.clone());
        // Before the next of these: its file could have the number of the one that is gone now.
        self.checkpoint(committer, &files)
    }
}

/// Copies the lines, without those and the padding that we left.
fn copy(file: &DefectFile, length: u64, to: &Handle) -> Result<(), StoreError> {
    let (mut from, mut written, mut size) = (0, 0, PIECE);
    while from < length {
        let left = usize::try_from(length - from).unwrap_or(usize::MAX).min(size);
        let bytes = {
            // No line changes while it is read; it is read in one piece.
            let _unchanging = file.index();
            read_up_to(&**file.handle(), from, left).map_err(file.failed("read"))?
        };
        if bytes.is_empty() {
            return Err(StoreError::Changing(file.path.clone()));
        }
        let is_last = from + bytes.len() as u64 == length;
        let Some(end) = memchr::memrchr(b'\n', &bytes).map(|at| at + 1).or(is_last.then_some(bytes.len())) else {
            size *= 2;
            continue;
        };
        let end = if is_last { bytes.len() } else { end };
        let mut tidy = Vec::with_capacity(end);
        for text in bytes[..end].split_inclusive(|byte| *byte == b'\n') {
            keep_tidy(&mut tidy, text);
        }
        to.write_at(&tidy, written).map_err(file.failed("write"))?;
        written += tidy.len() as u64;
        from += end as u64;
        size = PIECE;
    }
    Ok(())
}

/// Adds a line unless it is one that we blanked, without the padding that we put behind it.
pub(super) fn keep_tidy(out: &mut Vec<u8>, whole: &[u8]) {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let text = whole.strip_suffix(b"\n").unwrap_or(whole);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let (mark, inner) = text.strip_prefix(BYTE_ORDER_MARK).map_or((&b""[..], text), |rest| (BYTE_ORDER_MARK, rest));
    let untidy = line::padding(inner);
    if untidy > 0 && untidy == inner.len() {
        // The mark stays with the file.
        out.extend_from_slice(mark);
        return;
    }
    out.extend_from_slice(&text[..text.len() - untidy]);
    out.extend_from_slice(&whole[text.len()..]);
}

/// Brings into the copy what changed since it was begun.
fn catch_up(file: &DefectFile, known: Slot, to: &Handle, index: &mut Index) -> Result<(), StoreError> {
    let failed = file.failed("write");
    let current = file.index();
    let later = (known..current.len()).filter_map(|slot| current.get(slot));
    let changed = current.changed.iter().flatten().filter_map(|slot| current.get(*slot));
    let mut done: HashSet<Key> = HashSet::new();
    for key in changed.chain(later).map(|entry| entry.key) {
        if !done.insert(key) {
            continue;
        }
        for slot in index.slots(key) {
            let Some(entry) = index.get(slot).copied() else { continue };
            let mut blank = Vec::new();
            line::pad(&mut blank, entry.room as usize);
            to.write_at(&blank, entry.offset()).map_err(&failed)?;
            index.gone(slot, None);
        }
        for slot in current.slots(key) {
            let Some(entry) = current.get(slot) else { continue };
            let mut text = file.read(entry, false)?;
            let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
            if index.open_end {
                text.insert(0, b'\n');
            }
            text.push(b'\n');
            let end = index.length + text.len() as u64;
            to.write_at(&text, index.length).map_err(&failed)?;
            index.push(Entry::new(key, end - 1 - u64::from(length), length, length, 1, entry.is_servable()));
            (index.length, index.open_end) = (end, false);
        }
    }
    index.largest_id = index.largest_id.max(current.largest_id);
    Ok(())
}
