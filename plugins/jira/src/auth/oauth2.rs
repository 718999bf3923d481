//! OAuth 2.0: access tokens, renewed by one thread while the others wait or use the old one.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use defect_plugin_api::model::Password;
use serde_json::Value;

use super::token_file::{Candidate, TokenFile};
use super::{LoginError, Signing, bearer};
use crate::transport::{Body, Call, ConfigFault, Method, TransportError};

/// A token is renewed this long before its end, or in the last tenth of its life if that is shorter.
const EARLY: Duration = Duration::from_secs(300);
/// After a failure, while the old token is still good.
const NEXT_TRY: Duration = Duration::from_secs(30);

/// The options `oauth2_*`.
pub(crate) struct OAuth2Config {
    pub(crate) client_id: String,
    pub(crate) client_secret: Password,
    pub(crate) grant: Grant,
    /// Data Center wants it for a service account (`WRITE`); not sent to Cloud.
    pub(crate) scope: Option<String>,
    /// Data Center checks it when a user's token is renewed; not sent to Cloud.
    pub(crate) redirect_uri: Option<String>,
    /// An access token that is known already, and when it ends.
    pub(crate) access_token: Option<(Password, SystemTime)>,
}

/// Whose rights the tokens give.
pub(crate) enum Grant {
    /// 2LO: a service account's.
    ClientCredentials,
    /// 3LO: a user's, who gave consent.
    RefreshToken {
        /// `oauth2_refresh_token`: where the chain of refresh tokens begins.
        configured: Option<Password>,
        /// Where the newest one is kept. Nobody else may read the file.
        file: PathBuf,
        /// Where the Python service keeps its own; read until there is one in `file`, never written.
        python_cache: PathBuf,
    },
}

/// Where tokens come from, and in which form they are asked for.
pub(crate) enum TokenEndpoint {
    /// JSON.
    Cloud(String),
    /// A form, with scope and redirect address.
    DataCenter(String),
}

impl TokenEndpoint {
    fn url(&self) -> &str {
        match self {
            Self::Cloud(url) | Self::DataCenter(url) => url,
        }
    }
}

/// The tokens of one login. For all threads.
pub(crate) struct OAuth2 {
    client_id: String,
    client_secret: Password,
    scope: Option<String>,
    redirect_uri: Option<String>,
    /// `None`: client credentials.
    file: Option<TokenFile>,
    initial: Option<(Password, SystemTime)>,
    state: Mutex<State>,
    renewed: Condvar,
}

#[derive(Clone)]
struct Access {
    token: String,
    renew_at: Option<Instant>,
    ends_at: Option<Instant>,
}

impl Access {
    fn new(token: String, lifetime: Option<Duration>, now: Instant) -> Self {
        let ends_at = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        let early = lifetime.map_or(EARLY, |lifetime| EARLY.min(lifetime / 10));
        Self { token, renew_at: ends_at.and_then(|end| end.checked_sub(early)), ends_at }
    }

    fn is_good(&self, now: Instant) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.is_good(now) && self.renew_at.is_none_or(|at| now < at)
    }
}

#[derive(Default)]
struct State {
    begun: bool,
    access: Option<Access>,
    /// A thread is at it.
    renewing: bool,
    /// How often one was at it, and what came of the last time.
    rounds: u64,
    failed: Option<LoginError>,
    /// What came with an access token but could not be stored.
    unsaved: Option<(Access, String)>,
    /// Refresh tokens that were refused, and how: they are not sent again.
    dead: Vec<(String, LoginError)>,
    /// How many threads have ever waited.
    #[cfg(test)]
    waiting: usize,
}

impl OAuth2 {
    /// Prepares a login; asks nobody. For a user's login it is tried whether the token's file could be replaced, so that
    /// a folder that cannot be written to is found before a token is spent.
    ///
    /// # Errors
    /// [`ConfigFault`] when there is no refresh token, or its file cannot be read or written.
    pub(crate) fn new(config: OAuth2Config) -> Result<Self, ConfigFault> {
        let OAuth2Config { client_id, client_secret, grant, scope, redirect_uri, access_token } = config;
        let file = match grant {
            Grant::ClientCredentials => None,
            Grant::RefreshToken { configured, file, python_cache } => {
                let file = TokenFile::new(file, client_id.clone(), configured, python_cache);
                let fault = |reason| ConfigFault { option: "oauth2_refresh_token", reason };
                let path = file.path().display();
                let candidates = file
                    .candidates()
                    .map_err(|error| fault(format!("cannot read `{path}`, which keeps the newest token: {error}")))?;
                if candidates.is_empty() {
                    let python = file.python_cache().display();
                    return Err(fault(format!(
                        "is missing, and neither `{path}` has one for this client nor `{python}`"
                    )));
                }
                file.check_writable()
                    .map_err(|error| fault(format!("cannot write `{path}`, which keeps the newest token: {error}")))?;
                Some(file)
            }
        };
        let initial = access_token.filter(|(token, _)| !token.is_empty());
        let (state, renewed) = (Mutex::default(), Condvar::new());
        Ok(Self { client_id, client_secret, scope, redirect_uri, file, initial, state, renewed })
    }

    /// A token that is good now; renewed before its end by one thread.
    pub(super) fn access_token(&self, signing: &Signing<'_>) -> Result<String, LoginError> {
        let clock = signing.http.clock();
        let mut state = self.lock();
        if !state.begun {
            state.begun = true;
            let lifetime = |end: &SystemTime| end.duration_since(clock.wall()).unwrap_or_default();
            state.access = self
                .initial
                .as_ref()
                .map(|(token, end)| Access::new(token.reveal().to_owned(), Some(lifetime(end)), clock.now()));
        }
        loop {
            let now = clock.now();
            let good = state.access.as_ref().filter(|access| access.is_good(now));
            if let Some(access) = good
                && (access.is_fresh(now) || state.renewing)
            {
                return Ok(access.token.clone());
            }
            if !state.renewing {
                break;
            }
            state = self.await_renewal(state, signing.deadline.saturating_duration_since(now))?;
        }
        state.renewing = true;
        drop(state);
        let mut turn = Turn { tokens: self, outcome: None };
        let outcome = self.renew(signing);
        let old = match &outcome {
            Ok(_) => None,
            Err(_) => {
                // The old one serves while it lasts.
                let mut state = self.lock();
                let now = clock.now();
                let old = state.access.as_mut().filter(|access| access.is_good(now));
                old.map(|access| {
                    access.renew_at = Some(now + NEXT_TRY);
                    access.token.clone()
                })
            }
        };
        turn.outcome = Some(outcome.clone());
        drop(turn);
        match (outcome, old) {
            (Ok(access), _) => Ok(access.token),
            (Err(error), Some(old)) => {
                tracing::warn!("{error}; the old access token is used until it ends");
                Ok(old)
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Waits for the thread that renews, and shares its failure: a queue of tries would outlast every caller's time.
    fn await_renewal<'a>(
        &self,
        state: MutexGuard<'a, State>,
        left: Duration,
    ) -> Result<MutexGuard<'a, State>, LoginError> {
        let round = state.rounds;
        #[cfg(test)]
        let state = self.count_waiting(state);
        let unchanged = |state: &mut State| state.rounds == round;
        let (state, waited) =
            self.renewed.wait_timeout_while(state, left, unchanged).unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            let said = "it is being renewed, which takes longer than this call may; try later".to_owned();
            return Err(LoginError::Unavailable { said });
        }
        match &state.failed {
            Some(error) => Err(error.clone()),
            None => Ok(state),
        }
    }

    /// Jira refused a request with this `Authorization` header: the token in it is not used again.
    pub(crate) fn refused(&self, header: &str) {
        let mut state = self.lock();
        // Another thread may have renewed it meanwhile.
        if state.access.as_ref().is_some_and(|access| bearer(&access.token) == header) {
            state.access = None;
        }
    }

    fn renew(&self, signing: &Signing<'_>) -> Result<Access, LoginError> {
        let Some(file) = &self.file else {
            let mut pairs = vec![("grant_type", "client_credentials")];
            pairs.extend(self.scope.as_deref().map(|scope| ("scope", scope)));
            return self.ask(signing, pairs).map(|(access, _)| access);
        };
        let not_stored = |error: std::io::Error| LoginError::NotStored {
            path: file.path().display().to_string(),
            reason: error.to_string(),
        };
        let unsaved = self.lock().unsaved.clone();
        if let Some((access, refresh_token)) = unsaved {
            file.store(&refresh_token).map_err(not_stored)?;
            self.lock().unsaved = None;
            if access.is_fresh(signing.http.clock().now()) {
                return Ok(access);
            }
        }
        // Read anew: another process may have renewed it, or the user may have given consent again.
        let unreadable = |said: String| LoginError::Unavailable { said };
        let candidates = file
            .candidates()
            .map_err(|error| unreadable(format!("cannot read `{}`: {error}", file.path().display())))?;
        let mut refused = unreadable(format!("`{}` has lost the refresh token", file.path().display()));
        for Candidate { token, is_kept } in candidates {
            let (access, rotated) = match self.refresh(signing, &token) {
                Err(error @ LoginError::ConsentNeeded { .. }) => {
                    refused = error;
                    continue;
                }
                answer => answer?,
            };
            let newest = rotated.unwrap_or_else(|| token.clone());
            if newest != token || !is_kept {
                // Stored before it is used: a crash after this line loses nothing, the old token is dead.
                if let Err(error) = file.store(&newest) {
                    self.lock().unsaved = Some((access, newest));
                    return Err(not_stored(error));
                }
            }
            if !is_kept {
                let (ours, python) = (file.path().display(), file.python_cache().display());
                tracing::info!("the Python service's login in `{python}` goes on in `{ours}`");
            }
            return Ok(access);
        }
        Err(refused)
    }

    /// Spends a refresh token, unless it was refused before.
    fn refresh(&self, signing: &Signing<'_>, token: &str) -> Result<(Access, Option<String>), LoginError> {
        if let Some((_, error)) = self.lock().dead.iter().find(|(dead, _)| dead == token) {
            return Err(error.clone());
        }
        let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        pairs.extend(self.redirect_uri.as_deref().map(|uri| ("redirect_uri", uri)));
        let answer = self.ask(signing, pairs);
        if let Err(error @ LoginError::ConsentNeeded { .. }) = &answer {
            self.lock().dead.push((token.to_owned(), error.clone()));
        }
        answer
    }

    /// Asks for tokens. Repeated after a lost connection: Atlassian takes the old refresh token for ten more minutes.
    fn ask<'a>(
        &'a self,
        signing: &Signing<'_>,
        mut pairs: Vec<(&'a str, &'a str)>,
    ) -> Result<(Access, Option<String>), LoginError> {
        pairs.extend([("client_id", &*self.client_id), ("client_secret", self.client_secret.reveal())]);
        let json;
        let body = match signing.tokens {
            TokenEndpoint::Cloud(_) => {
                pairs.retain(|(name, _)| !matches!(*name, "scope" | "redirect_uri"));
                json = pairs.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
                Body::Json(&json)
            }
            TokenEndpoint::DataCenter(_) => Body::Form(&pairs),
        };
        let url = signing.tokens.url().to_owned();
        let call = Call::without_login(Method::Post, url, body, signing.deadline);
        let response = signing.http.send(&call).map_err(|error| {
            let is_secret =
                |pair: &&(&str, &str)| matches!(pair.0, "client_secret" | "refresh_token") && !pair.1.is_empty();
            let secrets = pairs.iter().filter(is_secret);
            // A server may show in its answer what it got.
            self.refusal(
                signing,
                &error,
                secrets.fold(error.to_string(), |text, (_, secret)| text.replace(secret, "***")),
            )
        })?;
        let incomplete = |error: String| LoginError::Unavailable { said: error };
        let answer = response.json().map_err(|error| incomplete(error.to_string()))?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        let token = text("access_token")
            .ok_or_else(|| incomplete(format!("the answer of `{}` has no `access_token`", signing.tokens.url())))?;
        let seconds =
            answer.get("expires_in").and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        let access = Access::new(token.to_owned(), seconds.map(Duration::from_secs), signing.http.clock().now());
        Ok((access, text("refresh_token").map(str::to_owned)))
    }

    /// What a failed request for a token means; `text` is the error's without secrets.
    fn refusal(&self, signing: &Signing<'_>, error: &TransportError, text: String) -> LoginError {
        let place = signing.tokens.url().to_owned();
        let Some(refusal) = error.refusal() else {
            return LoginError::Unavailable { said: text };
        };
        let code = refusal.messages.code.as_deref().unwrap_or_default();
        match (refusal.status, code) {
            (400..=403, "invalid_grant") if self.file.is_some() => {
                LoginError::ConsentNeeded { place, said: code.to_owned() }
            }
            (400..=403, "invalid_grant" | "invalid_client" | "unauthorized_client" | "access_denied") => {
                LoginError::ClientRefused { place, said: code.to_owned() }
            }
            (401, _) => LoginError::ClientRefused { place, said: "401".to_owned() },
            // Atlassian's page says that Cloud refuses an ended consent with it; a proxy has no such code.
            (403, code) if self.file.is_some() && !code.is_empty() => {
                LoginError::ConsentNeeded { place, said: code.to_owned() }
            }
            _ => LoginError::Unavailable { said: text },
        }
    }

    #[cfg(test)]
    fn count_waiting<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiting += 1;
        self.renewed.notify_all();
        state
    }

    /// Blocks until this many threads wait for a token.
    #[cfg(test)]
    pub(super) fn await_waiting(&self, threads: usize) {
        let _state = self.renewed.wait_while(self.lock(), |state| state.waiting < threads).unwrap();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of the state is one assignment: it is whole whatever panicked meanwhile.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one thread that renews. Its end wakes the others, also when it panics.
struct Turn<'a> {
    tokens: &'a OAuth2,
    outcome: Option<Result<Access, LoginError>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.tokens.lock();
        state.renewing = false;
        state.rounds += 1;
        state.failed = None;
        match self.outcome.take() {
            Some(Ok(access)) => state.access = Some(access),
            Some(Err(error)) => state.failed = Some(error),
            None => {}
        }
        self.tokens.renewed.notify_all();
    }
}
