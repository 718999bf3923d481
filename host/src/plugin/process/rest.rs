//! The rest of a long answer of a plugin's process.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bytes::Bytes;

use super::frame::{Frame, Kind};
use super::link::Link;
use crate::plugin::client::CallError;

/// What follows a piece of an answer.
pub(super) enum Then {
    Nothing,
    More,
    MoreWhenAsked,
}

/// The rest of an answer of a process. Some pieces are asked for ahead, so that they are made while those
/// before are on their way to the caller.
pub(in crate::plugin) struct RemoteRest {
    link: Arc<Link>,
    answer: u64,
    /// `None` at the end.
    asked: Option<Result<Receiver<Frame>, String>>,
}

impl RemoteRest {
    pub(super) fn new(link: Arc<Link>, answer: u64) -> Self {
        let mut rest = Self { link, answer, asked: None };
        rest.ask();
        rest
    }

    fn ask(&mut self) {
        self.asked = Some(self.link.ask(Kind::Next, &[&self.answer.to_le_bytes()]));
    }

    /// The next piece; `None` after the last.
    pub(in crate::plugin) fn next_piece(&mut self) -> Result<Option<Bytes>, CallError> {
        let Some(asked) = self.asked.take() else { return Ok(None) };
        let reply = asked.map_err(|reason| CallError::Ended { reason })?;
        let (piece, then) = self.link.answer(&reply)?;
        match then {
            Then::Nothing => {}
            Then::More => self.asked = Some(Ok(reply)),
            Then::MoreWhenAsked => self.ask(),
        }
        Ok((!piece.is_empty()).then_some(piece))
    }
}

impl Drop for RemoteRest {
    fn drop(&mut self) {
        if self.asked.is_some() {
            let _ = self.link.send(Kind::Drop, self.answer, &[]);
        }
    }
}
