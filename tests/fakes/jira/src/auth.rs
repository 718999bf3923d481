//! Who may come in, and the token endpoints.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::face::{Face, Kind};
use crate::http::{Answer, Reply, Request, error};
use crate::state::State;

/// How far the clock of an OAuth 1.0a signature may be off, in seconds.
const OAUTH1_WINDOW_SECS: i64 = 300;

/// Who may come in. Everybody who does is the first user, but for [`Logins::basic`].
pub struct Logins {
    /// Login, secret and account id of Basic logins. Default: `fred` and `mia`: on Cloud
    /// `<name>@example.com` with `api-token`, on Data Center `<name>` with `password`.
    pub basic: Vec<(String, String, String)>,
    /// Whether Data Center takes Basic logins; not from 11.0 on. Default: true.
    pub basic_is_on: bool,
    /// Address and API token with scopes: Cloud, at the gateway only. Default: `fred@example.com`,
    /// `scoped-token`.
    pub scoped: Vec<(String, String)>,
    /// Personal access tokens of Data Center. Default: `personal-token`.
    pub personal: Vec<String>,
    /// Id and secret of OAuth 2.0 clients. Default: `client`, `client-secret`.
    pub clients: Vec<(String, String)>,
    /// The refresh token that works next; it is replaced with every use. Default: `refresh-0`.
    pub refresh_token: String,
    /// How long access tokens are good for, in seconds. Default: 3600.
    pub access_token_secs: u64,
    /// Consumer key and access token of OAuth 1.0a. Signatures are not checked, but the method, the time
    /// and the nonce are. Default: `consumer`, `oauth1-token`.
    pub oauth1: (String, String),
    /// Further access tokens, put here by token endpoints.
    access_tokens: HashMap<String, Instant>,
    nonces: BTreeSet<String>,
    issued: u64,
}

impl Logins {
    pub(crate) fn new(kind: Kind) -> Self {
        let basic = |name: &str| match kind {
            Kind::Cloud => (format!("{name}@example.com"), "api-token".into(), format!("5b10{name}")),
            Kind::DataCenter => (name.to_owned(), "password".into(), format!("5b10{name}")),
        };
        Self {
            basic: vec![basic("fred"), basic("mia")],
            basic_is_on: true,
            scoped: vec![("fred@example.com".into(), "scoped-token".into())],
            personal: vec!["personal-token".into()],
            clients: vec![("client".into(), "client-secret".into())],
            refresh_token: "refresh-0".into(),
            access_token_secs: 3600,
            oauth1: ("consumer".into(), "oauth1-token".into()),
            access_tokens: HashMap::new(),
            nonces: BTreeSet::new(),
            issued: 0,
        }
    }

    /// Ends all access tokens that were given out.
    pub fn expire_access_tokens(&mut self) {
        self.access_tokens.clear();
    }

    fn access_is_good(&self, token: &str) -> bool {
        self.access_tokens.get(token).is_some_and(|until| Instant::now() < *until)
    }

    fn issue(&mut self) -> String {
        self.issued += 1;
        let token = format!("access-{}", self.issued);
        self.access_tokens.insert(token.clone(), Instant::now() + Duration::from_secs(self.access_token_secs));
        token
    }
}

/// What came of a request's credentials.
pub(crate) enum Caller {
    Known(String),
    Nobody,
    Refused,
}

/// Who sent a request.
pub(crate) fn caller(state: &mut State, face: &Face, request: &Request) -> Caller {
    let Some(header) = request.header("authorization") else { return Caller::Nobody };
    let Some((scheme, value)) = header.split_once(' ') else { return Caller::Refused };
    let first = state.users.first().map(|user| user.account_id.clone()).unwrap_or_default();
    let now = state.now().timestamp();
    let logins = &mut state.logins;
    let known = match scheme.to_ascii_lowercase().as_str() {
        "basic" => {
            let decoded = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let Some((login, secret)) = decoded.as_deref().and_then(|text| text.split_once(':')) else {
                return Caller::Refused;
            };
            if face.gateway {
                // Tokens without scopes are for the site.
                logins.scoped.iter().any(|(known, token)| known == login && token == secret).then_some(first)
            } else if face.cloud() || logins.basic_is_on {
                let found = logins.basic.iter().find(|(known, token, _)| known == login && token == secret);
                found.map(|(_, _, account)| account.clone())
            } else {
                None
            }
        }
        "bearer" => {
            let good = match (face.cloud(), face.gateway) {
                (true, true) => logins.access_is_good(value),
                (true, false) => false,
                (false, _) => logins.access_is_good(value) || logins.personal.iter().any(|token| token == value),
            };
            good.then_some(first)
        }
        "oauth" if !face.cloud() => oauth1(logins, value, now).then_some(first),
        _ => None,
    };
    known.map_or(Caller::Refused, Caller::Known)
}

fn oauth1(logins: &mut Logins, header: &str, now: i64) -> bool {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text.trim().trim_matches('"')).decode_utf8_lossy().into_owned()
    };
    let pairs = header.split(',').filter_map(|pair| pair.trim().split_once('='));
    let sent: HashMap<String, String> = pairs.map(|(name, value)| (name.to_owned(), decode(value))).collect();
    let is = |name: &str, value: &str| sent.get(name).is_some_and(|sent| sent == value);
    let time = sent.get("oauth_timestamp").and_then(|text| text.parse::<i64>().ok());
    let (consumer, token) = &logins.oauth1;
    is("oauth_consumer_key", consumer)
        && is("oauth_token", token)
        && is("oauth_signature_method", "RSA-SHA1")
        && sent
            .get("oauth_signature")
            .is_some_and(|signature| STANDARD.decode(signature).is_ok_and(|bytes| !bytes.is_empty()))
        && time.is_some_and(|time| (time - now).abs() <= OAUTH1_WINDOW_SECS)
        && sent.get("oauth_nonce").is_some_and(|nonce| logins.nonces.insert(nonce.clone()))
}

/// The answer to wrong credentials, and to none where they are needed.
pub(crate) fn refusal(face: &Face, caller: &Caller) -> Answer {
    let sent = matches!(caller, Caller::Refused);
    if face.gateway {
        return Answer::json(401, &json!({"code": 401, "message": "Unauthorized"}));
    }
    if face.cloud() {
        let answer = *error(401, "Client must be authenticated to access this resource.");
        return if sent { answer.with_header("x-seraph-loginreason", "AUTHENTICATED_FAILED") } else { answer };
    }
    if sent {
        return Answer::html(401, "Unauthorized (401)")
            .with_header("www-authenticate", "OAuth realm=\"jira\"")
            .with_header("x-seraph-loginreason", "AUTHENTICATED_FAILED");
    }
    *error(401, "You are not authenticated. Authentication required to perform this operation.")
}

/// `POST /oauth/token` of Cloud, JSON; `POST /rest/oauth2/latest/token` of Data Center, a form.
pub(crate) fn token(state: &mut State, request: &Request) -> Reply {
    let cloud = state.cloud();
    let media_type = request.header("content-type").unwrap_or_default();
    let sent: HashMap<String, String> = if cloud {
        if !media_type.starts_with("application/json") {
            return Err(refused(400, "invalid_request", "The request has to be JSON."));
        }
        serde_json::from_slice(&request.body)
            .map_err(|_| refused(400, "invalid_request", "Malformed token request."))?
    } else {
        if !media_type.starts_with("application/x-www-form-urlencoded") {
            return Err(refused(400, "invalid_request", "The request has to be a form."));
        }
        form_urlencoded::parse(&request.body).into_owned().collect()
    };
    let text = |key: &str| sent.get(key).map_or("", String::as_str);
    if !state.logins.clients.iter().any(|(id, secret)| id == text("client_id") && secret == text("client_secret")) {
        return Err(refused(401, "access_denied", "Unauthorized"));
    }
    let refresh = match text("grant_type") {
        "client_credentials" => false,
        "refresh_token" if text("refresh_token") == state.logins.refresh_token => true,
        "refresh_token" => {
            let status = if cloud { 403 } else { 400 };
            return Err(refused(status, "invalid_grant", "Unknown or invalid refresh token."));
        }
        other => return Err(refused(400, "unsupported_grant_type", &format!("Unsupported grant type: {other}"))),
    };
    let access = state.logins.issue();
    let mut answer = json!({"access_token": access, "expires_in": state.logins.access_token_secs, "token_type": "Bearer",
                            "scope": if cloud { "read:jira-work write:jira-work read:jira-user" } else { "WRITE" }});
    if refresh {
        // Each refresh token works once.
        state.logins.refresh_token = format!("refresh-{}", state.logins.issued);
        answer["refresh_token"] = state.logins.refresh_token.clone().into();
    }
    Answer::ok(&answer)
}

fn refused(status: u16, code: &str, said: &str) -> Box<Answer> {
    Box::new(Answer::json(status, &json!({"error": code, "error_description": said})))
}

/// `GET /oauth/token/accessible-resources` of Cloud.
pub(crate) fn resources(state: &State, request: &Request, site: &str, cloud_id: &str) -> Reply {
    let token = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    if !token.is_some_and(|token| state.logins.access_is_good(token)) {
        return Err(Box::new(Answer::json(401, &json!({"code": 401, "message": "Unauthorized"}))));
    }
    let scopes: Value = json!(["read:jira-work", "write:jira-work", "read:jira-user"]);
    Answer::ok(
        &json!([{"id": cloud_id, "name": "fake", "url": site, "scopes": scopes, "avatarUrl": format!("{site}/avatar.png")}]),
    )
}
