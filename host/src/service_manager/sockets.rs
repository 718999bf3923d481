//! Sockets that systemd has opened for the service, see sd_listen_fds(3).

use std::net::TcpListener;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

use rustix::net::sockopt::{socket_acceptconn, socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};

use super::HandoverError;

/// The sockets that the environment names. To be called once.
pub(super) fn handed_over() -> Result<Vec<TcpListener>, HandoverError> {
    let handed_over = sd_notify::listen_fds_with_names().map_err(HandoverError::Environment)?;
    handed_over
        .map(|(number, name)| {
            // SAFETY: the variable `LISTEN_PID` says that the descriptor is meant for this very process, and it is
            // open, since it could be marked to be closed in other programs. Nothing in this process has it as
            // its own: this is called once, before anything else is opened.
            let socket = unsafe { OwnedFd::from_raw_fd(number) };
            listening(socket, name)
        })
        .collect()
}

/// The socket as what it has to be.
fn listening(socket: OwnedFd, name: String) -> Result<TcpListener, HandoverError> {
    match is_listening_tcp(&socket) {
        Ok(true) => Ok(TcpListener::from(socket)),
        Ok(false) => Err(HandoverError::Kind { name }),
        Err(rustix::io::Errno::NOTSOCK) => Err(HandoverError::Kind { name }),
        Err(error) => Err(HandoverError::Socket { name, source: error.into() }),
    }
}

fn is_listening_tcp(socket: impl AsFd) -> rustix::io::Result<bool> {
    Ok(matches!(socket_domain(&socket)?, AddressFamily::INET | AddressFamily::INET6)
        && socket_type(&socket)? == SocketType::STREAM
        && socket_acceptconn(&socket)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpStream, UdpSocket};
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_a_listening_tcp_socket_is_served() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connected = TcpStream::connect(address).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let unix = UnixListener::bind(folder.path().join("socket")).unwrap();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let file = tempfile::tempfile().unwrap();
        let others: [OwnedFd; 4] = [connected.into(), unix.into(), datagrams.into(), file.into()];
        for other in others {
            let error = listening(other, "web".to_owned()).unwrap_err();
            assert!(matches!(&error, HandoverError::Kind { name } if name == "web"), "{error}");
        }
        assert_eq!(listening(listener.into(), "web".to_owned()).unwrap().local_addr().unwrap(), address);
    }
}
