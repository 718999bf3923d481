//! One server's HTTP: a try, its redirects, its repetitions, all within a deadline.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq::http::{self, HeaderMap, HeaderValue, header};
use ureq::{Agent, Proxy, Timeout};

use super::base_url::{may_share_credentials, origin_of, redirect_target};
use super::clock::clocks_apart;
use super::refusal::Messages;
use super::retry::{Trouble, retry_after};
use super::send_body::SendBody;
use super::tls::{explain, tls_config};
use super::{
    BaseUrl, Body, Clock, ConfigFault, Counts, Method, ProxySetting, Refusal, Response, TransportConfig, TransportError,
};

const MOST_REDIRECTS: u32 = 5;
/// Of an answer that is no success, in bytes.
const MOST_OF_REFUSAL: u64 = 64 * 1024;
/// As many as the host calls a plugin at once.
const CONNECTIONS_KEPT: usize = 64;

/// One request as it is sent, perhaps several times.
pub(crate) struct Call<'a> {
    /// Method and path: what errors and the log show.
    pub(super) name: String,
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) body: Body<'a>,
    pub(super) idempotent: bool,
    pub(super) deadline: Instant,
    /// The `Authorization` header for an address, made anew for every try: a signature is good once, a token may have
    /// ended while we waited.
    pub(super) authorize: &'a dyn Fn(&str) -> Result<Option<String>, TransportError>,
}

impl<'a> Call<'a> {
    /// Asks for or at something that needs no login of the user.
    pub(crate) fn without_login(method: Method, url: String, body: Body<'a>, deadline: Instant) -> Self {
        let name = format!("{method} {}", url.split('?').next().unwrap_or_default());
        Self { name, method, url, body, idempotent: true, deadline, authorize: &|_| Ok(None) }
    }
}

/// Why a try has no answer.
enum Failure {
    /// No repetition helps.
    Final(TransportError),
    /// The connection: none, or lost.
    Connection { sent: bool, reason: String },
}

impl From<TransportError> for Failure {
    fn from(error: TransportError) -> Self {
        Self::Final(error)
    }
}

/// Connections, kept open, and the rules for using them. For all threads.
pub(crate) struct Http {
    agent: Agent,
    pub(super) clock: Arc<dyn Clock>,
    max_retries: u32,
    max_answer: u64,
    pub(super) counts: Counts,
}

impl Http {
    pub(super) fn new(config: &TransportConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigFault> {
        let proxy = match &config.proxy {
            ProxySetting::Environment => Proxy::try_from_env(),
            ProxySetting::Direct => None,
            ProxySetting::Url(url) => Some(proxy(url.reveal())?),
        };
        let timeout = Some(config.timeout);
        let agent = Agent::config_builder()
            .tls_config(tls_config(config)?)
            .proxy(proxy)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_resolve(timeout)
            .timeout_connect(timeout)
            .timeout_per_read(timeout)
            .timeout_per_write(timeout)
            .max_idle_connections(2 * CONNECTIONS_KEPT)
            .max_idle_connections_per_host(CONNECTIONS_KEPT)
            .build()
            .new_agent();
        Ok(Self {
            agent,
            clock,
            max_retries: config.max_retries,
            max_answer: config.max_answer,
            counts: Counts::default(),
        })
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Sends a request, again if need be, until it succeeds (2xx) or the tries or the time are over.
    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Response, TransportError> {
        let mut tries = 0;
        loop {
            let (trouble, error) = match self.follow(call) {
                Ok(response) if (200..300).contains(&response.status) => return Ok(response),
                Ok(response) => self.refuse(call, &response),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Connection { sent, reason }) => no_answer(call, sent, reason),
            };
            let wait = trouble.and_then(|trouble| trouble.wait(tries, call.idempotent, self.clock.spread()));
            match wait {
                Some(wait) if tries < self.max_retries && self.clock.now() + wait < call.deadline => {
                    tracing::info!("{error}; next try in {:.1} s", wait.as_secs_f64());
                    self.clock.sleep(wait);
                    tries += 1;
                    self.counts.add_repeated();
                }
                _ => return Err(error),
            }
        }
    }

    fn refuse(&self, call: &Call<'_>, response: &Response) -> (Option<Trouble>, TransportError) {
        let mut messages = Messages::read(&response.body);
        if let Some(reason) = response.header("X-Authentication-Denied-Reason") {
            messages.general.push(format!("login denied: {}", reason.split(';').next().unwrap_or(reason)));
        }
        if response.status == 401
            && let Some(apart) = clocks_apart(&response.headers, self.clock.wall())
        {
            messages.general.push(apart);
        }
        let retry_after = retry_after(&response.headers, self.clock.wall());
        let trouble = Trouble::of_status(response.status, retry_after);
        if matches!(trouble, Some(Trouble::Busy { .. })) {
            self.counts.add_limited();
        }
        let refusal = Refusal {
            call: call.name.clone(),
            status: response.status,
            messages,
            retry_after: retry_after.filter(|_| matches!(trouble, Some(Trouble::Busy { .. }))),
            limit: response.header("RateLimit-Reason").map(str::to_owned),
            may_be_done: !call.idempotent && response.status >= 500 && !matches!(trouble, Some(Trouble::Busy { .. })),
        };
        (trouble, TransportError::Refused(Box::new(refusal)))
    }

    /// One try, with its redirects. Only a `GET` is sent elsewhere, without the login when it is another server.
    fn follow(&self, call: &Call<'_>) -> Result<Response, Failure> {
        let mut url = call.url.clone();
        for _ in 0..MOST_REDIRECTS {
            let login = if may_share_credentials(&call.url, &url) { (call.authorize)(&url)? } else { None };
            let response = self.exchange(call, &url, login.as_deref())?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 => response.header("Location"),
                _ => return Ok(response),
            };
            let target = location.and_then(|location| redirect_target(&url, location));
            match target {
                Some(target) if call.method == Method::Get => url = target,
                target => return Err(redirected(call, target.as_deref())),
            }
        }
        Err(redirected(call, Some(&url)))
    }

    fn exchange(&self, call: &Call<'_>, url: &str, login: Option<&str>) -> Result<Response, Failure> {
        let started = self.clock.now();
        let left = call.deadline.saturating_duration_since(started);
        if left.is_zero() {
            let place = origin_of(url).to_owned();
            return Err(TransportError::OutOfTime { call: call.name.clone(), place }.into());
        }
        let mut body = SendBody::new(&call.name, call.body)?;
        let has_body = matches!(call.method, Method::Post | Method::Put);
        self.counts.add_sent();
        let sent = self.transmit(call, url, login, left, has_body.then_some(&mut body));
        let result = match sent {
            Ok(answer) => self.receive(call, answer, login),
            Err(error) => Err(failure(call, url, error, !has_body || body.started)),
        };
        let outcome = result.as_ref().map_or(0, |response| response.status);
        tracing::debug!(status = outcome, elapsed = ?(self.clock.now() - started), "{}", call.name);
        result
    }

    fn transmit(
        &self,
        call: &Call<'_>,
        url: &str,
        login: Option<&str>,
        left: Duration,
        body: Option<&mut SendBody<'_>>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let mut request = http::Request::builder()
            .method(call.method.as_str())
            .uri(url)
            .header(header::ACCEPT, "application/json, */*;q=0.5");
        if call.method != Method::Get {
            // Without it Jira takes a form for an attack by another page in a browser.
            request = request.header("X-Atlassian-Token", "no-check");
        }
        if let Some(login) = login {
            let mut value = HeaderValue::from_str(login).map_err(|error| ureq::Error::Http(error.into()))?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        match body {
            Some(body) => {
                // An own reader instead of bytes: it tells whether the request was sent when the connection is lost.
                request = request.header(header::CONTENT_LENGTH, body.length);
                if let Some(content_type) = &body.content_type {
                    request = request.header(header::CONTENT_TYPE, content_type);
                }
                let request = request.body(ureq::SendBody::from_reader(body))?;
                self.agent.run(self.agent.configure_request(request).timeout_global(Some(left)).build())
            }
            None => {
                let request = request.body(())?;
                self.agent.run(self.agent.configure_request(request).timeout_global(Some(left)).build())
            }
        }
    }

    fn receive(
        &self,
        call: &Call<'_>,
        answer: http::Response<ureq::Body>,
        login: Option<&str>,
    ) -> Result<Response, Failure> {
        let (head, body) = answer.into_parts();
        let mut response =
            Response { call: call.name.clone(), status: head.status.as_u16(), headers: head.headers, body: Vec::new() };
        let reader = body.into_reader();
        let url = &call.url;
        if !head.status.is_success() {
            // Whatever came of it is enough.
            let _ = reader.take(MOST_OF_REFUSAL).read_to_end(&mut response.body);
            // Some proxies show in their pages what they got.
            let secret = login.and_then(|login| login.split_once(' ')).map(|(_, secret)| secret);
            if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
                response.body = String::from_utf8_lossy(&response.body).replace(secret, "***").into_bytes();
            }
            return Ok(response);
        }
        let limit = self.max_answer;
        let mut reader = reader.take(limit.saturating_add(1));
        let length = reader.read_to_end(&mut response.body).map_err(|error| failure(call, url, error.into(), true))?;
        if length as u64 > limit {
            return Err(TransportError::TooLarge { call: call.name.clone(), limit }.into());
        }
        if login.is_some() && call.method == Method::Get && login_ignored(&response.headers) {
            response.status = 401;
            response.body =
                br#"{"errorMessages":["Jira took no notice of the login and answered as to anybody"]}"#.to_vec();
        }
        Ok(response)
    }
}

fn proxy(url: &str) -> Result<Proxy, ConfigFault> {
    let fault = |reason| ConfigFault::new("proxy_url", reason);
    let malformed = || fault("is no address of a proxy such as `http://proxy.example.com:3128`");
    let (scheme, place) = url.split_once("://").unwrap_or(("http", url));
    if scheme.starts_with("socks") {
        return Err(fault("SOCKS proxies are not supported; use an HTTP proxy"));
    }
    // ureq takes addresses without a host.
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    BaseUrl::parse(&format!("{scheme}://{host}")).map_err(|_| malformed())?;
    Proxy::new(&format!("{scheme}://{place}")).map_err(|_| malformed())
}

/// Data Center says so in a header and answers with what everybody may see.
fn login_ignored(headers: &HeaderMap) -> bool {
    let is = |name: &str, values: &[&str]| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| values.iter().any(|known| value.contains(known)))
    };
    is("X-AUSERNAME", &["anonymous"]) || is("X-Seraph-LoginReason", &["AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"])
}

fn redirected(call: &Call<'_>, target: Option<&str>) -> Failure {
    let to = target.map_or("an address that is none", |target| target.split('?').next().unwrap_or(target));
    TransportError::Redirected { call: call.name.clone(), to: to.to_owned() }.into()
}

/// `may_be_sent`: that much is known from the body.
fn failure(call: &Call<'_>, url: &str, error: ureq::Error, may_be_sent: bool) -> Failure {
    let place = || origin_of(url).to_owned();
    let tls = |error: &rustls::Error| {
        Failure::Final(TransportError::Tls { call: call.name.clone(), place: place(), reason: explain(error) })
    };
    let (connected, reason) = match &error {
        ureq::Error::Rustls(error) => return tls(error),
        ureq::Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => return tls(error),
            None => {
                use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkUnreachable};
                let early = [ConnectionRefused, HostUnreachable, NetworkUnreachable, AddrNotAvailable];
                (!early.contains(&error.kind()), error.to_string())
            }
        },
        ureq::Error::HostNotFound => (false, "there is no such host".to_owned()),
        ureq::Error::Timeout(Timeout::Resolve) => (false, "the name service does not answer".to_owned()),
        ureq::Error::Timeout(Timeout::Connect) => (false, "it does not answer".to_owned()),
        ureq::Error::Timeout(Timeout::Global) => (true, "the time of this call is over".to_owned()),
        ureq::Error::Timeout(_) => (true, "it was silent for longer than `timeout`".to_owned()),
        ureq::Error::ConnectProxyFailed(reason) => (false, format!("the proxy makes no connection: {reason}")),
        ureq::Error::ConnectionFailed | ureq::Error::BadUri(_) | ureq::Error::Http(_) => (false, error.to_string()),
        // What a protocol error shows of the answer may be anything.
        ureq::Error::Protocol(_) => (true, "its answer is not HTTP".to_owned()),
        other => (true, other.to_string()),
    };
    Failure::Connection { sent: connected && may_be_sent, reason }
}

fn no_answer(call: &Call<'_>, sent: bool, reason: String) -> (Option<Trouble>, TransportError) {
    let (name, place) = (call.name.clone(), origin_of(&call.url).to_owned());
    match (sent, call.idempotent) {
        (false, _) => (Some(Trouble::NotSent), TransportError::Unreachable { call: name, place, reason }),
        (true, true) => (Some(Trouble::Uncertain), TransportError::Lost { call: name, place, reason }),
        (true, false) => (Some(Trouble::Uncertain), TransportError::Unknown { call: name, place, reason }),
    }
}
