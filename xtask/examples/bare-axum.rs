//! What `cargo xtask bench` compares small answers with: the least that axum can do for the same bytes.
//! An example and not a command, so that building the other commands needs no web server.
//!
//! `bare-axum <port> <file with the answer to /settings> <file with the answer to /projects>`

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::ListenerExt;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: bare-axum <port> <settings> <projects>");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, next()?.parse::<u16>()?));
    let answer = |bytes: Vec<u8>| {
        let bytes = axum::body::Bytes::from(bytes);
        get(move || std::future::ready(([(CONTENT_TYPE, "application/json")], bytes.clone())))
    };
    let router = Router::new()
        .route("/settings", answer(std::fs::read(next()?)?))
        .route("/projects", answer(std::fs::read(next()?)?));
    // As `defect-host start` makes its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().max_blocking_threads(80).build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?.tap_io(|stream| {
            // The host does the same.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router).await
    })?;
    Ok(())
}
