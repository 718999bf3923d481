//! What a library's bytes say, before it is opened.
//!
//! Opening a library runs its code, and opening a broken one can end the process: a file that is
//! cut short raises `SIGBUS` as soon as a missing page is touched. So the bytes are read first, and
//! a library is refused in a sentence that names the file, what was found and what to do.
//!
//! This is no defence against malice: a file can pass every check here and still be harmful.
//! [`check_permissions`] keeps other users' hands off the file, [`check_pin`] ties it to a sum.

mod error;
mod library;
mod permissions;
mod pin;

pub use error::InspectError;
pub use permissions::{Access, Fault, PermissionsError, check_permissions, judge};
pub use pin::{PinError, check_pin};

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::resolve::{Disk, FileSystem, Finding};
use library::{Library, Target};

/// What a plugin must have for this host to open it.
#[derive(Debug, Clone, Copy)]
pub struct Expectations<'a> {
    /// The exported symbol through which the plugin is entered.
    pub loader_symbol: &'a str,
    /// The exported `static [u8; 32]` that holds the plugin-api version the plugin was built with,
    /// as text such as `1.0.0`, filled up with zeros.
    pub version_symbol: &'a str,
    /// The plugin-api version that this host speaks; the major version must be the same.
    pub api_version: &'a str,
}

/// What is known about a library that may be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// SHA-256 of the whole file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// The plugin-api version that the plugin was built with.
    pub api_version: String,
    /// Size of the file in bytes.
    pub size: u64,
}

/// What the bytes of a file say of it, whether it may be opened or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// SHA-256 of the whole file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// Size of the file in bytes.
    pub size: u64,
    /// Operating system and processors that it is made for; `None` when it is no library.
    pub made_for: Option<String>,
    /// The plugin-api version that the plugin was built with; `None` when it says none.
    pub api_version: Option<String>,
}

/// Reads the file and gathers what it is, without checking it.
///
/// # Errors
/// The file is not readable, or no regular file.
pub fn facts(path: &Path, version_symbol: &str) -> Result<Facts, InspectError> {
    let bytes = read(path)?;
    let (made_for, api_version) = Library { path, bytes: &bytes, target: Target::CURRENT }.facts(version_symbol);
    Ok(Facts { sha256: hex::encode(Sha256::digest(&bytes)), size: bytes.len() as u64, made_for, api_version })
}

/// Reads the file and checks that it is a plugin for this host.
///
/// # Errors
/// The file is not readable, or [`inspect_bytes`] refuses what is in it.
pub fn inspect(path: &Path, expected: &Expectations) -> Result<Inspection, InspectError> {
    inspect_bytes(path, &read(path)?, expected)
}

fn read(path: &Path) -> Result<Vec<u8>, InspectError> {
    // Not after opening: to open a pipe waits until somebody writes to it.
    let found = match Disk.look(path) {
        Finding::Folder => Some("a folder"),
        Finding::Special => Some("a device, socket or pipe"),
        Finding::File | Finding::Missing | Finding::Denied => None,
    };
    if let Some(found) = found {
        return Err(InspectError::NotALibrary { path: path.to_owned(), found });
    }
    fs::read(path).map_err(|reason| InspectError::Unreadable { path: path.to_owned(), reason })
}

/// Checks that `bytes`, the content of `path`, are a plugin for this host.
///
/// Never panics and always ends, whatever the bytes are.
///
/// # Errors
/// The bytes are no library, a damaged one, one for another machine, or no plugin for this host.
pub fn inspect_bytes(path: &Path, bytes: &[u8], expected: &Expectations) -> Result<Inspection, InspectError> {
    let library = Library { path, bytes, target: Target::CURRENT };
    let api_version = library.check(expected)?;
    Ok(Inspection { sha256: hex::encode(Sha256::digest(bytes)), api_version, size: bytes.len() as u64 })
}

#[cfg(test)]
mod tests;
