//! The client as the host calls it. `cargo test` needs no host.

use defect_plugin_api::conformance::{self, ScratchProject};
use defect_plugin_api::model::Login;

use super::*;

fn config(projects: &[&str], readonly: bool) -> MyTrackerConfig {
    MyTrackerConfig {
        projects: projects.iter().map(|name| name.to_string()).collect(),
        token: Password::new("secret"),
        readonly,
    }
}

fn client(readonly: bool) -> MyTrackerDefectClient {
    MyTrackerDefectClient::new(config(&["Scratch"], readonly)).unwrap()
}

fn defect(title: &str) -> Defect {
    Defect {
        title: Some(title.to_owned()),
        description: None,
        reporter: None,
        status: "open".to_owned(),
        classification: "bug".to_owned(),
        priority: "high".to_owned(),
        user_defined_fields: Vec::new(),
        last_edited: "2026-01-31T12:00:00.123456+01:00".parse().unwrap(),
        references: Vec::new(),
        principal: Login {
            username: "ann".to_owned(),
            password: Password::new("secret"),
        },
    }
}

fn list(client: &MyTrackerDefectClient) -> Vec<DefectWithId> {
    let list = client.get_defects("Scratch", &SyncContext::default());
    list.unwrap().collect().unwrap().value
}

fn create(client: &MyTrackerDefectClient, title: &str) -> String {
    let created = client.create_defect("Scratch", &defect(title), &SyncContext::default());
    created.unwrap().value.unwrap()
}

/// Some sixty checks of what every client has to keep; `ScratchProject` can leave out what your
/// tracker cannot do.
#[test]
fn the_client_keeps_the_contract() {
    conformance::check(&client(false), &ScratchProject::new("Scratch")).assert_passed();
    conformance::check_read_only(&client(true), &ScratchProject::new("Scratch")).assert_passed();
}

#[test]
fn a_defect_is_created_changed_and_deleted() {
    let (client, context) = (client(false), SyncContext::default());
    let id = create(&client, "first");
    let listed = list(&client);
    assert_eq!((&listed[0].id, &listed[0].defect), (&id, &defect("first")));

    let update = client.update_defect("Scratch", &id, &defect("second"), &context);
    assert!(update.unwrap().successes.contains_key("Scratch"));
    let extended = client.get_defect_extended("Scratch", &id, &context);
    assert_eq!(extended.unwrap().defect, defect("second"));

    let delete = client.delete_defect("Scratch", &id, &defect("second"), &context);
    assert!(delete.unwrap().successes.contains_key("Scratch"));
    assert_eq!(list(&client), []);
    assert_ne!(create(&client, "third"), id, "an id is not given twice");
}

#[test]
fn a_defect_that_is_gone_is_said_in_the_protocol() {
    let (client, context) = (client(false), SyncContext::default());
    let batch = client.get_defects_batch("Scratch", &["D-9".to_owned()], &context);
    let warnings = batch.unwrap().collect().unwrap().protocol.warnings;
    assert_eq!(warnings["D-9"][0].code, ProtocolCode::DefectNotFound);

    let update = client.update_defect("Scratch", "D-9", &defect("new"), &context);
    let errors = update.unwrap().general_errors;
    assert_eq!(errors[0].code, ProtocolCode::DefectNotFound);

    let delete = client.delete_defect("Scratch", "D-9", &defect("new"), &context);
    let errors = delete.unwrap().general_errors;
    assert_eq!(errors[0].code, ProtocolCode::NoDefectFound);

    let extended = client.get_defect_extended("Scratch", "D-9", &context);
    assert!(matches!(extended, Err(ClientError::NotFound(_))));
}

#[test]
fn a_project_that_is_unknown_is_not_found() {
    let refused = client(false).get_defects("Elsewhere", &SyncContext::default());
    assert!(matches!(refused, Err(ClientError::NotFound(_))));
}

#[test]
fn a_tracker_that_is_read_only_refuses_every_change() {
    let (client, context) = (client(true), SyncContext::default());
    let new = defect("new");
    let created = client.create_defect("Scratch", &new, &context);
    assert!(matches!(created, Err(ClientError::Forbidden(_))));
    let updated = client.update_defect("Scratch", "D-1", &new, &context);
    assert!(matches!(updated, Err(ClientError::Forbidden(_))));
    let deleted = client.delete_defect("Scratch", "D-1", &new, &context);
    assert!(matches!(deleted, Err(ClientError::Forbidden(_))));
}

#[test]
fn a_configuration_without_projects_is_refused_with_the_field() {
    let refused = MyTrackerDefectClient::new(config(&[], false));
    let Err(ClientError::InvalidInput { fields, .. }) = refused else {
        panic!("it is accepted");
    };
    assert_eq!(fields[0].field.as_deref(), Some("projects"));
}
