//! Which Jira a request talks to, and how that one writes links, dates and people.

use chrono::{DateTime, Utc};

/// Which product the fake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Jira Cloud: REST v3 with ADF, and v2 with plain text beside it.
    Cloud,
    /// Jira Data Center: REST v2.
    DataCenter,
}

/// The face that one request sees: product, version of the API, and the addresses in answers.
#[derive(Debug, Clone)]
pub(crate) struct Face {
    pub(crate) kind: Kind,
    /// 2 or 3.
    pub(crate) version: u8,
    /// What comes before `/rest/api` in `self`: the gateway's address for a request through it.
    pub(crate) base: String,
    /// The address that people use.
    pub(crate) site: String,
    /// The host of attachments' bytes, on Cloud another than the site.
    pub(crate) media: String,
    pub(crate) gateway: bool,
}

impl Face {
    pub(crate) fn cloud(&self) -> bool {
        self.kind == Kind::Cloud
    }

    /// Whether rich text is ADF here.
    pub(crate) fn adf(&self) -> bool {
        self.version == 3
    }

    pub(crate) fn link(&self, path: &str) -> String {
        format!("{}/rest/api/{}/{path}", self.base, self.version)
    }
}

/// `2024-01-31T12:34:56.789+0000`: not RFC 3339, the offset has no colon.
pub(crate) fn date(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}
