//! What a plugin may be called, and the names that follow from it.

use std::fmt;
use std::str::FromStr;

use crate::platform::{class_of_stem, stem_of_class};

/// What every plugin's crate ends in.
const SUFFIX: &str = "_defect_client";

/// Longest name of a crate, which is crates.io's limit.
const MAX_CRATE: usize = 64;

/// Rust's words, of all editions; `cargo` refuses them as a crate's name.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// What the crate's dependencies, the standard library's crates and our own plugin are called, and what Windows
/// keeps for devices.
const TAKEN: [&str; 19] = [
    "alloc",
    "core",
    "proc_macro",
    "std",
    "test",
    "defect",
    "defect_client",
    "defect_host",
    "defect_plugin_api",
    "jsonl",
    "schemars",
    "serde",
    "tracing",
    "plugin",
    "plugins",
    "con",
    "prn",
    "aux",
    "nul",
];

/// A plugin's name, such as `my-tracker`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginName {
    written: String,
    /// In PascalCase, without what every class ends in.
    title: String,
}

/// Why something cannot be a plugin's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing.
    #[error("the plugin's name is empty")]
    Empty,
    /// It is a path.
    #[error("`{0}` is a path, not a plugin's name")]
    Path(String),
    /// It begins with something that no crate's name begins with.
    #[error("the plugin's name `{0}` does not begin with a letter from a to z")]
    Beginning(String),
    /// It contains something that no crate's name contains.
    #[error("the plugin's name `{0}` contains `{1}`")]
    Character(String, char),
    /// It has too many characters.
    #[error("the plugin's name has {0} characters")]
    TooLong(usize),
    /// It is a word of Rust.
    #[error("`{0}` is a keyword of Rust")]
    Keyword(String),
    /// Something else is called so.
    #[error("the name `{0}` is taken by something that plugins are used with")]
    Taken(String),
}

impl NameError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Path(_) => "give the name alone, such as `my-tracker`; `--dir` says where the folder shall be".into(),
            Self::Keyword(name) | Self::Taken(name) => format!("take a name that says more, such as `{name}-tracker`"),
            Self::TooLong(_) => format!("take a name of at most {} characters", MAX_CRATE - SUFFIX.len()),
            Self::Empty | Self::Beginning(_) | Self::Character(..) => {
                "take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`"
                    .into()
            }
        }
    }
}

impl FromStr for PluginName {
    type Err = NameError;

    fn from_str(written: &str) -> Result<Self, NameError> {
        if written.is_empty() {
            return Err(NameError::Empty);
        }
        if written.contains(['/', '\\']) || written.chars().all(|character| character == '.') {
            return Err(NameError::Path(written.to_owned()));
        }
        if !written.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Err(NameError::Beginning(written.to_owned()));
        }
        let is_foreign = |character: &char| !character.is_ascii_alphanumeric() && !['-', '_'].contains(character);
        if let Some(foreign) = written.chars().find(is_foreign) {
            return Err(NameError::Character(written.to_owned(), foreign));
        }
        // As the host translates a class into a file and back: both names must lead to each other.
        let stem = stem_of_class(&class_of_stem(written));
        // Whoever says `my-defect-client` means no `my_defect_client_defect_client`.
        let stem = stem.strip_suffix(SUFFIX).unwrap_or(&stem);
        if KEYWORDS.contains(&stem) {
            return Err(NameError::Keyword(written.to_owned()));
        }
        if TAKEN.contains(&stem) {
            return Err(NameError::Taken(written.to_owned()));
        }
        let name = Self { written: written.to_owned(), title: class_of_stem(stem) };
        if written.len() > MAX_CRATE - SUFFIX.len() || name.crate_name().len() > MAX_CRATE {
            return Err(NameError::TooLong(written.len()));
        }
        Ok(name)
    }
}

impl fmt::Display for PluginName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PluginName {
    /// `MyTracker`
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// `MyTrackerDefectClient`
    #[must_use]
    pub fn class(&self) -> String {
        format!("{}{}", self.title, class_of_stem(SUFFIX))
    }

    /// `my_tracker_defect_client`
    #[must_use]
    pub fn crate_name(&self) -> String {
        stem_of_class(&self.class())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(written: &str) -> String {
        match written.parse::<PluginName>() {
            Ok(name) => format!("{} {}", name.crate_name(), name.class()),
            Err(error) => format!("{error}; {}", error.hint()),
        }
    }

    #[test]
    fn crate_and_class_follow_from_the_name_and_lead_to_each_other() {
        let written =
            ["my-tracker", "my_tracker", "MyTracker", "x", "jira2", "a-1", "a--b", "my-defect-client", "JIRA"];
        let all: Vec<_> = written.iter().map(|written| names(written)).collect();
        insta::assert_snapshot!(all.join("\n"), @"
        my_tracker_defect_client MyTrackerDefectClient
        my_tracker_defect_client MyTrackerDefectClient
        my_tracker_defect_client MyTrackerDefectClient
        x_defect_client XDefectClient
        jira2_defect_client Jira2DefectClient
        a1_defect_client A1DefectClient
        ab_defect_client AbDefectClient
        my_defect_client MyDefectClient
        jira_defect_client JiraDefectClient
        ");
        for written in written {
            let name: PluginName = written.parse().unwrap();
            assert_eq!(class_of_stem(&name.crate_name()), name.class(), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_a_crate_or_a_class_is_refused_with_what_to_do() {
        let long = "a".repeat(51);
        let refused = [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "/tmp/x",
            "1st",
            "-x",
            "_x",
            "ünster",
            "naïve",
            "a b",
            "a.b",
            "fn",
            "Self",
            "std",
            "defect-plugin-api",
            "Serde",
            "jsonl",
            "jsonl-defect-client",
            "defect-client",
            "nul",
            &long,
        ];
        let all: Vec<_> = refused.iter().map(|written| names(written)).collect();
        insta::assert_snapshot!(all.join("\n"), @r#"
        the plugin's name is empty; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        `.` is a path, not a plugin's name; give the name alone, such as `my-tracker`; `--dir` says where the folder shall be
        `..` is a path, not a plugin's name; give the name alone, such as `my-tracker`; `--dir` says where the folder shall be
        `../x` is a path, not a plugin's name; give the name alone, such as `my-tracker`; `--dir` says where the folder shall be
        `a/b` is a path, not a plugin's name; give the name alone, such as `my-tracker`; `--dir` says where the folder shall be
        `a\b` is a path, not a plugin's name; give the name alone, such as `my-tracker`; `--dir` says where the folder shall be
        `/tmp/x` is a path, not a plugin's name; give the name alone, such as `my-tracker`; `--dir` says where the folder shall be
        the plugin's name `1st` does not begin with a letter from a to z; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        the plugin's name `-x` does not begin with a letter from a to z; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        the plugin's name `_x` does not begin with a letter from a to z; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        the plugin's name `ünster` does not begin with a letter from a to z; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        the plugin's name `naïve` contains `ï`; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        the plugin's name `a b` contains ` `; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        the plugin's name `a.b` contains `.`; take a name of letters (a to z), digits, `-` and `_` that begins with a letter, such as `my-tracker`
        `fn` is a keyword of Rust; take a name that says more, such as `fn-tracker`
        `Self` is a keyword of Rust; take a name that says more, such as `Self-tracker`
        the name `std` is taken by something that plugins are used with; take a name that says more, such as `std-tracker`
        the name `defect-plugin-api` is taken by something that plugins are used with; take a name that says more, such as `defect-plugin-api-tracker`
        the name `Serde` is taken by something that plugins are used with; take a name that says more, such as `Serde-tracker`
        the name `jsonl` is taken by something that plugins are used with; take a name that says more, such as `jsonl-tracker`
        the name `jsonl-defect-client` is taken by something that plugins are used with; take a name that says more, such as `jsonl-defect-client-tracker`
        the name `defect-client` is taken by something that plugins are used with; take a name that says more, such as `defect-client-tracker`
        the name `nul` is taken by something that plugins are used with; take a name that says more, such as `nul-tracker`
        the plugin's name has 51 characters; take a name of at most 50 characters
        "#);
        assert!("a".repeat(50).parse::<PluginName>().is_ok());
    }
}
