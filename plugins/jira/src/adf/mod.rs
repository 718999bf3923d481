//! The Atlassian Document Format, which rich text has in Jira Cloud's REST v3, and plain text.
//!
//! Text that goes to Jira and back is the same but for this, its normal form:
//!
//! - line ends are `\n`;
//! - there are no line ends at the start and at the end;
//! - in a list, bullets are `- ` and a nested item stands below the text of the item that it belongs to.
//!
//! Everything else stays as it is, spaces at line ends, blank lines and control characters too. That is why a list or
//! a fenced code block is only taken for one when there is a blank line, or nothing, before and after it: the format
//! has no place for "and no blank line between".
//!
//! A document that others wrote may hold more than text can say. [`same_meaning`] tells whether a text is still what
//! [`to_text()`] made of it, so that what nobody changed is not written back without it.

mod fence;
mod from_text;
mod inline;
mod link;
mod list;
mod node;
#[cfg(test)]
mod tests;
mod to_text;

use serde_json::Value;

pub(crate) use from_text::from_text;
pub(crate) use to_text::to_text;

/// Whether `text` says what `document` says, for a tester who was shown the document as text.
///
/// Spaces at line ends and the number of blank lines do not count, since tools change them.
pub(crate) fn same_meaning(document: &Value, text: &str) -> bool {
    let shown = to_text(document);
    without_layout(&shown).eq(without_layout(text))
        || without_layout(&shown).eq(without_layout(&to_text(&from_text(text))))
}

/// The lines that hold something, and an empty one for each run of blank ones between them.
fn without_layout(text: &str) -> impl Iterator<Item = &str> {
    let mut blank = false;
    let mut started = false;
    text.split(['\n', '\r'])
        .map(str::trim_end)
        .flat_map(move |line| {
            if line.is_empty() {
                blank = true;
                return [None, None];
            }
            let gap = (blank && started).then_some("");
            (blank, started) = (false, true);
            [gap, Some(line)]
        })
        .flatten()
}
