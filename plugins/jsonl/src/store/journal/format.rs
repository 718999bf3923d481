//! The bytes of a journal.

use std::path::{Component, Path};

use super::{Change, Identity, Record};
use crate::store::disk::name_from_bytes;

pub(super) const HEADER_BYTES: u64 = 64;
const HEADER: usize = 64;
const MAGIC: &[u8; 8] = b"DHJOURNL";
const VERSION: u32 = 1;
const RECORD_HEAD: usize = 24;

/// What a journal says.
pub(in crate::store) struct Decoded {
    /// Of the header; `None` when it is not whole. It is written only while nothing else counts.
    pub(super) generation: Option<u64>,
    pub(in crate::store) records: Vec<Record>,
    /// Where the next record goes.
    pub(super) end: u64,
}

pub(super) fn header(generation: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..24].copy_from_slice(&generation.to_le_bytes());
    let crc = crc32fast::hash(&header[..24]);
    header[24..28].copy_from_slice(&crc.to_le_bytes());
    header
}

pub(super) fn encode(out: &mut Vec<u8>, generation: u64, sequence: u64, record: &Record) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&generation.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&record.largest_id.to_le_bytes());
    out.extend_from_slice(&length(record.changes.len()));
    for change in &record.changes {
        out.push(u8::from(change.is_append()));
        for number in [change.identity.number, change.identity.born, change.offset] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for bytes in [change.file.as_encoded_bytes(), &change.old, &change.new] {
            out.extend_from_slice(&length(bytes.len()));
            out.extend_from_slice(bytes);
        }
    }
    let body = length(out.len() - start - RECORD_HEAD);
    let crc = crc32fast::hash(&out[start + 8..]);
    out[start..start + 4].copy_from_slice(&body);
    out[start + 4..start + 8].copy_from_slice(&crc.to_le_bytes());
}

/// No line has 4 GiB: the store refuses one of such a length before it comes here.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads a journal, whatever its bytes.
pub(in crate::store) fn decode(bytes: &[u8]) -> Decoded {
    let mut decoded = Decoded { generation: None, records: Vec::new(), end: HEADER_BYTES };
    let Some((head, mut rest)) = bytes.split_at_checked(HEADER) else { return decoded };
    let generation = u64::from_le_bytes(head[16..24].try_into().unwrap_or_default());
    if head != header(generation) {
        return decoded;
    }
    decoded.generation = Some(generation);
    while let Some((record, length)) = record(rest, generation, decoded.records.len() as u64) {
        decoded.records.push(record);
        decoded.end += length as u64;
        rest = &rest[length..];
    }
    decoded
}

/// The record that the bytes begin with, and its length.
fn record(bytes: &[u8], generation: u64, sequence: u64) -> Option<(Record, usize)> {
    let mut head = Reader(bytes);
    let (body, crc) = (head.number()?, head.number()?);
    let length = RECORD_HEAD.checked_add(body as usize)?;
    let checked = bytes.get(8..length)?;
    if (head.long()?, head.long()?) != (generation, sequence) || crc32fast::hash(checked) != crc {
        return None;
    }
    let mut body = Reader(&checked[16..]);
    let (largest_id, count) = (body.long()?, body.number()?);
    let changes = (0..count).map(|_| body.change()).collect::<Option<_>>()?;
    body.0.is_empty().then_some((Record { largest_id, changes }, length))
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let length = self.number()?;
        Some(self.take(length as usize)?.to_vec())
    }

    fn change(&mut self) -> Option<Change> {
        let append = match self.take(1)? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let identity = Identity { number: self.long()?, born: self.long()? };
        let offset = self.long()?;
        let file = name_from_bytes(self.bytes()?)?;
        let (old, new) = (self.bytes()?, self.bytes()?);
        // Anything but a plain name could lead out of the project's folder.
        let plain = Path::new(&file).components().eq([Component::Normal(&file)]);
        let fits = !new.is_empty() && if append { old.is_empty() } else { old.len() == new.len() };
        let within = offset.checked_add(new.len() as u64).is_some();
        (plain && fits && within).then_some(Change { file, identity, offset, old, new })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records() -> impl Strategy<Value = Vec<Record>> {
        let bytes = || prop::collection::vec(any::<u8>(), 1..20);
        let change = (bytes(), bytes(), any::<bool>(), any::<u32>(), any::<[u64; 2]>()).prop_map(
            |(old, new, append, offset, [number, born])| {
                let length = old.len().min(new.len());
                let old = if append { Vec::new() } else { old[..length].to_vec() };
                let new = if append { new } else { new[..length].to_vec() };
                Change { file: "d.jsonl".into(), identity: Identity { number, born }, offset: offset.into(), old, new }
            },
        );
        let record = (any::<u64>(), prop::collection::vec(change, 0..3));
        let record = record.prop_map(|(largest_id, changes)| Record { largest_id, changes });
        prop::collection::vec(record, 0..4)
    }

    fn journal(generation: u64, records: &[Record]) -> Vec<u8> {
        let mut bytes = header(generation).to_vec();
        (0..).zip(records).for_each(|(sequence, record)| encode(&mut bytes, generation, sequence, record));
        bytes
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_up_to_the_first_bad_byte(written in records(), older in records(), at: prop::sample::Index) {
            let whole = journal(7, &written);
            let mut bytes = whole.clone();
            // What an earlier generation left does not count.
            bytes.extend_from_slice(&journal(6, &older)[HEADER..]);
            let decoded = decode(&bytes);
            prop_assert_eq!((decoded.generation, decoded.end), (Some(7), whole.len() as u64));
            prop_assert_eq!(&decoded.records, &written);
            let cut = decode(&whole[..at.index(whole.len())]).records;
            prop_assert_eq!(&cut[..], &written[..cut.len()]);
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] ^= 1;
            let read = decode(&damaged).records;
            prop_assert!(read.len() < written.len() || at.index(whole.len()) < HEADER || written == read);
            prop_assert_eq!(&read[..], &written[..read.len()]);
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes: Vec<u8>, body: Vec<u8>) {
            prop_assert!(decode(&bytes).records.is_empty());
            // A good check sum over any body: the reader must not trust it.
            let mut record = [[0; 8].as_slice(), &7u64.to_le_bytes(), &0u64.to_le_bytes(), &body].concat();
            let crc = crc32fast::hash(&record[8..]);
            record[..4].copy_from_slice(&length(body.len()));
            record[4..8].copy_from_slice(&crc.to_le_bytes());
            decode(&[header(7).as_slice(), &record].concat());
        }
    }
}
