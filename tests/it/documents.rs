//! The API document and the page that shows it.

use std::collections::BTreeSet;

use defect_host_tests::HostFolder;
use serde_json::{Value, json};

/// The endpoints of the API.
const ROUTES: [(&str, &str); 15] = [
    ("get", "/check-login"),
    ("get", "/settings"),
    ("get", "/projects"),
    ("get", "/projects/control-fields"),
    ("get", "/projects/udfs"),
    ("get", "/supports-changes-timestamps"),
    ("post", "/projects/{project}/defects"),
    ("post", "/projects/{project}/defects/batch"),
    ("post", "/projects/{project}/defects/create"),
    ("put", "/projects/{project}/defects/{defectId}/update"),
    ("post", "/projects/{project}/defects/{defectId}/delete"),
    ("post", "/projects/{project}/defects/{defectId}/extended"),
    ("post", "/projects/{project}/defects/correct"),
    ("post", "/projects/{project}/sync/before"),
    ("post", "/projects/{project}/sync/after"),
];

#[test]
fn the_document_has_every_endpoint_and_no_other() {
    let host = HostFolder::faulty("").start();
    let answer = host.client().with_credentials(None).get("/docs/openapi.json");
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.json();
    let paths = document["paths"].as_object().unwrap();
    let documented: BTreeSet<(&str, &str)> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().unwrap().keys().map(move |method| (method.as_str(), path.as_str())))
        .collect();
    assert_eq!(documented, BTreeSet::from(ROUTES));
    assert_eq!(document["security"], json!([{"BasicAuth": []}]));
    assert_eq!(document["paths"]["/settings"]["get"]["security"], json!([{}]));
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let host = HostFolder::faulty("").start();
    let document = host.client().get("/docs/openapi.json").json();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').expect("nothing is elsewhere");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_document_is_the_same_in_yaml() {
    let host = HostFolder::faulty("").start();
    let answer = host.client().with_credentials(None).get("/openapi.yaml");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/yaml"));
    let document: Value = serde_norway::from_slice(&answer.body).unwrap();
    assert_eq!(document, host.client().get("/docs/openapi.json").json());
}

#[test]
fn the_page_needs_no_internet() {
    let host = HostFolder::faulty("").start();
    let answer = host.client().with_credentials(None).get("/docs");
    assert_eq!((answer.status, answer.header("content-type")), (200, "text/html; charset=utf-8"));
    let page = answer.text();
    assert!(page.contains("/docs/openapi.json"));
    // The page's own tags; in the scripts' text there are addresses as well, which nobody fetches.
    let tags: Vec<&str> = page
        .split('<')
        .filter(|tag| tag.starts_with("script") || tag.starts_with("link") || tag.starts_with("img"))
        .collect();
    assert!(tags.iter().any(|tag| tag.starts_with("script")));
    for tag in tags {
        let tag = tag.split('>').next().unwrap_or_default();
        for attribute in ["src=", "href="] {
            let value = tag.split(attribute).nth(1).unwrap_or_default().trim_start_matches(['"', '\'']);
            assert!(!value.starts_with("http") && !value.starts_with("//"), "{tag}");
        }
    }
    assert!(!page.contains("@import url(http"));
}
