//! Where the defects of a file are: 24 bytes for each, and an entry in a table from ids to them.

use std::collections::HashMap;
use std::collections::hash_map;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use super::disk::Stamp;
use crate::line;

/// A defect's place in the order of its file. It keeps the place when it is rewritten where it is.
pub(super) type Slot = u32;

/// An id as the index knows it: its number for `BUG-12`, else a hash.
pub(super) type Key = u64;

/// What sets hashes apart from numbers.
const HASHED: u64 = 1 << 63;

pub(super) fn key_of(id: &str) -> Key {
    static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    number_of(id).unwrap_or_else(|| HASHER.hash_one(id) | HASHED)
}

/// The number of an id that is exactly `BUG-` and it.
fn number_of(id: &str) -> Option<u64> {
    let digits = id.strip_prefix(line::ID_PREFIX)?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|number| plain && number & HASHED == 0)
}

/// The number of a key's id, which is `BUG-` and it; `None` when only the line knows the id.
pub(super) fn number_of_key(key: Key) -> Option<u64> {
    (key & HASHED == 0).then_some(key)
}

/// Where a defect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: Key,
    /// Of the line's text; 16 bits are for the flags.
    offset_and_flags: u64,
    /// Bytes up to the line's end: of the text, and of what pads it.
    pub(super) room: u32,
    /// Bytes of the text. Of a line that is gone: the slot that the defect moved to, and 1; or 0.
    text: u32,
}

const GONE: u64 = 1 << 48;
const SERVABLE: u64 = 1 << 49;
const REPEATED: u64 = 1 << 50;
const END_SHIFT: u32 = 56;
const OFFSET: u64 = GONE - 1;

impl Entry {
    /// A line of this text, which this many bytes end.
    pub(super) fn new(key: Key, offset: u64, room: u32, text: u32, end: u8, servable: bool) -> Self {
        let flags = u64::from(end) << END_SHIFT | if servable { SERVABLE } else { 0 };
        Self { key, offset_and_flags: offset | flags, room, text }
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset_and_flags & OFFSET
    }

    pub(super) fn text(&self) -> usize {
        if self.is_gone() { 0 } else { self.text as usize }
    }

    /// Behind the line's text and padding.
    pub(super) fn end(&self) -> u64 {
        self.offset() + u64::from(self.room)
    }

    pub(super) fn is_gone(&self) -> bool {
        self.offset_and_flags & GONE != 0
    }

    pub(super) fn moved_to(&self) -> Option<Slot> {
        self.is_gone().then(|| self.text.checked_sub(1)).flatten()
    }

    /// Whether the text can be handed out as it is.
    pub(super) fn is_servable(&self) -> bool {
        self.offset_and_flags & SERVABLE != 0
    }

    /// Whether an earlier line has the same id.
    pub(super) fn is_repeated(&self) -> bool {
        self.offset_and_flags & REPEATED != 0
    }
}

/// A line that is neither a defect nor blank.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken {
    pub(super) offset: u64,
    pub(super) text: u64,
    pub(super) number: u64,
}

/// All of a file's lines.
pub(super) struct Index {
    /// What the file was like when we left it.
    pub(super) stamp: Stamp,
    entries: Vec<Entry>,
    first: HashMap<Key, Slot>,
    /// The further lines of an id that is there more than once.
    further: HashMap<Key, Vec<Slot>>,
    /// The first so many lines that are broken; of the others, how many there are.
    pub(super) broken: Vec<Broken>,
    pub(super) more_broken: u64,
    /// The largest number of an id, also in a line that is broken.
    pub(super) largest_id: u64,
    /// Bytes of the file.
    pub(super) length: u64,
    /// Whether the last line has a text and no end.
    pub(super) open_end: bool,
    /// Bytes of lines that are gone and of padding.
    pub(super) wasted: u64,
    /// The slots that were changed since somebody asked to be told.
    pub(super) changed: Option<Vec<Slot>>,
}

/// Broken lines that are kept in mind: as many as warnings are.
const MOST_BROKEN: usize = 1_000;

impl Index {
    pub(super) fn new(stamp: Stamp) -> Self {
        Self {
            stamp,
            entries: Vec::new(),
            first: HashMap::new(),
            further: HashMap::new(),
            broken: Vec::new(),
            more_broken: 0,
            largest_id: 0,
            length: 0,
            open_end: false,
            wasted: 0,
            changed: None,
        }
    }

    pub(super) fn len(&self) -> Slot {
        // Lines have more than one byte: so many entries would not fit into any file that we index.
        Slot::try_from(self.entries.len()).unwrap_or(Slot::MAX)
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Entry> {
        self.entries.get(slot as usize)
    }

    /// The slots of a key, gone ones not among them.
    pub(super) fn slots(&self, key: Key) -> Vec<Slot> {
        let further = self.further.get(&key).into_iter().flatten();
        self.first.get(&key).into_iter().chain(further).copied().collect()
    }

    /// The slot where a defect is now that was at this one.
    pub(super) fn follow(&self, mut slot: Slot) -> Option<Slot> {
        loop {
            let entry = self.get(slot)?;
            if !entry.is_gone() {
                return Some(slot);
            }
            slot = entry.moved_to()?;
        }
    }

    pub(super) fn push(&mut self, mut entry: Entry) -> Slot {
        let slot = self.len();
        match self.first.entry(entry.key) {
            hash_map::Entry::Vacant(vacant) => {
                vacant.insert(slot);
            }
            hash_map::Entry::Occupied(_) => {
                entry.offset_and_flags |= REPEATED;
                self.further.entry(entry.key).or_default().push(slot);
            }
        }
        if self.entries.len() == self.entries.capacity() {
            // Doubling would keep up to half of it empty.
            self.entries.reserve_exact((self.entries.len() / 8).max(16));
        }
        self.entries.push(entry);
        slot
    }

    fn note(&mut self, slot: Slot) {
        if let Some(changed) = &mut self.changed {
            changed.push(slot);
        }
    }

    /// A line's text was replaced where it is.
    pub(super) fn rewritten(&mut self, slot: Slot, text: u32, servable: bool) {
        self.note(slot);
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        self.wasted = self.wasted + u64::from(entry.text) - u64::from(text);
        entry.text = text;
        entry.offset_and_flags = entry.offset_and_flags & !SERVABLE | if servable { SERVABLE } else { 0 };
    }

    /// A line was blanked; its defect is in another slot now, or nowhere.
    pub(super) fn gone(&mut self, slot: Slot, moved_to: Option<Slot>) {
        self.note(slot);
        let Some(entry) = self.entries.get_mut(slot as usize) else { return };
        self.wasted += u64::from(entry.text) + (entry.offset_and_flags >> END_SHIFT);
        entry.offset_and_flags |= GONE;
        entry.text = moved_to.map_or(0, |slot| slot + 1);
        let key = entry.key;
        let further = self.further.entry(key).or_default();
        further.retain(|other| *other != slot);
        if self.first.get(&key) == Some(&slot) {
            if further.is_empty() {
                self.first.remove(&key);
            } else {
                let next = further.remove(0);
                self.first.insert(key, next);
                if let Some(entry) = self.entries.get_mut(next as usize) {
                    entry.offset_and_flags &= !REPEATED;
                }
            }
        }
        if further.is_empty() {
            self.further.remove(&key);
        }
    }

    pub(super) fn mark_repeated(&mut self, is_repeated: impl Fn(Key) -> bool) {
        for entry in self.entries.iter_mut().filter(|entry| is_repeated(entry.key)) {
            entry.offset_and_flags |= REPEATED;
        }
    }

    /// How many ids the file has.
    pub(super) fn ids(&self) -> u64 {
        self.first.len() as u64
    }

    pub(super) fn has(&self, key: Key) -> bool {
        self.first.contains_key(&key)
    }

    /// Adds a line of the file, whatever its bytes. `text` is what stands before its end.
    pub(super) fn add_line(&mut self, number: u64, offset: u64, text: &[u8], end: u8) {
        let untidy = crate::line::padding(text);
        let trimmed = &text[..text.len() - untidy];
        let room = u32::try_from(text.len()).ok().filter(|_| offset <= OFFSET - u64::from(u32::MAX));
        if let (Some(room), Some(id)) = (room, line::id_when_servable(trimmed)) {
            self.add_defect(&id, offset, room, trimmed.len(), end, true);
        } else {
            match line::Line::parse(text) {
                line::Line::Blank => {
                    if untidy > 0 {
                        self.wasted += text.len() as u64 + u64::from(end);
                    }
                    return;
                }
                line::Line::Defect(defect) if room.is_some() => {
                    let largest = line::largest_id_number(text).unwrap_or(0);
                    self.largest_id = self.largest_id.max(largest);
                    self.add_defect(&defect.id, offset, room.unwrap_or(0), trimmed.len(), end, false);
                }
                _ => {
                    self.largest_id = self.largest_id.max(line::largest_id_number(text).unwrap_or(0));
                    if self.broken.len() < MOST_BROKEN {
                        self.broken.push(Broken { offset, text: text.len() as u64, number });
                    } else {
                        self.more_broken += 1;
                    }
                    return;
                }
            }
        }
        self.wasted += untidy as u64;
    }

    fn add_defect(&mut self, id: &str, offset: u64, room: u32, text: usize, end: u8, servable: bool) {
        self.largest_id = self.largest_id.max(line::id_number(id).unwrap_or(0));
        let text = u32::try_from(text).unwrap_or(room);
        self.push(Entry::new(key_of(id), offset, room, text, end, servable));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ids_that_we_make_are_numbers() {
        for id in ["BUG-0", "BUG-1", "BUG-9223372036854775807"] {
            assert_eq!(number_of_key(key_of(id)).map(|number| format!("BUG-{number}")).as_deref(), Some(id));
        }
        for id in ["", "1", "BUG-", "BUG-01", "BUG-+1", "bug-1", "BUG-9223372036854775808", "BUG-1 ", "BUG-١"] {
            assert_eq!(number_of_key(key_of(id)), None, "{id}");
            assert_eq!(key_of(id), key_of(id));
        }
    }

    #[test]
    fn a_defect_takes_less_than_100_bytes() {
        assert_eq!(size_of::<Entry>(), 24);
        let identity = super::super::disk::Identity { number: 1, born: 0 };
        let stamp = Stamp { device: 1, identity, length: 0, modified: (0, 0), changed: (0, 0) };
        let mut index = Index::new(stamp);
        for number in 1..=240_000 {
            index.push(Entry::new(number, number * 600, 599, 599, 1, true));
            // The table has a byte for each place besides the pair in it, and at most 7 of 8 places are used.
            let places = (index.first.capacity() * 8 / 7).next_power_of_two();
            let bytes = index.entries.capacity() * 24 + places * 17;
            assert!(number < 100 || bytes as u64 <= 100 * number, "{bytes} bytes for {number}");
        }
    }
}
