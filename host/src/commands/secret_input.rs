//! Reads a text from the terminal that does not appear there.

use std::io;

/// Asks for a line that is not shown; `None`: the person pressed Ctrl-C or Ctrl-D.
///
/// rpassword would do, but for Ctrl-C: it raises the signal while the terminal is still without echo, and there
/// it stays when that ends the process. Here the terminal's own line editing goes on, Ctrl-C ends the line, and
/// nothing that is typed ahead of the question is shown either.
#[cfg(unix)]
pub(super) fn ask(prompt: &str) -> io::Result<Option<String>> {
    use std::io::{Read as _, Write as _};

    let terminal = std::fs::File::options().read(true).write(true).open("/dev/tty")?;
    let quiet = unix::Quiet::begin(&terminal)?;
    (&terminal).write_all(prompt.as_bytes())?;
    let mut line = Vec::new();
    let cancelled = loop {
        // One line at most: the terminal gives no more.
        let mut part = [0; 4096];
        let length = (&terminal).read(&mut part)?;
        line.extend_from_slice(&part[..length]);
        match line.last() {
            Some(b'\n') => break false,
            Some(last) if length > 0 && *last != quiet.interrupt() => {}
            _ => break true,
        }
    };
    drop(quiet);
    (&terminal).write_all(b"\n")?;
    if cancelled {
        return Ok(None);
    }
    line.pop();
    let text = String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    Ok(Some(text))
}

/// Asks for a line that is not shown; `None`: the person pressed Ctrl-C or Ctrl-D.
#[cfg(not(unix))]
pub(super) fn ask(prompt: &str) -> io::Result<Option<String>> {
    match rpassword::prompt_password(prompt) {
        Ok(text) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

    /// A terminal that shows nothing of what is typed. As it was when this is dropped.
    pub(super) struct Quiet<'a> {
        terminal: &'a File,
        before: Termios,
    }

    impl<'a> Quiet<'a> {
        pub(super) fn begin(terminal: &'a File) -> io::Result<Self> {
            let before = tcgetattr(terminal)?;
            let mut quiet = before.clone();
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ISIG);
            // Without signals, the character that sends one ends the line.
            quiet.special_codes[SpecialCodeIndex::VEOL] = before.special_codes[SpecialCodeIndex::VINTR];
            tcsetattr(terminal, OptionalActions::Now, &quiet)?;
            Ok(Self { terminal, before })
        }

        /// What Ctrl-C sends, or another key that does its duty.
        pub(super) fn interrupt(&self) -> u8 {
            self.before.special_codes[SpecialCodeIndex::VINTR]
        }
    }

    impl Drop for Quiet<'_> {
        fn drop(&mut self) {
            let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
        }
    }
}
