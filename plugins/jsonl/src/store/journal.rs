//! The journal of a project: what its files are about to become, synced before they are touched.
//!
//! ```text
//! header, 64 bytes   magic (8), version (4), 0 (4), generation (8), crc32 of these (4), zeros
//! records, each      length of the body (4), crc32 of generation, sequence and body (4),
//!                    generation (8), sequence (8), body
//! body               largest id (8), number of changes (4), changes
//! change             kind (1), inode (8), its birth (8), offset (8),
//!                    name, old bytes, new bytes: each its length (4) and itself
//! ```
//! All numbers are little-endian. A record counts when it has the header's generation and follows the
//! one before without a gap; the first that does not ends the journal. So a reset writes the header
//! alone, and a record that was half on the disk never counts.

mod format;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::disk::{Disk, Handle, Identity, Mode, Stamp, read_up_to};
pub(super) use format::decode;

/// No `.jsonl` at the end, so that nobody takes it for defects; hidden, so that nobody has to look at it.
pub(super) const FILE: &str = ".defect-host-journal";

/// One operation: all of its changes are made, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The largest number that an id of the project ever had.
    pub(super) largest_id: u64,
    pub(super) changes: Vec<Change>,
}

/// Bytes that take the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The name of the file, in the project's folder.
    pub(super) file: OsString,
    pub(super) identity: Identity,
    pub(super) offset: u64,
    /// What stood there; as long as `new`. Nothing: `new` is appended, and the file ended there.
    pub(super) old: Vec<u8>,
    pub(super) new: Vec<u8>,
}

impl Change {
    pub(super) fn is_append(&self) -> bool {
        self.old.is_empty()
    }
}

/// One that no record has which an earlier journal left.
fn fresh_generation() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos()).unwrap_or(u64::MAX)
}

/// A journal that is open for writing.
pub(super) struct Journal {
    pub(super) path: PathBuf,
    file: Handle,
    generation: u64,
    sequence: u64,
    end: u64,
    /// Bytes that are there for records: writing them needs no change of the file's length.
    capacity: u64,
}

impl Journal {
    /// Opens the project's journal and reads what it holds; makes it when it is not there.
    pub(super) fn open(disk: &dyn Disk, folder: &Path, model: &Path, capacity: u64) -> io::Result<(Self, Vec<Record>)> {
        let path = folder.join(FILE);
        match disk.open(&path, Mode::Write) {
            Ok(file) => {
                let length = file.stamp()?.length;
                let bytes = read_up_to(&*file, 0, usize::try_from(length).unwrap_or(usize::MAX))?;
                let decoded = decode(&bytes);
                let mut journal = Self {
                    path,
                    file,
                    generation: decoded.generation.unwrap_or_else(fresh_generation),
                    sequence: decoded.records.len() as u64,
                    end: decoded.end,
                    capacity: length.max(format::HEADER_BYTES),
                };
                if decoded.generation.is_none() {
                    journal.reset()?;
                }
                if journal.capacity < capacity {
                    journal.set_capacity(capacity)?;
                }
                Ok((journal, decoded.records))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok((Self::create(disk, path, folder, model, capacity)?, Vec::new()))
            }
            Err(error) => Err(error),
        }
    }

    fn create(disk: &dyn Disk, path: PathBuf, folder: &Path, model: &Path, capacity: u64) -> io::Result<Self> {
        let file = disk.open(&path, Mode::CreateNew)?;
        let (generation, end) = (fresh_generation(), format::HEADER_BYTES);
        let mut journal = Self { path, file, generation, sequence: 0, end, capacity: end };
        let filled = disk
            .take_over_access(model, &journal.path, &journal.file)
            .and_then(|()| journal.set_capacity(capacity))
            .and_then(|()| journal.reset())
            .and_then(|()| disk.sync_folder(folder));
        if let Err(error) = filled {
            // Else the next attempt would find half a journal; it could use it, so this may fail.
            let _ = disk.remove(&journal.path);
            return Err(error);
        }
        Ok(journal)
    }

    /// Whether the path still leads to this file.
    pub(super) fn is_in_place(&self, disk: &dyn Disk) -> bool {
        let same = |own: Stamp, found: Stamp| own.identity == found.identity && own.device == found.device;
        matches!((self.file.stamp(), disk.stamp(&self.path)), (Ok(own), Ok(found)) if same(own, found))
    }

    /// Whether nothing is in it that recovery would need.
    pub(super) fn is_empty(&self) -> bool {
        self.end == format::HEADER_BYTES
    }

    /// Bytes of records.
    pub(super) fn used_bytes(&self) -> u64 {
        self.end - format::HEADER_BYTES
    }

    /// Whether records of so many bytes go in without making it longer.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.end + bytes as u64 <= self.capacity
    }

    /// The records' bytes, in the order in which they are to be appended.
    pub(super) fn encode(&self, records: &[Record]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (sequence, record) in (self.sequence..).zip(records) {
            format::encode(&mut bytes, self.generation, sequence, record);
        }
        bytes
    }

    /// Appends encoded records. They are on stable storage when this returns.
    pub(super) fn append(&mut self, bytes: &[u8], records: usize) -> io::Result<()> {
        self.file.write_at(bytes, self.end)?;
        self.file.sync()?;
        self.end += bytes.len() as u64;
        self.sequence += records as u64;
        self.capacity = self.capacity.max(self.end);
        Ok(())
    }

    /// Forgets all records. Only when the files hold what they say, on stable storage.
    pub(super) fn reset(&mut self) -> io::Result<()> {
        let (generation, used) = (self.generation.wrapping_add(1), self.end);
        self.file.write_at(&format::header(generation), 0)?;
        // From here on nothing that is appended may follow the old header.
        (self.generation, self.sequence, self.end) = (generation, 0, format::HEADER_BYTES);
        self.file.sync()?;
        // The records hold lines as they were, and a line of the Python service may hold a password that
        // the file has no more. They count no longer, so nothing depends on this.
        if let Err(error) = self.write_zeros(format::HEADER_BYTES, used) {
            tracing::debug!("what is done stays in `{}`: {error}", self.path.display());
        }
        Ok(())
    }

    fn write_zeros(&self, mut from: u64, to: u64) -> io::Result<()> {
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        while from < to {
            let length = (to - from).min(ZEROS.len() as u64);
            self.file.write_at(&ZEROS[..usize::try_from(length).unwrap_or(ZEROS.len())], from)?;
            from += length;
        }
        Ok(())
    }

    /// Makes the file this long, zeros where nothing is yet. The next sync makes it last.
    pub(super) fn set_capacity(&mut self, capacity: u64) -> io::Result<()> {
        if capacity < self.capacity {
            self.file.set_length(capacity)?;
            self.capacity = capacity;
        }
        self.write_zeros(self.capacity, capacity)?;
        self.capacity = self.capacity.max(capacity);
        Ok(())
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }
}
