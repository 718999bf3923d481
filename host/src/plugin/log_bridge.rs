//! Takes plugins' log events into the host's log.
//!
//! `tracing` decides by callsite, so each place that logs in a plugin gets one here, made when the
//! plugin announces it and kept for the life of the process (their number is that of the `tracing`
//! macros in the plugin's code). Level, target, fields and filters then work as for the host's own
//! events, and the current request's span attaches by itself.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock};

use abi_stable::std_types::RSlice;
use defect_plugin_api::boundary::{LogCallsite, RawLog};
use serde_json::Value as Json;
use tracing_core::callsite::{self, Callsite, Identifier};
use tracing_core::field::{FieldSet, Value};
use tracing_core::{Event, Interest, Kind, Level, Metadata, dispatcher};

/// As many fields as one event can have, `tracing`'s own limit.
const MAX_FIELDS: usize = 32;

/// The functions that a plugin is given.
pub(super) fn raw_log() -> RawLog {
    RawLog { register, emit }
}

/// A place in a plugin that logs.
struct PluginCallsite {
    metadata: OnceLock<Metadata<'static>>,
    /// 0 never, 1 sometimes, 2 always.
    interest: AtomicU8,
}

/// Handle `n` is entry `n - 1`; 0 means that nobody wants the events.
static CALLSITES: RwLock<Vec<&'static PluginCallsite>> = RwLock::new(Vec::new());

extern "C" fn register(announced: RSlice<'_, u8>) -> u64 {
    // A panic must not cross into the plugin: it would end the process.
    catch_unwind(AssertUnwindSafe(|| place(announced.as_slice()))).unwrap_or(0)
}

/// The handle of a place that is announced as a [`LogCallsite`] in JSON; 0 when nobody wants its events.
pub(super) fn place(announced: &[u8]) -> u64 {
    try_register(announced).unwrap_or(0)
}

/// An event of a place: its handle, and its values as [`RawLog::emit`] has them.
pub(super) fn event(handle: u64, values: &[u8]) {
    let _ = try_emit(handle, values);
}

fn try_register(announced: &[u8]) -> Option<u64> {
    let announced: LogCallsite = serde_json::from_slice(announced).ok()?;
    let level: Level = announced.level.parse().ok()?;
    let fields: Vec<&'static str> = announced.fields.into_iter().take(MAX_FIELDS).map(leak).collect();
    let site: &'static PluginCallsite =
        Box::leak(Box::new(PluginCallsite { metadata: OnceLock::new(), interest: AtomicU8::new(2) }));
    let metadata = Metadata::new(
        "event",
        leak(format!("plugin::{}", announced.plugin)),
        level,
        announced.file.map(leak),
        announced.line,
        Some(leak(announced.module)),
        FieldSet::new(Vec::leak(fields), Identifier(site)),
        Kind::EVENT,
    );
    site.metadata.set(metadata).ok()?;
    callsite::register(site);
    if site.interest.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let mut callsites = CALLSITES.write().unwrap_or_else(PoisonError::into_inner);
    callsites.push(site);
    u64::try_from(callsites.len()).ok()
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

impl Callsite for PluginCallsite {
    fn set_interest(&self, interest: Interest) {
        let interest = if interest.is_never() { 0 } else { 1 + u8::from(interest.is_always()) };
        self.interest.store(interest, Ordering::Relaxed);
    }

    fn metadata(&self) -> &Metadata<'_> {
        #[expect(clippy::expect_used, reason = "`try_register` sets it before anybody can ask")]
        self.metadata.get().expect("set before the callsite is registered")
    }
}

extern "C" fn emit(handle: u64, values: RSlice<'_, u8>) {
    let _ = catch_unwind(AssertUnwindSafe(|| event(handle, values.as_slice())));
}

fn try_emit(handle: u64, values: &[u8]) -> Option<()> {
    let index = usize::try_from(handle.checked_sub(1)?).ok()?;
    let site = *CALLSITES.read().unwrap_or_else(PoisonError::into_inner).get(index)?;
    let metadata = site.metadata.get()?;
    let wanted = match site.interest.load(Ordering::Relaxed) {
        0 => false,
        1 => dispatcher::get_default(|dispatch| dispatch.enabled(metadata)),
        _ => true,
    };
    if !wanted {
        return None;
    }
    let values: Vec<(usize, Json)> = serde_json::from_slice(values).ok()?;
    let values: Vec<(usize, Box<dyn Value>)> =
        values.into_iter().map(|(field, json)| (field, value_of(json))).collect();
    let fields: Vec<_> = metadata.fields().iter().collect();
    let first = fields.first()?;
    // `value_set` wants an array: the places that the event has no value for stay `None`.
    let mut set: [(&tracing_core::Field, Option<&dyn Value>); MAX_FIELDS] = [(first, None); MAX_FIELDS];
    for (place, (field, value)) in set.iter_mut().zip(&values) {
        *place = (fields.get(*field)?, Some(value.as_ref()));
    }
    Event::dispatch(metadata, &metadata.fields().value_set(&set));
    Some(())
}

fn value_of(json: Json) -> Box<dyn Value> {
    match json {
        Json::Bool(flag) => Box::new(flag),
        Json::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(natural), _, _) => Box::new(natural),
            (None, Some(integer), _) => Box::new(integer),
            (None, None, float) => Box::new(float.unwrap_or(f64::NAN)),
        },
        Json::String(text) => Box::new(tracing_core::field::display(Text(text))),
        other => Box::new(tracing_core::field::display(Text(other.to_string()))),
    }
}

/// Shown as it is, without the quotes that a text of its own would get.
struct Text(String);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use abi_stable::std_types::RSlice;
    use tracing_core::field::{Field, Visit};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::*;

    #[derive(Clone, Default)]
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl<S: tracing_core::Subscriber> Layer<S> for Recorder {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            struct Line(String);
            impl Visit for Line {
                fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                    self.0.push_str(&format!(" {}={value:?}", field.name()));
                }
            }
            let metadata = event.metadata();
            let mut line = Line(format!("{} {}", metadata.level(), metadata.target()));
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    fn announce(level: &str) -> u64 {
        let announced = serde_json::json!({
            "plugin": "demo", "level": level, "module": "demo::io", "file": "src/io.rs", "line": 3,
            "fields": ["message", "count", "late"]
        });
        register(RSlice::from_slice(announced.to_string().as_bytes()))
    }

    #[test]
    fn a_plugins_event_has_its_level_target_and_fields_and_disabled_levels_no_handle() {
        let recorder = Recorder::default();
        let filter = tracing_subscriber::EnvFilter::new("plugin::demo=info");
        let subscriber = tracing_subscriber::registry().with(recorder.clone()).with(filter);
        tracing::subscriber::with_default(subscriber, || {
            let handle = announce("INFO");
            emit(handle, RSlice::from_slice(br#"[[0,"read it"],[1,7],[2,true]]"#));
            emit(handle, RSlice::from_slice(b"no json"));
            emit(9_999, RSlice::from_slice(b"[]"));
            emit(announce("DEBUG"), RSlice::from_slice(br#"[[0,"not seen"]]"#));
        });
        assert_eq!(*recorder.0.lock().unwrap(), ["INFO plugin::demo message=read it count=7 late=true"]);
    }
}
