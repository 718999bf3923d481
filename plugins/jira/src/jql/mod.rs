//! Jira's query language: the operator's query with what a request says put into it as values, never as language.

#[cfg(test)]
mod tests;
mod token;

use token::{Kind, Token, tokens};

/// What stands for the project's key in a query.
const PLACEHOLDER: &str = "{project}";
/// Cloud takes no more in an `ORDER BY`.
const MOST_ORDER_FIELDS: usize = 7;

/// Why a query cannot be used. Columns count characters from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The rest of the query would be a value, and what is appended would not be one.
    #[error("the quote at column {column} is not closed")]
    UnclosedQuote { column: usize },
    #[error("the parenthesis at column {column} is not closed")]
    UnclosedParenthesis { column: usize },
    /// It would end the parentheses that the query is put into.
    #[error("the parenthesis at column {column} closes none")]
    UnopenedParenthesis { column: usize },
    #[error("the backslash at the end escapes nothing")]
    TrailingBackslash,
}

/// A query of the configuration, such as `project = '{project}' AND issuetype = Bug ORDER BY created`.
///
/// `{project}` may stand in quotes, in a longer text in quotes, or alone. As in Python's `str.format`, which this was
/// written for, `{{` and `}}` are single braces.
#[derive(Debug)]
pub(crate) struct Query {
    condition: Vec<Part>,
    /// From `ORDER BY` on.
    order: Vec<Part>,
}

/// A token without its place.
#[derive(Debug)]
struct Part {
    kind: Kind,
    text: String,
}

impl Query {
    /// Checks that nothing can be appended to the query that it would take for something else. Whether fields and
    /// operators are right is for Jira to say.
    ///
    /// # Errors
    /// The first fault from the left.
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let tokens = tokens(text)?;
        let mut open = Vec::new();
        let mut order = tokens.len();
        for (number, token) in tokens.iter().enumerate() {
            match token.text {
                "(" => open.push(token),
                ")" => {
                    open.pop().ok_or_else(|| Fault::UnopenedParenthesis { column: token.column(text) })?;
                }
                _ if open.is_empty() && order == tokens.len() && begins_order(&tokens[number..]) => order = number,
                _ => {}
            }
        }
        if let Some(token) = open.pop() {
            return Err(Fault::UnclosedParenthesis { column: token.column(text) });
        }
        let (condition, order) = tokens.split_at(order);
        Ok(Self { condition: parts(condition), order: parts(order) })
    }

    /// The query for a project, as it was written.
    #[cfg(test)]
    pub(crate) fn for_project(&self, key: &str) -> String {
        join([filled(&self.condition, key), filled(&self.order, key)])
    }

    /// The same, without issues of other projects whatever the query says, in an order that has a place for each
    /// issue: where several are equal, each page could have them in another one, and some would be on none.
    pub(crate) fn in_project(&self, key: &str) -> String {
        let mut order = filled(&self.order, key);
        if self.order.is_empty() {
            order = "ORDER BY key".to_owned();
        } else if !self.orders_by_key() && self.order_fields() < MOST_ORDER_FIELDS {
            order.push_str(", key");
        }
        join([self.restricted(key), order])
    }

    fn orders_by_key(&self) -> bool {
        let is_key = |part: &Part| ["key", "issuekey", "id", "issue"].contains(&part.text.to_lowercase().as_str());
        self.order.iter().any(is_key)
    }

    fn order_fields(&self) -> usize {
        1 + self.order.iter().filter(|part| part.text == ",").count()
    }

    /// Those of the issues that the query finds in the project, in no order. `ids` must not be empty.
    pub(crate) fn of_issues(&self, key: &str, ids: &[&str]) -> String {
        let ids: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
        format!("{} AND key in ({})", self.restricted(key), ids.join(", "))
    }

    fn restricted(&self, key: &str) -> String {
        let project = format!("project = {}", quoted(key));
        if self.condition.is_empty() {
            return project;
        }
        format!("({}) AND {project}", filled(&self.condition, key))
    }
}

/// A text as a value that nothing in it can end.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// For a value in quotes of either kind.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' | '"' | '\'' => escaped.extend(['\\', character]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            // These Jira refuses unless they are escaped. All are below U+10000.
            '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}' => escaped.push_str(&code(character)),
            _ if character.is_control() => escaped.push_str(&code(character)),
            _ => escaped.push(character),
        }
    }
    escaped
}

fn code(character: char) -> String {
    format!("\\u{:04x}", u32::from(character))
}

/// The tokens but for spaces at both ends.
fn parts(tokens: &[Token<'_>]) -> Vec<Part> {
    let is_space = |token: &Token<'_>| token.kind == Kind::Space;
    let start = tokens.iter().take_while(|token| is_space(token)).count();
    let end = tokens.iter().rposition(|token| !is_space(token)).map_or(start, |last| last + 1);
    tokens[start..end].iter().map(|token| Part { kind: token.kind, text: token.text.to_owned() }).collect()
}

/// The parts with the key in them. A word with the placeholder becomes a value in quotes.
fn filled(parts: &[Part], key: &str) -> String {
    let key = escaped(key);
    let parts = parts.iter().map(|part| {
        let (text, holds_key) = with_key(&part.text, &key);
        if holds_key && part.kind == Kind::Word { format!("\"{text}\"") } else { text }
    });
    parts.collect()
}

/// A token's text with the escaped key, and whether it was there. Escapes stay: they are the same in words and in quotes.
fn with_key(token: &str, key: &str) -> (String, bool) {
    let mut text = String::new();
    let mut holds_key = false;
    let mut rest = token;
    while let Some(character) = rest.chars().next() {
        let (written, length) = match character {
            '\\' => (None, 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
            '{' if rest.starts_with("{{") => (Some("{"), 2),
            '}' if rest.starts_with("}}") => (Some("}"), 2),
            '{' if rest.starts_with(PLACEHOLDER) => {
                holds_key = true;
                (Some(key), PLACEHOLDER.len())
            }
            _ => (None, character.len_utf8()),
        };
        text.push_str(written.unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    (text, holds_key)
}

/// `ORDER BY`, in any case.
fn begins_order(tokens: &[Token<'_>]) -> bool {
    let mut words = tokens.iter().filter(|token| token.kind != Kind::Space);
    ["order", "by"].iter().all(|expected| {
        words.next().is_some_and(|token| token.kind == Kind::Word && token.text.eq_ignore_ascii_case(expected))
    })
}

fn join(parts: [String; 2]) -> String {
    parts.join(" ").trim().to_owned()
}
