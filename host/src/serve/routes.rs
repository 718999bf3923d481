//! The API's endpoints: check, call, hand the answer on.

use std::borrow::Cow;
use std::marker::PhantomData;

use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with, put_with};
use aide::generate::GenContext;
use aide::openapi::{Operation as DocumentedOperation, Response as DocumentedResponse, StatusCode as DocumentedStatus};
use aide::operation::{OperationInput, OperationOutput, ParamLocation, add_parameters, parameters_from_schema};
use aide::transform::TransformOperation;
use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use defect_plugin_api::Operation;
use defect_plugin_api::model::{
    BatchRequest, ControlFields, DefectRequest, DefectWithAttributes, Protocol, ProtocolledDefectSet,
    ProtocolledString, Results, Settings, SyncContext, SyncRequest, UserDefinedAttribute,
};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::body::{Checked, Optional, Required};
use super::error::ApiError;
use super::{Api, backend};

/// The API's routes, with what the document says of them.
pub(super) fn router() -> ApiRouter<Api> {
    ApiRouter::new()
        .api_route("/check-login", get_with(check_login, doc("Whether the tracker accepts the service's login")))
        .api_route(
            "/settings",
            get_with(settings, |op| open(op.summary("Name, description and read-only flag of the tracker"))),
        )
        .api_route(
            "/supports-changes-timestamps",
            get_with(supports_changes_timestamps, doc("Whether the tracker knows when a defect changed")),
        )
        .api_route("/projects", get_with(projects, doc("All projects")))
        .api_route(
            "/projects/control-fields",
            get_with(control_fields, doc("Fields and the values that they may have")),
        )
        .api_route("/projects/udfs", get_with(user_defined_attributes, doc("The tracker's user-defined fields")))
        .api_route("/projects/{project}/defects", post_with(defects, doc("All defects of a project")))
        .api_route("/projects/{project}/defects/batch", post_with(defects_batch, doc("Defects by their ids")))
        .api_route("/projects/{project}/defects/create", post_with(create, doc("Create a defect")))
        .api_route(
            "/projects/{project}/defects/correct",
            post_with(correct, doc("Leave out of a synchronisation what the tracker would refuse")),
        )
        .api_route("/projects/{project}/defects/{defectId}/update", put_with(update, doc("Change a defect")))
        .api_route("/projects/{project}/defects/{defectId}/delete", post_with(delete, doc("Delete a defect")))
        .api_route(
            "/projects/{project}/defects/{defectId}/extended",
            post_with(extended, doc("A defect with the tracker's attributes")),
        )
        .api_route(
            "/projects/{project}/sync/before",
            post_with(before_sync, doc("A synchronisation is about to begin")),
        )
        .api_route("/projects/{project}/sync/after", post_with(after_sync, doc("A synchronisation has ended")))
}

/// The document's words for a route; parameters, bodies and answers come from its handler.
fn doc(summary: &'static str) -> impl FnOnce(TransformOperation<'_>) -> TransformOperation<'_> {
    move |op| op.summary(summary)
}

/// Needs no credentials: an empty requirement overrides the document's general one.
fn open(mut op: TransformOperation<'_>) -> TransformOperation<'_> {
    op.inner_mut().security = vec![IndexMap::default()];
    op
}

async fn check_login(State(api): State<Api>, of: OfProject) -> Result<Reply<bool>, ApiError> {
    api.call(Operation::CheckLogin, of.project).await
}

async fn settings(State(api): State<Api>) -> Result<Reply<Settings>, ApiError> {
    api.settings().await.map(|settings| Reply(Body::from(settings), PhantomData))
}

async fn supports_changes_timestamps(State(api): State<Api>, of: OfProject) -> Result<Reply<bool>, ApiError> {
    api.call(Operation::SupportsChangesTimestamps, of.project).await
}

async fn projects(State(api): State<Api>) -> Result<Reply<Vec<String>>, ApiError> {
    api.call(Operation::GetProjects, None).await
}

async fn control_fields(State(api): State<Api>, of: OfProject) -> Result<Reply<ControlFields>, ApiError> {
    api.call(Operation::GetControlFields, of.project).await
}

async fn user_defined_attributes(
    State(api): State<Api>,
    of: OfProject,
) -> Result<Reply<Vec<UserDefinedAttribute>>, ApiError> {
    api.call(Operation::GetUserDefinedAttributes, of.project).await
}

async fn defects(
    State(api): State<Api>,
    InPath(Project { project }): InPath<Project>,
    body: Optional<SyncContext>,
) -> Result<Reply<ProtocolledDefectSet>, ApiError> {
    api.call_with(Operation::GetDefects, project, None, || body.check()).await
}

async fn defects_batch(
    State(api): State<Api>,
    InPath(Project { project }): InPath<Project>,
    body: Required<BatchRequest>,
) -> Result<Reply<ProtocolledDefectSet>, ApiError> {
    api.call_with(Operation::GetDefectsBatch, project, None, || body.check().map(Some)).await
}

async fn create(
    State(api): State<Api>,
    InPath(Project { project }): InPath<Project>,
    body: Required<DefectRequest>,
) -> Result<Reply<ProtocolledString>, ApiError> {
    api.call_with(Operation::CreateDefect, project, None, || body.check().map(Some)).await
}

async fn correct(
    State(api): State<Api>,
    InPath(Project { project }): InPath<Project>,
    body: Optional<Results>,
) -> Result<Reply<Results>, ApiError> {
    api.call_with(Operation::CorrectSyncResults, project, None, || body.check()).await
}

async fn update(
    State(api): State<Api>,
    InPath(Defect { project, defect_id }): InPath<Defect>,
    body: Required<DefectRequest>,
) -> Result<Reply<Protocol>, ApiError> {
    api.call_with(Operation::UpdateDefect, project, Some(defect_id), || body.check().map(Some)).await
}

async fn delete(
    State(api): State<Api>,
    InPath(Defect { project, defect_id }): InPath<Defect>,
    body: Required<DefectRequest>,
) -> Result<Reply<Protocol>, ApiError> {
    api.call_with(Operation::DeleteDefect, project, Some(defect_id), || body.check().map(Some)).await
}

async fn extended(
    State(api): State<Api>,
    InPath(Defect { project, defect_id }): InPath<Defect>,
    body: Optional<SyncContext>,
) -> Result<Reply<DefectWithAttributes>, ApiError> {
    api.call_with(Operation::GetDefectExtended, project, Some(defect_id), || body.check()).await
}

async fn before_sync(
    State(api): State<Api>,
    InPath(Project { project }): InPath<Project>,
    body: Required<SyncRequest>,
) -> Result<Reply<Protocol>, ApiError> {
    api.call_with(Operation::BeforeSync, project, None, || body.check().map(Some)).await
}

async fn after_sync(
    State(api): State<Api>,
    InPath(Project { project }): InPath<Project>,
    body: Required<SyncRequest>,
) -> Result<Reply<Protocol>, ApiError> {
    api.call_with(Operation::AfterSync, project, None, || body.check().map(Some)).await
}

impl Api {
    async fn call<T>(&self, operation: Operation, project: Option<String>) -> Result<Reply<T>, ApiError> {
        let request = move || envelope(project, None, None);
        self.backend().call(operation, request).await.map(Reply::from)
    }

    async fn call_with<T>(
        &self,
        operation: Operation,
        project: String,
        defect_id: Option<String>,
        body: impl FnOnce() -> Result<Option<Checked>, ApiError> + Send + 'static,
    ) -> Result<Reply<T>, ApiError> {
        let request = move || envelope(Some(project), defect_id, body()?);
        self.backend().call(operation, request).await.map(Reply::from)
    }
}

/// A [`Request`](defect_plugin_api::Request) around a body that goes on as it came.
fn envelope(project: Option<String>, defect_id: Option<String>, body: Option<Checked>) -> Result<Vec<u8>, ApiError> {
    let unwritable = |error: serde_json::Error| {
        tracing::error!("a request cannot be handed to the plugin: {:?}", error.classify());
        ApiError::Host
    };
    let body = body.as_ref().map(|body| serde_json::from_slice::<&RawValue>(body.json())).transpose();
    let request = defect_plugin_api::Request { project, defect_id, body: body.map_err(unwritable)? };
    serde_json::to_vec(&request).map_err(unwritable)
}

/// A plugin's answer, which is a `T` in JSON, passed on as it is.
struct Reply<T>(Body, PhantomData<fn() -> T>);

impl<T> From<backend::Reply> for Reply<T> {
    fn from(reply: backend::Reply) -> Self {
        Self(reply.into_body(), PhantomData)
    }
}

impl<T> IntoResponse for Reply<T> {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

impl<T: JsonSchema> OperationOutput for Reply<T> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, operation: &mut DocumentedOperation) -> Option<DocumentedResponse> {
        Json::<T>::operation_response(ctx, operation)
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut DocumentedOperation,
    ) -> Vec<(Option<DocumentedStatus>, DocumentedResponse)> {
        Json::<T>::inferred_responses(ctx, operation)
    }
}

/// A project of the path.
#[derive(Deserialize, JsonSchema)]
struct Project {
    /// A project as `/projects` names it.
    project: String,
}

/// A defect of the path.
#[derive(Deserialize, JsonSchema)]
struct Defect {
    /// A project as `/projects` names it.
    project: String,
    /// The tracker's id of the defect.
    #[serde(rename = "defectId")]
    defect_id: String,
}

/// The query of the endpoints that are about one project or the tracker as a whole.
#[derive(Serialize, Deserialize, JsonSchema)]
struct OfProject {
    /// A project as `/projects` names it; none for the tracker as a whole.
    #[serde(default)]
    project: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for OfProject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<Vec<(Cow<'static, str>, String)>>::from_request_parts(parts, state).await;
        let Query(query) = query.map_err(|error| ApiError::BadRequest(error.body_text()))?;
        // The first one counts and an empty one is none, as with the reference service.
        let project = query.into_iter().find(|(key, _)| key == "project").map(|(_, project)| project);
        Ok(Self { project: project.filter(|project| !project.is_empty()) })
    }
}

impl OperationInput for OfProject {
    fn operation_input(ctx: &mut GenContext, operation: &mut DocumentedOperation) {
        let schema = ctx.schema.subschema_for::<Self>();
        let parameters = parameters_from_schema(ctx, schema, ParamLocation::Query);
        add_parameters(ctx, operation, parameters);
    }
}

/// The path's parameters, whose faults are answered like any other.
struct InPath<T>(T);

impl<T: serde::de::DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(path)| Self(path)).map_err(|error| ApiError::BadRequest(error.body_text()))
    }
}

impl<T: JsonSchema> OperationInput for InPath<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut DocumentedOperation) {
        Path::<T>::operation_input(ctx, operation);
    }
}
