//! The forms of `client_class`, and the places that each of them means.

use std::path::{Path, PathBuf};

use super::directories::has_extension;
use super::{ClassChoice, Finding, Origin, Place, QualifiedFault, ResolveError, Search};
use crate::platform::{Platform, UNIX_PREFIX, class_of_stem, stem_of_class};

/// The Python package of the built-in clients: what is in it is meant by its class name alone.
const BUILT_IN_PACKAGE: &str = "testbench_defect_service.clients.";

const LIBRARY_EXTENSIONS: [&str; 3] = ["so", "dylib", "dll"];
const PYTHON_EXTENSION: &str = "py";

/// Stands between a library and the class that is taken from it.
const QUALIFIER: &str = "::";

/// `client_class`, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    library: WantedLibrary,
    /// What stands behind `::`.
    class: Option<String>,
}

/// The library that `client_class` asks for.
#[derive(Debug, PartialEq, Eq)]
enum WantedLibrary {
    /// A class: its library is called like it, or like the module that it is in.
    Class {
        class: String,
        /// `["my_package", "my_module"]`; empty for a bare class name.
        modules: Vec<String>,
    },
    /// A library by its module path `my_package.my_module`, the class left open.
    Module { folders: Vec<String>, stem: String },
    /// A library by its file.
    File(FilePath),
}

/// A file path as written, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FilePath {
    written: PathBuf,
    /// The file name without a known extension.
    stem: String,
    kind: Kind,
    /// A name without a folder is also looked for in the plugin directories.
    bare: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Library,
    Python,
    NoExtension,
}

impl Wanted {
    pub(super) fn parse(client_class: &str, platform: Platform) -> Result<Self, ResolveError> {
        if client_class.trim().is_empty() {
            return Err(ResolveError::Empty);
        }
        let fault = |fault| ResolveError::Qualified { client_class: client_class.to_owned(), fault };
        let (library, class) = split_class(client_class, platform).map_err(fault)?;
        let malformed = || ResolveError::Malformed { client_class: client_class.to_owned() };
        let library = WantedLibrary::parse(library, platform).ok_or_else(malformed)?;
        match (&library, &class) {
            (WantedLibrary::Class { class: before, .. }, Some(class)) => Err(fault(QualifiedFault::ClassBefore {
                before: before.clone(),
                suggestion: format!("{}{QUALIFIER}{class}", platform.library_file_name(&stem_of_class(before))),
            })),
            _ => Ok(Self { library, class }),
        }
    }

    /// Every path that is meant, in the order in which they are tried, none of them twice.
    pub(super) fn places(&self, search: &Search) -> Vec<(PathBuf, Option<Origin>)> {
        let mut places: Vec<(PathBuf, Option<Origin>)> = Vec::new();
        let mut add = |path: PathBuf, origin| {
            if !places.iter().any(|(known, _)| *known == path) {
                places.push((path, origin));
            }
        };
        if let WantedLibrary::File(file) = &self.library {
            let written = search.working_directory.join(&file.written);
            let written: PathBuf = written.components().collect(); // without a `./` in the middle
            for name in file.names(search.platform) {
                add(written.with_file_name(name), None);
            }
        }
        for names in self.library.names_in_plugin_directories(search.platform) {
            for directory in search.directories {
                for name in &names {
                    add(directory.path.join(name), Some(directory.origin));
                }
            }
        }
        places
    }

    /// Which class to take once `library` is found.
    pub(super) fn class_in(&self, library: &Path) -> ClassChoice {
        match (&self.library, &self.class) {
            (_, Some(class)) | (WantedLibrary::Class { class, .. }, None) => ClassChoice::Named(class.clone()),
            (WantedLibrary::Module { .. } | WantedLibrary::File(_), None) => {
                let name = library.file_name().unwrap_or_default().to_string_lossy();
                let (stem, _) = split_extension(&name);
                ClassChoice::FromFile { preferred: class_of_stem(without_prefix(stem)) }
            }
        }
    }

    pub(super) fn not_found(&self, client_class: &str, search: &Search, searched: Vec<Place>) -> ResolveError {
        let client_class = client_class.to_owned();
        let stem = match &self.library {
            WantedLibrary::Class { class, .. } => stem_of_class(class),
            WantedLibrary::Module { stem, .. } => stem.clone(),
            WantedLibrary::File(file) => file.crate_name().to_owned(),
        };
        let file_name = search.platform.library_file_name(&stem);
        let python = match &self.library {
            WantedLibrary::File(file) if file.kind == Kind::Python => true,
            library => library.script().is_some_and(|script| {
                let script = search.working_directory.join(script);
                search.files.look(&script) == Finding::File
            }),
        };
        if python {
            ResolveError::Python { client_class, file_name, searched }
        } else {
            ResolveError::NotFound { client_class, file_name, searched }
        }
    }
}

impl WantedLibrary {
    /// `None` when the text has none of the forms.
    fn parse(text: &str, platform: Platform) -> Option<Self> {
        let path = FilePath::new(text, platform)?;
        if !path.bare || path.kind != Kind::NoExtension {
            return Some(Self::File(path));
        }
        let mut segments: Vec<String> = text.split('.').map(str::to_owned).collect();
        let valid = segments.iter().all(|segment| is_identifier(segment));
        let last = segments.pop().unwrap_or_default();
        match (valid, segments.is_empty()) {
            (true, _) if last.starts_with(char::is_uppercase) => Some(Self::Class {
                class: last,
                modules: if text.starts_with(BUILT_IN_PACKAGE) { Vec::new() } else { segments },
            }),
            (_, true) => Some(Self::File(path)),
            (true, false) => Some(Self::Module { folders: segments, stem: last }),
            (false, false) => None,
        }
    }

    /// Names of equal standing, by rank. A rank is looked for in all directories before the next:
    /// `company.tracker.X` means the library in `company/`, wherever that is, before any other `X`.
    fn names_in_plugin_directories(&self, platform: Platform) -> Vec<Vec<PathBuf>> {
        let library = |stem: &str| platform.library_file_name(stem);
        match self {
            Self::Class { class, modules } => {
                let own = library(&stem_of_class(class));
                let mut in_module = Vec::new();
                if let Some((module, packages)) = modules.split_last() {
                    let package: PathBuf = packages.iter().collect();
                    in_module.push(package.join(library(module)));
                    in_module.push(package.join(module).join(&own));
                    in_module.push(package.join(&own));
                }
                vec![in_module, vec![own.into()]]
            }
            Self::Module { folders, stem } => {
                let folder: PathBuf = folders.iter().collect();
                vec![vec![folder.join(library(stem))], vec![library(stem).into()]]
            }
            Self::File(file) if file.bare || file.kind == Kind::Python => {
                let names = file.names(platform).into_iter().map(PathBuf::from);
                vec![names.filter(|name| has_extension(name, platform.extension())).collect()]
            }
            Self::File(_) => Vec::new(),
        }
    }

    /// The Python file that the Python service would take, from the working directory.
    fn script(&self) -> Option<PathBuf> {
        let (folder, stem) = match self {
            Self::Class { modules, .. } => {
                let (module, packages) = modules.split_last()?;
                (packages.iter().collect(), module)
            }
            Self::Module { folders, stem } => (folders.iter().collect::<PathBuf>(), stem),
            Self::File(file) if file.kind == Kind::Library => return None,
            Self::File(file) => (file.written.parent()?.to_owned(), &file.stem),
        };
        Some(folder.join(format!("{stem}.{PYTHON_EXTENSION}")))
    }
}

impl FilePath {
    /// `None` when the path has no file name, such as `..`.
    fn new(written: &str, platform: Platform) -> Option<Self> {
        let path = Path::new(written);
        let name = path.file_name()?.to_str()?;
        let (stem, extension) = split_extension(name);
        Some(Self {
            kind: match extension {
                None => Kind::NoExtension,
                Some(PYTHON_EXTENSION) => Kind::Python,
                Some(_) => Kind::Library,
            },
            stem: stem.to_owned(),
            bare: !written.contains(separators(platform)),
            written: path.to_owned(),
        })
    }

    /// The file names to try: as written, then as the platform would call such a library.
    fn names(&self, platform: Platform) -> Vec<String> {
        let stem = &self.stem;
        let written = self.written.file_name().unwrap_or_default();
        let has_prefix = self.kind == Kind::Library && stem.starts_with(platform.prefix());
        let candidates = [
            (self.kind != Kind::Python).then(|| written.to_string_lossy().into_owned()),
            (!has_prefix).then(|| platform.library_file_name(stem)),
            Some(format!("{stem}.{}", platform.extension())),
            Some(platform.library_file_name(self.crate_name())),
        ];
        let mut names: Vec<String> = Vec::new();
        for name in candidates.into_iter().flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The crate that a library of this name would be built from: `lib` before it is a prefix.
    ///
    /// A Python file has no prefix: `library_client.py` is `library_client`.
    fn crate_name(&self) -> &str {
        match self.kind {
            Kind::Library | Kind::NoExtension => without_prefix(&self.stem),
            Kind::Python => &self.stem,
        }
    }
}

const fn separators(platform: Platform) -> &'static [char] {
    match platform {
        Platform::Linux | Platform::MacOs => &['/'],
        Platform::Windows => &['/', '\\'],
    }
}

/// Takes `library::Class` apart. A folder's name may hold `::`: only what follows it is looked at.
fn split_class(client_class: &str, platform: Platform) -> Result<(&str, Option<String>), QualifiedFault> {
    let name_at = client_class.rfind(separators(platform)).map_or(0, |at| at + 1);
    let (folder, name) = client_class.split_at(name_at);
    let Some((stem, class)) = name.split_once(QUALIFIER) else { return Ok((client_class, None)) };
    let library = &client_class[..folder.len() + stem.len()];
    if class.contains(QUALIFIER) {
        Err(QualifiedFault::Several)
    } else if stem.trim().is_empty() {
        Err(QualifiedFault::NoLibrary)
    } else if class.trim().is_empty() {
        Err(QualifiedFault::NoClass { library: library.to_owned() })
    } else if !is_identifier(class) {
        Err(QualifiedFault::NotAClass { library: library.to_owned(), class: class.to_owned() })
    } else {
        Ok((library, Some(class.to_owned())))
    }
}

/// Splits off an extension that is known, in whatever case; returns it in lower case.
fn split_extension(name: &str) -> (&str, Option<&'static str>) {
    let known = LIBRARY_EXTENSIONS.into_iter().chain([PYTHON_EXTENSION]);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => known
            .into_iter()
            .find(|known| extension.eq_ignore_ascii_case(known))
            .map_or((name, None), |known| (stem, Some(known))),
        _ => (name, None),
    }
}

fn without_prefix(stem: &str) -> &str {
    match stem.strip_prefix(UNIX_PREFIX) {
        Some(rest) if !rest.is_empty() => rest,
        _ => stem,
    }
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_') && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}
