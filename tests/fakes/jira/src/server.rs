//! Connections, latency and faults around what the site answers.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::attachments::{self, Part};
use crate::contract::Contract;
use crate::control;
use crate::faults::{Effect, Faults};
use crate::http::{Answer, Request};
use crate::log::Logged;
use crate::site::{self, Addresses};
use crate::state::State;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) state: Mutex<State>,
    pub(crate) addresses: Addresses,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) log: Mutex<Vec<Logged>>,
    pub(crate) latency: Mutex<Duration>,
    /// What callers are held to; none: any client may call.
    contract: Option<Contract>,
    /// What they sent in spite of it.
    pub(crate) violations: Mutex<Vec<String>>,
    at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

/// A test that panicked with a lock held has failed anyway.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(state: State, addresses: Addresses, latency: Duration, contract: Option<Contract>) -> Self {
        Self {
            state: Mutex::new(state),
            addresses,
            faults: Mutex::default(),
            log: Mutex::default(),
            latency: Mutex::new(latency),
            contract,
            violations: Mutex::default(),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }
    }

    pub(crate) fn clear_log(&self) {
        lock(&self.log).clear();
        self.most_at_once.store(0, Ordering::Relaxed);
    }
}

/// Serves connections until the runtime ends. `media`: as Cloud's host of attachments.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, media: bool) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Answers are small: waiting for more would only add latency.
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| handle(&shared, media, request));
            // An error is a caller that went away, or a fault that was asked for.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

type Response = hyper::Response<UnsyncBoxBody<Bytes, io::Error>>;

/// An error closes the connection without an answer.
async fn handle(shared: &Shared, media: bool, request: hyper::Request<Incoming>) -> Result<Response, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let query = head.uri.query().unwrap_or_default();
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: head.headers,
        body,
        unknown: Mutex::default(),
    };
    if let Some(command) = request.path.strip_prefix(control::PREFIX) {
        return Ok(response(control::answer(shared, command, &request)));
    }
    let number = {
        let mut log = lock(&shared.log);
        log.push(Logged::of(&request, media));
        log.len() - 1
    };
    let running = shared.at_once.fetch_add(1, Ordering::Relaxed) + 1;
    shared.most_at_once.fetch_max(running, Ordering::Relaxed);
    let answered = answer(shared, media, &request).await;
    shared.at_once.fetch_sub(1, Ordering::Relaxed);
    // The log may have been emptied since.
    if let Some(logged) = lock(&shared.log).get_mut(number) {
        logged.unknown_parameters = std::mem::take(&mut lock(&request.unknown));
        if let Ok((answer, _)) = &answered {
            (logged.status, logged.answer_bytes) = (Some(answer.status), answer.body.len());
        }
    }
    let (answer, cut) = answered?;
    let ahead = lock(&shared.state).clock_ahead_secs;
    let answer = if ahead == 0 { answer } else { dated(answer, ahead) };
    Ok(if cut { half(answer) } else { response(answer) })
}

/// The answer, and whether only half of it shall be sent.
async fn answer(shared: &Shared, media: bool, request: &Request) -> Result<(Answer, bool), io::Error> {
    let latency = *lock(&shared.latency);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let parts = attachments::parts(request).await;
    if !media && let Some(why) = violation(shared, request, &parts) {
        let violation = format!("{} {}: {why}", request.method, request.path);
        lock(&shared.violations).push(violation.clone());
        return Ok((Answer::json(599, &json!({"errorMessages": [violation], "errors": {}})), false));
    }
    let effect = lock(&shared.faults).take(request);
    match &effect {
        Some(Effect::CutBefore) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Effect::Delay(milliseconds)) => tokio::time::sleep(Duration::from_millis(*milliseconds)).await,
        Some(Effect::ExpireAccessTokens) => lock(&shared.state).logins.expire_access_tokens(),
        Some(Effect::ExpirePageTokens) => lock(&shared.state).pages.expire(),
        _ => {}
    }
    if let Some(answer) = effect.as_ref().and_then(Effect::instead) {
        return Ok((answer, false));
    }
    let mut answer = {
        let mut state = lock(&shared.state);
        if media {
            attachments::media(&state, request)
        } else {
            site::answer(&mut state, &shared.addresses, request, &parts)
        }
    };
    match effect {
        Some(Effect::CutAfter) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Effect::MalformedJson) => answer.body.truncate(answer.body.len() / 2),
        _ => {}
    }
    Ok((answer, matches!(effect, Some(Effect::CutBody))))
}

/// Why the contract forbids a request. A path elsewhere than below the site's address is a matter of configuration.
fn violation(shared: &Shared, request: &Request, parts: &[Part]) -> Option<String> {
    let contract = shared.contract.as_ref()?;
    let (path, _) = site::path_of(request, &shared.addresses, contract.is_of_cloud()).ok()?;
    let parts: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    contract.violation(&path, request, &parts)
}

fn dated(answer: Answer, ahead: i64) -> Answer {
    let now = chrono::Utc::now() + chrono::TimeDelta::seconds(ahead);
    answer.with_header("date", now.format("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

fn head(answer: &Answer) -> hyper::http::response::Builder {
    let mut head = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        // Raw UTF-8 in a value, such as a file's name, is what Jira sends too.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value.as_bytes())) {
            head = head.header(name, value);
        }
    }
    head
}

fn response(answer: Answer) -> Response {
    let head = head(&answer);
    built(head.body(Full::new(answer.body).map_err(|never| match never {}).boxed_unsync()))
}

/// An answer of which the connection is closed after half of the body.
fn half(answer: Answer) -> Response {
    let head = head(&answer).header("content-length", answer.body.len());
    let first = answer.body.slice(..answer.body.len() / 2);
    let pieces = futures_util::stream::unfold(0, move |step| {
        let first = first.clone();
        async move {
            match step {
                0 => Some((Ok(Frame::data(first)), 1)),
                _ => {
                    // Lets hyper send what it has before it learns of the error.
                    tokio::task::yield_now().await;
                    Some((Err(io::Error::from(io::ErrorKind::ConnectionAborted)), 2))
                }
            }
        }
    });
    built(head.body(BodyExt::boxed_unsync(StreamBody::new(pieces))))
}

/// A status that is none is a test's mistake.
fn built(response: Result<Response, hyper::http::Error>) -> Response {
    response.unwrap_or_else(|_| {
        let mut empty = Response::default();
        *empty.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        empty
    })
}
