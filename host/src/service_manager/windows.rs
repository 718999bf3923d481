//! Being a service of Windows: what its Service Control Manager asks for, and what it is told.

use std::ffi::OsString;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

use super::ServiceManager;

/// What a start that failed leaves in the working directory: a service has no console.
const ERROR_FILE: &str = "defect-host-error.txt";

/// As long as nobody else can know how long the plugin needs.
const START: Duration = Duration::from_secs(60);

/// A process has one service, so its name is of no importance to the system.
const NAME: &str = "defect-host";

/// What the service does. Not an argument: the system calls a function of its own form.
static MAIN: Mutex<Option<Main>> = Mutex::new(None);
type Main = Box<dyn FnOnce(ServiceManager) + Send>;

static STOP: Notify = Notify::const_new();

define_windows_service!(service_main, run_service);

/// Connects to the Service Control Manager, which has started this process, and runs `main` on another thread.
/// Returns when the service has stopped.
///
/// # Errors
/// Another program has started this process.
pub fn run_as_service(main: impl FnOnce(ServiceManager) + Send + 'static) -> io::Result<()> {
    *MAIN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(main));
    service_dispatcher::start(NAME, service_main).map_err(system_error)
}

fn run_service(_: Vec<OsString>) {
    // It must capture nothing: what it holds is freed at the first `Stop`, and it is still called after that.
    let handler = |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown => {
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    // Without it nobody can be told anything; the system sees the process end.
    let Ok(status) = service_control_handler::register(NAME, handler) else { return };
    let service = Service(status);
    service.tell(ServiceState::StartPending, START, 0);
    let main = MAIN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(main) = main {
        main(ServiceManager { sockets: Ok(Vec::new()), service: Some(service), watchdog: None });
    }
}

/// The service that this process is.
pub(super) struct Service(ServiceStatusHandle);

impl Service {
    pub(super) fn ready(&self) {
        let _ = std::fs::remove_file(ERROR_FILE);
        self.tell(ServiceState::Running, Duration::ZERO, 0);
    }

    pub(super) fn stopping(&self, within: Duration) {
        self.tell(ServiceState::StopPending, within, 0);
    }

    /// The last that can be told: the process may be ended now.
    pub(super) fn ended(&self, exit_code: u8, error: Option<&str>) {
        if let Some(error) = error {
            // Where it cannot be written, the exit code has to do.
            let _ = std::fs::write(ERROR_FILE, format!("{error}\n"));
        }
        self.tell(ServiceState::Stopped, Duration::ZERO, exit_code);
    }

    pub(super) async fn stop_requested(&self) {
        STOP.notified().await;
    }

    fn tell(&self, state: ServiceState, within: Duration, exit_code: u8) {
        let accepted = match state {
            ServiceState::Running => ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN,
            _ => ServiceControlAccept::empty(),
        };
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: accepted,
            exit_code: match exit_code {
                0 => ServiceExitCode::NO_ERROR,
                code => ServiceExitCode::ServiceSpecific(code.into()),
            },
            checkpoint: 0,
            wait_hint: within,
            process_id: None,
        };
        if let Err(error) = self.0.set_service_status(status) {
            tracing::warn!("the Service Control Manager cannot be told: {}", system_error(error));
        }
    }
}

/// The crate's own words do not say what the system's are.
fn system_error(error: windows_service::Error) -> io::Error {
    match error {
        windows_service::Error::Winapi(error) => error,
        other => io::Error::other(other),
    }
}
