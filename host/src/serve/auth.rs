//! HTTP Basic authentication, before anything else of a request is looked at.
//!
//! Credentials that are known, right or wrong, cost a keyed hash. Unknown ones cost tens of milliseconds of a core, and
//! one thread does that, one after the other: whoever guesses passwords leaves the other cores to everybody else. Who
//! has the fewest failures comes first, so that a flood of guesses delays the first login of somebody else by one
//! check; and of one caller's guesses only some are checked at all, see [`FailedLogins`].

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Uri};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::client_address::Caller;
use super::error::ApiError;
use super::failed_logins::{FailedLogins, Try};
use crate::credentials::basic_auth::{self, Credentials};
use crate::credentials::{Tag, Verifier};

/// How many different credentials may wait for the expensive check: some seconds of it. Of more, those with the most
/// failures are answered with 503.
const MAX_WAITING: usize = 64;

/// Checks credentials.
pub struct Authenticator(Arc<Shared>);

struct Shared {
    verifier: Verifier,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    failed: FailedLogins,
    /// In the order in which they came.
    waiting: Vec<Waiting>,
    /// Who waits for the check that runs.
    checking: Option<(Tag, Vec<oneshot::Sender<bool>>)>,
    /// A thread is at work.
    working: bool,
}

/// Credentials to check.
struct Waiting {
    tag: Tag,
    credentials: Credentials,
    caller: Caller,
    attempt: Try,
    /// Everybody who came with them.
    answers: Vec<oneshot::Sender<bool>>,
}

impl Authenticator {
    /// Checks against these credentials.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self(Arc::new(Shared { verifier, queue: Mutex::default() }))
    }

    /// Lets a request pass when its credentials are right or it needs none. Its body is not read before. `address` is
    /// the caller's.
    ///
    /// # Errors
    /// [`ApiError::Unauthorized`]; [`ApiError::TooManyLogins`] when the caller was wrong too often;
    /// [`ApiError::Busy`] when too many wait for the check.
    pub(super) async fn admit(&self, address: Option<IpAddr>, uri: &Uri, headers: &HeaderMap) -> Result<(), ApiError> {
        if is_open(uri.path()) {
            return Ok(());
        }
        let header = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let credentials = basic_auth::parse(header).map_err(|error| ApiError::Unauthorized(error.to_string()))?;
        let accepted = match self.0.verifier.check_cached(&credentials.username, &credentials.password) {
            // Not counted as a failure: nothing is learnt from it, and a tool with an old password is no attack.
            Some(verdict) => verdict,
            None => self.check_slowly(address.into(), credentials).await?,
        };
        if accepted { Ok(()) } else { Err(ApiError::Unauthorized("Invalid credentials".to_owned())) }
    }

    async fn check_slowly(&self, caller: Caller, credentials: Credentials) -> Result<bool, ApiError> {
        let tag = self.0.verifier.tag(&credentials.username, &credentials.password);
        let (answer, answered) = oneshot::channel();
        let attempt = self.0.queue().add(tag, credentials, caller, answer, Instant::now())?;
        self.0.begin_work();
        // Without an answer it had to make room.
        let accepted = answered.await.map_err(|_| ApiError::Busy)?;
        if !accepted {
            tokio::time::sleep(attempt.pause()).await;
        }
        Ok(accepted)
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_work(self: &Arc<Self>) {
        if !std::mem::replace(&mut self.queue().working, true) {
            let shared = Arc::clone(self);
            spawn_blocking(move || shared.work());
        }
    }

    fn work(&self) {
        loop {
            let Some(next) = self.queue().next() else { return };
            let accepted = self.verifier.verify_and_remember(&next.credentials.username, &next.credentials.password);
            let mut queue = self.queue();
            if accepted {
                queue.failed.take_back(next.caller, Instant::now());
            }
            let (_, answers) = queue.checking.take().unwrap_or_default();
            drop(queue);
            for answer in answers {
                // Nobody may be waiting any more.
                let _ = answer.send(accepted);
            }
        }
    }
}

impl Queue {
    /// Puts credentials into the queue, or the answer to those that are in it.
    fn add(
        &mut self,
        tag: Tag,
        credentials: Credentials,
        caller: Caller,
        answer: oneshot::Sender<bool>,
        now: Instant,
    ) -> Result<Try, ApiError> {
        // Many requests of a tool that has just started are one check, and one failure at most.
        if let Some((_, answers)) = self.checking.as_mut().filter(|(checking, _)| *checking == tag) {
            answers.push(answer);
            return Ok(Try { failures: 0 });
        }
        if let Some(same) = self.waiting.iter_mut().find(|waiting| waiting.tag == tag) {
            same.answers.push(answer);
            return Ok(same.attempt);
        }
        let attempt = self.failed.begin(caller, now).map_err(ApiError::TooManyLogins)?;
        self.waiting.push(Waiting { tag, credentials, caller, attempt, answers: vec![answer] });
        if self.waiting.len() > MAX_WAITING {
            // Of the same number of failures the one that came last.
            let worst = (0..self.waiting.len()).max_by_key(|&index| self.waiting[index].attempt);
            let unchecked = worst.map(|index| self.waiting.remove(index));
            unchecked.inspect(|waiting| self.failed.take_back(waiting.caller, now));
        }
        Ok(attempt)
    }

    /// The credentials to check next: of the caller with the fewest failures, of those the first. `None` ends the work.
    fn next(&mut self) -> Option<Waiting> {
        // Who has gone away has used up the try all the same.
        self.waiting.retain(|waiting| !waiting.answers.iter().all(oneshot::Sender::is_closed));
        let next = (0..self.waiting.len()).min_by_key(|&index| self.waiting[index].attempt);
        self.working = next.is_some();
        let mut next = self.waiting.remove(next?);
        self.checking = Some((next.tag, std::mem::take(&mut next.answers)));
        Some(next)
    }
}

/// What everybody may see: the settings, the documents and the health of the service.
fn is_open(path: &str) -> bool {
    matches!(path, "/" | "/favicon.ico" | "/settings" | "/openapi.yaml" | "/healthz" | "/readyz" | "/docs")
        || path.starts_with("/docs/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(number: u8) -> Caller {
        Caller::from(IpAddr::from([192, 0, 2, number]))
    }

    type Answer = oneshot::Receiver<bool>;

    fn add(queue: &mut Queue, password: u8, from: u8, now: Instant) -> (Result<Try, ApiError>, Answer) {
        let (answer, answered) = oneshot::channel();
        let credentials = Credentials { username: String::new(), password: password.to_string() };
        (queue.add([password; 32], credentials, caller(from), answer, now), answered)
    }

    #[test]
    fn who_failed_least_is_checked_first() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let _flood: Vec<_> = (0..9).map(|guess| add(&mut queue, guess, 1, now)).collect();
        let _other = add(&mut queue, 100, 2, now);
        let _last = add(&mut queue, 101, 3, now);
        let order: Vec<_> = std::iter::from_fn(|| queue.next()).map(|next| next.tag[0]).collect();
        assert_eq!(order, [0, 100, 101, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(!queue.working);
    }

    #[test]
    fn the_same_credentials_are_checked_once_and_everybody_is_told() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let answers: Vec<_> = (0..50).map(|_| add(&mut queue, 7, 1, now)).collect();
        assert!(answers.iter().all(|(added, _)| *added == Ok(Try { failures: 0 })));
        assert_eq!(queue.next().unwrap().tag[0], 7);
        let (added, _late) = add(&mut queue, 7, 1, now);
        assert_eq!(added, Ok(Try { failures: 0 }));
        assert_eq!(queue.checking.as_ref().unwrap().1.len(), 51);
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_full_queue_makes_room_for_who_failed_less() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        // Ten callers with seven guesses each, and nobody could be checked yet.
        let mut guesses: Vec<_> =
            (0..70).map(|number| add(&mut queue, number, number % 10, now)).map(|(_, answer)| answer).collect();
        assert_eq!(queue.waiting.len(), MAX_WAITING);
        let (added, mut answer) = add(&mut queue, 200, 200, now);
        assert_eq!(added, Ok(Try { failures: 0 }));
        assert_eq!(queue.waiting.len(), MAX_WAITING);
        assert_eq!(answer.try_recv(), Err(oneshot::error::TryRecvError::Empty), "it waits");
        let closed = |answer: &mut Answer| answer.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        assert_eq!(guesses.iter_mut().filter_map(|answer| closed(answer).then_some(())).count(), 7);
        assert!(guesses[..60].iter_mut().all(|answer| !closed(answer)), "only the worst had to go");
    }

    #[test]
    fn who_has_gone_away_is_not_checked() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        drop(add(&mut queue, 1, 1, now));
        let _waits = add(&mut queue, 2, 1, now);
        assert_eq!(queue.next().unwrap().tag[0], 2);
        assert!(queue.next().is_none());
    }

    #[test]
    fn who_was_wrong_too_often_is_told_when_to_come_again() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let added: Vec<_> = (0..11).map(|guess| add(&mut queue, guess, 1, now).0).collect();
        assert!(added[..10].iter().all(Result::is_ok));
        assert_eq!(added[10], Err(ApiError::TooManyLogins(std::time::Duration::from_secs(5))));
    }
}
