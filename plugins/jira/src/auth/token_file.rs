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
    python_cache: PathBuf,
}

/// A refresh token that may be good.
pub(super) struct Candidate {
    pub(super) token: String,
    /// It is in our own file or in the configuration. The Python service's is not: once it was good, it is ours.
    pub(super) is_kept: bool,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    client_id: String,
    /// The token of the configuration that this one grew from: another one there is a new consent and wins.
    configured: Option<String>,
    refresh_token: String,
}

impl TokenFile {
    /// `python_cache`: where the Python service keeps its newest token.
    pub(super) fn new(path: PathBuf, client_id: String, configured: Option<Password>, python_cache: PathBuf) -> Self {
        Self { path, client_id, configured: configured.filter(|token| !token.is_empty()), python_cache }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn python_cache(&self) -> &Path {
        &self.python_cache
    }

    /// The tokens to try next, in this order: the file's, unless the configuration has got another one since it was
    /// written. Before there is any, the Python service's and then the configuration's: the first usually grew from
    /// the second, and whoever sends a token that was used already may end its whole chain.
    pub(super) fn candidates(&self) -> io::Result<Vec<Candidate>> {
        let configured = self.configured.as_ref().map(Password::reveal);
        let stored = match fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice::<Stored>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let is_first = stored.is_none();
        let ours = stored.filter(|stored| {
            stored.client_id == self.client_id && (configured.is_none() || stored.configured.as_deref() == configured)
        });
        let kept = ours.map(|stored| stored.refresh_token).or_else(|| configured.map(str::to_owned));
        let inherited = if is_first { self.of_python() } else { None };
        let inherited = inherited.filter(|token| kept.as_ref() != Some(token));
        let inherited = inherited.map(|token| Candidate { token, is_kept: false });
        Ok(inherited.into_iter().chain(kept.map(|token| Candidate { token, is_kept: true })).collect())
    }

    /// Nothing of it is ours: what cannot be read is not there.
    fn of_python(&self) -> Option<String> {
        let cache: toml::Table = fs::read_to_string(&self.python_cache).ok()?.parse().ok()?;
        let section = cache.get("oauth2").and_then(toml::Value::as_table).unwrap_or(&cache);
        let token = section.get("refresh_token")?.as_str()?;
        // What the Python service begins with.
        (!token.is_empty() && !token.starts_with("YOUR_")).then(|| token.to_owned())
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
        let (path, cache) = (folder.join("new/tokens.json"), folder.join("tmp/oauth2_tokens.toml"));
        TokenFile::new(path, client_id.to_owned(), configured.map(Password::new), cache)
    }

    fn tokens(file: &TokenFile) -> Vec<String> {
        file.candidates().unwrap().into_iter().map(|candidate| candidate.token).collect()
    }

    #[test]
    fn the_file_wins_until_the_configuration_changes() {
        let folder = tempfile::tempdir().unwrap();
        let first = file(folder.path(), "me", Some("a"));
        assert_eq!(tokens(&first), ["a"]);
        first.store("b").unwrap();
        for (client_id, configured, token) in [
            ("me", Some("a"), Some("b")),
            ("me", None, Some("b")),
            ("me", Some("new consent"), Some("new consent")),
            ("other", Some("a"), Some("a")),
            ("other", None, None),
        ] {
            let found = tokens(&file(folder.path(), client_id, configured));
            assert_eq!(found.first().map(String::as_str), token, "{client_id}");
        }
        fs::write(first.path(), "{").unwrap();
        assert_eq!(tokens(&first), ["a"]);
    }

    #[test]
    fn the_python_services_token_counts_until_there_is_one_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let put = |text: &str| {
            fs::create_dir_all(folder.path().join("tmp")).unwrap();
            fs::write(folder.path().join("tmp/oauth2_tokens.toml"), text).unwrap();
        };
        for (text, expected) in [
            ("[oauth2]\nrefresh_token = \"python\"\n", vec!["python", "a"]),
            ("refresh_token = \"python\"", vec!["python", "a"]),
            ("[oauth2]\nrefresh_token = \"a\"", vec!["a"]),
            ("[oauth2]\nrefresh_token = \"YOUR_CURRENT_REFRESH_TOKEN\"", vec!["a"]),
            ("[oauth2]\nrefresh_token = 5", vec!["a"]),
            ("no TOML", vec!["a"]),
        ] {
            put(text);
            assert_eq!(tokens(&file(folder.path(), "me", Some("a"))), expected, "{text}");
        }
        put("[oauth2]\nrefresh_token = \"python\"");
        let ours = file(folder.path(), "me", None);
        assert_eq!(tokens(&ours), ["python"]);
        ours.store("b").unwrap();
        assert_eq!(tokens(&ours), ["b"]);
        // A new consent after that is newer than what the Python service had.
        assert_eq!(tokens(&file(folder.path(), "me", Some("new consent"))), ["new consent"]);
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
