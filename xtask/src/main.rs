//! The project's own commands. `cargo xtask demo` builds and serves the demo, `cargo xtask check` runs
//! everything that CI runs, `cargo xtask package` makes packages, `cargo xtask bench` measures what a user sees.

mod adf_schema;
mod bench;
mod check;
mod demo;
mod deny;
mod jira_contract;
mod machine;
mod package;
mod python;
mod reference;
mod shell;
mod windows;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
enum Task {
    /// Build everything and serve the demo data at <http://127.0.0.1:8030>
    Demo {
        /// Further arguments for `defect-host start`, such as `--port 8031`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Format, lints, build, all tests with the Python service beside ours, and the documents
    Check,
    /// Write the tables of the service's keys in docs/configuration.md anew, from the types
    Reference,
    /// Install the Python service and schemathesis for the tests, under `target/`
    Python,
    /// Kill the real process under eight writers, two hundred times, and see that nothing is lost
    Crash {
        /// How often
        #[arg(long, default_value_t = 200)]
        rounds: u32,
    },
    /// Hold the fake Jira of the tests against Atlassian's OpenAPI documents, with prism from npm
    JiraContract {
        /// The folder of the documents and of the script that repairs them. Without it, and without
        /// JIRA_DOCUMENTS in the environment, this is skipped
        documents: Option<PathBuf>,
    },
    /// Check the dependencies' licences, sources and advisories by `deny.toml`, with cargo-deny
    Deny,
    /// Make a tarball and a Debian package of the program and the reference plugins, in `target/dist`
    Package(package::Arguments),
    /// Check that what ships compiles for Windows, with compilers of Debian's
    Windows {
        /// Build it, in `target/windows`
        #[arg(long)]
        build: bool,
    },
    /// Check the Debian package in a virtual machine under a real systemd: started, watched, sandboxed, upgraded,
    /// removed; and by lintian. As root, with lintian, mmdebstrap and qemu-system-x86 of Debian
    Machine(machine::Arguments),
    /// Run the tests of what is unsafe under valgrind
    Memcheck,
    /// Measure ours, the Python service, nginx and a bare axum handler side by side
    Bench(bench::Arguments),
    /// What `bench` starts to clean up after it
    #[command(hide = true)]
    Reaper,
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Demo { arguments } => demo::run(&arguments),
        Task::Check => check::run(),
        Task::Reference => reference::write(),
        Task::Python => python::install(),
        Task::Crash { rounds } => check::crash(rounds),
        Task::JiraContract { documents } => jira_contract::check(documents),
        Task::Deny => deny::check(),
        Task::Package(arguments) => package::run(&arguments),
        Task::Windows { build } => windows::compile(build),
        Task::Machine(arguments) => machine::check(&arguments),
        Task::Memcheck => check::memcheck(),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Reaper => bench::reap(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            shell::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
