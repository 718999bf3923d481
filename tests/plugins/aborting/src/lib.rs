//! A plugin that panics when it is asked for its projects. The tests build it with `-C panic=abort`,
//! which [`defect_plugin_api::export_client`] refuses; so it takes the way around that.

use defect_plugin_api::model::{
    ControlFields, Defect, DefectWithAttributes, Protocol, ProtocolledDefectSet, ProtocolledString, Settings,
    SyncContext,
};
use defect_plugin_api::{ClientError, DefectClient, DefectList};

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct NoConfig {}

struct AbortingDefectClient;

fn not_here<T>() -> Result<T, ClientError> {
    Err(ClientError::forbidden("this plugin only aborts"))
}

impl DefectClient for AbortingDefectClient {
    type Config = NoConfig;

    fn new(NoConfig {}: NoConfig) -> Result<Self, ClientError> {
        Ok(Self)
    }
    fn get_settings(&self) -> Result<Settings, ClientError> {
        Ok(Settings { name: "Aborting".to_owned(), description: String::new(), readonly: true })
    }
    fn check_login(&self, _: Option<&str>) -> Result<bool, ClientError> {
        Ok(true)
    }
    fn get_projects(&self) -> Result<Vec<String>, ClientError> {
        panic!("told to panic, where a panic aborts")
    }
    fn get_control_fields(&self, _: Option<&str>) -> Result<ControlFields, ClientError> {
        Ok(ControlFields::new())
    }
    fn get_defects(&self, _: &str, _: &SyncContext) -> Result<DefectList, ClientError> {
        Ok(ProtocolledDefectSet::default().into())
    }
    fn get_defects_batch(&self, _: &str, _: &[String], _: &SyncContext) -> Result<DefectList, ClientError> {
        Ok(ProtocolledDefectSet::default().into())
    }
    fn get_defect_extended(&self, _: &str, _: &str, _: &SyncContext) -> Result<DefectWithAttributes, ClientError> {
        not_here()
    }
    fn create_defect(&self, _: &str, _: &Defect, _: &SyncContext) -> Result<ProtocolledString, ClientError> {
        not_here()
    }
    fn update_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
        not_here()
    }
    fn delete_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> {
        not_here()
    }
}

defect_plugin_api::__export_client_of_any_panic!(AbortingDefectClient);
