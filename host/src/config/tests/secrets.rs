use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

#[test]
fn a_secret_is_masked_in_the_line_and_in_the_words() {
    assert_snapshot!(client_faults(
        "defects_path = 1\npassword = 12345678 # was hunter22\npin = 123456\nlogin = { password = \"hunter22\", x = 1 }\npasword = 'hunter22'\npinn = 'hunter22'\n"
    ), @r#"
        error: `defects_path` has the wrong type
         --> client.toml:1:16
          |
        1 | defects_path = 1
          |                ^ expected a string, found `1`

        error: `password` has the wrong type
         --> client.toml:2:12
          |
        2 | password = ***
          |            ^^^ expected a string, found `***`

        error: `pin` has the wrong type
         --> client.toml:3:7
          |
        3 | pin = ***
          |       ^^^ expected a string, found `***`

        error: unknown key `login` in this file
         --> client.toml:4:1
          |
        4 | login = { password = ***, x = 1 }
          | ^^^^^ expected a known key, found `login`
          |
          = help: the known keys are `attributes`, `auth_type`, `commands`, `defects_path`, `password`, `pin`, `projects`, `ratio`, `readonly` and `timeout`

        error: unknown key `pasword` in this file
         --> client.toml:5:1
          |
        5 | pasword = ***
          | ^^^^^^^ expected `password`, found `pasword`
          |
          = help: did you mean `password`?

        error: unknown key `pinn` in this file
         --> client.toml:6:1
          |
        6 | pinn = ***
          | ^^^^ expected `pin`, found `pinn`
          |
          = help: did you mean `pin`?
        "#);
}

#[test]
fn an_address_with_a_password_is_masked_whatever_its_key() {
    assert_snapshot!(client_faults("defects_path = \"x\"\ntimeout = \"http://me:hunter22@host\"\n"), @r"
        error: `timeout` has the wrong type
         --> client.toml:2:11
          |
        2 | timeout = ***
          |           ^^^ expected an integer, found `***`
        ");
}

#[test]
fn a_fault_behind_a_secret_is_underlined_where_it_is_shown() {
    assert_snapshot!(service_faults(
        "testbench-defect-service = { forwarded_secret = \"0123456789abcdef\", client_config = { pin = \"1234\" }, prt = 5 }\n"
    ), @r#"
        error: unknown key `prt` in `[testbench-defect-service]`
         --> dir/config.toml:1:85
          |
        1 | testbench-defect-service = { forwarded_secret = ***, client_config = { pin = *** }, prt = 5 }
          |                                                                                     ^^^ expected `port`, found `prt`
          |
          = help: did you mean `port`?
        "#);
    assert_snapshot!(service_faults(
        "[testbench-defect-service]\nsalt = \"\"\"\nabcd\nefgh\"\"\"\nprt = 5\n"
    ), @r#"
        error: unknown key `prt` in `[testbench-defect-service]`
         --> dir/config.toml:5:1
          |
        5 | prt = 5
          | ^^^ expected `port`, found `prt`
          |
          = help: did you mean `port`?
        "#);
}

#[test]
fn a_secret_is_masked_in_a_file_that_does_not_parse() {
    assert_snapshot!(service_faults(
        "[testbench-defect-service]\npassword_hash = \"hunter22\nsalt hunter22\ntokens = [ 'a',\n  hunter22\n]\n[x]\nsecret = \"\"\"\nhunter22\n"
    ), @r#"
        error: invalid basic string, expected `"`
         --> dir/config.toml:2:20
          |
        2 | password_hash = ***
          |                    ^

        error: key with no value, expected `=`
         --> dir/config.toml:3:1
          |
        3 | ***
          | ^^^
        "#);
}

#[test]
fn debug_shows_no_secret() {
    let text = "[testbench-defect-service]\nforwarded_secret = \"hunter22\"\nclient_config.pin = \"hunter22\"\n";
    let config = Folder::new(&[("config.toml", text)]).load().unwrap();
    assert!(!format!("{config:?}").contains("hunter22"));
}

/// Ways to write a secret: right, of the wrong type, and broken. `S` and `T` are its two halves.
const SPELLINGS: [&str; 22] = [
    "KEY = \"ST\"",
    "KEY = 'ST' # before: \"ST\"",
    "KEY = \"\"\"\nS\nT\"\"\"",
    "KEY = '''S\nT'''",
    "KEY = [\"S\", \"T\"]",
    "KEY = [\n  \"S\", # ]\n  \"T\",\n]",
    "KEY = { a = \"S\", b = [\"T\"] }",
    "x = { KEY = \"ST\", y = 1 }",
    "\"KEY\" = \"ST\"",
    "KEY.inner = \"ST\"",
    "KEY = \"ST",
    "KEY = ST",
    "KEY \"ST\"",
    "KEY =\n\"ST\"",
    "KEY = \"S\nT\"",
    "KEY = \"\"\"\nS\nT",
    "KEY = [\"S\",\n\"T\"",
    "KEY = [\"]\", \n\"ST\" \"",
    "KEY = { a = \"S\",\n b = \"T\"",
    "KEY: ST",
    "[x] KEY = \"ST\"",
    "[x.KEY]\ninner = \"ST",
];

/// The same for `.properties`.
const PROPERTIES: [&str; 6] = ["KEY=ST", "  KEY : ST", "KEY ST", "KEY=S\\\n  T", "KEY=\\u00zz ST", "KEY\\\n = ST\\"];

const OTHER_LINES: [&str; 14] = [
    "port = 1",
    "prot = 1",
    "timeout = \"x\"",
    "attributes = 5",
    "readonly = [1]",
    "readonly = [1",
    "broken",
    "\"",
    "'''",
    "]",
    "[x",
    "= 5",
    "[commands]",
    "",
];

fn documents(spellings: &'static [&'static str]) -> impl Strategy<Value = (String, String, String)> {
    let keys =
        &["password", "PASSWORD_HASH", "oauth2_client_secret", "token", "api-key", "private_key", "salt", "pasword"];
    let lines = || prop::collection::vec(prop::sample::select(&OTHER_LINES[..]), 0..5);
    let halves = ("[A-Z0-9]{2}[A-Za-z0-9+/]{6}", "[A-Z0-9]{2}[A-Za-z0-9+/]{6}=?");
    (lines(), prop::sample::select(spellings), prop::sample::select(&keys[..]), halves, lines()).prop_map(
        |(before, spelling, key, (first, second), after)| {
            let fill = |text: &str| match text {
                "KEY" => key.to_owned(),
                "S" => first.clone(),
                "T" => second.clone(),
                other => other.to_owned(),
            };
            let secret: String = spelling
                .replace("KEY", "\0KEY\0")
                .replace('S', "\0S\0")
                .replace('T', "\0T\0")
                .split('\0')
                .map(fill)
                .collect();
            let text = [before.join("\n"), secret, after.join("\n")].join("\n");
            (text, first, second)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_fault_ever_shows_a_secret((text, first, second) in documents(&SPELLINGS)) {
        let mut shown = String::new();
        if let Err(faults) = client(&text, Format::Toml) {
            shown.push_str(&format!("{faults} {faults:?}"));
        }
        let service = format!("[testbench-defect-service]\n{text}\n");
        if let Err(message) = Folder::new(&[("config.toml", &service)]).load() {
            shown.push_str(&message);
        }
        prop_assert!(!shown.contains(&first) && !shown.contains(&second), "{text}\n---\n{shown}");
    }

    #[test]
    fn no_fault_in_properties_ever_shows_a_secret((text, first, second) in documents(&PROPERTIES)) {
        if let Err(faults) = client(&text, Format::Properties) {
            let shown = format!("{faults} {faults:?}");
            prop_assert!(!shown.contains(&first) && !shown.contains(&second), "{text}\n---\n{shown}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused_with_its_place(text in "[a-z\"'\\[\\]{}=#,.\\\\ \t\r\näß€😀\u{0}-\u{1f}]{0,60}") {
        for format in [Format::Toml, Format::Properties] {
            if let Err(faults) = client(&text, format) {
                prop_assert!(!faults.to_string().is_empty());
            }
        }
    }
}
