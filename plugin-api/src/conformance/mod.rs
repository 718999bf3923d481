//! Checks that a client keeps the contract of [`DefectClient`], for the `cargo test` of any plugin.
//!
//! Cargo feature `conformance`. It belongs into the plugin's `dev-dependencies`, so that the plugin itself
//! is built without it; it brings no further dependency:
//!
//! ```toml
//! [dependencies]
//! defect-plugin-api = { path = "../defect-host/plugin-api" }
//!
//! [dev-dependencies]
//! defect-plugin-api = { path = "../defect-host/plugin-api", features = ["conformance"] }
//! ```
//!
//! A plugin is a `cdylib`, so its tests are inside it. In a function with `#[test]`:
//!
//! ```
//! # use defect_plugin_api::model::*;
//! # use defect_plugin_api::{ClientError, DefectClient, DefectList};
//! # struct MyDefectClient;
//! # impl DefectClient for MyDefectClient {
//! #     type Config = ();
//! #     fn new((): ()) -> Result<Self, ClientError> { Ok(Self) }
//! #     fn get_settings(&self) -> Result<Settings, ClientError> { todo!() }
//! #     fn check_login(&self, _: Option<&str>) -> Result<bool, ClientError> { todo!() }
//! #     fn get_projects(&self) -> Result<Vec<String>, ClientError> { todo!() }
//! #     fn get_control_fields(&self, _: Option<&str>) -> Result<ControlFields, ClientError> { todo!() }
//! #     fn get_defects(&self, _: &str, _: &SyncContext) -> Result<DefectList, ClientError> { todo!() }
//! #     fn get_defects_batch(&self, _: &str, _: &[String], _: &SyncContext) -> Result<DefectList, ClientError> { todo!() }
//! #     fn get_defect_extended(&self, _: &str, _: &str, _: &SyncContext) -> Result<DefectWithAttributes, ClientError> { todo!() }
//! #     fn create_defect(&self, _: &str, _: &Defect, _: &SyncContext) -> Result<ProtocolledString, ClientError> { todo!() }
//! #     fn update_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> { todo!() }
//! #     fn delete_defect(&self, _: &str, _: &str, _: &Defect, _: &SyncContext) -> Result<Protocol, ClientError> { todo!() }
//! # }
//! # fn config() {}
//! use defect_plugin_api::conformance::{self, ScratchProject};
//!
//! # fn keeps_the_contract() {
//! let client = MyDefectClient::new(config()).unwrap();
//! conformance::check(&client, &ScratchProject::new("Scratch")).assert_passed();
//! # }
//! # assert!(std::panic::catch_unwind(keeps_the_contract).is_err(), "all that `todo!` panics is found");
//! ```
//!
//! The client is called through the code that the host's calls go through: an operation's name and JSON in,
//! JSON out, whole or in pieces. What is checked is what a host would send on. Every check is a [`Check`]; a
//! tracker that cannot do or keep everything says so in its [`ScratchProject`]. The [`Report`] tells, of each
//! check that failed, what was asked, what came back, what the contract wants and what to do.
//!
//! What the checks create they delete again, unless the tracker cannot delete. A panic of the client is a
//! failure of the check that caused it. A call that never returns is not noticed: the test hangs in it, as
//! nothing can end a thread.

mod call;
mod check;
mod checks;
mod json;
mod report;
mod samples;
mod scratch;
mod shown;
#[cfg(test)]
mod tests;
mod tracker;
mod verdict;

pub use check::Check;
pub use report::{Failure, Outcome, Report};
pub use scratch::{Field, Precision, ScratchProject};

use crate::client::DefectClient;
use tracker::Tracker;
use verdict::Stop;

/// Checks a client that may write.
pub fn check<C: DefectClient>(client: &C, scratch: &ScratchProject) -> Report {
    run::<C>(Tracker::new(client, scratch, false))
}

/// Checks a client that is configured to be read-only, on a project with one or two defects.
pub fn check_read_only<C: DefectClient>(client: &C, scratch: &ScratchProject) -> Report {
    run::<C>(Tracker::new(client, scratch, true))
}

fn run<C>(tracker: Tracker<'_>) -> Report {
    crate::panics::add_hook();
    let checks = Check::ALL.iter().copied().filter(|check| check.applies(tracker.is_read_only));
    let outcomes = checks.map(|check| {
        let why_not = tracker.scratch.why_not(check, check.operations(), check.fields());
        let outcome = match why_not.map_or_else(|| check.run(&tracker), |why| Err(Stop::Skipped(why))) {
            Ok(()) => Outcome::Passed,
            Err(Stop::Failed(failures)) => Outcome::Failed(failures),
            Err(Stop::Skipped(why)) => Outcome::Skipped(why),
        };
        tracker.clean_up();
        (check, outcome)
    });
    let outcomes = outcomes.collect();
    Report { client: std::any::type_name::<C>(), outcomes, left_behind: tracker.clean_up_all() }
}
