//! Lists of defects, made while they are sent.

use std::sync::{Arc, Mutex, PoisonError};

use defect_plugin_api::model::{Protocol, ProtocolCode, ProtocolEntry};
use defect_plugin_api::{ClientError, DefectList, ListProtocol, ListedDefects};

use crate::store::{Listed, Pieces, StoreError};
use crate::warnings::Warnings;

/// These defects; and a warning for each id that is missing.
pub(crate) fn listing(project: &str, pieces: Pieces, missing: Vec<String>) -> DefectList {
    let pieces = Arc::new(Mutex::new(pieces));
    let listed = Arc::clone(&pieces);
    let broken = hold(&pieces).warnings();
    let (fault, warnings) = match broken {
        Ok(warnings) => (None, warnings),
        Err(error) => (Some(Err(ClientError::from(error))), Warnings::default()),
    };
    let defects = std::iter::from_fn(move || hold(&pieces).next());
    let defects = defects.map(|piece| piece.map(ListedDefects::from_json).map_err(ClientError::from));
    let project = project.to_owned();
    DefectList::streamed(fault.into_iter().chain(defects), move || {
        let listed: Listed = hold(&listed).take_listed();
        let mut rest = Protocol::default();
        warnings.add_to(&mut rest);
        for id in missing {
            let message = format!("requested defect id `{id}` not found in project `{project}`");
            rest.add_warning(&id, ProtocolCode::DefectNotFound, message);
        }
        tracing::debug!(project, "retrieved defects");
        let successes = listed.ids().map(move |id| {
            let message = format!("defect `{id}` retrieved from project `{project}`");
            (id, ProtocolEntry::new(ProtocolCode::ImportSuccess, message))
        });
        ListProtocol { successes: Box::new(successes), rest }
    })
}

/// A list that cannot be read.
pub(crate) fn failed(error: StoreError) -> DefectList {
    let fault: Result<ListedDefects, ClientError> = Err(error.into());
    DefectList::streamed(std::iter::once(fault), || ListProtocol {
        successes: Box::new(std::iter::empty()),
        rest: Protocol::default(),
    })
}

fn hold(pieces: &Mutex<Pieces>) -> std::sync::MutexGuard<'_, Pieces> {
    pieces.lock().unwrap_or_else(PoisonError::into_inner)
}
