//! From an operation's name and request bytes to a call of the author's trait and reply bytes.
//! Runs inside the plugin; knows nothing of FFI.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::client::DefectClient;
use crate::error::ClientError;
use crate::list::{ListWriter, unserialisable};
use crate::model::{BatchRequest, DefectRequest, Results, SyncContext, SyncRequest};
use crate::operation::{Operation, Request};

/// What an operation answered.
pub(crate) enum Reply {
    /// All of it, as JSON.
    Whole(Vec<u8>),
    /// Its first piece and the source of the others.
    Pieces(Vec<u8>, ListWriter),
}

pub(crate) fn dispatch<C: DefectClient>(client: &C, operation: &str, request: &[u8]) -> Result<Reply, ClientError> {
    let Some(operation) = Operation::from_name(operation) else {
        return Err(ClientError::NotSupported(format!(
            "the plugin does not know the operation `{operation}`: it was built for plugin-api {}, \
             the host is newer; rebuild the plugin",
            crate::VERSION
        )));
    };
    let call = Call { operation, request };
    match operation {
        Operation::CheckLogin => json(&client.check_login(call.envelope::<()>()?.project.as_deref())?),
        Operation::GetSettings => json(&client.get_settings()?),
        Operation::SupportsChangesTimestamps => {
            json(&client.supports_changes_timestamps(call.envelope::<()>()?.project.as_deref())?)
        }
        Operation::GetProjects => json(&client.get_projects()?),
        Operation::GetControlFields => json(&client.get_control_fields(call.envelope::<()>()?.project.as_deref())?),
        Operation::GetUserDefinedAttributes => {
            json(&client.get_user_defined_attributes(call.envelope::<()>()?.project.as_deref())?)
        }
        Operation::GetDefects => {
            let (project, context) = call.project_and_context()?;
            pieces(ListWriter::new(client.get_defects(&project, &context)?))
        }
        Operation::GetDefectsBatch => {
            let (project, _, batch) = call.project_and_body::<BatchRequest>()?;
            pieces(ListWriter::new(client.get_defects_batch(&project, &batch.defect_ids, &batch.sync_context)?))
        }
        Operation::GetDefectExtended => {
            let request = call.envelope::<SyncContext>()?;
            let (project, id) = (call.needed(request.project, "project")?, call.needed(request.defect_id, "defectId")?);
            json(&client.get_defect_extended(&project, &id, &request.body.unwrap_or_default())?)
        }
        Operation::CreateDefect => {
            let (project, _, create) = call.project_and_body::<DefectRequest>()?;
            json(&client.create_defect(&project, &create.defect, &create.sync_context)?)
        }
        Operation::UpdateDefect => {
            let (project, id, update) = call.project_and_body::<DefectRequest>()?;
            json(&client.update_defect(
                &project,
                &call.needed(id, "defectId")?,
                &update.defect,
                &update.sync_context,
            )?)
        }
        Operation::DeleteDefect => {
            let (project, id, delete) = call.project_and_body::<DefectRequest>()?;
            json(&client.delete_defect(
                &project,
                &call.needed(id, "defectId")?,
                &delete.defect,
                &delete.sync_context,
            )?)
        }
        Operation::BeforeSync => {
            let (project, _, sync) = call.project_and_body::<SyncRequest>()?;
            json(&client.before_sync(&project, sync.sync_type.as_deref(), &sync.sync_context)?)
        }
        Operation::AfterSync => {
            let (project, _, sync) = call.project_and_body::<SyncRequest>()?;
            json(&client.after_sync(&project, sync.sync_type.as_deref(), &sync.sync_context)?)
        }
        Operation::CorrectSyncResults => {
            let request = call.envelope::<Results>()?;
            let project = call.needed(request.project, "project")?;
            json(&client.correct_sync_results(&project, request.body.unwrap_or_default())?)
        }
        Operation::GetMetrics => json(&client.get_metrics()?),
    }
}

fn json<T: Serialize>(answer: &T) -> Result<Reply, ClientError> {
    serde_json::to_vec(answer).map(Reply::Whole).map_err(unserialisable)
}

/// The first piece is made before the host answers, so that an early error is still an error status.
fn pieces(mut writer: ListWriter) -> Result<Reply, ClientError> {
    let first = writer.next_piece()?;
    Ok(if writer.is_done() { Reply::Whole(first) } else { Reply::Pieces(first, writer) })
}

/// The request of one operation.
struct Call<'a> {
    operation: Operation,
    request: &'a [u8],
}

impl Call<'_> {
    /// The request as this version of the API knows it. The host checked it against the API document,
    /// so what cannot be read is a difference between the two sides' versions. The parser's own words
    /// may quote a value, which may be a secret: only the place is passed on.
    fn envelope<B: DeserializeOwned>(&self) -> Result<Request<B>, ClientError> {
        serde_json::from_slice(self.request).map_err(|error| {
            let (operation, column) = (self.operation.name(), error.column());
            ClientError::invalid_input(format!(
                "the plugin (plugin-api {}) cannot read the request of `{operation}`: byte {column}",
                crate::VERSION
            ))
        })
    }

    fn needed<T>(&self, value: Option<T>, name: &str) -> Result<T, ClientError> {
        value.ok_or_else(|| ClientError::invalid_input(format!("`{}` needs `{name}`", self.operation.name())))
    }

    fn project_and_context(&self) -> Result<(String, SyncContext), ClientError> {
        let request = self.envelope::<SyncContext>()?;
        Ok((self.needed(request.project, "project")?, request.body.unwrap_or_default()))
    }

    fn project_and_body<B: DeserializeOwned>(&self) -> Result<(String, Option<String>, B), ClientError> {
        let request = self.envelope::<B>()?;
        Ok((self.needed(request.project, "project")?, request.defect_id, self.needed(request.body, "body")?))
    }
}
