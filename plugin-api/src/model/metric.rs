use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A number that a plugin counts or measures, as [`get_metrics`](crate::DefectClient::get_metrics) gives it.
///
/// The host leaves out what Prometheus could not read: names and labels' names are lower-case letters,
/// digits and `_`, and begin with a letter; values are finite. Of one name all have the same kind and text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Such as `requests_total`. By custom a counter's name ends with `_total`, and units are written out:
    /// `_bytes`, `_seconds`.
    pub name: String,
    /// What it is, in a sentence.
    pub help: String,
    /// Whether it can go down.
    pub kind: MetricKind,
    /// What tells numbers of one name apart. Their values must be few: the host takes 500 numbers in all,
    /// those that come first. No secret, and nothing that a caller sends.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The number.
    pub value: f64,
}

impl Metric {
    /// How often something happened since the plugin began; without labels.
    #[must_use]
    pub fn counter(name: impl Into<String>, help: impl Into<String>, value: u64) -> Self {
        Self::new(MetricKind::Counter, name.into(), help.into(), value)
    }

    /// How much there is of something now; without labels.
    #[must_use]
    pub fn gauge(name: impl Into<String>, help: impl Into<String>, value: u64) -> Self {
        Self::new(MetricKind::Gauge, name.into(), help.into(), value)
    }

    fn new(kind: MetricKind, name: String, help: String, value: u64) -> Self {
        Self { name, help, kind, labels: BTreeMap::new(), value: value as f64 }
    }

    /// The same number under a label.
    #[must_use]
    pub fn with(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(label.into(), value.into());
        self
    }
}

/// What a [`Metric`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Only ever grows, from 0 when the plugin begins.
    Counter,
    /// Goes up and down.
    Gauge,
}
