//! An HTTP server on loopback that plays a script: for every request one step, in order.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::super::{BaseUrl, Clock, ProxySetting, Transport, TransportConfig};

/// What the server does when a request has come.
pub(crate) enum Step {
    /// Answers with this text as it is, and keeps the connection if the text says so.
    Answer(Vec<u8>),
    /// Answers, and ends the connection.
    AnswerAndClose(Vec<u8>),
    /// Ends the connection without an answer.
    Close,
    /// Reads the head but not the body, then ends the connection.
    CloseBeforeBody,
    /// Waits for the receiver's other end to go away, then ends the connection.
    Silence(Receiver<()>),
    /// Answers when the receiver's other end has gone.
    Later(Receiver<()>, Vec<u8>),
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) connection: usize,
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

/// Any answer of an HTTP server.
pub(crate) fn answer(status: u16, headers: &str, body: &str) -> Step {
    Step::Answer(raw(status, headers, body))
}

pub(crate) fn raw(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} Any\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()).into_bytes()
}

pub(crate) fn json(body: &str) -> Step {
    answer(200, "Content-Type: application/json\r\n", body)
}

/// Decides about a request by itself; `None` ends the connection.
type Answerer = dyn FnMut(&Seen) -> Step + Send;

/// The server; it ends with the process, its connections with their clients.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Plays these steps; a request beyond them gets 599.
    pub(crate) fn play(steps: impl IntoIterator<Item = Step>) -> Self {
        let mut steps = steps.into_iter().collect::<std::collections::VecDeque<_>>();
        Self::with(move |_| steps.pop_front().unwrap_or_else(|| answer(599, "", "the script is over")))
    }

    /// Asks `answerer` for every step.
    pub(crate) fn with(answerer: impl FnMut(&Seen) -> Step + Send + 'static) -> Self {
        Self::over(answerer, false, |stream| Ok(Box::new(stream)), "http")
    }

    /// Asks it once the body is there, too.
    pub(crate) fn with_bodies(answerer: impl FnMut(&Seen) -> Step + Send + 'static) -> Self {
        Self::over(answerer, true, |stream| Ok(Box::new(stream)), "http")
    }

    /// Over TLS.
    pub(crate) fn tls(config: Arc<rustls::ServerConfig>, steps: impl IntoIterator<Item = Step>) -> Self {
        let mut steps = steps.into_iter().collect::<std::collections::VecDeque<_>>();
        let accept = move |stream: TcpStream| -> io::Result<Box<dyn Stream>> {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
            Ok(Box::new(rustls::StreamOwned::new(connection, stream)))
        };
        Self::over(move |_| steps.pop_front().unwrap(), false, accept, "https")
    }

    fn over(
        answerer: impl FnMut(&Seen) -> Step + Send + 'static,
        with_body: bool,
        accept: impl Fn(TcpStream) -> io::Result<Box<dyn Stream>> + Send + Sync + 'static,
        scheme: &str,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answerer, accept): (Arc<Mutex<Answerer>>, _) = (Arc::new(Mutex::new(answerer)), Arc::new(accept));
        let kept = Arc::clone(&seen);
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let stream = stream.unwrap();
                let (seen, answerer, accept) = (Arc::clone(&kept), Arc::clone(&answerer), Arc::clone(&accept));
                std::thread::spawn(move || {
                    let socket = stream.try_clone().unwrap();
                    // A client that goes away in the middle is part of the tests.
                    let _ = accept(stream).and_then(|stream| serve(stream, number, with_body, &seen, &answerer));
                    let _ = socket.shutdown(Shutdown::Both);
                });
            }
        });
        Self { url, seen }
    }

    pub(crate) fn base(&self) -> BaseUrl {
        BaseUrl::parse(&self.url).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// A configuration for this server, without proxies and without waiting for long.
    pub(crate) fn config(&self) -> TransportConfig {
        TransportConfig { proxy: ProxySetting::Direct, ..TransportConfig::new(self.base()) }
    }

    /// A transport whose waits are only written down.
    pub(crate) fn transport(&self) -> (Transport, Arc<TestClock>) {
        let clock = Arc::new(TestClock::default());
        (Transport::with_clock(&self.config(), Arc::clone(&clock) as _).unwrap(), clock)
    }
}

pub(crate) trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

fn serve(
    stream: Box<dyn Stream>,
    connection: usize,
    with_body: bool,
    seen: &Mutex<Vec<Seen>>,
    answerer: &Mutex<Answerer>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut request = Seen { connection, line: line(&mut stream)?, headers: Vec::new(), body: Vec::new() };
        loop {
            let header = line(&mut stream)?;
            let Some((name, value)) = header.split_once(": ") else { break };
            request.headers.push((name.to_owned(), value.to_owned()));
        }
        let length = request.header("Content-Length").map_or(0, |length| length.parse().unwrap());
        let decided = (!with_body).then(|| answerer.lock().unwrap()(&request));
        if !matches!(decided, Some(Step::CloseBeforeBody)) {
            request.body.resize(length, 0);
            stream.read_exact(&mut request.body)?;
        }
        let mut step = decided.unwrap_or_else(|| answerer.lock().unwrap()(&request));
        seen.lock().unwrap().push(request);
        if let Step::Later(gate, answer) = step {
            let _ = gate.recv();
            step = Step::Answer(answer);
        }
        match step {
            Step::Answer(text) => stream.get_mut().write_all(&text)?,
            Step::AnswerAndClose(text) => return stream.get_mut().write_all(&text),
            Step::Close | Step::CloseBeforeBody | Step::Later(..) => return Ok(()),
            Step::Silence(gate) => {
                let _ = gate.recv();
                return Ok(());
            }
        }
        stream.get_mut().flush()?;
    }
}

fn line(stream: &mut BufReader<Box<dyn Stream>>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// A gate that is open when the sender has been dropped.
pub(crate) fn gate() -> (Sender<()>, Receiver<()>) {
    channel()
}

/// A clock that stands still but for the waits, which it writes down. Chance is 1.
pub(crate) struct TestClock {
    now: Mutex<(Instant, Vec<Duration>)>,
}

impl Default for TestClock {
    fn default() -> Self {
        Self { now: Mutex::new((Instant::now(), Vec::new())) }
    }
}

impl TestClock {
    pub(crate) fn waits(&self) -> Vec<u64> {
        self.now.lock().unwrap().1.iter().map(Duration::as_secs).collect()
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.now.lock().unwrap().0 += time;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.now.lock().unwrap().0
    }

    fn wall(&self) -> SystemTime {
        httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap()
    }

    fn sleep(&self, time: Duration) {
        self.advance(time);
        self.now.lock().unwrap().1.push(time);
    }

    fn spread(&self) -> f64 {
        0.7
    }
}
