//! New certificates without a restart.
//!
//! The files are read again and again and compared by what is in them. A notification of the system would come
//! sooner, but it is about one file or folder: a symbolic link that is swapped anywhere on the way, as Kubernetes and
//! certbot do it, a network file system and a container's mount make it miss changes.

use std::path::Path;
use std::time::{Duration, SystemTime};

use axum_server::tls_rustls::RustlsConfig;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::{Tls, TlsError, Validity};

/// How often the files are read: some kilobytes, most often from memory.
const PERIOD: Duration = Duration::from_secs(1);

/// How often the end of a certificate is warned of.
const WARN_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);

/// TLS as it is in use, and the files that it came from.
pub(in crate::serve) struct Watch {
    files: Tls,
    config: RustlsConfig,
    validity: Validity,
    /// The state of the files that is in use or was refused.
    known: State,
    /// The state at the last look. One that changes between two looks may be half written.
    last: State,
    warned: Option<SystemTime>,
}

/// What the files hold, or that they could not be read.
type State = Option<[u8; 32]>;

impl Watch {
    /// Reads the files, for the first time.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(in crate::serve) fn begin(files: &Tls) -> Result<Self, TlsError> {
        let now = SystemTime::now();
        let contents = files.read()?;
        let loaded = files.load(&contents, now)?;
        let known = Some(contents.digest());
        loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let (config, validity) = (loaded.for_connections(), loaded.validity);
        let mut watch = Self { files: files.clone(), config, validity, known, last: known, warned: None };
        watch.warn(now);
        Ok(watch)
    }

    /// What new connections use. It changes with the files.
    pub(in crate::serve) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Looks at the files, for ever.
    pub(in crate::serve) async fn run(mut self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let looked = spawn_blocking(move || {
                self.look(SystemTime::now());
                self
            });
            match looked.await {
                Ok(watch) => self = watch,
                // It panicked, or the program ends. The service goes on with what it has.
                Err(error) => {
                    tracing::error!("new TLS files are not noticed until a restart: {error}");
                    return std::future::pending().await;
                }
            }
        }
    }

    fn look(&mut self, now: SystemTime) {
        let contents = self.files.read();
        let state = contents.as_ref().ok().map(super::Contents::digest);
        let settled = state == std::mem::replace(&mut self.last, state);
        if settled && state != self.known {
            self.known = state;
            match contents.and_then(|contents| self.files.load(&contents, now)) {
                Ok(loaded) => {
                    self.config.reload_from_config(loaded.config);
                    (self.validity, self.warned) = (loaded.validity, None);
                    let (path, until) = (self.files.certificate.display(), super::error::date(loaded.validity.until));
                    tracing::info!("new TLS files are in use: the certificate `{path}` is valid until {until}");
                    loaded.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                }
                Err(error) => {
                    tracing::error!(
                        "the new TLS files are not used, those from before stay in use: {error}; {}",
                        error.hint()
                    );
                }
            }
        }
        self.warn(now);
    }

    fn warn(&mut self, now: SystemTime) {
        // Without the last warning's time when the clock was set back.
        let due = |last: SystemTime| now.duration_since(last).is_ok_and(|since| since >= WARN_AGAIN);
        if self.warned.is_none_or(due)
            && let Some(warning) = self.validity.warning(Path::new(&self.files.certificate), now)
        {
            tracing::warn!("{warning}");
            self.warned = Some(now);
        }
    }
}
