use insta::assert_snapshot;
use serde_json::json;

use super::*;

#[test]
fn a_missing_key_points_at_the_table_it_belongs_to() {
    let folder = Folder::new(&[(
        "config.toml",
        "[testbench-defect-service]\nport = 1\n\n[testbench-defect-service.client_config]\nreadonly = true\n",
    )]);
    let faults = validate_client(&folder.load().unwrap().client, &schema()).unwrap_err();
    assert_snapshot!(folder.relative(&faults.to_string()), @r#"
        error: missing key `defects_path` in `[testbench-defect-service.client_config]`
         --> dir/config.toml:4:1
          |
        4 | [testbench-defect-service.client_config]
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected the key `defects_path`
          |
          = help: `defects_path`: Folder with one folder per project
        "#);
}

#[test]
fn without_a_client_table_a_missing_key_points_at_the_services() {
    let folder = Folder::new(&[("config.toml", "# mine\n\n[testbench-defect-service]\nport = 1\n")]);
    let faults = validate_client(&folder.load().unwrap().client, &schema()).unwrap_err();
    assert_snapshot!(folder.relative(&faults.to_string()), @r#"
        error: missing key `defects_path` in `[testbench-defect-service.client_config]`
         --> dir/config.toml:3:1
          |
        3 | [testbench-defect-service]
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^ expected the key `defects_path`
          |
          = help: `defects_path`: Folder with one folder per project
        "#);
}

#[test]
fn in_a_file_of_its_own_a_missing_key_points_at_the_first_line() {
    assert_snapshot!(client_faults("# the client\n"), @r#"
        error: missing key `defects_path` in this file
         --> client.toml:1:1
          |
        1 | # the client
          | ^^^^^^^^^^^^ expected the key `defects_path`
          |
          = help: `defects_path`: Folder with one folder per project
        "#);
    assert_snapshot!(client_faults(""), @r#"
        error: missing key `defects_path` in this file
         --> client.toml:1:1
          |
        1 |
          | ^ expected the key `defects_path`
          |
          = help: `defects_path`: Folder with one folder per project
        "#);
}

#[test]
fn faults_deep_inside_are_shown_where_they_are() {
    assert_snapshot!(client_faults(r#"
defects_path = "data"
auth_type = "tokne"
attributes = ["title", 5]
timeout = 61

[projects."Shop App (SHOP)"]
readonly = "maybe"
commands = { manul = "sync.sh" }

[commands]
scheduled = ["a.sh",
  "b.sh"]
"#), @r#"
        error: `auth_type` has a value that is not allowed
         --> client.toml:3:13
          |
        3 | auth_type = "tokne"
          |             ^^^^^^^ expected `basic` or `token`, found the string `tokne`
          |
          = help: did you mean `token`?

        error: `attributes.1` has the wrong type
         --> client.toml:4:24
          |
        4 | attributes = ["title", 5]
          |                        ^ expected a string, found `5`

        error: `timeout` is out of range
         --> client.toml:5:11
          |
        5 | timeout = 61
          |           ^^ expected at least 1 and at most 60, found `61`

        error: `projects."Shop App (SHOP)".readonly` has the wrong type
         --> client.toml:8:12
          |
        8 | readonly = "maybe"
          |            ^^^^^^^ expected `true` or `false`, found the string `maybe`

        error: unknown key `manul` in `[projects."Shop App (SHOP)".commands]`
         --> client.toml:9:14
          |
        9 | commands = { manul = "sync.sh" }
          |              ^^^^^ expected `manual`, found `manul`
          |
          = help: did you mean `manual`?

        error: `commands.scheduled` has the wrong type
          --> client.toml:12:13
           |
        12 | scheduled = ["a.sh",
           |             ^^^^^^^^ expected a string, found a list of 2 entries
        "#);
}

#[test]
fn a_table_in_place_of_text_is_a_wrong_type() {
    assert_snapshot!(client_faults("commands = 5\nauth_type = 5\n[defects_path]\nx = 1\n"), @r#"
        error: `commands` has the wrong type
         --> client.toml:1:12
          |
        1 | commands = 5
          |            ^ expected a table, found `5`

        error: `auth_type` has the wrong type
         --> client.toml:2:13
          |
        2 | auth_type = 5
          |             ^ expected a string, found `5`

        error: `defects_path` has the wrong type
         --> client.toml:3:1
          |
        3 | [defects_path]
          | ^^^^^^^^^^^^^^ expected a string, found a table
        "#);
}

#[test]
fn a_properties_file_is_read_as_its_schema_wants_it() {
    let text = "# client\ndefects_path = data/\\u00e4\nreadonly: yes\nattributes=title, status,\\\n  priority\ntimeout 30\nratio=1\n";
    let value = client(text, Format::Properties).unwrap();
    assert_eq!(
        value,
        json!({"defects_path": "data/ä", "readonly": true, "attributes": ["title", "status", "priority"], "timeout": 30, "ratio": 1.0})
    );
}

#[test]
fn faults_in_a_properties_file_are_shown_the_same_way() {
    let faults =
        client("defect_path=data\ntimeout = ninety\nattributes = a,\\\n   b\nreadonly = si\n", Format::Properties);
    assert_snapshot!(faults.unwrap_err(), @r#"
        error: unknown key `defect_path` in this file
         --> client.properties:1:1
          |
        1 | defect_path=data
          | ^^^^^^^^^^^ expected `defects_path`, found `defect_path`
          |
          = help: did you mean `defects_path`?

        error: missing key `defects_path` in this file
         --> client.properties:1:1
          |
        1 | defect_path=data
          | ^^^^^^^^^^^^^^^^ expected the key `defects_path`
          |
          = help: `defects_path`: Folder with one folder per project

        error: `timeout` has the wrong type
         --> client.properties:2:11
          |
        2 | timeout = ninety
          |           ^^^^^^ expected an integer, found the string `ninety`

        error: `readonly` has the wrong type
         --> client.properties:5:12
          |
        5 | readonly = si
          |            ^^ expected `true` or `false`, found the string `si`
        "#);
    assert_snapshot!(client("defects_path=x\npassword=\\u00zz\n", Format::Properties).unwrap_err(), @r#"
        error: malformed `\u` escape, expected four hexadecimal digits
         --> client.properties:2:10
          |
        2 | password=***
          |          ^^^
        "#);
}

#[test]
fn text_with_commas_stays_text_in_toml() {
    assert_snapshot!(client_faults("defects_path = \"x\"\nattributes = \"title,status\"\n"), @r#"
        error: `attributes` has the wrong type
         --> client.toml:2:14
          |
        2 | attributes = "title,status"
          |              ^^^^^^^^^^^^^^ expected a list, found the string `title,status`
        "#);
}

#[test]
fn what_a_plugin_says_is_shown_at_the_key() {
    let text =
        "defects_path = \"gone\"\npassword = \"hunter22\"\n[projects.\"Shop 2.0\".commands]\nmanual = \"x.py\"\n";
    let fields = [
        ("defects_path", "no such folder"),
        ("projects.Shop 2.0.commands.manual", "only .sh files run"),
        ("projects.Other.readonly", "no such project"),
        ("", "the server refused the password hunter22"),
    ]
    .map(|(path, message)| (path.to_owned(), message.to_owned()));
    let section = section(text, Format::Toml).unwrap();
    assert_snapshot!(Faults::from_fields(&section, &schema(), &fields), @r#"
        error: the server refused the password ***
         --> client.toml:1:1
          |
        1 | defects_path = "gone"
          | ^^^^^^^^^^^^^^^^^^^^^

        error: `defects_path`: no such folder
         --> client.toml:1:16
          |
        1 | defects_path = "gone"
          |                ^^^^^^

        error: `projects.Other.readonly`: no such project
         --> client.toml:3:2
          |
        3 | [projects."Shop 2.0".commands]
          |  ^^^^^^^^

        error: `projects."Shop 2.0".commands.manual`: only .sh files run
         --> client.toml:4:10
          |
        4 | manual = "x.py"
          |          ^^^^^^
        "#);
}

#[test]
fn alternatives_are_judged_by_the_one_that_was_meant() {
    #[derive(JsonSchema)]
    #[serde(tag = "kind", rename_all = "lowercase")]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Auth {
        Basic { user: String },
        Token { life: u8 },
    }
    #[derive(JsonSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Config {
        first: Auth,
        second: Auth,
        third: Auth,
    }
    let text = "first = { kind = \"token\", life = 300 }\nsecond = { kind = \"basik\" }\nthird = { }\n";
    let schema = schemars::schema_for!(Config).to_value();
    assert_snapshot!(validate_client(&section(text, Format::Toml).unwrap(), &schema).unwrap_err(), @r#"
        error: `first.life` is out of range
         --> client.toml:1:34
          |
        1 | first = { kind = "token", life = 300 }
          |                                  ^^^ expected at least 0 and at most 255, found `300`

        error: `second.kind` has a value that is not allowed
         --> client.toml:2:19
          |
        2 | second = { kind = "basik" }
          |                   ^^^^^^^ expected `basic` or `token`, found the string `basik`
          |
          = help: did you mean `basic`?

        error: missing key `kind` in `[third]`
         --> client.toml:3:9
          |
        3 | third = { }
          |         ^^^ expected the key `kind`

        error: missing key `user` in `[third]`
         --> client.toml:3:9
          |
        3 | third = { }
          |         ^^^ expected the key `user`
        "#);
}

#[test]
fn a_schema_that_is_none_is_the_clients_fault() {
    let section = section("x = 1\n", Format::Toml).unwrap();
    assert_snapshot!(validate_client(&section, &json!({"type": "strin"})).unwrap_err(), @r#"
        error: the client's JSON Schema is not valid: value is not valid under any of the schemas listed in the 'anyOf' keyword
         --> client.toml:1:1
          |
        1 | x = 1
          | ^^^^^
        "#);
}
