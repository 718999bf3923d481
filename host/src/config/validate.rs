//! Checks values against a JSON Schema and says everything that is wrong, in the words of the file.

use jsonschema::{
    JsonType, ValidationError,
    error::{TypeKind, ValidationErrorKind},
    paths::{Location, LocationSegment},
};
use serde_json::Value;

use super::{
    document::{Format, Section},
    fault::{Fault, FaultKind, Faults, Severity},
    form::{self, Form},
    lenient,
    path::KeyPath,
    report::{Point, Reporter},
    schema::{Schema, nearest},
};

/// Checks a client's configuration against its plugin's JSON Schema (draft 2020-12).
///
/// Returns the values as the schema wants them: text that clearly means a number or a boolean is one,
/// and in a `.properties` file text with commas is a list where one is wanted.
///
/// # Errors
/// Every fault in the configuration; or one fault that says that the schema itself is not valid.
pub fn validate_client(section: &Section, schema: &Value) -> Result<Value, Faults> {
    let (value, faults) = check(section, schema);
    if faults.is_empty() { Ok(value) } else { Err(Faults::new(Severity::Error, faults)) }
}

impl Faults {
    /// What a plugin says about its configuration: the dotted path of a key, and what is wrong there.
    ///
    /// An empty path means the table as a whole. `schema` is the plugin's, which says what is secret.
    pub fn from_fields(section: &Section, schema: &Value, fields: &[(String, String)]) -> Self {
        let reporter = Reporter::of(section, schema);
        let faults = fields.iter().map(|(dotted, message)| {
            let path = undotted(dotted, section.value());
            let message = reporter.scrubbed(message);
            let message = if path.is_root() { message } else { format!("`{path}`: {message}") };
            reporter.fault(FaultKind::Other, path, Point::Value, message)
        });
        Self::new(Severity::Error, faults.collect())
    }
}

/// Splits a dotted path at the keys that are there: a project may be called `Shop 2.0`.
fn undotted(dotted: &str, value: &Value) -> KeyPath {
    let mut path = KeyPath::default();
    let mut value = Some(value);
    let mut rest = dotted;
    while !rest.is_empty() {
        let known = value.and_then(Value::as_object).and_then(|table| {
            let begins = |key: &&String| {
                let after = rest.strip_prefix(key.as_str());
                after.is_some_and(|after| after.is_empty() || after.starts_with('.'))
            };
            table.keys().filter(begins).max_by_key(|key| key.len())
        });
        let length = known.map_or_else(|| rest.find('.').unwrap_or(rest.len()), String::len);
        let (segment, after) = rest.split_at(length);
        value = value.and_then(|value| match value {
            Value::Array(list) => list.get(segment.parse::<usize>().ok()?),
            other => other.get(segment),
        });
        path = path.child(segment);
        rest = after.strip_prefix('.').unwrap_or(after);
    }
    path
}

/// The values of a table as `schema` wants them, and all that is wrong with them.
pub(super) fn check(section: &Section, schema: &Value) -> (Value, Vec<Fault>) {
    let mut value = section.value().clone();
    let comma_lists = section.document().format() == Format::Properties;
    lenient::coerce(&mut value, Schema::new(schema), comma_lists);
    let reporter = Reporter::of(section, schema);
    let mut faults = vec![];
    let options = jsonschema::draft202012::options().with_keyword(form::KEYWORD, |_, name, _| Ok(Form::keyword(name)));
    match options.build(schema) {
        Ok(validator) => {
            for error in validator.iter_errors(&value) {
                translate(&error, &reporter, &mut faults);
            }
        }
        Err(error) => {
            let message = format!("the client's JSON Schema is not valid: {}", error.masked());
            let root = KeyPath::default();
            faults.push(reporter.fault(FaultKind::Other, root, Point::Key, message));
        }
    }
    (value, faults)
}

fn translate(error: &ValidationError<'_>, reporter: &Reporter<'_>, faults: &mut Vec<Fault>) {
    use ValidationErrorKind as Kind;
    let path = key_path(error.instance_path());
    let schema = reporter.schema().at(&path);
    let found = || Some(reporter.describe(error.instance(), &path));
    let fault = |kind, says: &str| {
        let message = match path.last() {
            Some(_) => format!("`{path}` {says}"),
            None => format!("{} {says}", reporter.table(&path)),
        };
        reporter.fault(kind, path.clone(), Point::Value, message)
    };
    match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            faults.extend(unexpected.iter().map(|key| unknown_key(key, &path, reporter)));
        }
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            faults.push(missing_key(key, &path, reporter));
        }
        Kind::Type { kind } => faults.push(Fault {
            expected: Some(type_names(types(kind))),
            found: found(),
            ..fault(FaultKind::WrongType, "has the wrong type")
        }),
        Kind::Enum { .. } | Kind::Constant { .. } => {
            let allowed = allowed_values(error);
            faults.push(not_allowed(&allowed, error, &path, reporter));
        }
        Kind::Minimum { .. } | Kind::Maximum { .. } | Kind::ExclusiveMinimum { .. } | Kind::ExclusiveMaximum { .. } => {
            let limits = schema.map(Schema::limits).unwrap_or_default();
            faults.push(Fault {
                expected: Some(limits.join(" and ")),
                found: found(),
                ..fault(FaultKind::OutOfRange, "is out of range")
            });
        }
        Kind::MinLength { limit } => faults.push(Fault {
            expected: Some(format!("at least {} characters", limit)),
            found: found(),
            ..fault(FaultKind::OutOfRange, "is too short")
        }),
        Kind::MaxLength { limit } => faults.push(Fault {
            expected: Some(format!("at most {} characters", limit)),
            found: found(),
            ..fault(FaultKind::OutOfRange, "is too long")
        }),
        Kind::MinItems { limit } | Kind::MinProperties { limit } => faults.push(Fault {
            expected: Some(format!("at least {} entries", limit)),
            found: found(),
            ..fault(FaultKind::OutOfRange, "has too few entries")
        }),
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => faults.push(Fault {
            expected: Some(format!("at most {} entries", limit)),
            found: found(),
            ..fault(FaultKind::OutOfRange, "has too many entries")
        }),
        Kind::Pattern { pattern } => faults.push(Fault {
            expected: Some(format!("text that matches `{pattern}`")),
            found: found(),
            help: schema.and_then(Schema::description),
            ..fault(FaultKind::Pattern, "has the wrong form")
        }),
        Kind::Custom { message, .. } => {
            let name = schema.and_then(|schema| schema.keyword(form::KEYWORD).find_map(Value::as_str));
            faults.push(Fault {
                expected: name.and_then(Form::named).map(|form| form.expected.to_owned()),
                found: found(),
                help: Some(message.clone()).filter(|message| !message.is_empty()),
                ..fault(FaultKind::Pattern, "has the wrong form")
            });
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            choose(error, context, reporter, faults);
        }
        _ => faults.push(Fault {
            help: Some(error.masked_with("the value").to_string()),
            ..fault(FaultKind::Other, "does not fit")
        }),
    }
}

/// Finds out which of several schemas was meant, and what is wrong by that one.
fn choose(
    error: &ValidationError<'_>,
    branches: &[Vec<ValidationError<'static>>],
    reporter: &Reporter<'_>,
    faults: &mut Vec<Fault>,
) {
    let here = |inner: &&ValidationError<'_>| inner.instance_path() == error.instance_path();
    let type_error = |branch: &&Vec<ValidationError<'static>>| {
        branch.iter().filter(here).find_map(|inner| match inner.kind() {
            ValidationErrorKind::Type { kind } => Some(types(kind)),
            _ => None,
        })
    };
    let (unlike, alike): (Vec<_>, Vec<_>) = branches.iter().partition(|branch| type_error(branch).is_some());
    let path = key_path(error.instance_path());
    if alike.is_empty() {
        let wanted = unlike.iter().filter_map(type_error).flatten().collect();
        let message = format!("`{path}` has the wrong type");
        faults.push(Fault {
            expected: Some(type_names(wanted)),
            found: Some(reporter.describe(error.instance(), &path)),
            ..reporter.fault(FaultKind::WrongType, path, Point::Value, message)
        });
        return;
    }
    // Alternatives told apart by one fixed value, and the value is none of them.
    let fixed = |branch: &&Vec<ValidationError<'static>>| {
        branch.iter().position(|inner| matches!(inner.kind(), ValidationErrorKind::Constant { .. }))
    };
    let (by_value, open): (Vec<_>, Vec<_>) = alike.into_iter().partition(|branch| fixed(branch).is_some());
    let closest = open.into_iter().min_by_key(|branch| (branch.iter().filter(here).count(), branch.len()));
    if let Some(branch) = closest {
        for inner in branch {
            translate(inner, reporter, faults);
        }
        return;
    }
    let values: Vec<_> = by_value.iter().filter_map(|branch| branch.get(fixed(branch)?)).collect();
    if let Some(first) = values.first() {
        let allowed: Vec<_> = values.iter().flat_map(|inner| allowed_values(inner)).collect();
        let path = key_path(first.instance_path());
        faults.push(not_allowed(&allowed, first, &path, reporter));
    }
}

fn unknown_key(key: &str, table: &KeyPath, reporter: &Reporter<'_>) -> Fault {
    let schema = reporter.schema().at(table);
    let known = schema.map(Schema::known_keys).unwrap_or_default();
    let nearest = nearest(key, &known).map(str::to_owned);
    let message = format!("unknown key `{key}` in {}", reporter.table(table));
    let listed = || format!("the known keys are {}", quoted(&known, "and"));
    Fault {
        expected: Some(nearest.as_ref().map_or("a known key".to_owned(), |key| format!("`{key}`"))),
        found: Some(format!("`{key}`")),
        help: (nearest.is_none() && !known.is_empty()).then(listed),
        nearest,
        ..reporter.fault(FaultKind::UnknownKey, table.child(key), Point::Key, message)
    }
}

fn missing_key(key: &str, table: &KeyPath, reporter: &Reporter<'_>) -> Fault {
    let path = table.child(key);
    let schema = reporter.schema().at(&path);
    let message = format!("missing key `{key}` in {}", reporter.table(table));
    let help = schema.and_then(Schema::description);
    Fault {
        expected: Some(format!("the key `{key}`")),
        help: help.map(|description| format!("`{key}`: {description}")),
        ..reporter.fault(FaultKind::MissingKey, path, Point::Key, message)
    }
}

fn not_allowed(allowed: &[&Value], error: &ValidationError<'_>, path: &KeyPath, reporter: &Reporter<'_>) -> Fault {
    let words: Vec<String> = allowed
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let typed = error.instance().as_str();
    let message = format!("`{path}` has a value that is not allowed");
    Fault {
        expected: Some(quoted(&words, "or")),
        found: Some(reporter.describe(error.instance(), path)),
        nearest: typed.and_then(|typed| nearest(typed, &words)).map(str::to_owned),
        ..reporter.fault(FaultKind::NotAllowed, path.clone(), Point::Value, message)
    }
}

fn allowed_values<'a>(error: &'a ValidationError<'_>) -> Vec<&'a Value> {
    match error.kind() {
        ValidationErrorKind::Enum { options } => options.as_array().into_iter().flatten().collect(),
        ValidationErrorKind::Constant { expected_value } => vec![expected_value],
        _ => vec![],
    }
}

fn types(kind: &TypeKind) -> Vec<JsonType> {
    match kind {
        TypeKind::Single(one) => vec![*one],
        TypeKind::Multiple(several) => several.iter().collect(),
    }
}

/// The types in the words of TOML, which has no null.
fn type_names(mut types: Vec<JsonType>) -> String {
    types.sort();
    types.dedup();
    let names = types.iter().filter_map(|name| match name {
        JsonType::Array => Some("a list"),
        JsonType::Boolean => Some("`true` or `false`"),
        JsonType::Integer => Some("an integer"),
        JsonType::Null => None,
        JsonType::Number => Some("a number"),
        JsonType::Object => Some("a table"),
        JsonType::String => Some("a string"),
    });
    names.collect::<Vec<_>>().join(" or ")
}

/// `` `a`, `b` and `c` ``
fn quoted(words: &[&str], conjunction: &str) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {conjunction} {last}", others.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn key_path(location: &Location) -> KeyPath {
    location
        .iter()
        .map(|segment| match segment {
            LocationSegment::Property(key) => key.into_owned(),
            LocationSegment::Index(index) => index.to_string(),
        })
        .collect()
}
