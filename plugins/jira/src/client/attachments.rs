//! Files that a defect refers to, attached to its issue; and attachments that it no longer refers to.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use defect_plugin_api::model::Timestamp;
use serde_json::Value;

use super::Call;
use crate::api::JiraError;
use crate::auth::Credentials;
use crate::mapping::{attachment_link, issue_link, text_of};

/// What a defect refers to, and what its issue has.
pub(super) struct Attaching<'a> {
    pub(super) key: &'a str,
    pub(super) references: &'a [String],
    /// The issue's own list.
    pub(super) attached: &'a Value,
    /// When the tool has seen the issue last.
    pub(super) last_sync: Option<Timestamp>,
    pub(super) login: Option<&'a Credentials>,
}

impl Attaching<'_> {
    /// The references that are files; links are left alone.
    fn files(&self) -> impl Iterator<Item = &str> {
        let references = self.references.iter().map(String::as_str);
        references.filter(|reference| !reference.contains("://") && !reference.is_empty())
    }

    fn attached(&self) -> impl Iterator<Item = &Value> {
        self.attached.as_array().into_iter().flatten()
    }
}

/// Whether an attachment was there at a time, by its own date.
fn is_older(attachment: &Value, time: SystemTime) -> bool {
    let created = attachment["created"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    created.is_some_and(|created| SystemTime::from(created.to_chrono()) < time)
}

impl Call<'_> {
    /// Attaches the files that the issue does not have yet, and with `remove_attachments` takes off what the defect
    /// no longer refers to. What could not be done, in sentences.
    pub(super) fn attach(&self, attaching: &Attaching<'_>) -> Vec<String> {
        let mut failed = Vec::new();
        // Those that are files of ours, and the names of those that were attached now.
        let (mut kept, mut renewed) = (Vec::new(), Vec::new());
        for reference in attaching.files() {
            match self.attach_file(reference, attaching) {
                Ok((_, Some(same))) => kept.push(same),
                Ok((name, None)) => renewed.push(name),
                Err(why) => failed.push(format!("the file `{reference}` was not attached: {why}")),
            }
        }
        if self.config.remove_attachments {
            let others = attaching.attached().filter(|attachment| !kept.contains(attachment));
            for attachment in others.filter(|attachment| self.is_gone(attachment, attaching, &renewed)) {
                let (id, name) = (text_of(&attachment["id"]), text_of(&attachment["filename"]));
                match self.jira.detach(&id, attaching.login) {
                    Ok(()) => tracing::info!(id = attaching.key, "removed the attachment `{name}`"),
                    Err(error) => failed.push(format!("the attachment `{name}` was not removed: {error}")),
                }
            }
        }
        failed
    }

    /// The file's name, and which attachment it is when the issue has it already.
    fn attach_file<'a>(
        &self,
        reference: &str,
        attaching: &'a Attaching<'_>,
    ) -> Result<(String, Option<&'a Value>), String> {
        let (path, name) = self.allowed_file(reference)?;
        let unread = |error: std::io::Error| error.to_string();
        let content = File::open(&path).map_err(unread)?;
        let about = content.metadata().map_err(unread)?;
        for known in attaching.attached() {
            if known["filename"] == name.as_str() && known["size"] == about.len() {
                let is_newer = about.modified().is_ok_and(|time| is_older(known, time));
                // The two clocks may differ, and a file may be written anew with what it had.
                if !is_newer || self.has_content(known, &content, attaching.login).unwrap_or(false) {
                    return Ok((name, Some(known)));
                }
            }
        }
        self.jira.attach(attaching.key, &name, &content, attaching.login).map_err(|error| error.to_string())?;
        Ok((name, None))
    }

    fn has_content(&self, attachment: &Value, mut file: &File, login: Option<&Credentials>) -> Result<bool, JiraError> {
        let theirs = self.jira.attachment(attachment, login)?;
        let mut ours = Vec::with_capacity(theirs.len());
        let read = file.rewind().and_then(|()| file.take(theirs.len() as u64 + 1).read_to_end(&mut ours));
        Ok(read.is_ok() && ours == theirs)
    }

    /// Whether an attachment that is no file of ours is to be removed: it is an older version of one that was attached
    /// now, or the tool had it and does not refer to it any more.
    fn is_gone(&self, attachment: &Value, attaching: &Attaching<'_>, renewed: &[String]) -> bool {
        let Attaching { key, references, last_sync, .. } = attaching;
        let refers_to = |link: &str| references.iter().any(|reference| reference == link);
        let site = self.jira.site();
        if refers_to(&attachment_link(site, attachment)) || refers_to(&text_of(&attachment["content"])) {
            return false;
        }
        let name = text_of(&attachment["filename"]);
        let is_file =
            attaching.files().any(|path| Path::new(path).file_name().is_some_and(|last| last == name.as_str()));
        if is_file {
            return renewed.contains(&name);
        }
        // A tool that keeps references gives the issue's own link back. Of another one nothing can be concluded, nor of
        // what was attached since it has read the issue.
        let was_there = last_sync.is_some_and(|time| is_older(attachment, time.to_chrono().into()));
        was_there && refers_to(&issue_link(site, key))
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
