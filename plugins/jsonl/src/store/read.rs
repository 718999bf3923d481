//! Lists: read while they are sent, holding no lock in between.

use std::sync::Arc;

use defect_plugin_api::model::DefectWithId;

use super::disk::append_exact;
use super::error::StoreError;
use super::file::DefectFile;
use super::index::{Entry, Index, Slot, key_of, number_of_key};
use crate::line::{self, Line};
use crate::warnings::Warnings;

/// Bytes of a piece: as many as the plugin API sends at once without copying them.
const PIECE: u64 = 64 * 1024;
/// More bytes than this between two defects are not read.
const WIDEST_GAP: u64 = 4 * 1024;

/// The defects of several files as JSON, a piece at a time: a space, then some of them, separated by commas.
///
/// Every defect that is there from the first piece to the last is in one piece, also when its line is
/// moved meanwhile; one that is deleted meanwhile may be missing, one that is changed is as it was or
/// as it is.
pub(crate) struct Pieces {
    files: Vec<Arc<DefectFile>>,
    /// The files that are left, the current one first.
    ahead: std::vec::IntoIter<Cursor>,
    current: Option<Cursor>,
    listed: Listed,
}

/// Where a list is in a file.
struct Cursor {
    file: Arc<DefectFile>,
    wanted: Wanted,
    /// How many slots there were at the beginning: later ones are not visited, except for what moved.
    known: Slot,
}

enum Wanted {
    From(Slot),
    These(std::iter::Peekable<std::vec::IntoIter<Slot>>),
}

impl Wanted {
    fn peek(&mut self, known: Slot) -> Option<Slot> {
        match self {
            Self::From(slot) => (*slot < known).then_some(*slot),
            Self::These(slots) => slots.peek().copied(),
        }
    }

    fn advance(&mut self) {
        match self {
            Self::From(slot) => *slot += 1,
            Self::These(slots) => drop(slots.next()),
        }
    }
}

/// Which defects a list has so far: one bit for each.
#[derive(Default)]
pub(crate) struct Listed {
    files: Vec<(Arc<DefectFile>, Vec<u64>)>,
}

impl Listed {
    fn note(&mut self, file: &Arc<DefectFile>, slot: Slot) {
        if self.files.last().is_none_or(|(last, _)| !Arc::ptr_eq(last, file)) {
            self.files.push((Arc::clone(file), Vec::new()));
        }
        if let Some((_, bits)) = self.files.last_mut() {
            let word = slot as usize / 64;
            if bits.len() <= word {
                bits.resize(word + 1, 0);
            }
            bits[word] |= 1 << (slot % 64);
        }
    }

    /// Their ids.
    pub(crate) fn into_ids(self) -> ListedIds {
        ListedIds { files: self.files.into_iter(), current: None }
    }
}

/// The ids of the listed defects, each once. An id that only the line knows is read again; it is left
/// out when the defect is gone by now.
pub(crate) struct ListedIds {
    files: std::vec::IntoIter<(Arc<DefectFile>, Vec<u64>)>,
    current: Option<(Arc<DefectFile>, std::iter::Enumerate<std::vec::IntoIter<u64>>)>,
}

impl ListedIds {
    /// Hands on some more, up to 64; false when there are no more, or when `visit` had enough.
    pub(crate) fn visit_some(&mut self, mut visit: impl FnMut(&str) -> bool) -> bool {
        loop {
            if let Some((file, words)) = &mut self.current
                && let Some((word, bits)) = words.next()
            {
                let index = file.index();
                let mut id = line::ID_PREFIX.to_owned();
                let mut goes_on = true;
                for bit in (0..u64::BITS).filter(|bit| bits >> bit & 1 == 1) {
                    let slot = (word * 64) as Slot + bit;
                    let Some(entry) = index.get(slot).filter(|entry| !entry.is_repeated()) else { continue };
                    if let Some(number) = number_of_key(entry.key) {
                        id.truncate(line::ID_PREFIX.len());
                        id.push_str(itoa::Buffer::new().format(number));
                        goes_on &= visit(&id);
                        continue;
                    }
                    let entry = index.follow(slot).and_then(|slot| index.get(slot));
                    if let Some(defect) = entry.and_then(|entry| file.defect(entry).ok()?) {
                        goes_on &= visit(&defect.id);
                    }
                }
                return goes_on;
            }
            let Some((file, bits)) = self.files.next() else { return false };
            self.current = Some((file, bits.into_iter().enumerate()));
        }
    }
}

impl Pieces {
    /// All defects.
    pub(super) fn all(files: Vec<Arc<DefectFile>>) -> Self {
        Self::new(files, |_, _| Ok(Wanted::From(0))).unwrap_or_else(|_: StoreError| Self::none())
    }

    /// The defects of these ids; and the ids that no defect has.
    pub(super) fn of_ids(files: Vec<Arc<DefectFile>>, ids: &[String]) -> Result<(Self, Vec<String>), StoreError> {
        let mut found = vec![false; ids.len()];
        let pieces = Self::new(files, |file, index| {
            let mut slots = Vec::new();
            for (id, found) in ids.iter().zip(&mut found) {
                let held = file.find(index, id)?;
                *found |= !held.is_empty();
                slots.extend(held);
            }
            slots.sort_unstable();
            slots.dedup();
            Ok(Wanted::These(slots.into_iter().peekable()))
        })?;
        let missing = ids.iter().zip(found).filter(|(_, found)| !found).map(|(id, _)| id.clone());
        Ok((pieces, missing.collect()))
    }

    fn new(
        files: Vec<Arc<DefectFile>>,
        mut wanted: impl FnMut(&DefectFile, &Index) -> Result<Wanted, StoreError>,
    ) -> Result<Self, StoreError> {
        let cursors = files.iter().map(|file| {
            let index = file.index();
            Ok(Cursor { file: Arc::clone(file), wanted: wanted(file, &index)?, known: index.len() })
        });
        let mut ahead = cursors.collect::<Result<Vec<_>, StoreError>>()?.into_iter();
        let current = ahead.next();
        Ok(Self { files, ahead, current, listed: Listed::default() })
    }

    fn none() -> Self {
        let (files, ahead) = (Vec::new(), Vec::new().into_iter());
        Self { files, ahead, current: None, listed: Listed::default() }
    }

    /// The lines that nobody can read.
    pub(crate) fn warnings(&self) -> Result<Warnings, StoreError> {
        let mut warnings = Warnings::default();
        self.files.iter().try_for_each(|file| file.warn_of_broken_lines(&mut warnings))?;
        Ok(warnings)
    }

    /// What the list has; to be taken after the last piece.
    pub(crate) fn take_listed(&mut self) -> Listed {
        std::mem::take(&mut self.listed)
    }

    fn next_piece(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        while let Some(cursor) = &mut self.current {
            let piece = cursor.next_piece(&mut self.listed)?;
            if piece.is_some() {
                return Ok(piece);
            }
            self.current = self.ahead.next();
        }
        Ok(None)
    }
}

impl Iterator for Pieces {
    type Item = Result<Vec<u8>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.next_piece().transpose();
        if let Some(Err(_)) = piece {
            self.current = None;
        }
        piece
    }
}

impl Cursor {
    fn next_piece(&mut self, listed: &mut Listed) -> Result<Option<Vec<u8>>, StoreError> {
        let file = Arc::clone(&self.file);
        let index = file.index();
        let mut lines: Vec<Entry> = Vec::new();
        while let Some(slot) = self.wanted.peek(self.known) {
            let Some(entry) = index.get(slot).copied() else { break };
            if entry.is_gone() {
                // What moved before the beginning is visited where it moved to.
                let moved = entry.moved_to().filter(|to| *to >= self.known).and_then(|to| index.follow(to));
                let Some(moved) = moved.and_then(|to| index.get(to)) else {
                    self.wanted.advance();
                    continue;
                };
                if lines.is_empty() {
                    self.wanted.advance();
                    listed.note(&file, slot);
                    lines.push(*moved);
                }
                break;
            }
            if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
                let fits = entry.end() - first.offset() <= PIECE && entry.offset() - last.end() <= WIDEST_GAP;
                if !fits {
                    break;
                }
            }
            self.wanted.advance();
            listed.note(&file, slot);
            lines.push(entry);
        }
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(None) };
        let start = first.offset();
        let length = usize::try_from(last.offset() - start).unwrap_or(usize::MAX / 2) + last.text();
        let mut bytes = Vec::with_capacity(1 + length);
        bytes.push(b' ');
        append_exact(&**file.handle(), &mut bytes, start, length).map_err(file.failed("read"))?;
        // The stamp tells afterwards whether these are the bytes that the index speaks of.
        let untouched = file.is_untouched(&index);
        drop(index);
        let at = |entry: &Entry| 1 + usize::try_from(entry.offset() - start).unwrap_or(usize::MAX - 1);
        if untouched && lines.iter().all(Entry::is_servable) {
            for pair in lines.windows(2) {
                // Between two lines is at least one byte: the end of the first.
                let gap = &mut bytes[at(&pair[0]) + pair[0].text()..at(&pair[1])];
                gap.fill(b' ');
                gap[0] = b',';
            }
            return Ok(Some(bytes));
        }
        let mut piece = Vec::with_capacity(bytes.len());
        for entry in &lines {
            let text = &bytes[at(entry)..at(entry) + entry.text()];
            piece.push(if piece.is_empty() { b' ' } else { b',' });
            if untouched && entry.is_servable() {
                piece.extend_from_slice(text);
                continue;
            }
            match Line::parse(text) {
                Line::Defect(defect) if untouched || key_of(&defect.id) == entry.key => {
                    serde_json::to_writer(&mut piece, &*defect).map_err(StoreError::Json)?;
                }
                _ => return Err(StoreError::Changing(file.path.clone())),
            }
        }
        Ok(Some(piece))
    }
}

/// The first defect of an id.
pub(super) fn find(files: &[Arc<DefectFile>], id: &str) -> Result<Option<DefectWithId>, StoreError> {
    for file in files {
        let index = file.index();
        let Some(entry) = file.find(&index, id)?.first().and_then(|slot| index.get(*slot)) else { continue };
        return match file.defect(entry)? {
            Some(defect) => Ok(Some(defect)),
            None => Err(StoreError::Changing(file.path.clone())),
        };
    }
    Ok(None)
}

/// The text of a defect's line.
pub(super) fn new_text(defect: &DefectWithId) -> Result<Vec<u8>, StoreError> {
    line::new_line(defect).map_err(StoreError::Json)
}
