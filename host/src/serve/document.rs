//! The API document, made from the routes, and the page that shows it.

use std::sync::Arc;

use aide::openapi::{Info, License, OpenApi, SecurityScheme, Server};
use aide::swagger::Swagger;
use aide::transform::TransformOpenApi;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use axum::response::IntoResponse;
use axum::routing::get;

/// The API document cannot be written: a fault of this program.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// As JSON.
    #[error("the API document cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As YAML.
    #[error("the API document cannot be written as YAML: {0}")]
    Yaml(#[from] serde_norway::Error),
}

/// What the document says of the whole.
pub(super) fn describe(api: TransformOpenApi<'_>) -> TransformOpenApi<'_> {
    api.title("Defect Management API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(
            "Synchronises the defects of a test-management tool with a tracker. Errors are answered with \
             `description`, `status`, `message` and, where fields are at fault, `errors`.",
        )
        .license(License {
            name: "Apache-2.0".to_owned(),
            identifier: Some("Apache-2.0".to_owned()),
            ..License::default()
        })
        .server(Server { url: "/".to_owned(), ..Server::default() })
        .security_scheme(
            "BasicAuth",
            SecurityScheme::Http {
                scheme: "basic".to_owned(),
                bearer_format: None,
                description: Some("The credentials that `defect-host set-credentials` stored".to_owned()),
                extensions: indexmap::IndexMap::default(),
            },
        )
        .security_requirement("BasicAuth")
}

/// An empty document to start from.
pub(super) fn empty() -> OpenApi {
    OpenApi { info: Info::default(), ..OpenApi::default() }
}

/// The routes of the document: `/docs`, `/docs/openapi.json`, `/openapi.yaml`, and `/`, which leads there.
///
/// # Errors
/// See [`DocumentError`].
pub(super) fn routes<S: Clone + Send + Sync + 'static>(document: &OpenApi) -> Result<Router<S>, DocumentError> {
    let json = Bytes::from(serde_json::to_vec(document)?);
    let yaml = Bytes::from(serde_norway::to_string(document)?);
    // One page with everything in it: nothing is fetched from elsewhere.
    let page: Arc<str> = Swagger::new("/docs/openapi.json").with_title("Defect Management API").html().into();
    let page = Bytes::from_owner(Page(page));
    let serve = |content_type: &'static str, content: Bytes| {
        get(
            move || async move { ([(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-cache")], content).into_response() },
        )
    };
    Ok(Router::new()
        // 302 as the reference service says, not axum's 303.
        .route("/", get(|| async { (StatusCode::FOUND, [(LOCATION, "/docs")]) }))
        .route("/docs", serve("text/html; charset=utf-8", page))
        .route("/docs/openapi.json", serve("application/json", json))
        .route("/openapi.yaml", serve("application/yaml", yaml)))
}

struct Page(Arc<str>);

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
