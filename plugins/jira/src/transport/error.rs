//! Why a request has no usable answer.

use std::io;

use super::Refusal;
use crate::auth::LoginError;

/// Why a request has no usable answer. Every text names method and path (never the query), what happened and what to
/// do; none holds a header, a token or a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransportError {
    /// An answer that is no success; see its status and messages.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// Nothing was sent: no such host, nobody listens, a proxy refuses.
    #[error("`{call}`: cannot reach `{place}`: {reason}; check `server_url`, `proxy_url` and the network")]
    Unreachable { call: String, place: String, reason: String },
    /// No connection that can be trusted. Nothing was sent.
    #[error("`{call}`: no secure connection to `{place}`: {reason}")]
    Tls { call: String, place: String, reason: String },
    /// The connection ended before the whole answer came, of a request that changes nothing when repeated.
    #[error("`{call}`: the connection to `{place}` was lost: {reason}; try later")]
    Lost { call: String, place: String, reason: String },
    /// The connection ended after a request that must not be repeated blindly was sent.
    #[error(
        "`{call}`: the connection to `{place}` was lost after the request was sent: {reason}; look in Jira whether it \
         was done before you repeat it"
    )]
    Unknown { call: String, place: String, reason: String },
    /// The caller's time was over before anything was sent.
    #[error(
        "`{call}`: no time was left to ask `{place}`; try later, or raise `time_limit` and the host's \
         `call_timeout`"
    )]
    OutOfTime { call: String, place: String },
    /// More than we take.
    #[error("`{call}`: the answer is larger than {limit} bytes; ask for less at once")]
    TooLarge { call: String, limit: u64 },
    /// A success with something else than JSON: a login page, a proxy's page, a cut text.
    #[error("`{call}`: the answer is not JSON but {what}; check `server_url`, `proxy_url` and the login")]
    NotJson { call: String, what: String },
    /// Sent elsewhere in a way that is not followed.
    #[error("`{call}`: redirected to `{to}`, which is not followed; set `server_url` to the address that Jira has now")]
    Redirected { call: String, to: String },
    /// No valid access token.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// No resource can have such a name.
    #[error("`{segment}` names nothing in Jira")]
    BadTarget { segment: String },
    /// The file to upload cannot be read.
    #[error("`{call}`: cannot read the attachment's file: {source}")]
    File { call: String, source: io::Error },
}

impl TransportError {
    /// The status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// The answer that is no success, if there was one.
    pub(crate) fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// True when a request that must not be repeated blindly may have been done: look before repeating it.
    pub(crate) fn may_be_done(&self) -> bool {
        matches!(self, Self::Unknown { .. }) || self.refusal().is_some_and(|refusal| refusal.may_be_done)
    }

    /// True when the same request may succeed later without anybody changing anything.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::Refused(refusal) => refusal.status == 429 || refusal.status >= 500,
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Unknown { .. } | Self::OutOfTime { .. } => true,
            Self::Login(error) => error.is_temporary(),
            _ => false,
        }
    }
}
