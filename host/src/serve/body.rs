//! Request bodies: read after the credentials were checked, whatever their Content-Type says, and
//! checked against the API document before the plugin sees them.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation as DocumentedOperation, ReferenceOr, RequestBody, SchemaObject};
use aide::operation::OperationInput;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_LENGTH;
use defect_plugin_api::FieldError;
use defect_plugin_api::model::{OFFSET_REQUIRED, Timestamp};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use indexmap::IndexMap;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{Keyword, ValidationError, Validator};
use schemars::JsonSchema;
use serde_json::Value;
use tokio::time::timeout;
use tower_http::timeout::{TimeoutBody, TimeoutError};

use super::error::ApiError;

/// Largest body that is read. (The reference service takes 100 MB; its largest real requests, the
/// corrections of a synchronisation, stay far below either.)
pub const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;

/// How long a body may stand still.
const BODY_PAUSE: Duration = Duration::from_secs(30);

/// How long all of it may take, so that one byte now and then does not keep a connection: the largest body at a
/// megabit a second.
const BODY_TIME: Duration = Duration::from_secs(10 * 60);

/// A JSON body that must be there, not checked yet: see [`Checked`].
pub(super) struct Required<T>(Bytes, PhantomData<fn() -> T>);

/// A JSON body that may be absent or `null`, not checked yet.
pub(super) struct Optional<T>(Bytes, PhantomData<fn() -> T>);

/// Bytes that are a `T` in JSON.
pub(super) struct Checked(Bytes);

impl Checked {
    /// The JSON as it was sent.
    #[must_use]
    pub(super) fn json(&self) -> &[u8] {
        &self.0
    }
}

impl<T: JsonSchema + 'static> Required<T> {
    /// Checks the body. Takes time that grows with it: not for the async threads.
    ///
    /// # Errors
    /// [`ApiError::BadRequest`] when it is no JSON, [`ApiError::Invalid`] with every field at fault.
    pub(super) fn check(self) -> Result<Checked, ApiError> {
        if is_absent(&self.0) {
            return Err(ApiError::BadRequest("Missing request body. Request body must be valid JSON.".to_owned()));
        }
        check::<T>(self.0)
    }
}

impl<T: JsonSchema + 'static> Optional<T> {
    /// Checks the body when there is one. Takes time that grows with it.
    ///
    /// # Errors
    /// As [`Required::check`], but for an absent body.
    pub(super) fn check(self) -> Result<Option<Checked>, ApiError> {
        if is_absent(&self.0) { Ok(None) } else { check::<T>(self.0).map(Some) }
    }
}

fn is_absent(body: &[u8]) -> bool {
    // `()` is `null` in JSON. White space alone is no JSON and not absent either.
    body.is_empty() || serde_json::from_slice::<()>(body).is_ok()
}

/// By the schema and not by the type alone: serde's derived types also accept lists for objects, and
/// stop at the first fault.
fn check<T: JsonSchema + 'static>(body: Bytes) -> Result<Checked, ApiError> {
    let value: Value = serde_json::from_slice(&body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::BadRequest(format!("Failed when parsing body as json: line {line}, column {column}"))
    })?;
    let validator = validator::<T>();
    if validator.is_valid(&value) {
        return Ok(Checked(body));
    }
    Err(ApiError::Invalid(faults(&validator, &value)))
}

/// The validator of a type's schema, made once.
fn validator<T: JsonSchema + 'static>() -> Arc<Validator> {
    static MADE: RwLock<BTreeMap<TypeId, Arc<Validator>>> = RwLock::new(BTreeMap::new());
    if let Some(validator) = MADE.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()) {
        return Arc::clone(validator);
    }
    let schema = Value::from(schemars::schema_for!(T));
    #[expect(clippy::expect_used, reason = "the schemas are those of this project's own types; a test makes them all")]
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_format("date-time", |text: &str| Timestamp::parse_or_utc(text).is_ok())
        .with_keyword(OFFSET_REQUIRED, |_, _, _| Ok(Box::new(WithOffset)))
        .build(&schema)
        .expect("the API's own schema is valid");
    let validator = Arc::new(validator);
    MADE.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), Arc::clone(&validator));
    validator
}

/// The schema keyword of instants whose offset must be there.
struct WithOffset;

impl<'i> Keyword<'i> for WithOffset {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) { Ok(()) } else { Err(ValidationError::custom("the offset is missing")) }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        // What is no date-time at all is the format's fault already.
        instance.as_str().is_none_or(|text| Timestamp::parse_or_utc(text).is_err() || text.parse::<Timestamp>().is_ok())
    }
}

/// Everything that is wrong with a value, in the reference service's words. Values are never quoted:
/// a password may be at fault.
fn faults(validator: &Validator, value: &Value) -> Vec<FieldError> {
    let mut faults = Vec::new();
    for error in validator.iter_errors(value) {
        collect(&error, &mut faults);
    }
    faults
}

fn collect(error: &ValidationError<'_>, faults: &mut Vec<FieldError>) {
    let path = dotted(error.instance_path());
    let said = match error.kind() {
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            let path = if path.is_empty() { property.to_owned() } else { format!("{path}.{property}") };
            let message = format!("Missing required field '{path}'");
            faults.push(FieldError::new(path, message));
            return;
        }
        // An optional part: what is wrong with it when it is not `null`.
        ValidationErrorKind::AnyOf { context } if context.len() == 2 => {
            for inner in &context[0] {
                collect(inner, faults);
            }
            return;
        }
        ValidationErrorKind::Type { kind } => format!("expected {}", expected(kind)),
        ValidationErrorKind::Enum { options } => format!("expected one of {}", list(options)),
        // An enum whose values are documented one by one.
        ValidationErrorKind::OneOfNotValid { context } => match constants(context) {
            Some(values) => format!("expected one of {}", values.join(", ")),
            None => "does not fulfil `oneOf`".to_owned(),
        },
        ValidationErrorKind::Format { format } if format == "date-time" => {
            "expected an RFC 3339 date-time such as 2026-01-31T12:00:00+01:00".to_owned()
        }
        ValidationErrorKind::Custom { .. } => "the date-time needs an offset such as Z or +01:00".to_owned(),
        other => format!("does not fulfil `{}`", other.keyword()),
    };
    faults.push(if path.is_empty() {
        FieldError { field: None, message: format!("Invalid body: {said}") }
    } else {
        let message = format!("Invalid value for '{path}': {said}");
        FieldError::new(path, message)
    });
}

fn dotted(path: &Location) -> String {
    let segments = path.iter().map(|segment| match segment {
        LocationSegment::Property(name) => name.to_string(),
        LocationSegment::Index(index) => index.to_string(),
    });
    segments.collect::<Vec<_>>().join(".")
}

fn expected(kind: &TypeKind) -> String {
    let names: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(several) => several.iter().map(|one| one.to_string()).collect(),
    };
    names.join(" or ")
}

fn list(options: &Value) -> String {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    options.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// The values of alternatives that are one value each.
fn constants(alternatives: &[Vec<ValidationError<'_>>]) -> Option<Vec<String>> {
    let constant = |errors: &Vec<ValidationError<'_>>| {
        errors.iter().find_map(|error| match error.kind() {
            ValidationErrorKind::Constant { expected_value } => Some(text(expected_value)),
            _ => None,
        })
    };
    alternatives.iter().map(constant).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn read(request: Request) -> Result<Bytes, ApiError> {
    // By what it says of itself: the caller still listens, and nothing was sent in vain.
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > MAX_BODY_BYTES as u64) {
        return Err(ApiError::TooLarge(MAX_BODY_BYTES));
    }
    let body = Limited::new(TimeoutBody::new(BODY_PAUSE, request.into_body()), MAX_BODY_BYTES);
    let collected = match timeout(BODY_TIME, Box::pin(body).collect()).await {
        Ok(collected) => collected,
        Err(_) => return Err(ApiError::SlowBody),
    };
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(MAX_BODY_BYTES)),
        Err(error) if chain_has::<TimeoutError>(error.as_ref()) => Err(ApiError::SlowBody),
        Err(error) => Err(ApiError::BadRequest(format!("the body broke off: {error}"))),
    }
}

fn chain_has<E: std::error::Error + 'static>(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<E>() || error.source().is_some_and(chain_has::<E>)
}

impl<T, S: Sync> FromRequest<S> for Required<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Ok(Self(read(request).await?, PhantomData))
    }
}

impl<T, S: Sync> FromRequest<S> for Optional<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        Ok(Self(read(request).await?, PhantomData))
    }
}

fn document<T: JsonSchema>(ctx: &mut GenContext, operation: &mut DocumentedOperation, required: bool) {
    let json_schema = ctx.schema.subschema_for::<T>();
    let schema = Some(SchemaObject { json_schema, example: None, external_docs: None });
    let content = IndexMap::from_iter([("application/json".to_owned(), MediaType { schema, ..MediaType::default() })]);
    operation.request_body = Some(ReferenceOr::Item(RequestBody { content, required, ..RequestBody::default() }));
}

impl<T: JsonSchema> OperationInput for Required<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut DocumentedOperation) {
        document::<T>(ctx, operation, true);
    }
}

impl<T: JsonSchema> OperationInput for Optional<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut DocumentedOperation) {
        // `null` is taken for an absent body: the document says so too.
        document::<Option<T>>(ctx, operation, false);
    }
}

#[cfg(test)]
mod tests {
    use defect_plugin_api::model::{BatchRequest, DefectRequest, Results, SyncContext, SyncRequest};
    use futures_util::StreamExt;

    use super::*;

    /// The clock stands still while anything can happen, and jumps to the next moment that is waited for.
    #[tokio::test(start_paused = true)]
    async fn a_body_may_neither_stand_still_nor_drip_for_ever() {
        let after = async |pause: u64| {
            let begun = tokio::time::Instant::now();
            let drops = futures_util::stream::repeat(()).then(move |()| async move {
                tokio::time::sleep(Duration::from_secs(pause)).await;
                Ok::<_, std::io::Error>(Bytes::from_static(b" "))
            });
            let request = Request::new(axum::body::Body::from_stream(drops));
            assert_eq!(read(request).await, Err(ApiError::SlowBody));
            begun.elapsed()
        };
        assert_eq!(after(31).await, BODY_PAUSE);
        assert_eq!(after(29).await, BODY_TIME);
    }

    fn refused<T: JsonSchema + 'static>(body: &str) -> Vec<(String, String)> {
        match check::<T>(Bytes::copy_from_slice(body.as_bytes())) {
            Err(ApiError::Invalid(fields)) => {
                fields.into_iter().map(|field| (field.field.unwrap_or_default(), field.message)).collect()
            }
            Err(other) => vec![(String::new(), other.to_string())],
            Ok(_) => Vec::new(),
        }
    }

    fn fields<T: JsonSchema + 'static>(body: &str) -> Vec<String> {
        refused::<T>(body).into_iter().map(|(field, _)| field).collect()
    }

    #[test]
    fn every_field_at_fault_is_named_with_its_dotted_path() {
        let body = r#"{"defect":{"status":5,"classification":"bug","lastEdited":"2026-01-31T12:00:00",
            "references":["a",1],"principal":{"username":"u","password":7}},"syncContext":{"syncOption":"x","statusSyncOption":"x","lastSync":"y"}}"#;
        insta::assert_snapshot!(
            refused::<DefectRequest>(body).into_iter().map(|(field, message)| format!("{field}: {message}\n")).collect::<String>(),
            @r"
        defect.priority: Missing required field 'defect.priority'
        defect.lastEdited: Invalid value for 'defect.lastEdited': the date-time needs an offset such as Z or +01:00
        defect.principal.password: Invalid value for 'defect.principal.password': expected string
        defect.references.1: Invalid value for 'defect.references.1': expected string
        defect.status: Invalid value for 'defect.status': expected string
        syncContext.lastSync: Invalid value for 'syncContext.lastSync': expected an RFC 3339 date-time such as 2026-01-31T12:00:00+01:00
        syncContext.statusSyncOption: Invalid value for 'syncContext.statusSyncOption': expected one of ITB, DMS, TIMESTAMP
        syncContext.syncOption: Invalid value for 'syncContext.syncOption': expected one of USE_SYNC_MASTER, FORCE_PUBLISH, FORCE_UPDATE
        "
        );
        assert_eq!(fields::<BatchRequest>(r#"{"defectIds":["a",null]}"#), ["defectIds.1"]);
        assert_eq!(
            fields::<Results>(r#"{"remote":{"update":[{"id":"1"}]}}"#),
            ["status", "classification", "priority", "lastEdited", "principal", "localPk"]
                .map(|field| format!("remote.update.0.{field}"))
        );
    }

    #[test]
    fn a_missing_offset_is_a_fault_of_last_edited_only() {
        assert_eq!(fields::<SyncContext>(r#"{"lastSync":"2026-01-31T12:00:00"}"#), [""; 0]);
        assert_eq!(fields::<SyncContext>(r#"{"lastSync":"2026-01-31T12:00:00","serverTime":"now"}"#), ["serverTime"]);
    }

    #[test]
    fn other_shapes_are_refused_and_unknown_keys_are_not() {
        for body in ["[]", "5", r#""x""#, "true"] {
            assert_eq!(fields::<SyncContext>(body), [""], "{body}");
        }
        assert_eq!(fields::<SyncRequest>(r#"{"syncType":null,"more":[{}]}"#), [""; 0]);
        assert_eq!(fields::<SyncRequest>("{}"), ["syncType"]);
        assert_eq!(
            refused::<SyncContext>("{\n \"a\": }"),
            [(String::new(), "Failed when parsing body as json: line 2, column 7".to_owned())]
        );
    }

    #[test]
    fn absent_is_nothing_or_null_and_not_white_space() {
        for (body, absent) in [("", true), ("null", true), (" null\n", true), (" ", false), ("\n", false)] {
            assert_eq!(is_absent(body.as_bytes()), absent, "{body:?}");
        }
        for body in ["\u{c}null", "nul", "{}", "0", "null null"] {
            assert!(!is_absent(body.as_bytes()), "{body:?}");
        }
    }

    #[test]
    fn no_value_is_quoted() {
        let body = r#"{"defect":{"status":"o","classification":"b","priority":"p","lastEdited":"hunter2","principal":{"username":"u","password":["hunter2"]}}}"#;
        let said = format!("{:?}", refused::<DefectRequest>(body));
        assert!(said.contains("defect.principal.password") && !said.contains("hunter2"), "{said}");
    }
}
