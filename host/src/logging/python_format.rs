//! Log formats in the notation of Python's `logging` module: `%(asctime)s %(levelname)8s: %(message)s`.
//!
//! A format is parsed once, when the host starts. Python notices most mistakes only when it writes the
//! first line; here every format that parses can also be written.

use std::fmt::Write as _;

use super::escape::escape;
use super::record::{Field, Record, Value};

/// Wider fields are a typo, and would make every line that wide.
const MAX_WIDTH: usize = 999;

const RESET: &str = "\x1b[0m";

/// A parsed format.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PythonFormat {
    segments: Vec<Segment>,
    asctime: Asctime,
}

/// How `%(asctime)s` shows the local time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asctime {
    /// `22:13:20,123`, on the console.
    Time,
    /// `2023-11-14 22:13:20,123`, in the file.
    DateTime,
}

#[derive(Debug, Clone, PartialEq)]
enum Segment {
    Literal(String),
    Field(Field, Layout),
}

/// The part of a piece behind the name: `-8.3s`.
#[derive(Debug, Clone, PartialEq)]
struct Layout {
    left: bool,
    zero: bool,
    width: usize,
    precision: Option<usize>,
    conversion: Conversion,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Conversion {
    Text,
    Integer,
    Decimal,
}

/// Why a text is not a log format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{piece}` at character {position}: {fault}")]
pub struct FormatError {
    /// The part of the format that is at fault.
    pub piece: String,
    /// Where it starts, in characters from 1.
    pub position: usize,
    /// What is wrong with it.
    pub fault: FormatFault,
}

/// What can be wrong with one piece of a log format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatFault {
    /// The name is none of Python's.
    #[error("there is no such field; there are {}", field_names())]
    UnknownField,
    /// A `%` without a name.
    #[error("a `%` starts a field, `%(message)s`, or is doubled to stand for itself, `%%`")]
    NoName,
    /// The format ends before the field does.
    #[error("the field is not finished; `s` is missing, as in `%(message)s`")]
    Unfinished,
    /// Something else than flags, width, precision and conversion.
    #[error("`{0}` has no place here; a field ends with `s`, `d` or `f`, with a width such as `-8` before it")]
    Conversion(char),
    /// `d` or `f` for a text.
    #[error("the field is text and needs the conversion `s`")]
    TextAsNumber,
    /// An absurd width or precision.
    #[error("width and precision may be {MAX_WIDTH} at most")]
    TooWide,
    /// Every line would look the same.
    #[error("the format shows no field; it needs one, as in `%(message)s`")]
    NoField,
}

fn field_names() -> String {
    Field::ALL.map(|field| format!("`{}`", field.name())).join(", ")
}

/// Finds out whether a text is a log format.
///
/// # Errors
/// Which piece of it is wrong.
pub fn check_format(format: &str) -> Result<(), FormatError> {
    PythonFormat::parse(format, Asctime::Time).map(drop)
}

impl PythonFormat {
    /// Parses a format; the error says which piece of it is wrong.
    pub(super) fn parse(format: &str, asctime: Asctime) -> Result<Self, FormatError> {
        let mut segments = Vec::new();
        let mut literal = String::new();
        let mut rest = format;
        while let Some(percent) = rest.find('%') {
            literal.push_str(&rest[..percent]);
            rest = &rest[percent..];
            if let Some(behind) = rest.strip_prefix("%%") {
                literal.push('%');
                rest = behind;
                continue;
            }
            let mut cursor = Cursor { text: rest, at: 1 };
            let (field, layout) = cursor.field().map_err(|fault| FormatError {
                piece: rest[..cursor.at].to_owned(),
                position: format[..format.len() - rest.len()].chars().count() + 1,
                fault,
            })?;
            if !literal.is_empty() {
                segments.push(Segment::Literal(std::mem::take(&mut literal)));
            }
            segments.push(Segment::Field(field, layout));
            rest = &rest[cursor.at..];
        }
        literal.push_str(rest);
        if segments.is_empty() {
            return Err(FormatError { piece: format.to_owned(), position: 1, fault: FormatFault::NoField });
        }
        segments.push(Segment::Literal(literal));
        Ok(Self { segments, asctime })
    }

    /// Appends one line, newline included. Values are escaped: they cannot start a line of their own.
    pub(super) fn write(&self, record: &Record<'_>, colours: bool, line: &mut String) {
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => line.push_str(text),
                Segment::Field(field, layout) => {
                    let colour = record.level.colour().filter(|_| colours && *field == Field::LevelName);
                    line.push_str(colour.unwrap_or_default());
                    layout.write(field.value(record, self.asctime), line);
                    line.push_str(colour.map_or("", |_| RESET));
                }
            }
        }
        line.push('\n');
    }
}

/// Reads one piece; `at` is where it has got to, also when it fails.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn field(&mut self) -> Result<(Field, Layout), FormatFault> {
        if self.next() != Some('(') {
            return Err(FormatFault::NoName);
        }
        let Some(length) = self.text[self.at..].find(')') else {
            self.at = self.text.len();
            return Err(FormatFault::Unfinished);
        };
        let name = &self.text[self.at..self.at + length];
        self.at += length + 1;
        let field = Field::ALL.into_iter().find(|field| field.name() == name);

        let (mut left, mut zero) = (false, false);
        while let Some(flag @ ('-' | '0')) = self.peek() {
            left |= flag == '-';
            zero |= flag == '0';
            self.at += 1;
        }
        let width = self.number()?;
        let precision = match self.peek() {
            Some('.') => {
                self.at += 1;
                Some(self.number()?)
            }
            _ => None,
        };
        let conversion = match self.next() {
            Some('s') => Conversion::Text,
            Some('d' | 'i' | 'u') => Conversion::Integer,
            Some('f' | 'F') => Conversion::Decimal,
            Some(other) => return Err(FormatFault::Conversion(other)),
            None => return Err(FormatFault::Unfinished),
        };
        let field = field.ok_or(FormatFault::UnknownField)?;
        if conversion != Conversion::Text && !field.is_number() {
            return Err(FormatFault::TextAsNumber);
        }
        Ok((field, Layout { left, zero, width, precision, conversion }))
    }

    /// A row of digits; none count as 0, as in Python.
    fn number(&mut self) -> Result<usize, FormatFault> {
        let mut number = 0;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
            self.at += 1;
            number = number * 10 + digit as usize;
            if number > MAX_WIDTH {
                return Err(FormatFault::TooWide);
            }
        }
        Ok(number)
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }
}

impl Layout {
    fn write(&self, value: Value<'_>, line: &mut String) {
        let text = match self.conversion {
            Conversion::Text => {
                let text = escape(value.into_text());
                match self.precision {
                    Some(limit) => text.chars().take(limit).collect(),
                    None => text,
                }
            }
            Conversion::Integer => format!("{:0>1$}", value.integer(), self.precision.unwrap_or(0)).into(),
            Conversion::Decimal => format!("{:.1$}", value.decimal(), self.precision.unwrap_or(6)).into(),
        };
        // Writing into a String cannot fail.
        let _ = if self.left {
            write!(line, "{text:<0$}", self.width)
        } else if self.zero && self.conversion != Conversion::Text {
            write!(line, "{text:0>0$}", self.width)
        } else {
            write!(line, "{text:>0$}", self.width)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::sample;
    use super::*;
    use insta::assert_snapshot;
    use proptest::prelude::*;

    fn line(format: &str) -> String {
        let mut line = String::new();
        PythonFormat::parse(format, Asctime::DateTime).unwrap().write(&sample(), false, &mut line);
        line
    }

    fn error(format: &str) -> String {
        PythonFormat::parse(format, Asctime::Time).unwrap_err().to_string()
    }

    #[test]
    fn lines_look_as_python_writes_them() {
        // The left side was given to `logging.Formatter` of Python 3.11.7, the right side is what it wrote.
        for (format, expected) in [
            ("%(asctime)s %(levelname)8s: %(message)s", "2023-11-14 22:13:20,123  WARNING: hello\n"),
            ("%(levelname)-8.3s|", "WAR     |\n"),
            ("%(lineno)05d|%(lineno)8.3d|%(lineno)-5d|", "00042|     042|42   |\n"),
            ("%(lineno)s|%(lineno).1s|%(lineno)-05d|%(lineno).d", "42|4|42   |42\n"),
            ("%(msecs)03d|%(msecs).2f|%(msecs)s|%(msecs)-10.1f|", "123|123.00|123.0|123.0     |\n"),
            ("%(lineno)8.3f|%(lineno).0f|%(message).s|", "  42.000|42||\n"),
            ("%(message)08s|%(levelno)010.2f", "   hello|0000030.00\n"),
            ("100%% %(message)s", "100% hello\n"),
            ("%(filename)s %(module)s %(pathname)s", "b.py b /a/b.py\n"),
        ] {
            assert_eq!(line(format), expected, "{format}");
        }
    }

    #[test]
    fn the_console_shows_the_time_without_the_date() {
        let mut line = String::new();
        PythonFormat::parse("%(asctime)s", Asctime::Time).unwrap().write(&sample(), false, &mut line);
        assert_eq!(line, "22:13:20,123\n");
    }

    #[test]
    fn every_field_can_be_shown() {
        for field in Field::ALL {
            let line = line(&format!("[%({})s]", field.name()));
            assert!(line.len() > "[]\n".len(), "{field:?}: {line:?}");
        }
        assert_eq!(line("%(funcName)s"), "(unknown function)\n");
        assert_eq!(line("%(processName)s"), "MainProcess\n");
    }

    #[test]
    fn only_the_level_is_coloured_and_padding_stays_right() {
        let format = PythonFormat::parse("%(levelname)8s: %(message)s", Asctime::Time).unwrap();
        let mut line = String::new();
        format.write(&sample(), true, &mut line);
        assert_eq!(line, "\u{1b}[33m WARNING\u{1b}[0m: hello\n");
    }

    #[test]
    fn a_value_cannot_start_a_new_line() {
        let mut line = String::new();
        let record = Record { message: "a\r\nERROR: b\u{1b}[2J", ..sample() };
        PythonFormat::parse("%(message)s", Asctime::Time).unwrap().write(&record, false, &mut line);
        assert_eq!(line, "a\\r\\nERROR: b\\u{1b}[2J\n");
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        assert_snapshot!(error("ä %(nope)5s %(message)s"), @"`%(nope)5s` at character 3: there is no such field; there are `asctime`, `levelname`, `levelno`, `name`, `message`, `process`, `processName`, `thread`, `threadName`, `module`, `filename`, `pathname`, `lineno`, `funcName`, `created`, `msecs`, `relativeCreated`");
        assert_snapshot!(error("%s %(message)s"), @"`%s` at character 1: a `%` starts a field, `%(message)s`, or is doubled to stand for itself, `%%`");
        assert_snapshot!(error("%(message)s %"), @"`%` at character 13: a `%` starts a field, `%(message)s`, or is doubled to stand for itself, `%%`");
        assert_snapshot!(error("%(message"), @"`%(message` at character 1: the field is not finished; `s` is missing, as in `%(message)s`");
        assert_snapshot!(error("%(message)"), @"`%(message)` at character 1: the field is not finished; `s` is missing, as in `%(message)s`");
        assert_snapshot!(error("%(message)q"), @"`%(message)q` at character 1: `q` has no place here; a field ends with `s`, `d` or `f`, with a width such as `-8` before it");
        assert_snapshot!(error("%(message)*s"), @"`%(message)*` at character 1: `*` has no place here; a field ends with `s`, `d` or `f`, with a width such as `-8` before it");
        assert_snapshot!(error("%(name)d"), @"`%(name)d` at character 1: the field is text and needs the conversion `s`");
        assert_snapshot!(error("%(name)1000000000000000000000s"), @"`%(name)1000` at character 1: width and precision may be 999 at most");
        assert_snapshot!(error("100%%"), @"`100%%` at character 1: the format shows no field; it needs one, as in `%(message)s`");
    }

    proptest! {
        #[test]
        fn no_format_panics(format in r"(%\(|\)|%|name|lineno|[-0-9.]|[sdfxä ]){0,12}") {
            if let Ok(format) = PythonFormat::parse(&format, Asctime::Time) {
                format.write(&sample(), true, &mut String::new());
            }
        }

        #[test]
        fn one_event_is_one_line(message: String, name: String) {
            let record = Record { message: &message, name: &name, ..sample() };
            let mut line = String::new();
            PythonFormat::parse("%(name)9s %(message)s", Asctime::Time).unwrap().write(&record, false, &mut line);
            prop_assert_eq!(line.chars().filter(|character| character.is_control()).count(), 1);
            prop_assert!(line.ends_with('\n'));
        }
    }
}
