//! A client behind the boundary, called with bytes and answering with bytes.

use std::time::Duration;

use abi_stable::std_types::{ROption, RResult, RSlice, RStr, RVec};
use bytes::Bytes;
use defect_plugin_api::boundary::{RawClientBox, RawError, RawErrorKind, RawStreamBox};
use defect_plugin_api::{ClientError, Operation};
use serde::{Deserialize, Serialize};

use super::process::{RemoteRest, Supervised};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
pub enum CallError {
    /// The plugin says so.
    #[error("{0}")]
    Client(ClientError),
    /// The plugin's code panicked.
    #[error("the plugin {0}")]
    Panicked(
        /// The panic's place and text.
        String,
    ),
    /// The plugin's process ended during the call. What the call should do may be done or not.
    #[error("its process {reason}")]
    Ended {
        /// How it ended.
        reason: String,
    },
    /// The plugin's process has ended and is not there again yet. Nothing was done.
    #[error("{reason}; it will be started again")]
    Down {
        /// Why it is not there.
        reason: String,
    },
}

impl From<RawError> for CallError {
    fn from(error: RawError) -> Self {
        if error.kind == RawErrorKind::PANICKED {
            Self::Panicked(error.message.into())
        } else {
            Self::Client(error.into())
        }
    }
}

/// An answer as JSON: its beginning and, when it is long, where the rest comes from.
pub struct Answer {
    /// The whole answer, or its beginning. The plugin's own memory, not a copy.
    pub first: Bytes,
    /// The rest.
    pub rest: Option<Rest>,
}

/// The rest of a long answer. Pulling and dropping it runs the plugin's code, which may block.
pub struct Rest(Source);

enum Source {
    Here(RawStreamBox),
    Process(RemoteRest),
}

/// Nobody pins what is behind the box: it is only called.
impl Unpin for Rest {}

impl Rest {
    pub(super) fn of_this_process(rest: RawStreamBox) -> Self {
        Self(Source::Here(rest))
    }

    pub(super) fn of_process(rest: RemoteRest) -> Self {
        Self(Source::Process(rest))
    }

    /// The next piece; `None` after the last. Blocks.
    ///
    /// # Errors
    /// See [`CallError`]; the answer is incomplete then.
    pub fn next_piece(&mut self) -> Result<Option<Bytes>, CallError> {
        match &mut self.0 {
            Source::Process(rest) => rest.next_piece(),
            Source::Here(rest) => match rest.next_piece() {
                RResult::ROk(piece) if piece.is_empty() => Ok(None),
                RResult::ROk(piece) => Ok(Some(bytes_of(piece))),
                RResult::RErr(error) => Err(error.into()),
            },
        }
    }
}

/// A client that a plugin made. Callable from several threads at once.
pub struct Client {
    plugin: String,
    class: String,
    operations: Vec<String>,
    home: Home,
}

/// Where a client lives.
pub(super) enum Home {
    /// In this process.
    Here(RawClientBox),
    /// In one of its own.
    Process(Supervised),
}

/// A moment in the life of a client, see [`Client::give_up`].
#[derive(Debug, Clone, Copy)]
pub struct Moment(u64);

impl Client {
    pub(super) fn new(plugin: String, class: String, operations: Vec<String>, home: Home) -> Self {
        Self { plugin, class, operations, home }
    }

    /// The plugin's crate name.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The client's class.
    #[must_use]
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Whether the plugin was built with this operation.
    #[must_use]
    pub fn has(&self, operation: Operation) -> bool {
        self.operations.iter().any(|known| known == operation.name())
    }

    /// Runs an operation; `request` is a [`Request`](defect_plugin_api::Request) in JSON. Blocks for as
    /// long as the plugin does.
    ///
    /// # Errors
    /// See [`CallError`]; [`ClientError::NotSupported`] for an operation that the plugin was built
    /// without.
    pub fn call(&self, operation: Operation, request: &[u8]) -> Result<Answer, CallError> {
        if !self.has(operation) {
            return Err(CallError::Client(ClientError::NotSupported(format!(
                "the plugin `{}` has no operation `{}`: it was built for an older plugin-api; rebuild it",
                self.plugin,
                operation.name()
            ))));
        }
        match &self.home {
            Home::Process(process) => process.call(operation, request),
            Home::Here(raw) => match raw.call(RStr::from(operation.name()), RSlice::from_slice(request)) {
                RResult::ROk(reply) => Ok(Answer {
                    first: bytes_of(reply.first),
                    rest: match reply.rest {
                        ROption::RSome(rest) => Some(Rest::of_this_process(rest)),
                        ROption::RNone => None,
                    },
                }),
                RResult::RErr(error) => Err(error.into()),
            },
        }
    }

    /// Now, for [`Client::give_up`].
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment(match &self.home {
            Home::Here(_) => 0,
            Home::Process(process) => process.run(),
        })
    }

    /// How many times its process was started again; 0 in this process.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.moment().0
    }

    /// A call that began at this moment is over its time. A plugin's process is ended for that, with all
    /// calls that wait for it, and started again; in this process nothing can be done.
    pub fn give_up(&self, began: Moment, operation: Operation, limit: Duration) {
        if let Home::Process(process) = &self.home {
            let (operation, seconds) = (operation.name(), limit.as_secs_f64());
            process.give_up(began.0, &format!("was ended by the host: `{operation}` took longer than {seconds} s"));
        }
    }
}

fn bytes_of(piece: RVec<u8>) -> Bytes {
    Bytes::from_owner(Piece(piece))
}

/// Lends the plugin's memory to `Bytes`; it is freed by the plugin's own allocator.
struct Piece(RVec<u8>);

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice()
    }
}
