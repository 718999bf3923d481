//! The plugin's process: opens the library and answers the host's frames.
//!
//! Its threads take turns at reading: the one that has read a frame runs it, and another one reads on. So
//! a call changes threads only once, and there is always somebody who notices that the host is gone.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use abi_stable::std_types::RSlice;
use bytes::Bytes;
use defect_plugin_api::boundary::RawLog;
use defect_plugin_api::{ClientError, Operation};
use serde::Serialize;

use super::frame::{self, Creation, Frame, Kind, Lent};
use crate::plugin::client::{Answer, CallError, Client, Rest};
use crate::plugin::library::Library;

/// When making pieces has taken so long, no further one is made before the host has these: a slow plugin's pieces arrive
/// one by one, and the time limit of a call is that of a piece.
const ROUND: Duration = Duration::from_millis(5);
/// Bytes of a piece, as `ListedDefects::from_json` recommends it. Others are smaller, and some may be far larger.
const USUAL_PIECE: usize = 64 * 1024;

/// The host, as the plugin's log reaches it from anywhere in the process.
static HOST: OnceLock<Host> = OnceLock::new();

thread_local! {
    /// The call that this thread works for, 0 for none: what it logs belongs to it.
    static CALL: Cell<u64> = const { Cell::new(0) };
}

struct Host {
    output: Mutex<Box<dyn Write + Send>>,
    /// Who waits for the handle of a place that logs.
    registering: Mutex<HashMap<u64, SyncSender<u64>>>,
    registrations: AtomicU64,
}

impl Host {
    fn send(&self, kind: Kind, number: u64, payload: &[&[u8]]) -> io::Result<()> {
        frame::write(&mut *lock(&self.output), kind, number, payload)
    }

    fn send_json(&self, kind: Kind, number: u64, payload: &impl Serialize) -> io::Result<()> {
        self.send(kind, number, &[&serde_json::to_vec(payload)?])
    }
}

/// Serves the host until it goes away or says so; then the process ends, whatever the plugin is at.
/// `exit` is how.
pub fn serve(
    library: &Path,
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    exit: fn() -> !,
) -> ! {
    let (registering, registrations) = (Mutex::default(), AtomicU64::new(1));
    let host = HOST.get_or_init(|| Host { output: Mutex::new(Box::new(output)), registering, registrations });
    let process = Box::leak(Box::new(Process {
        host,
        input: Mutex::new(Box::new(io::BufReader::new(input))),
        readers: AtomicUsize::new(1),
        library: OnceLock::new(),
        client: Mutex::default(),
        answers: Mutex::default(),
        exit,
    }));
    // Others read while it is opened: its constructors may log.
    if process.one_more_reader().is_ok() {
        let opened = Library::open_with_log(library, RawLog { register, emit });
        let told = match opened {
            // There before the host knows of it, and asks for a client.
            Ok(opened) => {
                let opened = process.library.get_or_init(|| opened);
                host.send_json(Kind::Opened, 0, opened.description())
            }
            Err(error) => host.send_json(Kind::NotLoaded, 0, &error),
        };
        if told.is_ok() {
            process.work();
        }
    }
    exit()
}

struct Process {
    host: &'static Host,
    input: Mutex<Box<dyn Read + Send>>,
    /// How many threads read or wait to read.
    readers: AtomicUsize,
    library: OnceLock<Library>,
    client: Mutex<Option<Arc<Client>>>,
    /// The answers that go on, by the number of their call.
    answers: Mutex<HashMap<u64, Unfinished>>,
    exit: fn() -> !,
}

/// An answer that was not whole at once. It is kept until the host drops it.
struct Unfinished {
    /// `None` while a thread makes pieces, and at the end.
    rest: Option<Rest>,
    /// How many batches of pieces the host waits for.
    asked: usize,
    /// Batches that the host may not have read yet, in its order.
    lent: VecDeque<Vec<Bytes>>,
}

impl Unfinished {
    fn new(rest: Rest) -> Self {
        Self { rest: Some(rest), asked: 0, lent: VecDeque::new() }
    }

    /// The host waits for one more batch. Gives what makes it; nothing when the thread that has it goes on anyway.
    fn ask(&mut self) -> Option<Rest> {
        self.asked += 1;
        self.rest.take()
    }

    /// What the host must have read when it waits for a batch that is not made yet.
    fn read(&mut self) -> Option<Vec<Bytes>> {
        (self.lent.len() == frame::ASKED_AHEAD).then(|| self.lent.pop_front()).flatten()
    }

    /// The host has got a batch. Gives back what makes the next one, when that is asked for.
    fn made(&mut self, rest: Rest) -> Option<Rest> {
        self.asked -= 1;
        self.rest = Some(rest);
        self.rest.take_if(|_| self.asked > 0)
    }
}

impl Process {
    /// What a thread does: reads a frame, runs it. Counts as a reader from before it begins.
    fn work(&'static self) {
        loop {
            let read = frame::read(&mut *lock(&self.input));
            let Ok(Some(frame)) = read else { (self.exit)() };
            if frame.kind == Kind::Registered {
                self.registered(&frame);
                continue;
            }
            if self.readers.fetch_sub(1, Ordering::SeqCst) == 1
                && let Err(error) = self.one_more_reader()
            {
                self.readers.fetch_add(1, Ordering::SeqCst);
                let error = ClientError::unavailable(format!("the plugin's process gets no more threads: {error}"));
                self.told(self.host.send_json(Kind::Failed, frame.number, &CallError::Client(error)));
                continue;
            }
            CALL.set(frame.number);
            self.told(self.run(&frame));
            CALL.set(0);
            self.readers.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn one_more_reader(&'static self) -> io::Result<()> {
        self.readers.fetch_add(1, Ordering::SeqCst);
        let begun = std::thread::Builder::new().name("plugin".to_owned()).spawn(|| self.work());
        if begun.is_err() {
            self.readers.fetch_sub(1, Ordering::SeqCst);
        }
        begun.map(drop)
    }

    /// A host that cannot be told anything is gone.
    fn told(&self, sent: io::Result<()>) {
        if sent.is_err() {
            (self.exit)();
        }
    }

    fn run(&self, frame: &Frame) -> io::Result<()> {
        let Frame { kind, number, payload } = frame;
        match kind {
            Kind::Create => self.create(*number, payload),
            Kind::Call => match self.call(payload) {
                Ok(Answer { first, rest: None }) => self.host.send(Kind::Whole, *number, &[&first]),
                Ok(Answer { first, rest: Some(rest) }) => {
                    // Before the host knows of it, and asks for more.
                    lock(&self.answers).insert(*number, Unfinished::new(rest));
                    self.host.send(Kind::Pieces, *number, &[&first])
                }
                Err(error) => self.host.send_json(Kind::Failed, *number, &error),
            },
            Kind::Next => self.next_pieces(*number, payload == &[1]),
            Kind::Drop => {
                let unwanted = lock(&self.answers).remove(number);
                drop(unwanted);
                Ok(())
            }
            Kind::End => {
                let client = lock(&self.client).take();
                drop(client);
                (self.exit)()
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    fn create(&self, number: u64, payload: &[u8]) -> io::Result<()> {
        let Creation { class, config } = serde_json::from_slice(payload)?;
        let Some(library) = self.library.get() else { return Err(io::ErrorKind::InvalidData.into()) };
        match library.create(&class, &config) {
            Ok(client) => {
                *lock(&self.client) = Some(client.into());
                let landmark = Lent::piece(&frame::LANDMARK).address;
                self.host.send(Kind::Created, number, &[&landmark.to_le_bytes()])
            }
            Err(error) => self.host.send_json(Kind::NotLoaded, number, &error),
        }
    }

    fn call(&self, payload: &[u8]) -> Result<Answer, CallError> {
        let (operation, request) = frame::operation_and_request(payload).ok_or_else(broken)?;
        let operation = Operation::from_name(operation).ok_or_else(broken)?;
        let client = lock(&self.client).clone().ok_or_else(broken)?;
        client.call(operation, request)
    }

    /// The next pieces of an answer. When a thread is making those before, that one makes these, too: a host that asks
    /// ahead wakes no thread.
    fn next_pieces(&self, answer: u64, may_lend: bool) -> io::Result<()> {
        let most = if may_lend { frame::PIECES } else { 1 };
        let mut rest = self.of(answer, Unfinished::ask).flatten();
        while let Some(mut source) = rest.take() {
            drop(self.of(answer, Unfinished::read));
            let made = match some_pieces(&mut source, most) {
                Ok(made) => made,
                Err(error) => return self.host.send_json(Kind::Failed, answer, &error),
            };
            let parts: Vec<&[u8]> = made.pieces.iter().map(|piece| &**piece).collect();
            if made.are_last {
                return self.host.send(Kind::Whole, answer, &parts);
            }
            if may_lend {
                let places: Vec<_> = parts.into_iter().map(Lent::piece).collect();
                // Before the host reads them.
                self.of(answer, |unfinished| unfinished.lent.push_back(made.pieces));
                self.host.send(Kind::Lent, answer, &[&Lent::to_payload(&places)])?;
            } else {
                self.host.send(Kind::Pieces, answer, &parts)?;
            }
            rest = self.of(answer, |unfinished| unfinished.made(source)).flatten();
        }
        Ok(())
    }

    /// Does something with an answer, unless nobody wants it any more. What `action` holds is then dropped unlocked.
    fn of<T>(&self, answer: u64, action: impl FnOnce(&mut Unfinished) -> T) -> Option<T> {
        let mut answers = lock(&self.answers);
        let unfinished = answers.get_mut(&answer)?;
        Some(action(unfinished))
    }

    fn registered(&self, frame: &Frame) {
        let waiting = lock(&self.host.registering).remove(&frame.number);
        if let (Some(waiting), Some((handle, _))) = (waiting, frame::number_and_rest(&frame.payload)) {
            let _ = waiting.try_send(handle);
        }
    }
}

/// Some pieces of an answer, with which it goes on or ends.
struct Made {
    pieces: Vec<Bytes>,
    are_last: bool,
}

/// Not more than so many, nor so many bytes as that many pieces usually have, nor for longer than a [`ROUND`]. An error
/// also costs the pieces before it: the transfer is broken off anyway.
fn some_pieces(rest: &mut Rest, most: usize) -> Result<Made, CallError> {
    let begun = Instant::now();
    let (mut pieces, mut bytes) = (Vec::with_capacity(most), 0);
    while let Some(piece) = rest.next_piece()? {
        bytes += piece.len();
        pieces.push(piece);
        if pieces.len() == most || bytes >= most * USUAL_PIECE || begun.elapsed() > ROUND {
            return Ok(Made { pieces, are_last: false });
        }
    }
    Ok(Made { pieces, are_last: true })
}

/// The host never asks such a thing.
fn broken() -> CallError {
    CallError::Client(ClientError::internal("the host and the plugin's process do not understand each other"))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks the host for the handle of a place that logs.
extern "C" fn register(callsite: RSlice<'_, u8>) -> u64 {
    // A panic must not cross into the plugin: it would end the process.
    let handle = catch_unwind(AssertUnwindSafe(|| {
        let host = HOST.get()?;
        let (sender, handle) = sync_channel(1);
        let number = host.registrations.fetch_add(1, Ordering::Relaxed);
        lock(&host.registering).insert(number, sender);
        host.send(Kind::Register, number, &[callsite.as_slice()]).ok()?;
        handle.recv().ok()
    }));
    handle.ok().flatten().unwrap_or(0)
}

extern "C" fn emit(handle: u64, values: RSlice<'_, u8>) {
    let _ = catch_unwind(AssertUnwindSafe(|| {
        let host = HOST.get()?;
        host.send(Kind::Event, CALL.get(), &[&handle.to_le_bytes(), values.as_slice()]).ok()
    }));
}

#[cfg(test)]
mod tests;
