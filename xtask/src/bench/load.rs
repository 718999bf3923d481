//! A light HTTP/1.1 client: blocking, one connection, one buffer. What it costs is small and the same for
//! every server, so that differences are the servers'.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// What is read at once.
const BUFFER_BYTES: usize = 256 * 1024;
/// No answer may take longer. The Python service gives up after 60 s by itself.
const PATIENCE: Duration = Duration::from_secs(120);
/// A connection that was idle for so long is made anew: all servers keep them for 120 s.
const IDLE: Duration = Duration::from_secs(60);

/// Connects, once. `None` when nobody listens.
fn try_connect(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    // Linux connects a socket to itself when its own port happens to be the one that is asked for.
    (stream.local_addr().ok()? != address).then_some(stream)
}

/// A keep-alive connection.
pub(crate) struct Connection {
    port: u16,
    stream: TcpStream,
    buffer: Box<[u8]>,
    /// Read and not yet used.
    start: usize,
    end: usize,
    /// The last answer's body, when it was asked to be kept.
    body: Vec<u8>,
    used: Instant,
}

/// An answer without its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) bytes: u64,
    /// From sending the request to the first byte of the answer.
    pub(crate) first_byte: Duration,
    /// From sending the request to the last byte of the answer.
    pub(crate) time: Duration,
}

enum Length {
    Known(u64),
    Chunked,
}

impl Connection {
    pub(crate) fn open(port: u16) -> Result<Self> {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Ok(Self { port, stream: connect(port)?, buffer, start: 0, end: 0, body: Vec::new(), used: Instant::now() })
    }

    /// Sends a request and keeps the body of its answer; an answer other than 200 is an error.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<(Answer, &[u8])> {
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        let answer = self.send(request, &mut |bytes| {
            body.extend_from_slice(bytes);
            Ok(())
        });
        self.body = body;
        let answer = answer?;
        if answer.status != 200 {
            let text = String::from_utf8_lossy(&self.body[..self.body.len().min(200)]);
            bail!("answered with {} after {:.1} s: {text}", answer.status, answer.time.as_secs_f64());
        }
        Ok((answer, &self.body))
    }

    /// Sends a request and throws away the body of its answer; an answer other than 200 is an error.
    pub(crate) fn download(&mut self, request: &[u8]) -> Result<Answer> {
        let answer = self.send(request, &mut |_| Ok(()))?;
        if answer.status != 200 {
            bail!("answered with {} after {:.1} s", answer.status, answer.time.as_secs_f64());
        }
        Ok(answer)
    }

    /// Sends a request and hands the body of its answer on, piece by piece.
    pub(crate) fn send(&mut self, request: &[u8], sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Answer> {
        if self.used.elapsed() > IDLE {
            self.stream = connect(self.port)?;
        }
        (self.start, self.end) = (0, 0);
        let sent = Instant::now();
        let answer = self.exchange(request, sent, sink);
        self.used = Instant::now();
        if answer.is_err() {
            // Half an answer may still be on its way.
            self.stream = connect(self.port)?;
        }
        answer
    }

    fn exchange(&mut self, request: &[u8], sent: Instant, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Answer> {
        self.stream.write_all(request)?;
        self.fill()?;
        let first_byte = sent.elapsed();
        let (status, length, close) = self.head()?;
        let bytes = match length {
            Length::Known(bytes) => self.pass(bytes, sink)?,
            Length::Chunked => self.chunks(sink)?,
        };
        let time = sent.elapsed();
        if close {
            self.stream = connect(self.port)?;
        }
        Ok(Answer { status, bytes, first_byte, time })
    }

    /// Reads more, behind what is not used yet.
    fn fill(&mut self) -> Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        loop {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) => bail!("the server closed the connection in the middle of an answer"),
                Ok(bytes) => {
                    self.end += bytes;
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    bail!("no answer within {} s", PATIENCE.as_secs())
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Uses up everything to the end of a part that ends so, and gives the part without its end.
    fn until(&mut self, end: &[u8]) -> Result<std::ops::Range<usize>> {
        loop {
            let unused = &self.buffer[self.start..self.end];
            if let Some(at) = unused.windows(end.len()).position(|window| window == end) {
                let part = self.start..self.start + at;
                self.start += at + end.len();
                return Ok(part);
            }
            if unused.len() == self.buffer.len() {
                bail!("an answer's head is longer than {BUFFER_BYTES} bytes");
            }
            self.fill()?;
        }
    }

    fn head(&mut self) -> Result<(u16, Length, bool)> {
        let head = self.until(b"\r\n\r\n")?;
        let head = std::str::from_utf8(&self.buffer[head]).context("the answer's head is no text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let status = status.context("the answer is no HTTP")?;
        let (mut length, mut close) = (None, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                length = Some(Length::Known(value.parse().context("a length that is no number")?));
            } else if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
                length = Some(Length::Chunked);
            } else if name.eq_ignore_ascii_case("connection") {
                close = value.eq_ignore_ascii_case("close");
            }
        }
        Ok((status, length.context("the answer does not say how long it is")?, close))
    }

    fn pass(&mut self, bytes: u64, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        let mut missing = bytes;
        while missing > 0 {
            if self.start == self.end {
                self.fill()?;
            }
            let here = (self.end - self.start).min(usize::try_from(missing).unwrap_or(usize::MAX));
            sink(&self.buffer[self.start..self.start + here])?;
            self.start += here;
            missing -= here as u64;
        }
        Ok(bytes)
    }

    fn chunks(&mut self, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<u64> {
        let mut total = 0;
        loop {
            let size = self.until(b"\r\n")?;
            let size = std::str::from_utf8(&self.buffer[size]).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
            let size = size.context("a chunk without its size")?;
            total += self.pass(size, sink)?;
            self.until(b"\r\n")?;
            if size == 0 {
                return Ok(total);
            }
        }
    }
}

fn connect(port: u16) -> Result<TcpStream> {
    let stream = try_connect(port).with_context(|| format!("nobody listens on port {port}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// What a run of several connections at once came to.
pub(crate) struct Throughput {
    pub(crate) requests: usize,
    pub(crate) time: Duration,
    /// What was taken from the answers.
    pub(crate) taken: Vec<String>,
}

impl Throughput {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.time.as_secs_f64()
    }
}

/// Sends the same request again and again over so many connections at once, `each` times over each of
/// them, and no longer than `budget`. `take` looks at every answer's body.
pub(crate) fn throughput(
    port: u16,
    connections: usize,
    each: usize,
    budget: Duration,
    request: &[u8],
    take: &(dyn Fn(&[u8]) -> Result<Option<String>> + Sync),
) -> Result<Throughput> {
    let mut opened = (0..connections).map(|_| Connection::open(port)).collect::<Result<Vec<_>>>()?;
    let barrier = &Barrier::new(connections + 1);
    let run = |connection: &mut Connection| -> Result<(usize, Vec<String>)> {
        barrier.wait();
        let begun = Instant::now();
        let (mut done, mut taken) = (0, Vec::new());
        while done < each && begun.elapsed() < budget {
            taken.extend(take(connection.ask(request)?.1)?);
            done += 1;
        }
        Ok((done, taken))
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = opened.iter_mut().map(|connection| scope.spawn(move || run(connection))).collect();
        barrier.wait();
        let begun = Instant::now();
        let (mut requests, mut taken) = (0, Vec::new());
        for thread in threads {
            let (done, more) = thread.join().map_err(|_| anyhow::anyhow!("a connection's thread panicked"))??;
            requests += done;
            taken.extend(more);
        }
        Ok(Throughput { requests, time: begun.elapsed(), taken })
    })
}
