//! For whoever keeps the service running: is the process alive, is the backend there.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::Api;
use super::error::ApiError;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready))
}

/// 200 as long as the process answers; never asks the plugin.
async fn alive() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], Json(json!({ "status": "alive" })))
}

/// 200 when the plugin's backend accepts its login, else 503, also while the plugin is started again. The answer is a few seconds old at most.
async fn ready(State(api): State<Api>) -> Result<impl IntoResponse, ApiError> {
    match api.is_ready().await {
        Ok(true) => Ok(([(CACHE_CONTROL, "no-store")], Json(json!({ "status": "ready" })))),
        Ok(false) => Err(ApiError::NotReady),
        Err(error @ ApiError::PluginDown(_)) => Err(error),
        Err(error) => {
            tracing::warn!("not ready: {error}");
            Err(ApiError::NotReady)
        }
    }
}
