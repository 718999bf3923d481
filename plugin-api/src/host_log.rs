//! Hands a plugin's `tracing` events to the host's log.
//!
//! A plugin is linked with its own copy of `tracing`, whose events nobody would see. This subscriber
//! tells the host about each place that logs once; a place whose level the host does not want is
//! switched off there and costs less than a nanosecond from then on.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use abi_stable::std_types::RSlice;
use serde_json::{Value, json};
use tracing_core::callsite::Identifier;
use tracing_core::field::{Field, Visit};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::{Event, Interest, Metadata, Subscriber};

use crate::boundary::{LogCallsite, RawLog};

pub(crate) struct HostLog {
    plugin: &'static str,
    log: RawLog,
    handles: RwLock<HashMap<Identifier, u64>>,
}

/// Sends this library's events to `log` from now on.
pub(crate) fn connect(plugin: &'static str, log: RawLog) {
    let subscriber = HostLog { plugin, log, handles: RwLock::default() };
    // A second call changes nothing: the library keeps its first connection.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

impl HostLog {
    fn handle(&self, metadata: &'static Metadata<'static>) -> u64 {
        let known = self.handles.read().unwrap_or_else(PoisonError::into_inner).get(&metadata.callsite()).copied();
        known.unwrap_or_else(|| {
            let callsite = LogCallsite {
                plugin: self.plugin.to_owned(),
                level: metadata.level().to_string(),
                module: metadata.target().to_owned(),
                file: metadata.file().map(str::to_owned),
                line: metadata.line(),
                fields: metadata.fields().iter().map(|field| field.name().to_owned()).collect(),
            };
            let announced = serde_json::to_vec(&callsite).unwrap_or_default();
            let handle = (self.log.register)(RSlice::from_slice(&announced));
            self.handles.write().unwrap_or_else(PoisonError::into_inner).insert(metadata.callsite(), handle);
            handle
        })
    }
}

impl Subscriber for HostLog {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && self.handle(metadata) != 0 { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.get(&metadata.callsite()).is_some_and(|handle| *handle != 0)
    }

    fn event(&self, event: &Event<'_>) {
        let handle = self.handle(event.metadata());
        if handle != 0 {
            let mut values = Values(Vec::new());
            event.record(&mut values);
            let values = serde_json::to_vec(&values.0).unwrap_or_default();
            (self.log.emit)(handle, RSlice::from_slice(&values));
        }
    }

    // Spans stay in the plugin: the host has its own span around every call.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields of an event as `[index, value]`.
struct Values(Vec<Value>);

impl Values {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.push(json!([field.index(), value.into()]));
    }
}

impl Visit for Values {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }
}
