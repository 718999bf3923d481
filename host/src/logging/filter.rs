//! Which events are logged.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, FilterExt as _, Targets, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

use super::layer::is_request_span;
use super::record::Level;

/// The least severe level at which a span `request` may be made and still lend events its id.
const REQUEST_SPAN_LEVEL: tracing::Level = tracing::Level::INFO;

pub(super) type BoxedFilter<S> = Box<dyn Filter<S> + Send + Sync>;

/// Why directives cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{piece}` is neither a level (`error`, `warn`, `info`, `debug`, `trace`, `off`) nor `target=level`")]
pub struct FilterError {
    /// The directive at fault.
    pub piece: String,
}

/// The directives decide alone when there are any. Otherwise this host and its plugins log from `level`
/// on, and everybody else's code from WARNING on.
pub(super) fn filter<S>(level: Level, directives: Option<&str>) -> Result<BoxedFilter<S>, FilterError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let request_spans = filter_fn(|metadata| is_request_span(metadata) && *metadata.level() <= REQUEST_SPAN_LEVEL)
        .with_max_level_hint(REQUEST_SPAN_LEVEL);
    Ok(match directives.map(parse).transpose()?.flatten() {
        Some(directives) => Box::new(directives.or(request_spans)),
        None => Box::new(own_and_others(level).or(request_spans)),
    })
}

fn own_and_others(level: Level) -> Targets {
    let level = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warning => LevelFilter::WARN,
        Level::Error | Level::Critical => LevelFilter::ERROR,
    };
    Targets::new()
        .with_target("defect_host", level)
        .with_target("plugin::", level)
        .with_default(level.min(LevelFilter::WARN))
}

/// `None` when there are no directives. Stricter than `EnvFilter`: that takes a misspelt level for the
/// name of a crate and logs nothing at all.
fn parse(text: &str) -> Result<Option<EnvFilter>, FilterError> {
    let pieces: Vec<&str> = text.split(',').map(str::trim).filter(|piece| !piece.is_empty()).collect();
    for piece in &pieces {
        let is_complete = piece.contains(['=', '[']) || piece.parse::<LevelFilter>().is_ok();
        if !is_complete || piece.parse::<Directive>().is_err() {
            return Err(FilterError { piece: (*piece).to_owned() });
        }
    }
    // Each piece parsed, so all of them do; none at all would stand for `error`.
    Ok(EnvFilter::builder().parse(pieces.join(",")).ok().filter(|_| !pieces.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::super::layer::OutputLayer;
    use super::super::output::Memory;
    use super::*;
    use insta::assert_snapshot;
    use std::time::Instant;
    use tracing::{debug, error, info, info_span, warn};
    use tracing_subscriber::Layer as _;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::registry;

    /// What passes of one event per level and origin.
    fn passed(level: Level, directives: Option<&str>) -> String {
        let memory = Memory::new("%(levelname)s %(name)s %(message)s");
        let layer = OutputLayer::new(memory.clone(), Instant::now()).with_filter(filter(level, directives).unwrap());
        tracing::subscriber::with_default(registry().with(layer), || {
            let _request = info_span!("request", request_id = "r-1").entered();
            error!(target: "defect_host::service", "");
            warn!(target: "defect_host::service", "");
            info!(target: "defect_host::service", "");
            debug!(target: "defect_host::service", "");
            debug!(target: "plugin::jsonl", "");
            error!(target: "hyper::proto", "");
            warn!(target: "hyper::proto", "");
            info!(target: "hyper::proto", "");
        });
        memory.text()
    }

    #[test]
    fn own_levels_are_as_set_others_are_warnings_at_most() {
        assert_snapshot!(passed(Level::Debug, None), @r#"
            ERROR defect_host::service request_id=r-1
            WARNING defect_host::service request_id=r-1
            INFO defect_host::service request_id=r-1
            DEBUG defect_host::service request_id=r-1
            DEBUG plugin::jsonl request_id=r-1
            ERROR hyper::proto request_id=r-1
            WARNING hyper::proto request_id=r-1
            "#);
        assert_snapshot!(passed(Level::Info, None), @r#"
            ERROR defect_host::service request_id=r-1
            WARNING defect_host::service request_id=r-1
            INFO defect_host::service request_id=r-1
            ERROR hyper::proto request_id=r-1
            WARNING hyper::proto request_id=r-1
            "#);
        assert_snapshot!(passed(Level::Warning, None), @r#"
            ERROR defect_host::service request_id=r-1
            WARNING defect_host::service request_id=r-1
            ERROR hyper::proto request_id=r-1
            WARNING hyper::proto request_id=r-1
            "#);
        assert_snapshot!(passed(Level::Error, None), @r#"
            ERROR defect_host::service request_id=r-1
            ERROR hyper::proto request_id=r-1
            "#);
        assert_eq!(passed(Level::Critical, None), passed(Level::Error, None));
    }

    #[test]
    fn directives_decide_alone_and_keep_the_request_id() {
        assert_snapshot!(passed(Level::Debug, Some("error, hyper=info")), @r#"
            ERROR defect_host::service request_id=r-1
            ERROR hyper::proto request_id=r-1
            WARNING hyper::proto request_id=r-1
            INFO hyper::proto request_id=r-1
            "#);
        assert_eq!(passed(Level::Debug, Some("nobody=info")), "");
        assert_eq!(passed(Level::Info, Some(" , ")), passed(Level::Info, None));
        assert_eq!(passed(Level::Info, Some("off")), "");
    }

    #[test]
    fn a_wrong_directive_is_named() {
        for (directives, wrong) in
            [("info,hyper=lots", "hyper=lots"), ("inof", "inof"), ("defect_host", "defect_host"), ("a=b=c", "a=b=c")]
        {
            assert_eq!(parse(directives).unwrap_err().piece, wrong);
        }
        assert_snapshot!(parse("inof").unwrap_err(), @"`inof` is neither a level (`error`, `warn`, `info`, `debug`, `trace`, `off`) nor `target=level`");
    }
}
