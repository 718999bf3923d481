//! What every request passes on its way in and its answer on the way out: an id, the check of its
//! credentials, a line in the log.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tracing::Instrument;

use super::auth::Authenticator;
use super::client_address::ClientAddress;
use super::exchange::Exchange;
use super::metrics::Metrics;
use super::request_log::RequestId;

/// The service: the routes, and the gate before them.
///
/// Not three of axum's layers: each of those costs every request two allocations and a copy of what is
/// behind it, which was a good part of a small answer's time. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Service {
    routes: Router,
    gate: Arc<Gate>,
}

struct Gate {
    authenticator: Authenticator,
    addresses: ClientAddress,
    metrics: Arc<Metrics>,
}

impl Service {
    pub(super) fn new(
        routes: Router,
        authenticator: Authenticator,
        addresses: ClientAddress,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { routes, gate: Arc::new(Gate { authenticator, addresses, metrics }) }
    }

    /// True when one connection's address may be that of many callers.
    pub(super) fn is_behind_proxies(&self) -> bool {
        self.gate.addresses.expects_proxies()
    }

    pub(super) fn metrics(&self) -> Arc<Metrics> {
        Arc::clone(&self.gate.metrics)
    }

    async fn answer(mut self, request: Request) -> Response {
        // The order matters: whoever is refused has an id and a line in the log, too.
        let id = RequestId::of(request.headers());
        let answer = async {
            let address = self.gate.addresses.of_request(&request);
            let mut exchange = Exchange::begin(&self.gate.metrics, address, &request);
            let response = match self.gate.authenticator.admit(address.0, request.uri(), request.headers()).await {
                Ok(()) => {
                    let routed = tower_service::Service::call(&mut self.routes, request);
                    match exchange.timing(routed).await {
                        Ok(response) => response,
                        Err(never) => match never {},
                    }
                }
                Err(error) => {
                    self.gate.metrics.refuse(&error);
                    error.into_response()
                }
            };
            exchange.answered(response)
        };
        let mut response = answer.instrument(id.span()).await;
        id.put_into(&mut response);
        response
    }
}

impl<B> tower_service::Service<axum::http::Request<B>> for Service
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router always is.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::http::Request<B>) -> Self::Future {
        self.clone().answer(request.map(Body::new)).map(Ok).boxed()
    }
}
