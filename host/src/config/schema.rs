//! Finds its way through a JSON Schema: which schema applies at a place, which keys it knows.

use serde_json::Value;

use super::{path::KeyPath, secret};

/// So deep is looked into a schema that may refer to itself.
const MAX_DEPTH: usize = 8;

/// One place in a JSON Schema, with the document that its `$ref`s point into.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    root: &'a Value,
    node: &'a Value,
}

impl<'a> Schema<'a> {
    pub(super) fn new(root: &'a Value) -> Self {
        Self { root, node: root }
    }

    /// This schema and all that it refers to or chooses from, itself first.
    ///
    /// An optional struct is `anyOf: [$ref, null]`: its keys are found here without caring for that.
    pub(super) fn parts(self) -> Vec<&'a Value> {
        let mut parts = vec![self.node];
        let mut next = 0;
        while let Some(part) = parts.get(next).copied() {
            next += 1;
            let chosen =
                ["allOf", "anyOf", "oneOf"].iter().filter_map(|keyword| part.get(keyword)?.as_array()).flatten();
            for found in self.referred(part).into_iter().chain(chosen) {
                if !parts.iter().any(|seen| std::ptr::eq(*seen, found)) {
                    parts.push(found);
                }
            }
        }
        parts
    }

    fn referred(self, part: &Value) -> Option<&'a Value> {
        self.root.pointer(part.get("$ref")?.as_str()?.strip_prefix('#')?)
    }

    /// Must the key `name` be there, whichever alternative is chosen? Alternatives that only say `null`
    /// are none.
    pub(super) fn requires(self, name: &str) -> bool {
        self.requires_within(name, MAX_DEPTH)
    }

    fn requires_within(self, name: &str, depth: usize) -> bool {
        let Some(depth) = depth.checked_sub(1) else { return false };
        let list = |keyword| self.node.get(keyword).and_then(Value::as_array).into_iter().flatten();
        let inner = |node| self.with(node).requires_within(name, depth);
        let all_of = |keyword| {
            let mut alternatives =
                list(keyword).filter(|node| node.get("type").is_none_or(|kind| kind != "null")).peekable();
            alternatives.peek().is_some() && alternatives.all(inner)
        };
        list("required").any(|required| required == name)
            || self.referred(self.node).is_some_and(inner)
            || list("allOf").any(inner)
            || all_of("anyOf")
            || all_of("oneOf")
    }

    pub(super) fn keyword(self, keyword: &str) -> impl Iterator<Item = &'a Value> {
        self.parts().into_iter().filter_map(move |part| part.get(keyword))
    }

    pub(super) fn with(self, node: &'a Value) -> Self {
        Self { node, ..self }
    }

    /// The schema of the key `name`, whether it is listed or one of any number.
    pub(super) fn property(self, name: &str) -> Option<Self> {
        self.listed(name).or_else(|| {
            self.keyword("additionalProperties").find(|schema| schema.is_object()).map(|node| self.with(node))
        })
    }

    fn listed(self, name: &str) -> Option<Self> {
        self.keyword("properties").find_map(|properties| properties.get(name)).map(|node| self.with(node))
    }

    /// The schema of a list's entries.
    pub(super) fn items(self) -> Option<Self> {
        self.keyword("items").next().map(|node| self.with(node))
    }

    /// The schema at `path`, as far as this one says something about it.
    pub(super) fn at(self, path: &KeyPath) -> Option<Self> {
        path.segments().iter().try_fold(self, |schema, segment| schema.step(segment))
    }

    fn step(self, segment: &str) -> Option<Self> {
        self.property(segment).or_else(|| {
            segment.parse::<usize>().ok()?;
            self.items()
        })
    }

    /// The keys listed at this place, in alphabetical order.
    pub(super) fn known_keys(self) -> Vec<&'a str> {
        let mut keys: Vec<_> = self
            .keyword("properties")
            .filter_map(Value::as_object)
            .flat_map(|properties| properties.keys().map(String::as_str))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Is a value of the JSON type `name` (`string`, `integer`, …) wanted?
    pub(super) fn wants(self, name: &str) -> bool {
        self.keyword("type").any(|wanted| match wanted {
            Value::Array(several) => several.iter().any(|one| one == name),
            one => one == name,
        })
    }

    /// The limits on a number, in words.
    pub(super) fn limits(self) -> Vec<String> {
        [
            ("minimum", "at least"),
            ("exclusiveMinimum", "more than"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "less than"),
        ]
        .iter()
        .filter_map(|(keyword, words)| Some(format!("{words} {}", self.keyword(keyword).next()?)))
        .collect()
    }

    /// The first paragraph of the description, as one line.
    pub(super) fn description(self) -> Option<String> {
        let text = self.keyword("description").next()?.as_str()?;
        let paragraph = text.split("\n\n").next()?.replace('\n', " ");
        Some(paragraph.trim_end_matches('.').to_owned())
    }

    /// Is the value at `path` a secret, by its own key or one around it?
    ///
    /// An unknown key counts as the nearest known one: `pasword` still holds a password.
    pub(super) fn is_secret_at(self, path: &KeyPath) -> bool {
        let mut here = Some(self);
        path.segments().iter().any(|segment| {
            here = here.and_then(|schema| {
                schema.step(segment).or_else(|| schema.listed(nearest(segment, &schema.known_keys())?))
            });
            secret::is_secret_key(segment) || here.is_some_and(Self::is_secret)
        })
    }

    pub(super) fn is_secret(self) -> bool {
        self.keyword("writeOnly").any(|flag| flag == true) || self.keyword("format").any(|format| format == "password")
    }
}

/// The candidate that `typed` is most likely a slip of.
pub(super) fn nearest<'a>(typed: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let typed = plain(typed);
    let slips = typed.chars().count().max(3) / 3;
    candidates
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(&typed, &plain(candidate)), *candidate))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, candidate)| candidate)
}
