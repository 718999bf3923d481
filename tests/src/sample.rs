//! What the tests send.

use serde_json::{Value, json};

/// The body that creates, changes or deletes a defect; its password is `hunter2-in-the-body`.
#[must_use]
pub fn defect_request() -> Value {
    json!({
        "defect": {
            "title": "It falls over",
            "description": null,
            "status": "open",
            "classification": "bug",
            "priority": "high",
            "lastEdited": "2026-01-31T12:00:00.123456+01:00",
            "principal": { "username": "ann", "password": "hunter2-in-the-body" }
        },
        "syncContext": { "iTBProject": "Shop" }
    })
}
