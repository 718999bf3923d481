//! Calls of the client, by the code that the host's calls go through, and what came back.

use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::report::Failure;
use super::shown;
use crate::client::DefectClient;
use crate::dispatch::{Reply, dispatch};
use crate::error::ClientError;
use crate::list::ListWriter;
use crate::operation::{Operation, Request};
use crate::panics::guard;

/// The client, its type erased so that the checks are compiled once.
pub(super) trait Callee: Sync {
    fn call(&self, operation: Operation, request: &[u8]) -> Result<Pieces, Refusal>;
}

impl<C: DefectClient> Callee for C {
    fn call(&self, operation: Operation, request: &[u8]) -> Result<Pieces, Refusal> {
        Ok(match guarded(|| dispatch(self, operation.name(), request))? {
            Reply::Whole(first) => Pieces { first, rest: None },
            Reply::Pieces(first, writer) => Pieces { first, rest: Some(writer) },
        })
    }
}

/// No answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    Error(ClientError),
    /// What was said, and where.
    Panic(String),
}

fn guarded<T>(code: impl FnOnce() -> Result<T, ClientError>) -> Result<T, Refusal> {
    guard(code).map_err(Refusal::Panic)?.map_err(Refusal::Error)
}

/// An answer as the host gets it.
pub(super) struct Pieces {
    first: Vec<u8>,
    rest: Option<ListWriter>,
}

impl Pieces {
    /// All of it. The host takes pieces from changing threads, so each comes from another one here.
    pub(super) fn whole(mut self) -> Result<Vec<u8>, Refusal> {
        let mut whole = std::mem::take(&mut self.first);
        while let Some(piece) = self.next()? {
            whole.extend(piece);
        }
        self.drop_rest()?;
        Ok(whole)
    }

    /// Reads so many further pieces and drops the list, as when the caller goes away.
    pub(super) fn drop_after(mut self, pieces: usize) -> Result<(), Refusal> {
        for _ in 0..pieces {
            self.next()?;
        }
        self.drop_rest()
    }

    /// How many pieces there are behind the first.
    pub(super) fn count(mut self) -> Result<usize, Refusal> {
        let mut count = 0;
        while self.next()?.is_some() {
            count += 1;
        }
        self.drop_rest()?;
        Ok(count)
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(writer) = &mut self.rest else { return Ok(None) };
        let piece = std::thread::scope(|scope| {
            let pulled = scope.spawn(|| guarded(|| writer.next_piece()));
            // What panics in there is caught in there.
            pulled.join().unwrap_or_else(|_| Err(Refusal::Panic("panicked".to_owned())))
        })?;
        Ok((!piece.is_empty()).then_some(piece))
    }

    fn drop_rest(self) -> Result<(), Refusal> {
        guarded(|| {
            drop(self.rest);
            Ok(())
        })
    }
}

/// What the client is asked.
pub(super) struct Question {
    pub(super) operation: Operation,
    pub(super) request: Request<Value>,
    /// The password in the request. Never shown.
    pub(super) secret: String,
}

impl Question {
    fn shown(&self) -> String {
        let mut shown = self.operation.name().to_owned();
        let Request { project, defect_id, body } = &self.request;
        let body = body.as_ref().filter(|body| **body != json!({})).map(Value::to_string);
        let quoted = |name: &Option<String>| name.as_ref().map(|name| json!(name).to_string());
        for (label, value) in [("project", quoted(project)), ("defectId", quoted(defect_id)), ("body", body)] {
            if let Some(value) = value {
                shown.push_str(&format!(", {label} {}", self.redacted(&value)));
            }
        }
        shown
    }

    /// Shortened, without the password.
    fn redacted(&self, text: &str) -> String {
        let escaped = json!(self.secret).to_string();
        match escaped.trim_matches('"') {
            "" => shown::text(text),
            // Before it is cut: of half a password nothing would be found.
            escaped => shown::text(&text.replace(&self.secret, "***").replace(escaped, "***")),
        }
    }
}

/// One call and its outcome, read as a `T`.
pub(super) struct Exchange<T> {
    pub(super) question: Question,
    pub(super) outcome: Result<Vec<u8>, Refusal>,
    pub(super) answer: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Exchange<T> {
    /// The answer; everything else is a failure.
    pub(super) fn answered(self) -> Result<Answered<T>, Failure> {
        let json = match &self.outcome {
            Ok(json) => json,
            Err(Refusal::Panic(_)) => {
                return Err(self.fails("an answer or a `ClientError`", "return a `ClientError` instead of panicking"));
            }
            Err(Refusal::Error(_)) => {
                let to_do = "find out why the client refuses this request; when the tracker cannot take it, say so in \
                             the `ScratchProject`";
                return Err(self.fails("an answer", to_do));
            }
        };
        match serde_json::from_slice(json) {
            Ok(value) => Ok(Answered { value, exchange: self }),
            Err(error) => {
                let wanted = format!("JSON of the operation's model, but: {error}");
                Err(self.fails(wanted, "correct what is handed to `from_json`: nobody looks at it on its way"))
            }
        }
    }

    /// The error that the client answered with, if it did.
    pub(super) fn error(&self) -> Option<&ClientError> {
        match &self.outcome {
            Err(Refusal::Error(error)) => Some(error),
            _ => None,
        }
    }
}

impl<T> Exchange<T> {
    /// The failure that this exchange is.
    pub(super) fn fails(&self, wanted: impl Into<String>, to_do: impl Into<String>) -> Failure {
        let answered = match &self.outcome {
            Ok(json) => String::from_utf8_lossy(json).into_owned(),
            Err(Refusal::Error(error)) => format!("ClientError::{error:?}"),
            Err(Refusal::Panic(report)) => report.clone(),
        };
        let answered = self.question.redacted(&answered);
        Failure { asked: self.question.shown(), answered, wanted: wanted.into(), to_do: to_do.into() }
    }
}

/// An exchange that ended with an answer.
pub(super) struct Answered<T> {
    value: T,
    exchange: Exchange<T>,
}

impl<T> Deref for Answered<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: DeserializeOwned> Answered<T> {
    pub(super) fn fails(&self, wanted: impl Into<String>, to_do: impl Into<String>) -> Failure {
        self.exchange.fails(wanted, to_do)
    }

    /// Its bytes.
    pub(super) fn json(&self) -> &[u8] {
        self.exchange.outcome.as_deref().unwrap_or_default()
    }
}
