//! A plugin in a process of its own: what it does to itself stays there.
//!
//! The host starts its own program again as the plugin's process (`child`), which opens the library and
//! is asked by frames on its standard streams (`frame`). `handle` is such a process as the host has it, `link` the host's
//! end of its streams, `last_words` of its standard error. `rest` is what goes on of a long answer, whose pieces the host
//! copies out of its `memory` where the system lets it. `supervisor` starts another process when one has ended.

mod child;
mod frame;
mod handle;
mod last_words;
mod link;
mod memory;
mod rest;
mod supervisor;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use child::serve;
pub(super) use handle::Process;
pub(super) use rest::RemoteRest;
pub(super) use supervisor::{Recipe, Supervised};

/// How a plugin's process is run.
#[derive(Clone)]
pub struct Isolation {
    /// The host's own program, and the arguments that make it a plugin's process. The library's path
    /// comes behind them.
    pub program: PathBuf,
    /// See `program`.
    pub arguments: Vec<String>,
    /// Environment variables that it does not get: the host's own secrets.
    pub withheld: Vec<&'static str>,
    /// How much memory its data may take, in MiB; `None` for any.
    pub memory: Option<u64>,
    /// How long opening the library and making the client may take.
    pub patience: Duration,
    /// Looks at the library's file, before each start but the first. The error is why it is not opened.
    pub vet: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}
