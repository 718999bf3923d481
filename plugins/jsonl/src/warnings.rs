//! Warnings about lines that are no defects.

use defect_plugin_api::model::{Protocol, ProtocolCode};

use crate::store::BrokenLine;

/// Warnings for the caller, bounded: a file that is not ours at all may have millions of lines.
#[derive(Default)]
pub(crate) struct Warnings {
    messages: Vec<String>,
    /// How many more there were.
    more: u64,
}

impl Warnings {
    /// Warnings that are kept.
    const MOST: usize = 1_000;

    /// Notes a line.
    pub(crate) fn push(&mut self, line: BrokenLine) {
        if self.messages.len() == Self::MOST {
            self.more += 1;
            return;
        }
        let BrokenLine { file, number, reason } = line;
        self.messages.push(format!(
            "malformed defect entry in JSONL file `{file}` at line {number}: {reason}; correct the line"
        ));
    }

    /// Notes that there are more lines.
    pub(crate) fn push_more(&mut self, lines: u64) {
        self.more += lines;
    }

    /// Hands the warnings to the protocol, and logs that there are some.
    pub(crate) fn add_to(self, protocol: &mut Protocol) {
        if let Some(first) = self.messages.first() {
            tracing::warn!(lines = self.messages.len() as u64 + self.more, "{first}");
        }
        let more = (self.more > 0).then(|| format!("{} more malformed defect entries are not listed", self.more));
        for message in self.messages.into_iter().chain(more) {
            protocol.add_general_warning(ProtocolCode::ImportWarning, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_thousand_warnings_one_says_how_many_more() {
        let mut warnings = Warnings::default();
        for number in 1..=1_234 {
            warnings.push(BrokenLine { file: "d.jsonl".to_owned(), number, reason: "it is not JSON".to_owned() });
        }
        let mut protocol = Protocol::default();
        warnings.add_to(&mut protocol);
        let messages: Vec<_> = protocol.general_warnings.iter().map(|entry| entry.message.as_str()).collect();
        assert_eq!(messages.len(), 1_001);
        assert!(messages[0].contains("`d.jsonl` at line 1: it is not JSON"));
        assert_eq!(messages[1_000], "234 more malformed defect entries are not listed");
    }
}
