//! The plugin's own numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use defect_plugin_api::Operation;
use defect_plugin_api::model::{Metric, MetricKind};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::exposition::{Exposition, Kind};
use crate::hidden::masked;
use crate::serve::backend::Backend;
use crate::serve::error::ApiError;

/// Stands before the plugin's names, so that none is the host's.
const PREFIX: &str = "defect_plugin_";

/// So many numbers are shown, those that come first.
const MOST: usize = 500;

/// How long the page waits for the plugin: who reads it has a time limit of their own, usually 10 s.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the plugin, one question at a time.
pub(super) struct PluginNumbers(Arc<Semaphore>);

impl Default for PluginNumbers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl PluginNumbers {
    /// What the plugin says now; `None` when it says nothing in time, or when all its calls are taken: the page
    /// shows that, and must not stand among the requests that wait. After a question that took longer than
    /// a call may, none is asked any more: each would take another place for good.
    pub(super) async fn ask(&self, backend: &Backend) -> Option<Vec<Metric>> {
        let turn = Arc::clone(&self.0).try_acquire_owned().ok()?;
        let backend = backend.clone();
        // On a task of its own: who reads the page may go away, and the turn is over only with the call.
        let asked = tokio::spawn(async move {
            let called = backend.call_if_free(Operation::GetMetrics, || Ok(b"{}".to_vec())).await;
            let answer = match called {
                Ok(reply) => reply.whole().await,
                Err(error) => Err(error),
            };
            match answer {
                Ok(answer) => serde_json::from_slice(&answer)
                    .inspect_err(|error| tracing::warn!("the plugin's numbers cannot be read: {error}"))
                    .ok(),
                Err(error) => {
                    tracing::warn!("the plugin does not tell its numbers: {error}");
                    if matches!(error, ApiError::TimedOut { .. }) {
                        tracing::warn!("the plugin is not asked for its numbers any more");
                        turn.forget();
                    }
                    None
                }
            }
        });
        timeout(PATIENCE, asked).await.ok()?.ok()?
    }
}

/// Writes what can be written; gives how many cannot.
pub(super) fn write(metrics: Vec<Metric>, text: &mut Exposition) -> usize {
    let total = metrics.len();
    let mut families: Vec<(Metric, Vec<Metric>)> = Vec::new();
    let mut by_name = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for metric in metrics.into_iter().filter(is_writable) {
        if seen.len() == MOST || !seen.insert((metric.name.clone(), metric.labels.clone())) {
            continue;
        }
        let index = *by_name.entry(metric.name.clone()).or_insert_with(|| {
            families.push((metric.clone(), Vec::new()));
            families.len() - 1
        });
        let (first, others) = &mut families[index];
        if metric.kind == first.kind {
            others.push(metric);
        }
    }
    let mut written = 0;
    for (first, metrics) in families {
        let name = format!("{PREFIX}{}", first.name);
        let kind = match first.kind {
            MetricKind::Counter => Kind::Counter,
            MetricKind::Gauge => Kind::Gauge,
        };
        text.family(&name, kind, &masked(first.help.into()));
        written += metrics.len();
        for metric in metrics {
            let labels: Vec<_> = metric.labels.iter().map(|(label, value)| (label, masked(value.into()))).collect();
            let labels: Vec<_> = labels.iter().map(|(label, value)| (label.as_str(), value.as_ref())).collect();
            text.sample(&name, &labels, metric.value);
        }
    }
    total - written
}

fn is_writable(metric: &Metric) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    is_name(&metric.name) && metric.labels.keys().all(|label| is_name(label)) && metric.value.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(metrics: Vec<Metric>) -> (String, usize) {
        let mut text = Exposition::default();
        let left_out = write(metrics, &mut text);
        (text.into_text(), left_out)
    }

    #[test]
    fn numbers_of_one_name_stand_together() {
        let bytes = |file: &str, value| Metric::gauge("file_bytes", "Bytes.", value).with("file", file);
        let (text, left_out) =
            shown(vec![bytes("a", 1), Metric::counter("writes_total", "Writes.", 2), bytes("b\"\n", 3)]);
        insta::assert_snapshot!(text, @r#"
        # HELP defect_plugin_file_bytes Bytes.
        # TYPE defect_plugin_file_bytes gauge
        defect_plugin_file_bytes{file="a"} 1
        defect_plugin_file_bytes{file="b\"\n"} 3
        # HELP defect_plugin_writes_total Writes.
        # TYPE defect_plugin_writes_total counter
        defect_plugin_writes_total 2
        "#);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn what_would_break_the_page_is_left_out() {
        let good = || Metric::gauge("good", "", 1);
        let wrong = [
            Metric::gauge("", "", 1),
            Metric::gauge("no name", "", 1),
            Metric::gauge("x\nother 5", "", 1),
            good().with("le gal", ""),
            good().with("__name__", ""),
            Metric { value: f64::NAN, ..good() },
            Metric { kind: MetricKind::Counter, ..good().with("another", "kind") },
            good(), // again
        ];
        let (text, left_out) = shown([good()].into_iter().chain(wrong).collect());
        assert_eq!(text.lines().last(), Some("defect_plugin_good 1"), "{text}");
        assert_eq!((text.lines().count(), left_out), (3, 8));
        let many = (0..600).map(|number| good().with("number", number.to_string())).collect();
        let (text, left_out) = shown(many);
        assert_eq!((text.lines().count(), left_out), (502, 100));
    }
}
