//! HTTP byte by byte, for what a well-behaved client neither sends nor shows.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;

use crate::host::CREDENTIALS;

/// How long a read may wait. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The head of a request by [`CREDENTIALS`], with these further headers and no body.
#[must_use]
pub fn head_of(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{}:{}", CREDENTIALS.0, CREDENTIALS.1));
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic {pair}\r\n{headers}\r\n")
}

/// A connection to a service.
pub struct Connection<S: Read = TcpStream>(BufReader<S>);

/// The beginning of an answer.
#[derive(Debug)]
pub struct Head {
    /// The HTTP status.
    pub status: u16,
    /// The header lines, as they came.
    pub headers: String,
}

impl Head {
    /// A header's text; empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let pairs = self.headers.lines().filter_map(|line| line.split_once(": "));
        pairs.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
    }
}

impl Connection {
    /// Connects to `address:port`.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn open(address: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self::over(stream))
    }
}

impl<S: Read + Write> Connection<S> {
    /// Over a connected stream.
    pub fn over(stream: S) -> Self {
        Self(BufReader::with_capacity(1024, stream))
    }

    /// Sends these bytes.
    ///
    /// # Errors
    /// The other end is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref())?;
        self.0.get_mut().flush()
    }

    /// Reads the next answer up to its body.
    ///
    /// # Errors
    /// The connection ended before.
    pub fn head(&mut self) -> std::io::Result<Head> {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut text)? == 0 {
                return Err(std::io::Error::other(format!("the connection ended after {text:?}")));
            }
        }
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| std::io::Error::other(format!("no status in {text:?}")))?;
        Ok(Head { status, headers: text })
    }

    /// Reads a body of this length.
    ///
    /// # Errors
    /// The connection ended before.
    pub fn body(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(body)
    }

    /// Reads whatever comes until the connection ends, well or not.
    #[must_use]
    pub fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.0.read_to_end(&mut rest);
        rest
    }
}
