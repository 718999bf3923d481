//! Files that a defect refers to, attached to its issue.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Call;
use crate::auth::Credentials;

impl Call<'_> {
    /// Attaches the files among the references that the issue does not have yet; links are left alone. What could not
    /// be attached, in sentences. `attached` is the issue's own list.
    pub(super) fn attach(
        &self,
        key: &str,
        references: &[String],
        attached: &Value,
        login: Option<&Credentials>,
    ) -> Vec<String> {
        let files = references.iter().filter(|reference| !reference.contains("://") && !reference.is_empty());
        let attach = |reference: &String| {
            let (path, name) = self.allowed_file(reference)?;
            let unread = |error: std::io::Error| error.to_string();
            let content = File::open(&path).map_err(unread)?;
            let size = content.metadata().map_err(unread)?.len();
            let is_it = |known: &Value| known["filename"] == name.as_str() && known["size"] == size;
            if attached.as_array().is_some_and(|attached| attached.iter().any(is_it)) {
                return Ok(());
            }
            self.jira.attach(key, &name, &content, login).map_err(|error| error.to_string())
        };
        let failed = files.filter_map(|reference| {
            let why = attach(reference).err()?;
            Some(format!("the file `{reference}` was not attached: {why}"))
        });
        failed.collect()
    }

    /// The path comes from the network: only a file in the configured folder, behind all links, is taken.
    fn allowed_file(&self, reference: &str) -> Result<(PathBuf, String), String> {
        let folder = self.config.attachments_dir.as_deref();
        let folder = folder.ok_or("`attachments_dir` is not set, so no file may be attached")?;
        let folder = folder.canonicalize().map_err(|error| format!("`attachments_dir` cannot be read: {error}"))?;
        let path = folder.join(Path::new(reference)).canonicalize();
        // One answer for all files outside: nobody learns which are there.
        let path = path.ok().filter(|path| path.starts_with(&folder) && path.is_file());
        let path = path.ok_or("there is no such file in `attachments_dir`")?;
        let name = path.file_name().and_then(|name| name.to_str()).ok_or("its name is not Unicode")?.to_owned();
        Ok((path, name))
    }
}
