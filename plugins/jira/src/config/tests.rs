use serde_json::{Value, json};

use defect_plugin_api::model;

use super::*;
use crate::auth::Credentials;

fn completed(config: Value, environment: &[(&str, &str)]) -> Result<JiraConfig, ClientError> {
    let config: JiraConfig = serde_json::from_value(config).unwrap();
    let variable = |name: &str| environment.iter().find(|(known, _)| *known == name);
    config.completed(|name| variable(name).map(|(_, value)| (*value).to_owned()))
}

fn faults(config: Value) -> Vec<(String, String)> {
    let Err(ClientError::InvalidInput { fields, .. }) = completed(config, &[]) else { panic!("accepted") };
    fields.into_iter().map(|fault| (fault.field.unwrap(), fault.message)).collect()
}

#[test]
fn the_environment_stands_in_where_the_file_has_nothing() {
    let url = "https://x.atlassian.net";
    let environment = [("JIRA_USERNAME", "env"), ("JIRA_PASSWORD", "env-secret"), ("JIRA_VERIFY_SSL", "False")];
    let config = completed(json!({ "server_url": url, "username": "file", "password": "" }), &environment).unwrap();
    let Credentials::Basic { username, password } = config.credentials().unwrap() else { panic!("basic") };
    assert_eq!((username.as_str(), password.reveal()), ("file", "env-secret"));
    assert_eq!(config.verify_ssl, Some(false));
    assert!(!format!("{config:?}").contains("env-secret"));
    let token = json!({ "server_url": url, "auth_type": "token", "verify_ssl": true });
    let config = completed(token, &[("JIRA_BEARER_TOKEN", "pat"), ("JIRA_VERIFY_SSL", "0")]).unwrap();
    assert!(matches!(config.credentials().unwrap(), Credentials::Bearer(token) if token.reveal() == "pat"));
    assert_eq!(config.verify_ssl, Some(true));
}

#[test]
fn what_is_missing_is_named_with_its_variable() {
    let gateway = faults(json!({
        "server_url": "https://x", "username": "u", "password": "p", "cloud_gateway_url": "api.example"
    }));
    assert!(gateway[0].0 == "cloud_gateway_url" && gateway[0].1.contains("is no address such as"), "{gateway:?}");
    let faults = faults(json!({ "server_url": "jira.example", "client_key_path": "k.pem" }));
    let of = |field: &str| &faults.iter().find(|(known, _)| known == field).unwrap().1;
    assert_eq!(of("password"), "needed to log in: set `password` or the environment variable JIRA_PASSWORD");
    assert!(of("username").contains("JIRA_USERNAME") && of("server_url").contains("is no address such as"));
    assert!(of("client_key_path").contains("client_cert_path"));
    assert_eq!(faults.len(), 4);
}

#[test]
fn a_project_has_its_own_settings_by_key_or_by_name() {
    let config = completed(
        json!({
            "server_url": "https://x", "username": "u", "password": "p", "readonly": true,
            "projects": {
                "SHOP": { "readonly": false, "attributes": ["Team"], "enable_shared_auth": false },
                "Ticket Machine (TM)": { "defect_jql": "project = {project}" }
            }
        }),
        &[],
    )
    .unwrap();
    let shop = Project { id: "1".to_owned(), key: "SHOP".to_owned(), name: "Shop App (SHOP)".to_owned() };
    let tickets = Project { id: "2".to_owned(), key: "TM".to_owned(), name: "Ticket Machine (TM)".to_owned() };
    assert!(!config.readonly(&shop) && config.readonly(&tickets) && !config.never_writes());
    assert_eq!(config.attributes(&shop), ["Team"]);
    assert_eq!(config.attributes(&tickets), ["title", "status"]);
    assert_eq!(config.defect_jql(&tickets), "project = {project}");
    let ann = model::Login { username: "ann".to_owned(), password: Password::new("hers") };
    assert!(
        matches!(config.credentials_of(&shop, &ann), Some(Credentials::Basic { username, .. }) if username == "ann")
    );
    assert!(config.credentials_of(&tickets, &ann).is_none());
}
