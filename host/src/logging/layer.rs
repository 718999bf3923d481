//! Turns the events of `tracing` into records.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Instant;

use chrono::Local;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Metadata, Subscriber, span};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::output::Output;
use super::record::{FieldValue, Record};
use crate::hidden::masked;

const REQUEST_SPAN: &str = "request";
/// The field of that span that events show.
pub(super) const REQUEST_ID: &str = "request_id";

/// Events of this target say in their message what is in their fields, too: a format that shows both as one
/// text leaves the fields out.
const TOLD_IN_FULL: &str = "defect_host::access";

/// Writes every event that its filter lets through to one output.
pub(super) struct OutputLayer<O> {
    output: Arc<O>,
    start: Instant,
}

/// Of a span `request`, the only field that events show.
struct RequestId(String);

impl<O> OutputLayer<O> {
    pub(super) fn new(output: Arc<O>, start: Instant) -> Self {
        Self { output, start }
    }
}

/// Whether events show a field of this span; such a span must pass every filter, or its id is missing.
pub(super) fn is_request_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.name() == REQUEST_SPAN
}

impl<S, O> Layer<S> for OutputLayer<O>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    O: Output,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if is_request_span(attributes.metadata()) {
            remember_request_id(id, &context, |visitor| attributes.record(visitor));
        }
    }

    fn on_record(&self, id: &Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if context.metadata(id).is_some_and(is_request_span) {
            remember_request_id(id, &context, |visitor| values.record(visitor));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        // Events of the `log` crate bring their own metadata along as fields.
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());

        let is_told = metadata.target() == TOLD_IN_FULL && !self.output.shows_fields();
        let mut said = Said { skip_log_fields: normalized.is_some(), only_message: is_told, ..Said::default() };
        event.record(&mut said);
        let emit = |request_id: Option<&str>| {
            self.output.write(&Record {
                time: Local::now(),
                since_start: self.start.elapsed(),
                level: (*metadata.level()).into(),
                name: metadata.target(),
                message: &said.message,
                fields: &said.fields,
                request_id,
                module_path: metadata.module_path(),
                file: metadata.file(),
                line: metadata.line(),
            });
        };
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(RequestId(id)) = span.extensions().get() {
                return emit(Some(id));
            }
        }
        emit(None);
    }
}

fn remember_request_id<S>(id: &Id, context: &Context<'_, S>, record: impl FnOnce(&mut RequestIdVisitor))
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut visitor = RequestIdVisitor(None);
    record(&mut visitor);
    if let (Some(span), Some(request_id)) = (context.span(id), visitor.0) {
        span.extensions_mut().replace(RequestId(request_id));
    }
}

struct RequestIdVisitor(Option<String>);

impl Visit for RequestIdVisitor {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == REQUEST_ID {
            self.0 = Some(value.to_owned());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == REQUEST_ID {
            self.0 = Some(format!("{value:?}"));
        }
    }
}

/// Collects an event's message and fields.
#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, FieldValue)>,
    skip_log_fields: bool,
    only_message: bool,
}

impl Said {
    fn record(&mut self, field: &Field, value: impl FnOnce() -> FieldValue) {
        match field.name() {
            "message" => {
                self.message = match value() {
                    FieldValue::Text(text) => masked(text.into()).into_owned(),
                    other => other.to_string(),
                }
            }
            _ if self.only_message => {}
            name if self.skip_log_fields && name.starts_with("log.") => {}
            name => self.fields.push((
                name,
                match value() {
                    FieldValue::Text(text) => FieldValue::Text(masked(text.into()).into_owned()),
                    other => other,
                },
            )),
        }
    }
}

impl Visit for Said {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.record(field, || FieldValue::Flag(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.record(field, || FieldValue::Integer(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.record(field, || FieldValue::Natural(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.record(field, || FieldValue::Decimal(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record(field, || FieldValue::Text(value.to_owned()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.record(field, || {
            let mut text = value.to_string();
            let mut source = value.source();
            while let Some(error) = source {
                // Writing into a String cannot fail.
                let _ = write!(text, ": {error}");
                source = error.source();
            }
            FieldValue::Text(text)
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record(field, || FieldValue::Text(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use super::super::output::Memory;
    use super::*;
    use insta::assert_snapshot;
    use tracing::{error, info, info_span, warn};
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry;

    fn logged(events: impl FnOnce()) -> String {
        let memory = Memory::new("%(levelname)s %(name)s: %(message)s");
        let subscriber = registry().with(OutputLayer::new(memory.clone(), Instant::now()));
        tracing::subscriber::with_default(subscriber, events);
        memory.text()
    }

    #[test]
    fn fields_follow_the_message() {
        assert_snapshot!(logged(|| {
            let (name, path) = ("shop app", "C:\\data");
            info!(target: "plugin::jsonl", count = 3, slow = true, ratio = 0.5, path, project = name, "listed");
            warn!(display = %"a b", debug = ?"a b", list = ?[1, 2], empty = "", "values");
            error!(only = "fields");
            tracing::trace!("tiny");
        }), @r#"
            INFO plugin::jsonl: listed count=3 slow=true ratio=0.5 path=C:\data project="shop app"
            WARNING defect_host::logging::layer::tests: values display="a b" debug="a b" list="[1, 2]" empty=""
            ERROR defect_host::logging::layer::tests: only=fields
            DEBUG defect_host::logging::layer::tests: tiny
            "#);
    }

    #[test]
    fn what_a_message_tells_in_full_is_not_told_twice() {
        assert_snapshot!(logged(|| {
            info!(target: "defect_host::access", method = "GET", status = 200, "GET 200");
        }), @"INFO defect_host::access: GET 200");
    }

    #[test]
    fn an_error_is_shown_with_its_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read `x`")]
        struct Outer(#[source] std::io::Error);
        assert_snapshot!(logged(|| {
            let error = Outer(std::io::Error::other("disk on fire"));
            error!(error = &error as &dyn Error, "no list");
        }), @r#"ERROR defect_host::logging::layer::tests: no list error="cannot read `x`: disk on fire""#);
    }

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        assert_snapshot!(logged(|| {
            let evil = "x\nERROR root: broken\r\u{1b}[2J\" request_id=\"1";
            info!(evil, shown = %evil, debug = ?evil, "{evil}");
        }), @r#"INFO defect_host::logging::layer::tests: x\nERROR root: broken\r\u{1b}[2J" request_id="1 evil="x\nERROR root: broken\r\u{1b}[2J\" request_id=\"1" shown="x\nERROR root: broken\r\u{1b}[2J\" request_id=\"1" debug="x\nERROR root: broken\r\u{1b}[2J\" request_id=\"1""#);
    }

    #[test]
    fn the_request_id_comes_last_and_other_spans_stay_silent() {
        assert_snapshot!(logged(|| {
            let request = info_span!("request", request_id = "r-1", path = "/projects");
            let _request = request.enter();
            info!(count = 1, "in the request");
            let _call = info_span!("call", plugin = "jsonl", request_id = "other").entered();
            info!("in the call");
            let _inner = info_span!("request", request_id = %format_args!("r {}", 2)).entered();
            info!("in a request of its own");
        }), @r#"
            INFO defect_host::logging::layer::tests: in the request count=1 request_id=r-1
            INFO defect_host::logging::layer::tests: in the call request_id=r-1
            INFO defect_host::logging::layer::tests: in a request of its own request_id="r 2"
            "#);
    }

    #[test]
    fn events_of_the_log_crate_look_like_all_others() {
        use tracing_log::log::{Level, Record};
        assert_snapshot!(logged(|| {
            let mut record = Record::builder();
            let record = record.level(Level::Warn).target("rustls::conn").file(Some("conn.rs")).line(Some(7));
            tracing_log::format_trace(&record.args(format_args!("no {}", "handshake")).build()).unwrap();
        }), @"WARNING rustls::conn: no handshake");
    }

    #[test]
    fn a_request_id_may_be_recorded_later() {
        assert_snapshot!(logged(|| {
            let request = info_span!("request", request_id = tracing::field::Empty);
            request.in_scope(|| info!("before"));
            request.record("request_id", "r-1");
            request.in_scope(|| info!("after"));
        }), @r#"
            INFO defect_host::logging::layer::tests: before
            INFO defect_host::logging::layer::tests: after request_id=r-1
            "#);
    }
}
