//! A field of Jira's, and how a text becomes a value of it.

use serde_json::{Value, json};

use super::value::text_of;
use crate::adf;
use crate::model::Kind;

/// What kind of value a field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// A line of text.
    Line,
    /// Text of several lines: a document on Cloud.
    Text,
    Date,
    DateTime,
    Number,
    /// One of the allowed values, named by their `value` or `name`.
    Choice,
    /// One of the allowed values and one of that one's.
    Cascade,
    /// Labels and other lists of plain texts.
    Texts,
    /// A list of allowed values.
    Choices,
    User,
    Users,
    /// What this plugin does not know how to write.
    Other,
}

/// A field, as the metadata of an issue type or the list of all fields has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: FieldKind,
    pub(crate) required: bool,
    pub(crate) has_default: bool,
    pub(crate) is_boolean: bool,
    pub(crate) allowed: Vec<Value>,
}

/// Why a text is no value of a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsuitable {
    #[error("the value `{value}` of the field `{field}` is not allowed; allowed: {allowed}")]
    NotAllowed { field: String, value: String, allowed: String },
    #[error("the value `{value}` of the field `{field}` is no {expected}")]
    NotA { field: String, value: String, expected: &'static str },
    #[error("the field `{field}` cannot be set: this service does not know how to write fields of its type")]
    Unknown { field: String },
}

/// As many allowed values are named in a message.
const NAMED_VALUES: usize = 20;

impl Field {
    /// From an entry of the metadata or of the list of all fields. `id` for where the entry is under it.
    pub(crate) fn of(entry: &Value, id: Option<&str>) -> Option<Self> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let id = text("fieldId").or_else(|| text("id")).or(id).or_else(|| text("key"))?;
        let schema = &entry["schema"];
        let word = |key: &str| schema.get(key).and_then(Value::as_str).unwrap_or_default();
        Some(Self {
            id: id.to_owned(),
            name: text("name").unwrap_or(id).to_owned(),
            kind: kind_of(word("type"), word("items"), word("system"), word("custom")),
            required: entry["required"] == json!(true),
            has_default: entry["hasDefaultValue"] == json!(true),
            is_boolean: word("type") == "boolean",
            allowed: entry["allowedValues"].as_array().cloned().unwrap_or_default(),
        })
    }

    /// The names of the allowed values.
    pub(crate) fn allowed_names(&self) -> impl Iterator<Item = String> {
        self.allowed.iter().map(name_of).filter(|name| !name.is_empty())
    }

    /// The value that this text means. An empty text is no value: it clears the field. `user` finds the value of
    /// a user by what people call him; its error is returned.
    pub(crate) fn value<E: From<Unsuitable>>(
        &self,
        text: &str,
        jira: Kind,
        user: &mut dyn FnMut(&str) -> Result<Value, E>,
    ) -> Result<Value, E> {
        let is_list = matches!(self.kind, FieldKind::Texts | FieldKind::Choices | FieldKind::Users);
        if text.is_empty() {
            return Ok(if is_list { json!([]) } else { Value::Null });
        }
        let not_a = |expected| Unsuitable::NotA { field: self.name.clone(), value: text.to_owned(), expected };
        let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
        Ok(match self.kind {
            FieldKind::Line => json!(text.split(['\r', '\n']).collect::<Vec<_>>().join(" ")),
            FieldKind::Text if jira == Kind::Cloud => adf::from_text(text),
            FieldKind::Text => json!(text),
            FieldKind::Date => json!(date(text).ok_or_else(|| not_a("date such as 2026-01-31"))?),
            FieldKind::DateTime => {
                json!(date_time(text).ok_or_else(|| not_a("date and time such as 2026-01-31T12:00:00Z"))?)
            }
            FieldKind::Number => {
                let number = text.trim().parse::<f64>().ok().and_then(serde_json::Number::from_f64);
                Value::Number(number.ok_or_else(|| not_a("number"))?)
            }
            FieldKind::Choice => self.choice(text)?,
            FieldKind::Cascade => self.cascade(text)?,
            // A label has no spaces: two words are two labels.
            FieldKind::Texts => json!(parts().flat_map(str::split_whitespace).collect::<Vec<_>>()),
            FieldKind::Choices => Value::Array(parts().map(|part| self.choice(part)).collect::<Result<_, _>>()?),
            FieldKind::User => user(text)?,
            FieldKind::Users => Value::Array(parts().map(user).collect::<Result<_, E>>()?),
            FieldKind::Other => return Err(Unsuitable::Unknown { field: self.name.clone() }.into()),
        })
    }

    fn choice(&self, name: &str) -> Result<Value, Unsuitable> {
        let Some(found) = find(&self.allowed, name) else { return Err(self.not_allowed(name, &self.allowed)) };
        Ok(by_id(found))
    }

    fn cascade(&self, text: &str) -> Result<Value, Unsuitable> {
        // The parent's own name may have the separator in it.
        for (at, separator) in text.match_indices(" / ") {
            let (parent, child) = (&text[..at], &text[at + separator.len()..]);
            if let Some(found) = find(&self.allowed, parent) {
                let children = found["children"].as_array().map(Vec::as_slice).unwrap_or_default();
                let child = find(children, child).ok_or_else(|| self.not_allowed(text, children))?;
                let mut value = by_id(found);
                value["child"] = by_id(child);
                return Ok(value);
            }
        }
        self.choice(text)
    }

    fn not_allowed(&self, value: &str, allowed: &[Value]) -> Unsuitable {
        let names: Vec<_> = allowed.iter().map(name_of).filter(|name| !name.is_empty()).collect();
        let more = names.len().saturating_sub(NAMED_VALUES);
        let mut shown = names.iter().take(NAMED_VALUES).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if more > 0 {
            shown = format!("{shown} and {more} more");
        }
        let allowed = if names.is_empty() { "none".to_owned() } else { shown };
        Unsuitable::NotAllowed { field: self.name.clone(), value: value.to_owned(), allowed }
    }
}

fn kind_of(kind: &str, items: &str, system: &str, custom: &str) -> FieldKind {
    let custom = custom.rsplit(':').next().unwrap_or_default();
    match (kind, items) {
        ("string", _) if matches!(system, "description" | "environment") || custom == "textarea" => FieldKind::Text,
        ("string", _) => FieldKind::Line,
        ("date", _) => FieldKind::Date,
        ("datetime", _) => FieldKind::DateTime,
        ("number", _) => FieldKind::Number,
        ("option" | "priority" | "issuetype" | "version" | "component" | "resolution" | "securitylevel", _) => {
            FieldKind::Choice
        }
        ("option-with-child", _) => FieldKind::Cascade,
        ("user", _) => FieldKind::User,
        ("array", "user") => FieldKind::Users,
        ("array", "option" | "component" | "version") => FieldKind::Choices,
        ("array", "string") if system != "attachment" => FieldKind::Texts,
        _ => FieldKind::Other,
    }
}

fn name_of(allowed: &Value) -> String {
    ["name", "value"]
        .iter()
        .find_map(|key| allowed.get(*key).and_then(Value::as_str))
        .map_or_else(|| if allowed.is_object() { String::new() } else { text_of(allowed) }, str::to_owned)
}

/// By name; a name in another case counts when no other one has it exactly.
fn find<'a>(allowed: &'a [Value], name: &str) -> Option<&'a Value> {
    let exact = allowed.iter().find(|value| name_of(value) == name);
    exact.or_else(|| allowed.iter().find(|value| name_of(value).to_lowercase() == name.to_lowercase()))
}

fn by_id(allowed: &Value) -> Value {
    match allowed.get("id") {
        Some(id) => json!({ "id": text_of(id) }),
        None if allowed.get("value").is_some() => json!({ "value": allowed["value"] }),
        None => json!({ "name": name_of(allowed) }),
    }
}

fn date(text: &str) -> Option<String> {
    let day = text.trim().get(..10)?;
    let mut parts = day.split('-').map(|part| part.parse::<u32>().ok());
    let (Some(Some(_)), Some(Some(1..=12)), Some(Some(1..=31)), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    Some(day.to_owned())
}

/// As Jira wants it: milliseconds, and an offset without a colon.
fn date_time(text: &str) -> Option<String> {
    let instant = defect_plugin_api::model::Timestamp::parse_or_utc(text.trim()).ok()?;
    Some(instant.to_chrono().format("%Y-%m-%dT%H:%M:%S%.3f%z").to_string())
}

/// Fields that are found by id or by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Fields(pub(crate) Vec<Field>);

impl Fields {
    /// By id, else by name, else by name in any case.
    pub(crate) fn find(&self, wanted: &str) -> Option<&Field> {
        let by = |matches: &dyn Fn(&Field) -> bool| self.0.iter().find(|field| matches(field));
        by(&|field| field.id == wanted)
            .or_else(|| by(&|field| field.name == wanted))
            .or_else(|| by(&|field| field.name.to_lowercase() == wanted.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(schema: Value, allowed: Value) -> Field {
        let entry = json!({ "fieldId": "customfield_1", "name": "F", "required": false, "schema": schema, "allowedValues": allowed });
        Field::of(&entry, None).unwrap()
    }

    fn value(field: &Field, text: &str) -> Result<Value, Unsuitable> {
        field.value(text, Kind::DataCenter { before_8_4: false }, &mut |name| Ok(json!({ "name": name })))
    }

    #[test]
    fn each_type_of_field_has_its_own_value() {
        let colours =
            json!([{ "id": "10", "value": "Red" }, { "id": "11", "value": "red" }, { "id": "12", "value": "Blue" }]);
        let world = json!([{ "id": "1", "value": "Europe", "children": [{ "id": "2", "value": "Spain" }] }]);
        let cases = [
            (field(json!({ "type": "string" }), json!(null)), "a\nb", json!("a b")),
            (field(json!({ "type": "string", "custom": "x:textarea" }), json!(null)), "a\nb", json!("a\nb")),
            (field(json!({ "type": "date" }), json!(null)), "2026-01-31", json!("2026-01-31")),
            (
                field(json!({ "type": "datetime" }), json!(null)),
                "2026-01-31T12:00:00+01:00",
                json!("2026-01-31T12:00:00.000+0100"),
            ),
            (field(json!({ "type": "number" }), json!(null)), " 2.50 ", json!(2.5)),
            (field(json!({ "type": "option" }), colours.clone()), "red", json!({ "id": "11" })),
            (field(json!({ "type": "option" }), colours.clone()), "BLUE", json!({ "id": "12" })),
            (
                field(json!({ "type": "priority" }), json!([{ "id": "2", "name": "High" }])),
                "High",
                json!({ "id": "2" }),
            ),
            (
                field(json!({ "type": "option-with-child" }), world.clone()),
                "Europe / Spain",
                json!({ "id": "1", "child": { "id": "2" } }),
            ),
            (field(json!({ "type": "option-with-child" }), world), "Europe", json!({ "id": "1" })),
            (
                field(json!({ "type": "array", "items": "option" }), colours),
                "Red, Blue",
                json!([{ "id": "10" }, { "id": "12" }]),
            ),
            (
                field(json!({ "type": "array", "items": "string", "system": "labels" }), json!(null)),
                "a b, c",
                json!(["a", "b", "c"]),
            ),
            (field(json!({ "type": "user" }), json!(null)), "ann", json!({ "name": "ann" })),
            (
                field(json!({ "type": "array", "items": "user" }), json!(null)),
                "ann, bob",
                json!([{ "name": "ann" }, { "name": "bob" }]),
            ),
            (field(json!({ "type": "number" }), json!(null)), "", json!(null)),
            (field(json!({ "type": "array", "items": "string" }), json!(null)), "", json!([])),
        ];
        for (field, text, expected) in cases {
            assert_eq!(value(&field, text).unwrap(), expected, "{field:?}");
        }
    }

    #[test]
    fn what_is_no_value_is_said_with_what_would_be() {
        let field_of = |kind: &str| field(json!({ "type": kind }), json!([{ "value": "Red" }, { "value": "Blue" }]));
        let said = |kind: &str, text: &str| value(&field_of(kind), text).unwrap_err().to_string();
        assert_eq!(
            said("option", "Green"),
            "the value `Green` of the field `F` is not allowed; allowed: `Red`, `Blue`"
        );
        assert_eq!(said("number", "many"), "the value `many` of the field `F` is no number");
        assert_eq!(said("number", "NaN"), "the value `NaN` of the field `F` is no number");
        assert_eq!(said("date", "31.01.2026"), "the value `31.01.2026` of the field `F` is no date such as 2026-01-31");
        assert!(said("sd-approvals", "x").contains("does not know how to write"));
    }

    #[test]
    fn text_of_several_lines_is_a_document_on_cloud() {
        let field = field(json!({ "type": "string", "system": "description" }), json!(null));
        let document = field.value::<Unsuitable>("a", Kind::Cloud, &mut |_| Ok(Value::Null)).unwrap();
        assert_eq!(document["type"], "doc");
    }
}
