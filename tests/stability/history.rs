//! The history of the API, which a person reads who asks why a plugin was refused.

use defect_host_tests::root;

use crate::golden::version;

#[test]
fn the_history_has_a_line_for_this_version() {
    let boundary = std::fs::read_to_string(root().join("plugin-api/src/boundary.rs")).unwrap();
    let [major, minor, _] = version();
    for (line, history) in [
        (format!("- {major}: "), "types"),
        (format!("- {major}.{minor}: "), "what crosses in JSON, operations and keys"),
    ] {
        assert!(
            boundary.lines().any(|text| text.starts_with(&format!("//! {line}"))),
            "plugin-api is {}: add a line `{line}…` to the history of the {history}, in plugin-api/src/boundary.rs",
            defect_plugin_api::VERSION
        );
    }
}
