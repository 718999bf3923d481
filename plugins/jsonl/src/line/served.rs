//! Which lines can be handed out as they are.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use defect_plugin_api::model::Timestamp;
use defect_plugin_api::model::short_text::MAX_CHARACTERS;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The id of a line that is, to the meaning of every byte, what the API answers for it: every key once
/// and no other, the right types, no password, no short text that is too long. `None` for all others.
pub(crate) fn id_when_servable(line: &[u8]) -> Option<Cow<'_, str>> {
    // Only what fails is read again, by the parser that says why.
    let Object(defect): Object<Served> = serde_json::from_slice(line).ok()?;
    Some(defect.id)
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "to be there and of its type is all that is asked of most fields")]
struct Served<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(deserialize_with = "there")]
    title: Option<Short>,
    #[serde(deserialize_with = "there")]
    description: Option<Text>,
    #[serde(deserialize_with = "there")]
    reporter: Option<Short>,
    status: Short,
    classification: Short,
    priority: Short,
    user_defined_fields: Each<Object<Field>>,
    last_edited: Rfc3339,
    references: Each<Text>,
    principal: Object<Principal>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "to be there and of its type is all that is asked")]
struct Field {
    name: Text,
    #[serde(deserialize_with = "there")]
    value: Option<Text>,
    #[serde(deserialize_with = "there")]
    must_field: Option<bool>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "to be there and of its type is all that is asked")]
struct Principal {
    username: Text,
    password: Empty,
}

/// With a function of its own, serde does not take a missing key for `null`.
fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// A text that is looked at and not kept.
macro_rules! text {
    ($name:ident, $expected:literal, |$text:ident| $holds:expr) => {
        struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Look;
                impl Visitor<'_> for Look {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: Error>(self, $text: &str) -> Result<$name, E> {
                        if $holds { Ok($name) } else { Err(E::custom($expected)) }
                    }
                }
                deserializer.deserialize_str(Look)
            }
        }
    };
}

text!(Text, "a text", |_text| true);
text!(Empty, "an empty text", |text| text.is_empty());
text!(Short, "a short text", |text| text.len() <= MAX_CHARACTERS || text.chars().count() <= MAX_CHARACTERS);
text!(Rfc3339, "a date-time as RFC 3339 has it", |text| is_rfc3339(text));

/// Of the spellings that are read, the one that is written.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = bytes.len() >= 20 && bytes[10] == b'T' && bytes.iter().all(|byte| b"0123456789-:.TZ+".contains(byte));
    let offset = bytes.ends_with(b"Z") || (bytes.len() >= 25 && bytes[bytes.len() - 3] == b':' && bytes[16] == b':');
    // More digits than nanoseconds would be cut; an offset of zero is written as `Z`.
    let exact = bytes.len() <= 35 && !bytes.ends_with(b"00:00");
    plain && offset && exact && text.parse::<Timestamp>().is_ok()
}

/// An object, and not the list of its values, which serde takes too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Look<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members)).map(Object)
            }
        }
        deserializer.deserialize_map(Look(PhantomData))
    }
}

/// A list that is looked at and not kept.
struct Each<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Each<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Look<T> {
            type Value = Each<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Each<T>, A::Error> {
                while list.next_element::<T>()?.is_some() {}
                Ok(Each(PhantomData))
            }
        }
        deserializer.deserialize_seq(Look(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Line, new_line};

    const GOOD: &str = r#"{"title":null,"description":null,"reporter":"r","status":"s","classification":"c","priority":"p","userDefinedFields":[{"name":"n","value":null,"mustField":false}],"lastEdited":"2026-01-31T12:00:00.5+01:00","references":["x"],"principal":{"username":"ann","password":""},"id":"BUG-1"}"#;

    fn is_servable(line: &str) -> bool {
        id_when_servable(line.as_bytes()).is_some()
    }

    #[test]
    fn what_is_served_as_it_is_means_what_would_be_written() {
        for line in [
            GOOD.to_owned(),
            GOOD.replace(':', " : "),
            GOOD.replace("BUG-1", r"B\u00fcG"),
            GOOD.replace(r#""s""#, &format!("\"{}\"", "ü".repeat(255))),
        ] {
            let line = line.replace("12 : 00 : 00.5+01 : 00", "12:00:00.5+01:00");
            assert!(is_servable(&line), "{line}");
            let Line::Defect(defect) = Line::parse(line.as_bytes()) else { panic!("{line}") };
            let written: serde_json::Value = serde_json::from_slice(&new_line(&defect).unwrap()).unwrap();
            let mut own: serde_json::Value = serde_json::from_str(&line).unwrap();
            own["lastEdited"] = defect.defect.last_edited.to_string().into();
            assert_eq!(own, written);
            assert_eq!(id_when_servable(line.as_bytes()).unwrap(), defect.id);
        }
    }

    #[test]
    fn everything_else_is_read_and_written_anew() {
        for (part, other) in [
            (r#""title":null,"#, ""),
            (r#""title":null,"#, r#""title":null,"title":null,"#),
            (r#""title":null,"#, r#""title":null,"extra":1,"#),
            (r#""password":"""#, r#""password":"hunter2""#),
            (r#""password":"""#, r#""password":"","token":"x""#),
            (r#""mustField":false"#, r#""mustField":"no""#),
            (r#","mustField":false"#, ""),
            (r#""reporter":"r""#, r#""reporter":5"#),
            (r#"["x"]"#, "null"),
            (r#"["x"]"#, "[1]"),
            ("2026-01-31T", "2026-01-31 "),
            ("2026-01-31T", "2026-02-31T"),
            ("+01:00", ""),
            ("+01:00", "+0100"),
            ("+01:00", "+00:00"),
            ("}]", "}],"),
            (r#"{"username":"ann","password":""}"#, r#"["ann",""]"#),
            (r#"{"name":"n","value":null,"mustField":false}"#, r#"["n",null,false]"#),
        ] {
            let line = GOOD.replacen(part, other, 1);
            assert_ne!(line, GOOD);
            assert!(!is_servable(&line), "{line}");
        }
        let long = GOOD.replace(r#""s""#, &format!("\"{}\"", "ü".repeat(256)));
        assert!(!is_servable(&long));
        assert!(!is_servable("") && !is_servable("[]") && !is_servable(&format!("{GOOD}{GOOD}")));
    }
}
