//! Telling systemd how the service is, see sd_notify(3).

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How long a service manager may take that does not read. It must not hold the service up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where notifications go.
///
/// Not by sd-notify, which looks into the environment for each: the variable is no longer there then. Nor does it
/// know abstract names, as containers have them.
pub(super) struct Notification {
    socket: OsString,
}

impl Notification {
    /// What the environment says; `None` when nobody wants to be told.
    pub(super) fn wanted() -> Option<Self> {
        std::env::var_os("NOTIFY_SOCKET").and_then(Self::to)
    }

    pub(super) fn to(socket: OsString) -> Option<Self> {
        (!socket.is_empty()).then_some(Self { socket })
    }

    /// Sends it. What goes wrong is logged: the service itself is none the worse.
    pub(super) fn send(&self, state: &str) {
        if let Err(error) = self.try_send(state) {
            tracing::warn!("the service manager cannot be told at `{}`: {error}", self.socket.display());
        }
    }

    fn try_send(&self, state: &str) -> io::Result<()> {
        let address = match self.socket.as_bytes() {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(&self.socket)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.send_to_addr(state.as_bytes(), &address).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_begins_with_an_at_sign_is_an_abstract_one() {
        let name = format!("defect-host-test-{}", std::process::id());
        let receiver = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Notification::to(format!("@{name}").into()).unwrap().send("READY=1\n");
        let mut buffer = [0; 100];
        let length = receiver.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1\n");
    }
}
