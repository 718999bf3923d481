//! Takes Markdown documents apart, for tests that hold them against the program.

use crate::artifacts::root;

/// A document of the repository.
pub struct Document {
    name: String,
    text: String,
}

impl Document {
    /// Reads a document by its path from the root.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn read(name: &str) -> Self {
        let text = std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), text }
    }

    /// The languages of its blocks of code, with their text, in order.
    #[must_use]
    pub fn blocks(&self) -> Vec<(&str, &str)> {
        // Between fences there is code, text, code, …
        let fenced = self.text.split("```").skip(1).step_by(2);
        fenced.filter_map(|block| block.split_once('\n')).collect()
    }

    /// Its blocks in a language.
    #[must_use]
    pub fn blocks_in(&self, language: &str) -> Vec<&str> {
        self.blocks().into_iter().filter(|(own, _)| *own == language).map(|(_, code)| code).collect()
    }

    /// The rows of the first table whose first column has this head, cell by cell, without their backticks.
    ///
    /// # Panics
    /// When there is no such table.
    #[must_use]
    pub fn table(&self, head: &str) -> Vec<Vec<String>> {
        let cells = |line: &str| {
            let line = line.trim().trim_matches('|');
            line.split(" | ").map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>()
        };
        let lines = self.text.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
        let rows: Vec<_> = lines.skip(2).take_while(|line| line.starts_with('|')).map(cells).collect();
        assert!(!rows.is_empty(), "{} has no table that begins with `{head}`", self.name);
        rows
    }
}
