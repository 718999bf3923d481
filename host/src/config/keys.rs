//! A JSON Schema as the keys that a person can write: what a table of them, or a configuration to
//! paste, is made of.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::schema::Schema;
use super::secret::is_secret_key;

/// So many keys are read of a schema: its definitions may refer to each other as they like, and become
/// any number of keys.
const MAX_KEYS: usize = 1_000;

/// So deep tables in tables are read: parsers of TOML have a limit, too.
const MAX_DEPTH: usize = 16;

/// A placeholder has so many entries at most, whatever the schema asks for.
const MAX_EXAMPLES: u64 = 8;

/// What stands where a text has to be.
const CHANGE_ME: &str = "change-me";

/// A key of a configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// `None`: any name, in a table that is a dictionary; or an entry of a list.
    pub name: Option<String>,
    /// What the schema says about it.
    pub description: Option<String>,
    /// What it takes, in words: `list of strings`.
    pub kind: String,
    /// What is in it.
    pub shape: Shape,
    /// Must it be there?
    pub required: bool,
    /// What holds when it is not there. Nothing for a secret, and for a table whose keys have their own.
    pub default: Option<Value>,
    /// The only values that it may have, each with its description; empty: no such list.
    pub allowed: Vec<(Value, Option<String>)>,
    /// Further limits, in words: `at least 1`.
    pub limits: Vec<String>,
    /// A value of the right type, to be replaced.
    pub placeholder: Value,
    /// Must its value not be shown?
    pub secret: bool,
    /// What the schema says to those who ask a person for values.
    pub hints: Hints,
}

/// Keywords of a schema beyond JSON Schema's own, as the Python service's models have them: they say how a
/// person is asked for a value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hints {
    /// `ask`: asked for at first although not required, in the order of these numbers.
    pub ask: Option<u64>,
    /// `env_var`: the environment variable that stands in for the value.
    pub env_var: Option<String>,
    /// `depends_on`: other keys of the same table, each with the values that make this key mean something.
    pub depends_on: Vec<(String, Vec<Value>)>,
}

/// What is in a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A single value, or a list of anything.
    Value,
    /// A list of entries like this one.
    List(Box<Key>),
    /// A table of these keys: the required ones, the others, and last the one that stands for any name.
    Table(Vec<Key>),
    /// The keys of a table around it once more, or more than can be shown.
    More,
}

/// The keys of the table that `schema` describes; none when it describes something else.
pub fn keys(schema: &Value) -> Vec<Key> {
    let reader = Reader { left: Cell::new(MAX_KEYS) };
    let root = Schema::new(schema);
    reader.table(root, None, &[root.parts()])
}

struct Reader {
    /// How many keys may still be read.
    left: Cell<usize>,
}

impl Reader {
    /// `above`: the parts of each schema around the keys, to find those that contain themselves.
    fn table(&self, schema: Schema<'_>, defaults: Option<&Value>, above: &[Vec<&Value>]) -> Vec<Key> {
        let fixed = schema.known_keys().into_iter().filter_map(|name| {
            let default = defaults.and_then(|table| table.get(name));
            let mut alternatives = schema.keyword("properties").filter_map(|keys| keys.get(name));
            let own = schema.with(alternatives.next()?);
            let mut key = self.key(Some(name), own, schema.requires(name), default, above)?;
            // The value of a key may say which alternative is meant.
            if !key.allowed.is_empty() {
                for value in alternatives.flat_map(|node| allowed(schema.with(node))) {
                    if !key.allowed.iter().any(|(known, _)| *known == value.0) {
                        key.allowed.push(value);
                    }
                }
            }
            Some(key)
        });
        let mut keys: Vec<Key> = fixed.collect();
        keys.sort_by_key(|key| !key.required);
        let patterns = schema.keyword("patternProperties").filter_map(Value::as_object).flat_map(Map::values);
        let any = schema.keyword("additionalProperties").filter(|any| **any != false).chain(patterns).next();
        keys.extend(any.and_then(|any| self.key(None, schema.with(any), false, None, above)));
        keys
    }

    /// `None` when there are too many.
    fn key(
        &self,
        name: Option<&str>,
        schema: Schema<'_>,
        required: bool,
        default: Option<&Value>,
        above: &[Vec<&Value>],
    ) -> Option<Key> {
        self.left.set(self.left.get().checked_sub(1)?);
        let parts = schema.parts();
        let types = types(schema);
        let has = |name| types.contains(&name);
        let secret = schema.is_secret() || name.is_some_and(is_secret_key);
        let default = default.or_else(|| schema.keyword("default").next()).filter(|value| !value.is_null() && !secret);

        let again = parts.iter().any(|part| {
            let holds_keys = ["properties", "additionalProperties", "patternProperties", "items"];
            holds_keys.iter().any(|keyword| part.get(keyword).is_some())
                && above.iter().flatten().any(|known| std::ptr::eq(*known, *part))
        });
        let too_much = self.left.get() == 0 || above.len() == MAX_DEPTH;
        let inside = [above, &[parts]].concat();
        let shape = if (has("object") || has("array")) && (again || too_much) {
            Shape::More
        } else if has("object") {
            Shape::Table(self.table(schema, default, &inside))
        } else if let Some(items) = schema.items().filter(|_| has("array")) {
            self.key(None, items, false, None, &inside).map_or(Shape::More, |entry| Shape::List(Box::new(entry)))
        } else {
            Shape::Value
        };
        let mut key = Key {
            name: name.map(str::to_owned),
            description: description(schema),
            kind: String::new(),
            required,
            default: default.cloned(),
            allowed: allowed(schema),
            limits: limits(schema, &types),
            placeholder: Value::Null,
            secret,
            hints: hints(schema),
            shape,
        };
        key.kind = kind(&types, &key, secret);
        key.placeholder = placeholder(schema, &types, &key, secret);
        if let (Shape::Table(_), None) = (&key.shape, key.dictionary()) {
            key.default = None; // its keys have it
        }
        if let Some(entry) = key.entry().filter(|_| key.allowed.is_empty()) {
            key.allowed = entry.allowed.clone();
        }
        Some(key)
    }
}

impl Key {
    /// Has it, or have its entries, keys that are left out, see [`Shape::More`]?
    pub fn is_cut(&self) -> bool {
        self.shape == Shape::More || self.entry().is_some_and(|entry| entry.shape == Shape::More)
    }

    /// The keys of a table that is nothing but a dictionary: the one that stands for any name.
    fn dictionary(&self) -> Option<&Key> {
        match &self.shape {
            Shape::Table(keys) => match keys.as_slice() {
                [only] if only.name.is_none() => Some(only),
                _ => None,
            },
            _ => None,
        }
    }

    /// What a list or a dictionary is made of.
    fn entry(&self) -> Option<&Key> {
        match &self.shape {
            Shape::List(entry) => Some(entry),
            _ => self.dictionary(),
        }
    }
}

/// The JSON types that a value may have, `null` aside.
fn types<'a>(schema: Schema<'a>) -> Vec<&'a str> {
    let named = schema.keyword("type").flat_map(|kind| match kind {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect::<Vec<_>>(),
    });
    let inferred = [("properties", "object"), ("additionalProperties", "object"), ("items", "array")]
        .into_iter()
        .filter(|(keyword, _)| schema.keyword(keyword).next().is_some_and(|value| *value != false))
        .map(|(_, name)| name);
    let values = allowed(schema).into_iter().map(|(value, _)| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    });
    let mut types: Vec<&str> = Vec::new();
    for name in named.chain(inferred).chain(values).filter(|name| *name != "null") {
        if !types.contains(&name) {
            types.push(name);
        }
    }
    types
}

fn hints(schema: Schema<'_>) -> Hints {
    let conditions = schema.keyword("depends_on").filter_map(Value::as_object).flatten();
    Hints {
        ask: schema.keyword("ask").find_map(Value::as_u64),
        env_var: schema.keyword("env_var").find_map(Value::as_str).map(str::to_owned),
        depends_on: conditions
            .map(|(key, values)| (key.clone(), values.as_array().cloned().unwrap_or_else(|| vec![values.clone()])))
            .collect(),
    }
}

/// The description of the value, not of one that it may have.
fn description(schema: Schema<'_>) -> Option<String> {
    let own = schema.parts().into_iter().filter(|part| part.get("const").is_none());
    let text = own.filter_map(|part| part.get("description")?.as_str()).map(str::trim).find(|text| !text.is_empty());
    text.map(str::to_owned)
}

/// The values that are allowed, unless an alternative allows any of a type.
fn allowed(schema: Schema<'_>) -> Vec<(Value, Option<String>)> {
    let mut allowed: Vec<(Value, Option<String>)> = Vec::new();
    for part in schema.parts() {
        let has = |keyword| part.get(keyword).is_some();
        let description = part.get("description").and_then(Value::as_str).filter(|_| has("const"));
        let values = part.get("enum").and_then(Value::as_array).into_iter().flatten().chain(part.get("const"));
        for value in values.filter(|value| !value.is_null()) {
            if !allowed.iter().any(|(known, _)| known == value) {
                allowed.push((value.clone(), description.map(str::to_owned)));
            }
        }
        let whole = !["enum", "const", "$ref", "allOf", "anyOf", "oneOf"].iter().any(|keyword| has(keyword));
        let scalar = ["string", "integer", "number", "boolean"];
        if whole && part.get("type").and_then(Value::as_str).is_some_and(|kind| scalar.contains(&kind)) {
            return Vec::new();
        }
    }
    allowed
}

fn limits(schema: Schema<'_>, types: &[&str]) -> Vec<String> {
    let mut limits = schema.limits();
    let lengths = [
        ("minLength", "at least", "characters"),
        ("maxLength", "at most", "characters"),
        ("minItems", "at least", "entries"),
        ("maxItems", "at most", "entries"),
    ];
    for (keyword, words, unit) in lengths {
        limits.extend(schema.keyword(keyword).next().map(|limit| format!("{words} {limit} {unit}")));
    }
    if types.contains(&"string") {
        let text = |keyword| schema.keyword(keyword).find_map(Value::as_str);
        limits.extend(text("pattern").map(|pattern| format!("matches `{pattern}`")));
        limits.extend(text("format").filter(|format| *format != "password").map(|format| format!("a {format}")));
    }
    limits
}

fn kind(types: &[&str], key: &Key, secret: bool) -> String {
    let of = |container: &str| match key.entry() {
        Some(entry) => format!("{container} of {}", plural(&entry.kind)),
        None => container.to_owned(),
    };
    let words: Vec<String> = types
        .iter()
        .map(|name| match *name {
            "array" => of("list"),
            "object" => of("table"),
            other => other.to_owned(),
        })
        .collect();
    let words = if words.is_empty() { ANY.to_owned() } else { words.join(" or ") };
    if secret { format!("{words} (secret)") } else { words }
}

const ANY: &str = "any value";

/// Of a [`kind`]: the first word of each alternative names it.
fn plural(kind: &str) -> String {
    let alternatives = kind.split(" or ").map(|one| match one.split_once(' ') {
        _ if one == ANY => "values".to_owned(),
        Some((first, rest)) => format!("{first}s {rest}"),
        None => format!("{one}s"),
    });
    alternatives.collect::<Vec<_>>().join(" or ")
}

fn placeholder(schema: Schema<'_>, types: &[&str], key: &Key, secret: bool) -> Value {
    let mut examples = schema.keyword("examples").filter_map(Value::as_array).flatten();
    if let Some(example) = examples.find(|value| !value.is_null() && !secret) {
        return example.clone();
    }
    if let Some((first, _)) = key.allowed.first() {
        return first.clone();
    }
    match types.first().copied() {
        Some("boolean") => Value::Bool(false),
        Some("integer") => number(schema, true),
        Some("number") => number(schema, false),
        Some("array") => {
            let limit = |keyword, absent| schema.keyword(keyword).find_map(Value::as_u64).unwrap_or(absent);
            if key.is_cut() {
                return Value::Array(Vec::new());
            }
            let entry = key.entry().map_or_else(|| Value::from(CHANGE_ME), |entry| entry.placeholder.clone());
            // Lists of lists would grow with every level.
            let most = if entry.is_array() || entry.is_object() { 1 } else { MAX_EXAMPLES };
            let count = limit("minItems", 1).clamp(1, most).min(limit("maxItems", most));
            (0..count).map(|_| entry.clone()).collect()
        }
        Some("object") => {
            let Shape::Table(keys) = &key.shape else { return Value::Object(Map::new()) };
            let required = keys.iter().filter(|key| key.required).filter_map(|key| {
                Some((key.name.clone()?, key.default.clone().unwrap_or_else(|| key.placeholder.clone())))
            });
            Value::Object(required.collect())
        }
        _ => Value::from(text(schema)),
    }
}

/// The number nearest to zero that the limits allow.
fn number(schema: Schema<'_>, whole: bool) -> Value {
    let limit = |keyword| schema.keyword(keyword).find_map(Value::as_f64);
    let above = limit("exclusiveMinimum").map(|limit| if whole { limit.floor() + 1.0 } else { limit + 1.0 });
    let below = limit("exclusiveMaximum").map(|limit| if whole { limit.ceil() - 1.0 } else { limit - 1.0 });
    let least = limit("minimum").or(above).map(|least| if whole { least.ceil() } else { least });
    let most = limit("maximum").or(below).map(|most| if whole { most.floor() } else { most });
    let number = 0.0_f64.max(least.unwrap_or(f64::MIN)).min(most.unwrap_or(f64::MAX));
    #[expect(clippy::cast_possible_truncation, reason = "a limit beyond the integers becomes the last of them")]
    if number.fract() == 0.0 { Value::from(number as i64) } else { Value::from(number) }
}

fn text(schema: Schema<'_>) -> String {
    let example = match schema.keyword("format").find_map(Value::as_str) {
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("date") => "2026-01-31",
        Some("time") => "12:00:00Z",
        Some("uri" | "url") => "https://example.org/",
        Some("email") => "somebody@example.org",
        Some("ipv4") => "127.0.0.1",
        _ => CHANGE_ME,
    };
    let limit = |keyword| schema.keyword(keyword).find_map(Value::as_u64).and_then(|limit| usize::try_from(limit).ok());
    let least = limit("minLength").unwrap_or(0).min(256);
    let most = limit("maxLength").unwrap_or(usize::MAX);
    let length = example.chars().count().max(least).min(most);
    example.chars().cycle().take(length).collect()
}

#[cfg(test)]
mod tests;
