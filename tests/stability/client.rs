//! A client whose answers are always the same, behind the boundary as in a library, though in this
//! process. It panics when it is asked something else than what the frames ask.

use std::collections::BTreeMap;

use defect_plugin_api::__private::{Class, Library};
use defect_plugin_api::model::{
    ControlFields, Defect, DefectFieldSyncOption, DefectSyncOption, DefectWithAttributes, DefectWithId,
    DefectWithLocalPk, KnownDefect, LocalSyncActions, Login, Metric, Password, Protocol, ProtocolCode, ProtocolEntry,
    ProtocolledDefectSet, ProtocolledString, RemoteSyncActions, Results, Settings, SyncContext, UserDefinedAttribute,
    UserDefinedField, ValueType,
};
use defect_plugin_api::{ClientError, DefectClient, DefectList, FieldError, ListProtocol};

/// The project that the frames ask for.
pub(crate) const PROJECT: &str = "Shop App (SHOP) – \"ümläut\"";
/// The defect that they ask for.
pub(crate) const ID: &str = "SHOP-1";
/// A project whose list of defects is so long that it comes in several pieces.
pub(crate) const LONG: &str = "long";
/// A project whose list of defects fails after its first piece.
pub(crate) const BROKEN: &str = "broken";
/// The secret in every request. In no answer.
pub(crate) const SECRET: &str = "hunter2";

/// How many defects [`LONG`] has, and how long the description of each is: a piece has room for three.
const LONG_COUNT: usize = 5;
const LONG_TEXT: usize = 14_000;

/// The client's configuration.
#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GoldenConfig {
    /// A key that the constructor refuses.
    #[serde(default)]
    refused: Option<String>,
}

pub(crate) struct GoldenClient;

/// The library that the client is in.
pub(crate) struct GoldenLibrary;

impl Library for GoldenLibrary {
    const PLUGIN: &'static str = "golden_defect_client";
    const VERSION: &'static str = "1.2.3";
    const CLASSES: &'static [Class] = &[Class::of::<GoldenClient>("GoldenClient")];
}

pub(crate) fn context() -> SyncContext {
    let time = |text: &str| Some(text.parse().unwrap());
    SyncContext {
        itb_project: Some("TestBench".to_owned()),
        last_sync: time("2026-01-31T12:00:00.123456+01:00"),
        status_attribute: Some("status".to_owned()),
        status_sync_option: Some(DefectFieldSyncOption::Itb),
        priority_sync_option: Some(DefectFieldSyncOption::Dms),
        class_sync_option: Some(DefectFieldSyncOption::Timestamp),
        server_time: time("2026-01-31T11:00:00Z"),
        uda_sync_options: Some(BTreeMap::from([("Component".to_owned(), DefectFieldSyncOption::Dms)])),
        sync_option: Some(DefectSyncOption::ForceUpdate),
        import_new_defects: Some(true),
        ..SyncContext::default()
    }
}

/// A defect as a request has it, with the [`SECRET`].
pub(crate) fn defect() -> Defect {
    Defect {
        title: Some("It \"falls\" over".to_owned()),
        description: Some("Line one\nline two \u{1f41e}".to_owned()),
        reporter: None,
        status: "open".to_owned(),
        classification: "bug".to_owned(),
        priority: "high".to_owned(),
        user_defined_fields: vec![UserDefinedField {
            name: "Component".to_owned(),
            value: None,
            must_field: Some(true),
        }],
        last_edited: "2026-01-31T12:00:00.123456+01:00".parse().unwrap(),
        references: vec!["https://example.org/1".to_owned()],
        principal: Login { username: "ann".to_owned(), password: Password::new(SECRET) },
    }
}

/// The same as an answer has it.
pub(crate) fn answered() -> Defect {
    Defect { principal: Login { username: "ann".to_owned(), password: Password::default() }, ..defect() }
}

/// A protocol that has something everywhere.
pub(crate) fn protocol() -> Protocol {
    let mut protocol = Protocol::of_success(ID, ProtocolCode::UpdateSuccess, "changed");
    protocol.add_warning(ID, ProtocolCode::ImportWarning, "look at it");
    protocol.add_error("SHOP-2", ProtocolCode::DefectNotFound, "no defect `SHOP-2`");
    protocol.add_general_warning(ProtocolCode::InsertWarning, "slow");
    protocol.add_general_error(ProtocolCode::PublishError, "full");
    protocol
}

pub(crate) fn settings() -> Settings {
    Settings { name: "Golden".to_owned(), description: "Always the same".to_owned(), readonly: false }
}

pub(crate) fn control_fields() -> ControlFields {
    ControlFields::from([("status".to_owned(), vec!["open".to_owned(), "closed".to_owned()])])
}

pub(crate) fn attributes() -> Vec<UserDefinedAttribute> {
    vec![UserDefinedAttribute {
        name: "Component".to_owned(),
        value_type: ValueType::String,
        must_field: Some(true),
        last_edited: Some("2026-01-31T12:00:00Z".parse().unwrap()),
        string_value: Some("Shop".to_owned()),
        boolean_value: None,
    }]
}

pub(crate) fn defects() -> ProtocolledDefectSet {
    ProtocolledDefectSet { value: vec![DefectWithId { defect: answered(), id: ID.to_owned() }], protocol: protocol() }
}

pub(crate) fn extended() -> DefectWithAttributes {
    let attributes = BTreeMap::from([("status".to_owned(), "open".to_owned())]);
    DefectWithAttributes { defect: answered(), id: ID.to_owned(), attributes }
}

pub(crate) fn created() -> ProtocolledString {
    ProtocolledString { value: Some(ID.to_owned()), protocol: protocol() }
}

/// What a synchronisation plans, as a request (with the secret) or as an answer has it.
pub(crate) fn results(defect: &Defect) -> Results {
    let known = KnownDefect { defect: defect.clone(), id: ID.to_owned(), local_pk: "7".to_owned() };
    let with_id = DefectWithId { defect: defect.clone(), id: ID.to_owned() };
    let local = DefectWithLocalPk { defect: defect.clone(), local_pk: "7".to_owned() };
    Results {
        local: Some(LocalSyncActions { delete: None, update: Some(vec![known.clone()]), create: Some(vec![with_id]) }),
        remote: Some(RemoteSyncActions { delete: Some(vec![known]), update: None, create: Some(vec![local]) }),
    }
}

pub(crate) fn long_list() -> DefectList {
    let defects = (0..LONG_COUNT).map(|number| {
        Ok(DefectWithId {
            defect: Defect { description: Some("x".repeat(LONG_TEXT)), ..answered() },
            id: format!("LONG-{number}"),
        })
    });
    DefectList::streamed(defects, || {
        let entry = |number| (format!("LONG-{number}"), ProtocolEntry::new(ProtocolCode::ImportSuccess, "read"));
        ListProtocol::streamed((0..LONG_COUNT).map(entry), protocol())
    })
}

/// Fails when the project is the name of a kind of error.
fn fail(project: &str) -> Result<(), ClientError> {
    let said = format!("told to fail: {project}");
    match project {
        "not_found" => Err(ClientError::not_found(said)),
        "forbidden" => Err(ClientError::forbidden(said)),
        "unauthorized" => Err(ClientError::unauthorized(said)),
        "invalid_input" => Err(ClientError::invalid_input(said)),
        "invalid_fields" => Err(ClientError::invalid_fields(vec![
            FieldError::new("defect.status", said),
            FieldError { field: None, message: "as a whole".to_owned() },
        ])),
        "unavailable" => Err(ClientError::unavailable(said)),
        "internal" => Err(ClientError::internal(said)),
        "not_supported" => Err(ClientError::NotSupported(said)),
        "panicked" => panic!("{said}"),
        _ => Ok(()),
    }
}

pub(crate) fn metrics() -> Vec<Metric> {
    let bytes = |file: &str, value| Metric::gauge("file_bytes", "Bytes of a file.", value).with("file", file);
    vec![bytes("a \"b\"", 1_000_000), bytes("", 0), Metric::counter("writes_total", "Changes made.", 3)]
}

impl DefectClient for GoldenClient {
    type Config = GoldenConfig;

    fn new(config: GoldenConfig) -> Result<Self, ClientError> {
        match config.refused {
            None => Ok(Self),
            Some(_) => Err(ClientError::invalid_fields(vec![FieldError::new("refused", "told to refuse it")])),
        }
    }

    fn get_settings(&self) -> Result<Settings, ClientError> {
        Ok(settings())
    }

    fn check_login(&self, project: Option<&str>) -> Result<bool, ClientError> {
        fail(project.unwrap_or_default())?;
        assert_eq!(project, None);
        Ok(true)
    }

    fn supports_changes_timestamps(&self, project: Option<&str>) -> Result<bool, ClientError> {
        assert_eq!(project, Some(PROJECT));
        Ok(true)
    }

    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        Ok(vec![PROJECT.to_owned(), LONG.to_owned()])
    }

    fn get_control_fields(&self, project: Option<&str>) -> Result<ControlFields, ClientError> {
        assert_eq!(project, Some(PROJECT));
        Ok(control_fields())
    }

    fn get_user_defined_attributes(&self, project: Option<&str>) -> Result<Vec<UserDefinedAttribute>, ClientError> {
        assert_eq!(project, Some(PROJECT));
        Ok(attributes())
    }

    fn get_defects(&self, project: &str, asked: &SyncContext) -> Result<DefectList, ClientError> {
        match project {
            LONG => return Ok(long_list()),
            BROKEN => {
                let three = (0..3).map(|_| DefectWithId {
                    defect: Defect { description: Some("x".repeat(LONG_TEXT)), ..answered() },
                    id: ID.to_owned(),
                });
                let late = std::iter::once(Err(ClientError::unavailable("gone in the middle")));
                return Ok(DefectList::streamed(three.map(Ok).chain(late), Protocol::default));
            }
            _ => assert_eq!((project, asked), (PROJECT, &context())),
        }
        Ok(defects().into())
    }

    fn get_defects_batch(&self, project: &str, ids: &[String], asked: &SyncContext) -> Result<DefectList, ClientError> {
        assert_eq!((project, asked), (PROJECT, &context()));
        assert_eq!(ids, [ID, "SHOP-2"]);
        Ok(defects().into())
    }

    fn get_defect_extended(
        &self,
        project: &str,
        id: &str,
        asked: &SyncContext,
    ) -> Result<DefectWithAttributes, ClientError> {
        assert_eq!((project, id, asked), (PROJECT, ID, &context()));
        Ok(extended())
    }

    fn create_defect(
        &self,
        project: &str,
        new: &Defect,
        asked: &SyncContext,
    ) -> Result<ProtocolledString, ClientError> {
        assert_eq!((project, new, asked), (PROJECT, &defect(), &context()));
        Ok(created())
    }

    fn update_defect(
        &self,
        project: &str,
        id: &str,
        new: &Defect,
        asked: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        assert_eq!((project, id, new, asked), (PROJECT, ID, &defect(), &context()));
        Ok(protocol())
    }

    fn delete_defect(
        &self,
        project: &str,
        id: &str,
        old: &Defect,
        asked: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        assert_eq!((project, id, old, asked), (PROJECT, ID, &defect(), &context()));
        Ok(protocol())
    }

    fn before_sync(
        &self,
        project: &str,
        sync_type: Option<&str>,
        asked: &SyncContext,
    ) -> Result<Protocol, ClientError> {
        assert_eq!((project, sync_type, asked), (PROJECT, Some("manual"), &context()));
        Ok(protocol())
    }

    fn after_sync(&self, project: &str, sync_type: Option<&str>, asked: &SyncContext) -> Result<Protocol, ClientError> {
        assert_eq!((project, sync_type, asked), (PROJECT, None, &SyncContext::default()));
        Ok(protocol())
    }

    fn correct_sync_results(&self, project: &str, planned: Results) -> Result<Results, ClientError> {
        assert_eq!((project, &planned), (PROJECT, &results(&defect())));
        Ok(planned)
    }

    fn get_metrics(&self) -> Result<Vec<Metric>, ClientError> {
        Ok(metrics())
    }
}
