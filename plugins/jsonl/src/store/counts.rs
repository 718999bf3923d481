//! What the store counts for those who watch it.

use std::sync::atomic::{AtomicU64, Ordering};

use defect_plugin_api::model::Metric;

/// So many projects are shown by name, those with the most defects.
const MOST_PROJECTS: usize = 50;
/// The others are shown together. No folder can have this name.
const OTHERS: &str = "/others";

/// Counted since the process began.
#[derive(Default)]
pub(super) struct Counts {
    /// Creations, updates and deletions that were made.
    writes: AtomicU64,
    /// How often the disk was waited for to make some of them safe.
    batches: AtomicU64,
}

impl Counts {
    pub(super) fn add_batch(&self, writes: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes as u64, Ordering::Relaxed);
    }

    pub(super) fn metrics(&self) -> [Metric; 2] {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        [
            Metric::counter("writes_total", "Defects created, updated and deleted.", read(&self.writes)),
            Metric::counter("batches_total", "Syncs of a journal, each for one or more writes.", read(&self.batches)),
        ]
    }
}

/// How large a project is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) project: String,
    pub(super) defects: u64,
    pub(super) file_bytes: u64,
    pub(super) journal_bytes: u64,
}

/// The sizes as numbers, few even of many projects.
pub(super) fn metrics_of(mut sizes: Vec<Size>) -> Vec<Metric> {
    sizes.sort_by(|a, b| b.defects.cmp(&a.defects).then_with(|| a.project.cmp(&b.project)));
    if sizes.len() > MOST_PROJECTS {
        let mut others = Size { project: OTHERS.to_owned(), ..Size::default() };
        for size in sizes.split_off(MOST_PROJECTS) {
            others.defects += size.defects;
            others.file_bytes += size.file_bytes;
            others.journal_bytes += size.journal_bytes;
        }
        sizes.push(others);
    }
    let numbers = sizes.into_iter().flat_map(|size| {
        [
            Metric::gauge("defects", "Defects of a project that was used since the start.", size.defects),
            Metric::gauge("file_bytes", "Bytes of its files.", size.file_bytes),
            Metric::gauge(
                "journal_bytes",
                "Bytes of its journal that are not in the files for good.",
                size.journal_bytes,
            ),
        ]
        .map(|metric| metric.with("project", &size.project))
    });
    numbers.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_projects_are_few_numbers_and_none_is_forgotten() {
        let size =
            |number: u64| Size { project: number.to_string(), defects: number, file_bytes: 10, journal_bytes: 1 };
        let metrics = metrics_of((1..=60).map(size).collect());
        assert_eq!(metrics.len(), 51 * 3);
        let sum =
            |name: &str| metrics.iter().filter(|metric| metric.name == name).map(|metric| metric.value).sum::<f64>();
        assert_eq!((sum("defects"), sum("file_bytes"), sum("journal_bytes")), (1830.0, 600.0, 60.0));
        assert_eq!(metrics[0].labels["project"], "60");
        assert_eq!(metrics[150].labels["project"], OTHERS);
    }
}
