//! Logins against a server that plays Jira, Atlassian's gateway and the token endpoint at once.

mod gateway;
mod renewal;
mod storage;
mod threads;

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use defect_plugin_api::model::Password;

use super::{Credentials, Grant, LoginError, OAuth2, OAuth2Config};
use crate::transport::tests::server::{Seen, Server, Step, TestClock, answer, json};
use crate::transport::{BaseUrl, Clock, Request, Response, Target, Transport, TransportConfig, TransportError};

/// A server, and a configuration that has everything of Atlassian there.
fn atlassian(answerer: impl FnMut(&Seen) -> Step + Send + 'static) -> (Server, TransportConfig) {
    let server = Server::with_bodies(answerer);
    let at = |path: &str| BaseUrl::parse(&format!("{}{path}", server.url)).unwrap();
    let config = TransportConfig { gateway: at("/ex/jira"), cloud_tokens: at("/oauth/token"), ..server.config() };
    (server, config)
}

fn with_clock(config: &TransportConfig) -> (Transport, Arc<TestClock>) {
    let clock = Arc::new(TestClock::default());
    (Transport::with_clock(config, Arc::clone(&clock) as _).unwrap(), clock)
}

fn get(transport: &Transport, credentials: &Credentials) -> Result<Response, TransportError> {
    let deadline = transport.deadline_in(Duration::from_secs(60));
    transport.send(&Request::get(Target::new("/rest/api/3/myself"), credentials, deadline))
}

fn path(seen: &Seen) -> &str {
    seen.line.split(' ').nth(1).unwrap()
}

fn paths(server: &Server) -> Vec<String> {
    server.seen().iter().map(|seen| path(seen).to_owned()).collect()
}

fn basic(username: &str) -> Credentials {
    Credentials::Basic { username: username.to_owned(), password: Password::new("token") }
}

fn user(folder: &Path, configured: Option<&str>) -> Credentials {
    oauth2(Grant::RefreshToken {
        configured: configured.map(Password::new),
        file: folder.join("oauth2.json"),
        python_cache: folder.join("python.toml"),
    })
}

fn oauth2(grant: Grant) -> Credentials {
    let config = OAuth2Config {
        client_id: "client".to_owned(),
        client_secret: Password::new("s3cret"),
        grant,
        scope: Some("WRITE".to_owned()),
        redirect_uri: Some("https://localhost/back".to_owned()),
        access_token: None,
    };
    Credentials::OAuth2(Arc::new(OAuth2::new(config).unwrap()))
}

/// Cloud: the tokens are `access-1` and `refresh-1`, then `…-2`; only the newest of either is taken.
fn cloud(expires_in: u64) -> (Server, TransportConfig, Arc<AtomicUsize>) {
    let issued = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&issued);
    let (server, config) = atlassian(move |seen| {
        let newest = count.load(Ordering::SeqCst);
        match path(seen) {
            "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
            "/oauth/token" => {
                let next = count.fetch_add(1, Ordering::SeqCst) + 1;
                json(&format!(
                    r#"{{"access_token":"access-{next}","refresh_token":"refresh-{next}","expires_in":{expires_in}}}"#
                ))
            }
            _ if seen.header("Authorization") == Some(&format!("Bearer access-{newest}")) => json("{}"),
            _ => answer(401, "", ""),
        }
    });
    (server, config, issued)
}

fn asked(server: &Server) -> Vec<serde_json::Value> {
    let asked = server.seen().into_iter().filter(|seen| path(seen) == "/oauth/token");
    asked.map(|seen| serde_json::from_slice(&seen.body).unwrap()).collect()
}
