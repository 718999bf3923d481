//! Where spans go: to a collector by OTLP over HTTP, in batches, as the environment's `OTEL_…` variables say.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderName, HeaderValue};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Key, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::{TRACER, Tracing};

const ENDPOINT: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
const PROTOCOL: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const TIMEOUT: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const COMPRESSION: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const CERTIFICATE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];

const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";

/// How many spans may wait at most: some tens of megabytes.
const MOST_SPANS_WAITING: u64 = 65_536;

/// How long the last spans may take to leave when the service ends.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// How long a batch may take, where the environment says nothing.
const BATCH_TIMEOUT: Duration = Duration::from_secs(10);

/// More than any collector answers.
const LARGEST_ANSWER_BYTES: u64 = 64 * 1024;

/// Why nothing is exported although the environment asks for it. Names a variable, never its value: an endpoint may
/// hold a password.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("`OTEL_TRACES_EXPORTER` names an exporter that is not there; there are `otlp` and `none`")]
    Exporter,
    #[error("`{0}` names a protocol that is not there; there are `http/protobuf` and `http/json`")]
    Protocol(&'static str),
    #[error("the value of `{0}` cannot be used")]
    Setting(String),
}

/// The export of spans, until it is dropped. Then the last ones leave, and whoever drops it waits for them, for
/// [`LAST_EXPORT`] at most.
pub(crate) struct Export(Option<SdkTracerProvider>);

impl Export {
    /// Begins it when the environment names an endpoint. What is wrong there is only warned of: no trace is worth a
    /// service that does not start. `scheme` is that of the service's addresses.
    pub(crate) fn begin(scheme: &'static str) -> Self {
        Self(provider(scheme).unwrap_or_else(|error| {
            tracing::warn!("no traces are exported: {error}");
            None
        }))
    }

    /// Drops it. A method, because without the feature there is nothing that a drop would do.
    pub(crate) fn end(self) {
        drop(self);
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // What could not be sent was logged where it failed.
            let _ = provider.shutdown_with_timeout(LAST_EXPORT);
        }
    }
}

/// The value of a variable; an empty one counts as none, as OpenTelemetry has it.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// The one for traces before the one for all signals. Gives the name, too.
fn first_of(names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.into_iter().find_map(|name| Some((name, variable(name)?)))
}

fn provider(scheme: &'static str) -> Result<Option<SdkTracerProvider>, ExportError> {
    let is_disabled = variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let Some((_, endpoint)) = first_of(ENDPOINT).filter(|_| !is_disabled) else {
        return Ok(None);
    };
    match variable("OTEL_TRACES_EXPORTER").as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(_) => return Err(ExportError::Exporter),
    }
    let protocol = match first_of(PROTOCOL) {
        None => Protocol::HttpBinary,
        Some((_, protocol)) if protocol == "http/protobuf" => Protocol::HttpBinary,
        Some((_, protocol)) if protocol == "http/json" => Protocol::HttpJson,
        Some((variable, _)) => return Err(ExportError::Protocol(variable)),
    };
    check_settings()?;
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(protocol)
        .with_http_client(Collector::new(endpoint.starts_with("https:"))?)
        .build()
        .map_err(|error| ExportError::Setting(setting_in(&error)))?;
    let provider = SdkTracerProvider::builder().with_resource(resource()).with_batch_exporter(exporter).build();
    // Nobody has set it: the export begins once.
    let _ = TRACER.set(Tracing { tracer: provider.tracer("defect-host"), scheme });
    tracing::info!("traces are exported, as the variables `OTEL_…` say");
    Ok(Some(provider))
}

/// Refuses what the SDK would take for nothing without a word, or what it would suffer from: without a delay its thread
/// never rests, and the room for all spans that may wait is taken at the start.
fn check_settings() -> Result<(), ExportError> {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    let refuse_unless =
        |is_right: bool, name: &str| is_right.then_some(()).ok_or(ExportError::Setting(name.to_owned()));
    for (name, largest) in [
        ("OTEL_BSP_SCHEDULE_DELAY", DAY_MS),
        ("OTEL_BSP_MAX_QUEUE_SIZE", MOST_SPANS_WAITING),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", MOST_SPANS_WAITING),
    ] {
        // Untrimmed, as the SDK reads it.
        let value = variable(name).and_then(|_| std::env::var(name).ok());
        let is_right = |value: String| value.parse().is_ok_and(|number: u64| (1..=largest).contains(&number));
        refuse_unless(value.is_none_or(is_right), name)?;
    }
    if let Some((name, value)) = first_of(COMPRESSION) {
        refuse_unless(["gzip", "none"].contains(&value.to_lowercase().as_str()), name)?;
    }
    if let Some((name, value)) = first_of(HEADERS) {
        refuse_unless(value.split_terminator(',').all(is_header), name)?;
    }
    let sampler = std::env::var(SAMPLER).unwrap_or_default();
    match sampler.as_str() {
        "" | "always_on" | "always_off" | "parentbased_always_on" | "parentbased_always_off" => Ok(()),
        "traceidratio" | "parentbased_traceidratio" => {
            let ratio =
                variable(SAMPLER_RATIO).map(|_| std::env::var(SAMPLER_RATIO).unwrap_or_default().parse::<f64>());
            let is_right = ratio.is_none_or(|ratio| ratio.is_ok_and(|ratio| (0.0..=1.0).contains(&ratio)));
            refuse_unless(is_right, SAMPLER_RATIO)
        }
        _ => refuse_unless(false, SAMPLER),
    }
}

/// Whether it is `name=value` of what a header may have, percent-encoded.
fn is_header(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, value)| {
        HeaderName::from_bytes(name.trim().as_bytes()).is_ok() && HeaderValue::from_str(value.trim()).is_ok()
    })
}

/// The setting that an error is about; what follows it there has the value.
fn setting_in(error: &ExporterBuildError) -> String {
    let (ExporterBuildError::InvalidConfiguration(text) | ExporterBuildError::InternalFailure(text)) = error;
    text.split(':').next().unwrap_or_default().to_owned()
}

/// What the spans are of: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.
fn resource() -> Resource {
    let given = EnvResourceDetector::new().detect().get(&Key::from_static_str("service.name"));
    let name = variable("OTEL_SERVICE_NAME").map(Value::from).or(given);
    Resource::builder().with_service_name(name.unwrap_or_else(|| "defect-host".into())).build()
}

/// The way to the collector. Used by the export's own thread only, so it may block.
struct Collector {
    agent: ureq::Agent,
    /// That it fails is said once, and that it works again.
    is_failing: AtomicBool,
}

impl Collector {
    fn new(is_https: bool) -> Result<Self, ExportError> {
        let timeout = match first_of(TIMEOUT) {
            Some((variable, value)) => {
                let fault = || ExportError::Setting(variable.to_owned());
                Duration::from_millis(value.parse().ok().filter(|ms| *ms > 0).ok_or_else(fault)?)
            }
            None => BATCH_TIMEOUT,
        };
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(timeout));
        if is_https {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let tls = TlsConfig::builder().unversioned_rustls_crypto_provider(provider).root_certs(roots()?);
            config = config.tls_config(tls.build());
        }
        Ok(Self { agent: config.build().into(), is_failing: AtomicBool::new(false) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (parts, body) = request.into_parts();
        let (parts, mut body_of_answer) = self.agent.run(Request::from_parts(parts, &body[..]))?.into_parts();
        let body = body_of_answer.with_config().limit(LARGEST_ANSWER_BYTES).read_to_vec()?;
        Ok(Response::from_parts(parts, body.into()))
    }

    fn note(&self, failure: Option<&dyn fmt::Display>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(failure) if !was_failing => {
                tracing::warn!("traces do not reach the collector, {failure}; this is said once until they do");
            }
            None if was_failing => tracing::info!("traces reach the collector again"),
            _ => {}
        }
    }
}

/// The system's authorities; instead of them those in the file that the environment names.
fn roots() -> Result<RootCerts, ExportError> {
    let certificates = match first_of(CERTIFICATE) {
        Some((variable, file)) => {
            let fault = || ExportError::Setting(variable.to_owned());
            let text = std::fs::read(file).map_err(|_| fault())?;
            let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
            parsed.ok().filter(|certificates| !certificates.is_empty()).ok_or_else(fault)?
        }
        // Faults of single files are not ours to judge: what can be read is taken.
        None => rustls_native_certs::load_native_certs().certs,
    };
    let certificates: Vec<_> = certificates.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    Ok(RootCerts::new_with_certs(&certificates))
}

/// Without the agent, whose settings may have a proxy's password.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let outcome = self.send(request);
        match &outcome {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(&format_args!("which answers {}", answer.status()))),
            // It has the endpoint, which may hold a password.
            Err(ureq::Error::BadUri(_)) => self.note(Some(&"whose address is none, such as `http://127.0.0.1:4318`")),
            Err(error) => self.note(Some(error)),
        }
        Ok(outcome?)
    }
}
