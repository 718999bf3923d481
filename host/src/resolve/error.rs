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
