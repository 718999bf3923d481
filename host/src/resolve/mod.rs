//! From the text of `client_class` to the library file that holds the client.
//!
//! Nothing here opens a library, reads the environment or goes to the network. The file system is
//! seen through [`FileSystem`] only, and every file name follows a [`Platform`], so that the rules
//! of all three platforms are tested on each of them.
//!
//! # What `client_class` may be, and where the library is looked for
//!
//! | written | looked for (Linux names), the first one found is taken |
//! | --- | --- |
//! | `MyDefectClient` | `<dir>/libmy_defect_client.so` |
//! | `testbench_defect_service.clients.MyDefectClient` | the same |
//! | `package.module.MyDefectClient` | `<dir>/package/libmodule.so`, `<dir>/package/module/libmy_defect_client.so`, `<dir>/package/libmy_defect_client.so`, `<dir>/libmy_defect_client.so` |
//! | `package.MyDefectClient` | `<dir>/libpackage.so`, `<dir>/package/libmy_defect_client.so`, `<dir>/libmy_defect_client.so` |
//! | `package.module` | `<dir>/package/libmodule.so`, `<dir>/libmodule.so` |
//! | `path/to/name.so` | `path/to/name.so`, `path/to/libname.so` |
//! | `path/to/name` | `path/to/name`, `path/to/libname.so`, `path/to/name.so` |
//! | `path/to/name.py` | `path/to/libname.so`, `path/to/name.so`, `<dir>/libname.so`, `<dir>/name.so` |
//! | `name`, `name.so` | as a path in the working directory, then in every `<dir>` |
//! | `…::MyDefectClient` | as what stands before `::`, which is a path, a file name or `package.module` |
//!
//! `<dir>` stands for each plugin directory in turn: all names are tried in one directory before
//! the next. The last name of a dotted path, which leaves its folders out, is tried after the others
//! were tried in all directories. Another platform's extension is replaced by the own one (`name.dll` also means
//! `libname.so`), so that one configuration file serves several platforms.

mod class;
mod client_class;
mod directories;
mod error;
mod files;

pub use class::{ClassChoice, ClassError, choose_class};
pub use directories::{Candidate, DirectorySources, Origin, PluginDirectory, list_candidates, plugin_directories};
pub use error::{QualifiedFault, ResolveError};
pub use files::{Disk, FileSystem, Finding, Place, Places};

use crate::platform::Platform;
use std::path::{Path, PathBuf};

use client_class::Wanted;

/// Where to look, and for which platform's names.
pub struct Search<'a> {
    /// The plugin directories in the order in which they are searched.
    pub directories: &'a [PluginDirectory],
    /// What a relative path in `client_class` starts from.
    pub working_directory: &'a Path,
    /// Whose file names are looked for.
    pub platform: Platform,
    /// The files that exist.
    pub files: &'a dyn FileSystem,
}

/// A library file that exists, and the class to take from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The file; not yet looked at, let alone opened.
    pub library: PathBuf,
    /// Which of its clients is meant.
    pub class: ClassChoice,
    /// Every place that was looked at, in order: `library` is the first file among them.
    pub searched: Vec<Place>,
}

impl Resolved {
    /// Further files that `client_class` could mean, were it not for `library`.
    pub fn shadowed(&self) -> impl Iterator<Item = &Place> {
        self.searched.iter().filter(|place| place.finding == Finding::File).skip(1)
    }
}

/// Finds the library that `client_class` means; see the [module](self) for the order.
///
/// # Errors
/// `client_class` is empty or malformed, or no such file exists.
pub fn resolve(client_class: &str, search: &Search) -> Result<Resolved, ResolveError> {
    let wanted = Wanted::parse(client_class, search.platform)?;
    let searched: Vec<Place> = wanted
        .places(search)
        .into_iter()
        .map(|(path, origin)| Place { finding: search.files.look(&path), path, origin })
        .collect();
    let found = searched.iter().find(|place| place.finding == Finding::File).map(|place| place.path.clone());
    match found {
        Some(library) => Ok(Resolved { class: wanted.class_in(&library), library, searched }),
        None => Err(wanted.not_found(client_class, search, searched)),
    }
}

#[cfg(test)]
mod tests;
