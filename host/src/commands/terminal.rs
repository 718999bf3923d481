//! Where the commands print. Nothing else in the host does; the rest logs or returns.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use crate::hidden::masked;

/// Standard output and standard error.
pub(super) struct Terminal {
    /// Whether standard error shows colours.
    pub(super) color: bool,
}

impl Terminal {
    pub(super) fn of_the_process() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { color: std::io::stderr().is_terminal() && !no_color }
    }

    /// A line on standard output. A reader that went away, as with `| head`, is no error.
    pub(super) fn say(&self, line: impl Display) {
        let _ = writeln!(std::io::stdout(), "{line}");
    }

    /// Something wrong, already worded as a whole.
    pub(super) fn complain(&self, text: impl Display) {
        // A plugin's own words may be in it.
        let _ = writeln!(std::io::stderr(), "{}", masked(text.to_string().into()));
    }
}
