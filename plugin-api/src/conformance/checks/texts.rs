//! Which texts a defect holds.

use super::fields::{Fault, views};
use crate::conformance::samples::State;
use crate::conformance::shown;
use crate::conformance::tracker::Tracker;
use crate::conformance::verdict::{Stop, Verdict, all};
use crate::model::{Defect, UserDefinedField};

/// Astral, combining, right-to-left, joined, and what has a meaning in JSON, HTML, SQL and shells.
const UNICODE: &str = "🐞 𝔘𝔫𝔦 e\u{301}a\u{328}\u{308} שלום עולם \u{202e}mirrored\u{202c} 👩\u{200d}👩\u{200d}👧 漢字 \u{feff} \
                       \"quoted\" 'single' back\\slash </script> &amp; %00 ${HOME} `id` -- ; {{x}}";
/// Line ends of all kinds and what no keyboard makes. No NUL: many a backend ends a text there.
const CONTROL: &str = "one\r\ntwo\nthree\rfour\tfive\u{1}\u{8}\u{b}\u{c}\u{1b}[31m\u{7f}\u{85}\u{2028}end\n";
const LARGE: usize = 64 * 1024;

/// 64 KiB in UTF-8, no two parts alike.
fn large() -> String {
    let mut text: String = (0..LARGE / 8).map(|number| format!("{number:06} é")).take(LARGE / 9).collect();
    text.extend(std::iter::repeat_n('x', LARGE.saturating_sub(text.len())));
    text
}

/// Creates a defect and looks at one text of it.
fn holds(
    tracker: &Tracker<'_>,
    text: &str,
    put: impl FnOnce(&mut Defect, String),
    get: impl Fn(&Defect) -> Option<String>,
) -> Verdict {
    let mut defect = tracker.defect(State::Created);
    put(&mut defect, text.to_owned());
    let created = tracker.create(tracker.project(), &defect).answered()?;
    let Some(id) = created.value.clone().filter(|id| !id.is_empty()) else {
        return Err(created.fails("the defect is created", TO_DO).into());
    };
    views(tracker, &id, &|got| match get(got) {
        Some(got) if got == text => Ok(()),
        Some(got) => Err(fault(&shown::difference(text, &got))),
        None => Err(fault("it is absent")),
    })
}

const TO_DO: &str = "hand texts on as they are, with the backend's parameters and not as part of a query or a line; if \
                     the tracker cannot hold them, `skip` this check and say why";

fn fault(difference: &str) -> Fault {
    Fault { wanted: format!("the text as it was sent; {difference}"), to_do: TO_DO.to_owned() }
}

fn in_description(tracker: &Tracker<'_>, text: &str) -> Verdict {
    holds(tracker, text, |defect, text| defect.description = Some(text), |defect| defect.description.clone())
}

pub(in super::super) fn unicode(tracker: &Tracker<'_>) -> Verdict {
    let in_title = holds(tracker, UNICODE, |defect, text| defect.title = Some(text), |defect| defect.title.clone());
    all([in_title, in_description(tracker, UNICODE)])
}

pub(in super::super) fn control_characters(tracker: &Tracker<'_>) -> Verdict {
    in_description(tracker, CONTROL)
}

pub(in super::super) fn large_description(tracker: &Tracker<'_>) -> Verdict {
    in_description(tracker, &large())
}

pub(in super::super) fn user_defined(tracker: &Tracker<'_>) -> Verdict {
    let names = &tracker.scratch.text_fields;
    if names.is_empty() {
        return Err(Stop::Skipped("no such field: name one with `text_field`".to_owned()));
    }
    let large = large();
    let texts = [UNICODE, CONTROL, large.as_str(), ""];
    all(names.iter().flat_map(|name| texts.map(|text| (name, text))).map(|(name, text)| {
        let put = |defect: &mut Defect, text: String| {
            defect.user_defined_fields.retain(|field| field.name != *name);
            let field = UserDefinedField { name: name.clone(), value: Some(text), must_field: Some(false) };
            defect.user_defined_fields.push(field);
        };
        let get = |defect: &Defect| {
            let field = defect.user_defined_fields.iter().find(|field| field.name == *name);
            let value = field.and_then(|field| field.value.clone());
            // What is empty may come back absent, as with the defect's own texts.
            value.or_else(|| text.is_empty().then(String::new))
        };
        holds(tracker, text, put, get)
    }))
}

pub(in super::super) fn absent(tracker: &Tracker<'_>) -> Verdict {
    all([None, Some(String::new())].map(|text| -> Verdict {
        let mut defect = tracker.defect(State::Created);
        (defect.title, defect.description, defect.reporter) = (text.clone(), text.clone(), text.clone());
        let created = tracker.create(tracker.project(), &defect).answered()?;
        let Some(id) = created.value.clone().filter(|id| !id.is_empty()) else {
            let to_do = "the API makes these texts optional; if the tracker insists on one, `skip` this check";
            return Err(created.fails("the defect is created", to_do).into());
        };
        views(tracker, &id, &|got| {
            let texts = [("title", &got.title), ("description", &got.description), ("reporter", &got.reporter)];
            match texts.into_iter().find(|(_, text)| text.as_ref().is_some_and(|text| !text.is_empty())) {
                None => Ok(()),
                Some((name, _)) => Err(Fault {
                    wanted: format!("`{name}` absent or empty, as it was sent"),
                    to_do: "make nothing up for what is absent; if the tracker does, `skip` this check and say why"
                        .to_owned(),
                }),
            }
        })
    }))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_large_text_has_64_kib() {
        assert_eq!(super::large().len(), super::LARGE);
    }
}
