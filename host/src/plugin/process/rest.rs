//! The rest of a long answer of a plugin's process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bytes::Bytes;

use super::frame::{Frame, Kind, NextPieces};
use super::link::Link;
use crate::plugin::client::CallError;

/// The rest of an answer of a process. Some pieces are asked for ahead, so that they are made while those
/// before are on their way to the caller.
pub(in crate::plugin) struct RemoteRest {
    link: Arc<Link>,
    answer: u64,
    /// Those that are there.
    pieces: VecDeque<Bytes>,
    /// `None` at the end.
    asked: Option<Result<Receiver<Frame>, String>>,
}

impl RemoteRest {
    pub(super) fn new(link: Arc<Link>, answer: u64) -> Self {
        let mut rest = Self { link, answer, pieces: VecDeque::new(), asked: None };
        rest.ask();
        rest
    }

    fn ask(&mut self) {
        let asked = NextPieces { answer: self.answer, may_lend: self.link.may_lend() };
        self.asked = Some(self.link.ask(Kind::Next, &[&asked.to_payload()]));
    }

    /// The next piece; `None` after the last.
    pub(in crate::plugin) fn next_piece(&mut self) -> Result<Option<Bytes>, CallError> {
        if self.pieces.is_empty()
            && let Some(asked) = self.asked.take()
        {
            let reply = asked.map_err(|reason| CallError::Ended { reason })?;
            let reply = self.link.answer(&reply)?;
            self.pieces = reply.pieces.into();
            if reply.goes_on {
                self.ask();
            }
        }
        Ok(self.pieces.pop_front().filter(|piece| !piece.is_empty()))
    }
}

impl Drop for RemoteRest {
    fn drop(&mut self) {
        if self.asked.is_some() {
            let _ = self.link.send(Kind::Drop, self.answer, &[]);
        }
    }
}
