//! What a text has to be where JSON Schema has no word for it, such as an address with a port.
//!
//! A type of [`ServiceConfig`](super::ServiceConfig) names the form of a key by the keyword [`KEYWORD`] of its schema.
//! So a value that means nothing is found together with all other faults, and where a person types it.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderName;
use axum::http::header::InvalidHeaderName;
use ipnet::{AddrParseError, IpNet};
use jsonschema::{Keyword, ValidationError};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::credentials;
use crate::logging;

/// The keyword of a schema whose value is the name of a form. One that is not known is not checked.
pub(super) const KEYWORD: &str = "text_form";

/// What a text has to be.
pub(super) struct Form {
    name: &'static str,
    /// In words, with an example.
    pub(super) expected: &'static str,
    /// What is wrong with a text that is not; may be empty. Shows no text that may be a secret.
    fault: fn(&str) -> Option<String>,
}

static FORMS: [Form; 6] = [
    Form {
        name: "socket-address",
        expected: "an IP address and a port, such as `127.0.0.1:9464`",
        fault: |text| unless(text.parse::<SocketAddr>().is_ok()),
    },
    Form {
        name: "network",
        expected: "an address or a network, such as `192.0.2.7` or `10.0.0.0/8`",
        fault: |text| unless(network(text).is_ok()),
    },
    Form {
        name: "header",
        expected: "the name of a header, such as `X-Real-IP`",
        fault: |text| unless(header(text).is_ok()),
    },
    Form {
        name: "log-format",
        expected: "a log format, such as `%(asctime)s %(levelname)8s: %(message)s`",
        fault: |text| reason(logging::check_format(text)),
    },
    // An empty one is as good as none: the environment stands in.
    Form {
        name: "password-hash",
        expected: "64 lower-case hexadecimal digits",
        fault: |text| unless(text.is_empty() || credentials::is_hash(text)).map(|_| NEW_CREDENTIALS.to_owned()),
    },
    Form {
        name: "salt",
        expected: "base64",
        fault: |text| unless(credentials::is_base64(text)).map(|_| NEW_CREDENTIALS.to_owned()),
    },
];

const NEW_CREDENTIALS: &str = "run `defect-host set-credentials` to store new credentials";

fn unless(right: bool) -> Option<String> {
    (!right).then(String::new)
}

fn reason(checked: Result<(), impl Display>) -> Option<String> {
    checked.err().map(|error| error.to_string())
}

impl Form {
    /// The form of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FORMS.iter().find(|form| form.name == name)
    }

    /// The keyword of a schema with this value.
    pub(super) fn keyword(name: &Value) -> Box<dyn for<'i> Keyword<'i>> {
        Box::new(Check(name.as_str().and_then(Self::named)))
    }
}

/// A form as jsonschema wants it. The error's message is what is wrong.
struct Check(Option<&'static Form>);

impl Check {
    fn fault(&self, instance: &Value) -> Option<String> {
        (self.0?.fault)(instance.as_str()?)
    }
}

impl<'i> Keyword<'i> for Check {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        self.fault(instance).map_or(Ok(()), |fault| Err(ValidationError::custom(fault)))
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        self.fault(instance).is_none()
    }
}

/// An address is the network of itself.
fn network(text: &str) -> Result<IpNet, AddrParseError> {
    text.parse().or_else(|error| text.parse::<IpAddr>().map(IpNet::from).map_err(|_| error))
}

pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| network(text).map_err(D::Error::custom)).collect()
}

/// An empty name is none.
fn header(text: &str) -> Result<Option<HeaderName>, InvalidHeaderName> {
    (!text.is_empty()).then(|| HeaderName::from_bytes(text.as_bytes())).transpose()
}

pub(super) fn header_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderName>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    header(text.as_deref().unwrap_or_default()).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_takes_what_its_examples_say_and_nothing_else() {
        for (form, right, wrong) in [
            (
                "socket-address",
                &["127.0.0.1:9464", "[::1]:0"][..],
                &["localhost:1", "127.0.0.1", ":1", "::1:1x", ""][..],
            ),
            ("network", &["192.0.2.7", "10.0.0.0/8", "::1", "fe80::/10"], &["10.0.0.0/33", "localhost", "", "::1/129"]),
            ("header", &["X-Real-IP", ""], &["a b", "x:", "é"]),
            ("log-format", &["%(message)s", "%(levelname)-8s %%"], &["%(oops)s", "", "%", "plain"]),
            ("password-hash", &[&*"0f".repeat(32), ""], &["0F", "xyz"]),
            ("salt", &["AAECAwQFBgcICQoLDA0ODw==", ""], &["é", "A"]),
        ] {
            let form = Form::named(form).unwrap();
            let wrong_ones = right.iter().chain(wrong).filter(|text| (form.fault)(text).is_some());
            assert_eq!(wrong_ones.collect::<Vec<_>>(), wrong.iter().collect::<Vec<_>>(), "{}", form.name);
        }
        assert_eq!(FORMS.len(), 6, "each has its line above");
    }
}
