use super::Fault;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    /// A value with its quotes.
    Quoted,
    /// A field, a function, a keyword, or a value without quotes.
    Word,
    /// One character of operators and parentheses.
    Symbol,
}

#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Bytes before it.
    pub(super) at: usize,
}

impl Token<'_> {
    /// In `text`, which it is a token of.
    pub(super) fn column(&self, text: &str) -> usize {
        text[..self.at].chars().count() + 1
    }
}

/// Takes a query apart. The texts of its tokens together are the query.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Fault> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match first {
            '"' | '\'' => {
                let inside = unescaped_length(&rest[1..], |character| character == first)?;
                if rest.len() == 1 + inside {
                    return Err(Fault::UnclosedQuote { column: text[..at].chars().count() + 1 });
                }
                (Kind::Quoted, inside + 2)
            }
            _ if first.is_whitespace() => {
                (Kind::Space, rest.find(|character: char| !character.is_whitespace()).unwrap_or(rest.len()))
            }
            _ if is_symbol(first) => (Kind::Symbol, first.len_utf8()),
            _ => (Kind::Word, unescaped_length(rest, ends_word)?),
        };
        tokens.push(Token { kind, text: &rest[..length], at });
        at += length;
    }
    Ok(tokens)
}

/// How far it is to a character that ends the token and is not escaped.
fn unescaped_length(text: &str, ends: impl Fn(char) -> bool) -> Result<usize, Fault> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            characters.next().ok_or(Fault::TrailingBackslash)?;
        } else if ends(character) {
            return Ok(at);
        }
    }
    Ok(text.len())
}

fn ends_word(character: char) -> bool {
    character.is_whitespace() || matches!(character, '"' | '\'') || is_symbol(character)
}

fn is_symbol(character: char) -> bool {
    matches!(character, '(' | ')' | '[' | ']' | ',' | '=' | '!' | '<' | '>' | '~' | '|' | '&')
}
