//! What goes wrong with a request, and the status and body that it is answered with.
//!
//! The only place that knows status codes. Messages are for the caller: they hold no secret and none
//! of the host's inside, which the log has.

use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{Operation, Response as DocumentedResponse, StatusCode as DocumentedStatus};
use aide::operation::OperationOutput;
use axum::Json;
use axum::http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use defect_plugin_api::{ClientError, FieldError};
use schemars::JsonSchema;
use serde::Serialize;

use crate::hidden::masked;

/// Why a request is not answered with what it asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(super) enum ApiError {
    /// The plugin says so.
    #[error("{0}")]
    Client(ClientError),
    /// The body or a parameter is not as the API document wants it.
    #[error("Validation error")]
    Invalid(Vec<FieldError>),
    /// The body is no JSON, or something else about the request as a whole.
    #[error("{0}")]
    BadRequest(String),
    /// No or wrong credentials.
    #[error("{0}")]
    Unauthorized(String),
    /// Too many wrong credentials from one address; how long until the next may be tried.
    #[error("too many failed logins from your address; try again in {} s", seconds(.0))]
    TooManyLogins(Duration),
    /// No such route.
    #[error("Requested URL {0} not found")]
    NoRoute(String),
    /// The route has other methods.
    #[error("Method {0} not allowed for URL {1}")]
    WrongMethod(Method, String),
    /// The body is over the limit.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// The body did not arrive in time.
    #[error("the body did not arrive in time")]
    SlowBody,
    /// The plugin panicked.
    #[error("plugin `{plugin}` failed in `{operation}`; the host's log says where")]
    Panicked {
        /// Its crate name.
        plugin: String,
        /// What it was asked.
        operation: &'static str,
    },
    /// The plugin's process ended during the call.
    #[error(
        "plugin `{plugin}` ended while it ran `{operation}`: what was asked may be done or not. The host's log says why; the plugin is started again"
    )]
    PluginEnded {
        /// Its crate name.
        plugin: String,
        /// What it was asked.
        operation: &'static str,
    },
    /// The plugin's process has ended, and there is no other one yet.
    #[error("plugin `{0}` has ended and is being started again; the host's log says why")]
    PluginDown(String),
    /// The plugin did not answer in time.
    #[error("plugin `{plugin}` did not answer `{operation}` within {seconds} s")]
    TimedOut {
        /// Its crate name.
        plugin: String,
        /// What it was asked.
        operation: &'static str,
        /// The limit.
        seconds: f64,
    },
    /// All calls of the plugin are taken, or too many credentials are being checked.
    #[error("too many requests are waiting; try again later")]
    Busy,
    /// The backend says that it is not ready.
    #[error("the backend does not accept the plugin's login; see `/check-login` and the log")]
    NotReady,
    /// The host's own fault.
    #[error("The application encountered an unexpected error and could not continue.")]
    Host,
}

/// Whole seconds, rather too many than too few.
fn seconds(wait: &Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

/// The body of every answer that is an error.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(super) struct ErrorBody {
    /// The status' reason phrase.
    pub description: String,
    /// The status.
    pub status: u16,
    /// What is wrong.
    pub message: String,
    /// One entry for every field at fault.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<FieldError>,
}

impl ApiError {
    /// The status that says so.
    #[must_use]
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Client(error) => match error {
                ClientError::NotFound(_) => StatusCode::NOT_FOUND,
                ClientError::Forbidden(_) => StatusCode::FORBIDDEN,
                ClientError::Unauthorized(_) => StatusCode::UNAUTHORIZED,
                ClientError::InvalidInput { .. } => StatusCode::BAD_REQUEST,
                ClientError::NotSupported(_) => StatusCode::NOT_IMPLEMENTED,
                // The API's callers know 500 for a backend that does not answer, too.
                _ => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Self::Invalid(_) | Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::TooManyLogins(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoRoute(_) => StatusCode::NOT_FOUND,
            Self::WrongMethod(..) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::Panicked { .. } | Self::Host => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TimedOut { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::PluginEnded { .. } => StatusCode::BAD_GATEWAY,
            Self::Busy | Self::NotReady | Self::PluginDown(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn body(&self) -> ErrorBody {
        let status = self.status();
        let mut errors = match self {
            Self::Invalid(fields) | Self::Client(ClientError::InvalidInput { fields, .. }) => fields.clone(),
            _ => Vec::new(),
        };
        // Texts of the plugin's, which may quote its configuration.
        let masked = |text: String| masked(text.into()).into_owned();
        for error in &mut errors {
            error.message = masked(std::mem::take(&mut error.message));
        }
        ErrorBody {
            description: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            message: masked(self.to_string()),
            errors,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Client(error @ (ClientError::Unavailable(_) | ClientError::Internal(_))) = &self {
            tracing::error!("the plugin reports: {error}");
        }
        let mut response = (self.status(), Json(self.body())).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized(_) => {
                headers.insert(
                    WWW_AUTHENTICATE,
                    HeaderValue::from_static("Basic realm=\"defect-host\", charset=\"UTF-8\""),
                );
            }
            Self::TooManyLogins(wait) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds(&wait)));
            }
            Self::Busy | Self::NotReady | Self::PluginDown(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            // axum adds the methods themselves when the header is absent.
            Self::WrongMethod(..) => {
                headers.remove(ALLOW);
            }
            _ => {}
        }
        response
    }
}

impl OperationOutput for ApiError {
    type Inner = ErrorBody;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<DocumentedResponse> {
        let mut response = Json::<ErrorBody>::operation_response(ctx, operation)?;
        "an error: what is wrong, where, and what to do".clone_into(&mut response.description);
        Some(response)
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<DocumentedStatus>, DocumentedResponse)> {
        Self::operation_response(ctx, operation).map(|response| (None, response)).into_iter().collect()
    }
}
