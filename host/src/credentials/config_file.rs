//! `set-credentials`: new credentials for a configuration file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::password::{Pepper, hash_password};
use crate::edit::{self, EditError, follow_links, replace};

const SECTION: &str = "testbench-defect-service";
const SALT_BYTES: usize = 16;

/// What [`set_credentials`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// There was no file; now there is one with nothing but the credentials.
    Created,
    /// The file keeps everything but its old credentials.
    Updated,
}

/// Why credentials were not stored. The configuration file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum SetCredentialsError {
    /// Nobody could log in with these: HTTP Basic authentication ends the name at the first colon.
    #[error("a user name must not contain a colon")]
    ColonInUsername,
    /// No name or no password.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// The file exists and cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The configuration file.
        path: PathBuf,
        /// The operating system's reason; not UTF-8 is `InvalidData`.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("`{}` is not valid TOML: line {line}, column {column}: {message}", path.display())]
    Toml {
        /// The configuration file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted in characters from 1.
        column: usize,
        /// What the parser expected; quotes nothing from the file.
        message: String,
    },
    /// The file gives a key a type that cannot hold credentials.
    #[error("`{key}` in `{}` has to be a {expected}, found {found}", path.display())]
    WrongType {
        /// The configuration file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What the key has to be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The file is marked read-only.
    #[error("`{}` is read-only", path.display())]
    ReadOnly {
        /// The configuration file.
        path: PathBuf,
    },
    /// The new file could not be written in place of the old one.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The configuration file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The operating system gave no random bytes for the salt.
    #[error("the operating system gives no random numbers")]
    Random(#[source] getrandom::Error),
}

impl SetCredentialsError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::ColonInUsername | Self::Empty(_) => Some("choose another one"),
            Self::Read { .. } => Some("the file has to be UTF-8 text that you may read"),
            Self::Toml { .. } => Some("correct this line, then run the command again"),
            Self::WrongType { .. } => Some("correct this key, then run the command again"),
            Self::ReadOnly { .. } => Some("make the file writable, or run the command as the user who owns it"),
            Self::Write { .. } => Some("the folder has to be writable and to have space for a second file"),
            Self::Random(_) => None,
        }
    }
}

/// Stores the hash of new credentials, with a new salt, in the section `[testbench-defect-service]`.
///
/// Keeps every other byte of the file, its mode and, where permitted, its owner. The file is replaced
/// as a whole: whoever reads it, also after a power cut, sees the old or the new one. A symbolic link
/// stays and what it points to is replaced. A file that does not exist is created, readable by its
/// owner only. Takes as long as one [`hash_password`].
///
/// # Errors
/// See [`SetCredentialsError`]; nothing was changed.
pub fn set_credentials(
    config_path: &Path,
    username: &str,
    password: &str,
    pepper: &Pepper,
) -> Result<Saved, SetCredentialsError> {
    check_username(username)?;
    if password.is_empty() {
        return Err(SetCredentialsError::Empty("the password"));
    }

    let path = config_path.to_owned();
    let target = follow_links(config_path);
    let old = match fs::read_to_string(&target) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(SetCredentialsError::Read { path, source }),
    };

    let (hash, salt) = stored_form(username, password, pepper)?;
    let entries = [("password_hash", edit::string(&hash)), ("salt", edit::string(&salt))];
    let entries = entries.each_ref().map(|(key, value)| (*key, value.as_str()));
    let text =
        edit::set(old.as_deref().unwrap_or_default(), &[SECTION], &entries).map_err(|error| located(error, &path))?;

    let metadata = old.as_ref().map(|_| fs::metadata(&target)).transpose();
    let metadata = metadata.map_err(|source| SetCredentialsError::Read { path: path.clone(), source })?;
    if metadata.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
        return Err(SetCredentialsError::ReadOnly { path });
    }
    replace(&target, &text, metadata.as_ref()).map_err(|source| SetCredentialsError::Write { path, source })?;
    Ok(if metadata.is_some() { Saved::Updated } else { Saved::Created })
}

/// `password_hash`, in hex, and a new `salt`, in base64. Takes as long as one [`hash_password`].
///
/// # Errors
/// [`SetCredentialsError::Random`]
pub fn stored_form(username: &str, password: &str, pepper: &Pepper) -> Result<(String, String), SetCredentialsError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(SetCredentialsError::Random)?;
    Ok((hash_password(username, password, &salt, pepper), STANDARD.encode(salt)))
}

/// Could somebody of this name log in?
///
/// # Errors
/// [`SetCredentialsError::ColonInUsername`], [`SetCredentialsError::Empty`]
pub fn check_username(username: &str) -> Result<(), SetCredentialsError> {
    if username.contains(':') {
        return Err(SetCredentialsError::ColonInUsername);
    }
    if username.is_empty() { Err(SetCredentialsError::Empty("the user name")) } else { Ok(()) }
}

fn located(error: EditError, path: &Path) -> SetCredentialsError {
    let path = path.to_owned();
    match error {
        EditError::Toml { line, column, message } => SetCredentialsError::Toml { path, line, column, message },
        EditError::WrongType { key, expected, found } => SetCredentialsError::WrongType { path, key, expected, found },
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verifier;
    use super::*;
    use tempfile::TempDir;

    const CONFIG: &str = "# mine\r\n[testbench-defect-service]\r\nport = 8030 # keep\r\n";

    fn folder_with(text: &str) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn set(path: &Path) -> Result<Saved, SetCredentialsError> {
        set_credentials(path, "jürgen", "sécret", &Pepper::default())
    }

    /// The error as the command line shows it, the changing folder left out.
    fn shown(folder: &Path, error: &SetCredentialsError) -> String {
        let hint = error.hint().unwrap();
        format!("{error}\nhint: {hint}").replace(&folder.display().to_string(), "[folder]")
    }

    fn verifier(path: &Path) -> Verifier {
        let document: toml_edit::DocumentMut = fs::read_to_string(path).unwrap().parse().unwrap();
        let text = |key: &str| document["testbench-defect-service"][key].as_str().unwrap();
        Verifier::new(text("password_hash"), text("salt"), Pepper::default()).unwrap()
    }

    #[test]
    fn stored_credentials_log_in_and_the_rest_of_the_file_stays() {
        let (folder, path) = folder_with(CONFIG);
        assert_eq!(set(&path).unwrap(), Saved::Updated);
        assert!(verifier(&path).verify("jürgen", "sécret"));
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# mine\r\n[testbench-defect-service]\r\n"));
        assert!(text.ends_with("\r\nport = 8030 # keep\r\n"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn every_run_has_its_own_salt() {
        let (_folder, path) = folder_with(CONFIG);
        set(&path).unwrap();
        let first = fs::read_to_string(&path).unwrap();
        set(&path).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), first);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_for_its_owner_only_an_old_one_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (folder, path) = folder_with(CONFIG);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        set(&path).unwrap();
        assert_eq!(mode(&path), 0o640);

        let new = folder.path().join("new.toml");
        assert_eq!(set(&new).unwrap(), Saved::Created);
        assert_eq!(mode(&new), 0o600);
        assert!(fs::read_to_string(&new).unwrap().starts_with("[testbench-defect-service]\npassword_hash = \""));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_points_to_changes() {
        let (folder, path) = folder_with(CONFIG);
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink("config.toml", &link).unwrap();
        set(&link).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("config.toml"));
        assert_ne!(fs::read_to_string(&path).unwrap(), CONFIG);

        let dangling = folder.path().join("dangling.toml");
        std::os::unix::fs::symlink("later.toml", &dangling).unwrap();
        assert_eq!(set(&dangling).unwrap(), Saved::Created);
        assert!(folder.path().join("later.toml").is_file());

        let circle = folder.path().join("circle.toml");
        std::os::unix::fs::symlink("circle.toml", &circle).unwrap();
        assert!(matches!(set(&circle), Err(SetCredentialsError::Read { .. })));
    }

    #[test]
    fn a_broken_file_is_left_alone_and_its_secrets_stay_out_of_the_message() {
        let broken = "[testbench-defect-service]\nsalt = \"hunter2\n";
        let (folder, path) = folder_with(broken);
        insta::assert_snapshot!(shown(folder.path(), &set(&path).unwrap_err()), @r#"
        `[folder]/config.toml` is not valid TOML: line 2, column 16: invalid basic string, expected `"`
        hint: correct this line, then run the command again
        "#);
        assert_eq!(fs::read_to_string(&path).unwrap(), broken);
    }

    #[test]
    fn other_faults_name_the_file_and_the_remedy() {
        let (folder, path) = folder_with("testbench-defect-service = 1");
        insta::assert_snapshot!(shown(folder.path(), &set(&path).unwrap_err()), @r"
        `testbench-defect-service` in `[folder]/config.toml` has to be a table, found integer
        hint: correct this key, then run the command again
        ");
        fs::write(&path, [0xff]).unwrap();
        insta::assert_snapshot!(shown(folder.path(), &set(&path).unwrap_err()), @r"
        cannot read `[folder]/config.toml`
        hint: the file has to be UTF-8 text that you may read
        ");
        fs::write(&path, CONFIG).unwrap();
        let mut permissions = fs::metadata(&path).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&path, permissions).unwrap();
        insta::assert_snapshot!(shown(folder.path(), &set(&path).unwrap_err()), @r"
        `[folder]/config.toml` is read-only
        hint: make the file writable, or run the command as the user who owns it
        ");
        let no_folder = folder.path().join("nowhere/config.toml");
        insta::assert_snapshot!(shown(folder.path(), &set(&no_folder).unwrap_err()), @r"
        cannot write `[folder]/nowhere/config.toml`
        hint: the folder has to be writable and to have space for a second file
        ");
    }

    #[test]
    fn credentials_that_cannot_log_in_are_refused() {
        let path = Path::new("never-written.toml");
        let refused = |username, password| set_credentials(path, username, password, &Pepper::default()).unwrap_err();
        insta::assert_snapshot!(refused("a:b", "c"), @"a user name must not contain a colon");
        insta::assert_snapshot!(refused("", "c"), @"the user name must not be empty");
        insta::assert_snapshot!(refused("a", ""), @"the password must not be empty");
        assert!(!path.exists());
    }
}
