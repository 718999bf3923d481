use super::*;

#[test]
fn a_users_token_is_renewed_early_and_rotated_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let (server, config, _) = cloud(3600);
    let (transport, clock) = with_clock(&config);
    let credentials = user(folder.path(), Some("first"));
    for _ in 0..2 {
        get(&transport, &credentials).unwrap();
    }
    clock.advance(Duration::from_secs(3299));
    get(&transport, &credentials).unwrap();
    assert_eq!(asked(&server).len(), 1);
    clock.advance(Duration::from_secs(2));
    get(&transport, &credentials).unwrap();
    let body = |token: &str| {
        serde_json::json!({"grant_type": "refresh_token", "refresh_token": token, "client_id": "client",
            "client_secret": "s3cret"})
    };
    assert_eq!(asked(&server), [body("first"), body("refresh-1")]);

    // After a restart, with the old token still in the configuration.
    get(&transport, &user(folder.path(), Some("first"))).unwrap();
    assert_eq!(asked(&server)[2], body("refresh-2"));
    assert!(paths(&server).iter().any(|path| path == "/ex/jira/11-aa/rest/api/3/myself"));
}

#[test]
fn a_refused_token_is_renewed_once() {
    let folder = tempfile::tempdir().unwrap();
    let (server, config, issued) = cloud(3600);
    let (transport, _) = with_clock(&config);
    let credentials = user(folder.path(), Some("first"));
    get(&transport, &credentials).unwrap();
    issued.fetch_add(1, Ordering::SeqCst); // so that access-1 is no longer the newest
    get(&transport, &credentials).unwrap();
    assert_eq!(asked(&server).len(), 2);

    let (server, config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/oauth/token" => json(r#"{"access_token":"a"}"#),
        _ => answer(401, "", ""),
    });
    let error = get(&with_clock(&config).0, &oauth2(Grant::ClientCredentials)).unwrap_err();
    assert_eq!(error.status(), Some(401));
    assert_eq!(asked(&server).len(), 2);
}

#[test]
fn an_ended_consent_is_said_and_not_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let new_consent = Arc::new(Mutex::new(false));
    let is_new = Arc::clone(&new_consent);
    let (server, config) = atlassian(move |seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/oauth/token" if *is_new.lock().unwrap() => json(r#"{"access_token":"a"}"#),
        "/oauth/token" => answer(403, "", r#"{"error":"invalid_grant","error_description":"Unknown first."}"#),
        _ => json("{}"),
    });
    let (transport, clock) = with_clock(&config);
    let credentials = user(folder.path(), Some("first"));
    for _ in 0..3 {
        let error = get(&transport, &credentials).unwrap_err();
        assert_eq!(
            error.to_string().replace(&server.url, ""),
            "OAuth 2.0: `/oauth/token` no longer takes the refresh token (invalid_grant); give consent again and put the \
             new token into `oauth2_refresh_token`"
        );
        assert!(!error.is_temporary());
    }
    assert_eq!((asked(&server).len(), clock.waits().len()), (1, 0));

    *new_consent.lock().unwrap() = true;
    assert!(get(&transport, &credentials).is_err());
    // A new token in the file, put there by another process, is taken without a restart.
    let stored = r#"{"client_id":"client","configured":"first","refresh_token":"second"}"#;
    fs::write(folder.path().join("oauth2.json"), stored).unwrap();
    get(&transport, &credentials).unwrap();
}

#[test]
fn a_wrong_client_secret_is_told_apart() {
    for (status, body) in [(401, r#"{"error":"access_denied"}"#), (400, r#"{"error":"invalid_client"}"#), (401, "")] {
        let (_server, config) = atlassian(move |seen| match path(seen) {
            "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
            _ => answer(status, "", body),
        });
        let error = get(&with_clock(&config).0, &oauth2(Grant::ClientCredentials)).unwrap_err();
        assert!(matches!(error, TransportError::Login(LoginError::ClientRefused { .. })), "{error}");
        assert!(
            error.to_string().contains("`oauth2_client_secret`") && !error.to_string().contains("s3cret"),
            "{error}"
        );
    }
    let (_server, config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        _ => answer(403, "", "<html><title>Blocked by proxy</title></html>"),
    });
    let error = get(&with_clock(&config).0, &oauth2(Grant::ClientCredentials)).unwrap_err();
    assert!(error.is_temporary() && error.to_string().contains("Blocked by proxy"), "{error}");
}

#[test]
fn what_a_token_endpoint_repeats_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, mut config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => answer(404, "", ""),
        _ => answer(500, "", "cannot handle client s3cret with f1rst"),
    });
    config.max_retries = 0;
    let error = get(&with_clock(&config).0, &user(folder.path(), Some("f1rst"))).unwrap_err();
    assert!(error.to_string().contains("cannot handle client *** with ***"), "{error}");
    let shown = format!("{error:?}");
    assert!(!shown.contains("s3cret") && !shown.contains("f1rst"), "{shown}");
}

#[test]
fn data_center_is_asked_with_a_form_and_directly() {
    let folder = tempfile::tempdir().unwrap();
    let (server, config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => answer(404, "", ""),
        "/rest/oauth2/latest/token" => json(r#"{"access_token":"a","expires_in":"7200"}"#),
        _ => json("{}"),
    });
    let (transport, _) = with_clock(&config);
    get(&transport, &user(folder.path(), Some("a&b"))).unwrap();
    get(&transport, &oauth2(Grant::ClientCredentials)).unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].header("Content-Type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(
        seen[1].text(),
        "grant_type=refresh_token&refresh_token=a%26b&redirect_uri=https%3A%2F%2Flocalhost%2Fback&client_id=client&\
         client_secret=s3cret"
    );
    assert_eq!(seen[3].text(), "grant_type=client_credentials&scope=WRITE&client_id=client&client_secret=s3cret");
    assert_eq!((path(&seen[2]), seen[2].header("Authorization")), ("/rest/api/3/myself", Some("Bearer a")));
}

#[test]
fn the_old_token_serves_while_the_endpoint_fails() {
    let broken = Arc::new(Mutex::new(false));
    let now = Arc::clone(&broken);
    let (server, mut config) = atlassian(move |seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/oauth/token" if *now.lock().unwrap() => answer(500, "", ""),
        "/oauth/token" => json(r#"{"access_token":"a","expires_in":3600}"#),
        _ => json("{}"),
    });
    config.max_retries = 0;
    let (transport, clock) = with_clock(&config);
    let credentials = oauth2(Grant::ClientCredentials);
    get(&transport, &credentials).unwrap();
    *broken.lock().unwrap() = true;
    clock.advance(Duration::from_secs(3400));
    for _ in 0..5 {
        get(&transport, &credentials).unwrap();
    }
    assert_eq!(asked(&server).len(), 2);
    clock.advance(Duration::from_secs(31));
    get(&transport, &credentials).unwrap();
    assert_eq!(asked(&server).len(), 3);
    clock.advance(Duration::from_secs(200));
    assert!(get(&transport, &credentials).unwrap_err().is_temporary());
}

#[test]
fn a_configured_access_token_is_used_until_it_ends() {
    let (server, config, _) = cloud(3600);
    let (transport, clock) = with_clock(&config);
    let login = OAuth2Config {
        client_id: "client".to_owned(),
        client_secret: Password::new("s3cret"),
        grant: Grant::ClientCredentials,
        scope: None,
        redirect_uri: None,
        access_token: Some((Password::new("access-0"), clock.wall() + Duration::from_secs(1000))),
    };
    let credentials = Credentials::OAuth2(Arc::new(OAuth2::new(login).unwrap()));
    get(&transport, &credentials).unwrap();
    assert_eq!(asked(&server).len(), 0);
    clock.advance(Duration::from_secs(1001));
    get(&transport, &credentials).unwrap();
    assert_eq!(asked(&server).len(), 1);
}
