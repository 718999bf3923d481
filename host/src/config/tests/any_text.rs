//! Whatever stands in a file: it is read or refused, and no secret of it is shown.

use proptest::prelude::*;

use super::*;

/// Pieces that meet at all places where texts are cut.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("[testbench-defect-service]\n".to_owned()),
        Just("[testbench-defect-service.client_config]\n".to_owned()),
        Just("forwarded_secret = \"hunter2-é\"".to_owned()),
        Just("password = '''\nhunter2-é\nhunter2-ü'''".to_owned()),
        Just("salt = hunter2-é".to_owned()),
        Just("a = { token = \"hunter2-é\", b = [1, \"é\"] }".to_owned()),
        Just("port = \"é\"".to_owned()),
        Just("metrics_addr = \"€\" # é".to_owned()),
        Just("prt = [1, # é: 5\n2] # token = hunter2".to_owned()),
        Just("trusted_proxies = [\"é\",\n \"x\" ]".to_owned()),
        Just("log_format = \"%(é\"".to_owned()),
        Just("\u{feff}".to_owned()),
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\\".to_owned()),
        Just("\"".to_owned()),
        Just("]".to_owned()),
        Just("= é".to_owned()),
        Just("é.ü = 1".to_owned()),
        "\\PC{0,3}",
    ]
}

/// All that is said and shown of a text.
fn said_of(text: &str) -> String {
    let files = |_: &Path| Ok(text.as_bytes().to_vec());
    let loaded = load_from(&files, Path::new("config.toml"), &Overrides::default(), |_| None);
    let mut said = loaded.err().map_or_else(String::new, |error| error.render(false));
    for format in [Format::Toml, Format::Properties] {
        match section(text, format) {
            Ok(section) if format == Format::Toml => {
                said.extend(validate_client(&section, &schema()).err().map(|faults| faults.to_string()));
                said += &without_secrets(section.document(), &[]);
            }
            // TOML's tables are plain texts there.
            Ok(section) => drop(validate_client(&section, &schema())),
            Err(faults) => said += &faults.to_string(),
        }
    }
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(pieces in prop::collection::vec(piece(), 0..8)) {
        said_of(&pieces.concat());
    }

    #[test]
    fn no_secret_is_shown_that_begins_a_line_or_a_comment(pieces in prop::collection::vec(piece(), 0..8)) {
        let said = said_of(&pieces.join("\n"));
        prop_assert!(!said.contains("hunter2"), "{}\n{said}", pieces.join("\n"));
    }
}

#[test]
fn a_secret_in_a_comment_behind_another_value_is_masked() {
    let text = "[testbench-defect-service]\nport = \"a # b\" # salt = hunter2\nprt = 1 # #5: password: hunter2\n";
    let said = service_faults(text);
    assert!(said.contains("port = \"a # b\" # salt = ***\n") && said.contains("prt = 1 # #5: password: ***"), "{said}");
}

#[test]
fn the_last_property_may_end_in_a_backslash() {
    let value = client("timeout = 5\ndefects_path = x\\", Format::Properties).unwrap();
    assert_eq!(value["defects_path"], "x");
}
