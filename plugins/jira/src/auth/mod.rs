//! Logins: who we are for Jira, and how a request says so.

mod error;
mod oauth1;
mod oauth2;
#[cfg(test)]
mod tests;
mod token_file;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use defect_plugin_api::model::Password;

pub(crate) use self::error::LoginError;
pub(crate) use self::oauth1::Oauth1;
pub(crate) use self::oauth2::{Grant, OAuth2, OAuth2Config, TokenEndpoint};
use crate::transport::{Http, Method, TransportError};

/// Who sends a request.
#[derive(Clone)]
pub(crate) enum Credentials {
    /// Nobody: for what needs no login.
    #[cfg(test)]
    Anonymous,
    /// User and password (Data Center), or email and API token (Cloud). When Cloud refuses it at the site, the token is
    /// one with scopes and goes through Atlassian's gateway.
    Basic {
        /// Login name or email.
        username: String,
        /// Password or API token.
        password: Password,
    },
    /// A personal access token of Data Center.
    Bearer(Password),
    /// OAuth 1.0a: every request is signed.
    OAuth1(Arc<Oauth1>),
    /// OAuth 2.0 of either kind, with tokens that are renewed. On Cloud through Atlassian's gateway.
    OAuth2(Arc<OAuth2>),
}

/// What a login needs to know of the request it is for.
pub(crate) struct Signing<'a> {
    pub(crate) method: Method,
    /// The whole address, with the query.
    pub(crate) url: &'a str,
    pub(crate) deadline: Instant,
    pub(crate) http: &'a Http,
    pub(crate) tokens: &'a TokenEndpoint,
}

impl Credentials {
    /// The value of the `Authorization` header.
    pub(crate) fn header(&self, signing: &Signing<'_>) -> Result<Option<String>, TransportError> {
        let header = match self {
            #[cfg(test)]
            Self::Anonymous => return Ok(None),
            Self::Basic { username, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{}", password.reveal())))
            }
            Self::Bearer(token) => bearer(token.reveal()),
            Self::OAuth1(key) => key
                .authorization_now(signing.method.as_str(), signing.url)
                .map_err(|error| LoginError::NotSigned(error.to_string()))?,
            Self::OAuth2(tokens) => bearer(&tokens.access_token(signing)?),
        };
        if !header.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(LoginError::Unsendable.into());
        }
        Ok(Some(header))
    }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(test)]
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Basic { username, .. } => write!(f, "Basic({username}, ***)"),
            Self::Bearer(_) => f.write_str("Bearer(***)"),
            Self::OAuth1(_) => f.write_str("OAuth1(***)"),
            Self::OAuth2(_) => f.write_str("OAuth2(***)"),
        }
    }
}
