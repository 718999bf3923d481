//! From an issue to a defect.

use std::collections::BTreeMap;

use defect_plugin_api::model::{
    Defect, DefectWithAttributes, DefectWithId, Login, SyncContext, Timestamp, UserDefinedField,
};
use serde_json::Value;

use super::field::{Field, Fields};
use super::value::text_of;

/// Fields that every defect is made of, beside those that the context names.
const ALWAYS: [&str; 6] = ["summary", "description", "reporter", "updated", "attachment", "project"];

/// How issues are read for one request.
#[derive(Clone)]
pub(crate) struct Reading {
    status: String,
    classification: String,
    priority: String,
    /// Name and id of each further field.
    further: Vec<(String, String)>,
    site: String,
}

/// The key of an issue, and that of its project.
pub(crate) fn key_and_project(issue: &Value) -> Option<(&str, &str)> {
    Some((issue["key"].as_str()?, issue["fields"]["project"]["key"].as_str()?))
}

/// What a defect refers to its issue by. `site` is Jira's address as people use it, without a slash at its end.
pub(crate) fn issue_link(site: &str, key: &str) -> String {
    format!("{site}/browse/{key}")
}

/// What a defect refers to an attachment by.
pub(crate) fn attachment_link(site: &str, attachment: &Value) -> String {
    match attachment.get("id") {
        Some(id) => format!("{site}/rest/api/2/attachment/content/{}", text_of(id)),
        None => text_of(&attachment["content"]),
    }
}

impl Reading {
    /// For lists: the user-defined fields are those that the context synchronises. `site` is Jira's address as
    /// people use it.
    pub(crate) fn of_context(fields: &Fields, context: &SyncContext, site: &str) -> Self {
        let names = context.uda_sync_options.iter().flat_map(BTreeMap::keys);
        let further = names.filter_map(|name| Some((name.clone(), fields.find(name)?.id.clone())));
        Self { further: further.collect(), ..Self::without_further(fields, context, site) }
    }

    /// For the extended view: all fields that the issue type has.
    pub(crate) fn of_all(fields: &Fields, own: &Fields, context: &SyncContext, site: &str) -> Self {
        let further = own.0.iter().map(|field| (field.name.clone(), field.id.clone()));
        Self { further: further.collect(), ..Self::without_further(fields, context, site) }
    }

    fn without_further(fields: &Fields, context: &SyncContext, site: &str) -> Self {
        let id = |wanted: &Option<String>, usual: &str| {
            let wanted = wanted.as_deref().filter(|name| !name.is_empty());
            wanted.and_then(|name| fields.find(name)).map_or_else(|| usual.to_owned(), |field| field.id.clone())
        };
        Self {
            status: id(&context.status_attribute, "status"),
            classification: id(&context.class_attribute, "issuetype"),
            priority: id(&context.priority_attribute, "priority"),
            further: Vec::new(),
            site: site.trim_end_matches('/').to_owned(),
        }
    }

    /// The ids of the fields that have to be asked for.
    pub(crate) fn fields(&self) -> Vec<&str> {
        let own = [&self.status, &self.classification, &self.priority].map(String::as_str);
        let mut ids: Vec<_> = ALWAYS.into_iter().chain(own).collect();
        ids.extend(self.further.iter().map(|(_, id)| id.as_str()));
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The defect that an issue is. The error says what of it cannot be read.
    pub(crate) fn defect(&self, issue: &Value) -> Result<DefectWithId, String> {
        let fields = &issue["fields"];
        let id = issue["key"].as_str().ok_or("it has no key")?;
        let updated = fields["updated"].as_str().ok_or("it does not say when it was changed")?;
        let last_edited: Timestamp = updated.parse().map_err(|error| format!("`updated` is `{updated}`: {error}"))?;
        let optional = |key: &str| (!fields[key].is_null()).then(|| text_of(&fields[key]));
        let further = self.further.iter().map(|(name, id)| UserDefinedField {
            name: name.clone(),
            value: Some(text_of(&fields[id])),
            must_field: Some(false),
        });
        let defect = Defect {
            title: optional("summary"),
            description: optional("description"),
            reporter: Some(text_of(&fields["reporter"])),
            status: text_of(&fields[&self.status]),
            classification: text_of(&fields[&self.classification]),
            priority: text_of(&fields[&self.priority]),
            user_defined_fields: further.collect(),
            last_edited,
            references: self.references(id, &fields["attachment"]),
            principal: Login::default(),
        };
        Ok(DefectWithId { defect, id: id.to_owned() })
    }

    fn references(&self, key: &str, attachments: &Value) -> Vec<String> {
        let attachments = attachments.as_array().into_iter().flatten();
        let links = attachments.map(|attachment| attachment_link(&self.site, attachment));
        std::iter::once(issue_link(&self.site, key)).chain(links).collect()
    }

    /// The extended view: the values of these attributes, each a property of defects or a field of Jira's.
    pub(crate) fn with_values(
        &self,
        issue: &Value,
        attributes: &[String],
        fields: &Fields,
    ) -> Result<DefectWithAttributes, String> {
        let DefectWithId { defect, id } = self.defect(issue)?;
        let value = |attribute: &String| match attribute.as_str() {
            "title" => defect.title.clone(),
            "description" => defect.description.clone(),
            "reporter" => defect.reporter.clone(),
            "status" => Some(defect.status.clone()),
            "classification" => Some(defect.classification.clone()),
            "priority" => Some(defect.priority.clone()),
            "lastEdited" => serde_json::to_value(defect.last_edited).ok().map(|value| text_of(&value)),
            other => fields.find(other).map(|field| text_of(&issue["fields"][&field.id])),
        };
        let attributes = attributes.iter().filter_map(|name| Some((name.clone(), value(name)?))).collect();
        Ok(DefectWithAttributes { defect, id, attributes })
    }

    /// The extended view: what changed of these attributes since the last synchronisation, such as
    /// `Status: 31.01.2026 12:00:00` to `Open → Done`.
    pub(crate) fn with_changes(
        &self,
        issue: &Value,
        histories: &[Value],
        attributes: &[String],
        fields: &Fields,
        since: Option<Timestamp>,
    ) -> Result<DefectWithAttributes, String> {
        let DefectWithId { defect, id } = self.defect(issue)?;
        let mut changes = BTreeMap::new();
        for history in histories {
            let created = history["created"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
            let Some(created) = created.filter(|created| since.is_none_or(|since| *created > since)) else { continue };
            let moment = created.to_chrono().format("%d.%m.%Y %H:%M:%S").to_string();
            for item in history["items"].as_array().into_iter().flatten() {
                let Some(name) = changed_attribute(item, attributes, fields) else { continue };
                let change = format!("{} → {}", text_of(&item["fromString"]), text_of(&item["toString"]));
                // Two changes of one field in one second.
                let names =
                    (1..).map(|n| if n == 1 { format!("{name}: {moment}") } else { format!("{name}: {moment} ({n})") });
                if let Some(free) = names.into_iter().find(|name| !changes.contains_key(name)) {
                    changes.insert(free, change);
                }
            }
        }
        Ok(DefectWithAttributes { defect, id, attributes: changes })
    }
}

/// The name under which a change is shown, when it is of one of the attributes.
fn changed_attribute(item: &Value, attributes: &[String], fields: &Fields) -> Option<String> {
    let id = item["fieldId"].as_str().or_else(|| item["field"].as_str())?;
    let property = match id {
        "summary" => "title",
        "issuetype" => "classification",
        other => other,
    };
    let known = fields.find(id);
    let is_wanted = |attribute: &String| {
        attribute == property || attribute == id || known.is_some_and(|field: &Field| field.name == *attribute)
    };
    let wanted = attributes.iter().find(|attribute| is_wanted(attribute))?;
    let name = if wanted == id { known.map_or(wanted.as_str(), |field| field.name.as_str()) } else { wanted };
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields() -> Fields {
        let all = json!([
            { "id": "summary", "name": "Summary", "schema": { "type": "string", "system": "summary" } },
            { "id": "status", "name": "Status", "schema": { "type": "status" } },
            { "id": "customfield_1", "name": "Severity", "schema": { "type": "option" } },
            { "id": "customfield_2", "name": "Team", "schema": { "type": "array", "items": "option" } }
        ]);
        Fields(all.as_array().unwrap().iter().filter_map(|entry| Field::of(entry, None)).collect())
    }

    fn issue() -> Value {
        json!({ "key": "SHOP-7", "fields": {
            "project": { "key": "SHOP" }, "summary": "Wrong price", "description": "Line 1\nLine 2",
            "reporter": { "displayName": "Ann" }, "status": { "name": "Open" }, "issuetype": { "name": "Bug" },
            "priority": { "name": "High" }, "updated": "2026-01-31T12:00:00.123+0100",
            "customfield_1": { "value": "Major" }, "customfield_2": [{ "value": "Red" }, { "value": "Blue" }],
            "attachment": [{ "id": 7, "content": "https://jira.example/secure/attachment/7/a.txt" }]
        } })
    }

    fn context(json: Value) -> SyncContext {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_defect_is_what_the_context_says_of_an_issue() {
        let context =
            context(json!({ "priorityAttribute": "Severity", "udaSyncOptions": { "Team": "ITB", "Gone": "DMS" } }));
        let reading = Reading::of_context(&fields(), &context, "https://jira.example/jira/");
        assert_eq!(
            reading.fields(),
            [
                "attachment",
                "customfield_1",
                "customfield_2",
                "description",
                "issuetype",
                "project",
                "reporter",
                "status",
                "summary",
                "updated"
            ]
        );
        let defect = reading.defect(&issue()).unwrap();
        assert_eq!(
            serde_json::to_value(&defect).unwrap(),
            json!({
                "id": "SHOP-7", "title": "Wrong price", "description": "Line 1\nLine 2", "reporter": "Ann", "status": "Open",
                "classification": "Bug", "priority": "Major", "lastEdited": "2026-01-31T12:00:00.123+01:00",
                "userDefinedFields": [{ "name": "Team", "value": "Red, Blue", "mustField": false }],
                "references": ["https://jira.example/jira/browse/SHOP-7", "https://jira.example/jira/rest/api/2/attachment/content/7"],
                "principal": { "username": "", "password": "" }
            })
        );
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let reading = Reading::of_context(&fields(), &SyncContext::default(), "s");
        assert_eq!(reading.defect(&json!({})), Err("it has no key".to_owned()));
        let said = reading.defect(&json!({ "key": "A-1", "fields": { "updated": "yesterday" } })).unwrap_err();
        assert!(said.starts_with("`updated` is `yesterday`: expected"), "{said}");
    }

    #[test]
    fn attributes_are_properties_of_defects_or_fields_by_name_or_id() {
        let attributes = ["title", "status", "Severity", "customfield_2", "Unknown"].map(str::to_owned);
        let reading = Reading::of_context(&fields(), &SyncContext::default(), "s");
        let shown = reading.with_values(&issue(), &attributes, &fields()).unwrap().attributes;
        let expected =
            [("Severity", "Major"), ("customfield_2", "Red, Blue"), ("status", "Open"), ("title", "Wrong price")];
        assert!(shown.iter().map(|(name, value)| (name.as_str(), value.as_str())).eq(expected), "{shown:?}");
    }

    #[test]
    fn changes_are_those_since_the_last_synchronisation() {
        let change = |created: &str, id: &str| json!({ "created": created, "items": [{ "fieldId": id, "field": "x", "fromString": "Open", "toString": "Done" }] });
        let histories = [
            change("2026-01-30T12:00:00.000+0100", "status"),
            change("2026-01-31T12:00:00.100+0100", "status"),
            change("2026-01-31T12:00:00.900+0100", "status"),
            change("2026-02-01T08:30:00.000+0100", "summary"),
            change("2026-02-01T08:30:00.000+0100", "customfield_1"),
            change("2026-02-01T08:30:00.000+0100", "assignee"),
        ];
        let attributes = ["title", "status", "customfield_1"].map(str::to_owned);
        let since = "2026-01-30T12:00:00+01:00".parse().ok();
        let reading = Reading::of_context(&fields(), &SyncContext::default(), "s");
        let shown = reading.with_changes(&issue(), &histories, &attributes, &fields(), since).unwrap().attributes;
        let names: Vec<_> = shown.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "Severity: 01.02.2026 08:30:00",
                "Status: 31.01.2026 12:00:00",
                "Status: 31.01.2026 12:00:00 (2)",
                "Title: 01.02.2026 08:30:00"
            ]
        );
        assert_eq!(shown["Status: 31.01.2026 12:00:00"], "Open → Done");
    }
}
