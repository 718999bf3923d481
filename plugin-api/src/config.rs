//! Configuration that several plugins have in common: build your own config type from these.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Commands to run for each type of synchronisation: paths of `.sh`, `.bat` or `.exe` files.
///
/// Each is run with two arguments, the project and the type, see
/// [`run_sync_command`](crate::run_sync_command). Relative paths are relative to the host's working
/// directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SyncCommandConfig {
    /// For synchronisations by the clock.
    pub scheduled: Option<String>,
    /// For synchronisations that a person started.
    pub manual: Option<String>,
    /// For synchronisations of some defects only.
    pub partial: Option<String>,
}

/// The types of synchronisation that commands can be attached to.
const SYNC_TYPES: [&str; 3] = ["scheduled", "manual", "partial"];

impl SyncCommandConfig {
    /// The command for a type of synchronisation as the API names it.
    #[must_use]
    pub fn for_sync_type(&self, sync_type: &str) -> Option<&str> {
        let command = match sync_type {
            "scheduled" => &self.scheduled,
            "manual" => &self.manual,
            "partial" => &self.partial,
            _ => &None,
        };
        command.as_deref().filter(|command| !command.is_empty())
    }
}

/// A moment of a synchronisation that commands can be attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncPhase {
    /// Before it.
    Presync,
    /// After it.
    Postsync,
}

/// Commands to run before and after a synchronisation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhaseCommands {
    /// Before it.
    pub presync: Option<SyncCommandConfig>,
    /// After it.
    pub postsync: Option<SyncCommandConfig>,
}

impl PhaseCommands {
    /// The command for a phase and a type of synchronisation.
    #[must_use]
    pub fn command(&self, phase: SyncPhase, sync_type: &str) -> Option<&str> {
        let commands = match phase {
            SyncPhase::Presync => &self.presync,
            SyncPhase::Postsync => &self.postsync,
        };
        commands.as_ref()?.for_sync_type(sync_type)
    }

    /// All commands that are configured.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let phases = [&self.presync, &self.postsync].into_iter().flatten();
        phases.flat_map(|phase| SYNC_TYPES.into_iter().filter_map(|sync_type| phase.for_sync_type(sync_type)))
    }
}

/// `[client_config.projects.<name>]`: settings that a project has of its own.
///
/// `P` is a struct of optional fields; a field that is set replaces the general one as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct ProjectOverrides<P>(BTreeMap<String, P>);

impl<P> Default for ProjectOverrides<P> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<P> ProjectOverrides<P> {
    /// The project's own value where it has one, else `general`.
    ///
    /// `let readonly = config.projects.lookup(project, |own| own.readonly.as_ref(), &config.readonly);`
    pub fn lookup<'a, T: ?Sized>(
        &'a self,
        project: Option<&str>,
        own: impl FnOnce(&'a P) -> Option<&'a T>,
        general: &'a T,
    ) -> &'a T {
        project.and_then(|project| self.0.get(project)).and_then(own).unwrap_or(general)
    }

    /// The projects that have settings of their own, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &P)> {
        self.0.iter().map(|(name, own)| (name.as_str(), own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Own {
        readonly: Option<bool>,
    }

    #[test]
    fn a_project_without_a_value_of_its_own_has_the_general_one() {
        let overrides: ProjectOverrides<Own> = serde_json::from_str(r#"{"A":{"readonly":true},"B":{}}"#).unwrap();
        let readonly = |project| *overrides.lookup(project, |own| own.readonly.as_ref(), &false);
        assert!(readonly(Some("A")));
        assert!(!readonly(Some("B")) && !readonly(Some("C")) && !readonly(None));
    }

    #[test]
    fn an_empty_command_is_no_command() {
        let commands: PhaseCommands = serde_json::from_str(r#"{"presync":{"manual":"","partial":"p.sh"}}"#).unwrap();
        assert_eq!(commands.command(SyncPhase::Presync, "manual"), None);
        assert_eq!(commands.command(SyncPhase::Presync, "partial"), Some("p.sh"));
        assert_eq!(commands.command(SyncPhase::Postsync, "partial"), None);
    }
}
