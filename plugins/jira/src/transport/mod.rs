//! Requests to Jira: one blocking client for all threads, which waits and repeats within the caller's deadline.
//!
//! [`Transport::send`] takes a [`Request`] and gives a [`Response`] for a success (2xx); everything else is a
//! [`TransportError`]. What is repeated, within `max_retries` and the deadline:
//!
//! | what happened | repeated |
//! |---|---|
//! | 429; 503 with `Retry-After` | always: nothing was done |
//! | nothing was sent (no such host, refused, no answer while connecting) | always |
//! | 500, 502, 503, 504; the connection lost or silent after sending | if the request is idempotent |
//! | 401 | once: with a renewed OAuth 2.0 token, or through Atlassian's gateway |

mod base_url;
mod clock;
mod config;
mod counts;
mod error;
mod http;
mod refusal;
mod request;
mod response;
mod retry;
mod send_body;
mod target;
#[cfg(test)]
pub(crate) mod tests;
mod tls;

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use self::base_url::BaseUrl;
pub(crate) use self::clock::{Clock, SystemClock};
pub(crate) use self::config::{ClientCertificate, ConfigFault, ProxySetting, TransportConfig};
pub(crate) use self::counts::Counts;
pub(crate) use self::error::TransportError;
pub(crate) use self::http::{Call, Http};
pub(crate) use self::refusal::Refusal;
pub(crate) use self::request::{Body, Method, Request};
pub(crate) use self::response::Response;
pub(crate) use self::target::Target;

use crate::auth::{Credentials, Signing, TokenEndpoint};

/// The way to one Jira. One for the process; every method may be called from many threads at once.
pub(crate) struct Transport {
    http: Http,
    site: BaseUrl,
    gateway: BaseUrl,
    cloud_tokens: BaseUrl,
    cloud_id: OnceLock<Option<String>>,
    /// Users whose token has scopes, so that Jira takes it at the gateway only.
    scoped: Mutex<HashSet<String>>,
}

impl Transport {
    /// Reads certificates and keys; connects to nothing.
    ///
    /// # Errors
    /// [`ConfigFault`] names the option at fault.
    pub(crate) fn new(config: &TransportConfig) -> Result<Self, ConfigFault> {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    /// The same with another clock.
    pub(crate) fn with_clock(config: &TransportConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigFault> {
        let TransportConfig { site, gateway, cloud_tokens, .. } = config.clone();
        let (cloud_id, scoped) = (OnceLock::new(), Mutex::default());
        Ok(Self { http: Http::new(config, clock)?, site, gateway, cloud_tokens, cloud_id, scoped })
    }

    /// The address of `server_url`: what links that people see begin with.
    pub(crate) fn site(&self) -> &BaseUrl {
        &self.site
    }

    /// What was sent so far.
    pub(crate) fn counts(&self) -> &Counts {
        &self.http.counts
    }

    /// The deadline of a call that begins now and may take this long.
    pub(crate) fn deadline_in(&self, time: Duration) -> Instant {
        self.http.clock.now() + time
    }

    /// Waits; false, and at once, when that would go beyond the deadline.
    pub(crate) fn wait(&self, time: Duration, deadline: Instant) -> bool {
        let in_time = self.http.clock.now() + time < deadline;
        if in_time && !time.is_zero() {
            self.http.clock.sleep(time);
        }
        in_time
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// Any [`TransportError`]: also for an answer that is no success.
    pub(crate) fn send(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        self.perform(request)
    }

    /// The site's id in Atlassian's Cloud; `None` for Data Center. Asked for once.
    ///
    /// # Errors
    /// When the site does not answer; the next call asks again.
    pub(crate) fn cloud_id(&self, deadline: Instant) -> Result<Option<&str>, TransportError> {
        if let Some(known) = self.cloud_id.get() {
            return Ok(known.as_deref());
        }
        let found = match self.site.segment_below(&self.gateway) {
            Some(id) => Some(id.to_owned()),
            None => self.ask_cloud_id(deadline)?,
        };
        Ok(self.cloud_id.get_or_init(|| found).as_deref())
    }

    fn ask_cloud_id(&self, deadline: Instant) -> Result<Option<String>, TransportError> {
        let url = self.site.join("/_edge/tenant_info");
        let answer = match self.http.send(&Call::without_login(Method::Get, url, Body::Empty, deadline)) {
            Ok(response) => response.json().ok(),
            Err(TransportError::Redirected { .. }) => None,
            Err(error) if error.status().is_some() && !error.is_temporary() => None,
            Err(error) => return Err(error),
        };
        let id = answer.as_ref().and_then(|answer| answer.get("cloudId")?.as_str());
        let is_id = |id: &&str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        Ok(id.filter(is_id).map(str::to_owned))
    }

    fn perform(&self, request: &Request<'_>) -> Result<Response, TransportError> {
        if let Some(segment) = request.target.fault() {
            return Err(TransportError::BadTarget { segment: segment.to_owned() });
        }
        let through_gateway = match request.credentials {
            Credentials::OAuth2(_) => true,
            Credentials::Basic { username, .. } => self.scoped().contains(username),
            _ => false,
        };
        let login = RefCell::new(None);
        let result = self.attempt(request, through_gateway, &login);
        let Err(refused) = result else { return result };
        if refused.status() != Some(401) {
            return Err(refused);
        }
        match request.credentials {
            Credentials::Basic { username, .. }
                if !self.site_is_gateway() && matches!(self.cloud_id(request.deadline), Ok(Some(_))) =>
            {
                match self.attempt(request, !through_gateway, &login) {
                    // The gateway may be out of reach where the site is not: the refusal says more.
                    Err(again) if matches!(again.status(), None | Some(401)) => Err(refused),
                    result => {
                        if through_gateway {
                            self.scoped().remove(username);
                        } else {
                            self.scoped().insert(username.clone());
                        }
                        result
                    }
                }
            }
            Credentials::OAuth2(tokens) => {
                tokens.refused(login.take().as_deref().unwrap_or_default());
                self.attempt(request, through_gateway, &login)
            }
            _ => Err(refused),
        }
    }

    /// Sends a request to one of the two addresses; the login that was used last is put into `login`.
    fn attempt(
        &self,
        request: &Request<'_>,
        through_gateway: bool,
        login: &RefCell<Option<String>>,
    ) -> Result<Response, TransportError> {
        let &Request { method, ref target, body, idempotent, credentials, deadline } = request;
        let cloud_id = if through_gateway { self.cloud_id(deadline)? } else { None };
        let base = match cloud_id {
            Some(id) if !self.site_is_gateway() => format!("{}/{id}", self.gateway),
            _ => self.site.to_string(),
        };
        let tokens = match cloud_id {
            Some(_) => TokenEndpoint::Cloud(self.cloud_tokens.to_string()),
            None => TokenEndpoint::DataCenter(self.site.join("/rest/oauth2/latest/token")),
        };
        let authorize = |url: &str| {
            let header = credentials.header(&Signing { method, url, deadline, http: &self.http, tokens: &tokens })?;
            login.replace(header.clone());
            Ok(header)
        };
        let name = format!("{method} {}", target.path());
        let url = format!("{base}{}", target.path_and_query());
        self.http.send(&Call { name, method, url, body, idempotent, deadline, authorize: &authorize })
    }

    /// `server_url` may be the gateway's address with the cloud id.
    fn site_is_gateway(&self) -> bool {
        self.site.segment_below(&self.gateway).is_some()
    }

    fn scoped(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        // A set of names is whole whatever panicked meanwhile.
        self.scoped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
