//! The binary at a real pseudo-terminal, as a person sits before it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::host::HostFolder;
use crate::lines::PATIENCE;

/// A program that runs at a terminal of 80 columns and 24 rows. Ended when dropped.
pub struct AtTerminal {
    child: Child,
    terminal: File,
    screen: Arc<Screen>,
    /// So much of the screen has been waited for.
    seen: usize,
}

impl HostFolder {
    /// Runs the binary in this folder at a terminal.
    #[must_use]
    pub fn run_at_terminal(&self, arguments: &[&str], environment: &[(&str, &str)]) -> AtTerminal {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
        grantpt(&terminal).expect("a terminal");
        unlockpt(&terminal).expect("a terminal");
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).expect("a terminal has a size");
        let name = ptsname(&terminal, Vec::new()).expect("a terminal has a name");
        let other_end = || -> OwnedFd {
            open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).expect("the terminal's end")
        };
        let binary = self.command(arguments, environment);
        // It makes the terminal the one of the process, so that Ctrl-C gets there.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(binary.get_program()).args(binary.get_args());
        command.current_dir(self.path()).env_clear().envs(environment.iter().copied()).env("TERM", "dumb");
        command.stdin(other_end()).stdout(other_end()).stderr(other_end());
        let child = command.spawn().expect("the binary can be started");
        drop(command);
        let terminal = File::from(terminal);
        let screen = Screen::of(terminal.try_clone().expect("a terminal can be read"));
        AtTerminal { child, terminal, screen, seen: 0 }
    }
}

impl AtTerminal {
    /// Waits until the text appears behind all that was waited for before, and types a line.
    ///
    /// # Panics
    /// When the text does not come.
    pub fn answer(&mut self, question: &str, typed: &str) {
        self.wait_for(question);
        self.press(&format!("{typed}\n"));
    }

    /// Waits until the text appears behind all that was waited for before.
    ///
    /// # Panics
    /// When it does not come.
    pub fn wait_for(&mut self, text: &str) {
        self.seen = self.screen.wait_for(text, self.seen).unwrap_or_else(|error| panic!("{error}"));
    }

    /// Presses keys; Ctrl-C is `\u{3}`.
    pub fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("the terminal takes what is typed");
    }

    /// Waits for the end. The exit status, and all that appeared.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end(&mut self) -> (ExitStatus, String) {
        let text = self.screen.wait_for_end().unwrap_or_else(|error| panic!("{error}"));
        (self.child.wait().expect("it is our child"), text)
    }

    /// Does the terminal show what is typed, and take Ctrl-C as a signal?
    #[must_use]
    pub fn is_sane(&self) -> bool {
        let modes = tcgetattr(&self.terminal).expect("a terminal has modes").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a terminal has shown so far.
#[derive(Default)]
struct Screen {
    state: Mutex<Shown>,
    grown: Condvar,
}

#[derive(Default)]
struct Shown {
    bytes: Vec<u8>,
    ended: bool,
}

impl Screen {
    /// Reads in a thread of its own.
    fn of(mut terminal: File) -> Arc<Self> {
        let screen = Arc::new(Self::default());
        let growing = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            // When the last process has closed it, reading is an error.
            while let Ok(length @ 1..) = terminal.read(&mut part) {
                growing.state().bytes.extend_from_slice(&part[..length]);
                growing.grown.notify_all();
            }
            growing.state().ended = true;
            growing.grown.notify_all();
        });
        screen
    }

    fn state(&self) -> MutexGuard<'_, Shown> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the text ends that begins at `from` or later.
    fn wait_for(&self, text: &str, from: usize) -> Result<usize, String> {
        let found = self.wait_until(|shown| {
            let at = shown.bytes[from..].windows(text.len()).position(|window| window == text.as_bytes());
            at.map(|at| Some(from + at + text.len())).or(shown.ended.then_some(None))
        });
        found.flatten().ok_or_else(|| format!("no `{text}` behind byte {from} of:\n{}", self.text()))
    }

    fn wait_for_end(&self) -> Result<String, String> {
        let ended = self.wait_until(|shown| shown.ended.then_some(()));
        ended.map(|()| self.text()).ok_or_else(|| format!("it does not end, and shows:\n{}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.state().bytes).replace("\r\n", "\n")
    }

    fn wait_until<T>(&self, condition: impl Fn(&Shown) -> Option<T>) -> Option<T> {
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
