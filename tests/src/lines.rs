//! What a process prints, line by line, while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take that a test waits for. Only a failing test waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The lines printed so far.
#[derive(Default)]
pub(crate) struct Lines {
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    /// Reads the stream in a thread of its own.
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Arc<Self> {
        let lines = Arc::new(Self::default());
        let growing = Arc::clone(&lines);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                growing.state().lines.push(String::from_utf8_lossy(&line).into_owned());
                growing.grown.notify_all();
            }
            growing.state().ended = true;
            growing.grown.notify_all();
        });
        lines
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn text(&self) -> String {
        self.state().lines.join("\n")
    }

    /// The first line that fulfils the condition, waited for.
    pub(crate) fn wait_for(&self, what: &str, condition: impl Fn(&str) -> bool) -> Result<String, String> {
        let found = self.wait_until(|state| {
            let found = state.lines.iter().find(|line| condition(line)).cloned();
            found.map(Some).or(state.ended.then_some(None))
        });
        found.flatten().ok_or_else(|| format!("no line with {what} in:\n{}", self.text()))
    }

    /// Waits until nothing more comes.
    pub(crate) fn wait_for_end(&self) -> Result<(), String> {
        let ended = self.wait_until(|state| state.ended.then_some(()));
        ended.ok_or_else(|| format!("after {PATIENCE:?} it still runs and has printed:\n{}", self.text()))
    }

    fn wait_until<T>(&self, condition: impl Fn(&State) -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        let mut state = self.state();
        loop {
            if let Some(found) = condition(&state) {
                return Some(found);
            }
            let left = PATIENCE.checked_sub(begun.elapsed())?;
            state = self.grown.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
