//! All numbers as text.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use defect_plugin_api::Operation;

use super::exposition::{Exposition, Kind};
use super::histogram::{Histogram, Snapshot, seconds};
use super::{Calls, ENDPOINTS, Metrics, OPERATIONS, Outcome, Requests, STATUSES, plugin};
use crate::plugin::Client;
use crate::serve::backend::{Backend, MAX_CALLS};
use crate::serve::tls::Failure;

/// When the first service of this process was made, in seconds since 1970.
static STARTED: LazyLock<f64> =
    LazyLock::new(|| SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64()));

/// From now on the process counts as started.
pub(super) fn note_start() {
    LazyLock::force(&STARTED);
}

/// The service's numbers.
pub(super) fn write(backend: &Backend, text: &mut Exposition) {
    let (metrics, client) = (backend.metrics(), backend.client());
    text.family("defect_host_build_info", Kind::Gauge, "Always 1; the labels say what runs.");
    let labels = [("version", env!("CARGO_PKG_VERSION")), ("plugin", client.plugin()), ("client", client.class())];
    text.sample("defect_host_build_info", &labels, 1);
    text.family("process_start_time_seconds", Kind::Gauge, "When the process started, in seconds since 1970.");
    text.sample("process_start_time_seconds", &[], *STARTED);
    requests(metrics, text);
    calls(metrics, client, text);
    let simple = [
        ("defect_host_plugin_calls_in_flight", Kind::Gauge, "Calls that run in the plugin.", backend.running() as u64),
        ("defect_host_plugin_calls_limit", Kind::Gauge, "How many calls may run at once.", MAX_CALLS as u64),
        (
            "defect_host_plugin_calls_queued",
            Kind::Gauge,
            "Calls that wait because as many run as may.",
            read(&metrics.calls_queued),
        ),
        (
            "defect_host_plugin_restarts_total",
            Kind::Counter,
            "Starts of the plugin's process after the first; only with isolation.",
            client.restarts(),
        ),
    ];
    for (name, kind, help, value) in simple {
        text.family(name, kind, help);
        text.sample(name, &[], value);
    }
}

/// The plugin's own numbers, when it may have any.
pub(super) async fn write_plugins(backend: &Backend, text: &mut Exposition) {
    if !backend.client().has(Operation::GetMetrics) {
        return;
    }
    let answer = backend.metrics().plugin.ask(backend).await;
    let name = "defect_host_plugin_metrics_up";
    text.family(name, Kind::Gauge, "Whether the plugin told its own numbers this time.");
    text.sample(name, &[], u8::from(answer.is_some()));
    let left_out = plugin::write(answer.unwrap_or_default(), text);
    let name = "defect_host_plugin_metrics_left_out";
    text.family(name, Kind::Gauge, "Numbers of the plugin's that are too many, twice there or wrongly named.");
    text.sample(name, &[], left_out);
}

/// What was counted of one endpoint's requests on all threads.
struct Asked<'a> {
    operation: &'static str,
    shards: Vec<&'a Requests>,
    duration: Snapshot,
}

impl<'a> Asked<'a> {
    fn new(metrics: &'a Metrics, index: usize) -> Self {
        let shards: Vec<&Requests> = metrics.shards.iter().map(|shard| &shard.requests[index]).collect();
        let duration = Histogram::sum(shards.iter().map(|requests| &requests.duration));
        Self { operation: endpoint_name(index), shards, duration }
    }

    fn sum(&self, number: impl Fn(&Requests) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|requests| read(number(requests))).sum()
    }
}

fn requests(metrics: &Metrics, text: &mut Exposition) {
    // Others would only be many zeros.
    let asked: Vec<Asked<'_>> =
        (0..ENDPOINTS).map(|index| Asked::new(metrics, index)).filter(|asked| asked.duration.count > 0).collect();
    text.family("defect_host_requests_total", Kind::Counter, "Requests by what they asked for and their status.");
    for asked in &asked {
        let known = STATUSES.iter().enumerate().map(|(index, status)| {
            let status = if *status == 0 { "none".to_owned() } else { status.to_string() };
            (status, asked.sum(|requests| &requests.by_status[index]))
        });
        let others = ("other".to_owned(), asked.sum(|requests| &requests.other_statuses));
        for (status, count) in known.chain([others]).filter(|(_, count)| *count > 0) {
            let labels = [("operation", asked.operation), ("status", status.as_str())];
            text.sample("defect_host_requests_total", &labels, count);
        }
    }
    let name = "defect_host_request_duration_seconds";
    text.family(name, Kind::Histogram, "Time from a request's head to its answer's end.");
    for asked in &asked {
        text.histogram(name, ("operation", asked.operation), &asked.duration);
    }
    let name = "defect_host_requests_broken_off_total";
    text.family(name, Kind::Counter, "Answers that did not get to their end.");
    for asked in &asked {
        text.sample(name, &[("operation", asked.operation)], asked.sum(|requests| &requests.broken_off));
    }
    let name = "defect_host_response_bytes_total";
    text.family(name, Kind::Counter, "Bytes of answers' bodies.");
    for asked in &asked {
        text.sample(name, &[("operation", asked.operation)], asked.sum(|requests| &requests.bytes));
    }
    let name = "defect_host_requests_in_flight";
    text.family(name, Kind::Gauge, "Requests whose answer is not over.");
    let in_flight = metrics.shards.iter().fold(0, |sum: u64, shard| sum.wrapping_add(read(&shard.in_flight)));
    text.sample(name, &[], in_flight);
    let name = "defect_host_logins_failed_total";
    text.family(name, Kind::Counter, "Requests with wrong or without credentials where some are needed.");
    text.sample(name, &[], read(&metrics.logins_failed));
    let name = "defect_host_tls_handshakes_failed_total";
    text.family(name, Kind::Counter, "Connections that were closed because there was no TLS on them, by the cause.");
    for (failure, count) in Failure::ALL.iter().zip(&metrics.handshakes_failed) {
        text.sample(name, &[("cause", failure.name())], read(count));
    }
}

fn calls(metrics: &Metrics, client: &Client, text: &mut Exposition) {
    let calls = |operation: &Operation| &metrics.calls[*operation as usize];
    let name = "defect_host_plugin_calls_total";
    text.family(name, Kind::Counter, "Calls of the plugin by operation and how they went for who waited.");
    // All from the start: of a number that appears with its first time-out, Prometheus sees no change.
    for operation in Operation::ALL.iter().filter(|operation| client.has(**operation)) {
        for (outcome, count) in Outcome::ALL.iter().zip(&calls(operation).by_outcome) {
            text.sample(name, &[("operation", operation.name()), ("outcome", outcome.name())], read(count));
        }
    }
    let is_made = |operation: &&Operation| calls(operation).by_outcome.iter().any(|count| read(count) > 0);
    let made: Vec<(&str, &Calls)> =
        Operation::ALL.iter().filter(is_made).map(|operation| (operation.name(), calls(operation))).collect();
    let name = "defect_host_plugin_call_duration_seconds";
    text.family(name, Kind::Histogram, "Time until the plugin came back, for a long list with its first piece.");
    for (operation, calls) in &made {
        text.histogram(name, ("operation", operation), &Histogram::sum(std::iter::once(&calls.duration)));
    }
    let name = "defect_host_plugin_pieces_seconds_total";
    text.family(name, Kind::Counter, "Time in which the plugin made the further pieces of long lists.");
    for (operation, calls) in &made {
        text.sample(name, &[("operation", operation)], seconds(read(&calls.pieces_nanoseconds)));
    }
}

/// The label of what is counted under this index.
fn endpoint_name(index: usize) -> &'static str {
    match Operation::ALL.get(index) {
        Some(operation) => operation.name(),
        None => ["health", "documents", "other"].get(index - OPERATIONS).copied().unwrap_or_default(),
    }
}

fn read(number: &AtomicU64) -> u64 {
    number.load(Ordering::Relaxed)
}
