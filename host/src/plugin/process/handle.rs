//! A plugin's process as the host has it: it is started, makes a client, is called and ends.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use defect_plugin_api::Operation;
use defect_plugin_api::boundary::Description;
use serde_json::Value;

use super::Isolation;
use super::frame::{self, Creation, Frame, Kind};
use super::link::{Link, Reply};
use super::rest::RemoteRest;
use crate::plugin::client::{Answer, CallError, Rest};
use crate::plugin::library::LoadError;

/// A running plugin's process. Dropped, it is asked to end, and is ended when it does not.
pub(in crate::plugin) struct Process(Arc<Link>);

impl Process {
    /// Starts a process that opens the library.
    ///
    /// # Errors
    /// [`LoadError`]
    pub(in crate::plugin) fn start(library: &Path, isolation: &Isolation) -> Result<(Self, Description), LoadError> {
        let not_started = |reason: String| LoadError::Process { path: library.to_owned(), reason };
        let link = Link::start(library, isolation)
            .map_err(|error| not_started(format!("the plugin's process cannot be started: {error}")))?;
        let (link, opened) = link;
        // From here on dropping it ends the process.
        let process = Self(link);
        let frame = process.wait(&opened, isolation.patience, "it was opened").map_err(not_started)?;
        match frame.kind {
            Kind::Opened => {
                let description = serde_json::from_slice(&frame.payload).map_err(|error| LoadError::NoDescription {
                    path: library.to_owned(),
                    reason: error.to_string(),
                })?;
                Ok((process, description))
            }
            _ => Err(not_loaded(&frame).unwrap_or_else(not_started)),
        }
    }

    /// Makes the client. A process makes one.
    pub(in crate::plugin) fn create(
        &self,
        library: &Path,
        class: &str,
        config: &Value,
        patience: Duration,
    ) -> Result<(), LoadError> {
        let not_made = |reason: String| LoadError::Process { path: library.to_owned(), reason };
        let creation = Creation { class: class.to_owned(), config: config.clone() };
        let creation = serde_json::to_vec(&creation).map_err(|error| not_made(error.to_string()))?;
        let made = self.0.ask(Kind::Create, &[&creation]).map_err(not_made)?;
        let frame = self.wait(&made, patience, &format!("`{class}` was made")).map_err(not_made)?;
        match frame.kind {
            Kind::Created => {
                self.0.try_reading(&frame.payload);
                Ok(())
            }
            _ => Err(not_loaded(&frame).unwrap_or_else(not_made)),
        }
    }

    fn wait(&self, reply: &Receiver<Frame>, patience: Duration, what: &str) -> Result<Frame, String> {
        match reply.recv_timeout(patience) {
            Ok(frame) => Ok(frame),
            Err(RecvTimeoutError::Disconnected) => Err(format!("its process {} while {what}", self.0.wait_for_end())),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("its process took longer than {} s (`call_timeout`) while {what}", patience.as_secs_f64()))
            }
        }
    }

    /// Runs an operation.
    ///
    /// # Errors
    /// [`CallError::Down`] when the process could not be asked; else what the plugin says, and
    /// [`CallError::Ended`].
    pub(in crate::plugin) fn call(&self, operation: Operation, request: &[u8]) -> Result<Answer, CallError> {
        let (number, reply) = self
            .0
            .ask_numbered(Kind::Call, &[&frame::call_payload(operation.name()), request])
            .map_err(|end| CallError::Down { reason: format!("its process {end}") })?;
        let Reply { mut pieces, goes_on } = self.0.answer(&reply)?;
        let first = pieces.pop_front().map(|piece| self.0.take(piece)).transpose()?;
        let rest = goes_on.then(|| Rest::of_process(RemoteRest::new(Arc::clone(&self.0), number, reply)));
        Ok(Answer { first: first.unwrap_or_default(), rest })
    }

    /// Ends it at once. All calls that wait for it fail; `reason` is told to the log.
    pub(in crate::plugin) fn kill(&self, reason: &str) {
        self.0.kill(Some(reason));
    }

    /// Whether it has ended, or is about to.
    pub(in crate::plugin) fn is_ending(&self) -> bool {
        self.0.is_ending()
    }

    /// Its number in the operating system.
    pub(in crate::plugin) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Something to wait with for the end of it, that does not keep it.
    pub(in crate::plugin) fn watch(&self) -> Watch {
        Watch(Arc::clone(&self.0))
    }
}

/// Waits for the end of a process.
pub(in crate::plugin) struct Watch(Arc<Link>);

impl Watch {
    /// Blocks until it is over, and says why.
    pub(in crate::plugin) fn wait_for_end(&self) -> String {
        self.0.wait_for_end()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What a process says of a library that it could not open, or of a client that it could not make.
fn not_loaded(frame: &Frame) -> Result<LoadError, String> {
    match frame.kind {
        Kind::NotLoaded => serde_json::from_slice(&frame.payload).map_err(|error| error.to_string()),
        _ => Err("its process says something that it was not asked".to_owned()),
    }
}
