//! The person who is asked: plain lines on a terminal, which every terminal and screen reader can do.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::super::prose::{wrapped, wrapped_line};
use super::super::{secret_input, terminal};
use crate::hidden::masked;

/// Why the questions ended early. Nothing has been written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("cancelled: nothing was written")]
    Cancelled,
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// Somebody who reads and answers.
pub(super) trait Person {
    /// Shows a line, as it is.
    fn say(&mut self, line: &str);
    /// Asks for a line; what comes is trimmed.
    fn line(&mut self, prompt: &str) -> Result<String, Stopped>;
    /// Asks for a line that must not be shown.
    fn secret(&mut self, prompt: &str) -> Result<String, Stopped>;
    /// So many columns lines may have.
    fn width(&self) -> usize;
}

impl dyn Person + '_ {
    /// Shows a text of several paragraphs.
    pub(super) fn explain(&mut self, text: &str, indent: &str) {
        wrapped(text, indent, self.width()).iter().for_each(|line| self.say(line));
    }

    /// Shows an entry of a list.
    pub(super) fn entry(&mut self, label: &str, text: &str) {
        let others = " ".repeat(label.chars().count());
        wrapped_line(text, label, &others, self.width()).iter().for_each(|line| self.say(line));
    }

    /// Shows an error as other commands do. What points at a place in a line is not wrapped.
    pub(super) fn report(&mut self, error: &str) {
        for line in error.lines() {
            let sentence = line.starts_with(char::is_alphabetic);
            if sentence { self.entry("", line) } else { self.say(line) }
        }
    }

    /// A heading, behind an empty line.
    pub(super) fn heading(&mut self, text: &str) {
        self.say("");
        self.say(&format!("== {text}"));
    }

    pub(super) fn yes(&mut self, question: &str, default: bool) -> Result<bool, Stopped> {
        let choice = if default { "[Y/n]" } else { "[y/N]" };
        loop {
            match self.line(&format!("{question} {choice}: "))?.to_lowercase().as_str() {
                "" => return Ok(default),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => self.say("  answer y or n"),
            }
        }
    }
}

/// The one at the terminal of the process.
pub(super) struct AtTerminal {
    width: usize,
}

impl AtTerminal {
    /// `None` without a terminal to read from and to write to.
    pub(super) fn new() -> Option<Self> {
        let both = io::stdin().is_terminal() && io::stdout().is_terminal();
        both.then(|| Self { width: terminal::width() })
    }
}

impl Person for AtTerminal {
    fn say(&mut self, line: &str) {
        // A plugin's own words may be in it.
        let _ = writeln!(io::stdout(), "{}", masked(line.into()));
    }

    fn line(&mut self, prompt: &str) -> Result<String, Stopped> {
        let mut stdout = io::stdout();
        stdout.write_all(prompt.as_bytes())?;
        stdout.flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            self.say("");
            return Err(Stopped::Cancelled);
        }
        Ok(line.trim().to_owned())
    }

    fn secret(&mut self, prompt: &str) -> Result<String, Stopped> {
        secret_input::ask(prompt)?.ok_or(Stopped::Cancelled)
    }

    fn width(&self) -> usize {
        self.width
    }
}

/// Somebody who answers what a test says; what is shown is kept.
#[cfg(test)]
pub(super) struct Scripted {
    answers: std::collections::VecDeque<&'static str>,
    pub(super) screen: String,
}

#[cfg(test)]
impl Scripted {
    pub(super) fn new(answers: &[&'static str]) -> Self {
        Self { answers: answers.iter().copied().collect(), screen: String::new() }
    }
}

#[cfg(test)]
impl Person for Scripted {
    fn say(&mut self, line: &str) {
        self.screen.push_str(line.trim_end());
        self.screen.push('\n');
    }

    fn line(&mut self, prompt: &str) -> Result<String, Stopped> {
        let answer = self.answers.pop_front().ok_or(Stopped::Cancelled)?;
        self.say(&format!("{prompt}{answer}"));
        Ok(answer.to_owned())
    }

    fn secret(&mut self, prompt: &str) -> Result<String, Stopped> {
        let answer = self.answers.pop_front().ok_or(Stopped::Cancelled)?;
        self.say(prompt);
        Ok(answer.to_owned())
    }

    fn width(&self) -> usize {
        80
    }
}
