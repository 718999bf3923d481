use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{from_text, same_meaning, to_text};

/// The kept part of Atlassian's schema, see `tests-data/adf/README.md`; `cargo xtask check` names the file of the whole
/// one in ADF_SCHEMA, where it can be had.
static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let kept = || include_str!("../../tests-data/adf/schema.json").to_owned();
    let schema = std::env::var_os("ADF_SCHEMA").map_or_else(kept, |path| std::fs::read_to_string(path).unwrap());
    jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap()
});

#[track_caller]
fn assert_valid(document: &Value) {
    if let Err(error) = SCHEMA.validate(document) {
        panic!("{error} at {} of {document}", error.instance_path());
    }
}

fn there_and_back(text: &str) -> String {
    let document = from_text(text);
    assert_valid(&document);
    to_text(&document)
}

/// The content of a document that `text` becomes, which is in the normal form.
#[track_caller]
fn content_of(text: &str) -> Value {
    assert_eq!(there_and_back(text), text);
    from_text(text)["content"].take()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn link(text: &str, href: &str) -> Value {
    json!({"type": "text", "text": text, "marks": [{"type": "link", "attrs": {"href": href}}]})
}

fn paragraph(content: Value) -> Value {
    json!({"type": "paragraph", "content": content})
}

fn hard_break() -> Value {
    json!({"type": "hardBreak"})
}

fn item(content: Value) -> Value {
    json!({"type": "listItem", "content": content})
}

fn document(content: Value) -> Value {
    json!({"version": 1, "type": "doc", "content": content})
}

#[test]
fn the_schema_refuses_what_atlassians_does() {
    for (wrong, valid) in [
        (json!({"type": "doc", "content": []}), false),
        (document(json!([])), true),
        (document(json!([text("bare")])), false),
        (document(json!([paragraph(json!([text("")]))])), false),
        (document(json!([{"type": "bulletList", "content": []}])), false),
        (document(json!([{"type": "bulletList", "content": [item(json!([text("bare")]))]}])), false),
        (document(json!([{"type": "codeBlock", "content": [hard_break()]}])), false),
    ] {
        assert_eq!(SCHEMA.is_valid(&wrong), valid, "{wrong}");
    }
}

#[test]
fn no_text_is_an_empty_document() {
    assert_eq!(from_text(""), document(json!([])));
    assert_eq!(from_text("\r\n\n"), document(json!([])));
    assert_eq!(to_text(&Value::Null), "");
}

#[test]
fn blank_lines_separate_paragraphs_and_line_ends_are_line_breaks() {
    assert_eq!(
        content_of("one\ntwo\n\nthree"),
        json!([paragraph(json!([text("one"), hard_break(), text("two")])), paragraph(json!([text("three")]))])
    );
}

#[test]
fn more_blank_lines_stay_as_many() {
    for count in 1..8 {
        for (before, after) in [("a", "b"), ("- a", "b"), ("a", "- b"), ("- a", "- b"), ("```\nc\n```", "```\nd\n```")]
        {
            content_of(&format!("{before}{}{after}", "\n".repeat(count)));
        }
    }
    assert_eq!(content_of("a\n\n\n\n- b")[1], json!({"type": "paragraph"}));
    assert_eq!(content_of("a\n\n\n- b")[1]["type"], "bulletList");
}

#[test]
fn lists_nest() {
    let nested = json!({"type": "orderedList", "content": [item(json!([paragraph(json!([text("b")]))]))]});
    let expected = json!([{"type": "bulletList", "content": [
        item(json!([paragraph(json!([text("a"), hard_break(), text("more")])), nested])),
        item(json!([{"type": "paragraph"}])),
        item(json!([paragraph(json!([text("- c")]))])),
    ]}]);
    assert_eq!(content_of("- a\n  more\n  1. b\n- \n- - c"), expected);
    assert_eq!(from_text("* a\n  more\n    1. b\n* \n* - c"), document(expected));
    assert_eq!(
        content_of("9. i\n10. j")[0]["attrs"],
        json!({"order": 9}),
        "a list goes on where another one, before a paragraph, ended"
    );
}

#[test]
fn what_only_looks_like_a_list_is_text() {
    for text in [
        "text\n- a",
        "- a\ntext",
        "-a",
        "-",
        "1.a",
        "1) a",
        "01. a",
        "+1. a",
        "1. a\n1. b",
        "1. a\n3. b",
        "- a\n* b",
        "- a\n1. b",
        "- a\n    - b\n  - c",
        " - a",
        "\t- a",
        "- a\n\t- b",
        "99999999999. a",
        "4294967295. a\n4294967296. b",
        "- a\n é",
        "- 1\n  - 2\n    - 3\n      - 4\n        - 5\n          - 6\n            - 7",
        "--- a",
        "٣. a",
    ] {
        assert_eq!(content_of(text)[0]["type"], "paragraph", "{text}");
    }
}

#[test]
fn fenced_code_keeps_its_language_and_its_blank_lines() {
    assert_eq!(
        content_of("a\n\n```rust\nfn f() {}\n\n- x http://h\n```\n\nb")[1],
        json!({"type": "codeBlock", "attrs": {"language": "rust"}, "content": [text("fn f() {}\n\n- x http://h")]})
    );
    assert_eq!(content_of("```\n```")[0], json!({"type": "codeBlock"}));
    assert_eq!(
        content_of("````\n```\nx\n```\n````")[0],
        json!({"type": "codeBlock", "content": [text("```\nx\n```")]})
    );
}

#[test]
fn what_only_looks_like_code_is_text() {
    for text in [
        "```",
        "```\na",
        "a\n```\nb\n```",
        "```\na\n```\nb",
        "````\na\n````",
        "```two words\na\n```",
        "```\n\n```",
        "``` \na\n```",
    ] {
        assert_eq!(content_of(text)[0]["type"], "paragraph", "{text}");
    }
}

#[test]
fn addresses_are_links_without_the_punctuation_around_them() {
    for (line, addresses) in [
        ("see https://a.example/x?y=1#z.", vec!["https://a.example/x?y=1#z"]),
        ("(http://a.example/b_(c)), http://d.example", vec!["http://a.example/b_(c)", "http://d.example"]),
        ("<https://ü.example/ä>", vec!["https://ü.example/ä"]),
        ("xhttp://a http:// http://. ftp://a https//a", vec![]),
        ("- http://a/)))", vec!["http://a/"]),
    ] {
        let mut found = Vec::new();
        collect_links(&content_of(line), &mut found);
        assert_eq!(found, addresses, "{line}");
    }
}

fn collect_links(node: &Value, found: &mut Vec<String>) {
    match node {
        Value::Array(nodes) => nodes.iter().for_each(|node| collect_links(node, found)),
        node if node["marks"].is_array() => {
            assert_eq!(node["text"], node["marks"][0]["attrs"]["href"]);
            found.push(node["text"].as_str().unwrap().to_owned());
        }
        Value::Null => {}
        node => collect_links(&node["content"], found),
    }
}

#[test]
fn nothing_becomes_a_mention() {
    assert_eq!(content_of("@jo [~jo] @[5b10a]"), json!([paragraph(json!([text("@jo [~jo] @[5b10a]")]))]));
}

#[test]
fn documents_of_others_are_readable() {
    let inline = json!([
        text("See "),
        {"type": "text", "text": "the ", "marks": [{"type": "strong"}, {"type": "link", "attrs": {"href": "http://l"}}]},
        link("page", "http://l"),
        text(" or "), link("b.example", "https://b.example/"),
        text(" or "), link("me@b.example", "mailto:me@b.example"),
        text(", "), {"type": "mention", "attrs": {"id": "7", "text": "@Jo"}},
        text(" "), {"type": "mention", "attrs": {"id": "7"}},
        text(" "), {"type": "emoji", "attrs": {"shortName": ":x:", "text": "❌"}},
        {"type": "emoji", "attrs": {"shortName": ":y:"}},
        text(" "), {"type": "inlineCard", "attrs": {"url": "http://c"}},
        text(" "), {"type": "date", "attrs": {"timestamp": "1706659200000"}},
        text(" "), {"type": "date", "attrs": {"timestamp": "soon"}},
        text(" "), {"type": "status", "attrs": {"text": "OPEN", "color": "red"}},
        text(" "), {"type": "novelty", "content": [text("new "), {"type": "newer", "content": [text("things")]}]},
    ]);
    let cell = |kind: &str, lines: Value| json!({"type": kind, "content": [paragraph(lines)]});
    let document = document(json!([
        {"type": "heading", "attrs": {"level": 1}, "content": [text("Title")]},
        paragraph(inline),
        {"type": "rule"},
        {"type": "table", "content": [
            {"type": "tableRow", "content": [cell("tableHeader", json!([text("a")])), cell("tableHeader", json!([text("b")]))]},
            {"type": "tableRow", "content": [cell("tableCell", json!([text("1"), hard_break(), text("2")])), cell("tableCell", json!([]))]},
        ]},
        {"type": "panel", "attrs": {"panelType": "info"}, "content": [paragraph(json!([text("p")])), paragraph(json!([text("q")]))]},
        {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "1", "type": "file", "collection": "", "alt": "shot.png"}}]},
        {"type": "mediaSingle", "content": [{"type": "media", "attrs": {"id": "1", "type": "file", "collection": ""}}]},
        {"type": "expand", "attrs": {"title": "More"}, "content": [paragraph(json!([text("inside")]))]},
        {"type": "taskList", "attrs": {"localId": ""}, "content": [
            {"type": "taskItem", "attrs": {"localId": "", "state": "DONE"}, "content": [text("did")]},
            {"type": "taskItem", "attrs": {"localId": "", "state": "TODO"}, "content": [text("do")]},
            {"type": "taskList", "attrs": {"localId": ""}, "content": [
                {"type": "taskItem", "attrs": {"localId": "", "state": "TODO"}, "content": [text("deep")]},
            ]},
        ]},
        {"type": "orderedList", "attrs": {"order": 10}, "content": [
            item(json!([paragraph(json!([text("x")])), {"type": "codeBlock", "content": [text("y\nz")]}])),
        ]},
        {"type": "extension", "attrs": {"extensionType": "e", "extensionKey": "k", "text": "an app"}},
        {"type": "future", "content": [text("loose "), text("text"), paragraph(json!([text("and a block")]))]},
        {"type": "nothing"},
        {"type": "blockCard", "attrs": {"data": {"url": "http://d"}}},
        paragraph(json!([])),
    ]));
    let expected = "\
Title

See the page (http://l) or b.example or me@b.example, @Jo @7 ❌:y: http://c 2024-01-31 soon OPEN new things

---

a | b
1 2 | 

p

q

shot.png

[media]

More

inside

[x] did
[ ] do
    [ ] deep

10. x
    ```
    y
    z
    ```

an app

loose text

and a block

http://d";
    assert_eq!(to_text(&document), expected);
    assert!(same_meaning(&document, expected));
    assert!(same_meaning(&document, &there_and_back(expected)));
    assert!(!same_meaning(&document, &expected.replace("Title", "Titles")));
}

#[test]
fn what_is_no_document_is_text_all_the_same() {
    assert_eq!(to_text(&json!("a string")), "a string");
    assert_eq!(to_text(&json!([text("a"), paragraph(json!([text("b")]))])), "a\n\nb");
    assert_eq!(to_text(&json!({"type": 7, "content": {"x": [1, null]}, "text": ["y"]})), "");
    assert_eq!(to_text(&json!({"content": [7, {"content": [{"text": "deep"}]}]})), "deep");
}

#[test]
fn the_code_of_others_gets_a_fence_that_is_not_in_it() {
    let code = json!({"type": "codeBlock", "attrs": {"language": "c ++"}, "content": [text("```\n````")]});
    assert_eq!(content_of(&to_text(&code))[0]["content"], code["content"]);
}

#[test]
fn spaces_at_line_ends_and_blank_lines_are_no_change() {
    let document = from_text("one\n\n* two\n* three");
    for same in ["one\n\n- two\n- three", "one  \r\n\r\n\r\n* two\r\n* three\r\n", "\n\none\n \n- two\n- three"] {
        assert!(same_meaning(&document, same), "{same:?}");
    }
    for other in ["one\n- two\n- three", "one\n\n- two", "", "one\n\n- two\n- three\n\nfour", "one\n\n two\n three"] {
        assert!(!same_meaning(&document, other), "{other:?}");
    }
    assert!(same_meaning(&Value::Null, "\n"));
    assert!(!same_meaning(&Value::Null, "x"));
}

#[test]
fn deep_documents_and_texts_need_no_deep_stack() {
    let mut deep = text("bottom");
    for kind in ["panel", "bulletList", "listItem", "novelty", "paragraph"].iter().cycle().take(100_000) {
        // `json!` would copy it, level by level.
        deep = Value::Object(super::node::node(kind, vec![deep]));
    }
    assert!(to_text(&deep).contains("bottom"));
    // Dropping it would need one.
    std::mem::forget(deep);

    let stairs = (0..3000).map(|depth| format!("{}- x", "  ".repeat(depth))).collect::<Vec<_>>().join("\n");
    content_of(&stairs);
}

/// Would take hours, not seconds, if any of it took quadratic time.
#[test]
fn huge_texts() {
    let repeated = |piece: &str, size: usize| piece.repeat(size / piece.len());
    for text in [
        repeated("x", 10_000_000),
        repeated("a long line of text with some words in it and then a few more of them\n\n", 10_000_000),
        repeated("http://", 2_000_000),
        repeated("x://", 2_000_000),
        format!("http://{}", repeated(")", 2_000_000)),
        repeated("`", 2_000_000),
        repeated("````x\n\n", 500_000) + "````",
        repeated("```x\n\n", 500_000) + "```\ny",
        repeated("- x\n", 500_000) + "y",
        repeated("- ", 1_000_000),
        (3..700).map(|length| "`".repeat(length) + "\n\n").collect::<String>() + "x",
    ] {
        assert!(
            to_text(&from_text(&text)) == text.trim_matches('\n'),
            "{} …",
            text.chars().take(20).collect::<String>()
        );
    }
    let fences = json!({"type": "codeBlock", "content": [text(&repeated("```\n````\n", 1_000_000))]});
    assert!(to_text(&fences).starts_with("`````\n"));
}

/// Lines that are markup, nearly markup, or anything.
fn line() -> impl Strategy<Value = String> {
    let start = proptest::sample::select(vec![
        "", "", "- ", "- ", "* ", "1. ", "1. ", "2. ", "10. ", "-", "1.", "```", "```", "````", "```rust", "`````",
        " ", "\t",
    ]);
    let rest = prop_oneof![
        3 => Just(String::new()), 3 => Just("word".to_owned()), 1 => Just("http://h/(x).".to_owned()), 1 => Just("https://".to_owned()),
        2 => any::<String>(), 1 => "[-*` .1\u{0}-\u{20}é:/ht)(\u{2028}\u{85}]{0,12}",
    ];
    (0..9_usize, start, rest)
        .prop_map(|(indent, start, rest)| format!("{}{start}{rest}", " ".repeat(indent.saturating_sub(3))))
}

fn lines() -> impl Strategy<Value = String> {
    let end = proptest::sample::select(vec!["\n", "\n", "\n", "\n", "\n\n", "\n\n", "\n\n\n", "\r\n", "\r"]);
    proptest::collection::vec((line(), end), 0..14)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_owned()]).collect())
}

/// A text in the normal form, by what it is made of.
fn normal_text() -> impl Strategy<Value = String> {
    let words =
        || proptest::collection::vec("[a-zäß.,(]{1,6}|http://h/[a-z]{0,3}", 1..4).prop_map(|words| words.join(" "));
    let item = proptest::collection::vec(words(), 1..3);
    let leaf =
        (any::<bool>(), 0..12_usize, proptest::collection::vec(item, 1..4)).prop_map(|(ordered, first, items)| {
            list(ordered, first, items.into_iter().map(|lines| lines.join("\n")).collect())
        });
    let tree = leaf.prop_recursive(3, 12, 3, move |inner| {
        (any::<bool>(), 0..12_usize, proptest::collection::vec((words(), proptest::option::of(inner)), 1..4)).prop_map(
            |(ordered, first, items)| {
                let joined = |(words, inner): (String, Option<String>)| {
                    [Some(words), inner].into_iter().flatten().collect::<Vec<_>>().join("\n")
                };
                list(ordered, first, items.into_iter().map(joined).collect())
            },
        )
    });
    let code = ("[a-z]{0,5}", proptest::collection::vec("[-a-z `*\t]{0,6}[a-z]", 1..4))
        .prop_map(|(language, lines)| format!("```{language}\n{}\n```", lines.join("\n\n")));
    let paragraph = proptest::collection::vec(words(), 1..4).prop_map(|lines| lines.join("\n"));
    proptest::collection::vec(prop_oneof![tree, code, paragraph], 0..6).prop_map(|blocks| blocks.join("\n\n"))
}

fn list(ordered: bool, first: usize, items: Vec<String>) -> String {
    let items = items.into_iter().enumerate().map(|(index, text)| {
        let marker = if ordered { format!("{}. ", first + index) } else { "- ".to_owned() };
        let below = format!("\n{}", " ".repeat(marker.len()));
        marker + &text.replace('\n', &below)
    });
    items.collect::<Vec<_>>().join("\n")
}

/// The normal form, for what is said of it at the top: all that a round trip may change.
fn but_for_lists(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let line = |line: &str| {
        let text = line.trim_start_matches(' ');
        text.strip_prefix("* ").map_or_else(|| text.to_owned(), |text| format!("- {text}"))
    };
    text.trim_matches('\n').split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Any JSON that is shaped like a document.
fn any_document() -> impl Strategy<Value = Value> {
    let kind = || {
        proptest::sample::select(vec![
            "doc",
            "paragraph",
            "heading",
            "bulletList",
            "orderedList",
            "listItem",
            "codeBlock",
            "taskList",
            "taskItem",
            "table",
            "tableRow",
            "tableCell",
            "panel",
            "expand",
            "text",
            "hardBreak",
            "mention",
            "emoji",
            "date",
            "status",
            "inlineCard",
            "media",
            "mediaSingle",
            "rule",
            "novelty",
        ])
    };
    let attrs = prop_oneof![
        Just(json!({})),
        Just(Value::Null),
        Just(json!({"text": "t", "id": "i", "order": -1})),
        Just(json!({"order": u64::MAX})),
        Just(json!({"timestamp": "9223372036854775807", "url": "http://u", "title": "T", "state": "DONE"})),
        Just(json!({"language": "a`b\nc", "timestamp": 0})),
    ];
    let leaf = (kind(), lines(), attrs, any::<bool>()).prop_map(|(kind, text, attrs, link)| {
        let marks = if link { json!([{"type": "link", "attrs": {"href": "http://h"}}]) } else { json!([]) };
        json!({"type": kind, "text": text, "attrs": attrs, "marks": marks})
    });
    leaf.prop_recursive(6, 40, 4, move |inner| {
        (kind(), proptest::collection::vec(inner, 0..4))
            .prop_map(|(kind, content)| json!({"type": kind, "content": content}))
    })
}

proptest! {
    #[test]
    fn any_text_comes_back_but_for_its_lists(text in prop_oneof![lines(), any::<String>()]) {
        let back = there_and_back(&text);
        prop_assert_eq!(but_for_lists(&back), but_for_lists(&text));
        prop_assert_eq!(there_and_back(&back), back);
        prop_assert!(same_meaning(&from_text(&text), &text));
    }

    #[test]
    fn text_without_lists_comes_back_exactly(text in lines()) {
        let text = text.replace("\r\n", "\n").replace(['\r', '*', '-', '.'], "");
        prop_assert_eq!(there_and_back(&text), text.trim_matches('\n'));
    }

    #[test]
    fn normal_text_comes_back_exactly(text in normal_text()) {
        prop_assert_eq!(there_and_back(&text), text);
    }

    #[test]
    fn any_document_has_a_text_that_means_the_same(document in any_document()) {
        let text = to_text(&document);
        prop_assert!(same_meaning(&document, &text));
        there_and_back(&text);
    }
}
