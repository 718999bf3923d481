use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A field of a request or of a configuration, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldError {
    /// Where: a dotted path such as `defect.status` or `defectIds.3`; `None` for the whole.
    pub field: Option<String>,
    /// What is wrong and what is expected. Never the value itself when it may be a secret.
    pub message: String,
}

impl FieldError {
    /// A fault of one field.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), message: message.into() }
    }
}

/// Why an operation failed.
///
/// The variant decides the HTTP status; the text is shown to the caller and written to the log, so
/// it holds no secret. Say what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no such project or defect. HTTP 404.
    #[error("{0}")]
    NotFound(String),
    /// The backend is read-only, or the user may not do this. HTTP 403.
    #[error("{0}")]
    Forbidden(String),
    /// The tracker refuses the credentials. HTTP 401.
    #[error("{0}")]
    Unauthorized(String),
    /// The caller must change the request. HTTP 400. From a constructor: the operator must change
    /// the configuration; the host shows each field at its line.
    #[error("{message}")]
    InvalidInput {
        /// One sentence about the whole.
        message: String,
        /// One entry for every field at fault.
        fields: Vec<FieldError>,
    },
    /// The tracker, its disk or the network does not answer; the same call may succeed later. HTTP 500.
    #[error("{0}")]
    Unavailable(String),
    /// A fault that no retry mends. HTTP 500.
    #[error("{0}")]
    Internal(String),
    /// The plugin does not have this operation. HTTP 501.
    #[error("{0}")]
    NotSupported(String),
}

impl ClientError {
    /// [`ClientError::NotFound`] with this text.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }

    /// [`ClientError::Forbidden`] with this text.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::Forbidden(message.into())
    }

    /// [`ClientError::Unauthorized`] with this text.
    pub fn unauthorized(message: impl Into<String>) -> Self {
        Self::Unauthorized(message.into())
    }

    /// [`ClientError::InvalidInput`] about the request as a whole.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self::InvalidInput { message: message.into(), fields: Vec::new() }
    }

    /// [`ClientError::InvalidInput`] about fields.
    #[must_use]
    pub fn invalid_fields(fields: Vec<FieldError>) -> Self {
        Self::InvalidInput { message: "Validation error".to_owned(), fields }
    }

    /// [`ClientError::Unavailable`] with this text.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(message.into())
    }

    /// [`ClientError::Internal`] with this text.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }

    /// [`ClientError::NotSupported`] with this text.
    pub fn not_supported(message: impl Into<String>) -> Self {
        Self::NotSupported(message.into())
    }
}
