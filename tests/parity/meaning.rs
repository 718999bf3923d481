//! What an answer means, so that two services that say the same in other words compare as equal.
//!
//! - Texts for people, the `message` of a protocol entry or of an error, are equal when both are there.
//!   Codes, keys, `field`s and everything else count.
//! - Instants are equal when they are the same to the microsecond, whatever their offset and spelling.
//! - The principal's password does not count: ours never returns it (see the differences).
//! - The `errors` of a refused body are a set. All other lists have an order.

use chrono::{DateTime, Timelike, Utc};
use defect_host_tests::Response;
use serde_json::{Value, json};

/// Status and meaning of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Meaning {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Meaning {
    pub(crate) fn of(response: &Response) -> Self {
        let is_json = response.header("content-type").starts_with("application/json");
        let body = if is_json && !response.body.is_empty() {
            serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("not JSON: {error}"))
        } else {
            json!({ "location": response.header("location") })
        };
        Self { status: response.status, body: normalised(body) }
    }
}

/// A JSON value without what does not count.
pub(crate) fn normalised(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(normalised).collect()),
        Value::Object(members) => {
            let is_for_people = ["code", "status", "field"].iter().any(|key| members.contains_key(*key));
            let members = members.into_iter().map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("message", Value::String(text)) if is_for_people && !text.is_empty() => json!("…"),
                    ("password", Value::String(_)) => json!("…"),
                    ("lastEdited", Value::String(text)) => instant(&text),
                    ("errors", Value::Array(errors)) => sorted(errors.into_iter().map(normalised).collect()),
                    (_, value) => normalised(value),
                };
                (key, value)
            });
            Value::Object(members.collect())
        }
        other => other,
    }
}

/// Brings a list into an order of its own.
pub(crate) fn sorted(mut items: Vec<Value>) -> Value {
    items.sort_by_key(Value::to_string);
    Value::Array(items)
}

fn instant(text: &str) -> Value {
    match DateTime::parse_from_rfc3339(text) {
        Ok(instant) => {
            let instant = instant.with_timezone(&Utc);
            let microseconds = instant.with_nanosecond(instant.nanosecond() / 1_000 * 1_000);
            json!(microseconds.unwrap_or(instant).to_rfc3339())
        }
        Err(_) => json!(text),
    }
}

#[test]
fn what_counts_stays_different_and_what_does_not_becomes_equal() {
    let of = |text: &str| normalised(serde_json::from_str(text).unwrap());
    for (one, other) in [
        (r#"{"code":"A","message":"x"}"#, r#"{"code":"A","message":"y"}"#),
        (r#"{"lastEdited":"2026-01-31T12:00:00.1234567+01:00"}"#, r#"{"lastEdited":"2026-01-31T11:00:00.123456Z"}"#),
        (r#"{"password":"a"}"#, r#"{"password":""}"#),
        (r#"{"errors":[{"field":"a"},{"field":"b"}]}"#, r#"{"errors":[{"field":"b"},{"field":"a"}]}"#),
    ] {
        assert_eq!(of(one), of(other));
    }
    for (one, other) in [
        (r#"{"code":"A","message":"x"}"#, r#"{"code":"B","message":"x"}"#),
        (r#"{"code":"A","message":"x"}"#, r#"{"code":"A","message":""}"#),
        (r#"{"message":"x"}"#, r#"{"message":"y"}"#),
        (r#"{"lastEdited":"2026-01-31T12:00:00.123456Z"}"#, r#"{"lastEdited":"2026-01-31T12:00:00.123457Z"}"#),
        (r#"{"password":"a"}"#, r#"{"password":null}"#),
        (r#"{"errors":[{"field":"a"}]}"#, r#"{"errors":[{"field":"b"}]}"#),
        (r#"{"value":[1,2]}"#, r#"{"value":[2,1]}"#),
    ] {
        assert_ne!(of(one), of(other));
    }
}
