//! Traces for OpenTelemetry, with the feature `otel`: a span for each request, and in it one for each call of the
//! plugin. Without the feature `off.rs` is in this module's place, which does nothing.
//!
//! A span has what is said here and no more: no query, no header, no body. Not made of the log's spans and events by
//! tracing-opentelemetry: the log's levels would decide which spans there are, its lines would be in them, and the
//! span of a long answer would end with the last thread that works for it instead of with the answer.

mod export;

use std::borrow::Cow;
use std::sync::OnceLock;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use defect_plugin_api::Operation;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{FutureExt as _, Span as _, SpanKind, Status, TraceContextExt as _, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, Span};

pub(crate) use export::Export;

use crate::hidden::masked;

/// What makes spans; unset while nothing is exported.
static TRACER: OnceLock<Tracing> = OnceLock::new();

struct Tracing {
    tracer: SdkTracer,
    /// `http` or `https`.
    scheme: &'static str,
}

/// Of a longer path, the beginning is shown: thousands of spans may wait, and anybody may send what is in them.
const LONGEST_PATH_BYTES: usize = 1024;

/// The span of a request.
pub(crate) struct RequestSpan(Option<Context>);

impl RequestSpan {
    /// Begins it, as a part of the caller's trace where the request has a `traceparent`. `route` is the path with
    /// names instead of values.
    pub(crate) fn begin(request: &Request, route: Option<&'static str>) -> Self {
        Self(TRACER.get().map(|Tracing { tracer, scheme }| {
            let caller = Traceparent(request.headers());
            let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &caller);
            let (method, in_name) = known_method(request.method());
            let name = route.map_or_else(|| in_name.into(), |route| Cow::from(format!("{in_name} {route}")));
            let path = masked(request.uri().path().into());
            let path = path[..path.floor_char_boundary(LONGEST_PATH_BYTES)].to_owned();
            let mut attributes = vec![
                KeyValue::new("http.request.method", method),
                KeyValue::new("url.scheme", *scheme),
                KeyValue::new("url.path", path),
            ];
            attributes.extend(route.map(|route| KeyValue::new("http.route", route)));
            let builder = tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
            let span = tracer.build_with_context(builder, &caller);
            caller.with_span(span)
        }))
    }

    /// Calls of the plugin in `work` are parts of it.
    pub(crate) async fn around<F: Future>(&self, work: F) -> F::Output {
        match &self.0 {
            Some(context) => work.with_context(context.clone()).await,
            None => work.await,
        }
    }

    /// Ends it. There is no status when the caller left before there was one.
    pub(crate) fn end(&self, status: Option<StatusCode>, is_broken_off: bool) {
        let Some(context) = &self.0 else { return };
        let span = context.span();
        if let Some(status) = status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
            if status.is_server_error() {
                span.set_attribute(KeyValue::new("error.type", status.as_u16().to_string()));
                span.set_status(Status::error(""));
            }
        }
        if is_broken_off {
            span.set_attribute(KeyValue::new("defect_host.broken_off", true));
        }
        span.end();
    }
}

/// What is taken over from a caller: a header of fixed length. Not `tracestate`, which holds whatever a caller likes.
struct Traceparent<'a>(&'a HeaderMap);

const TRACEPARENT: &str = "traceparent";

impl Extractor for Traceparent<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(TRACEPARENT).filter(|_| name == TRACEPARENT)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

/// The method, and what a span's name has for it. A caller may send any word, of which there would be too many; so there is
/// no `http.request.method_original` either.
fn known_method(method: &Method) -> (&'static str, &'static str) {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    match KNOWN.into_iter().find(|known| *known == method.as_str()) {
        Some(known) => (known, known),
        // Both are what the conventions for HTTP say.
        None => ("_OTHER", "HTTP"),
    }
}

/// The span of a call of the plugin. Ends when it is dropped at the latest: when nobody waits for the call any more.
pub(crate) struct CallSpan(Option<Span>);

impl CallSpan {
    /// Begins it in the request's span that this is [around](RequestSpan::around); none outside of one.
    pub(crate) fn begin(operation: Operation) -> Self {
        let request = Context::current();
        let tracer = TRACER.get().filter(|_| request.has_active_span());
        Self(tracer.map(|Tracing { tracer, .. }| {
            let builder = tracer
                .span_builder(operation.name())
                .with_kind(SpanKind::Internal)
                .with_attributes([KeyValue::new("defect_host.operation", operation.name())]);
            tracer.build_with_context(builder, &request)
        }))
    }

    /// Ends it. There is no outcome when the plugin was not asked; `is_fault` when the request was not at fault.
    pub(crate) fn end(self, outcome: Option<&'static str>, is_fault: bool) {
        let Some(mut span) = self.0 else { return };
        span.set_attribute(KeyValue::new("defect_host.outcome", outcome.unwrap_or("not_asked")));
        if is_fault {
            span.set_status(Status::error(""));
        }
        span.end();
    }
}
