//! Finds the secrets in a TOML text that does not parse, where keys and values are not known.

use std::ops::Range;

use super::secret::is_secret_key;

/// How a secret goes on after its line, as far as a text that does not parse can tell.
enum Rest {
    /// It does not.
    Ended,
    /// Until a line that begins a new key or table.
    NextKey,
    /// Until this closing quote.
    Quote(&'static str),
    /// Until so many brackets are closed.
    Brackets(i32),
}

/// The secrets in a TOML text with syntax errors: rather too much of it than too little.
///
/// Goes by the names of the keys alone: which others are secret only a schema knows, and with it
/// comes a plugin that is not loaded before its configuration parses.
pub(super) fn guessed_secrets(text: &str) -> Vec<Range<usize>> {
    let mut secrets = vec![];
    let mut rest = Rest::Ended;
    let mut in_secret_table = false;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let goes_on = match rest {
            Rest::Ended => false,
            Rest::NextKey => !begins_key_or_table(content),
            Rest::Quote(_) | Rest::Brackets(_) => true,
        };
        let secret_from = if goes_on {
            rest = match rest {
                Rest::Quote(quote) if content.contains(quote) => Rest::NextKey,
                Rest::Brackets(open) if open + opened(content) <= 0 => Rest::NextKey,
                Rest::Brackets(open) => Rest::Brackets(open + opened(content)),
                unchanged => unchanged,
            };
            Some(0)
        } else {
            let header = content.trim_start().starts_with('[') && !content.contains('=');
            let named = after_secret_key(content);
            if header {
                in_secret_table = named.is_some();
            }
            let within = (in_secret_table && !header).then(|| value_start(content));
            let from = named.filter(|_| !header).or(within);
            rest = from.map_or(Rest::Ended, |from| rest_of(&content[from..]));
            from
        };
        if let Some(from) = secret_from
            && from < content.len()
        {
            secrets.push(start + from..start + content.len());
        }
        start += line.len();
    }
    secrets
}

/// What stands behind the names of secrets in comments, such as a key that was commented out. `written` are the keys
/// and values: a `#` in them begins no comment.
pub(super) fn secrets_in_comments(text: &str, written: &[&Range<usize>]) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut secrets = vec![];
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let mut marks = content.match_indices('#').map(|(at, _)| at);
        let comment = marks.find(|at| !written.iter().any(|span| span.contains(&(start + at))));
        if let Some(at) = comment
            && content[at..].contains(['=', ':'])
            && let Some(from) = after_secret_key(&content[at..]).filter(|from| at + from < content.len())
        {
            secrets.push(start + at + from..start + content.len());
        }
        start += line.len();
    }
    secrets
}

/// Where the value of the first key on the line that names a secret begins.
fn after_secret_key(line: &str) -> Option<usize> {
    let in_key = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut start = 0;
    for word in line.split_inclusive(|c| !in_key(c)) {
        let name = word.trim_end_matches(|c| !in_key(c));
        if is_secret_key(name) {
            let rest = line[start + name.len()..].trim_start_matches(|c| in_key(c) || c == '.');
            // The key's own closing quote, not the value's opening one.
            let unquoted = rest.strip_prefix(['"', '\'']).map(str::trim_start);
            let rest = unquoted.filter(|rest| rest.starts_with(['=', ':'])).unwrap_or(rest);
            let rest = rest.trim_start();
            let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
            return Some(line.len() - value.len());
        }
        start += word.len();
    }
    None
}

/// Where the value on a line begins, or the line if there is no key.
fn value_start(line: &str) -> usize {
    let value = line.split_once('=').map_or(line, |(_, value)| value);
    line.len() - value.trim_start().len()
}

fn rest_of(value: &str) -> Rest {
    let value = value.trim();
    for quote in ["\"\"\"", "'''"] {
        if let Some(body) = value.strip_prefix(quote) {
            return if body.contains(quote) { Rest::Ended } else { Rest::Quote(quote) };
        }
    }
    if value.starts_with(['[', '{']) {
        return match opened(value) {
            open if open > 0 => Rest::Brackets(open),
            _ if value.ends_with([']', '}']) => Rest::Ended,
            _ => Rest::NextKey,
        };
    }
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let ended = match quote {
        Some(quote) => value.len() > 1 && value.ends_with(quote),
        None => !value.is_empty(),
    };
    if ended { Rest::Ended } else { Rest::NextKey }
}

fn opened(line: &str) -> i32 {
    line.chars().fold(0, |open, c| match c {
        '[' | '{' => open + 1,
        ']' | '}' => open - 1,
        _ => open,
    })
}

fn begins_key_or_table(line: &str) -> bool {
    let line = line.trim();
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if let Some(header) = line.strip_prefix('[') {
        let name = header.trim_matches(['[', ']']);
        return header.ends_with(']') && !name.is_empty() && name.chars().all(bare);
    }
    // Without the spaces it may as well be base64.
    line.split_once(" = ").is_some_and(|(key, _)| !key.is_empty() && key.chars().all(bare))
}
