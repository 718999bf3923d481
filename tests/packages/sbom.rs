use std::process::Command;

use defect_host_tests::{HostFolder, python_tool};
use serde_json::Value;

use crate::root::text;
use crate::tarball;

/// Says what is wrong with a document of CycloneDX, with the schema that comes with the standard's Python package.
const VALIDATE: &str = "\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())
sys.exit(error and str(error))
";

#[test]
#[ignore = "`cargo xtask check` makes the packages"]
fn the_bill_of_materials_is_valid_and_has_what_is_compiled_in_and_no_more() {
    let folder = HostFolder::with_config("");
    let unpacked = Command::new("tar")
        .args(["--extract", "--strip-components=1", "--wildcards", "--file", text(&tarball())])
        .args(["--directory", text(folder.path()), "*/defect-host.cdx.json", "*/THIRD-PARTY-LICENCES.txt"])
        .status();
    assert!(unpacked.unwrap().success());
    let document = folder.path().join("defect-host.cdx.json");
    let validated = Command::new(python_tool("python")).args(["-c", VALIDATE]).arg(&document).output().unwrap();
    assert!(validated.status.success(), "{}", String::from_utf8_lossy(&validated.stderr));

    let document: Value = serde_json::from_str(&folder.read("defect-host.cdx.json")).unwrap();
    let components = document["components"].as_array().unwrap();
    let names: Vec<_> = components.iter().filter_map(|component| component["name"].as_str()).collect();
    for shipped in ["defect-host", "jsonl-defect-client", "jira-defect-client", "axum", "ring", "rsa", "abi_stable"] {
        assert!(names.contains(&shipped), "{shipped}: {names:?}");
    }
    // Of tests, of build scripts, of other systems.
    for other in ["insta", "proptest", "cc", "windows-sys", "xtask"] {
        assert!(!names.contains(&other), "{other}: {names:?}");
    }
    let licences = folder.read("THIRD-PARTY-LICENCES.txt");
    for component in components.iter().filter(|component| component["purl"].is_string()) {
        let line = format!("\n{} {}: ", component["name"].as_str().unwrap(), component["version"].as_str().unwrap());
        assert!(licences.contains(&line), "{line}");
    }
}
