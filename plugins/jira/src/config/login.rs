//! From the configuration to logins.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use defect_plugin_api::model::{Login, Password};
use defect_plugin_api::{ClientError, FieldError};

use super::{AuthType, JiraConfig};
use crate::auth::{Credentials, Grant, OAuth2, OAuth2Config, Oauth1};
use crate::model::Project;
use crate::transport::ConfigFault;

/// Where the Python service keeps its newest refresh token, in the working directory.
const PYTHON_CACHE: &str = "tmp/oauth2_tokens.toml";

impl JiraConfig {
    /// How the plugin itself logs in. [`JiraConfig::completed`] has looked that all of it is there.
    ///
    /// # Errors
    /// [`ClientError::InvalidInput`] for a private key or a token's file that cannot be used.
    pub(crate) fn credentials(&self) -> Result<Credentials, ClientError> {
        let fault = |field: &str, message: String| ClientError::invalid_fields(vec![FieldError::new(field, message)]);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let secret = |secret: &Option<Password>| secret.clone().unwrap_or_default();
        Ok(match self.auth_type {
            AuthType::Basic => Credentials::Basic { username: text(&self.username), password: secret(&self.password) },
            AuthType::Token => Credentials::Bearer(secret(&self.token)),
            AuthType::OAuth | AuthType::OAuth1 => {
                let (field, key) = match &self.oauth1_key_cert_path {
                    Some(path) => {
                        let field = "oauth1_key_cert_path";
                        let key = std::fs::read_to_string(path);
                        let unread = |error| fault(field, format!("`{}` cannot be read: {error}", path.display()));
                        (field, Password::new(key.map_err(unread)?))
                    }
                    None => ("oauth1_key_cert", secret(&self.oauth1_key_cert)),
                };
                let (consumer, token) =
                    (text(&self.oauth1_consumer_key), secret(&self.oauth1_access_token).reveal().to_owned());
                let signing = Oauth1::new(consumer, token, key.reveal());
                Credentials::OAuth1(Arc::new(signing.map_err(|error| fault(field, error.to_string()))?))
            }
            AuthType::OAuth2ServiceAccount | AuthType::OAuth2ServiceAccountInFull => {
                self.oauth2(Grant::ClientCredentials)?
            }
            AuthType::OAuth2User | AuthType::OAuth2UserInFull => {
                let file = self.oauth2_token_path.clone().unwrap_or_else(|| "jira-oauth2-token.json".into());
                let configured = self.oauth2_refresh_token.clone();
                self.oauth2(Grant::RefreshToken { configured, file, python_cache: PYTHON_CACHE.into() })?
            }
        })
    }

    fn oauth2(&self, grant: Grant) -> Result<Credentials, ClientError> {
        let ends = self.oauth2_expires_at.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let tokens = OAuth2::new(OAuth2Config {
            client_id: self.oauth2_client_id.clone().unwrap_or_default(),
            client_secret: self.oauth2_client_secret.clone().unwrap_or_default(),
            grant,
            scope: Some(self.oauth2_scope.clone().unwrap_or_else(|| "WRITE".to_owned())),
            redirect_uri: None,
            access_token: self.oauth2_access_token.clone().zip(ends),
        });
        let fault = |error: ConfigFault| ClientError::invalid_fields(vec![FieldError::new(error.option, error.reason)]);
        Ok(Credentials::OAuth2(Arc::new(tokens.map_err(fault)?)))
    }

    /// How to log in as the user whom a test-management tool names; `None` when that is not wanted.
    pub(crate) fn credentials_of(&self, project: &Project, principal: &Login) -> Option<Credentials> {
        let shared = self.of(project, |own| own.enable_shared_auth.as_ref()).or(self.enable_shared_auth.as_ref());
        match self.auth_type {
            _ if shared != Some(&false) => None,
            AuthType::Basic => {
                Some(Credentials::Basic { username: principal.username.clone(), password: principal.password.clone() })
            }
            AuthType::Token => Some(Credentials::Bearer(principal.password.clone())),
            // Nobody else can log in with the plugin's own key or consent.
            _ => None,
        }
    }
}
