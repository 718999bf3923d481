//! Fields: their types, what values they take, how these are written and shown.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value, json};

use crate::face::{Face, date};
use crate::rich_text;
use crate::state::State;

/// The longest text that Jira takes, in characters.
const LONGEST_TEXT: usize = 32_767;

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text.
    String,
    /// Rich text: ADF in v3, plain in v2.
    TextArea,
    /// An address.
    Url,
    /// `2024-01-31`.
    Date,
    /// `2024-01-31T12:34:56.789+0000`.
    DateTime,
    /// A number.
    Number,
    /// A select list.
    Option,
    /// A select list with several values.
    MultiOption,
    /// A select list whose options have options.
    Cascading,
    /// Several labels.
    Labels,
    /// Several components of the project.
    Components,
    /// One version of the project.
    Version,
    /// Several versions of the project.
    Versions,
    /// A user.
    User,
    /// Several users.
    Users,
    /// A priority.
    Priority,
    /// A resolution: set by transitions only.
    Resolution,
    /// The parent issue.
    Parent,
}

/// One option of a select list.
#[derive(Debug, Clone)]
pub struct FieldOption {
    /// As Jira numbers it.
    pub id: String,
    /// As people see it.
    pub value: String,
    /// Of a cascading list.
    pub children: Vec<FieldOption>,
}

/// A field of this Jira.
#[derive(Debug, Clone)]
pub struct Field {
    /// `summary` or `customfield_10001`.
    pub id: String,
    /// As people see it.
    pub name: String,
    /// What it holds.
    pub holds: FieldType,
    /// Of select lists.
    pub options: Vec<FieldOption>,
}

impl Field {
    pub(crate) fn custom(&self) -> bool {
        self.id.starts_with("customfield_")
    }

    /// Java class names, as every Jira has them.
    fn custom_type(&self) -> &'static str {
        match self.holds {
            FieldType::String => "textfield",
            FieldType::TextArea => "textarea",
            FieldType::Url => "url",
            FieldType::Date => "datepicker",
            FieldType::DateTime => "datetime",
            FieldType::Number => "float",
            FieldType::Option | FieldType::Priority | FieldType::Resolution => "select",
            FieldType::MultiOption | FieldType::Components => "multiselect",
            FieldType::Cascading => "cascadingselect",
            FieldType::Labels => "labels",
            FieldType::Version => "version",
            FieldType::Versions => "multiversion",
            FieldType::User | FieldType::Parent => "userpicker",
            FieldType::Users => "multiuserpicker",
        }
    }

    pub(crate) fn schema(&self) -> Value {
        let (kind, items) = match self.holds {
            FieldType::String | FieldType::TextArea | FieldType::Url => ("string", None),
            FieldType::Date => ("date", None),
            FieldType::DateTime => ("datetime", None),
            FieldType::Number => ("number", None),
            FieldType::Option => ("option", None),
            FieldType::MultiOption => ("array", Some("option")),
            FieldType::Cascading => ("option-with-child", None),
            FieldType::Labels => ("array", Some("string")),
            FieldType::Components => ("array", Some("component")),
            FieldType::Version => ("version", None),
            FieldType::Versions => ("array", Some("version")),
            FieldType::User => ("user", None),
            FieldType::Users => ("array", Some("user")),
            FieldType::Priority => ("priority", None),
            FieldType::Resolution => ("resolution", None),
            FieldType::Parent => ("issuelink", None),
        };
        let mut schema = json!({"type": kind});
        if let Some(items) = items {
            schema["items"] = items.into();
        }
        if let Some(number) = self.id.strip_prefix("customfield_") {
            schema["custom"] =
                format!("com.atlassian.jira.plugin.system.customfieldtypes:{}", self.custom_type()).into();
            schema["customId"] = number.parse::<u64>().unwrap_or_default().into();
        } else {
            schema["system"] = self.id.clone().into();
        }
        schema
    }

    pub(crate) fn operations(&self) -> Value {
        match self.holds {
            FieldType::MultiOption | FieldType::Labels | FieldType::Components | FieldType::Versions => {
                json!(["add", "set", "remove"])
            }
            FieldType::Users => json!(["add", "set", "remove"]),
            _ => json!(["set"]),
        }
    }

    fn option(&self, id: &str) -> Option<&FieldOption> {
        self.options.iter().find(|option| option.id == id)
    }
}

/// Reads what a request wants to put into a field, into the form that issues keep: ids instead of objects.
///
/// # Errors
///
/// Jira's words about a wrong value.
pub(crate) fn read(state: &State, face: &Face, project: usize, field: &Field, value: &Value) -> Result<Value, String> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match field.holds {
        FieldType::String | FieldType::Url => {
            let text = string(value)?;
            if field.id == "summary" {
                summary(face, text)?;
            } else if text.contains(['\n', '\r']) {
                return Err(format!("The {} is invalid because it contains newline characters.", field.name));
            }
            if field.holds == FieldType::Url && !text.contains("://") {
                return Err("Not a valid URL".into());
            }
            limited(text)
        }
        FieldType::TextArea if face.adf() => {
            if !rich_text::is_document(value) {
                return Err(rich_text::WANTED.into());
            }
            limited(&rich_text::plain(value)).map(|_| value.clone())
        }
        FieldType::TextArea => {
            let text = limited(string(value)?)?;
            Ok(if face.cloud() { rich_text::document(text.as_str().unwrap_or_default()) } else { text })
        }
        FieldType::Date => {
            let text = string(value)?;
            NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| format!("Error parsing date string: {text}"))?;
            Ok(value.clone())
        }
        FieldType::DateTime => {
            let text = string(value)?;
            let wrong = || format!("Error parsing time string: {text}");
            let at = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z").map_err(|_| wrong())?;
            // Java's pattern has milliseconds and an offset without a colon.
            if !text.contains('.') || text.ends_with('Z') || text[text.len().saturating_sub(3)..].starts_with(':') {
                return Err(wrong());
            }
            Ok(date(at.with_timezone(&Utc)).into())
        }
        FieldType::Number if value.is_number() => Ok(value.clone()),
        FieldType::Number => Err("Operation value must be a number".into()),
        FieldType::Option => choose(&field.options, value).map(|option| option.id.clone().into()),
        FieldType::MultiOption => {
            each(value, |item| choose(&field.options, item).map(|option| option.id.clone().into()))
        }
        FieldType::Cascading => {
            let parent = choose(&field.options, value)?;
            let Some(child) = value.get("child").filter(|child| !child.is_null()) else {
                return Ok(json!({"id": parent.id}));
            };
            let child = choose(&parent.children, child)?;
            Ok(json!({"id": parent.id, "child": child.id}))
        }
        FieldType::Labels => each(value, |item| {
            let label = string(item)?;
            if label.contains(char::is_whitespace) {
                return Err(format!("The label '{label}' contains spaces which is invalid."));
            }
            if label.chars().count() > 255 {
                return Err(format!("The label '{label}' exceeds the maximum length of 255 characters."));
            }
            Ok(item.clone())
        }),
        FieldType::Components => {
            let known = &state.projects[project].components;
            each(value, |item| named("Component", known.iter().map(|(id, name)| (id, name)), item))
        }
        FieldType::Version => named("Version", state.versions(project), value),
        FieldType::Versions => each(value, |item| named("Version", state.versions(project), item)),
        FieldType::User => user(state, face, value),
        FieldType::Users => each(value, |item| user(state, face, item)),
        FieldType::Priority => named("Priority", state.priorities.iter().map(|(id, name)| (id, name)), value),
        FieldType::Resolution => named("Resolution", state.resolutions.iter().map(|(id, name)| (id, name)), value),
        FieldType::Parent => {
            let wanted = value.get("key").or_else(|| value.get("id")).and_then(Value::as_str);
            let parent = wanted.and_then(|wanted| state.find(wanted));
            match parent.and_then(|id| state.issues.get(&id)) {
                Some(parent) if parent.project == project => Ok(parent.id.to_string().into()),
                Some(_) => Err("Parent issue must be in the same project.".into()),
                None => Err("Could not find issue by id or key.".into()),
            }
        }
    }
}

fn summary(face: &Face, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("You must specify a summary of the issue.".into());
    }
    if text.contains(['\n', '\r']) {
        return Err("The summary is invalid because it contains newline characters.".into());
    }
    if text.chars().count() > 255 {
        let words = if face.cloud() { "can't exceed 255" } else { "must be less than 255" };
        return Err(format!("Summary {words} characters."));
    }
    Ok(())
}

fn string(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "Operation value must be a string".into())
}

fn limited(text: &str) -> Result<Value, String> {
    if text.chars().count() > LONGEST_TEXT {
        return Err("The entered text is too long. It exceeds the allowed limit of 32,767 characters.".into());
    }
    Ok(text.into())
}

fn each(value: &Value, read: impl Fn(&Value) -> Result<Value, String>) -> Result<Value, String> {
    let items = value.as_array().ok_or("data was not an array")?;
    items.iter().map(read).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// Ids are strings: a number is no id.
fn key<'a>(value: &'a Value, name: &str) -> Result<Option<&'a str>, String> {
    let object = value.as_object().ok_or("data was not an object")?;
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("expected '{name}' property to be a string")),
    }
}

fn choose<'a>(options: &'a [FieldOption], value: &Value) -> Result<&'a FieldOption, String> {
    if let Some(id) = key(value, "id")? {
        return options.iter().find(|option| option.id == id).ok_or_else(|| format!("Option id '{id}' is not valid"));
    }
    let Some(text) = key(value, "value")? else { return Err("Specify a valid 'id' or 'value'".into()) };
    options.iter().find(|option| option.value == text).ok_or_else(|| format!("Option value '{text}' is not valid"))
}

fn named<'a>(
    what: &str,
    mut known: impl Iterator<Item = (&'a String, &'a String)>,
    value: &Value,
) -> Result<Value, String> {
    if let Some(id) = key(value, "id")? {
        return known
            .find(|(known, _)| *known == id)
            .map(|(id, _)| id.clone().into())
            .ok_or_else(|| format!("{what} id '{id}' is not valid"));
    }
    let Some(name) = key(value, "name")? else { return Err("expected 'id' or 'name' property".into()) };
    known
        .find(|(_, known)| *known == name)
        .map(|(id, _)| id.clone().into())
        .ok_or_else(|| format!("{what} name '{name}' is not valid"))
}

fn user(state: &State, face: &Face, value: &Value) -> Result<Value, String> {
    let (found, wanted) = if face.cloud() {
        let id = match key(value, "accountId")? {
            Some(id) => Some(id),
            None => key(value, "id")?,
        };
        let Some(id) = id else { return Err("expected 'accountId' property".into()) };
        (state.users.iter().find(|user| user.account_id == id), id)
    } else {
        let Some(name) = key(value, "name")? else { return Err("expected 'name' property".into()) };
        (state.users.iter().find(|user| user.name == name), name)
    };
    match found {
        Some(user) if user.active => Ok(user.account_id.clone().into()),
        Some(_) => Err(format!("User '{wanted}' cannot be assigned issues.")),
        None if face.cloud() => Err(format!("Account ID '{wanted}' is not valid")),
        None => Err(format!("User '{wanted}' does not exist.")),
    }
}

/// A kept value as an answer has it.
pub(crate) fn show(state: &State, face: &Face, field: &Field, value: &Value) -> Value {
    if value.is_null() {
        return match field.holds {
            FieldType::Labels | FieldType::Components | FieldType::Versions if !field.custom() => json!([]),
            _ => Value::Null,
        };
    }
    let one = |id: &Value| id.as_str().unwrap_or_default().to_owned();
    let all = |show: &dyn Fn(&str) -> Value| -> Value {
        value.as_array().into_iter().flatten().map(|id| show(id.as_str().unwrap_or_default())).collect()
    };
    let option = |option: &FieldOption| json!({"self": face.link(&format!("customFieldOption/{}", option.id)), "value": option.value, "id": option.id});
    match field.holds {
        FieldType::TextArea if face.adf() => match value {
            Value::String(text) => rich_text::document(text),
            document => document.clone(),
        },
        FieldType::TextArea => rich_text::plain(value).into(),
        FieldType::Option => field.option(&one(value)).map_or(Value::Null, option),
        FieldType::MultiOption => all(&|id| field.option(id).map_or(Value::Null, option)),
        FieldType::Cascading => {
            let Some(parent) = field.option(&one(&value["id"])) else { return Value::Null };
            let mut shown = option(parent);
            if let Some(child) = parent.children.iter().find(|child| value["child"] == child.id.as_str()) {
                shown["child"] = option(child);
            }
            shown
        }
        FieldType::Components => all(&|id| component(state, face, id)),
        FieldType::Version => version(state, face, &one(value)),
        FieldType::Versions => all(&|id| version(state, face, id)),
        FieldType::User => state.show_user(face, &one(value)),
        FieldType::Users => all(&|id| state.show_user(face, id)),
        FieldType::Priority => state.show_priority(face, &one(value)),
        FieldType::Resolution => state.show_resolution(face, &one(value)),
        FieldType::Parent => {
            let parent = one(value).parse().ok().and_then(|id| state.issues.get(&id));
            parent.map_or(Value::Null, |parent| {
                json!({"id": parent.id.to_string(), "key": state.key(parent),
                       "self": face.link(&format!("issue/{}", parent.id)),
                       "fields": {"summary": parent.fields.get("summary")}})
            })
        }
        _ => value.clone(),
    }
}

fn component(state: &State, face: &Face, id: &str) -> Value {
    let name = state.projects.iter().flat_map(|project| &project.components).find(|(known, _)| known == id);
    json!({"self": face.link(&format!("component/{id}")), "id": id, "name": name.map(|(_, name)| name)})
}

fn version(state: &State, face: &Face, id: &str) -> Value {
    let name = state.projects.iter().flat_map(|project| &project.versions).find(|(known, _)| known == id);
    json!({"self": face.link(&format!("version/{id}")), "id": id, "name": name.map(|(_, name)| name),
           "archived": false, "released": false})
}

/// What a field may hold, as createmeta lists it; nothing for what is not a list of choices.
pub(crate) fn allowed(state: &State, face: &Face, project: usize, field: &Field) -> Option<Value> {
    let project = &state.projects[project];
    let option = |option: &FieldOption| {
        let mut shown = json!({"self": face.link(&format!("customFieldOption/{}", option.id)),
                               "value": option.value, "id": option.id});
        if !option.children.is_empty() {
            shown["children"] =
                option.children.iter().map(|child| json!({"id": child.id, "value": child.value})).collect();
        }
        shown
    };
    match field.holds {
        FieldType::Option | FieldType::MultiOption | FieldType::Cascading => {
            Some(field.options.iter().map(option).collect())
        }
        FieldType::Components => Some(project.components.iter().map(|(id, _)| component(state, face, id)).collect()),
        FieldType::Version | FieldType::Versions => {
            Some(project.versions.iter().map(|(id, _)| version(state, face, id)).collect())
        }
        FieldType::Priority => Some(state.priorities.iter().map(|(id, _)| state.show_priority(face, id)).collect()),
        FieldType::Resolution => {
            Some(state.resolutions.iter().map(|(id, _)| state.show_resolution(face, id)).collect())
        }
        _ => None,
    }
}

/// A kept value in words, as the change history has it; empty is none.
pub(crate) fn words(state: &State, face: &Face, field: &Field, value: &Value) -> Option<String> {
    fn text(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
            Value::Object(object) => words_of(object),
            other => other.to_string(),
        }
    }
    fn words_of(object: &Map<String, Value>) -> String {
        let name = ["displayName", "name", "value", "key"].iter().find_map(|key| object.get(*key));
        let name = name.map(text).unwrap_or_default();
        match object.get("child") {
            Some(child) => format!("{name} - {}", text(child)),
            None => name,
        }
    }
    let plain = Face { version: 2, ..face.clone() };
    let shown = match show(state, &plain, field, value) {
        Value::Null => return None,
        shown => text(&shown),
    };
    (!shown.is_empty()).then_some(shown)
}
