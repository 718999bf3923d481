//! Answers that are lists of defects, made and sent piece by piece.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::ClientError;
use crate::model::{DefectWithId, Protocol, ProtocolEntry, ProtocolledDefectSet};

/// An answer of many defects.
///
/// Made from a whole [`ProtocolledDefectSet`] with `into()`, or with [`DefectList::streamed`] from an
/// iterator: then the defects are produced while the caller reads them, and a list of any length
/// takes the memory of a few.
pub struct DefectList {
    defects: Box<dyn Iterator<Item = Result<ListedDefects, ClientError>> + Send>,
    protocol: Box<dyn FnOnce() -> ListProtocol + Send>,
}

/// What a streamed list is made of: a defect, or some as JSON.
pub struct ListedDefects(Item<DefectWithId>);

impl ListedDefects {
    /// One defect or several, separated by commas, as JSON that is handed out as it is: nobody parses
    /// it, so a backend that has the text already serves it at the speed of its disk.
    ///
    /// The author answers for it: each has to be what `serde_json` makes of a [`DefectWithId`] up to
    /// the order of keys and white space, which also means that it holds no password. No bytes at all
    /// are no defect. About 64 KiB at once serve best; when they begin with a space, they are sent
    /// without being copied.
    #[must_use]
    pub fn from_json(defects: Vec<u8>) -> Self {
        Self(Item::Json(defects))
    }
}

impl From<DefectWithId> for ListedDefects {
    fn from(defect: DefectWithId) -> Self {
        Self(Item::One(Box::new(defect)))
    }
}

/// What the successes of [`ListProtocol::streamed`] are made of: an entry, or some as JSON.
pub struct ListedSuccesses(Item<(String, ProtocolEntry)>);

impl ListedSuccesses {
    /// One entry or several, separated by commas, as JSON that is handed out as it is: each a key, a
    /// colon and a list of what `serde_json` makes of [`ProtocolEntry`]s. The same holds as of
    /// [`ListedDefects::from_json`].
    #[must_use]
    pub fn from_json(entries: Vec<u8>) -> Self {
        Self(Item::Json(entries))
    }
}

impl From<(String, ProtocolEntry)> for ListedSuccesses {
    fn from(entry: (String, ProtocolEntry)) -> Self {
        Self(Item::One(Box::new(entry)))
    }
}

/// Something of a list, or text that is some of it.
enum Item<T> {
    One(Box<T>),
    Json(Vec<u8>),
}

impl<T> Item<T> {
    fn is_something(&self) -> bool {
        !matches!(self, Self::Json(json) if json.is_empty())
    }
}

/// How reading a streamed list went: told when its last defect is out.
pub struct ListProtocol {
    successes: Box<dyn Iterator<Item = ListedSuccesses> + Send>,
    rest: Protocol,
}

impl ListProtocol {
    /// A protocol whose [`Protocol::successes`] are produced one by one, as a key and its entry or as
    /// [`ListedSuccesses`], each key once. `rest` is everything else; its own `successes` are sent
    /// first.
    pub fn streamed<S: Into<ListedSuccesses>>(
        successes: impl Iterator<Item = S> + Send + 'static,
        rest: Protocol,
    ) -> Self {
        Self { successes: Box::new(successes.map(|entries| entries.into())), rest }
    }
}

impl From<Protocol> for ListProtocol {
    fn from(whole: Protocol) -> Self {
        Self { successes: Box::new(std::iter::empty()), rest: whole }
    }
}

impl DefectList {
    /// A list whose defects are produced one by one, as [`DefectWithId`] or as [`ListedDefects`].
    ///
    /// `defects` is pulled in pieces, from changing threads, never from two at once; it is dropped
    /// early when the caller goes away. An error before the first 32 KiB of the answer becomes the
    /// answer; a later one cuts the answer off, which the caller sees as a broken transfer.
    /// `protocol` is called once, after the last defect.
    pub fn streamed<D: Into<ListedDefects>, P: Into<ListProtocol>>(
        defects: impl Iterator<Item = Result<D, ClientError>> + Send + 'static,
        protocol: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let defects = Box::new(defects.map(|defect| defect.map(D::into)));
        Self { defects, protocol: Box::new(|| protocol().into()) }
    }

    /// The whole list in memory, for tests and small lists.
    ///
    /// # Errors
    /// The first error among the defects.
    pub fn collect(self) -> Result<ProtocolledDefectSet, ClientError> {
        let broken = |error| ClientError::internal(format!("the plugin's list of defects is broken: {error}"));
        let mut value: Vec<DefectWithId> = Vec::new();
        for defects in self.defects {
            match defects?.0 {
                Item::One(defect) => value.push(*defect),
                Item::Json(json) => {
                    let list = [b"[", json.as_slice(), b"]"].concat();
                    value.extend(serde_json::from_slice::<Vec<_>>(&list).map_err(broken)?);
                }
            }
        }
        let ListProtocol { successes, rest: mut protocol } = (self.protocol)();
        for entries in successes {
            match entries.0 {
                Item::One(entry) => protocol.successes.entry(entry.0).or_default().push(entry.1),
                Item::Json(json) => {
                    let object = [b"{", json.as_slice(), b"}"].concat();
                    let entries: BTreeMap<String, Vec<_>> = serde_json::from_slice(&object).map_err(broken)?;
                    protocol.successes.extend(entries);
                }
            }
        }
        Ok(ProtocolledDefectSet { value, protocol })
    }
}

impl From<ProtocolledDefectSet> for DefectList {
    fn from(set: ProtocolledDefectSet) -> Self {
        let protocol = set.protocol;
        Self::streamed(set.value.into_iter().map(Ok), move || protocol)
    }
}

/// A piece is sent once it has this many bytes: so many that calling for it costs little beside it. It
/// is less than the 64 KiB that ready text best has, so that such a text is a piece by itself.
const PIECE_BYTES: usize = 32 * 1024;

/// Turns a [`DefectList`] into the bytes of a `ProtocolledDefectSet` in JSON, piece by piece.
pub(crate) struct ListWriter {
    stage: Stage,
}

enum Stage {
    Defects { list: DefectList, first: bool },
    Successes { successes: Box<dyn Iterator<Item = ListedSuccesses> + Send>, first: bool, rest: Protocol },
    Done,
}

impl ListWriter {
    pub(crate) fn new(list: DefectList) -> Self {
        Self { stage: Stage::Defects { list, first: true } }
    }

    /// The next piece; empty after the last one.
    pub(crate) fn next_piece(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut piece = Vec::new();
        while piece.len() < PIECE_BYTES && !self.is_done() {
            self.step(&mut piece)?;
        }
        Ok(piece)
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    fn step(&mut self, piece: &mut Vec<u8>) -> Result<(), ClientError> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Defects { mut list, first } => {
                if first {
                    piece.extend_from_slice(br#"{"value":["#);
                }
                let is_something = |defects: &Result<ListedDefects, _>| {
                    defects.as_ref().map_or(true, |defects| defects.0.is_something())
                };
                if let Some(defects) = list.defects.find(is_something) {
                    write_item(piece, first, defects?.0, |piece, defect| write_json(piece, &*defect))?;
                    self.stage = Stage::Defects { list, first: false };
                } else {
                    let ListProtocol { successes, mut rest } = (list.protocol)();
                    piece.extend_from_slice(br#"],"protocol":{"successes":{"#);
                    let own = std::mem::take(&mut rest.successes);
                    for (index, (key, entries)) in own.iter().enumerate() {
                        separate(piece, index == 0);
                        write_member(piece, key, entries)?;
                    }
                    self.stage = Stage::Successes { successes, first: own.is_empty(), rest };
                }
            }
            Stage::Successes { mut successes, first, rest } => {
                if let Some(entries) = successes.find(|entries| entries.0.is_something()) {
                    write_item(piece, first, entries.0, |piece, entry| write_member(piece, &entry.0, &[entry.1]))?;
                    self.stage = Stage::Successes { successes, first: false, rest };
                } else {
                    piece.push(b'}');
                    // The other members of the protocol, as its own serialisation has them.
                    let rest = serde_json::to_vec(&rest).map_err(unserialisable)?;
                    piece.extend_from_slice(rest.strip_prefix(br#"{"successes":{}"#).unwrap_or(b"}"));
                    piece.push(b'}');
                }
            }
            Stage::Done => {}
        }
        Ok(())
    }
}

fn write_item<T>(
    piece: &mut Vec<u8>,
    first: bool,
    item: Item<T>,
    write: impl FnOnce(&mut Vec<u8>, Box<T>) -> Result<(), ClientError>,
) -> Result<(), ClientError> {
    // Not a byte more than needed: every reader that is slow holds a piece.
    let room = match &item {
        Item::One(_) => PIECE_BYTES + PIECE_BYTES / 4,
        Item::Json(json) => piece.len() + json.len() + 1,
    };
    match item {
        // The space becomes what separates it from the piece before.
        Item::Json(mut json) if piece.is_empty() && !first && json.starts_with(b" ") => {
            json[0] = b',';
            *piece = json;
        }
        item => {
            piece.reserve_exact(room.saturating_sub(piece.len()));
            separate(piece, first);
            match item {
                Item::One(one) => write(piece, one)?,
                Item::Json(json) => piece.extend_from_slice(&json),
            }
        }
    }
    Ok(())
}

fn separate(piece: &mut Vec<u8>, first: bool) {
    if !first {
        piece.push(b',');
    }
}

fn write_member(piece: &mut Vec<u8>, key: &str, entries: &[ProtocolEntry]) -> Result<(), ClientError> {
    write_json(piece, key)?;
    piece.push(b':');
    write_json(piece, entries)
}

fn write_json<T: Serialize + ?Sized>(piece: &mut Vec<u8>, value: &T) -> Result<(), ClientError> {
    serde_json::to_writer(piece, value).map_err(unserialisable)
}

pub(crate) fn unserialisable(error: serde_json::Error) -> ClientError {
    ClientError::internal(format!("the answer cannot be written as JSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Defect, Login, ProtocolCode};

    fn defect(number: usize) -> DefectWithId {
        let defect = Defect {
            title: Some("t".repeat(number % 250)),
            description: None,
            reporter: None,
            status: "open".to_owned(),
            classification: "bug".to_owned(),
            priority: "high".to_owned(),
            user_defined_fields: Vec::new(),
            last_edited: "2026-01-31T12:00:00Z".parse().unwrap(),
            references: Vec::new(),
            principal: Login::default(),
        };
        DefectWithId { defect, id: format!("BUG-{number}") }
    }

    fn streamed(count: usize) -> DefectList {
        DefectList::streamed((0..count).map(|number| Ok(defect(number))), move || {
            let mut rest = Protocol::of_success("own", ProtocolCode::ImportSuccess, "kept");
            rest.add_general_warning(ProtocolCode::ImportWarning, "line 3");
            let entry = || ProtocolEntry::new(ProtocolCode::ImportSuccess, "read");
            ListProtocol::streamed((0..count).map(move |n| (format!("BUG-{n}"), entry())), rest)
        })
    }

    fn written(list: DefectList) -> (Vec<usize>, ProtocolledDefectSet) {
        let mut writer = ListWriter::new(list);
        let (mut sizes, mut bytes) = (Vec::new(), Vec::new());
        loop {
            let piece = writer.next_piece().unwrap();
            if piece.is_empty() {
                return (sizes, serde_json::from_slice(&bytes).unwrap());
            }
            sizes.push(piece.len());
            bytes.extend(piece);
        }
    }

    #[test]
    fn the_pieces_are_the_whole_answer_whatever_its_length() {
        for count in [0, 1, 2, 1_000] {
            let (sizes, set) = written(streamed(count));
            assert!(set == streamed(count).collect().unwrap(), "{count} defects");
            assert!(sizes.iter().all(|size| *size < 2 * PIECE_BYTES), "{sizes:?}");
            assert_eq!(sizes.len() > 1, count == 1_000, "{sizes:?}");
        }
    }

    #[test]
    fn json_is_handed_out_as_it_is_between_defects() {
        let text = |numbers: std::ops::Range<usize>| {
            let defects: Vec<_> = numbers.map(|number| serde_json::to_string(&defect(number)).unwrap()).collect();
            defects.join(" ,\n").into_bytes()
        };
        let json = |numbers| Ok(ListedDefects::from_json(text(numbers)));
        let spaced = |numbers| Ok(ListedDefects::from_json([b" ".to_vec(), text(numbers)].concat()));
        let entries = |numbers: std::ops::Range<usize>, space: &str| {
            let entry = serde_json::to_string(&[ProtocolEntry::new(ProtocolCode::ImportSuccess, "read")]).unwrap();
            let entries: Vec<_> = numbers.map(|number| format!("\"BUG-{number}\":{entry}")).collect();
            ListedSuccesses::from_json(format!("{space}{}", entries.join(",")).into_bytes())
        };
        let list = || {
            let defects = [
                json(0..0),
                spaced(0..2),
                json(2..2),
                Ok(defect(2).into()),
                json(3..150),
                spaced(150..300),
                spaced(300..301),
                json(301..500),
                json(500..500),
            ];
            let one = ("BUG-0".to_owned(), ProtocolEntry::new(ProtocolCode::ImportSuccess, "read"));
            let successes = [one.into(), entries(1..300, ""), entries(0..0, ""), entries(300..500, " ")];
            DefectList::streamed(defects.into_iter(), || {
                ListProtocol::streamed(successes.into_iter(), Protocol::default())
            })
        };
        let (sizes, set) = written(list());
        assert_eq!(set, list().collect().unwrap());
        assert_eq!(set.value, (0..500).map(defect).collect::<Vec<_>>());
        assert_eq!(set.protocol.successes.len(), 500);
        assert!(sizes.contains(&(text(150..300).len() + 1)), "with a space at its beginning it is a piece: {sizes:?}");
        let broken = DefectList::streamed(std::iter::once(Ok(ListedDefects::from_json(b"{".to_vec()))), || {
            unreachable!("the protocol is for complete lists") as Protocol
        });
        assert!(matches!(broken.collect(), Err(ClientError::Internal(_))));
    }

    #[test]
    fn a_whole_set_is_written_as_its_own_serialisation() {
        let set = ProtocolledDefectSet {
            value: vec![defect(1), defect(2)],
            protocol: Protocol::of_general_error(ProtocolCode::ReadAccessError, "no"),
        };
        assert_eq!(written(set.clone().into()).1, set);
    }

    #[test]
    fn an_error_among_the_defects_ends_the_list() {
        let list = DefectList::streamed([Ok(defect(1)), Err(ClientError::unavailable("gone"))].into_iter(), || {
            unreachable!("the protocol is for complete lists") as Protocol
        });
        assert_eq!(ListWriter::new(list).next_piece(), Err(ClientError::unavailable("gone")));
    }
}
