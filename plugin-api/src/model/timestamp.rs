use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDateTime, SecondsFormat, Timelike, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant with the offset it was given in, such as `2026-01-31T12:00:00.123456+01:00`.
///
/// The offset and every digit down to the nanosecond survive a round trip. Written as RFC 3339,
/// `Z` for an offset of zero. Read as RFC 3339 and, as the reference service does, also with a
/// space instead of `T`, without seconds, and with an offset without its colon (`+0100`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<FixedOffset>);

/// A text that is no [`Timestamp`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidTimestamp {
    /// A date and time, but of no known offset: the instant is open by up to 26 hours.
    #[error("the offset is missing: append one, such as in `{0}Z` or `{0}+01:00`")]
    NoOffset(String),
    /// Something else.
    #[error("expected an RFC 3339 date-time such as `2026-01-31T12:00:00+01:00`")]
    NotADateTime,
}

impl Timestamp {
    /// The present instant, in UTC.
    #[must_use]
    pub fn now() -> Self {
        Self(Utc::now().fixed_offset())
    }

    /// Reads a date-time whose offset may be missing, which then is UTC.
    ///
    /// # Errors
    /// [`InvalidTimestamp::NotADateTime`].
    pub fn parse_or_utc(text: &str) -> Result<Self, InvalidTimestamp> {
        parse_local(text).map(|local| Self(local.and_utc().fixed_offset())).map_or_else(|| text.parse(), Ok)
    }

    /// The instant as the `chrono` crate's type.
    #[must_use]
    pub fn to_chrono(self) -> DateTime<FixedOffset> {
        self.0
    }
}

impl From<DateTime<FixedOffset>> for Timestamp {
    fn from(instant: DateTime<FixedOffset>) -> Self {
        Self(instant)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return if is_known_everywhere(instant.naive_local()) {
                Ok(Self(instant))
            } else {
                Err(InvalidTimestamp::NotADateTime)
            };
        }
        const LENIENT: [&str; 4] =
            ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z", "%Y-%m-%d %H:%M%#z"];
        let instant = LENIENT.iter().find_map(|format| DateTime::parse_from_str(text, format).ok());
        match instant.filter(|instant| is_known_everywhere(instant.naive_local())) {
            Some(instant) => Ok(Self(instant)),
            None if parse_local(text).is_some() => Err(InvalidTimestamp::NoOffset(text.to_owned())),
            None => Err(InvalidTimestamp::NotADateTime),
        }
    }
}

/// A date-time without an offset.
fn parse_local(text: &str) -> Option<NaiveDateTime> {
    const LOCAL: [&str; 4] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let local = LOCAL.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    local.filter(|local| is_known_everywhere(*local))
}

/// Whether other programs can read the date-time: most, the reference service among them, know no
/// leap seconds and only the years 1 to 9999. One such date-time makes it refuse a whole list.
fn is_known_everywhere(local: NaiveDateTime) -> bool {
    (1..=9999).contains(&local.year()) && local.nanosecond() < 1_000_000_000
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// For `#[serde(deserialize_with)]`: an optional instant whose missing offset means UTC.
pub(super) fn optional_or_utc<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Option::<std::borrow::Cow<str>>::deserialize(deserializer)?
        .map(|text| Timestamp::parse_or_utc(&text).map_err(serde::de::Error::custom))
        .transpose()
}

/// The schema keyword that sets apart instants whose offset must be there: JSON Schema's
/// `date-time` says so too, but the lenient fields are `date-time` in the API document as well.
pub const OFFSET_REQUIRED: &str = "x-offset-required";

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", (OFFSET_REQUIRED): true })
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidTimestamp, Timestamp};

    #[test]
    fn offset_and_microseconds_survive_a_round_trip() {
        for text in ["2026-01-31T12:00:00.123456+01:00", "2026-01-31T12:00:00Z", "1969-12-31T23:59:59.000001-11:30"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn the_reference_services_other_spellings_are_read() {
        for text in
            ["2026-01-31 12:00:00+00:00", "2026-01-31T12:00Z", "2026-01-31T12:00:00+0000", "2026-01-31t12:00:00z"]
        {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), "2026-01-31T12:00:00Z", "{text}");
        }
    }

    #[test]
    fn leap_seconds_and_years_that_others_cannot_read_are_refused() {
        for local in ["2026-06-30T23:59:60", "2026-06-30 23:59:60", "0000-12-31T00:00:00", "10000-01-01T00:00:00"] {
            for offset in ["", "Z", "+0100"] {
                let text = format!("{local}{offset}");
                assert_eq!(text.parse::<Timestamp>(), Err(InvalidTimestamp::NotADateTime), "{text}");
                assert_eq!(Timestamp::parse_or_utc(&text), Err(InvalidTimestamp::NotADateTime), "{text}");
            }
        }
        for text in ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_missing_offset_is_an_error_of_its_own_and_utc_where_that_is_allowed() {
        let local = "2026-01-31T12:00:00.5";
        assert_eq!(local.parse::<Timestamp>(), Err(InvalidTimestamp::NoOffset(local.to_owned())));
        assert_eq!(Timestamp::parse_or_utc(local).unwrap().to_string(), "2026-01-31T12:00:00.500Z");
        assert_eq!("tomorrow".parse::<Timestamp>(), Err(InvalidTimestamp::NotADateTime));
    }
}
