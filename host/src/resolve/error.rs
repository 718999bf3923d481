//! Why `client_class` leads to no library.

use super::{Place, Places};

/// Why `client_class` leads to no library.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Nothing is written.
    #[error("`client_class` is empty")]
    Empty,
    /// The text has none of the forms that are understood.
    #[error("client_class `{client_class}` is neither a class name, a dotted path nor a file path")]
    Malformed {
        /// The text.
        client_class: String,
    },
    /// Around `::` there is not a library and a class.
    #[error("client_class `{client_class}` {fault}")]
    Qualified {
        /// The text.
        client_class: String,
        /// What is wrong with it.
        fault: QualifiedFault,
    },
    /// There is no such library.
    #[error("no library found for client_class `{client_class}`, looked for{}", Places(.searched))]
    NotFound {
        /// The text.
        client_class: String,
        /// The name of a library that would be found.
        file_name: String,
        /// Every place looked at.
        searched: Vec<Place>,
    },
    /// `client_class` means a Python file, and no library has taken its place yet.
    #[error("client_class `{client_class}` is a Python client, which has to be rebuilt as a plugin; looked for{}", Places(.searched))]
    Python {
        /// The text.
        client_class: String,
        /// The name of a library that would be found.
        file_name: String,
        /// Every place looked at.
        searched: Vec<Place>,
    },
}

/// What is wrong with a `client_class` that has a `::` in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QualifiedFault {
    /// There is nothing behind it.
    #[error("names no class behind `::`")]
    NoClass {
        /// What stands before it.
        library: String,
    },
    /// There is nothing before it, or only a folder.
    #[error("names no library before `::`")]
    NoLibrary,
    /// What stands behind it can be no class.
    #[error("does not fit: `{class}` is not the name of a class")]
    NotAClass {
        /// What stands before it.
        library: String,
        /// What stands behind it.
        class: String,
    },
    /// It is there more than once.
    #[error("has more than one `::`")]
    Several,
    /// Before it stands a class, not a library.
    #[error("names two classes: before `::` stands `{before}`, which is not a library")]
    ClassBefore {
        /// The class before it.
        before: String,
        /// The same with the library that this class would be in.
        suggestion: String,
    },
}

impl QualifiedFault {
    fn hint(&self) -> String {
        match self {
            Self::NoClass { library } => {
                format!("write `{library}::ClassName`, or `{library}` for the class that is called like the file")
            }
            Self::NoLibrary => {
                "write `library.so::ClassName`, or `ClassName` for the library that is called like it".to_owned()
            }
            Self::NotAClass { library, .. } => format!(
                "write `{library}::ClassName`, the class as the library exports it; `defect-host plugins` lists them"
            ),
            Self::Several => {
                "write `library.so::ClassName`: the library, one `::`, and the class without its module".to_owned()
            }
            Self::ClassBefore { suggestion, .. } => {
                format!("write the library's path or file name, such as `{suggestion}`")
            }
        }
    }
}

impl ResolveError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "write the class name of the client, such as `JsonlDefectClient`, or \
                the path of a library"
                .to_owned(),
            Self::Malformed { .. } => "write `ClassName`, `package.ClassName` or the path of a \
                library; a file name with dots in it needs a leading `./`"
                .to_owned(),
            Self::Qualified { fault, .. } => fault.hint(),
            Self::NotFound { file_name, .. } => format!(
                "put `{file_name}` into one of these folders, or write the library's path; \
                 `defect-host plugins` lists what is there"
            ),
            Self::Python { file_name, .. } => format!(
                "build the client as a plugin and put `{file_name}` into one of these folders; \
                 `client_class` can stay as it is"
            ),
        }
    }
}
