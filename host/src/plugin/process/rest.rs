//! The rest of a long answer of a plugin's process.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bytes::Bytes;

use super::frame::{self, Frame};
use super::link::{Link, Piece};
use crate::plugin::client::CallError;

/// The rest of an answer of a process. Pieces are asked for ahead, so that they are made while those before are
/// copied and on their way to the caller.
pub(in crate::plugin) struct RemoteRest {
    link: Arc<Link>,
    /// The number of the call that began it.
    answer: u64,
    /// What its pieces arrive at; `None` at the end.
    replies: Option<Receiver<Frame>>,
    /// Those that have arrived.
    pieces: VecDeque<Piece>,
}

impl RemoteRest {
    pub(super) fn new(link: Arc<Link>, answer: u64, replies: Receiver<Frame>) -> Self {
        for _ in 0..frame::ASKED_AHEAD {
            link.ask_on(answer);
        }
        Self { link, answer, replies: Some(replies), pieces: VecDeque::new() }
    }

    /// The next piece; `None` after the last.
    pub(in crate::plugin) fn next_piece(&mut self) -> Result<Option<Bytes>, CallError> {
        if self.pieces.is_empty()
            && let Some(replies) = self.replies.take()
        {
            let reply = self.link.answer(&replies)?;
            self.pieces = reply.pieces;
            self.replies = reply.goes_on.then_some(replies);
        }
        let piece = self.pieces.pop_front().map(|piece| self.link.take(piece)).transpose()?;
        if self.pieces.is_empty() && self.replies.is_some() {
            self.link.ask_on(self.answer);
        }
        Ok(piece.filter(|piece| !piece.is_empty()))
    }
}

impl Drop for RemoteRest {
    fn drop(&mut self) {
        self.link.forget(self.answer);
    }
}
