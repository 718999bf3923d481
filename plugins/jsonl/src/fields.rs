//! The fields of a defect by their names, as the configuration names them.

use std::borrow::Cow;

use defect_plugin_api::model::{ControlFields, Defect};

/// A field's value as text: of the defect itself, else of its user-defined fields. The principal is
/// not among them.
pub(crate) fn value<'a>(defect: &'a Defect, name: &str) -> Option<Cow<'a, str>> {
    let own: Option<Cow<'a, str>> = match name {
        "title" => defect.title.as_deref().map(Cow::from),
        "description" => defect.description.as_deref().map(Cow::from),
        "reporter" => defect.reporter.as_deref().map(Cow::from),
        "status" => Some(defect.status.as_str().into()),
        "classification" => Some(defect.classification.as_str().into()),
        "priority" => Some(defect.priority.as_str().into()),
        "lastEdited" => Some(defect.last_edited.to_string().into()),
        "references" => (!defect.references.is_empty()).then(|| defect.references.join(", ").into()),
        _ => None,
    };
    own.or_else(|| {
        let field = defect.user_defined_fields.iter().find(|field| field.name == name)?;
        field.value.as_deref().map(Cow::from)
    })
}

/// Whether a defect may be synchronised: the required fields are filled, and those that are
/// controlled have one of their values.
pub(crate) fn are_valid(defect: &Defect, control_fields: &ControlFields) -> bool {
    let filled = [&defect.status, &defect.classification, &defect.priority].iter().all(|field| !field.is_empty());
    filled
        && control_fields.iter().all(|(name, allowed)| {
            let valid = value(defect, name).is_some_and(|value| allowed.iter().any(|allowed| *allowed == value));
            if !valid {
                tracing::debug!("the field `{name}` of a defect has none of its allowed values {allowed:?}");
            }
            valid
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect() -> Defect {
        serde_json::from_str(
            r#"{"status":"Open","classification":"Bug","priority":"High","lastEdited":"2026-01-31T12:00:00+01:00",
                "references":["a","b"],"principal":{"username":"ann","password":"hunter2"},
                "userDefinedFields":[{"name":"Team","value":"Red"},{"name":"title","value":"of a field"},
                    {"name":"Empty","value":null}]}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_value_is_the_defects_own_or_a_user_defined_one_and_never_the_principals() {
        let defect = defect();
        for (name, expected) in [
            ("status", Some("Open")),
            ("lastEdited", Some("2026-01-31T12:00:00+01:00")),
            ("references", Some("a, b")),
            ("Team", Some("Red")),
            ("title", Some("of a field")),
            ("Empty", None),
            ("principal", None),
            ("unheard of", None),
        ] {
            assert_eq!(value(&defect, name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn required_fields_are_filled_and_controlled_ones_have_allowed_values() {
        let valid = |change: fn(&mut Defect), control: &str| {
            let mut defect = defect();
            change(&mut defect);
            are_valid(&defect, &serde_json::from_str(control).unwrap())
        };
        assert!(valid(|_| {}, "{}"));
        assert!(valid(|_| {}, r#"{"status":["Closed","Open"],"Team":["Red"]}"#));
        assert!(!valid(|_| {}, r#"{"status":["Closed"]}"#));
        assert!(!valid(|_| {}, r#"{"Team":["Blue"]}"#));
        assert!(!valid(|_| {}, r#"{"unheard of":["a"]}"#), "a controlled field must be there");
        assert!(!valid(|defect| defect.priority.clear(), "{}"));
        assert!(!valid(|defect| defect.status.clear(), "{}"));
        assert!(!valid(|defect| defect.classification.clear(), "{}"));
    }
}
