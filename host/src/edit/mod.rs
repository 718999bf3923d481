//! Changes configuration files: keys in a text that keeps all else, values as TOML writes them, files replaced
//! in one step.

mod change;
mod literal;
mod replace_file;
mod set;

pub use change::change;
pub use literal::{literal, string};
pub use replace_file::{follow_links, replace};
pub use set::set;

/// Why a text cannot be edited. Positions are given, never the text, which may hold secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Not TOML.
    #[error("line {line}, column {column}: {message}")]
    Toml {
        /// Counted from 1.
        line: usize,
        /// Counted in characters from 1.
        column: usize,
        /// What the parser expected; quotes nothing.
        message: String,
    },
    /// A key that has to be something else.
    #[error("`{key}` has to be a {expected}, found {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What it has to be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}
