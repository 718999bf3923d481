//! What passes between the host and a plugin's process: frames on a stream, in both directions.
//!
//! A frame is a kind (one byte), a number (eight bytes), the length of its payload (four bytes, all little
//! endian) and the payload. Both ends are the same program, so there are no versions. The number is that
//! of the call that a frame belongs to.

use std::io::{self, IoSlice, Read, Write};

use serde::{Deserialize, Serialize};

/// No payload is longer: a length beyond it means that the stream is no longer one of frames.
const LONGEST: usize = 1 << 30;
/// So many pieces of a long answer are made for one frame that asks for them, at most: waking threads for each costs
/// more than making it.
pub(super) const PIECES: usize = 3;
/// So many frames ask for pieces at a time, so that the process makes the next ones while the host copies those
/// before. It lends as many times [`PIECES`] when the host's caller stands still.
pub(super) const ASKED_AHEAD: usize = 4;
/// A payload grows by so much at most before its bytes have arrived.
const AT_ONCE: usize = 1 << 20;
const HEADER: usize = 13;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $byte:literal),* $(,)?) => {
        /// What a frame says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $($(#[$doc])* $kind = $byte),* }

        impl Kind {
            fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$kind),)* _ => None }
            }
        }
    };
}

kinds! {
    /// To the process: make the client of this class; a [`Creation`].
    Create = 1,
    /// To the process: run an operation; see [`call_payload`].
    Call = 2,
    /// To the process: more pieces of the answer that the call of this number began; one byte, 1 when it may lend
    /// them. Up to [`ASKED_AHEAD`] of these may wait for their replies, so the host has read all that it was lent
    /// but for the last `ASKED_AHEAD - 1` replies.
    Next = 3,
    /// To the process: nobody wants any more of the answer that the call of this number began, nor reads what it lent
    /// of it.
    Drop = 4,
    /// To the process: drop the client and end.
    End = 5,
    /// To the process: the answer to `Register`, a handle of eight bytes.
    Registered = 6,
    /// From the process: the library is open; its description, as JSON.
    Opened = 16,
    /// From the process: the library could not be opened, or the client not be made; a `LoadError`.
    NotLoaded = 17,
    /// From the process: the client is made; the address of [`LANDMARK`] in its memory, eight bytes.
    Created = 18,
    /// From the process: the whole answer of a call, or the last pieces of one (which may be empty).
    Whole = 19,
    /// From the process: pieces of an answer that goes on when it is asked to.
    Pieces = 20,
    /// From the process: as `Pieces`, but they stay in its memory for the host to read them there; see [`Lent`].
    Lent = 24,
    /// From the process: the call failed; a `CallError`.
    Failed = 21,
    /// From the process: a place in the plugin that logs, as `boundary::LogCallsite`.
    Register = 22,
    /// From the process: an event of a place, during the call of this number: its handle and values.
    Event = 23,
}

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) payload: Vec<u8>,
}

/// Reads the next frame; `None` at the end of the stream.
///
/// # Errors
/// Those of the stream; [`io::ErrorKind::InvalidData`] for what is no frame, after which the stream is of
/// no use.
pub(super) fn read(stream: &mut impl Read) -> io::Result<Option<Frame>> {
    let mut header = [0; HEADER];
    let mut filled = 0;
    while filled < HEADER {
        match stream.read(&mut header[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => filled += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let [kind, a, b, c, d, e, f, g, h, length @ ..] = header;
    let number = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    let length = u32::from_le_bytes(length) as usize;
    let kind = Kind::from_byte(kind).filter(|_| length <= LONGEST);
    let kind = kind.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "this is no frame"))?;
    let mut payload = Vec::new();
    while payload.len() < length {
        let read = payload.len();
        payload.resize(length.min(read + AT_ONCE), 0);
        // Not `read_to_end`, which spares the zeros but begins with small reads.
        stream.read_exact(&mut payload[read..])?;
    }
    Ok(Some(Frame { kind, number, payload }))
}

/// Writes a frame. The stream belongs to the caller until it is out.
///
/// # Errors
/// Those of the stream; [`io::ErrorKind::InvalidInput`] for a payload of more than 1 GiB, of which nothing
/// is written.
pub(super) fn write(stream: &mut impl Write, kind: Kind, number: u64, payload: &[&[u8]]) -> io::Result<()> {
    let length = payload.iter().map(|part| part.len()).sum::<usize>();
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "more than 1 GiB at once");
    let length = u32::try_from(length).ok().filter(|length| *length as usize <= LONGEST).ok_or_else(too_long)?;
    let mut header = [0; HEADER];
    header[0] = kind as u8;
    header[1..9].copy_from_slice(&number.to_le_bytes());
    header[9..].copy_from_slice(&length.to_le_bytes());
    let mut parts = vec![IoSlice::new(&header)];
    parts.extend(payload.iter().map(|part| IoSlice::new(part)));
    let mut parts = parts.as_mut_slice();
    while !parts.is_empty() {
        match stream.write_vectored(parts) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut parts, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stream.flush()
}

/// What stands in the process' memory where [`Kind::Created`] says. A host that can read it there can read pieces, too.
pub(super) static LANDMARK: [u8; 16] = *b"defect-host here";

/// One of the places that [`Kind::Lent`] carries, of 16 bytes each: where a piece is in the process' memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lent {
    pub(super) address: u64,
    pub(super) length: u64,
}

impl Lent {
    /// This piece, which stays where it is for as long as the host may read it.
    pub(super) fn piece(piece: &[u8]) -> Self {
        Self { address: piece.as_ptr().expose_provenance() as u64, length: piece.len() as u64 }
    }

    pub(super) fn to_payload(places: &[Self]) -> Vec<u8> {
        places.iter().flat_map(|place| [place.address.to_le_bytes(), place.length.to_le_bytes()]).flatten().collect()
    }

    /// `None` for no or too many of them, and for a piece that is empty or longer than a frame can be.
    pub(super) fn from_payload(payload: &[u8]) -> Option<Vec<Self>> {
        let (places, []) = payload.as_chunks::<16>() else { return None };
        let place = |place: &[u8; 16]| {
            let (address, length) = number_and_rest(place)?;
            let (length, _) = number_and_rest(length)?;
            (1..=LONGEST as u64).contains(&length).then_some(Self { address, length })
        };
        if !(1..=PIECES).contains(&places.len()) {
            return None;
        }
        places.iter().map(place).collect()
    }
}

/// What [`Kind::Create`] carries.
#[derive(Serialize, Deserialize)]
pub(super) struct Creation {
    pub(super) class: String,
    pub(super) config: serde_json::Value,
}

/// The payload of [`Kind::Call`], apart: the operation's name with its length before it. The request
/// follows.
pub(super) fn call_payload(operation: &str) -> Vec<u8> {
    let length = u8::try_from(operation.len()).unwrap_or_default();
    [&[length], &operation.as_bytes()[..length.into()]].concat()
}

/// The operation's name and the request in the payload of [`Kind::Call`].
pub(super) fn operation_and_request(payload: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = payload.split_first()?;
    let (operation, request) = rest.split_at_checked((*length).into())?;
    Some((std::str::from_utf8(operation).ok()?, request))
}

/// A number at the beginning of a payload, and what follows.
pub(super) fn number_and_rest(payload: &[u8]) -> Option<(u64, &[u8])> {
    let (number, rest) = payload.split_first_chunk()?;
    Some((u64::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes and gives little at a time.
    struct Little<T>(T, usize);

    impl<R: Read> Read for Little<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(self.1);
            self.0.read(&mut buffer[..most])
        }
    }

    impl<W: Write> Write for Little<W> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(&bytes[..bytes.len().min(self.1)])
        }
        fn flush(&mut self) -> io::Result<()> {
            self.0.flush()
        }
    }

    fn any_kind() -> impl Strategy<Value = Kind> {
        (0..=u8::MAX).prop_filter_map("a kind", Kind::from_byte)
    }

    proptest! {
        #[test]
        fn frames_arrive_as_they_were_sent_however_the_stream_cuts_them(
            frames in proptest::collection::vec(
                (any_kind(), any::<u64>(), proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..4)),
                0..5,
            ),
            cut in 1..50_usize,
        ) {
            let mut stream = Vec::new();
            for (kind, number, parts) in &frames {
                let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
                write(&mut Little(&mut stream, cut), *kind, *number, &parts).unwrap();
            }
            let mut stream = Little(stream.as_slice(), cut);
            for (kind, number, parts) in frames {
                let expected = Frame { kind, number, payload: parts.concat() };
                prop_assert_eq!(read(&mut stream).unwrap(), Some(expected));
            }
            prop_assert_eq!(read(&mut stream).unwrap(), None);
        }

        #[test]
        fn any_bytes_are_frames_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut stream = bytes.as_slice();
            while let Ok(Some(frame)) = read(&mut stream) {
                let _ = operation_and_request(&frame.payload);
                let _ = number_and_rest(&frame.payload);
                let _ = Lent::from_payload(&frame.payload);
            }
        }

        #[test]
        fn where_pieces_are_arrives_as_it_was_sent(
            places in proptest::collection::vec((any::<u64>(), 1..=LONGEST as u64), 1..=PIECES),
        ) {
            let places: Vec<_> = places.into_iter().map(|(address, length)| Lent { address, length }).collect();
            prop_assert_eq!(Lent::from_payload(&Lent::to_payload(&places)), Some(places));
        }
    }

    #[test]
    fn places_that_are_too_many_or_too_long_are_none() {
        let place = |length| Lent { address: 4096, length };
        let taken = |places: &[Lent]| Lent::from_payload(&Lent::to_payload(places));
        assert_eq!(taken(&[]), None);
        assert_eq!(taken(&[place(1); PIECES + 1]), None);
        for length in [0, LONGEST as u64 + 1, u64::MAX] {
            assert_eq!(taken(&[place(1), place(length)]), None, "{length}");
        }
        let whole = Lent::to_payload(&[place(1)]);
        assert_eq!(Lent::from_payload(&whole[1..]), None);
        assert_eq!(Lent::from_payload(&[whole.as_slice(), b"x"].concat()), None);
    }

    #[test]
    fn a_cut_stream_and_a_length_beyond_all_measure_are_errors() {
        let mut stream = Vec::new();
        write(&mut stream, Kind::Call, 7, &[b"payload"]).unwrap();
        for length in 1..stream.len() {
            assert_eq!(read(&mut &stream[..length]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        stream[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read(&mut stream.as_slice()).unwrap_err().kind(), io::ErrorKind::InvalidData);
        stream[9..13].copy_from_slice(&(LONGEST as u32).to_le_bytes());
        assert_eq!(read(&mut stream.as_slice()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_call_is_its_operation_and_its_request() {
        let payload = [call_payload("get_defects").as_slice(), b"{}"].concat();
        assert_eq!(operation_and_request(&payload), Some(("get_defects", b"{}".as_slice())));
        assert_eq!(operation_and_request(b""), None);
        assert_eq!(operation_and_request(b"\x05abc"), None);
    }
}
