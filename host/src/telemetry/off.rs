//! In place of `mod.rs` without the feature `otel`: nothing is traced, and nothing is paid for it.

use axum::extract::Request;
use axum::http::StatusCode;
use defect_plugin_api::Operation;

pub(crate) struct Export;

impl Export {
    /// Somebody who names a collector would wait for traces in vain.
    pub(crate) fn begin(_scheme: &str) -> Self {
        let names = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
        let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if let Some(name) = names.into_iter().find(is_set) {
            tracing::warn!(
                "no traces are exported, although `{name}` is set: this program is built without them; \
                 `cargo build --release --package defect-host --features otel` builds one with them"
            );
        }
        Self
    }

    pub(crate) fn end(self) {}
}

pub(crate) struct RequestSpan;

impl RequestSpan {
    pub(crate) fn begin(_: &Request, _: Option<&'static str>) -> Self {
        Self
    }

    pub(crate) fn around<F: Future>(&self, work: F) -> F {
        work
    }

    pub(crate) fn end(&self, _: Option<StatusCode>, _is_broken_off: bool) {}
}

pub(crate) struct CallSpan;

impl CallSpan {
    pub(crate) fn begin(_: Operation) -> Self {
        Self
    }

    pub(crate) fn end(self, _outcome: Option<&'static str>, _is_fault: bool) {}
}
