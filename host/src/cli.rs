//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Serves the defect API of test-management tools through a plugin.
#[derive(Debug, Parser)]
#[command(name = "defect-host", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  defect-host set-credentials --username testbench
  defect-host check
  defect-host start --config /etc/defect-host/config.toml

Exit codes:
  0  done
  1  failed while running
  2  the configuration, the plugin or the command line is wrong";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the service
    #[command(after_help = "\
Examples:
  defect-host start
  defect-host start --host 0.0.0.0 --port 8030 --ssl-cert service.pem --ssl-key service.key
  defect-host start --client-class ./libmy_defect_client.so --client-config my_client.toml

The command line wins over the file, and the environment (PASSWORD_HASH, SALT; a `.env` file in the \
working directory is read) stands in where the file has nothing. DEFECT_HOST_LOG, or else RUST_LOG, sets \
what is logged, as in `DEFECT_HOST_LOG=debug,hyper=info`.")]
    Start(Start),
    /// Start the service for the Service Control Manager, which alone can run this command
    #[cfg(windows)]
    Service(Start),
    /// Check the configuration and the plugin, and say what would run
    #[command(after_help = "Example:\n  defect-host check --config config.toml && systemctl restart defect-host")]
    Check(Start),
    /// Write a first configuration, asking for what it needs
    #[command(after_help = "\
Examples:
  defect-host init
  defect-host init --config /etc/defect-host/config.toml

Nothing is written before you have seen it. An existing file keeps its comments and what you do not change.")]
    Init {
        /// The configuration file
        #[command(flatten)]
        file: EditedFile,
    },
    /// Change or show a part of the configuration
    #[command(after_help = "\
Examples:
  defect-host configure                            asks for the part
  defect-host configure --client-only
  defect-host configure --view                     the whole, its secrets masked")]
    Configure(Configure),
    /// Store the user name and password that callers need
    #[command(after_help = "\
Examples:
  defect-host set-credentials                      asks for both
  echo \"$PASSWORD\" | defect-host set-credentials --username testbench --password-stdin")]
    SetCredentials(SetCredentials),
    /// List the plugins that are found, and why some cannot be loaded
    #[command(
        after_help = "\
Examples:
  defect-host plugins
  defect-host plugins schema JsonlDefectClient     its configuration as JSON Schema
  defect-host plugins new my-tracker               a crate to write a plugin in
  defect-host plugins inspect JsonlDefectClient    what it is, and its configuration as a table
  defect-host plugins inspect JsonlDefectClient --toml     a configuration of it to paste",
        args_conflicts_with_subcommands = true
    )]
    Plugins(Plugins),
    /// Print a script that completes commands and flags in a shell
    #[command(after_help = "Example:\n  defect-host completions bash > /etc/bash_completion.d/defect-host")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder, for packages
    #[command(hide = true)]
    ManPages {
        /// The folder
        folder: PathBuf,
    },
    /// Run a plugin for the host, see `isolation`
    #[command(hide = true)]
    PluginProcess(PluginProcess),
}

/// What the host tells a plugin's process.
#[derive(Debug, Args)]
pub struct PluginProcess {
    /// How much memory its data may take, in MiB
    #[arg(long)]
    pub memory: Option<u64>,
    /// The plugin's library
    pub library: PathBuf,
}

/// The configuration file.
#[derive(Debug, Clone, Args)]
pub struct ConfigFile {
    /// Path of the configuration file
    #[arg(long, value_name = "PATH", default_value = "config.toml")]
    pub config: PathBuf,
}

/// The configuration file of `init` and `configure`.
#[derive(Debug, Clone, Args)]
pub struct EditedFile {
    /// Path of the configuration file
    // `--path` is the Python service's name for it.
    #[arg(long, value_name = "PATH", default_value = "config.toml", alias = "path")]
    pub config: PathBuf,
}

/// What `configure` takes.
#[derive(Debug, Args)]
pub struct Configure {
    /// The configuration file
    #[command(flatten)]
    pub file: EditedFile,
    /// The part
    #[command(flatten)]
    pub part: Part,
}

/// The part of the configuration that `configure` is about; asked for when none is named.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Part {
    /// Everything, as `init`
    #[arg(long)]
    pub full: bool,
    /// The service: address, HTTPS, log, limits
    #[arg(long)]
    pub service_only: bool,
    /// The user name and password that callers need
    #[arg(long)]
    pub credentials_only: bool,
    /// The plugin and its settings
    #[arg(long)]
    pub client_only: bool,
    /// Show the configuration, its secrets masked
    #[arg(long)]
    pub view: bool,
}

/// What `start` and `check` take.
#[derive(Debug, Args)]
pub struct Start {
    /// The configuration file
    #[command(flatten)]
    pub file: ConfigFile,
    /// The plugin's class: a name, a dotted path, the path of a library, or PATH::CLASS
    #[arg(long, value_name = "CLASS")]
    pub client_class: Option<String>,
    /// Path of the plugin's own configuration file, .toml or .properties
    #[arg(long, value_name = "PATH")]
    pub client_config: Option<PathBuf>,
    /// Address to listen on [default: 127.0.0.1]
    #[arg(long, value_name = "HOST")]
    pub host: Option<String>,
    /// Port to listen on, 0 for any free one [default: 8030]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Log everything
    #[arg(long)]
    pub dev: bool,
    /// Path of the service's certificate (PEM), for HTTPS
    #[arg(long, value_name = "PATH")]
    pub ssl_cert: Option<PathBuf>,
    /// Path of its private key (PEM)
    #[arg(long, value_name = "PATH")]
    pub ssl_key: Option<PathBuf>,
    /// Path of the roots of callers' certificates (PEM): callers without one are refused
    #[arg(long, value_name = "PATH")]
    pub ssl_ca_cert: Option<PathBuf>,
}

/// What `set-credentials` takes.
#[derive(Debug, Args)]
pub struct SetCredentials {
    /// The configuration file
    #[command(flatten)]
    pub file: ConfigFile,
    /// The user name; asked for when absent
    #[arg(long)]
    pub username: Option<String>,
    /// The password; asked for when absent. Other users of the machine can see it while the command runs
    #[arg(long, conflicts_with = "password_stdin")]
    pub password: Option<String>,
    /// Read the password from standard input, one line
    #[arg(long)]
    pub password_stdin: bool,
}

/// What `plugins` takes.
#[derive(Debug, Args)]
pub struct Plugins {
    /// The configuration file, for its `plugin_dirs`; may be missing
    #[command(flatten)]
    pub file: ConfigFile,
    /// Something else than the list
    #[command(subcommand)]
    pub command: Option<PluginsCommand>,
}

/// What else `plugins` does.
#[derive(Debug, Subcommand)]
pub enum PluginsCommand {
    /// Print the JSON Schema of a plugin's configuration
    Schema {
        /// The plugin's class: a name, a dotted path, the path of a library, or PATH::CLASS
        class: String,
        /// The configuration file, for its `plugin_dirs`; may be missing
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Show what a plugin is: its file, versions, operations, and the keys of its configuration
    Inspect {
        /// The plugin's class: a name, a dotted path, the path of a library, or PATH::CLASS
        #[arg(value_name = "PATH|CLASS")]
        class: String,
        /// Print a commented configuration to paste instead
        #[arg(long)]
        toml: bool,
        /// The configuration file, for its `plugin_dirs`; may be missing
        #[command(flatten)]
        file: ConfigFile,
    },
    /// Write a crate to write a plugin in; it stands alone and works as it is
    #[command(after_help = "\
Examples:
  defect-host plugins new my-tracker                         the class is MyTrackerDefectClient
  defect-host plugins new my-tracker --dir ~/src/tracker

It needs nothing but Rust and a package registry to build: the sources of the plugin API are in this program.")]
    New(NewPlugin),
}

/// What `plugins new` takes.
#[derive(Debug, Args)]
pub struct NewPlugin {
    /// The plugin's name: letters, digits, `-` and `_`
    #[arg(allow_hyphen_values = true)]
    pub name: String,
    /// The folder to write; must be empty or missing [default: the name]
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
    /// Build against the plugin API of this checkout of defect-host instead of a copy of the sources
    #[arg(long, value_name = "PATH")]
    pub api: Option<PathBuf>,
}
