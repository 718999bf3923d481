//! What a plugin's process writes to its standard error: for the log, and for the report of its end.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long the last words of a process that has ended are waited for. A command that the plugin started
/// may hold the stream open for longer.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// As many lines are kept for the report of its end.
const KEPT_LINES: usize = 8;
/// A longer line is cut: nobody reads it.
const LONGEST_LINE: u64 = 4096;

/// The last lines of a process.
#[derive(Default)]
pub(super) struct LastWords {
    said: Mutex<Said>,
    news: Condvar,
}

#[derive(Default)]
struct Said {
    lines: VecDeque<String>,
    is_all: bool,
}

impl LastWords {
    /// Takes what the process writes into the log, until it writes no more.
    pub(super) fn listen(&self, words: impl Read) {
        let mut words = BufReader::new(words);
        let mut line = Vec::new();
        while matches!(words.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line), Ok(1..)) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            line.clear();
            if text.is_empty() {
                continue;
            }
            tracing::warn!("the plugin's process says: {text}");
            let lines = &mut self.said.lock().unwrap_or_else(PoisonError::into_inner).lines;
            if lines.len() == KEPT_LINES {
                lines.pop_front();
            }
            lines.push_back(text);
        }
        self.said.lock().unwrap_or_else(PoisonError::into_inner).is_all = true;
        self.news.notify_all();
    }

    /// The last lines, once there are no more; or those that are there when a process that has ended is not heard out.
    pub(super) fn wait(&self) -> Vec<String> {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let still_speaks = |said: &mut Said| !said.is_all;
        let (said, _) =
            self.news.wait_timeout_while(said, LAST_WORDS, still_speaks).unwrap_or_else(PoisonError::into_inner);
        said.lines.iter().cloned().collect()
    }
}

/// Whether it is what Rust's standard library writes when an allocation fails, before it aborts.
pub(super) fn is_about_memory(line: &str) -> bool {
    line.starts_with("memory allocation of ") && line.contains(" bytes failed")
}
