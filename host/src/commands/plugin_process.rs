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

/// The same. Nothing limits its memory there, and no signal reaches it: its console is its own.
#[cfg(windows)]
fn be_a_plugins_process(_: Option<u64>) -> io::Result<(impl Read + Send, impl Write + Send)> {
    use std::fs::File;
    use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, IntoRawHandle, RawHandle};
    use windows_sys::Win32::Foundation::{HANDLE_FLAG_INHERIT, SetHandleInformation};
    use windows_sys::Win32::System::Console::{STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle};

    /// A copy of a standard stream that the programs which the plugin starts do not get, and another one in its
    /// place. The old handle stays open: a C library may have it, too.
    fn exchange(which: STD_HANDLE, stream: BorrowedHandle<'_>, other: RawHandle) -> io::Result<File> {
        let copy = stream.try_clone_to_owned()?;
        // SAFETY: the first handle is borrowed, so it is open; the other one stays open as long as the process.
        let exchanged = unsafe {
            SetHandleInformation(stream.as_raw_handle(), HANDLE_FLAG_INHERIT, 0) != 0 && SetStdHandle(which, other) != 0
        };
        if exchanged { Ok(File::from(copy)) } else { Err(io::Error::last_os_error()) }
    }

    let nothing = File::open("NUL")?.into_raw_handle();
    let input = exchange(STD_INPUT_HANDLE, io::stdin().as_handle(), nothing)?;
    let output = exchange(STD_OUTPUT_HANDLE, io::stdout().as_handle(), io::stderr().as_raw_handle())?;
    Ok((input, output))
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
