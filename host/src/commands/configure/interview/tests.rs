use serde_json::json;

use super::super::person::Scripted;
use super::*;
use crate::config::keys;

fn schema() -> Value {
    json!({
        "required": ["url"],
        "additionalProperties": false,
        "properties": {
            "url": {"type": "string", "minLength": 3, "description": "Where the tracker is.\n\nMore of it."},
            "login": {"default": "basic", "ask": 1, "oneOf": [
                {"const": "basic", "description": "With a password."},
                {"const": "token"},
            ]},
            "password": {"type": "string", "writeOnly": true, "ask": 2, "env_var": "TRACKER_PASSWORD", "depends_on": {"login": "basic"}},
            "token": {"type": "string", "writeOnly": true, "ask": 2, "depends_on": {"login": "token"}},
            "timeout": {"type": "integer", "minimum": 1, "default": 30, "description": "In seconds."},
            "fields": {"additionalProperties": {"type": "array", "items": {"type": "string"}}},
            "projects": {"type": "object", "additionalProperties": {"type": "object", "properties": {
                "readonly": {"type": ["boolean", "null"]},
                "level": {"type": "integer"},
            }}},
            "servers": {"type": "array", "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}},
        },
    })
}

/// What is there after these answers, and the screen.
fn interviewed(values: &Value, answers: &[&'static str]) -> (Value, String) {
    let (schema, mut person) = (schema(), Scripted::new(answers));
    let keys = keys(&schema);
    let values = values.as_object().unwrap().clone();
    let mut interview =
        Interview { person: &mut person, schema: &schema, keys: &keys, values, is_set: &|name| name == "SET" };
    interview.all().unwrap();
    (Value::Object(interview.values), person.screen)
}

#[test]
fn the_needed_is_asked_and_the_rest_is_one_question() {
    let (values, screen) = interviewed(&json!({}), &["", "ab", "https://x", "", "geheim", ""]);
    assert_eq!(values, json!({"url": "https://x", "login": "basic", "password": "geheim"}));
    insta::assert_snapshot!(screen, @r"
    Where the tracker is.
    url (at least 3 characters):
      it has to be there
    url (at least 3 characters): ab
      `url` is too short: expected at least 3 characters, found the string `ab`
    url (at least 3 characters): https://x

       1) basic: With a password.
       2) token
    login [basic]:

    password (hidden) [from TRACKER_PASSWORD, not set here]:

    4 further settings may stay as they are. Change some? [y/N]:
    ");
}

#[test]
fn what_is_there_is_kept_by_enter_and_removed_by_a_dash() {
    let there = json!({"url": "https://x", "login": "basic", "password": "geheim", "timeout": 5});
    assert_eq!(interviewed(&there, &["", "", "", ""]).0, there);
    let (values, screen) = interviewed(&there, &["-", "", "-", "-", "y", "timeout", "-", ""]);
    assert_eq!(values, json!({"url": "https://x"}), "{screen}");
}

#[test]
fn a_wrong_answer_is_told_what_is_right_and_asked_again() {
    let (values, screen) =
        interviewed(&json!({"url": "abc"}), &["", "3", "toke", "2", "t", "y", "timeout", "0", "x", "60", ""]);
    assert_eq!(values, json!({"url": "abc", "login": "token", "token": "t", "timeout": 60}));
    insta::assert_snapshot!(screen, @r"
    Where the tracker is.
    url (at least 3 characters) [abc]:

       1) basic: With a password.
       2) token
    login [basic]: 3
      `login` has a value that is not allowed: expected `basic` or `token`, found
      `3`
    login [basic]: toke
      `login` has a value that is not allowed: expected `basic` or `token`, found
      the string `toke`
      did you mean `token`?
    login [basic]: 2

    token (hidden) [none]:

    4 further settings may stay as they are. Change some? [y/N]: y

       1) fields
       2) projects
       3) servers
       4) timeout: 30
    Which one? Its number or name, `?` for the list [done]: timeout

    In seconds.
    timeout (at least 1) [30]: 0
      `timeout` is out of range: expected at least 1, found `0`
    timeout (at least 1) [30]: x
      `timeout` has the wrong type: expected an integer, found the string `x`
    timeout (at least 1) [30]: 60
    Which one? Its number or name, `?` for the list [done]:
    ");
}

#[test]
fn dictionaries_and_lists_get_entries_changed_and_lose_them() {
    let answers = [
        "",
        "",
        "",
        "y",
        "fields",
        "status",
        "Open, Closed",
        "1",
        "Open",
        "",
        "projects",
        "SHOP",
        "readonly",
        "y",
        "",
        "\"1\"",
        "",
        "-1",
        "",
        "servers",
        "+",
        "x",
        "7",
        "+",
        "8",
        "-1",
        "",
        "",
    ];
    let (values, screen) = interviewed(&json!({"url": "abc"}), &answers);
    assert_eq!(
        values,
        json!({"url": "abc", "login": "basic", "fields": {"status": ["Open"]}, "projects": {"SHOP": {"readonly": true}}, "servers": [{"id": 8}]}),
        "{screen}"
    );
    insta::assert_snapshot!(screen.split_once("projects: ").unwrap().1, @r#"
    a new name [done]: SHOP

       1) level
       2) readonly
    Which one? Its number or name, `?` for the list [done]: readonly

    projects.SHOP.readonly (yes or no) [none]: y
    Which one? Its number or name, `?` for the list [done]:
       1) SHOP: readonly
    projects: a new name, a number to change one, -number to remove it [done]: "1"

       1) level
       2) readonly
    Which one? Its number or name, `?` for the list [done]:
       1) 1
       2) SHOP: readonly
    projects: a new name, a number to change one, -number to remove it [done]: -1
       1) SHOP: readonly
    projects: a new name, a number to change one, -number to remove it [done]:
    Which one? Its number or name, `?` for the list [done]: servers

    servers: `+` for a new one [done]: +

    servers.0.id: x
      `servers.0.id` has the wrong type: expected an integer, found the string `x`
    servers.0.id: 7
       1) entry: id
    servers: `+` for a new one, a number to change one, -number to remove it [done]: +

    servers.1.id: 8
       1) entry: id
       2) entry: id
    servers: `+` for a new one, a number to change one, -number to remove it [done]: -1
       1) entry: id
    servers: `+` for a new one, a number to change one, -number to remove it [done]:
    Which one? Its number or name, `?` for the list [done]:
    "#);
}

#[test]
fn what_does_not_belong_there_can_be_removed() {
    let (schema, mut person) = (schema(), Scripted::new(&["", "60"]));
    let keys = keys(&schema);
    let values = json!({"odd": 1, "timeout": 0}).as_object().unwrap().clone();
    let mut interview = Interview { person: &mut person, schema: &schema, keys: &keys, values, is_set: &|_| false };
    interview.again(&KeyPath::from_iter(["odd"])).unwrap();
    interview.again(&KeyPath::from_iter(["timeout"])).unwrap();
    assert_eq!(Value::Object(interview.values), json!({"timeout": 60}));
}
