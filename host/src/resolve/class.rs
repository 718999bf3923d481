//! Which of a library's clients is meant.

/// The class to take from a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassChoice {
    /// `client_class` names the class: this one and no other.
    Named(String),
    /// `client_class` names the file: the class called like it, else the only one there is.
    FromFile {
        /// `MyDefectClient` for `libmy_defect_client.so`.
        preferred: String,
    },
}

/// Why no client of a library can be taken.
///
/// The messages speak of "the library": whoever knows its path says it before them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClassError {
    /// The library exports no client at all.
    #[error("the library has no client")]
    Empty,
    /// The class that `client_class` names is not there.
    #[error("the library has no client `{wanted}`, only {}{}", listed(.available), did_you_mean(.nearest.as_deref()))]
    Missing {
        /// The class asked for.
        wanted: String,
        /// The classes that are there.
        available: Vec<String>,
        /// The one among them that looks most like `wanted`.
        nearest: Option<String>,
    },
    /// There are several, and none is called like the file.
    #[error("the library has no client `{preferred}` but several others: {}", listed(.available))]
    Ambiguous {
        /// The class that the file name suggests.
        preferred: String,
        /// The classes that are there.
        available: Vec<String>,
    },
}

impl ClassError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Empty => "export a client from the plugin, and rebuild it".to_owned(),
            Self::Missing { nearest, available, .. } => {
                let name = nearest.as_ref().or(available.first());
                let name = name.map_or("ClassName", String::as_str);
                format!("let `client_class` end in a class that is there, such as `{name}`")
            }
            Self::Ambiguous { available, .. } => {
                let name = available.first().map_or("ClassName", String::as_str);
                format!("add the one that is meant to `client_class`, as in `library.so::{name}`")
            }
        }
    }
}

/// Takes one of the classes that a library says it has.
///
/// # Errors
/// The class is missing or the choice is not clear; the error lists what is there.
pub fn choose_class(choice: &ClassChoice, available: &[String]) -> Result<String, ClassError> {
    if available.is_empty() {
        return Err(ClassError::Empty);
    }
    let (ClassChoice::Named(wanted) | ClassChoice::FromFile { preferred: wanted }) = choice;
    if available.contains(wanted) {
        return Ok(wanted.clone());
    }
    let available = available.to_vec();
    match choice {
        ClassChoice::Named(wanted) => {
            Err(ClassError::Missing { nearest: nearest(wanted, &available), wanted: wanted.clone(), available })
        }
        ClassChoice::FromFile { preferred } => match available.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err(ClassError::Ambiguous { preferred: preferred.clone(), available }),
        },
    }
}

/// The name most like `wanted`, unless none is at all.
fn nearest(wanted: &str, names: &[String]) -> Option<String> {
    names
        .iter()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name.clone())
}

fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn named(class: &str) -> ClassChoice {
        ClassChoice::Named(class.to_owned())
    }

    fn from_file(class: &str) -> ClassChoice {
        ClassChoice::FromFile { preferred: class.to_owned() }
    }

    #[test]
    fn a_class_that_is_there_is_taken() {
        let there = names(&["A", "B"]);
        assert_eq!(choose_class(&named("B"), &there), Ok("B".to_owned()));
        assert_eq!(choose_class(&from_file("B"), &there), Ok("B".to_owned()));
    }

    #[test]
    fn a_file_name_stands_for_the_single_client_in_the_file() {
        assert_eq!(choose_class(&from_file("Renamed"), &names(&["A"])), Ok("A".to_owned()));
    }

    #[test]
    fn a_class_named_in_vain_lists_what_is_there() {
        let there = names(&["JsonlDefectClient", "Other"]);
        let error = choose_class(&named("JsonDefectClient"), &there).unwrap_err();
        insta::assert_snapshot!(error, @"the library has no client `JsonDefectClient`, only `JsonlDefectClient`, `Other`; did you mean `JsonlDefectClient`?");
        insta::assert_snapshot!(error.hint(), @"let `client_class` end in a class that is there, such as `JsonlDefectClient`");
        let error = choose_class(&named("Xyz"), &names(&["A"])).unwrap_err();
        insta::assert_snapshot!(error, @"the library has no client `Xyz`, only `A`");
    }

    #[test]
    fn several_clients_without_a_match_are_listed() {
        let error = choose_class(&from_file("C"), &names(&["A", "B"])).unwrap_err();
        insta::assert_snapshot!(error, @"the library has no client `C` but several others: `A`, `B`");
        insta::assert_snapshot!(error.hint(), @"add the one that is meant to `client_class`, as in `library.so::A`");
    }

    #[test]
    fn a_library_without_clients_is_an_error() {
        let error = choose_class(&from_file("C"), &[]).unwrap_err();
        insta::assert_snapshot!(error, @"the library has no client");
        insta::assert_snapshot!(error.hint(), @"export a client from the plugin, and rebuild it");
    }
}
