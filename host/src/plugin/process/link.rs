//! The streams to and from a plugin's process, and its end.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tracing::Span;

use super::Isolation;
use super::frame::{self, Frame, Kind, Lent};
use super::last_words::{LastWords, is_about_memory};
use super::memory::Memory;
use crate::plugin::client::CallError;
use crate::plugin::log_bridge;

/// How long a process may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(2);
/// Places of plugins' code that log. The host keeps each for good, so a process that invents ever more
/// of them is not listened to.
const MOST_PLACES: usize = 10_000;

/// Of CreateProcess: its number is a part of the system's interface.
#[cfg(windows)]
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

/// What the handle of a process, the readers of its streams and the answers that go on share.
pub(super) struct Link {
    input: Mutex<ChildStdin>,
    id: u32,
    memory: Memory,
    child: Mutex<Child>,
    calls: Mutex<Calls>,
    over: Condvar,
    words: LastWords,
    memory_limit: Option<u64>,
}

/// An answer, or the next pieces of one.
pub(super) struct Reply {
    pub(super) pieces: VecDeque<Piece>,
    /// There is more when it is asked for.
    pub(super) goes_on: bool,
}

/// A piece of an answer, for [`Link::take`].
#[derive(Debug)]
pub(super) enum Piece {
    Sent(Bytes),
    Lent(Lent),
}

impl Reply {
    fn sent(payload: Vec<u8>, goes_on: bool) -> Self {
        Self { pieces: [Piece::Sent(payload.into())].into(), goes_on }
    }
}

struct Calls {
    next: u64,
    waiting: HashMap<u64, Waiting>,
    /// The host has told it to end at once, or has noticed its end. Until then its number is no other process'.
    is_ending: bool,
    /// Why.
    ended_for: Option<String>,
    /// Why it is over, once it is.
    end: Option<String>,
}

struct Waiting {
    reply: SyncSender<Frame>,
    /// What the plugin logs meanwhile belongs to it.
    span: Span,
}

impl Link {
    /// The link and what its first frame arrives at.
    pub(super) fn start(library: &Path, isolation: &Isolation) -> io::Result<(Arc<Self>, Receiver<Frame>)> {
        let mut command = Command::new(&isolation.program);
        command.args(&isolation.arguments).arg(library);
        for name in &isolation.withheld {
            command.env_remove(name);
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // A ctrl-c in the terminal is for the host, which ends the plugin when all requests are answered.
            command.process_group(0).arg0("defect-host");
        }
        #[cfg(windows)]
        {
            use std::os::windows::process::CommandExt;
            // A console of its own, without a window: for the same reason.
            command.creation_flags(CREATE_NO_WINDOW);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let missing = || io::Error::other("a stream of it is missing");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        let words = child.stderr.take().ok_or_else(missing)?;
        let (reply, opened) = sync_channel(1);
        let waiting = HashMap::from([(0, Waiting { reply, span: Span::current() })]);
        let link = Arc::new(Self {
            input: Mutex::new(input),
            id: child.id(),
            memory: Memory::of(child.id()),
            child: Mutex::new(child),
            calls: Mutex::new(Calls { next: 1, waiting, is_ending: false, ended_for: None, end: None }),
            over: Condvar::new(),
            words: LastWords::default(),
            memory_limit: isolation.memory,
        });
        let (reading, listening) = (Arc::clone(&link), Arc::clone(&link));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let begun = thread("plugin-words").spawn(move || listening.words.listen(words)).and_then(|_| {
            thread("plugin-answers").spawn(move || {
                let fault = reading.read(output);
                reading.conclude(fault);
            })
        });
        if let Err(error) = begun {
            link.kill(None);
            return Err(error);
        }
        Ok((link, opened))
    }

    fn send(&self, kind: Kind, number: u64, payload: &[&[u8]]) -> io::Result<()> {
        frame::write(&mut *lock(&self.input), kind, number, payload)
    }

    pub(super) fn ask(&self, kind: Kind, payload: &[&[u8]]) -> Result<Receiver<Frame>, String> {
        self.ask_numbered(kind, payload).map(|(_, reply)| reply)
    }

    /// Asks for more pieces of an answer.
    pub(super) fn ask_on(&self, answer: u64) {
        // What it was sent may be half of a frame. Who waits for the pieces learns of its end.
        if self.send(Kind::Next, answer, &[&[self.may_lend().into()]]).is_err() {
            self.kill(None);
        }
    }

    /// Nobody wants any more of an answer.
    pub(super) fn forget(&self, answer: u64) {
        lock(&self.calls).waiting.remove(&answer);
        let _ = self.send(Kind::Drop, answer, &[]);
    }

    /// The call's number, and what its reply arrives at. The error is why the process is over; it has not got
    /// the whole frame then, so nothing was done.
    pub(super) fn ask_numbered(&self, kind: Kind, payload: &[&[u8]]) -> Result<(u64, Receiver<Frame>), String> {
        let (reply, receiver) = sync_channel(frame::ASKED_AHEAD);
        let number = {
            let mut calls = lock(&self.calls);
            if let Some(end) = &calls.end {
                return Err(end.clone());
            }
            let number = calls.next;
            calls.next += 1;
            calls.waiting.insert(number, Waiting { reply, span: Span::current() });
            number
        };
        match self.send(kind, number, payload) {
            Ok(()) => Ok((number, receiver)),
            // What it was sent may be half of a frame.
            Err(_) => {
                self.kill(None);
                Err(self.wait_for_end())
            }
        }
    }

    /// Waits for an answer, or for the next pieces of one.
    pub(super) fn answer(&self, reply: &Receiver<Frame>) -> Result<Reply, CallError> {
        let Ok(Frame { kind, payload, .. }) = reply.recv() else {
            return Err(CallError::Ended { reason: self.wait_for_end() });
        };
        match kind {
            Kind::Whole => Ok(Reply::sent(payload, false)),
            Kind::Pieces => Ok(Reply::sent(payload, true)),
            Kind::Lent if self.may_lend() => {
                let places = Lent::from_payload(&payload).ok_or_else(|| self.nonsense())?;
                Ok(Reply { pieces: places.into_iter().map(Piece::Lent).collect(), goes_on: true })
            }
            Kind::Failed => Err(serde_json::from_slice(&payload).unwrap_or_else(|_| self.nonsense())),
            _ => Err(self.nonsense()),
        }
    }

    /// Learns whether pieces can be read where the process has them, from where its landmark is.
    pub(super) fn try_reading(&self, landmark: &[u8]) {
        self.memory.try_reading(landmark);
    }

    /// Whether pieces can be read where the process has them.
    fn may_lend(&self) -> bool {
        self.memory.is_readable()
    }

    /// The bytes of a piece, which are copied when they are still in the process' memory.
    pub(super) fn take(&self, piece: Piece) -> Result<Bytes, CallError> {
        let place = match piece {
            Piece::Sent(bytes) => return Ok(bytes),
            Piece::Lent(place) => place,
        };
        let piece = match self.memory.read(place) {
            // The process may have ended meanwhile and its number be another's: nothing is locked while it is read,
            // since a process can make its reader wait.
            Ok(_) if lock(&self.calls).is_ending => Err(io::ErrorKind::NotFound.into()),
            read => read,
        };
        piece.map(Bytes::from).map_err(|error| {
            let reason = format!("was ended by the host: a piece that it lent cannot be read: {error}");
            // When it has ended by itself, nobody may have noticed yet.
            self.kill((error.kind() != io::ErrorKind::NotFound).then_some(&reason));
            CallError::Ended { reason: self.wait_for_end() }
        })
    }

    fn nonsense(&self) -> CallError {
        self.kill(Some("was ended by the host: it said something that it was not asked"));
        CallError::Ended { reason: self.wait_for_end() }
    }

    /// Gives each frame to who waits for it. Ends at the end of the stream, or with what is wrong with it.
    fn read(&self, output: impl Read) -> Option<io::Error> {
        // Large payloads are read past this buffer.
        let mut output = BufReader::new(output);
        loop {
            let frame = match frame::read(&mut output) {
                Ok(Some(frame)) => frame,
                Ok(None) => return None,
                Err(error) => return Some(error),
            };
            match frame.kind {
                Kind::Register => {
                    let handle = place(&frame.payload);
                    if let Err(error) = self.send(Kind::Registered, frame.number, &[&handle.to_le_bytes()]) {
                        return Some(error);
                    }
                }
                Kind::Event => {
                    let span = lock(&self.calls).waiting.get(&frame.number).map(|waiting| waiting.span.clone());
                    if let Some((handle, values)) = frame::number_and_rest(&frame.payload) {
                        span.unwrap_or_else(Span::none).in_scope(|| log_bridge::event(handle, values));
                    }
                }
                // Nobody may be waiting any more.
                Kind::Pieces | Kind::Lent => {
                    let reply = lock(&self.calls).waiting.get(&frame.number).map(|waiting| waiting.reply.clone());
                    let _ = reply.map(|reply| reply.try_send(frame));
                }
                _ => {
                    let waiting = lock(&self.calls).waiting.remove(&frame.number);
                    let _ = waiting.map(|waiting| waiting.reply.try_send(frame));
                }
            }
        }
    }

    /// Ends the process at once. All that wait for it fail; `reason` is told to the log.
    pub(super) fn kill(&self, reason: Option<&str>) {
        let mut calls = lock(&self.calls);
        if calls.end.is_none() {
            calls.is_ending = true;
            calls.ended_for = calls.ended_for.take().or(reason.map(str::to_owned));
            drop(calls);
            // It may be over already, and nobody has noticed.
            let _ = lock(&self.child).kill();
        }
    }

    /// The process is over, or of no use any more.
    fn conclude(&self, fault: Option<io::Error>) {
        lock(&self.calls).is_ending = true;
        let mut child = lock(&self.child);
        let _ = child.kill();
        let status = child.wait();
        drop(child);
        let words = self.words.wait();
        let status = match status {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        let mut end = match fault {
            Some(fault) => format!("was ended by the host, because its answers are broken: {fault}"),
            None => format!("ended with {status}"),
        };
        if let (Some(memory), true) = (self.memory_limit, words.iter().any(|line| is_about_memory(line))) {
            end = format!("needed more than the {memory} MiB of `isolation_memory` ({status})");
        } else if let Some(last) = words.last() {
            end = format!("{end}; it said last: {last}");
        }
        let mut calls = lock(&self.calls);
        calls.end = Some(calls.ended_for.take().unwrap_or(end));
        // Those who wait see that no reply will come.
        calls.waiting.clear();
        drop(calls);
        self.over.notify_all();
    }

    /// Whether the process has ended, or is about to.
    pub(super) fn is_ending(&self) -> bool {
        let calls = lock(&self.calls);
        calls.is_ending || calls.end.is_some()
    }

    /// The process' number in the operating system.
    pub(super) fn id(&self) -> u32 {
        self.id
    }

    /// Asks the process to end, and ends it when it does not.
    pub(super) fn end(&self) {
        // It ends at the end of its input, too; but so its client is dropped.
        let _ = self.send(Kind::End, 0, &[]);
        let calls = lock(&self.calls);
        let still_there = |calls: &mut Calls| calls.end.is_none();
        let (calls, _) =
            self.over.wait_timeout_while(calls, FAREWELL, still_there).unwrap_or_else(PoisonError::into_inner);
        let is_over = calls.end.is_some();
        drop(calls);
        if !is_over {
            self.kill(None);
        }
    }

    /// Blocks until the process is over, and says why.
    pub(super) fn wait_for_end(&self) -> String {
        let mut calls = lock(&self.calls);
        loop {
            if let Some(end) = &calls.end {
                return end.clone();
            }
            calls = self.over.wait(calls).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// The handle of a place that logs. A process that is started again announces the same places again.
fn place(announced: &[u8]) -> u64 {
    static PLACES: LazyLock<Mutex<HashMap<Vec<u8>, u64>>> = LazyLock::new(Mutex::default);
    let mut places = lock(&PLACES);
    if let Some(handle) = places.get(announced) {
        return *handle;
    }
    if places.len() == MOST_PLACES {
        return 0;
    }
    let handle = log_bridge::place(announced);
    places.insert(announced.to_vec(), handle);
    handle
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
