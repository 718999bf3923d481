//! Where the commands print. Nothing else in the host does; the rest logs or returns.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use crate::hidden::masked;

/// Where no terminal tells how wide it is.
const DEFAULT_WIDTH: usize = 80;

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

/// The columns of the terminal, or what the variable `COLUMNS` says of a reader that is none.
pub(super) fn width() -> usize {
    let terminal = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    let columns = terminal.map(|(terminal_size::Width(columns), _)| usize::from(columns));
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    columns.or_else(told).unwrap_or(DEFAULT_WIDTH).max(40)
}
