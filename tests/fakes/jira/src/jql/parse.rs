//! Text -> query, with Jira's words about what is wrong.

use super::{Clause, Operand, Operator, Order, Query};

/// Words that have to be quoted, of Jira's list.
const RESERVED: [&str; 36] = [
    "abort", "access", "add", "after", "alias", "all", "alter", "and", "any", "as", "asc", "audit", "before", "begin",
    "between", "boolean", "by", "char", "date", "default", "delete", "desc", "distinct", "else", "empty", "end",
    "group", "in", "is", "limit", "not", "null", "or", "order", "select", "where",
];

/// Characters that have to be quoted.
const SPECIAL: &str = "+;?|*/%^$#@[]{}`";

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
}

/// # Errors
///
/// Jira's words, `Error in the JQL Query: …`.
pub(crate) fn parse(text: &str) -> Result<Query, String> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    let restriction = if parser.at_end() || parser.is_word("order") { None } else { Some(parser.or()?) };
    let order = parser.order()?;
    match parser.next() {
        None => Ok(Query { restriction, order }),
        Some((token, at)) => Err(wrong(&format!("Expecting either 'OR' or 'AND' but got '{}'.", word(&token)), at)),
    }
}

fn wrong(what: &str, at: usize) -> String {
    format!("Error in the JQL Query: {what} (line 1, character {})", at + 1)
}

fn word(token: &Token) -> &str {
    match token {
        Token::Word(text) | Token::Quoted(text) => text,
        Token::Symbol(text) => text,
    }
}

fn tokens(text: &str) -> Result<Vec<(Token, usize)>, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let character = characters[at];
        if character.is_whitespace() {
            at += 1;
            continue;
        }
        if let Some(symbol) = symbol(&characters[at..]) {
            at += symbol.len();
            tokens.push((Token::Symbol(symbol), start));
        } else if character == '"' || character == '\'' {
            let (quoted, end) = quoted(&characters, at)?;
            at = end;
            tokens.push((Token::Quoted(quoted), start));
        } else if SPECIAL.contains(character) {
            return Err(wrong(
                &format!(
                    "The character '{character}' is a reserved JQL character. You must enclose it in a string or use the escape '\\u{:04x}' instead.",
                    character as u32
                ),
                at,
            ));
        } else {
            let ends = |character: char| {
                character.is_whitespace() || "()=!<>~,&|\"'".contains(character) || SPECIAL.contains(character)
            };
            let mut word = String::new();
            // `cf[10001]` and `issue.property[key]` are words.
            let mut brackets = false;
            while at < characters.len() && (brackets || characters[at] == '[' || !ends(characters[at])) {
                brackets = (brackets || characters[at] == '[') && characters[at] != ']';
                word.push(characters[at]);
                at += 1;
                if characters.get(at) == Some(&']') && brackets {
                    word.push(']');
                    at += 1;
                    brackets = false;
                }
            }
            tokens.push((Token::Word(word), start));
        }
    }
    Ok(tokens)
}

fn symbol(rest: &[char]) -> Option<&'static str> {
    let all = ["!=", "!~", "<=", ">=", "&&", "||", "=", "<", ">", "~", "(", ")", ",", "!"];
    all.into_iter().find(|symbol| symbol.chars().eq(rest.iter().copied().take(symbol.len())))
}

fn quoted(characters: &[char], start: usize) -> Result<(String, usize), String> {
    let quote = characters[start];
    let mut text = String::new();
    let mut at = start + 1;
    while let Some(&character) = characters.get(at) {
        at += 1;
        if character == quote {
            return Ok((text, at));
        }
        if character != '\\' {
            text.push(character);
            continue;
        }
        let escape = characters.get(at).copied();
        at += 1;
        match escape {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some(same @ ('"' | '\'' | '\\' | ' ')) => text.push(same),
            Some('u') => {
                let digits: String = characters.iter().skip(at).take(4).collect();
                let decoded =
                    u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4).and_then(char::from_u32);
                text.push(decoded.ok_or_else(|| illegal(&format!("\\u{digits}"), at))?);
                at += 4;
            }
            other => return Err(illegal(&format!("\\{}", other.unwrap_or_default()), at)),
        }
    }
    Err(wrong(&format!("The quoted string '{text}' has not been completed."), start))
}

fn illegal(escape: &str, at: usize) -> String {
    wrong(&format!("'{escape}' is an illegal JQL escape sequence."), at)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
}

impl Parser {
    fn next(&mut self) -> Option<(Token, usize)> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    fn is_word(&self, expected: &str) -> bool {
        matches!(self.tokens.get(self.at), Some((Token::Word(word), _)) if word.eq_ignore_ascii_case(expected))
    }

    fn take_word(&mut self, expected: &str) -> bool {
        let found = self.is_word(expected);
        self.at += usize::from(found);
        found
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some((Token::Symbol(found), _)) if *found == symbol);
        self.at += usize::from(found);
        found
    }

    fn fail<T>(&self, expected: &str) -> Result<T, String> {
        match self.tokens.get(self.at) {
            Some((token, at)) => Err(wrong(&format!("Expecting {expected} but got '{}'.", word(token)), *at)),
            None => Err(format!("Error in the JQL Query: Expecting {expected} before the end of the query.")),
        }
    }

    fn or(&mut self) -> Result<Clause, String> {
        let mut clauses = vec![self.and()?];
        while self.take_word("or") || self.take("||") {
            clauses.push(self.and()?);
        }
        Ok(if clauses.len() == 1 { clauses.remove(0) } else { Clause::Or(clauses) })
    }

    fn and(&mut self) -> Result<Clause, String> {
        let mut clauses = vec![self.not()?];
        while self.take_word("and") || self.take("&&") {
            clauses.push(self.not()?);
        }
        Ok(if clauses.len() == 1 { clauses.remove(0) } else { Clause::And(clauses) })
    }

    fn not(&mut self) -> Result<Clause, String> {
        if self.take_word("not") || self.take("!") {
            return Ok(Clause::Not(Box::new(self.not()?)));
        }
        if self.take("(") {
            let inner = self.or()?;
            return if self.take(")") { Ok(inner) } else { self.fail("')'") };
        }
        self.terminal()
    }

    fn terminal(&mut self) -> Result<Clause, String> {
        let field = self.name("a field name")?;
        let operator = self.operator()?;
        let operand = match operator {
            Operator::In | Operator::NotIn => self.list()?,
            _ => self.operand()?,
        };
        if matches!(operator, Operator::Is | Operator::IsNot) && operand != Operand::Empty {
            return Err(format!(
                "Error in the JQL Query: The operator 'is' takes EMPTY or NULL only, for field '{field}'."
            ));
        }
        Ok(Clause::Terminal { field, operator, operand })
    }

    /// A field or a value: quoted, or a word that is not reserved.
    fn name(&mut self, expected: &str) -> Result<String, String> {
        match self.tokens.get(self.at) {
            Some((Token::Word(word), at)) if RESERVED.contains(&word.to_ascii_lowercase().as_str()) => Err(wrong(
                &format!(
                    "'{word}' is a reserved JQL word. You must surround it in quotation marks to use it in a query."
                ),
                *at,
            )),
            Some((Token::Word(text) | Token::Quoted(text), _)) => {
                self.at += 1;
                Ok(text.clone())
            }
            _ => self.fail(expected),
        }
    }

    fn operator(&mut self) -> Result<Operator, String> {
        for (symbol, operator) in [
            ("=", Operator::Equals),
            ("!=", Operator::Differs),
            ("~", Operator::Contains),
            ("!~", Operator::Lacks),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ] {
            if self.take(symbol) {
                return Ok(operator);
            }
        }
        if self.take_word("in") {
            return Ok(Operator::In);
        }
        if self.take_word("is") {
            return Ok(if self.take_word("not") { Operator::IsNot } else { Operator::Is });
        }
        if self.take_word("not") {
            return if self.take_word("in") { Ok(Operator::NotIn) } else { self.fail("'IN'") };
        }
        self.fail("operator")
    }

    fn list(&mut self) -> Result<Operand, String> {
        if !self.take("(") {
            // `issuetype in standardIssueTypes()`.
            let operand = self.operand()?;
            return if matches!(operand, Operand::Function(_)) { Ok(operand) } else { self.fail("'('") };
        }
        let mut items = vec![self.operand()?];
        while self.take(",") {
            items.push(self.operand()?);
        }
        if self.take(")") { Ok(Operand::List(items)) } else { self.fail("')' or ','") }
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if self.take_word("empty") || self.take_word("null") {
            return Ok(Operand::Empty);
        }
        let is_word = matches!(self.tokens.get(self.at), Some((Token::Word(_), _)));
        let name = self.name("either a value, list or function")?;
        if !is_word || !self.take("(") {
            return Ok(Operand::Value(name));
        }
        if self.take(")") { Ok(Operand::Function(name)) } else { self.fail("')'") }
    }

    fn order(&mut self) -> Result<Vec<Order>, String> {
        let mut order = Vec::new();
        if !self.take_word("order") {
            return Ok(order);
        }
        if !self.take_word("by") {
            return self.fail("'by'");
        }
        loop {
            let field = self.name("a field name")?;
            let descending = self.take_word("desc") || {
                self.take_word("asc");
                false
            };
            order.push(Order { field, descending });
            if !self.take(",") {
                return Ok(order);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(field: &str, operator: Operator, value: &str) -> Clause {
        Clause::Terminal { field: field.into(), operator, operand: Operand::Value(value.into()) }
    }

    #[test]
    fn and_binds_closer_than_or() {
        let query = parse(r#"a = 1 OR b = "x y" AND NOT c != 'z' ORDER BY key DESC, created"#).unwrap();
        let not = Clause::Not(Box::new(value("c", Operator::Differs, "z")));
        let and = Clause::And(vec![value("b", Operator::Equals, "x y"), not]);
        assert_eq!(query.restriction, Some(Clause::Or(vec![value("a", Operator::Equals, "1"), and])));
        assert_eq!(query.order.iter().map(|order| order.descending).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn quotes_hold_everything_that_is_escaped() {
        let query = parse(r#"project = "A\" OR project = \"B\\" "#).unwrap();
        assert_eq!(query.restriction, Some(value("project", Operator::Equals, r#"A" OR project = "B\"#)));
    }

    #[test]
    fn order_alone_is_a_query_without_restriction() {
        assert_eq!(parse("order by key").unwrap().restriction, None);
        assert_eq!(parse(" ").unwrap().restriction, None);
    }

    #[test]
    fn what_is_no_jql_is_refused() {
        for text in [
            "project",
            "project =",
            "project = A B",
            "project = AND",
            "key in (A-1",
            "key in A-1",
            "project = 'A",
            "a = 1 or",
            "project = a@b",
            r"summary ~ '\q'",
            "order key",
            "date = 1",
            "a is 5",
            "= 5",
        ] {
            let said = parse(text).unwrap_err();
            assert!(said.starts_with("Error in the JQL Query: "), "{text}: {said}");
        }
    }
}
