//! What is counted, for those who watch the service.

use defect_plugin_api::model::Metric;

use super::Connection;

impl Connection {
    /// Asks Jira nothing.
    pub(crate) fn metrics(&self) -> Vec<Metric> {
        let counts = self.transport.counts();
        let cached = [
            self.kind.hits(),
            self.projects.hits(),
            self.fields.hits(),
            self.issue_types.hits(),
            self.type_fields.hits(),
            self.statuses.hits(),
            self.priorities.hits(),
        ];
        vec![
            Metric::counter("jira_requests_total", "Requests to Jira, each try by itself.", counts.sent()),
            Metric::counter("jira_requests_repeated_total", "Tries after the first.", counts.repeated()),
            Metric::counter(
                "jira_requests_limited_total",
                "Answers of Jira that there were too many requests.",
                counts.limited(),
            ),
            Metric::counter("jira_cache_hits_total", "Questions that were not asked again.", cached.iter().sum()),
        ]
    }
}
