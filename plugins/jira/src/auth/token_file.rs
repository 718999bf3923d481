//! The file that keeps a rotated refresh token: the only one that is still good.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use defect_plugin_api::model::Password;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

/// A private file (mode 0600) beside nothing else of ours.
pub(super) struct TokenFile {
    path: PathBuf,
    client_id: String,
    configured: Option<Password>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    client_id: String,
    /// The token of the configuration that this one grew from: another one there is a new consent and wins.
    configured: Option<String>,
    refresh_token: String,
}

impl TokenFile {
    pub(super) fn new(path: PathBuf, client_id: String, configured: Option<Password>) -> Self {
        Self { path, client_id, configured: configured.filter(|token| !token.is_empty()) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The token to use next: the file's, unless the configuration has got another one since it was written.
    pub(super) fn current(&self) -> io::Result<Option<String>> {
        let configured = self.configured.as_ref().map(Password::reveal);
        let stored = match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice::<Stored>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let ours = stored.filter(|stored| {
            stored.client_id == self.client_id && (configured.is_none() || stored.configured.as_deref() == configured)
        });
        Ok(ours.map(|stored| stored.refresh_token).or_else(|| configured.map(str::to_owned)))
    }

    /// Makes the folder, and a file in it for a moment. The token's file itself is left alone: another process may be
    /// replacing it.
    pub(super) fn check_writable(&self) -> io::Result<()> {
        self.temporary().map(drop)
    }

    fn temporary(&self) -> io::Result<(NamedTempFile, &Path)> {
        let folder = match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder)?;
        Ok((NamedTempFile::with_prefix_in(".oauth2-", folder)?, folder)) // mode 0600
    }

    /// Puts a token in place in one step; when this returns it outlives a power cut.
    pub(super) fn store(&self, refresh_token: &str) -> io::Result<()> {
        let stored = Stored {
            client_id: self.client_id.clone(),
            configured: self.configured.as_ref().map(|token| token.reveal().to_owned()),
            refresh_token: refresh_token.to_owned(),
        };
        let (mut file, folder) = self.temporary()?;
        file.write_all(&serde_json::to_vec(&stored)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        sync_folder(folder)
    }
}

/// Makes the new name outlive a power cut. Windows opens no folders and needs no such step.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &Path, client_id: &str, configured: Option<&str>) -> TokenFile {
        TokenFile::new(folder.join("new/tokens.json"), client_id.to_owned(), configured.map(Password::new))
    }

    #[test]
    fn the_file_wins_until_the_configuration_changes() {
        let folder = tempfile::tempdir().unwrap();
        let first = file(folder.path(), "me", Some("a"));
        assert_eq!(first.current().unwrap().as_deref(), Some("a"));
        first.store("b").unwrap();
        for (client_id, configured, token) in [
            ("me", Some("a"), Some("b")),
            ("me", None, Some("b")),
            ("me", Some("new consent"), Some("new consent")),
            ("other", Some("a"), Some("a")),
            ("other", None, None),
        ] {
            assert_eq!(file(folder.path(), client_id, configured).current().unwrap().as_deref(), token, "{client_id}");
        }
        fs::write(first.path(), "{").unwrap();
        assert_eq!(first.current().unwrap().as_deref(), Some("a"));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_it_and_nothing_is_left_beside_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let tokens = file(folder.path(), "me", None);
        tokens.store("a").unwrap();
        fs::set_permissions(tokens.path(), fs::Permissions::from_mode(0o644)).unwrap();
        tokens.store("b").unwrap();
        assert_eq!(fs::metadata(tokens.path()).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(tokens.path().parent().unwrap()).unwrap().count(), 1);
    }
}
