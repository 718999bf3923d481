//! Why there is no login.

/// Why there is no valid access token. Shared by all requests that waited for the same one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoginError {
    /// The user's consent has ended: only the user can renew it.
    #[error(
        "OAuth 2.0: `{place}` no longer takes the refresh token ({said}); give consent again and put the new token into \
         `oauth2_refresh_token`"
    )]
    ConsentNeeded { place: String, said: String },
    /// The application is unknown, or its secret is another.
    #[error("OAuth 2.0: `{place}` refuses the client ({said}); check `oauth2_client_id` and `oauth2_client_secret`")]
    ClientRefused { place: String, said: String },
    /// No usable answer; a later call asks again.
    #[error("OAuth 2.0: no access token: {said}")]
    Unavailable { said: String },
    /// The new refresh token is kept in memory only, so the access token that came with it is not used yet.
    #[error(
        "OAuth 2.0: cannot store the new refresh token in `{path}`: {reason}; make the folder writable and the disk not \
         full before this process ends, else consent is needed again"
    )]
    NotStored { path: String, reason: String },
    /// The request cannot be signed.
    #[error("OAuth 1.0a: {0}")]
    NotSigned(String),
    /// A character that no header can hold.
    #[error("the token holds a line end or another character that no token has; copy it again")]
    Unsendable,
}

impl LoginError {
    /// True when a later call may succeed without anybody changing anything.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
