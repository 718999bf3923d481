//! What is sent.

use std::fmt;
use std::fs::File;
use std::time::Instant;

use serde_json::Value;

use super::Target;
use crate::auth::Credentials;

/// The methods that Jira's API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// As it is written in a request.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What goes with a request. No `Debug`: a body may hold secrets.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    /// Nothing.
    Empty,
    /// `application/json`.
    Json(&'a Value),
    /// `application/x-www-form-urlencoded`.
    Form(&'a [(&'a str, &'a str)]),
    /// `multipart/form-data` with one part `file`, as attachments want it. Read from its beginning in
    /// every try, never as a whole into memory.
    File {
        /// The name that Jira shows.
        name: &'a str,
        /// The open file: what is sent is what was checked, whatever happens to its path meanwhile.
        content: &'a File,
    },
}

/// One request to Jira.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) target: Target,
    pub(crate) body: Body<'a>,
    /// True when doing it twice is the same as doing it once: it is repeated after a lost connection or a 5xx.
    pub(crate) idempotent: bool,
    pub(crate) credentials: &'a Credentials,
    /// When the caller's time ends: no try, no wait and no reading goes beyond it.
    pub(crate) deadline: Instant,
}

impl<'a> Request<'a> {
    /// A `GET`, which is idempotent.
    pub(crate) fn get(target: Target, credentials: &'a Credentials, deadline: Instant) -> Self {
        Self { method: Method::Get, target, body: Body::Empty, idempotent: true, credentials, deadline }
    }

    /// A request that is not repeated when nobody knows whether it was done.
    pub(crate) fn write(
        method: Method,
        target: Target,
        body: Body<'a>,
        credentials: &'a Credentials,
        deadline: Instant,
    ) -> Self {
        Self { method, target, body, idempotent: false, credentials, deadline }
    }

    /// Says that it may be repeated: a search by `POST`, a `PUT` of fields.
    #[must_use]
    pub(crate) fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }
}
