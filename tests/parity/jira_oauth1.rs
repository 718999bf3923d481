//! The OAuth 1.0a signatures that the Jira plugin's unit tests compare with are oauthlib's.

use std::process::Command;

use defect_host_tests::python_tool;
use serde_json::Value;

#[test]
fn the_kept_signatures_are_those_of_oauthlib() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/jira/tests-data/oauth1");
    let printed = Command::new(python_tool("python")).arg(format!("{folder}/vectors.py")).env_clear().output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let kept = std::fs::read(format!("{folder}/vectors.json")).unwrap();
    let [printed, kept]: [Value; 2] = [&printed.stdout, &kept].map(|bytes| serde_json::from_slice(bytes).unwrap());
    assert_eq!(printed, kept);
}
