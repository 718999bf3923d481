//! Why Jira did not do what it was asked.

use defect_plugin_api::ClientError;

use crate::transport::TransportError;

/// What went wrong with a request to Jira. The texts are for testers and operators: no secrets in them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JiraError {
    /// The credentials are wrong or expired.
    #[error("{0}")]
    Unauthorized(String),
    /// The user may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// It is not there, or the user may not see it.
    #[error("{0}")]
    NotFound(String),
    /// Jira refuses the request's content.
    #[error("{0}")]
    Refused(String),
    /// Jira does not answer, or not in a way that can be understood.
    #[error("{0}")]
    Unavailable(String),
    /// The answer to a change was lost: it may be done or not.
    #[error("{0}")]
    Unknown(String),
}

impl From<JiraError> for ClientError {
    fn from(error: JiraError) -> Self {
        let text = error.to_string();
        match error {
            JiraError::Unauthorized(_) => Self::Unauthorized(text),
            JiraError::Forbidden(_) => Self::Forbidden(text),
            JiraError::NotFound(_) => Self::NotFound(text),
            JiraError::Refused(_) => Self::invalid_input(text),
            JiraError::Unavailable(_) | JiraError::Unknown(_) => Self::Unavailable(text),
        }
    }
}

impl From<TransportError> for JiraError {
    fn from(error: TransportError) -> Self {
        let text = error.to_string();
        if error.may_be_done() {
            return Self::Unknown(text);
        }
        match error.status() {
            Some(401) => Self::Unauthorized(text),
            Some(403) => Self::Forbidden(text),
            Some(404) => Self::NotFound(text),
            Some(400 | 409 | 413 | 422) => Self::Refused(text),
            _ if matches!(error, TransportError::Login(_)) && !error.is_temporary() => Self::Unauthorized(text),
            _ => Self::Unavailable(text),
        }
    }
}
