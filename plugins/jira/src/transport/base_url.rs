//! Addresses of servers, and where redirects lead.

use std::fmt;

use ureq::http::Uri;

/// The address of a server, such as `https://jira.example.com/jira`: scheme, host, port and context path,
/// without a slash at the end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BaseUrl {
    text: String,
}

/// Why a text is no [`BaseUrl`]. It does not repeat the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadUrl {
    /// No such address.
    #[error("is no address such as `https://jira.example.com`")]
    Malformed,
    /// Neither http nor https.
    #[error("must begin with `https://` or `http://`")]
    Scheme,
    /// `user:password@`.
    #[error("must not hold a user or a password: they have options of their own")]
    UserInfo,
    /// `?…` or `#…`.
    #[error("must not hold a query or a fragment (`?…`, `#…`)")]
    Query,
}

impl BaseUrl {
    /// Reads an address as users write it.
    ///
    /// # Errors
    /// [`BadUrl`] says what is wrong; the caller names the option.
    pub(crate) fn parse(text: &str) -> Result<Self, BadUrl> {
        let text = text.trim();
        if text.contains(['?', '#']) {
            return Err(BadUrl::Query);
        }
        let uri: Uri = text.parse().map_err(|_| BadUrl::Malformed)?;
        let scheme = match uri.scheme_str() {
            Some(scheme @ ("http" | "https")) => scheme,
            Some(_) => return Err(BadUrl::Scheme),
            None => return Err(if text.contains("://") { BadUrl::Scheme } else { BadUrl::Malformed }),
        };
        let authority = uri.authority().ok_or(BadUrl::Malformed)?.as_str();
        if authority.contains('@') {
            return Err(BadUrl::UserInfo);
        }
        let port = |host: &str| authority.strip_prefix(host).unwrap_or_default();
        let sound = |host: &str| !host.is_empty() && (port(host).is_empty() || uri.port_u16().is_some());
        if !uri.host().is_some_and(sound) {
            return Err(BadUrl::Malformed);
        }
        let origin = format!("{scheme}://{}", authority.to_ascii_lowercase());
        let path = uri.path().trim_end_matches('/');
        Ok(Self { text: format!("{origin}{path}") })
    }

    /// The whole address.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// This address with a path, which begins with a slash, and perhaps a query below it.
    pub(super) fn join(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.text)
    }

    /// The server below which `self` lies in `parent`, as one more segment: the cloud id of a gateway's address.
    pub(crate) fn segment_below<'a>(&'a self, parent: &BaseUrl) -> Option<&'a str> {
        let rest = self.text.strip_prefix(&parent.text)?.strip_prefix('/')?;
        (!rest.is_empty() && !rest.contains('/')).then_some(rest)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Scheme, host and port of a full address.
pub(super) fn origin_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..].find(['/', '?', '#']).map_or(url, |end| &url[..host + end])
}

/// Where `location`, the header of an answer from `from`, leads. `None`: nowhere that we may go.
pub(super) fn redirect_target(from: &str, location: &str) -> Option<String> {
    let location = location.split('#').next()?.trim();
    let target = if location.starts_with("//") {
        format!("{}{location}", &from[..=from.find(':')?])
    } else if location.starts_with('/') {
        format!("{}{location}", origin_of(from))
    } else {
        location.to_owned()
    };
    // From https to http everybody on the way could read and change the answer.
    let safe = target.starts_with("https://") || (target.starts_with("http://") && from.starts_with("http://"));
    let uri: Uri = target.parse().ok()?;
    (safe && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))).then_some(target)
}

/// True when credentials for `from` may be sent to `to`: the same server, or the same host by https
/// instead of http on the standard ports.
pub(super) fn may_share_credentials(from: &str, to: &str) -> bool {
    let server = |url: &str| -> Option<(String, String, u16)> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?.to_owned();
        let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
        Some((scheme, uri.host()?.to_ascii_lowercase(), port))
    };
    match (server(from), server(to)) {
        (Some(from), Some(to)) => {
            from == to || (from.1 == to.1 && (from.0 == "http", from.2, to.0 == "https", to.2) == (true, 80, true, 443))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_users_write_them() {
        let base = BaseUrl::parse(" https://Jira.Example.com:8443/jira/ ").unwrap();
        assert_eq!(base.as_str(), "https://jira.example.com:8443/jira");
        assert_eq!(base.join("/rest?a=b"), "https://jira.example.com:8443/jira/rest?a=b");
        assert_eq!(BaseUrl::parse("http://[::1]:80").unwrap().as_str(), "http://[::1]:80");
        for (text, fault) in [
            ("", BadUrl::Malformed),
            ("jira.example.com", BadUrl::Malformed),
            ("https://", BadUrl::Malformed),
            ("https://a b", BadUrl::Malformed),
            ("https://:1", BadUrl::Malformed),
            ("https://a:x", BadUrl::Malformed),
            ("https://a:99999", BadUrl::Malformed),
            ("https://a\r\nX: y", BadUrl::Malformed),
            ("ftp://jira.example.com", BadUrl::Scheme),
            ("https://me:secret@jira.example.com", BadUrl::UserInfo),
            ("https://jira.example.com?a=b", BadUrl::Query),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn the_cloud_id_is_the_segment_below_the_gateway() {
        let gateway = BaseUrl::parse("https://api.atlassian.com/ex/jira").unwrap();
        let below = |text: &str| BaseUrl::parse(text).unwrap().segment_below(&gateway).map(str::to_owned);
        assert_eq!(below("https://api.atlassian.com/ex/jira/11-22"), Some("11-22".to_owned()));
        for other in ["https://api.atlassian.com/ex/jira", "https://api.atlassian.com/ex/jirax/1", "https://x.net/1"] {
            assert_eq!(below(other), None, "{other}");
        }
    }

    #[test]
    fn redirects() {
        let from = "https://a.net/jira/x?y";
        assert_eq!(redirect_target(from, "/z?q#f").as_deref(), Some("https://a.net/z?q"));
        assert_eq!(redirect_target(from, "//b.net/z").as_deref(), Some("https://b.net/z"));
        assert_eq!(redirect_target(from, "https://b.net").as_deref(), Some("https://b.net"));
        for nowhere in ["http://a.net/x", "ftp://a.net", "z", "", "https://me@b.net/", "/a b"] {
            assert_eq!(redirect_target(from, nowhere), None, "{nowhere}");
        }
        assert_eq!(redirect_target("http://a.net/", "http://b.net/").as_deref(), Some("http://b.net/"));
    }

    #[test]
    fn credentials_stay_with_their_server() {
        for (from, to, may) in [
            ("https://a.net/x", "https://A.net:443/y", true),
            ("http://a.net/x", "https://a.net/y", true),
            ("http://a.net:8080/x", "https://a.net/y", false),
            ("https://a.net/x", "http://a.net/y", false),
            ("https://a.net/x", "https://a.net:8443/x", false),
            ("https://a.net/x", "https://b.a.net/x", false),
        ] {
            assert_eq!(may_share_credentials(from, to), may, "{from} -> {to}");
        }
    }
}
