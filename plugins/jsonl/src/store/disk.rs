//! The one layer through which the store touches files, so that tests can stop it after any call.

mod real;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use real::{RealDisk, name_from_bytes};

/// Which file it is, whatever its name.
///
/// The number of its device is left out: it may change when the machine starts again. The time of
/// birth tells a file from an older one of the same number; 0 where the file system has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) number: u64,
    pub(crate) born: u64,
}

impl Identity {
    /// Whether both mean one file, as far as the file system tells.
    pub(crate) fn is_same_file(self, other: Self) -> bool {
        self.number == other.number && (self.born == other.born || self.born == 0 || other.born == 0)
    }
}

/// A moment of a time that a file system keeps: seconds and nanoseconds.
pub(crate) type Instant = (i64, i64);

/// What tells whether a file is still the one that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) device: u64,
    pub(crate) identity: Identity,
    pub(crate) length: u64,
    pub(crate) modified: Instant,
    pub(crate) changed: Instant,
}

impl Stamp {
    /// Whether nobody wrote to the file between the two, whatever became of its name.
    pub(crate) fn has_same_content(&self, other: &Self) -> bool {
        (self.length, self.modified) == (other.length, other.modified)
    }
}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Read,
    Write,
    /// It must not be there yet.
    CreateNew,
}

/// A file that is open.
pub(crate) type Handle = Arc<dyn DiskFile>;

/// What is done with an open file.
pub(crate) trait DiskFile: Send + Sync {
    /// Adds at most as many bytes as there is spare capacity for, which is not filled with anything
    /// before: that was a visible part of a list's time. 0 at the end of the file.
    fn read_at(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize>;
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    fn set_length(&self, length: u64) -> io::Result<()>;
    /// What was written is on stable storage when this returns, with what is needed to read it back.
    fn sync(&self) -> io::Result<()>;
    /// Sets the time of the last modification to the present, to the nanosecond. What another program
    /// writes later gets a time of the kernel's coarse clock, which is another one.
    fn touch(&self) -> io::Result<()>;
    fn stamp(&self) -> io::Result<Stamp>;
}

/// What is done with names.
pub(crate) trait Disk: Send + Sync {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Handle>;
    /// Of the file behind links.
    fn stamp(&self, path: &Path) -> io::Result<Stamp>;
    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf>;
    /// The names of everything in a folder, in any order.
    fn names(&self, folder: &Path) -> io::Result<Vec<std::ffi::OsString>>;
    /// Whether there is a file, or a link to one.
    fn is_file(&self, path: &Path) -> io::Result<bool>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames and new names in the folder are on stable storage when this returns.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Gives a new file the owner and the permissions of another one.
    fn take_over_access(&self, model: &Path, path: &Path, file: &Handle) -> io::Result<()>;
}

impl fmt::Debug for dyn DiskFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DiskFile")
    }
}

/// Reads all of a range, behind what the bytes already are; a file that ends before is an error.
pub(crate) fn append_exact(file: &dyn DiskFile, bytes: &mut Vec<u8>, offset: u64, length: usize) -> io::Result<()> {
    let before = bytes.len();
    append_up_to(file, bytes, offset, length)?;
    if bytes.len() - before < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

/// Reads all of a range; a file that ends before is an error.
pub(crate) fn read_exact(file: &dyn DiskFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append_exact(file, &mut bytes, offset, length)?;
    Ok(bytes)
}

/// Reads a range up to the end of the file.
pub(crate) fn read_up_to(file: &dyn DiskFile, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    append_up_to(file, &mut bytes, offset, length)?;
    Ok(bytes)
}

fn append_up_to(file: &dyn DiskFile, bytes: &mut Vec<u8>, offset: u64, length: usize) -> io::Result<()> {
    let before = bytes.len();
    bytes.reserve_exact(length);
    while bytes.len() - before < length && file.read_at(bytes, offset + (bytes.len() - before) as u64)? > 0 {}
    // There may be room for more than was asked for.
    bytes.truncate(before + length);
    Ok(())
}
