//! Lists of defects, made while they are sent.

use std::sync::{Arc, Mutex, PoisonError};

use defect_plugin_api::model::{Protocol, ProtocolCode};
use defect_plugin_api::{ClientError, DefectList, ListProtocol, ListedDefects, ListedSuccesses};
use serde_json::json;

use crate::store::{ListedIds, Pieces, StoreError};
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
        let ids = hold(&listed).take_listed().into_ids();
        let mut rest = Protocol::default();
        warnings.add_to(&mut rest);
        for id in missing {
            let message = format!("requested defect id `{id}` not found in project `{project}`");
            rest.add_warning(&id, ProtocolCode::DefectNotFound, message);
        }
        tracing::debug!(project, "retrieved defects");
        ListProtocol::streamed(successes(&project, ids), rest)
    })
}

/// Bytes of a piece of the successes: as many as the plugin API sends at once without copying them.
const PIECE: usize = 64 * 1024;

/// An entry for each listed defect, as JSON: what they have in common is written once.
fn successes(project: &str, mut ids: ListedIds) -> impl Iterator<Item = ListedSuccesses> + Send + 'static {
    let code = json!(ProtocolCode::ImportSuccess);
    let between = format!(r#"":[{{"code":{code},"message":"defect `"#);
    let behind = format!("` retrieved from project `{project}`");
    let behind = format!("{}}}]", &json!(behind).to_string()[1..]);
    std::iter::from_fn(move || {
        let mut piece = Vec::with_capacity(PIECE + PIECE / 4);
        let mut add = |id: &str| {
            // Nearly all ids are the same in JSON but for the quotes.
            let is_plain = id.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
            let escaped = if is_plain { String::new() } else { json!(id).to_string() };
            let id = if is_plain { id } else { &escaped[1..escaped.len() - 1] };
            piece.push(if piece.is_empty() { b' ' } else { b',' });
            for part in ["\"", id, &between, id, &behind] {
                piece.extend_from_slice(part.as_bytes());
            }
            piece.len() < PIECE
        };
        while ids.visit_some(&mut add) {}
        (!piece.is_empty()).then(|| ListedSuccesses::from_json(piece))
    })
}

/// A list that cannot be read.
pub(crate) fn failed(error: StoreError) -> DefectList {
    let fault: Result<ListedDefects, ClientError> = Err(error.into());
    DefectList::streamed(std::iter::once(fault), Protocol::default)
}

fn hold(pieces: &Mutex<Pieces>) -> std::sync::MutexGuard<'_, Pieces> {
    pieces.lock().unwrap_or_else(PoisonError::into_inner)
}
