//! The plugin directories: which there are, in which order, and what lies in them.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{FileSystem, Finding};
use crate::platform::Platform;

/// The folder beside the program and beside the configuration file.
const PLUGINS: &str = "plugins";

/// A folder in which libraries are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginDirectory {
    /// The folder; absolute when the working directory was. It need not exist.
    pub path: PathBuf,
    /// Why it is searched.
    pub origin: Origin,
}

/// Why a folder is a plugin directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The key `plugin_dirs` of the configuration file names it.
    Configured,
    /// The environment variable `DEFECT_HOST_PLUGIN_DIRS` names it.
    Environment,
    /// The program lies in it.
    BesideProgram,
    /// It is `plugins/` beside the program.
    PluginsBesideProgram,
    /// It is `plugins/` beside the configuration file.
    PluginsBesideConfig,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configured => "plugin_dirs",
            Self::Environment => "DEFECT_HOST_PLUGIN_DIRS",
            Self::BesideProgram => "folder of the program",
            Self::PluginsBesideProgram => "plugins beside the program",
            Self::PluginsBesideConfig => "plugins beside the configuration file",
        })
    }
}

/// What the list of plugin directories is made of.
#[derive(Debug, Clone, Copy)]
pub struct DirectorySources<'a> {
    /// `plugin_dirs` of the configuration file.
    pub configured: &'a [PathBuf],
    /// The value of `DEFECT_HOST_PLUGIN_DIRS`: folders separated as in `PATH`.
    pub environment: Option<&'a str>,
    /// The running program's file.
    pub program: Option<&'a Path>,
    /// The configuration file.
    pub config_file: Option<&'a Path>,
    /// What relative paths start from, those of the configuration file too.
    pub working_directory: &'a Path,
}

/// The plugin directories, in the order in which they are searched, none of them twice.
///
/// An empty path, configured or in the environment variable, means nothing (not the working
/// directory, as in `PATH`).
pub fn plugin_directories(sources: &DirectorySources, platform: Platform) -> Vec<PluginDirectory> {
    let configured = sources.configured.iter().map(|path| (path.clone(), Origin::Configured));
    let environment = sources
        .environment
        .into_iter()
        .flat_map(|list| list.split(platform.list_separator()))
        .map(|path| (PathBuf::from(path), Origin::Environment));
    let named = configured.chain(environment).filter(|(path, _)| !path.as_os_str().is_empty());
    let program = sources.program.and_then(Path::parent).into_iter();
    let program = program.flat_map(|folder| {
        [(folder.to_owned(), Origin::BesideProgram), (folder.join(PLUGINS), Origin::PluginsBesideProgram)]
    });
    let config = sources.config_file.and_then(Path::parent);
    let config = config.map(|folder| (folder.join(PLUGINS), Origin::PluginsBesideConfig));

    let mut directories: Vec<PluginDirectory> = Vec::new();
    for (path, origin) in named.chain(program).chain(config) {
        let path = sources.working_directory.join(path);
        if !directories.iter().any(|known| known.path == path) {
            directories.push(PluginDirectory { path, origin });
        }
    }
    directories
}

/// A library file in a plugin directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The file.
    pub path: PathBuf,
    /// Why its folder is searched.
    pub origin: Origin,
}

/// Every library file in `directories` and their direct sub-folders, in the order of the search.
///
/// The program's own folder is listed without its sub-folders: it may be a system folder or cargo's
/// `target/release`, whose sub-folders are full of libraries that are no plugins.
pub fn list_candidates(directories: &[PluginDirectory], platform: Platform, files: &dyn FileSystem) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for directory in directories {
        let (mut found, mut folders) = (Vec::new(), Vec::new());
        for path in files.entries(&directory.path) {
            match files.look(&path) {
                Finding::File => found.push(path),
                Finding::Folder if directory.origin != Origin::BesideProgram => folders.push(path),
                _ => {}
            }
        }
        let deeper = folders.iter().flat_map(|folder| files.entries(folder));
        found.extend(deeper.filter(|path| files.look(path) == Finding::File));
        for path in found {
            let known = candidates.iter().any(|candidate| candidate.path == path);
            if has_extension(&path, platform.extension()) && !known {
                candidates.push(Candidate { path, origin: directory.origin });
            }
        }
    }
    candidates
}

/// Whether the file's extension is `extension`, in whatever case.
pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugin_directories_come_in_order_and_once() {
        let configured = [PathBuf::from("mine"), PathBuf::from("/abs")];
        let sources = |environment| DirectorySources {
            configured: &configured,
            environment: Some(environment),
            program: Some(Path::new("/opt/host/defect-host")),
            config_file: Some(Path::new("config.toml")),
            working_directory: Path::new("/srv"),
        };
        let list = |environment, platform| {
            let directories = plugin_directories(&sources(environment), platform);
            let lines: Vec<_> = directories
                .iter()
                .map(|directory| format!("{} ({})", directory.path.display(), directory.origin))
                .collect();
            lines.join("\n")
        };
        insta::assert_snapshot!(list("/env::more:/abs", Platform::Linux), @"
        /srv/mine (plugin_dirs)
        /abs (plugin_dirs)
        /env (DEFECT_HOST_PLUGIN_DIRS)
        /srv/more (DEFECT_HOST_PLUGIN_DIRS)
        /opt/host (folder of the program)
        /opt/host/plugins (plugins beside the program)
        /srv/plugins (plugins beside the configuration file)
        ");
        insta::assert_snapshot!(list("d:e;f", Platform::Windows).lines().nth(2).unwrap(), @"/srv/d:e (DEFECT_HOST_PLUGIN_DIRS)");
    }
}
