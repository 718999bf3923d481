//! A small stateful fake of Jira, for tests and measurements: Cloud with REST v3 (and v2, as the Python
//! package calls it) or Data Center with REST v2.
//!
//! ```
//! use jira_fake::{Effect, Fault, JiraFake};
//!
//! let jira = JiraFake::cloud().start().unwrap();
//! jira.state().add_project("SHOP", "Shop App");
//! jira.state().add_issues("SHOP", 250);
//! jira.fault(Fault::on("POST", "/search/jql", Effect::answer(429).with_header("Retry-After", "1")));
//! // … a client of `jira.url()` as `fred@example.com` with `api-token` …
//! assert_eq!(jira.requests().len(), 0);
//! ```
//!
//! It is written after Atlassian's OpenAPI documents and help pages. Where these are silent, it does what is
//! commonly said; so a test that passes here may still fail against a real Jira. It is strict where a
//! client could have a mistake that nobody sees: fields are checked against the screens, JQL values have to
//! exist, ADF is wanted in v3, and parameters that Jira would ignore are in the log.

mod attachments;
mod auth;
mod call;
mod comments;
mod contract;
mod control;
mod create;
mod createmeta;
mod edit;
mod face;
mod faults;
mod field;
mod history;
mod http;
mod issues;
mod jql;
mod log;
mod projects;
mod rich_text;
mod search;
mod seed;
mod server;
mod site;
mod state;
mod transitions;
mod users;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub use auth::Logins;
pub use contract::{Contract, Holds, Rule, Rules};
pub use face::Kind;
pub use faults::{Effect, Fault};
pub use field::{Field, FieldOption, FieldType};
pub use log::Logged;
pub use state::{IssueType, Project, State, Status, Transition, User};

use server::{Shared, lock};
use site::Addresses;

/// How a fake is started.
#[derive(Debug, Clone)]
pub struct Options {
    kind: Kind,
    context: String,
    version: [u32; 3],
    latency: Duration,
    port: u16,
    public: Option<String>,
    any_client: bool,
}

impl Options {
    /// For other clients than the plugin, which is held to `contract.json`: it is answered 599 for what it may not
    /// send, and the drop of the fake panics.
    #[must_use]
    pub fn for_any_client(mut self) -> Self {
        self.any_client = true;
        self
    }

    /// A context path, such as `/jira`. Data Center only: Cloud has none.
    #[must_use]
    pub fn context_path(mut self, path: &str) -> Self {
        self.context = path.trim_end_matches('/').into();
        self
    }

    /// The version of Data Center. Default: 10.3.24.
    #[must_use]
    pub fn version(mut self, version: [u32; 3]) -> Self {
        self.version = version;
        self
    }

    /// How long every request takes at least. Default: no time.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The port. Default: a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The address before the context path that answers name, when callers come through a proxy.
    #[must_use]
    pub fn public_address(mut self, address: &str) -> Self {
        self.public = Some(address.trim_end_matches('/').into());
        self
    }

    /// Starts it on loopback, on threads of its own.
    ///
    /// # Errors
    ///
    /// No thread or no port to be had.
    pub fn start(self) -> io::Result<JiraFake> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (site, media) = runtime.block_on(async {
            let site = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], self.port))).await?;
            io::Result::Ok((site, TcpListener::bind("127.0.0.1:0").await?))
        })?;
        let gateway = self.public.unwrap_or(format!("http://{}", site.local_addr()?));
        let addresses = Addresses {
            site: format!("{gateway}{}", self.context),
            context: self.context,
            cloud_id: "11111111-2222-3333-4444-555555555555".into(),
            media: format!("http://{}", media.local_addr()?),
            gateway,
        };
        let mut state = State::new(self.kind);
        state.version = self.version;
        let contract = (!self.any_client).then(|| Contract::of(self.kind));
        let shared = Arc::new(Shared::new(state, addresses, self.latency, contract));
        runtime.spawn(server::serve(site, Arc::clone(&shared), false));
        runtime.spawn(server::serve(media, Arc::clone(&shared), true));
        Ok(JiraFake { shared, runtime: Some(runtime) })
    }
}

/// A fake that runs until it is dropped.
pub struct JiraFake {
    shared: Arc<Shared>,
    /// Some until the drop.
    runtime: Option<Runtime>,
}

impl JiraFake {
    /// Jira Cloud. The gateway and the token endpoint of Atlassian are at the same port.
    pub fn cloud() -> Options {
        Self::options(Kind::Cloud)
    }

    /// Jira Data Center.
    pub fn data_center() -> Options {
        Self::options(Kind::DataCenter)
    }

    fn options(kind: Kind) -> Options {
        Options {
            kind,
            context: String::new(),
            version: [10, 3, 24],
            latency: Duration::ZERO,
            port: 0,
            public: None,
            any_client: false,
        }
    }

    /// The address of the site, with the context path, without a slash at its end.
    pub fn url(&self) -> String {
        self.shared.addresses.site.clone()
    }

    /// The address of the API gateway for this site: what is `https://api.atlassian.com/ex/jira/{cloudId}`.
    pub fn gateway_url(&self) -> String {
        format!("{}/ex/jira/{}", self.shared.addresses.gateway, self.shared.addresses.cloud_id)
    }

    /// Where tokens come from: what is `https://auth.atlassian.com/oauth/token` for Cloud.
    pub fn token_url(&self) -> String {
        let Addresses { gateway, site, .. } = &self.shared.addresses;
        match self.state().kind {
            Kind::Cloud => format!("{gateway}/oauth/token"),
            Kind::DataCenter => format!("{site}/rest/oauth2/latest/token"),
        }
    }

    /// What this Jira knows. Requests wait as long as the guard lives.
    pub fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// Adds a fault. Several are tried in the order in which they were added.
    pub fn fault(&self, fault: Fault) {
        lock(&self.shared.faults).add(fault);
    }

    /// Forgets all faults, also those that were not hit yet.
    pub fn clear_faults(&self) {
        lock(&self.shared.faults).clear();
    }

    /// Ends all page tokens of Cloud's search.
    pub fn expire_page_tokens(&self) {
        self.state().pages.expire();
    }

    /// How long every request takes at least, from now on.
    pub fn set_latency(&self, latency: Duration) {
        *lock(&self.shared.latency) = latency;
    }

    /// All requests since the start or [`JiraFake::clear_requests`], in the order of their arrival.
    pub fn requests(&self) -> Vec<Logged> {
        lock(&self.shared.log).clone()
    }

    /// The most requests that were under way at once since then.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::Relaxed)
    }

    /// Empties the log.
    pub fn clear_requests(&self) {
        self.shared.clear_log();
    }
}

impl Drop for JiraFake {
    /// # Panics
    /// When a client sent what it may not, however well it hid that.
    fn drop(&mut self) {
        let violations = std::mem::take(&mut *lock(&self.shared.violations));
        // Not the blocking end: a test may drop it inside of a runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        let is_known = violations.is_empty() || std::thread::panicking();
        assert!(is_known, "not in Atlassian's documents, as `contract.json` has them: {violations:#?}");
    }
}
