//! How Jira is reached.

use std::path::PathBuf;
use std::time::Duration;

use defect_plugin_api::model::Password;

use super::BaseUrl;

/// Where Atlassian's API gateway is.
pub(crate) const GATEWAY: &str = "https://api.atlassian.com/ex/jira";
/// Where Atlassian gives out OAuth 2.0 tokens for Cloud.
pub(crate) const CLOUD_TOKENS: &str = "https://auth.atlassian.com/oauth/token";

/// How Jira is reached, in the terms of the configuration's options.
#[derive(Debug, Clone)]
pub(crate) struct TransportConfig {
    /// `server_url`.
    pub(crate) site: BaseUrl,
    /// Atlassian's gateway, without the cloud id: `cloud_gateway_url`, else [`GATEWAY`].
    pub(crate) gateway: BaseUrl,
    /// Cloud's token endpoint: `cloud_token_url`, else [`CLOUD_TOKENS`].
    pub(crate) cloud_tokens: BaseUrl,
    /// False: any certificate is taken. The caller warns about it.
    pub(crate) verify_ssl: bool,
    /// PEM file of authorities that are trusted besides the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// PEM files of this client's certificate (its chain first to last) and its private key.
    pub(crate) client_certificate: Option<ClientCertificate>,
    pub(crate) proxy: ProxySetting,
    /// Longest time to connect, and longest silence while reading or writing.
    pub(crate) timeout: Duration,
    /// How often a request is repeated at most.
    pub(crate) max_retries: u32,
    /// Largest answer that is read into memory, in bytes, after decompression.
    pub(crate) max_answer: u64,
}

impl TransportConfig {
    /// The defaults of the configuration's options for one Jira.
    pub(crate) fn new(site: BaseUrl) -> Self {
        #[expect(clippy::expect_used, reason = "two constants, which a test reads")]
        let known = |text| BaseUrl::parse(text).expect("a constant");
        Self {
            site,
            gateway: known(GATEWAY),
            cloud_tokens: known(CLOUD_TOKENS),
            verify_ssl: true,
            ca_file: None,
            client_certificate: None,
            proxy: ProxySetting::Environment,
            timeout: Duration::from_secs(30),
            max_retries: 3,
            max_answer: 64 * 1024 * 1024,
        }
    }
}

/// The files that prove who this client is.
#[derive(Debug, Clone)]
pub(crate) struct ClientCertificate {
    /// `client_cert_path`.
    pub(crate) certificate: PathBuf,
    /// `client_key_path`; without it the key is in the certificate's file.
    pub(crate) key: Option<PathBuf>,
}

/// Which proxy is used. Plain http goes through a tunnel (`CONNECT`) as well.
#[derive(Debug, Clone)]
pub(crate) enum ProxySetting {
    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, as the Python service does.
    Environment,
    /// None, whatever the environment says.
    Direct,
    /// `proxy_url`, which may hold a user and a password.
    Url(Password),
}

/// A part of the configuration that no connection can be made with.
#[derive(Debug, thiserror::Error)]
#[error("`{option}`: {reason}")]
pub(crate) struct ConfigFault {
    /// The option's name.
    pub(crate) option: &'static str,
    /// What is wrong and what to do.
    pub(crate) reason: String,
}

impl ConfigFault {
    pub(super) fn new(option: &'static str, reason: impl Into<String>) -> Self {
        Self { option, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_hold_addresses() {
        let config = TransportConfig::new(BaseUrl::parse("https://x.atlassian.net").unwrap());
        assert_eq!(config.gateway.as_str(), GATEWAY);
        assert_eq!(config.cloud_tokens.as_str(), CLOUD_TOKENS);
    }
}
