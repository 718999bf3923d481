use std::collections::VecDeque;

use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RResult, RVec};
use defect_plugin_api::boundary::{RawError, RawStream, RawStream_TO};

use super::*;
#[cfg(target_os = "linux")]
use crate::plugin::process::memory::Memory;

/// The number of the call whose answer goes on.
const ANSWER: u64 = 7;

/// Gives these pieces, and tells when it is dropped.
struct Given(VecDeque<Result<Vec<u8>, ClientError>>, #[expect(dead_code, reason = "it is dropped")] Arc<()>);

impl RawStream for Given {
    fn next_piece(&mut self) -> RResult<RVec<u8>, RawError> {
        self.0.pop_front().unwrap_or(Ok(Vec::new())).map(RVec::from).map_err(RawError::from).into()
    }
}

#[derive(Clone, Default)]
struct Output(Arc<Mutex<Vec<u8>>>);

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A process in the middle of an answer.
struct Answering {
    process: Process,
    output: Output,
    kept: Arc<()>,
}

fn answering(pieces: impl IntoIterator<Item = Result<Vec<u8>, ClientError>>) -> Answering {
    let (output, kept) = (Output::default(), Arc::new(()));
    let given = RawStream_TO::from_value(Given(pieces.into_iter().collect(), Arc::clone(&kept)), TD_Opaque);
    let unfinished = Unfinished::new(Rest::of_this_process(given));
    let host = Host {
        output: Mutex::new(Box::new(output.clone())),
        registering: Mutex::default(),
        registrations: AtomicU64::new(1),
    };
    let process = Process {
        host: Box::leak(Box::new(host)),
        input: Mutex::new(Box::new(io::empty())),
        readers: AtomicUsize::new(1),
        library: OnceLock::new(),
        client: Mutex::default(),
        answers: Mutex::new(HashMap::from([(ANSWER, unfinished)])),
        exit: || unreachable!("it answers"),
    };
    Answering { process, output, kept }
}

impl Answering {
    fn told(&self, kind: Kind, number: u64, payload: &[u8]) -> Option<Frame> {
        self.process.run(&Frame { kind, number, payload: payload.to_vec() }).unwrap();
        let said = std::mem::take(&mut *lock(&self.output.0));
        let mut said = said.as_slice();
        let frame = frame::read(&mut said).unwrap();
        assert_eq!(said, b"", "one frame is answered with one");
        frame
    }

    fn next(&self, may_lend: bool) -> (Kind, Vec<u8>) {
        let frame = self.told(Kind::Next, ANSWER, &[may_lend.into()]).unwrap();
        assert_eq!(frame.number, ANSWER);
        (frame.kind, frame.payload)
    }

    fn is_made(&self) -> bool {
        Arc::strong_count(&self.kept) == 1
    }

    fn is_forgotten(&self) -> bool {
        self.is_made() && lock(&self.process.answers).is_empty()
    }
}

fn numbered(pieces: usize) -> Vec<Result<Vec<u8>, ClientError>> {
    (0..pieces).map(|number| Ok(format!("piece {number}").into_bytes())).collect()
}

#[cfg(target_os = "linux")]
fn read(payload: &[u8]) -> Vec<Result<Vec<u8>, ClientError>> {
    let memory = Memory::of(std::process::id());
    Lent::from_payload(payload).unwrap().into_iter().map(|place| Ok(memory.read(place).unwrap())).collect()
}

#[cfg(target_os = "linux")]
#[test]
fn lent_pieces_stay_where_they_are_until_so_many_more_are_asked_for() {
    let batches = 5;
    let answering = answering(numbered(batches * frame::PIECES + 2));
    let mut lent = VecDeque::new();
    let mut expected = numbered(batches * frame::PIECES).into_iter();
    for batch in 0..batches {
        let (kind, payload) = answering.next(true);
        assert_eq!(kind, Kind::Lent);
        lent.push_back(payload);
        // As late as the host may read them.
        if batch + 1 >= frame::ASKED_AHEAD {
            let pieces = read(&lent.pop_front().unwrap());
            assert_eq!(pieces, expected.by_ref().take(frame::PIECES).collect::<Vec<_>>());
        }
        let unread = lock(&answering.process.answers)[&ANSWER].lent.len();
        assert!(unread <= frame::ASKED_AHEAD, "{unread}");
    }
    let last = format!("piece {}piece {}", batches * frame::PIECES, batches * frame::PIECES + 1);
    assert_eq!(answering.next(true), (Kind::Whole, last.into_bytes()));
    assert!(answering.is_made());
    let pieces: Vec<_> = lent.iter().flat_map(|payload| read(payload)).collect();
    assert_eq!(pieces, expected.collect::<Vec<_>>(), "also after the end");
    assert_eq!(answering.told(Kind::Next, ANSWER, &[1]), None, "asked before the end was known");
    assert_eq!(answering.told(Kind::Drop, ANSWER, &[]), None);
    assert!(answering.is_forgotten());
}

#[test]
fn what_is_asked_for_meanwhile_is_made_by_the_same_thread() {
    let answering = answering([]);
    let mut unfinished = lock(&answering.process.answers).remove(&ANSWER).unwrap();
    let rest = unfinished.ask().unwrap();
    assert!(unfinished.ask().is_none(), "a thread is at it");
    let rest = unfinished.made(rest).unwrap();
    assert!(unfinished.made(rest).is_none(), "no more is asked for");
    assert!(unfinished.ask().is_some());
}

#[test]
fn pieces_that_must_not_be_lent_are_sent_one_by_one() {
    let answering = answering(numbered(2));
    assert_eq!(answering.next(false), (Kind::Pieces, b"piece 0".to_vec()));
    assert_eq!(answering.next(false), (Kind::Pieces, b"piece 1".to_vec()));
    assert_eq!(answering.next(false), (Kind::Whole, Vec::new()));
    assert!(answering.is_made());
}

#[test]
fn few_large_pieces_are_lent_at_once() {
    let answering = answering(vec![Ok(vec![b'x'; frame::PIECES * USUAL_PIECE]); 2]);
    let (kind, payload) = answering.next(true);
    assert_eq!((kind, Lent::from_payload(&payload).unwrap().len()), (Kind::Lent, 1));
}

#[test]
fn an_error_is_the_end() {
    let answering = answering([Ok(b"piece".to_vec()), Err(ClientError::internal("told to"))]);
    let (kind, payload) = answering.next(true);
    let error: CallError = serde_json::from_slice(&payload).unwrap();
    assert_eq!((kind, error), (Kind::Failed, CallError::Client(ClientError::internal("told to"))));
    assert!(answering.is_made());
    assert_eq!(answering.told(Kind::Next, ANSWER, &[1]), None, "there is nothing to go on with");
}

#[test]
fn who_goes_away_frees_what_is_lent() {
    let answering = answering(numbered(2 * frame::PIECES));
    assert_eq!(answering.next(true).0, Kind::Lent);
    assert_eq!(answering.told(Kind::Drop, ANSWER, &[]), None);
    assert!(answering.is_forgotten());
}
