//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use super::histogram::Snapshot;

/// What the format is called in HTTP.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family of samples is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Only ever grows, but for a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    Histogram,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The text while it is written. All samples of a family follow its head.
#[derive(Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// The head of a family. `name` is one by the format's rules; `help` may be any text.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        // Writing into a String cannot fail, here and below.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {}", kind.name());
    }

    /// A sample. The labels' names are such by the format's rules; their values may be any text.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let before = if index == 0 { '{' } else { ',' };
            let _ = write!(self.0, "{before}{label}=\"{text}\"");
        }
        let end = if labels.is_empty() { "" } else { "}" };
        let _ = writeln!(self.0, "{end} {value}");
    }

    /// The samples of a histogram with one label.
    pub(super) fn histogram(&mut self, name: &str, label: (&str, &str), snapshot: &Snapshot) {
        let bucket = format!("{name}_bucket");
        for (limit, count) in &snapshot.buckets {
            self.sample(&bucket, &[label, ("le", &limit.to_string())], count);
        }
        self.sample(&bucket, &[label, ("le", "+Inf")], snapshot.count);
        self.sample(&format!("{name}_sum"), &[label], snapshot.seconds);
        self.sample(&format!("{name}_count"), &[label], snapshot.count);
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::histogram::Histogram;
    use super::*;

    #[test]
    fn no_value_of_a_label_ends_it() {
        let mut text = Exposition::default();
        text.family("x_total", Kind::Counter, "a\nb \\ c");
        text.sample("x_total", &[("a", "1\"} 2\n\\"), ("b", "é")], 0.5);
        text.sample("x_total", &[], 7_u64);
        insta::assert_snapshot!(text.into_text(), @r#"
        # HELP x_total a\nb \\ c
        # TYPE x_total counter
        x_total{a="1\"} 2\n\\",b="é"} 0.5
        x_total 7
        "#);
    }

    #[test]
    fn a_histogram_ends_with_all_that_it_counted() {
        let histogram = Histogram::default();
        histogram.observe(Duration::from_secs(100));
        let mut text = Exposition::default();
        text.histogram("t_seconds", ("operation", "x"), &Histogram::sum(std::iter::once(&histogram)));
        let text = text.into_text();
        assert!(text.starts_with("t_seconds_bucket{operation=\"x\",le=\"0.0001\"} 0\n"), "{text}");
        let end = "t_seconds_bucket{operation=\"x\",le=\"60\"} 0\nt_seconds_bucket{operation=\"x\",le=\"+Inf\"} 1\n\
                   t_seconds_sum{operation=\"x\"} 100\nt_seconds_count{operation=\"x\"} 1\n";
        assert!(text.ends_with(end), "{text}");
    }
}
