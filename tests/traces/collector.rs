//! A collector on loopback: answers each request as it is told and keeps what it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rcgen::{CertifiedKey, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// What a collector was sent.
pub(crate) struct Export {
    /// The head's first line, then its headers.
    pub(crate) head: Vec<String>,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Collector {
    endpoint: String,
    exports: Receiver<Export>,
}

impl Collector {
    /// Answers the first requests with these statuses, and all others with 200.
    pub(crate) fn answering(first: &'static [u16]) -> Self {
        let mut statuses = first.iter().copied();
        Self::listening("http", move |stream, exports| serve(stream, exports, &mut statuses))
    }

    /// Speaks TLS, with this certificate and its key.
    pub(crate) fn with_certificate(own: &CertifiedKey<KeyPair>) -> Self {
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .unwrap();
        let config = Arc::new(config);
        Self::listening("https", move |stream, exports| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            serve(StreamOwned::new(connection, stream), exports, &mut std::iter::empty());
        })
    }

    fn listening(scheme: &str, mut serve: impl FnMut(TcpStream, &Sender<Export>) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("{scheme}://{}", listener.local_addr().unwrap());
        let (sender, exports) = channel();
        // Ends with the process; the host keeps its connection for as long as it likes.
        std::thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap(), &sender)));
        Self { endpoint, exports }
    }

    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` has to be.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// All that has come so far.
    pub(crate) fn exports(&self) -> Vec<Export> {
        self.exports.try_iter().collect()
    }
}

fn serve(stream: impl Read + Write, exports: &Sender<Export>, statuses: &mut impl Iterator<Item = u16>) {
    let mut reader = BufReader::new(stream);
    loop {
        let head: Vec<String> =
            reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        if head.is_empty() {
            return;
        }
        let length = head.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap()];
        reader.read_exact(&mut body).unwrap();
        let status = statuses.next().unwrap_or(200);
        let _ = exports.send(Export { head, body });
        // As one piece: the host may leave as soon as it has the head.
        let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}");
        let stream = reader.get_mut();
        if stream.write_all(answer.as_bytes()).and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

/// A span, with its attributes' values as text.
#[derive(Debug)]
pub(crate) struct Span(Value);

impl Span {
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or_default()
    }

    pub(crate) fn attribute(&self, key: &str) -> String {
        attribute(&self.0, key)
    }

    pub(crate) fn is_error(&self) -> bool {
        // OTLP's `STATUS_CODE_ERROR`.
        self.0["status"]["code"] == 2
    }
}

fn attribute(holder: &Value, key: &str) -> String {
    let attributes = holder["attributes"].as_array().unwrap();
    let value = attributes.iter().find(|attribute| attribute["key"] == key).map(|attribute| &attribute["value"]);
    let value = value.and_then(|value| value.as_object()?.values().next().cloned()).unwrap_or_default();
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The spans of exports as JSON, by their names.
pub(crate) fn spans(exports: &[Export]) -> Vec<Span> {
    let each = |holder: &Value, key: &str| holder[key].as_array().cloned().unwrap();
    let bodies = exports.iter().map(|export| serde_json::from_slice::<Value>(&export.body).unwrap());
    let resources = bodies.flat_map(|body| each(&body, "resourceSpans"));
    let scopes = resources.flat_map(|resource| each(&resource, "scopeSpans"));
    let mut spans: Vec<_> = scopes.flat_map(|scope| each(&scope, "spans")).map(Span).collect();
    spans.sort_by(|a, b| a.text("name").cmp(b.text("name")));
    spans
}

/// An attribute of what the spans of an export are said to be of.
pub(crate) fn of_resource(export: &Export, key: &str) -> String {
    let body: Value = serde_json::from_slice(&export.body).unwrap();
    attribute(&body["resourceSpans"][0]["resource"], key)
}
