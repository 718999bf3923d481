//! The defects that are served: always the same ones for a number, as our own store writes them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};

/// The only project.
pub(crate) const PROJECT: &str = "Bench";

const WORDS: [&str; 32] = [
    "basket", "button", "cannot", "customer", "delivery", "dialog", "during", "empty", "export", "field", "invoice",
    "login", "message", "missing", "network", "number", "order", "payment", "pressed", "printer", "report", "screen",
    "second", "server", "should", "ticket", "timeout", "twice", "update", "voucher", "window", "wrong",
];
const PEOPLE: [&str; 6] = ["ada", "jon", "lea", "mira", "noor", "tomasz"];
const STATUS: [&str; 4] = ["new", "in progress", "resolved", "closed"];
const PRIORITY: [&str; 4] = ["low", "medium", "high", "critical"];
const CLASSIFICATION: [&str; 3] = ["bug", "enhancement", "task"];
const COMPONENT: [&str; 5] = ["Basket", "Checkout", "Fares", "Hardware", "Printing"];

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below
    }

    fn pick<'a>(&mut self, among: &[&'a str]) -> &'a str {
        among[self.next(among.len())]
    }

    fn words(&mut self, text: &mut String, at_least: usize) {
        let begin = text.len();
        while text.len() - begin < at_least {
            if text.len() > begin {
                text.push(' ');
            }
            text.push_str(self.pick(&WORDS));
        }
    }
}

/// The defect of a number as the API takes it, without its id. `seed` tells versions of it apart.
pub(crate) fn defect(number: u64, seed: u64) -> String {
    let mut text = String::with_capacity(700);
    // Spread, because small seeds begin with small numbers.
    let mut numbers = Numbers((number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (seed << 32));
    let person = numbers.pick(&PEOPLE);
    text.push_str(r#"{"title":""#);
    numbers.words(&mut text, 40);
    text.push_str(r#"","description":""#);
    let length = 180 + numbers.next(60);
    numbers.words(&mut text, length);
    let (status, class) = (numbers.pick(&STATUS), numbers.pick(&CLASSIFICATION));
    let (priority, component) = (numbers.pick(&PRIORITY), numbers.pick(&COMPONENT));
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        r#"","reporter":"{person}","status":"{status}","classification":"{class}","priority":"{priority}","userDefinedFields":[{{"name":"Component","value":"{component}","mustField":false}}],"lastEdited":"2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+01:00","references":["https://wiki.example/defects/{number}"],"principal":{{"username":"{person}","password":""}}}}"#,
        1 + numbers.next(12),
        1 + numbers.next(28),
        numbers.next(24),
        numbers.next(60),
        numbers.next(60),
        1 + numbers.next(999_999),
    );
    text
}

/// Makes a folder of projects with so many defects in it, `BUG-1` and on, and gives the file's bytes.
pub(crate) fn make(folder: &Path, defects: u64) -> Result<u64> {
    let folder = folder.join(PROJECT);
    fs::create_dir_all(&folder)?;
    let path = folder.join("defects.jsonl");
    let file = File::create(&path).with_context(|| format!("`{}` cannot be made", path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    for number in 1..=defects {
        let defect = defect(number, 0);
        let open = defect.strip_suffix('}').unwrap_or(&defect);
        writeln!(out, r#"{open},"id":"BUG-{number}"}}"#)?;
    }
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    // Now, so that the disk is not busy with it while something is measured.
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_valid_json_with_every_key_and_always_the_same() {
        let value: serde_json::Value = serde_json::from_str(&defect(7, 0)).unwrap();
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(10));
        assert_eq!(value["principal"]["password"], "");
        assert_eq!(defect(7, 0), defect(7, 0));
        assert_ne!(defect(7, 0), defect(7, 1));
    }

    #[test]
    fn a_line_has_about_610_bytes() {
        let bytes: usize = (1..=1_000).map(|number| defect(number, 0).len() + r#","id":"BUG-100000""#.len() + 1).sum();
        assert!((590..630).contains(&(bytes / 1_000)), "{}", bytes / 1_000);
    }
}
