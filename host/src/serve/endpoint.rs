//! What a request is for, as far as its path says: also of one that is refused before it has a route.

use defect_plugin_api::Operation;

/// What a path stands for. There are few, so they can be counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// The defect API; the host may answer without asking the plugin.
    Api(Operation),
    /// `/healthz` and `/readyz`.
    Health,
    /// The API's document and the page that shows it.
    Documents,
    /// None of the service's paths.
    Other,
}

/// As many parts has the longest path.
const MOST_PARTS: usize = 5;

impl Endpoint {
    pub(super) fn of(path: &str) -> Self {
        let mut parts = [""; MOST_PARTS];
        let mut count = 0;
        for part in path.strip_prefix('/').unwrap_or(path).split('/') {
            if count < MOST_PARTS {
                parts[count] = part;
            }
            count += 1;
        }
        match parts.get(..count).unwrap_or_default() {
            ["check-login"] => Self::Api(Operation::CheckLogin),
            ["settings"] => Self::Api(Operation::GetSettings),
            ["supports-changes-timestamps"] => Self::Api(Operation::SupportsChangesTimestamps),
            ["projects"] => Self::Api(Operation::GetProjects),
            ["projects", "control-fields"] => Self::Api(Operation::GetControlFields),
            ["projects", "udfs"] => Self::Api(Operation::GetUserDefinedAttributes),
            ["projects", _, "defects"] => Self::Api(Operation::GetDefects),
            ["projects", _, "defects", "batch"] => Self::Api(Operation::GetDefectsBatch),
            ["projects", _, "defects", "create"] => Self::Api(Operation::CreateDefect),
            ["projects", _, "defects", "correct"] => Self::Api(Operation::CorrectSyncResults),
            ["projects", _, "defects", _, "update"] => Self::Api(Operation::UpdateDefect),
            ["projects", _, "defects", _, "delete"] => Self::Api(Operation::DeleteDefect),
            ["projects", _, "defects", _, "extended"] => Self::Api(Operation::GetDefectExtended),
            ["projects", _, "sync", "before"] => Self::Api(Operation::BeforeSync),
            ["projects", _, "sync", "after"] => Self::Api(Operation::AfterSync),
            ["healthz" | "readyz"] => Self::Health,
            ["" | "docs" | "openapi.yaml" | "favicon.ico", ..] => Self::Documents,
            _ => Self::Other,
        }
    }

    /// The operation that the request asks for.
    pub(super) fn operation(self) -> Option<Operation> {
        match self {
            Self::Api(operation) => Some(operation),
            Self::Health | Self::Documents | Self::Other => None,
        }
    }

    /// The path with names instead of values, as the API's document has it.
    pub(super) fn route(self) -> Option<&'static str> {
        Some(match self.operation()? {
            Operation::CheckLogin => "/check-login",
            Operation::GetSettings => "/settings",
            Operation::SupportsChangesTimestamps => "/supports-changes-timestamps",
            Operation::GetProjects => "/projects",
            Operation::GetControlFields => "/projects/control-fields",
            Operation::GetUserDefinedAttributes => "/projects/udfs",
            Operation::GetDefects => "/projects/{project}/defects",
            Operation::GetDefectsBatch => "/projects/{project}/defects/batch",
            Operation::CreateDefect => "/projects/{project}/defects/create",
            Operation::CorrectSyncResults => "/projects/{project}/defects/correct",
            Operation::UpdateDefect => "/projects/{project}/defects/{defectId}/update",
            Operation::DeleteDefect => "/projects/{project}/defects/{defectId}/delete",
            Operation::GetDefectExtended => "/projects/{project}/defects/{defectId}/extended",
            Operation::BeforeSync => "/projects/{project}/sync/before",
            Operation::AfterSync => "/projects/{project}/sync/after",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::{document, routes};

    #[test]
    fn every_route_of_the_api_is_an_operation_of_its_own() {
        let mut api = document::empty();
        let _ = routes::router().finish_api(&mut api);
        let paths: Vec<String> = api.paths.into_iter().flat_map(|paths| paths.paths.into_keys()).collect();
        let mut operations: Vec<&str> = paths
            .iter()
            .map(|path| match Endpoint::of(path) {
                endpoint @ Endpoint::Api(operation) => {
                    assert_eq!(endpoint.route(), Some(path.as_str()));
                    operation.name()
                }
                other => panic!("{path} is {other:?}"),
            })
            .collect();
        let count = operations.len();
        operations.sort_unstable();
        operations.dedup();
        assert_eq!((operations.len(), count), (15, 15));
    }

    #[test]
    fn other_paths_are_told_apart_by_what_they_show() {
        for (path, endpoint) in [
            ("/", Endpoint::Documents),
            ("/docs", Endpoint::Documents),
            ("/docs/openapi.json", Endpoint::Documents),
            ("/readyz", Endpoint::Health),
            ("/readyz/x", Endpoint::Other),
            ("/projects/Shop", Endpoint::Other),
            ("/projects/a/b/c/d/e/f", Endpoint::Other),
            ("*", Endpoint::Other),
        ] {
            assert_eq!(Endpoint::of(path), endpoint, "{path}");
        }
    }
}
