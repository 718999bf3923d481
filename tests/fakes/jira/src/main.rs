//! The fake by hand, and for the benchmark. Requests, faults and latency: `/__fake__/…`, see `control.rs`.

use std::error::Error;
use std::io::Write;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use jira_fake::JiraFake;

#[derive(Clone, Copy, ValueEnum)]
enum Product {
    Cloud,
    Dc,
}

/// A fake Jira on loopback, until it is interrupted.
#[derive(Parser)]
struct Arguments {
    /// Which product
    product: Product,
    /// The port; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A context path, for `dc`
    #[arg(long, default_value = "")]
    context_path: String,
    /// The version, for `dc`
    #[arg(long, default_value = "10.3.24")]
    server_version: String,
    /// What every request takes at least, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency: u64,
    /// The address that answers name, when callers come through a proxy
    #[arg(long)]
    public_address: Option<String>,
    /// Any client may call: otherwise what the plugin may not send is answered 599
    #[arg(long)]
    any_client: bool,
    /// The project's key; it has a field of every type
    #[arg(long, default_value = "SHOP")]
    project: String,
    /// The project's issues
    #[arg(long, default_value_t = 0)]
    issues: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let numbers = arguments.server_version.split('.').map(str::parse).collect::<Result<Vec<u32>, _>>()?;
    let version = numbers.try_into().map_err(|_| "--server-version takes three numbers, such as 10.3.24")?;
    let options = match arguments.product {
        Product::Cloud => JiraFake::cloud(),
        Product::Dc => JiraFake::data_center().context_path(&arguments.context_path).version(version),
    };
    let mut options = options.port(arguments.port).latency(Duration::from_millis(arguments.latency));
    if let Some(address) = &arguments.public_address {
        options = options.public_address(address);
    }
    if arguments.any_client {
        options = options.for_any_client();
    }
    let jira = options.start()?;
    {
        let mut state = jira.state();
        state.add_project(&arguments.project, "Shop App");
        state.add_fields_of_every_type(&arguments.project);
        state.add_issues(&arguments.project, arguments.issues);
    }
    // One line, for those who start it and wait.
    writeln!(std::io::stdout(), "{}", jira.url())?;
    // Until it is killed.
    loop {
        std::thread::park();
    }
}
