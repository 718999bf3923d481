//! What only Windows has a name for.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt, OpenOptionsExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_BASIC_INFO, FILE_FLAG_BACKUP_SEMANTICS, FileBasicInfo, GetFileInformationByHandle,
    GetFileInformationByHandleEx,
};

use crate::store::disk::{Identity, Instant, Stamp};

pub(super) fn read_at(file: &File, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
    let before = bytes.len();
    // The standard library reads into nothing but filled memory here.
    bytes.resize(bytes.capacity(), 0);
    let read = file.seek_read(&mut bytes[before..], offset);
    bytes.truncate(before + read.as_ref().copied().unwrap_or(0));
    read
}

pub(super) fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => {
                bytes = &bytes[written..];
                offset += written as u64;
            }
        }
    }
    Ok(())
}

pub(super) fn stamp_at(path: &Path) -> io::Result<Stamp> {
    // No right is needed to ask what a file is like; the flag is for folders.
    stamp(&OpenOptions::new().access_mode(0).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)?)
}

pub(super) fn stamp(file: &File) -> io::Result<Stamp> {
    let handle = file.as_raw_handle();
    let mut found = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open as long as `file` is borrowed, and the structure is what the call fills.
    check(unsafe { GetFileInformationByHandle(handle, &raw mut found) })?;
    // The time of a change of any kind is not in the other.
    let mut times = FILE_BASIC_INFO::default();
    // SAFETY: as above; the length is that of the structure, which is the one of this class of information.
    check(unsafe {
        GetFileInformationByHandleEx(
            handle,
            FileBasicInfo,
            (&raw mut times).cast(),
            size_of::<FILE_BASIC_INFO>() as u32,
        )
    })?;
    Ok(Stamp {
        device: found.dwVolumeSerialNumber.into(),
        identity: Identity {
            number: joined(found.nFileIndexHigh, found.nFileIndexLow),
            born: times.CreationTime.cast_unsigned(),
        },
        length: joined(found.nFileSizeHigh, found.nFileSizeLow),
        modified: instant(times.LastWriteTime),
        changed: instant(times.ChangeTime),
    })
}

fn check(succeeded: i32) -> io::Result<()> {
    if succeeded == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn joined(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// From steps of 100 ns since 1601: where they begin does not matter to who compares.
fn instant(steps: i64) -> Instant {
    (steps.div_euclid(10_000_000), steps.rem_euclid(10_000_000) * 100)
}

/// A new file gets its folder's rights.
pub(super) fn make_private(_: &mut OpenOptions) {}

/// Whether a file of this name can be spoken of, in the journal too: not when it is no Unicode.
pub(super) fn is_usable_name(name: &OsStr) -> bool {
    name.to_str().is_some()
}

/// A file's name from its bytes; `None` when they are none.
pub(crate) fn name_from_bytes(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}

/// Windows documents no way to do this. A folder's handle can be flushed like a file's; where the file system
/// refuses it, a rename is as safe as it gets.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let flushed = OpenOptions::new().write(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(folder);
    match flushed.and_then(|folder| folder.sync_all()) {
        Err(error) if is_refusal(&error) => Ok(()),
        outcome => outcome,
    }
}

fn is_refusal(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), InvalidInput | PermissionDenied | Unsupported)
}

/// Nothing: a new file has its folder's rights, as the one in whose place it comes, unless somebody has given
/// that one others.
pub(super) fn take_over_access(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
