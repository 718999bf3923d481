//! A disk in memory that knows what was synced, and stops after any call.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use super::super::disk::{Disk, DiskFile, Handle, Identity, Mode, Stamp};

/// What a loss of power makes of a write that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// The process was killed: the system has everything.
    Nothing,
    /// All of it is lost.
    Everything,
    /// Some writes and renames are lost, others are there, some in parts.
    Some(u64),
}

#[derive(Debug, Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: Vec<u8>,
    /// What was done since the last sync.
    unsynced: Vec<Unsynced>,
    modified: i64,
    changed: i64,
}

#[derive(Debug, Clone)]
enum Unsynced {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Unsynced {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(offset, new) => {
                if bytes.len() < offset + new.len() {
                    bytes.resize(offset + new.len(), 0);
                }
                bytes[*offset..offset + new.len()].copy_from_slice(new);
            }
            Self::Length(length) => bytes.resize(*length, 0),
        }
    }
}

type Names = BTreeMap<PathBuf, u64>;

#[derive(Debug, Clone, Default)]
struct State {
    files: BTreeMap<u64, Content>,
    names: Names,
    synced_names: Names,
    /// The names after each change since the last sync of the folder.
    unsynced_names: Vec<Names>,
    clock: i64,
    /// Calls that change something, so far; the one that is the last to be done.
    calls: u64,
    stop_after: Option<u64>,
    /// The next such calls fail with this, and do nothing or only half of it.
    fault: Option<io::ErrorKind>,
    /// Only the call after so many fails.
    fault_at: Option<(u64, io::ErrorKind)>,
    syncs: u64,
    /// Files that are open: their numbers are not given out again.
    open: Vec<(u64, Weak<()>)>,
}

/// Shared by those who use it, as a disk is.
#[derive(Clone, Default)]
pub(super) struct Simulated {
    state: Arc<Mutex<State>>,
}

struct SimulatedFile {
    number: u64,
    state: Weak<Mutex<State>>,
    writable: bool,
    _open: Arc<()>,
}

fn stopped() -> io::Error {
    io::Error::other("stopped")
}

impl State {
    /// Before every call that changes something.
    fn call(&mut self) -> io::Result<()> {
        if self.stop_after.is_some_and(|last| self.calls >= last) {
            return Err(stopped());
        }
        self.calls += 1;
        if let Some((_, fault)) = self.fault_at.take_if(|(at, _)| *at <= self.calls) {
            return Err(fault.into());
        }
        self.fault.map_or(Ok(()), |fault| Err(fault.into()))
    }

    fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    fn number(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn stamp(&self, number: u64) -> io::Result<Stamp> {
        let file = self.files.get(&number).ok_or(io::ErrorKind::NotFound)?;
        let identity = Identity { number, born: 0 };
        let (modified, changed) = ((file.modified, 0), (file.changed, 0));
        Ok(Stamp { device: 1, identity, length: file.bytes.len() as u64, modified, changed })
    }

    fn change(&mut self, number: u64, change: Unsynced) -> io::Result<()> {
        let now = self.tick();
        let file = self.files.get_mut(&number).ok_or(io::ErrorKind::NotFound)?;
        change.apply(&mut file.bytes);
        (file.modified, file.changed) = (now, now);
        file.unsynced.push(change);
        Ok(())
    }

    /// The smallest number that no name leads to any more: file systems give them out again at once.
    fn new_number(&self) -> u64 {
        let used = |number: &u64| {
            let names = self.names.values().chain(self.synced_names.values());
            names.chain(self.unsynced_names.iter().flat_map(|names| names.values())).any(|other| other == number)
        };
        let open = |number: &u64| self.open.iter().any(|(other, open)| other == number && open.strong_count() > 0);
        (1..).find(|number| !used(number) && !open(number)).unwrap()
    }
}

impl Simulated {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn calls(&self) -> u64 {
        self.lock().calls
    }

    pub(super) fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    pub(super) fn stop_after(&self, calls: Option<u64>) {
        let mut state = self.lock();
        state.stop_after = calls.map(|calls| state.calls + calls);
    }

    pub(super) fn has_stopped(&self) -> bool {
        let state = self.lock();
        state.stop_after.is_some_and(|last| state.calls >= last)
    }

    pub(super) fn fail_with(&self, fault: Option<io::ErrorKind>) {
        self.lock().fault = fault;
    }

    pub(super) fn fail_once_after(&self, calls: u64, fault: io::ErrorKind) {
        let mut state = self.lock();
        state.fault_at = Some((state.calls + calls + 1, fault));
    }

    pub(super) fn has_failed_once(&self) -> bool {
        self.lock().fault_at.is_none()
    }

    /// What another program sees, or has put there.
    pub(super) fn content(&self, path: &str) -> Vec<u8> {
        let state = self.lock();
        state.files[&state.number(Path::new(path)).unwrap()].bytes.clone()
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.lock().names.keys().map(|path| path.display().to_string()).collect()
    }

    /// Another program writes to a file, in place, and syncs it.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) {
        let mut state = self.lock();
        let number = state.number(Path::new(path)).unwrap_or_else(|_| {
            let number = state.new_number();
            state.names.insert(path.into(), number);
            state.synced_names.insert(path.into(), number);
            number
        });
        let now = state.tick();
        let content = Content {
            bytes: bytes.to_vec(),
            synced: bytes.to_vec(),
            modified: now,
            changed: now,
            ..Content::default()
        };
        state.files.insert(number, content);
    }

    /// Another program puts a new file in the place of one.
    pub(super) fn put_new(&self, path: &str, bytes: &[u8]) {
        let number = self.lock().new_number();
        let mut state = self.lock();
        state.names.insert(path.into(), number);
        state.synced_names.insert(path.into(), number);
        drop(state);
        self.put(path, bytes);
    }

    /// The same disk after the end of the process, or of the power. Who had it open has it no more.
    pub(super) fn after_crash(&self, loss: Loss) -> Self {
        let mut state = self.lock().clone();
        (state.stop_after, state.fault, state.fault_at) = (None, None, None);
        state.open.clear();
        let mut random = match loss {
            Loss::Some(seed) => seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            _ => 1,
        };
        let mut random = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random >> 11
        };
        match loss {
            Loss::Nothing => {}
            Loss::Everything => state.names = state.synced_names.clone(),
            Loss::Some(_) => {
                // A journaling file system: some of the renames, in their order.
                let kept = random() as usize % (state.unsynced_names.len() + 1);
                state.names = match kept.checked_sub(1) {
                    Some(last) => state.unsynced_names[last].clone(),
                    None => state.synced_names.clone(),
                };
            }
        }
        (state.synced_names, state.unsynced_names) = (state.names.clone(), Vec::new());
        for file in state.files.values_mut() {
            match loss {
                Loss::Nothing => {}
                Loss::Everything => file.bytes = file.synced.clone(),
                Loss::Some(_) => {
                    let mut bytes = file.synced.clone();
                    for change in &file.unsynced {
                        match (random() % 3, change) {
                            (0, _) => {}
                            (1, change) => change.apply(&mut bytes),
                            (_, Unsynced::Length(_)) => {}
                            (_, Unsynced::Write(offset, new)) => torn(&mut bytes, *offset, new, &mut random),
                        }
                    }
                    file.bytes = bytes;
                }
            }
            (file.synced, file.unsynced) = (file.bytes.clone(), Vec::new());
        }
        Self { state: Arc::new(Mutex::new(state)) }
    }
}

/// Some sectors of a write; of one, only some bytes.
fn torn(bytes: &mut Vec<u8>, offset: usize, new: &[u8], random: &mut impl FnMut() -> u64) {
    const SECTOR: usize = 512;
    if bytes.len() < offset + new.len() && random().is_multiple_of(2) {
        bytes.resize(offset + new.len(), 0);
    }
    let mut at = 0;
    while at < new.len() {
        let length = (SECTOR - (offset + at) % SECTOR).min(new.len() - at);
        let written = match random() % 3 {
            0 => 0,
            1 => length,
            _ => random() as usize % (length + 1),
        };
        if written > 0 {
            Unsynced::Write(offset + at, new[at..at + written].to_vec()).apply(bytes);
        }
        at += length;
    }
}

impl SimulatedFile {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let state = self.state.upgrade().ok_or_else(stopped)?;
        let mut state = state.lock().unwrap();
        act(&mut state)
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
        self.with(|state| {
            let rest = state.files[&self.number].bytes.get(offset as usize..).unwrap_or_default();
            let length = rest.len().min(bytes.capacity() - bytes.len());
            bytes.extend_from_slice(&rest[..length]);
            Ok(length)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        assert!(self.writable);
        self.with(|state| {
            if let Err(error) = state.call() {
                if error.kind() == io::ErrorKind::StorageFull {
                    // As a full disk does: the half that there was room for.
                    let length = state.files[&self.number].bytes.len().saturating_sub(offset as usize);
                    let half = if length == 0 { bytes.len() / 2 } else { 0 };
                    state.change(self.number, Unsynced::Write(offset as usize, bytes[..half].to_vec()))?;
                }
                return Err(error);
            }
            state.change(self.number, Unsynced::Write(offset as usize, bytes.to_vec()))
        })
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.with(|state| {
            // A full disk lets files become shorter.
            let fault = state.fault.take_if(|fault| *fault == io::ErrorKind::StorageFull);
            let outcome = state.call().and_then(|()| state.change(self.number, Unsynced::Length(length as usize)));
            state.fault = state.fault.or(fault);
            outcome
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|state| {
            state.call()?;
            state.syncs += 1;
            let file = state.files.get_mut(&self.number).unwrap();
            (file.synced, file.unsynced) = (file.bytes.clone(), Vec::new());
            Ok(())
        })
    }

    fn touch(&self) -> io::Result<()> {
        self.with(|state| {
            state.call()?;
            let now = state.tick();
            let file = state.files.get_mut(&self.number).unwrap();
            (file.modified, file.changed) = (now, now);
            Ok(())
        })
    }

    fn stamp(&self) -> io::Result<Stamp> {
        self.with(|state| state.stamp(self.number))
    }
}

impl Disk for Simulated {
    fn open(&self, path: &Path, mode: Mode) -> io::Result<Handle> {
        let mut state = self.lock();
        let number = match (mode, state.number(path)) {
            (Mode::CreateNew, Ok(_)) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Mode::CreateNew, Err(_)) => {
                state.call()?;
                let (number, now) = (state.new_number(), state.tick());
                state.files.insert(number, Content { modified: now, changed: now, ..Content::default() });
                state.names.insert(path.to_owned(), number);
                let names = state.names.clone();
                state.unsynced_names.push(names);
                number
            }
            (_, found) => found?,
        };
        if mode != Mode::Read && matches!(state.fault, Some(io::ErrorKind::ReadOnlyFilesystem)) {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        let (writable, open) = (mode != Mode::Read, Arc::new(()));
        state.open.push((number, Arc::downgrade(&open)));
        Ok(Arc::new(SimulatedFile { number, state: Arc::downgrade(&self.state), writable, _open: open }))
    }

    fn stamp(&self, path: &Path) -> io::Result<Stamp> {
        let state = self.lock();
        state.stamp(state.number(path)?)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let state = self.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_owned())).collect())
    }

    fn is_file(&self, path: &Path) -> io::Result<bool> {
        Ok(self.lock().names.contains_key(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        let number = state.number(from)?;
        state.names.remove(from);
        state.names.insert(to.to_owned(), number);
        let names = state.names.clone();
        state.unsynced_names.push(names);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.number(path)?;
        state.names.remove(path);
        let names = state.names.clone();
        state.unsynced_names.push(names);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.syncs += 1;
        (state.synced_names, state.unsynced_names) = (state.names.clone(), Vec::new());
        Ok(())
    }

    fn take_over_access(&self, _: &Path, _: &Path, _: &Handle) -> io::Result<()> {
        self.lock().call()
    }
}
