use proptest::prelude::*;

use super::token::{Kind, tokens};
use super::{Fault, Query, quoted};

fn query(text: &str) -> Query {
    Query::parse(text).unwrap()
}

/// What Jira reads, without the spaces: kinds of tokens, and words and values without quotes and escapes.
fn read(text: &str) -> Vec<(Kind, String)> {
    let tokens = tokens(text).unwrap();
    let tokens = tokens.iter().filter(|token| token.kind != Kind::Space);
    tokens.map(|token| (token.kind, unescaped(token.text, token.kind == Kind::Quoted))).collect()
}

fn unescaped(text: &str, quoted: bool) -> String {
    let inside = if quoted { &text[1..text.len() - 1] } else { text };
    let mut characters = inside.chars();
    let mut unescaped = String::new();
    while let Some(character) = characters.next() {
        // As Jira's grammar has it: quoted text holds none of these.
        assert!(!character.is_control() && !matches!(character, '\u{fdd0}'..='\u{fdef}' | '\u{fffe}' | '\u{ffff}'));
        unescaped.push(match character {
            '\\' => match characters.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let code: String = characters.by_ref().take(4).collect();
                    char::from_u32(u32::from_str_radix(&code, 16).unwrap()).unwrap()
                }
                character @ ('\\' | '"' | '\'' | ' ') => character,
                other => panic!("`\\{other}` is no escape"),
            },
            character => character,
        });
    }
    unescaped
}

#[test]
fn values_are_quoted() {
    assert_eq!(quoted("EX"), r#""EX""#);
    assert_eq!(quoted("a\"b'c\\d\ne\r\t\0ü\u{9f}\u{ffff}😀"), r#""a\"b\'c\\d\ne\r\t\u0000ü\u009f\uffff😀""#);
}

#[test]
fn the_key_replaces_the_placeholder() {
    for (text, expected) in [
        ("project = '{project}' AND type = Bug", "project = 'E\\'X' AND type = Bug"),
        ("project=\"{project}\"", "project=\"E\\'X\""),
        ("project = {project} OR text ~ 'in {project}'", "project = \"E\\'X\" OR text ~ 'in E\\'X'"),
        ("project in ({project},{project}) order by key", "project in (\"E\\'X\",\"E\\'X\") order by key"),
        ("key >= {project}-1", "key >= \"E\\'X-1\""),
        (
            "text ~ '{{project}} {{{project}}} {x} \\\\{project} \\{project}'",
            "text ~ '{project} {E\\'X} {x} \\\\E\\'X \\{project}'",
        ),
        ("ORDER BY {project}", "ORDER BY \"E\\'X\""),
        ("", ""),
    ] {
        assert_eq!(query(text).for_project("E'X"), expected, "{text}");
    }
}

#[test]
fn restrictions_stand_outside_of_the_condition_and_before_the_order() {
    for (text, condition, order) in [
        ("a = 1 OR b = 2", "(a = 1 OR b = 2) AND ", "ORDER BY key"),
        ("a = 1 oRdEr\n by created DESC ", "(a = 1) AND ", "oRdEr\n by created DESC, key"),
        ("a = ') ORDER BY b' ORDER BY c", "(a = ') ORDER BY b') AND ", "ORDER BY c, key"),
        ("a in (f(\"x\"), 'ORDER BY')", "(a in (f(\"x\"), 'ORDER BY')) AND ", "ORDER BY key"),
        ("reorder = by AND border = 1", "(reorder = by AND border = 1) AND ", "ORDER BY key"),
        ("order by a, issueKey DESC", "", "order by a, issueKey DESC"),
        ("order by a,b,c,d,e,f,g", "", "order by a,b,c,d,e,f,g"),
        (" ", "", "ORDER BY key"),
        (" a = b\\  order by c", "(a = b\\ ) AND ", "order by c, key"),
    ] {
        let query = query(text);
        assert_eq!(query.in_project("EX"), format!("{condition}project = \"EX\" {order}"), "{text}");
        assert_eq!(
            query.of_issues("EX", &["EX-1", "a\") OR (\"b"]),
            format!("{condition}project = \"EX\" AND key in (\"EX-1\", \"a\\\") OR (\\\"b\")"),
            "{text}"
        );
    }
}

#[test]
fn what_could_take_in_what_is_appended_is_refused() {
    for (text, fault, message) in [
        ("ü = 'x", Fault::UnclosedQuote { column: 5 }, "the quote at column 5 is not closed"),
        ("a = \"x\\\"", Fault::UnclosedQuote { column: 5 }, "the quote at column 5 is not closed"),
        ("a = 1) OR (b = 2", Fault::UnopenedParenthesis { column: 6 }, "the parenthesis at column 6 closes none"),
        ("a in (1, (2)", Fault::UnclosedParenthesis { column: 6 }, "the parenthesis at column 6 is not closed"),
        ("a = 1\\", Fault::TrailingBackslash, "the backslash at the end escapes nothing"),
        ("a = '\\", Fault::TrailingBackslash, "the backslash at the end escapes nothing"),
    ] {
        assert_eq!(Query::parse(text).unwrap_err(), fault, "{text}");
        assert_eq!(fault.to_string(), message);
    }
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\"'\\\\(){}a \n\u{0}=,]{0,12}",
        Just("{project}".to_owned()),
        Just("X\" OR \"\" = \"".to_owned())
    ]
}

proptest! {
    #[test]
    fn a_quoted_value_is_one_value(text in key()) {
        prop_assert_eq!(read(&quoted(&text)), [(Kind::Quoted, text)]);
    }

    #[test]
    fn whatever_the_key_the_rest_stays_as_it_is(
        key in key(),
        text in proptest::sample::select(vec![
            "project = '{project}' AND issuetype in standardIssueTypes()",
            "project=\"{project}\"and(text~'say \\'{project}\\' \\\\{project}')order by key",
            "(project = {project}) AND key != {project}-1 AND x\\ {project} = \"\" ORDER BY {project}, b DESC",
        ]),
    ) {
        let with = |key: &str| read(&query(text).for_project(key));
        let expected: Vec<_> =
            with("MARK").into_iter().map(|(kind, text)| (kind, text.replace("MARK", &key))).collect();
        prop_assert_eq!(with(&key), expected);
    }

    #[test]
    fn whatever_query_is_taken_the_restriction_holds(
        text in proptest::collection::vec(
            proptest::sample::select(vec![
                "{project}", "'", "\"", "\\", "(", ")", " ", "a", "ORDER BY", "order", " by", "{", "}", ",", "=", "\\'", "\n", "ü",
            ]),
            0..12,
        ),
        key in key(),
        id in key(),
    ) {
        let text = text.concat();
        let Ok(query) = Query::parse(&text) else { return Ok(()) };
        let restricted = query.of_issues(&key, &[&id]);
        let tokens = tokens(&restricted).unwrap();
        let texts: Vec<_> = tokens.iter().filter(|token| token.kind != Kind::Space).map(|token| token.text).collect();
        let (key, id) = (quoted(&key), quoted(&id));
        let restriction = ["project", "=", &key, "AND", "key", "in", "(", &id, ")"];
        let condition = texts.strip_suffix(&restriction).unwrap();
        if let Some(inside) = condition.strip_suffix(&[")", "AND"]).and_then(|rest| rest.strip_prefix(&["("])) {
            let mut depth = 0;
            for text in inside {
                depth += i32::from(*text == "(") - i32::from(*text == ")");
                prop_assert!(depth >= 0);
            }
            prop_assert_eq!(depth, 0);
        } else {
            prop_assert!(condition.is_empty());
        }
    }
}
