//! Whose request it is, when proxies stand between: for the log and for the limits.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Once};

use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use subtle::ConstantTimeEq;

static FORWARDED: HeaderName = HeaderName::from_static("forwarded");
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a caller's address is found. Cheap to clone.
///
/// As the reference service does: the element of `Forwarded` that has the secret, else `real_ip_header`, else as many
/// entries of `X-Forwarded-For` from its end as there are proxies, else the connection's other end. Unlike it, the two
/// headers without a secret count only on a connection from a trusted proxy, since anybody can send them.
#[derive(Debug, Clone)]
pub struct ClientAddress(Arc<Found>);

#[derive(Debug)]
struct Found {
    sources: Sources,
    /// Said once that somebody's headers are not believed.
    ignored: Once,
}

/// A caller's address; none only without a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(pub(super) Option<IpAddr>);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// Who counts as one in limits: an address, of IPv6 the 64 bits of its network, since anybody there has all the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Caller(Option<IpAddr>);

impl From<IpAddr> for Caller {
    fn from(address: IpAddr) -> Self {
        Self(Some(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
            v4 @ IpAddr::V4(_) => v4,
        }))
    }
}

impl From<Option<IpAddr>> for Caller {
    fn from(address: Option<IpAddr>) -> Self {
        address.map_or(Self(None), Self::from)
    }
}

/// What is configured about proxies.
#[derive(Debug, Default)]
pub struct Sources {
    /// The header that holds the caller's address.
    pub real_ip_header: Option<HeaderName>,
    /// How many proxies add to `X-Forwarded-For`; 0 when the header does not count.
    pub proxies_count: usize,
    /// What a trusted proxy puts into its element of `Forwarded`.
    pub forwarded_secret: Option<String>,
    /// Whose headers without a secret are believed.
    pub trusted: Vec<IpNet>,
}

impl From<Sources> for ClientAddress {
    fn from(sources: Sources) -> Self {
        Self(Arc::new(Found { sources, ignored: Once::new() }))
    }
}

impl ClientAddress {
    /// The address of who sent this request.
    pub(super) fn of_request(&self, request: &Request) -> Address {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0);
        Address(self.of(request.headers(), peer))
    }

    fn of(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Option<IpAddr> {
        let peer = peer.map(|peer| peer.ip().to_canonical());
        self.0.sources.by_secret(headers).or_else(|| self.0.by_trust(headers, peer?)).or(peer)
    }

    /// True when what connects may be a proxy, behind which are many callers.
    pub(super) fn expects_proxies(&self) -> bool {
        let Sources { real_ip_header, proxies_count, forwarded_secret, .. } = &self.0.sources;
        real_ip_header.is_some() || *proxies_count > 0 || forwarded_secret.is_some()
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sources { real_ip_header, proxies_count, forwarded_secret, trusted } = &self.0.sources;
        if forwarded_secret.is_some() {
            f.write_str("the element of `forwarded` with the secret; ")?;
        }
        let mut headers = Vec::from_iter(real_ip_header.as_ref().map(|name| format!("`{name}`")));
        if *proxies_count > 0 {
            headers.push(format!("entry {proxies_count} from the end of `{X_FORWARDED_FOR}`"));
        }
        if !headers.is_empty() {
            let trusted: Vec<_> = trusted.iter().map(IpNet::to_string).collect();
            write!(f, "{} on connections from {}; ", headers.join(", then "), trusted.join(", "))?;
        }
        f.write_str(if self.expects_proxies() { "else the connection's" } else { "the connection's" })
    }
}

impl Found {
    fn by_trust(&self, headers: &HeaderMap, peer: IpAddr) -> Option<IpAddr> {
        let (claimed, header) = self.sources.claimed(headers)?;
        if self.sources.trusted.iter().any(|network| network.contains(&peer)) {
            return address(&claimed);
        }
        self.ignored.call_once(|| {
            tracing::warn!(
                "`{header}` on a connection from {peer} is ignored, here and from now on: {peer} is not in \
                 `trusted_proxies`; add it there if it is a proxy of yours"
            );
        });
        None
    }
}

impl Sources {
    fn by_secret(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let secret = self.forwarded_secret.as_deref()?;
        let lines: Vec<_> = lines(headers, &FORWARDED).collect();
        address(&forwarded_for(&lines.join(","), secret)?)
    }

    fn claimed<'s>(&'s self, headers: &HeaderMap) -> Option<(String, &'s HeaderName)> {
        // The last line: a proxy that adds instead of replacing adds at the end.
        let real =
            |name| lines(headers, name).last().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if let Some(name) = &self.real_ip_header
            && let Some(address) = real(name)
        {
            return Some((address, name));
        }
        if self.proxies_count == 0 {
            return None;
        }
        let lines: Vec<_> = lines(headers, &X_FORWARDED_FOR).collect();
        let hops = lines.iter().flat_map(|line| line.split(',')).map(str::trim).filter(|hop| !hop.is_empty());
        let hops: Vec<_> = hops.collect();
        let index = hops.len().checked_sub(self.proxies_count)?;
        Some((hops[index].to_owned(), &X_FORWARDED_FOR))
    }
}

fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = std::borrow::Cow<'h, str>> {
    headers.get_all(name).iter().map(|line| String::from_utf8_lossy(line.as_bytes()))
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`; nothing else is an address, such as
/// `unknown` and the hidden names of RFC 7239. A port may be hidden, too, and an address of IPv6 have a zone: both are
/// left out.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let v6 = |text: &str| text.split('%').next()?.parse().ok().map(IpAddr::V6);
    let found = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']')?;
        let is_whole = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
        v6(address).filter(|_| is_whole)
    } else {
        match text.split_once(':') {
            Some((address, port)) if is_port(port) => address.parse().ok().map(IpAddr::V4),
            Some(_) => v6(text),
            None => text.parse().ok().map(IpAddr::V4),
        }
    };
    found.map(|address| address.to_canonical())
}

/// `for` of the last element of a `Forwarded` header (RFC 7239) whose `secret` or `by` is the secret.
///
/// Read from its end, where the proxies add: whatever a caller wrote before cannot change how that is understood, such
/// as a quotation mark that is never closed.
fn forwarded_for(header: &str, secret: &str) -> Option<String> {
    let (mut rest, mut found, mut client) = (header, false, None);
    loop {
        let pair = last_pair(rest)?;
        let is_secret = ["secret", "by"].iter().any(|key| pair.key.eq_ignore_ascii_case(key));
        found |= is_secret && bool::from(pair.value.as_bytes().ct_eq(secret.as_bytes()));
        if pair.key.eq_ignore_ascii_case("for") {
            client = Some(pair.value);
        }
        match pair.before.strip_suffix(';') {
            Some(before) => rest = before,
            None if found => return client,
            None => {
                client = None;
                rest = pair.before.strip_suffix(',')?;
            }
        }
    }
}

/// The last `key=value` of a text.
struct Pair<'t> {
    /// What stands before it, with the separator.
    before: &'t str,
    key: &'t str,
    value: String,
}

fn last_pair(text: &str) -> Option<Pair<'_>> {
    let text = text.trim_end();
    let (before, value) = match text.strip_suffix('"') {
        None => {
            let start = text.rfind(|c: char| c.is_whitespace() || "=,;\"".contains(c))? + 1;
            (text.get(..start)?, text.get(start..)?.to_owned())
        }
        Some(quoted) => {
            let start = quoted.rmatch_indices('"').map(|(at, _)| at).find(|&at| {
                let escapes = quoted[..at].bytes().rev().take_while(|&byte| byte == b'\\').count();
                escapes % 2 == 0
            })?;
            (&quoted[..start], unescaped(&quoted[start + 1..]))
        }
    };
    let before = before.strip_suffix('=')?;
    let start = before.rfind(|c: char| c.is_whitespace() || ",;=\"".contains(c)).map_or(0, |at| at + 1);
    let (before, key) = before.split_at_checked(start)?;
    Some(Pair { before: before.trim_end(), key, value })
}

fn unescaped(quoted: &str) -> String {
    let (mut text, mut characters) = (String::with_capacity(quoted.len()), quoted.chars());
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    const PROXY: &str = "127.0.0.1:9";

    fn sources() -> Sources {
        Sources { trusted: vec!["127.0.0.0/8".parse().unwrap()], ..Sources::default() }
    }

    fn real_ip() -> Sources {
        Sources { real_ip_header: Some(HeaderName::from_static("x-real-ip")), ..sources() }
    }

    fn count(proxies_count: usize) -> Sources {
        Sources { proxies_count, ..sources() }
    }

    fn secret() -> Sources {
        Sources { forwarded_secret: Some("s".to_owned()), ..sources() }
    }

    fn from(peer: &str, sources: Sources, headers: &[(&'static str, &str)]) -> String {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let found = ClientAddress::from(sources).of(&headers.collect(), Some(peer.parse().unwrap()));
        found.unwrap().to_string()
    }

    const ALL: [(&str, &str); 3] = [
        ("x-real-ip", "198.51.100.1"),
        ("x-forwarded-for", "203.0.113.1, 203.0.113.2, 203.0.113.3"),
        ("forwarded", "for=198.51.100.8;secret=other, for=\"198.51.100.9\";Secret=s"),
    ];

    #[test]
    fn headers_count_only_as_configured() {
        assert_eq!(from(PROXY, sources(), &ALL), "127.0.0.1");
        assert_eq!(from(PROXY, real_ip(), &ALL), "198.51.100.1");
        assert_eq!(from(PROXY, count(1), &ALL), "203.0.113.3");
        assert_eq!(from(PROXY, count(2), &ALL), "203.0.113.2");
        assert_eq!(from(PROXY, count(4), &ALL), "127.0.0.1", "a proxy less than configured");
        assert_eq!(from(PROXY, secret(), &ALL), "198.51.100.9");
        // The order of the reference service.
        let all = || Sources { proxies_count: 1, forwarded_secret: Some("s".to_owned()), ..real_ip() };
        assert_eq!(from(PROXY, all(), &ALL), "198.51.100.9");
        assert_eq!(from(PROXY, all(), &ALL[..2]), "198.51.100.1");
        assert_eq!(from(PROXY, all(), &ALL[1..2]), "203.0.113.3");
        assert_eq!(from(PROXY, all(), &[]), "127.0.0.1");
    }

    #[test]
    fn headers_of_somebody_who_is_not_trusted_are_ignored() {
        let stranger = "192.0.2.1:9";
        assert_eq!(from(stranger, real_ip(), &ALL), "192.0.2.1");
        assert_eq!(from(stranger, count(1), &ALL), "192.0.2.1");
        assert_eq!(from(stranger, secret(), &ALL), "198.51.100.9", "the secret is trust enough");
        assert_eq!(from(stranger, secret(), &[("forwarded", "for=198.51.100.8;secret=guess")]), "192.0.2.1");
        // A socket for both kinds of addresses shows those of IPv4 so.
        assert_eq!(from("[::ffff:127.0.0.1]:9", real_ip(), &ALL), "198.51.100.1");
    }

    #[test]
    fn several_lines_are_one_list_and_of_one_address_the_last_counts() {
        let lines = [("x-forwarded-for", "10.0.0.1, 10.0.0.2"), ("x-forwarded-for", ",10.0.0.3,,10.0.0.4")];
        assert_eq!(from(PROXY, count(1), &lines), "10.0.0.4");
        assert_eq!(from(PROXY, count(3), &lines), "10.0.0.2");
        let lines = [("x-real-ip", "6.6.6.6"), ("x-real-ip", "10.0.0.1")];
        assert_eq!(from(PROXY, real_ip(), &lines), "10.0.0.1");
        let lines = [("forwarded", "for=6.6.6.6;secret=x"), ("forwarded", "secret=s;for=10.0.0.1")];
        assert_eq!(from(PROXY, secret(), &lines), "10.0.0.1");
    }

    #[test]
    fn addresses_may_have_brackets_and_ports_and_nothing_else_is_one() {
        for (text, address) in [
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("2001:DB8::7", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("192.0.2.7:_secret", "192.0.2.7"),
            ("[2001:db8::7]:_secret", "2001:db8::7"),
            ("fe80::7%eth0", "fe80::7"),
            ("[fe80::7%25eth0]:4711", "fe80::7"),
            ("[2001:db8::7]x", "127.0.0.1"),
            ("[2001:db8::7", "127.0.0.1"),
            ("192.0.2.7%1", "127.0.0.1"),
            ("::", "::"),
            ("unknown", "127.0.0.1"),
            ("_hidden", "127.0.0.1"),
            ("me\" evil", "127.0.0.1"),
            ("192.0.2.7, 192.0.2.8", "127.0.0.1"),
            ("[192.0.2.7]", "127.0.0.1"),
            ("", "127.0.0.1"),
        ] {
            assert_eq!(from(PROXY, real_ip(), &[("x-real-ip", text)]), address, "{text}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_has_it_and_from_its_end() {
        let found = |header: &str| forwarded_for(header, "s;,\"x").unwrap_or_default();
        let secret = r#"secret="s;,\"x""#;
        for (header, client) in [
            (format!("for=1.1.1.1;{secret}"), "1.1.1.1"),
            (format!("For=\"[2001:db8::1]:80\" ; proto=https;{secret}"), "[2001:db8::1]:80"),
            (format!("{secret};for=\"_a\\\"b\""), "_a\"b"),
            (r#"for=1.1.1.1;by="s;,\"x""#.to_owned(), "1.1.1.1"),
            // What the caller sent, and what the proxy added to it.
            (format!("for=6.6.6.6, for=1.1.1.1;{secret}"), "1.1.1.1"),
            (format!("for=\"6.6.6.6, for=1.1.1.1;{secret}"), "1.1.1.1"),
            (format!("for=6.6.6.6;x=\", for=1.1.1.1;{secret}"), "1.1.1.1"),
            (format!("for=6.6.6.6;secret=guess, for=1.1.1.1;{secret}"), "1.1.1.1"),
            (format!("for=1.1.1.1;{secret}, for=10.0.0.9;by=10.0.0.8"), "1.1.1.1"),
            (format!("for=1.1.1.1, {secret}"), ""),
            (format!("for=1.1.1.1;{secret}, garbage"), ""),
            ("for=1.1.1.1;secret=s".to_owned(), ""),
            (String::new(), ""),
        ] {
            assert_eq!(found(&header), client, "{header}");
        }
    }

    #[test]
    fn the_log_says_where_addresses_are_found() {
        let said = |sources: Sources| ClientAddress::from(sources).to_string();
        assert_eq!(said(sources()), "the connection's");
        assert_eq!(
            said(Sources { proxies_count: 2, forwarded_secret: Some("s".to_owned()), ..real_ip() }),
            "the element of `forwarded` with the secret; `x-real-ip`, then entry 2 from the end of `x-forwarded-for` on \
             connections from 127.0.0.0/8; else the connection's"
        );
    }

    proptest! {
        /// Whatever a caller sends, what the proxy adds behind it is what counts.
        #[test]
        fn a_caller_cannot_change_what_the_proxy_adds(sent in ".{0,40}") {
            let header = format!("{sent}, for=1.1.1.1;secret=s");
            prop_assert_eq!(forwarded_for(&header, "s"), Some("1.1.1.1".to_owned()));
        }
    }
}
