//! The plugin's process: opens the library and answers the host's frames.
//!
//! Its threads take turns at reading: the one that has read a frame runs it, and another one reads on. So
//! a call changes threads only once, and there is always somebody who notices that the host is gone.

use std::cell::Cell;
use std::collections::HashMap;
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

use super::frame::{self, Creation, Frame, Kind, Lent, NextPieces};
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
        rests: Mutex::default(),
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
    /// The answers that go on, by the number of their call; nothing while a thread makes the next pieces.
    rests: Mutex<HashMap<u64, Option<Unfinished>>>,
    exit: fn() -> !,
}

/// An answer that goes on.
struct Unfinished {
    rest: Rest,
    /// Pieces that the host reads where they are.
    lent: Vec<Bytes>,
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
                    lock(&self.rests).insert(*number, Some(Unfinished { rest, lent: Vec::new() }));
                    self.host.send(Kind::Pieces, *number, &[&first])
                }
                Err(error) => self.host.send_json(Kind::Failed, *number, &error),
            },
            Kind::Next => self.next_pieces(*number, payload),
            Kind::Drop => {
                let unwanted = lock(&self.rests).remove(number);
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

    /// The next pieces of an answer. Its rest is away from `rests` meanwhile, but not its number: when that
    /// is gone too, nobody wants the rest any more.
    fn next_pieces(&self, number: u64, payload: &[u8]) -> io::Result<()> {
        let Some(NextPieces { answer, may_lend }) = NextPieces::from_payload(payload) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let unfinished = lock(&self.rests).get_mut(&answer).and_then(Option::take);
        let Some(Unfinished { mut rest, lent }) = unfinished else {
            return self.host.send_json(Kind::Failed, number, &broken());
        };
        drop(lent);
        let most = if may_lend { frame::PIECES } else { 1 };
        let made = match some_pieces(&mut rest, most) {
            Ok(made) => made,
            Err(error) => {
                lock(&self.rests).remove(&answer);
                return self.host.send_json(Kind::Failed, number, &error);
            }
        };
        let parts: Vec<&[u8]> = made.pieces.iter().map(|piece| &**piece).collect();
        if made.are_last {
            lock(&self.rests).remove(&answer);
            return self.host.send(Kind::Whole, number, &parts);
        }
        // Before the host asks for more.
        let wait = |lent| {
            if let Some(place) = lock(&self.rests).get_mut(&answer) {
                *place = Some(Unfinished { rest, lent });
            }
        };
        if may_lend {
            let places: Vec<_> = parts.into_iter().map(Lent::piece).collect();
            wait(made.pieces);
            self.host.send(Kind::Lent, number, &[&Lent::to_payload(&places)])
        } else {
            wait(Vec::new());
            self.host.send(Kind::Pieces, number, &parts)
        }
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
