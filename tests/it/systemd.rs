//! What systemd hands over: listening sockets and a place for notifications. And a restart that loses no request.

mod notify;
mod restart;
mod sockets;
mod units;
