//! `defect-host plugin-process`: a plugin in a process of its own. The host starts it for itself.

use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;

use super::terminal::Terminal;
use crate::cli;
use crate::plugin::process;

pub(super) fn run(arguments: &cli::PluginProcess, terminal: &Terminal) -> ExitCode {
    if io::stdin().is_terminal() {
        terminal
            .complain("error: the host starts this command for itself; set `isolation = \"process\"` and use `start`");
        return ExitCode::from(super::EXIT_WRONG);
    }
    super::start::limit_arenas();
    match be_a_plugins_process(arguments.memory) {
        Ok((input, output)) => process::serve(&arguments.library, input, output, exit),
        Err(error) => {
            terminal.complain(format_args!("the plugin's process cannot be set up: {error}"));
            ExitCode::from(super::EXIT_FAILED)
        }
    }
}

/// The streams from and to the host, which the plugin's own code can no longer reach by their usual
/// numbers: what it reads is empty, and what it writes goes to the host's log.
#[cfg(unix)]
fn be_a_plugins_process(memory: Option<u64>) -> io::Result<(impl Read + Send, impl Write + Send)> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    use std::fs::File;

    // Closed in the programs that the plugin starts.
    let input = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    let output = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    let at_most = |most| Rlimit { current: Some(most), maximum: Some(most) };
    // A dump of its memory would hold the configuration's secrets.
    setrlimit(Resource::Core, at_most(0))?;
    if let Some(mebibytes) = memory {
        // Not the address space: glibc's allocator reserves far more of that than it uses.
        setrlimit(Resource::Data, at_most(mebibytes.saturating_mul(1 << 20)))?;
    }
    stay_until_the_host_ends();
    Ok((File::from(input), File::from(output)))
}

#[cfg(not(unix))]
fn be_a_plugins_process(_: Option<u64>) -> io::Result<(impl Read + Send, impl Write + Send)> {
    Ok((io::stdin(), io::stdout()))
}

/// A service manager tells all processes of a service to end; the host still answers requests then. Handled
/// and not ignored: programs that the plugin starts would inherit that.
#[cfg(unix)]
fn stay_until_the_host_ends() {
    extern "C" fn nothing(_: libc::c_int) {}
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP] {
        // SAFETY: the handler does nothing, and it is a function of the type that `signal` wants.
        unsafe { libc::signal(signal, nothing as extern "C" fn(libc::c_int) as libc::sighandler_t) };
    }
}

/// At once: no code of the plugin's runs any more, which could hang.
fn exit() -> ! {
    #[cfg(unix)]
    // SAFETY: it takes a number and ends the process.
    unsafe {
        libc::_exit(0)
    }
    #[cfg(not(unix))]
    std::process::exit(0)
}
