use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

/// A secret that came with a request or a configuration.
///
/// It can be read, with [`Password::reveal`], but not leaked by accident: it serialises as an empty
/// text, so no answer, file or log made from a model holds it, and its `Debug` shows `***`.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for handing it to a backend. Never write, return or log it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// True when there is no secret.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl JsonSchema for Password {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Password".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // `format` tells tools, ours included, to mask the value wherever they show it.
        json_schema!({ "type": "string", "format": "password" })
    }
}

#[cfg(test)]
mod tests {
    use super::Password;

    #[test]
    fn it_reads_the_secret_and_never_shows_it() {
        let password: Password = serde_json::from_str(r#""hunter2""#).unwrap();
        assert_eq!(password.reveal(), "hunter2");
        assert_eq!(serde_json::to_string(&password).unwrap(), r#""""#);
        assert_eq!(format!("{password:?}"), "***");
    }
}
