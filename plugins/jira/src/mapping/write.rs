//! From a defect to the fields of an issue.

use defect_plugin_api::model::{Defect, SyncContext};
use serde_json::{Map, Value};

use super::field::{Field, Fields, Unsuitable};
use super::value::text_of;
use crate::adf;
use crate::model::Kind;

/// How defects are written to issues of one type.
pub(crate) struct Writing<'a> {
    /// The fields that issues of this type have.
    pub(crate) fields: &'a Fields,
    pub(crate) jira: Kind,
    pub(crate) context: &'a SyncContext,
}

/// What is to be written.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Written {
    pub(crate) fields: Map<String, Value>,
    /// What cannot be written, in sentences.
    pub(crate) left_out: Vec<String>,
}

/// A field and the text that it is to have.
struct Wish<'a> {
    name: &'a str,
    text: &'a str,
}

impl Writing<'_> {
    /// All of a new defect, but for its issue type and its status. `user` finds the value of a user by what people
    /// call him; its errors end the writing, unless they are [`Unsuitable`].
    pub(crate) fn new_issue<E: From<Unsuitable> + IntoUnsuitable>(
        &self,
        defect: &Defect,
        user: &mut dyn FnMut(&str) -> Result<Value, E>,
    ) -> Result<Written, E> {
        let wishes: Vec<_> = self.wishes(defect).into_iter().filter(|wish| !wish.text.is_empty()).collect();
        self.written(wishes, user)
    }

    /// What is different in an issue that is there.
    pub(crate) fn changes<E: From<Unsuitable> + IntoUnsuitable>(
        &self,
        defect: &Defect,
        issue: &Value,
        user: &mut dyn FnMut(&str) -> Result<Value, E>,
    ) -> Result<Written, E> {
        let is_different = |wish: &Wish<'_>| {
            let id = self.fields.find(wish.name).map_or(wish.name, |field| &field.id);
            let current = &issue["fields"][id];
            match current.get("type") {
                Some(kind) if kind == "doc" => !adf::same_meaning(current, wish.text),
                _ => !says_the_same(&text_of(current), wish.text),
            }
        };
        let wishes: Vec<_> = self.wishes(defect).into_iter().filter(is_different).collect();
        self.written(wishes, user)
    }

    fn wishes<'a>(&'a self, defect: &'a Defect) -> Vec<Wish<'a>> {
        let named =
            |name: &'a Option<String>, usual: &'a str| name.as_deref().filter(|name| !name.is_empty()).unwrap_or(usual);
        let context = self.context;
        let mut wishes = Vec::new();
        let mut wish = |name: &'a str, text: &'a str| wishes.push(Wish { name, text });
        if let Some(title) = &defect.title {
            wish("summary", title);
        }
        if let Some(description) = &defect.description {
            wish("description", description);
        }
        let properties = [
            (named(&context.status_attribute, "status"), &defect.status),
            (named(&context.class_attribute, "issuetype"), &defect.classification),
            (named(&context.priority_attribute, "priority"), &defect.priority),
        ];
        for (name, text) in properties {
            // Those two are not fields that are written: a transition does it, or the choice of the issue type.
            let is_special = ["status", "issuetype"].contains(&self.id(name));
            if !is_special && !text.is_empty() {
                wish(name, text);
            }
        }
        if let Some(reporter) = defect.reporter.as_deref().filter(|reporter| !reporter.is_empty()) {
            wish("reporter", reporter);
        }
        for own in &defect.user_defined_fields {
            if let Some(value) = &own.value
                && !["status", "issuetype"].contains(&self.id(&own.name))
            {
                wish(&own.name, value);
            }
        }
        wishes
    }

    fn id<'a>(&'a self, name: &'a str) -> &'a str {
        match name.to_lowercase().as_str() {
            "status" => "status",
            "issuetype" | "issue type" => "issuetype",
            _ => self.fields.find(name).map_or(name, |field: &Field| &field.id),
        }
    }

    fn written<E: From<Unsuitable> + IntoUnsuitable>(
        &self,
        wishes: Vec<Wish<'_>>,
        user: &mut dyn FnMut(&str) -> Result<Value, E>,
    ) -> Result<Written, E> {
        let mut written = Written::default();
        for Wish { name, text } in wishes {
            let Some(field) = self.fields.find(name) else {
                let why = format!(
                    "the field `{name}` cannot be set to `{}`: issues of this type have no such field that this user may write",
                    shortened(text)
                );
                written.left_out.push(why);
                continue;
            };
            match field.value(text, self.jira, user) {
                Ok(value) => {
                    written.fields.insert(field.id.clone(), value);
                }
                Err(error) => written.left_out.push(error.into_unsuitable()?.to_string()),
            }
        }
        Ok(written)
    }
}

/// An error that may be about a value, which is left out then, or about more.
pub(crate) trait IntoUnsuitable: Sized {
    /// # Errors
    /// The error itself when it is about more.
    fn into_unsuitable(self) -> Result<Unsuitable, Self>;
}

/// Jira ends lines as it likes, and cuts white space at the ends.
fn says_the_same(current: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
    plain(current) == plain(wanted)
}

fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    impl IntoUnsuitable for Unsuitable {
        fn into_unsuitable(self) -> Result<Unsuitable, Self> {
            Ok(self)
        }
    }

    fn fields() -> Fields {
        let all = json!([
            { "fieldId": "summary", "name": "Summary", "schema": { "type": "string", "system": "summary" } },
            { "fieldId": "description", "name": "Description", "schema": { "type": "string", "system": "description" } },
            { "fieldId": "priority", "name": "Priority", "schema": { "type": "priority" },
              "allowedValues": [{ "id": "1", "name": "High" }, { "id": "2", "name": "Low" }] },
            { "fieldId": "reporter", "name": "Reporter", "schema": { "type": "user" } },
            { "fieldId": "customfield_1", "name": "Team", "schema": { "type": "option" }, "allowedValues": [{ "id": "7", "value": "Red" }] }
        ]);
        Fields(all.as_array().unwrap().iter().filter_map(|entry| Field::of(entry, None)).collect())
    }

    fn defect() -> Defect {
        serde_json::from_value(json!({
            "title": "Wrong\nprice", "description": "Line 1\nLine 2", "reporter": "Ann", "status": "Open",
            "classification": "Bug", "priority": "High", "lastEdited": "2026-01-31T12:00:00Z",
            "userDefinedFields": [{ "name": "Team", "value": "Red" }, { "name": "Empty", "value": "" }],
            "principal": { "username": "u", "password": "p" }
        }))
        .unwrap()
    }

    fn writing<T>(jira: Kind, run: impl FnOnce(&Writing<'_>) -> T) -> T {
        run(&Writing { fields: &fields(), jira, context: &SyncContext::default() })
    }

    fn user(name: &str) -> Result<Value, Unsuitable> {
        Ok(json!({ "name": name }))
    }

    #[test]
    fn a_new_issue_has_all_that_the_defect_says() {
        let jira = Kind::DataCenter { before_8_4: false };
        let written = writing(jira, |writing| writing.new_issue(&defect(), &mut user)).unwrap();
        let expected = json!({
            "summary": "Wrong price", "description": "Line 1\nLine 2", "priority": { "id": "1" }, "reporter": { "name": "Ann" },
            "customfield_1": { "id": "7" }
        });
        assert_eq!(Value::Object(written.fields), expected);
        assert_eq!(written.left_out, [""; 0]);
    }

    #[test]
    fn what_cannot_be_written_is_said_and_the_rest_is_written() {
        let mut defect = defect();
        defect.priority = "Urgent".to_owned();
        defect.user_defined_fields[1].value = Some("full".to_owned());
        let written = writing(Kind::Cloud, |writing| writing.new_issue(&defect, &mut user)).unwrap();
        assert_eq!(written.fields.keys().collect::<Vec<_>>(), ["customfield_1", "description", "reporter", "summary"]);
        assert_eq!(
            written.left_out,
            [
                "the value `Urgent` of the field `Priority` is not allowed; allowed: `High`, `Low`",
                "the field `Empty` cannot be set to `full`: issues of this type have no such field that this user may write"
            ]
        );
    }

    #[test]
    fn only_what_is_different_is_changed() {
        let jira = Kind::DataCenter { before_8_4: false };
        let issue = json!({ "fields": {
            "summary": "Wrong price", "description": "Line 1\r\nLine 2 ", "priority": { "name": "Low" },
            "reporter": { "displayName": "Ann" }, "customfield_1": { "value": "Red" }
        } });
        let mut defect = defect();
        defect.title = Some("Wrong price".to_owned());
        let written = writing(jira, |writing| writing.changes(&defect, &issue, &mut user)).unwrap();
        assert_eq!(Value::Object(written.fields), json!({ "priority": { "id": "1" } }));
        defect.user_defined_fields[0].value = Some(String::new());
        let written = writing(jira, |writing| writing.changes(&defect, &issue, &mut user)).unwrap();
        assert_eq!(Value::Object(written.fields), json!({ "priority": { "id": "1" }, "customfield_1": null }));
    }

    #[test]
    fn a_description_that_was_not_changed_is_not_flattened() {
        let document = adf::from_text("Line 1\nLine 2");
        let issue = json!({ "fields": {
            "summary": "Wrong price", "description": document, "priority": { "name": "High" },
            "reporter": { "displayName": "Ann" }, "customfield_1": { "value": "Red" }
        } });
        let mut defect = defect();
        defect.title = Some("Wrong price".to_owned());
        let written = writing(Kind::Cloud, |writing| writing.changes(&defect, &issue, &mut user)).unwrap();
        assert_eq!(written, Written::default());
    }
}
