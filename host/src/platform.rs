//! How the platforms name a shared library.

use heck::{ToSnakeCase, ToUpperCamelCase};

/// An operating system, as far as library files differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux, and every other Unix that names libraries `lib….so`.
    Linux,
    /// macOS: `lib….dylib`.
    MacOs,
    /// Windows: `….dll`.
    Windows,
}

/// The prefix that Unix puts before a library's name.
pub(crate) const UNIX_PREFIX: &str = "lib";

impl Platform {
    /// The platform that this program was built for.
    pub const fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::MacOs
        } else {
            Self::Linux
        }
    }

    /// What a library's file name begins with: `lib` or nothing.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Linux | Self::MacOs => UNIX_PREFIX,
            Self::Windows => "",
        }
    }

    /// The extension of a library, without its dot.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Linux => "so",
            Self::MacOs => "dylib",
            Self::Windows => "dll",
        }
    }

    /// What stands between the folders of a list in an environment variable.
    pub const fn list_separator(self) -> char {
        match self {
            Self::Linux | Self::MacOs => ':',
            Self::Windows => ';',
        }
    }

    /// The file name that `cargo build` gives the library of a crate called `stem`.
    pub fn library_file_name(self, stem: &str) -> String {
        format!("{}{stem}.{}", self.prefix(), self.extension())
    }
}

/// `JsonlDefectClient` -> `jsonl_defect_client`: the library stem of a class.
pub(crate) fn stem_of_class(class: &str) -> String {
    class.to_snake_case()
}

/// `jsonl_defect_client` -> `JsonlDefectClient`: the class of a library stem.
pub(crate) fn class_of_stem(stem: &str) -> String {
    stem.to_upper_camel_case()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_platform_names_libraries_its_own_way() {
        let name = |platform: Platform| platform.library_file_name("jsonl_defect_client");
        assert_eq!(name(Platform::Linux), "libjsonl_defect_client.so");
        assert_eq!(name(Platform::MacOs), "libjsonl_defect_client.dylib");
        assert_eq!(name(Platform::Windows), "jsonl_defect_client.dll");
    }

    #[test]
    fn class_and_stem_translate_into_each_other() {
        for (class, stem) in [("JsonlDefectClient", "jsonl_defect_client"), ("Jira2Client", "jira2_client"), ("X", "x")]
        {
            assert_eq!(stem_of_class(class), stem);
            assert_eq!(class_of_stem(stem), class);
        }
        assert_eq!(stem_of_class("JSONLDefectClient"), "jsonl_defect_client");
        assert_eq!(class_of_stem("MyDefectClient"), "MyDefectClient");
    }
}
