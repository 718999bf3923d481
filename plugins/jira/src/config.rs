//! The plugin's configuration: what stands in `client_config`, and the environment where it has nothing.

mod login;

use std::path::PathBuf;
use std::time::Duration;

use defect_plugin_api::model::Password;
use defect_plugin_api::{ClientError, FieldError, PhaseCommands, ProjectOverrides, unusable_sync_commands};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::jql::Query;
use crate::model::Project;
use crate::transport::{BaseUrl, ClientCertificate, ProxySetting, TransportConfig};

/// Defects in Jira Cloud or Jira Data Center.
///
/// Of the credentials, those of `auth_type` are needed, here or in the environment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JiraConfig {
    /// The name that test-management tools show. Default: `Jira`.
    #[serde(default = "default_name")]
    pub name: String,
    /// The address of Jira, such as `https://your-company.atlassian.net` or `https://jira.example/jira`. Required.
    pub server_url: String,
    /// How the plugin logs in. `basic`: `username` and `password` (on Cloud an API token). `token`: a personal access
    /// token of Data Center. `oauth1`: OAuth 1.0a, with a private key. `oauth2 2LO`: OAuth 2.0 as a service account.
    /// `oauth2 3LO`: OAuth 2.0 as a user who gave consent. Default: `basic`.
    #[serde(default)]
    #[schemars(extend("ask" = 1, "default" = "basic"))]
    pub auth_type: AuthType,
    /// For `basic`: the user, on Cloud the e-mail address. Default: the environment variable `JIRA_USERNAME`.
    #[schemars(extend("ask" = 2, "env_var" = "JIRA_USERNAME", "depends_on" = logins(&["basic"])))]
    pub username: Option<String>,
    /// For `basic`: the password, on Cloud an API token. Default: the environment variable `JIRA_PASSWORD`.
    #[schemars(extend("ask" = 3, "env_var" = "JIRA_PASSWORD", "depends_on" = logins(&["basic"])))]
    pub password: Option<Password>,
    /// For `token`: the personal access token. Default: the environment variable `JIRA_BEARER_TOKEN`.
    #[schemars(extend("ask" = 2, "env_var" = "JIRA_BEARER_TOKEN", "depends_on" = logins(&["token"])))]
    pub token: Option<Password>,
    /// For `oauth1`: the consumer key. Default: the environment variable `JIRA_OAUTH1_CONSUMER_KEY`.
    #[schemars(extend("ask" = 2, "env_var" = "JIRA_OAUTH1_CONSUMER_KEY", "depends_on" = logins(OAUTH1)))]
    pub oauth1_consumer_key: Option<String>,
    /// For `oauth1`: the access token. Default: the environment variable `JIRA_OAUTH1_ACCESS_TOKEN`.
    #[schemars(extend("ask" = 3, "env_var" = "JIRA_OAUTH1_ACCESS_TOKEN", "depends_on" = logins(OAUTH1)))]
    pub oauth1_access_token: Option<Password>,
    /// Known from the Python service and without effect: requests are signed with the private key.
    #[schemars(extend("depends_on" = logins(OAUTH1)))]
    pub oauth1_access_token_secret: Option<Password>,
    /// For `oauth1`: the PEM file of the private key. Default: the environment variable `JIRA_OAUTH1_KEY_CERT_PATH`.
    #[schemars(extend("ask" = 4, "env_var" = "JIRA_OAUTH1_KEY_CERT_PATH", "depends_on" = logins(OAUTH1)))]
    pub oauth1_key_cert_path: Option<PathBuf>,
    /// For `oauth1`: the private key itself, in PEM. Default: the environment variable `JIRA_OAUTH1_KEY_CERT`.
    #[schemars(extend("env_var" = "JIRA_OAUTH1_KEY_CERT", "depends_on" = logins(OAUTH1)))]
    pub oauth1_key_cert: Option<Password>,
    /// For `oauth2`: the application's id. Default: the environment variable `JIRA_OAUTH2_CLIENT_ID`.
    #[schemars(extend("ask" = 2, "env_var" = "JIRA_OAUTH2_CLIENT_ID", "depends_on" = logins(OAUTH2)))]
    pub oauth2_client_id: Option<String>,
    /// For `oauth2`: the application's secret. Default: the environment variable `JIRA_OAUTH2_CLIENT_SECRET`.
    #[schemars(extend("ask" = 3, "env_var" = "JIRA_OAUTH2_CLIENT_SECRET", "depends_on" = logins(OAUTH2)))]
    pub oauth2_client_secret: Option<Password>,
    /// For `oauth2 3LO`: the refresh token that the consent gave. Default: the environment variable
    /// `JIRA_OAUTH2_REFRESH_TOKEN`.
    #[schemars(extend("ask" = 4, "env_var" = "JIRA_OAUTH2_REFRESH_TOKEN", "depends_on" = logins(OAUTH2_USER)))]
    pub oauth2_refresh_token: Option<Password>,
    /// For `oauth2 3LO`: an access token that is still good. Default: the environment variable
    /// `JIRA_OAUTH2_ACCESS_TOKEN`, else none: one is asked for.
    #[schemars(extend("env_var" = "JIRA_OAUTH2_ACCESS_TOKEN", "depends_on" = logins(OAUTH2_USER)))]
    pub oauth2_access_token: Option<Password>,
    /// When `oauth2_access_token` ends, in seconds since 1970. Default: the environment variable
    /// `JIRA_OAUTH2_EXPIRES_AT`.
    #[schemars(extend("env_var" = "JIRA_OAUTH2_EXPIRES_AT", "depends_on" = logins(OAUTH2_USER)))]
    pub oauth2_expires_at: Option<u64>,
    /// For `oauth2 3LO`: the private file in which the newest refresh token is kept: each one is good once.
    /// As long as it is not there, the login goes on with the one in the Python service's `tmp/oauth2_tokens.toml`.
    /// Default: `jira-oauth2-token.json` in the working directory.
    #[schemars(extend("depends_on" = logins(OAUTH2_USER)))]
    pub oauth2_token_path: Option<PathBuf>,
    /// For `oauth2` with Data Center: what the tokens may be used for. Default: `WRITE`.
    #[schemars(extend("depends_on" = logins(OAUTH2)))]
    pub oauth2_scope: Option<String>,
    /// Atlassian's gateway, through which Cloud takes OAuth 2.0 and API tokens with scopes. Another one for Atlassian
    /// Government Cloud. Default: `https://api.atlassian.com/ex/jira`.
    pub cloud_gateway_url: Option<String>,
    /// Where Atlassian gives out OAuth 2.0 tokens for Cloud. Another place for Atlassian Government Cloud.
    /// Default: `https://auth.atlassian.com/oauth/token`.
    pub cloud_token_url: Option<String>,
    /// Whether Jira's certificate is checked. Default: the environment variable `JIRA_VERIFY_SSL`, else true.
    #[schemars(extend("env_var" = "JIRA_VERIFY_SSL"))]
    pub verify_ssl: Option<bool>,
    /// PEM file of the certification authorities that Jira's certificate may be of, beside the well-known ones.
    /// Default: the environment variable `JIRA_SSL_CA_CERT_PATH`.
    #[schemars(extend("env_var" = "JIRA_SSL_CA_CERT_PATH"))]
    pub ssl_ca_cert_path: Option<PathBuf>,
    /// PEM file of the certificate that the plugin shows to Jira, and of its key unless that is in `client_key_path`.
    /// Default: the environment variable `JIRA_CLIENT_CERT_PATH`.
    #[schemars(extend("env_var" = "JIRA_CLIENT_CERT_PATH"))]
    pub client_cert_path: Option<PathBuf>,
    /// PEM file of the key of `client_cert_path`. Default: the environment variable `JIRA_CLIENT_KEY_PATH`.
    #[schemars(extend("env_var" = "JIRA_CLIENT_KEY_PATH"))]
    pub client_key_path: Option<PathBuf>,
    /// The HTTP proxy on the way to Jira, such as `http://proxy.example:3128`; empty for none.
    /// Default: what the environment says (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    // It may hold a user and a password.
    pub proxy_url: Option<Password>,
    /// How long one request to Jira may take, in seconds. Default: 30.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 3_600))]
    pub timeout: u64,
    /// How long one call of the host may take with all its requests, repetitions and waits, in seconds; with each piece
    /// of a list it begins anew. Less than the host's `call_timeout`, so that the caller is told why. Default: 50.
    #[serde(default = "default_time_limit")]
    #[schemars(range(min = 1, max = 3_600))]
    pub time_limit: u64,
    /// How often a request is repeated that Jira was too busy for. Default: 3.
    #[serde(default = "default_max_retries")]
    #[schemars(range(min = 0, max = 10))]
    pub max_retries: u32,
    /// Which issues are defects, in JQL; `{project}` is the project's key.
    /// Default: `project = '{project}' AND issuetype in standardIssueTypes()`.
    #[serde(default = "default_jql")]
    pub defect_jql: String,
    /// The attributes of the extended view: names or ids of Jira's fields. Default: `["title", "status"]`.
    #[serde(default = "default_attributes")]
    pub attributes: Vec<String>,
    /// The fields whose values test-management tools are told. Default: `["priority", "status", "classification"]`.
    #[serde(default = "default_control_fields")]
    pub control_fields: Vec<String>,
    /// The folder whose files may be attached to issues: references of a defect that are paths of files in it.
    /// Default: none, no file is attached.
    pub attachments_dir: Option<PathBuf>,
    /// Remove attachments with an update: those that the test-management tool had and no longer refers to, and older
    /// versions of a file that is attached anew. Jira does not bring them back. Default: false.
    #[serde(default)]
    pub remove_attachments: bool,
    /// Refuse to create, update and delete. Default: false.
    #[serde(default)]
    pub readonly: bool,
    /// Show what changed since the last synchronisation in the extended view, instead of values. Default: false.
    #[serde(default)]
    pub show_change_history: Option<bool>,
    /// Only an explicit `false` has an effect: issues are created, changed and deleted as the user that the
    /// test-management tool names, with `basic` and `token`. Default: true.
    #[serde(default)]
    pub enable_shared_auth: Option<bool>,
    /// Tell tools that `lastEdited` says when a defect was changed. Default: true.
    #[serde(default = "yes")]
    pub supports_changes_timestamps: bool,
    /// Commands to run before and after a synchronisation. Default: none.
    #[serde(default)]
    pub commands: Option<PhaseCommands>,
    /// Settings that a project has of its own, by its key or its name as tools see it. Default: none.
    #[serde(default)]
    pub projects: ProjectOverrides<ProjectConfig>,
}

/// How the plugin logs in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum AuthType {
    /// With a user name and a password or API token.
    #[default]
    #[serde(rename = "basic")]
    Basic,
    /// With a personal access token.
    #[serde(rename = "token")]
    Token,
    /// The same as `oauth1`.
    #[serde(rename = "oauth")]
    OAuth,
    /// With signed requests.
    #[serde(rename = "oauth1")]
    OAuth1,
    /// As a service account.
    #[serde(rename = "oauth2 2LO")]
    OAuth2ServiceAccount,
    /// The same as `oauth2 2LO`.
    #[serde(rename = "oauth2 2LO (service account)")]
    OAuth2ServiceAccountInFull,
    /// As a user who gave consent.
    #[serde(rename = "oauth2 3LO")]
    OAuth2User,
    /// The same as `oauth2 3LO`.
    #[serde(rename = "oauth2 3LO (user account)")]
    OAuth2UserInFull,
}

/// `[client_config.projects.<key>]`: what is set here replaces the general setting as a whole.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectConfig {
    /// Which issues are defects, in JQL. Default: the general setting.
    pub defect_jql: Option<String>,
    /// The attributes of the extended view. Default: the general setting.
    pub attributes: Option<Vec<String>>,
    /// The fields whose values test-management tools are told. Default: the general setting.
    pub control_fields: Option<Vec<String>>,
    /// Refuse to create, update and delete. Default: the general setting.
    pub readonly: Option<bool>,
    /// Show what changed in the extended view. Default: the general setting.
    pub show_change_history: Option<bool>,
    /// Whether issues are changed as the plugin's own user. Default: the general setting.
    pub enable_shared_auth: Option<bool>,
    /// Whether `lastEdited` says when a defect was changed. Default: the general setting.
    pub supports_changes_timestamps: Option<bool>,
    /// Commands to run before and after a synchronisation. Default: the general setting.
    pub commands: Option<PhaseCommands>,
}

/// What `defect-host init` asks for with which `auth_type`.
const OAUTH1: &[&str] = &["oauth", "oauth1"];
const OAUTH2: &[&str] = &["oauth2 2LO", "oauth2 2LO (service account)", "oauth2 3LO", "oauth2 3LO (user account)"];
const OAUTH2_USER: &[&str] = &["oauth2 3LO", "oauth2 3LO (user account)"];

fn logins(auth_types: &[&str]) -> serde_json::Value {
    serde_json::json!({ "auth_type": auth_types })
}

fn default_name() -> String {
    "Jira".to_owned()
}

fn default_jql() -> String {
    "project = '{project}' AND issuetype in standardIssueTypes()".to_owned()
}

fn default_attributes() -> Vec<String> {
    ["title", "status"].map(str::to_owned).to_vec()
}

fn default_control_fields() -> Vec<String> {
    ["priority", "status", "classification"].map(str::to_owned).to_vec()
}

fn default_timeout() -> u64 {
    30
}

fn default_time_limit() -> u64 {
    50
}

fn default_max_retries() -> u32 {
    3
}

fn yes() -> bool {
    true
}

impl JiraConfig {
    /// The configuration with what the environment adds. `environment` gives a variable's value.
    ///
    /// # Errors
    /// [`ClientError::InvalidInput`] with every field at fault.
    pub(crate) fn completed(mut self, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ClientError> {
        let variable = |name: &str| environment(name).filter(|value| !value.is_empty());
        let text = |own: Option<String>, name| own.filter(|text| !text.is_empty()).or_else(|| variable(name));
        let path = |own: Option<PathBuf>, name| own.or_else(|| variable(name).map(PathBuf::from));
        let secret = |own: Option<Password>, name| {
            own.filter(|secret| !secret.reveal().is_empty()).or_else(|| variable(name).map(Password::new))
        };
        self.username = text(self.username, "JIRA_USERNAME");
        self.password = secret(self.password, "JIRA_PASSWORD");
        self.token = secret(self.token, "JIRA_BEARER_TOKEN");
        self.oauth1_consumer_key = text(self.oauth1_consumer_key, "JIRA_OAUTH1_CONSUMER_KEY");
        self.oauth1_access_token = secret(self.oauth1_access_token, "JIRA_OAUTH1_ACCESS_TOKEN");
        self.oauth1_key_cert_path = path(self.oauth1_key_cert_path, "JIRA_OAUTH1_KEY_CERT_PATH");
        self.oauth1_key_cert = secret(self.oauth1_key_cert, "JIRA_OAUTH1_KEY_CERT");
        self.oauth2_client_id = text(self.oauth2_client_id, "JIRA_OAUTH2_CLIENT_ID");
        self.oauth2_client_secret = secret(self.oauth2_client_secret, "JIRA_OAUTH2_CLIENT_SECRET");
        self.oauth2_refresh_token = secret(self.oauth2_refresh_token, "JIRA_OAUTH2_REFRESH_TOKEN");
        self.oauth2_access_token = secret(self.oauth2_access_token, "JIRA_OAUTH2_ACCESS_TOKEN");
        let expires = variable("JIRA_OAUTH2_EXPIRES_AT").and_then(|seconds| seconds.parse().ok());
        self.oauth2_expires_at = self.oauth2_expires_at.or(expires);
        self.ssl_ca_cert_path = path(self.ssl_ca_cert_path, "JIRA_SSL_CA_CERT_PATH");
        self.client_cert_path = path(self.client_cert_path, "JIRA_CLIENT_CERT_PATH");
        self.client_key_path = path(self.client_key_path, "JIRA_CLIENT_KEY_PATH");
        let told =
            variable("JIRA_VERIFY_SSL").map(|told| !matches!(told.to_lowercase().as_str(), "false" | "0" | "no"));
        self.verify_ssl = self.verify_ssl.or(told);
        self.check().map(|()| self)
    }

    fn check(&self) -> Result<(), ClientError> {
        let mut faults = Vec::new();
        if let Err((option, message)) = self.transport() {
            faults.push(FieldError::new(option, message));
        }
        let mut missing = |field: &str, variable: &str, is_there: bool| {
            if !is_there {
                let message = format!("needed to log in: set `{field}` or the environment variable {variable}");
                faults.push(FieldError::new(field, message));
            }
        };
        match self.auth_type {
            AuthType::Basic => {
                missing("username", "JIRA_USERNAME", self.username.is_some());
                missing("password", "JIRA_PASSWORD", self.password.is_some());
            }
            AuthType::Token => missing("token", "JIRA_BEARER_TOKEN", self.token.is_some()),
            AuthType::OAuth | AuthType::OAuth1 => {
                missing("oauth1_consumer_key", "JIRA_OAUTH1_CONSUMER_KEY", self.oauth1_consumer_key.is_some());
                missing("oauth1_access_token", "JIRA_OAUTH1_ACCESS_TOKEN", self.oauth1_access_token.is_some());
                let key = self.oauth1_key_cert_path.is_some() || self.oauth1_key_cert.is_some();
                missing("oauth1_key_cert_path", "JIRA_OAUTH1_KEY_CERT_PATH", key);
            }
            AuthType::OAuth2ServiceAccount
            | AuthType::OAuth2ServiceAccountInFull
            | AuthType::OAuth2User
            | AuthType::OAuth2UserInFull => {
                missing("oauth2_client_id", "JIRA_OAUTH2_CLIENT_ID", self.oauth2_client_id.is_some());
                missing("oauth2_client_secret", "JIRA_OAUTH2_CLIENT_SECRET", self.oauth2_client_secret.is_some());
            }
        }
        let of_projects = self
            .projects
            .iter()
            .filter_map(|(name, own)| Some((format!("projects.{name}.defect_jql"), own.defect_jql.as_deref()?)));
        for (field, jql) in std::iter::once(("defect_jql".to_owned(), self.defect_jql.as_str())).chain(of_projects) {
            if let Err(fault) = Query::parse(jql) {
                faults.push(FieldError::new(field, fault.to_string()));
            }
        }
        if self.client_key_path.is_some() && self.client_cert_path.is_none() {
            faults.push(FieldError::new("client_key_path", "needs `client_cert_path`: the certificate of this key"));
        }
        if faults.is_empty() { Ok(()) } else { Err(ClientError::invalid_fields(faults)) }
    }

    /// How Jira is reached. The error names an option and says what is wrong with it.
    pub(crate) fn transport(&self) -> Result<TransportConfig, (&'static str, String)> {
        let address = |option, text: &str| BaseUrl::parse(text).map_err(|error| (option, format!("it {error}")));
        let mut transport = TransportConfig::new(address("server_url", &self.server_url)?);
        if let Some(gateway) = &self.cloud_gateway_url {
            transport.gateway = address("cloud_gateway_url", gateway)?;
        }
        if let Some(tokens) = &self.cloud_token_url {
            transport.cloud_tokens = address("cloud_token_url", tokens)?;
        }
        transport.verify_ssl = self.verify_ssl.unwrap_or(true);
        transport.ca_file.clone_from(&self.ssl_ca_cert_path);
        transport.client_certificate = self
            .client_cert_path
            .clone()
            .map(|certificate| ClientCertificate { certificate, key: self.client_key_path.clone() });
        transport.proxy = match self.proxy_url.as_ref().map(Password::reveal) {
            None => ProxySetting::Environment,
            Some("") => ProxySetting::Direct,
            Some(proxy) => ProxySetting::Url(Password::new(proxy)),
        };
        transport.timeout = Duration::from_secs(self.timeout);
        transport.max_retries = self.max_retries;
        Ok(transport)
    }

    /// How long one call may take.
    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_secs(self.time_limit)
    }

    /// The project's own value of a setting, by its key, or by its name as tools see it.
    fn of<'a, T>(&'a self, project: &Project, own: impl Fn(&'a ProjectConfig) -> Option<&'a T>) -> Option<&'a T> {
        let found =
            |name: &str| self.projects.iter().find(|(known, _)| *known == name).and_then(|(_, known)| own(known));
        found(&project.key).or_else(|| found(&project.name))
    }

    pub(crate) fn readonly(&self, project: &Project) -> bool {
        *self.of(project, |own| own.readonly.as_ref()).unwrap_or(&self.readonly)
    }

    /// Whether no project may be written to.
    pub(crate) fn never_writes(&self) -> bool {
        self.readonly && self.projects.iter().all(|(_, own)| own.readonly != Some(false))
    }

    pub(crate) fn defect_jql(&self, project: &Project) -> &str {
        self.of(project, |own| own.defect_jql.as_ref()).unwrap_or(&self.defect_jql)
    }

    pub(crate) fn attributes(&self, project: &Project) -> &[String] {
        self.of(project, |own| own.attributes.as_ref()).unwrap_or(&self.attributes)
    }

    pub(crate) fn control_fields(&self, project: Option<&Project>) -> &[String] {
        let own = project.and_then(|project| self.of(project, |own| own.control_fields.as_ref()));
        own.unwrap_or(&self.control_fields)
    }

    pub(crate) fn shows_change_history(&self, project: &Project) -> bool {
        let own = self.of(project, |own| own.show_change_history.as_ref()).copied();
        own.or(self.show_change_history).unwrap_or(false)
    }

    pub(crate) fn supports_changes_timestamps(&self, project: Option<&Project>) -> bool {
        let own = project.and_then(|project| self.of(project, |own| own.supports_changes_timestamps.as_ref()));
        *own.unwrap_or(&self.supports_changes_timestamps)
    }

    pub(crate) fn commands(&self, project: &Project) -> Option<&PhaseCommands> {
        self.of(project, |own| own.commands.as_ref()).or(self.commands.as_ref())
    }

    /// Logs a warning for what works but is probably not meant.
    pub(crate) fn warn(&self) {
        if self.verify_ssl == Some(false) {
            tracing::warn!(
                "`verify_ssl` is false: whoever is between this host and Jira can read and change everything"
            );
        }
        if self.server_url.starts_with("http://") {
            tracing::warn!("`server_url` begins with `http://`: the credentials cross the network unencrypted");
        }
        let of_projects = self.projects.iter().map(|(name, own)| (format!("projects.{name}.commands"), &own.commands));
        for (place, commands) in std::iter::once(("commands".to_owned(), &self.commands)).chain(of_projects) {
            for fault in commands.iter().flat_map(unusable_sync_commands) {
                tracing::warn!("`client_config.{place}`: {fault}");
            }
        }
    }
}

#[cfg(test)]
mod tests;
