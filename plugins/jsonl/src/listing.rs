//! Lists of defects, made while they are sent.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use defect_plugin_api::model::{Protocol, ProtocolCode, ProtocolEntry};
use defect_plugin_api::{ClientError, DefectList, ListProtocol};

use crate::store::{Entries, Entry};
use crate::warnings::Warnings;

/// Every defect of a project.
pub(crate) fn all(project: &str, entries: Entries) -> DefectList {
    listing(project, entries, None)
}

/// The defects of these ids, in the order of the files. An id without a defect becomes a warning.
pub(crate) fn batch(project: &str, entries: Entries, ids: &[String]) -> DefectList {
    // The reference service passes over empty ids.
    listing(project, entries, Some(ids.iter().filter(|id| !id.is_empty()).cloned().collect()))
}

/// What is remembered of a list while it is sent: the ids and the warnings, not the defects.
#[derive(Default)]
struct Seen {
    ids: Ids,
    warnings: Warnings,
}

fn listing(project: &str, entries: Entries, wanted: Option<BTreeSet<String>>) -> DefectList {
    let wanted = Arc::new(wanted);
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (asked, noted) = (Arc::clone(&wanted), Arc::clone(&seen));
    let defects = entries.filter_map(move |entry| {
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        match entry {
            Ok(Entry::Defect(defect)) if asked.as_ref().as_ref().is_none_or(|asked| asked.contains(&defect.id)) => {
                noted.ids.push(&defect.id);
                Some(Ok(*defect))
            }
            Ok(Entry::Defect(_)) => None,
            Ok(Entry::Broken(line)) => {
                noted.warnings.push(line);
                None
            }
            Err(error) => Some(Err(ClientError::from(error))),
        }
    });
    let project = project.to_owned();
    DefectList::streamed(defects, move || {
        let Seen { mut ids, warnings } = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        tracing::debug!(project, defects = ids.ranges.len(), "retrieved defects");
        ids.sort();
        let mut rest = Protocol::default();
        warnings.add_to(&mut rest);
        for id in wanted.iter().flatten().filter(|id| !ids.contains(id)) {
            let message = format!("requested defect id `{id}` not found in project `{project}`");
            rest.add_warning(id, ProtocolCode::DefectNotFound, message);
        }
        let successes = ids.into_iter().map(move |id| {
            let message = format!("defect `{id}` retrieved from project `{project}`");
            (id, ProtocolEntry::new(ProtocolCode::ImportSuccess, message))
        });
        ListProtocol { successes: Box::new(successes), rest }
    })
}

/// Many ids in one text: a fraction of the memory of as many texts.
#[derive(Default)]
struct Ids {
    text: String,
    ranges: Vec<Range<usize>>,
}

impl Ids {
    fn push(&mut self, id: &str) {
        let start = self.text.len();
        self.text.push_str(id);
        self.ranges.push(start..self.text.len());
    }

    /// Brings the ids into order, each once.
    fn sort(&mut self) {
        let id = |range: &Range<usize>| &self.text[range.clone()];
        self.ranges.sort_unstable_by(|a, b| id(a).cmp(id(b)));
        self.ranges.dedup_by(|a, b| id(a) == id(b));
    }

    /// Whether the id is there. Only after [`sort`](Self::sort).
    fn contains(&self, wanted: &str) -> bool {
        self.ranges.binary_search_by(|range| self.text[range.clone()].cmp(wanted)).is_ok()
    }

    fn into_iter(self) -> impl Iterator<Item = String> {
        self.ranges.into_iter().map(move |range| self.text[range].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_sorted_and_each_there_once() {
        let mut ids = Ids::default();
        ["b", "", "a", "b", "ü"].iter().for_each(|id| ids.push(id));
        ids.sort();
        assert!(ids.contains("a") && ids.contains("") && !ids.contains("c"));
        assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["", "a", "b", "ü"]);
    }
}
