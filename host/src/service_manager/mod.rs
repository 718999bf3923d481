//! What a service manager hands over and wants to be told: systemd, which has listening sockets, and the Service
//! Control Manager of Windows, which also says when to stop. On other systems there is none.

#[cfg(target_os = "linux")]
mod notification;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(windows)]
mod windows;

use std::net::TcpListener;
use std::time::Duration;

#[cfg(target_os = "linux")]
use notification::Notification;
#[cfg(windows)]
pub use windows::run_as_service;

/// Why what was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The environment contradicts the protocol.
    #[error("the sockets that the service manager hands over cannot be found by `LISTEN_PID` and `LISTEN_FDS`: {0}")]
    Environment(std::io::Error),
    /// A socket is of a kind that is not served.
    #[error("the socket `{name}` that the service manager hands over is no listening TCP socket")]
    Kind {
        /// As the service manager calls it; systemd: the socket unit, or its `FileDescriptorName=`.
        name: String,
    },
    /// A socket does not say what it is.
    #[error("the socket `{name}` that the service manager hands over cannot be used: {source}")]
    Socket {
        /// See [`HandoverError::Kind`].
        name: String,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl HandoverError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Kind { .. } => {
                Some("in the socket unit, write an address and a port in each `ListenStream=`, and leave out `Accept=`")
            }
            Self::Environment(_) | Self::Socket { .. } => None,
        }
    }
}

/// The service manager that has started this process, if one has.
pub struct ServiceManager {
    sockets: Result<Vec<TcpListener>, HandoverError>,
    #[cfg(target_os = "linux")]
    notification: Option<Notification>,
    #[cfg(windows)]
    service: Option<windows::Service>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Takes what is handed over out of the environment, so that no program that is started later, such as a
    /// plugin's process or a command of a synchronisation, takes it for its own.
    ///
    /// # Safety
    /// There must be no other thread: the environment is changed.
    #[must_use]
    pub unsafe fn take_from_environment() -> Self {
        #[cfg(target_os = "linux")]
        {
            let (sockets, notification) = (sockets::handed_over(), Notification::wanted());
            let watchdog = sd_notify::watchdog_enabled();
            let variables =
                ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];
            for variable in variables {
                // SAFETY: the caller promises that there is no other thread.
                unsafe { std::env::remove_var(variable) };
            }
            Self { sockets, notification, watchdog }
        }
        #[cfg(not(target_os = "linux"))]
        Self {
            sockets: Ok(Vec::new()),
            #[cfg(windows)]
            service: None,
            watchdog: None,
        }
    }

    /// The sockets to serve instead of own ones; none when there are none. They stay open in the service manager
    /// when this process ends. To be asked for once.
    ///
    /// # Errors
    /// [`HandoverError`]
    pub fn take_sockets(&mut self) -> Result<Vec<TcpListener>, HandoverError> {
        std::mem::replace(&mut self.sockets, Ok(Vec::new()))
    }

    /// Tells that the service serves from now on, and what.
    pub fn ready(&self, what: &str) {
        self.tell(&format!("READY=1\nSTATUS={what}\n"));
        #[cfg(windows)]
        self.service.iter().for_each(windows::Service::ready);
    }

    /// Ready when the service manager wants the service to stop, other than by a signal.
    pub async fn stop_requested(&self) {
        #[cfg(windows)]
        if let Some(service) = &self.service {
            return service.stop_requested().await;
        }
        std::future::pending().await
    }

    /// Tells that the service ends, within this time. It counts even when the service manager's own limit, which
    /// knows nothing of the configuration, is shorter.
    pub fn stopping(&self, within: Duration) {
        let microseconds = within.as_micros();
        self.tell(&format!("STOPPING=1\nSTATUS=answering the accepted requests\nEXTEND_TIMEOUT_USEC={microseconds}\n"));
        #[cfg(windows)]
        self.service.iter().for_each(|service| service.stopping(within));
    }

    /// Tells that the service is over, with the program's exit code, and why when it failed. systemd sees both by
    /// itself.
    pub fn ended(&self, exit_code: u8, error: Option<&str>) {
        #[cfg(windows)]
        self.service.iter().for_each(|service| service.ended(exit_code, error));
        #[cfg(not(windows))]
        let _ = (exit_code, error);
    }

    /// Tells that the service is well, as often as the service manager wants it and as long as `beat` comes to an
    /// end. Never ends itself; without a watchdog it does nothing.
    pub async fn report_health<Beat: Future<Output = ()>>(&self, beat: impl Fn() -> Beat) {
        let Some(limit) = self.watchdog else {
            return std::future::pending().await;
        };
        // Twice within the limit, as sd_watchdog_enabled(3) recommends.
        let mut interval = tokio::time::interval((limit / 2).max(Duration::from_millis(1)));
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            beat().await;
            self.tell("WATCHDOG=1\n");
        }
    }

    fn tell(&self, state: &str) {
        #[cfg(target_os = "linux")]
        if let Some(notification) = &self.notification {
            notification.send(state);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = state;
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn the_watchdog_hears_nothing_more_once_a_beat_does_not_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        receiver.set_nonblocking(true).unwrap();
        let manager = ServiceManager {
            sockets: Ok(Vec::new()),
            notification: Notification::to(path.into_os_string()),
            watchdog: Some(Duration::from_millis(2)),
        };
        let (beats, stuck) = (AtomicUsize::new(0), tokio::sync::Notify::new());
        let reporting = manager.report_health(|| async {
            if beats.fetch_add(1, Ordering::Relaxed) == 2 {
                stuck.notify_one();
                std::future::pending().await
            }
        });
        tokio::select! {
            () = reporting => panic!("it never ends"),
            () = stuck.notified() => {}
        }
        let mut buffer = [0; 100];
        let mut received = || receiver.recv(&mut buffer).map(|length| buffer[..length].to_vec());
        assert_eq!(received().unwrap(), b"WATCHDOG=1\n");
        assert_eq!(received().unwrap(), b"WATCHDOG=1\n");
        assert_eq!(received().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
}
