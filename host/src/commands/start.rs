//! `defect-host start`: serves until it is told to stop.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::prepare::{PrepareError, Prepared, prepare};
use super::terminal::Terminal;
use crate::cli::Start;
use crate::config::{LoadedConfig, LogFormat, LogLevel, LoggingConfig, ServiceConfig};
use crate::hidden::masked;
use crate::logging::{self, Directives, FileSettings, Format, Level, LoggingError, LoggingSettings};
use crate::serve::{self, Api, Authenticator, Backend, ClientAddress, DocumentError, ListenError, Listener, Tls};
use crate::serve::{MetricsError, MetricsListener, Sources};
use crate::service_manager::{HandoverError, ServiceManager};
use crate::telemetry::Export;

/// Threads that may block beside the plugin's calls: checking credentials, dropping answers.
const OTHER_BLOCKING_THREADS: usize = 16;

/// How long the plugin may take to end, once all requests are answered.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why the service is not running, or would not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Logging(#[from] LoggingError),
    #[error(transparent)]
    Handover(#[from] HandoverError),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("the program's threads cannot be started: {0}")]
    Runtime(std::io::Error),
}

impl StartError {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Prepare(_) | Self::Logging(_) | Self::Handover(_) => super::EXIT_WRONG,
            Self::Listen(ListenError::Tls(_)) => super::EXIT_WRONG,
            Self::Listen(_) | Self::Metrics(_) | Self::Document(_) | Self::Runtime(_) => super::EXIT_FAILED,
        }
    }

    pub(super) fn render(&self, color: bool) -> String {
        let hint = match self {
            Self::Prepare(error) => return error.render(color),
            Self::Logging(error) => error.hint(),
            Self::Handover(error) => error.hint(),
            Self::Listen(error) => error.hint(),
            Self::Metrics(error) => Some(error.hint()),
            Self::Document(_) | Self::Runtime(_) => None,
        };
        let causes = causes(self);
        match hint {
            Some(hint) => format!("error: {causes}\n\nhint: {hint}"),
            None => format!("error: {causes}"),
        }
    }
}

/// An error and what it comes from, where that says more.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

pub(super) fn run(arguments: &Start, mut manager: ServiceManager, terminal: &Terminal) -> ExitCode {
    let sockets = manager.take_sockets();
    let manager = Arc::new(manager);
    match start(arguments, sockets, &manager) {
        Ok(()) => {
            manager.ended(0, None);
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal.complain(error.render(terminal.color));
            manager.ended(error.exit_code(), Some(&masked(error.render(false).into())));
            ExitCode::from(error.exit_code())
        }
    }
}

fn start(
    arguments: &Start,
    sockets: Result<Vec<TcpListener>, HandoverError>,
    manager: &Arc<ServiceManager>,
) -> Result<(), StartError> {
    let mut config = arguments.load_config()?;
    let sockets = sockets?;
    serve_on(&sockets, &mut config.service);
    let service = &config.service;
    logging::init(&logging_settings(&service.logging, service.debug))?;
    for warning in config.warnings.iter() {
        tracing::warn!("{warning}");
    }
    tracing::info!("starting defect-host {}", env!("CARGO_PKG_VERSION"));
    limit_arenas();
    let prepared = prepare(&arguments.file.config, &config)?;
    report(&prepared);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(serve::MAX_CALLS + OTHER_BLOCKING_THREADS)
        .build()
        .map_err(StartError::Runtime)?;
    let outcome = serve_until_stopped(&runtime, prepared, service, sockets, manager);
    // A call that never returns must not keep the process.
    runtime.shutdown_timeout(FAREWELL);
    outcome
}

/// Makes the configuration say where it is really served, since some of it is only right on certain addresses.
fn serve_on(sockets: &[TcpListener], service: &mut ServiceConfig) {
    let addresses: Vec<_> = sockets.iter().filter_map(|socket| socket.local_addr().ok()).collect();
    if let Some(address) = most_public(&addresses) {
        (service.host, service.port) = (address.ip().to_string(), address.port());
    }
}

fn most_public(addresses: &[SocketAddr]) -> Option<&SocketAddr> {
    addresses.iter().find(|address| !address.ip().is_loopback()).or(addresses.first())
}

/// As many arenas for allocations as there are cores. glibc makes eight times as many for as many threads,
/// and each keeps what was freed in it: with 40 slow readers that was more than what the readers hold.
pub(super) fn limit_arenas() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let most = libc::c_int::try_from(cores).unwrap_or(libc::c_int::MAX);
        // SAFETY: the call takes two numbers and locks what it changes; arenas that are there stay.
        unsafe { libc::mallopt(libc::M_ARENA_MAX, most) };
    }
}

/// Goes through all stages that do not change anything, for `check`. Gives what is odd, too.
pub(super) fn rehearse(config_file: &Path, config: &LoadedConfig) -> Result<(Prepared, Vec<String>), StartError> {
    let service = &config.service;
    logging::check(&logging_settings(&service.logging, service.debug))?;
    let prepared = prepare(config_file, config)?;
    let warnings = tls(service).map_or(Ok(vec![]), |tls| tls.check()).map_err(ListenError::Tls)?;
    Ok((prepared, warnings))
}

fn report(prepared: &Prepared) {
    let (library, client) = (&prepared.library, &prepared.client);
    tracing::info!(
        "client `{}` of plugin `{}` {} (plugin-api {}) from `{}`, sha256 {}",
        client.class(),
        library.name(),
        library.version(),
        library.api_version(),
        prepared.resolved.library.display(),
        prepared.inspection.sha256
    );
    for other in prepared.resolved.shadowed() {
        tracing::warn!("not used, because the library above was found first: {other}");
    }
}

fn serve_until_stopped(
    runtime: &Runtime,
    prepared: Prepared,
    service: &ServiceConfig,
    sockets: Vec<TcpListener>,
    manager: &Arc<ServiceManager>,
) -> Result<(), StartError> {
    let tls = tls(service);
    let client_address = client_address(service);
    tracing::info!("callers' addresses: {client_address}");
    let class = prepared.client.class().to_owned();
    let backend = Backend::new(prepared.client, service.call_timeout);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let traces = Export::begin(scheme);
    let authenticator = Authenticator::new(prepared.verifier);
    let api = Api::new(backend.clone());
    let (answering, _) = serve::service(api.clone(), authenticator, client_address)?;
    let metrics = service.metrics_addr.map(MetricsListener::bind).transpose()?;
    let listener = if sockets.is_empty() {
        Listener::bind(&service.host, service.port, tls.as_ref())?
    } else {
        tracing::info!("the service manager hands over the sockets: `host` and `port` have no effect");
        Listener::on(sockets, tls.as_ref())?
    };
    let keep_alive = Duration::from_secs(service.server.keep_alive_timeout);
    // Long enough for any accepted call to end by itself or by its own limit.
    let grace = service.call_timeout.saturating_add(FAREWELL);
    let served = runtime.block_on(async {
        let stop = stop_signal(Arc::clone(manager)).map_err(StartError::Runtime)?;
        let metrics = metrics.map(|metrics| {
            tracing::info!("metrics on http://{}/metrics", metrics.address());
            tokio::spawn(metrics.serve(api))
        });
        let addresses: Vec<_> = listener.addresses().iter().map(|address| format!("{scheme}://{address}")).collect();
        for address in &addresses {
            tracing::info!("listening on {address}");
        }
        manager.ready(&format!("serving {class} on {}", addresses.join(" ")));
        let (told, healthy) = (Arc::clone(manager), Arc::clone(manager));
        let stop = async move {
            stop.await;
            told.stopping(keep_alive.saturating_add(grace).saturating_add(FAREWELL));
        };
        let beating = backend.clone();
        let health = tokio::spawn(async move { healthy.report_health(|| beating.beat()).await });
        let served = listener.serve(answering, keep_alive, grace, stop).await.map_err(StartError::from);
        // They hold the client, too.
        for task in [Some(health), metrics].into_iter().flatten() {
            task.abort();
            let _ = task.await;
        }
        served
    });
    // The last use of the client, on a thread that may block: its end is the plugin's code too.
    runtime.spawn_blocking(move || drop(backend));
    // Waits for the collector, beside the plugin's end.
    runtime.spawn_blocking(move || traces.end());
    tracing::info!("stopped");
    served
}

/// Ready when the process is told to stop. A second signal ends it at once.
fn stop_signal(manager: Arc<ServiceManager>) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    // Both from now on: until a handler is there, the signal ends the process.
    #[cfg(unix)]
    let (mut terminate, mut interrupt) = {
        use tokio::signal::unix::{SignalKind, signal};
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    // The end of the console, as when its window is closed, leaves 5 s.
    #[cfg(windows)]
    let (mut terminate, mut interrupt) = {
        use tokio::signal::windows::{ctrl_c, ctrl_close};
        (ctrl_close()?, ctrl_c()?)
    };
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = manager.stop_requested() => {}
        }
    };
    Ok(async move {
        next().await;
        tracing::info!("stopping: no new connections; accepted requests are answered first");
        tokio::spawn(async move {
            next().await;
            tracing::warn!("stopped at once, by a second signal");
            std::process::exit(i32::from(super::EXIT_FAILED));
        });
    })
}

fn tls(service: &ServiceConfig) -> Option<Tls> {
    // Neither is there without the other.
    let (certificate, key) = service.ssl_cert.clone().zip(service.ssl_key.clone())?;
    Some(Tls { certificate, key, client_roots: service.ssl_ca_cert.clone() })
}

fn client_address(service: &ServiceConfig) -> ClientAddress {
    let forwarded_secret = service.forwarded_secret.as_ref().map(|secret| secret.expose().to_owned());
    ClientAddress::from(Sources {
        real_ip_header: service.real_ip_header.clone(),
        proxies_count: service.proxies_count.unwrap_or(0).into(),
        forwarded_secret: forwarded_secret.filter(|secret| !secret.is_empty()),
        trusted: service.trusted_proxies.clone(),
    })
}

fn logging_settings(logging: &LoggingConfig, debug: bool) -> LoggingSettings {
    LoggingSettings {
        console_level: level(logging.console.log_level),
        console_format: log_format(logging.console.format, &logging.console.log_format),
        file: logging.file.as_ref().map(|file| FileSettings {
            level: level(file.log_level),
            format: log_format(file.format, &file.log_format),
            path: file.file_path.clone(),
            explicit: true,
        }),
        debug,
        directives: Directives::of_environment(),
    }
}

fn log_format(format: LogFormat, text: &str) -> Format {
    match format {
        LogFormat::Text => Format::Text(text.to_owned()),
        LogFormat::Json => Format::Json,
    }
}

fn level(level: LogLevel) -> Level {
    match level {
        LogLevel::Debug => Level::Debug,
        LogLevel::Info => Level::Info,
        LogLevel::Warning => Level::Warning,
        LogLevel::Error => Level::Error,
        LogLevel::Critical => Level::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_addresses_the_one_that_others_reach_counts() {
        let addresses = ["127.0.0.1:1", "[::1]:2", "[::]:3", "192.0.2.1:4"].map(|address| address.parse().unwrap());
        assert_eq!(most_public(&addresses), Some(&addresses[2]));
        assert_eq!(most_public(&addresses[..2]), Some(&addresses[0]));
        assert_eq!(most_public(&[]), None);
    }
}
