use anyhow::Result;

use crate::shell::{cargo, run};

/// Writes the tables of docs/configuration.md, by the very test that compares them with the types.
pub(crate) fn write() -> Result<()> {
    let mut test = cargo(&["test", "--package", "defect-host", "--lib", "--locked", "documents_tables_are_made"]);
    run(test.env("DEFECT_HOST_REFERENCE", "write"))
}
