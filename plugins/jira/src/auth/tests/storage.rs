use super::*;

#[test]
fn a_token_is_stored_before_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("oauth2.json");
    let kept = file.clone();
    // When Jira sees the access token, the file must have the refresh token that came with it.
    let (server, config) = atlassian(move |seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/oauth/token" => json(r#"{"access_token":"a","refresh_token":"second","expires_in":3600}"#),
        _ if fs::read_to_string(&kept).unwrap().contains("second") => json("{}"),
        _ => answer(500, "", "used before it was stored"),
    });
    get(&with_clock(&config).0, &user(folder.path(), Some("first"))).unwrap();

    // A crash right after it was stored: the next process goes on from there.
    get(&with_clock(&config).0, &user(folder.path(), Some("first"))).unwrap();
    let tokens: Vec<_> = asked(&server).iter().map(|body| body["refresh_token"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tokens, ["first", "second"]);
}

#[test]
fn a_token_that_cannot_be_stored_is_not_used_and_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("oauth2.json");
    let blocked = file.clone();
    let (server, config) = atlassian(move |seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/oauth/token" => {
            // A folder in the file's place cannot be replaced, by root neither.
            fs::create_dir_all(blocked.join("x")).unwrap();
            json(r#"{"access_token":"a","refresh_token":"second","expires_in":3600}"#)
        }
        _ => json("{}"),
    });
    let (transport, _) = with_clock(&config);
    let credentials = user(folder.path(), Some("first"));
    assert!(!file.exists(), "another process may be replacing it");
    for _ in 0..2 {
        let error = get(&transport, &credentials).unwrap_err();
        assert!(matches!(error, TransportError::Login(LoginError::NotStored { .. })), "{error}");
        assert!(!format!("{error}{error:?}").contains("second"), "{error}");
    }
    fs::remove_dir_all(&file).unwrap();
    get(&transport, &credentials).unwrap();
    assert!(fs::read_to_string(&file).unwrap().contains("second"));
    assert_eq!(paths(&server), ["/_edge/tenant_info", "/oauth/token", "/ex/jira/11-aa/rest/api/3/myself"]);
}

#[test]
fn no_refresh_token_at_all_is_a_fault_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = |file| OAuth2Config {
        client_id: "client".to_owned(),
        client_secret: Password::new("s3cret"),
        grant: Grant::RefreshToken { configured: None, file, python_cache: "nowhere".into() },
        scope: None,
        redirect_uri: None,
        access_token: None,
    };
    let fault = OAuth2::new(config(folder.path().join("t.json"))).err().unwrap();
    assert_eq!(fault.option, "oauth2_refresh_token");
    assert!(fault.reason.starts_with("is missing, and neither `"), "{fault}");
    // A file in the folder's place: nothing can be kept below it.
    fs::write(folder.path().join("file"), "").unwrap();
    let mut below = config(folder.path().join("file/t.json"));
    below.grant = Grant::RefreshToken {
        configured: Some(Password::new("a")),
        file: folder.path().join("file/t.json"),
        python_cache: "nowhere".into(),
    };
    assert_eq!(OAuth2::new(below).err().unwrap().option, "oauth2_refresh_token");
    // A folder in the file's place.
    let fault = OAuth2::new(config(folder.path().to_owned())).err().unwrap();
    assert!(fault.reason.starts_with("cannot read `"), "{fault}");
}

#[test]
fn the_python_services_login_goes_on_and_its_token_is_sent_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("python.toml");
    let write = |token: &str| fs::write(&cache, format!("[oauth2]\nrefresh_token = \"{token}\"\n")).unwrap();
    let (server, config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/oauth/token" if seen.text().contains("ended") => answer(403, "", r#"{"error":"invalid_grant"}"#),
        "/oauth/token" => json(r#"{"access_token":"a","refresh_token":"next","expires_in":3600}"#),
        _ => json("{}"),
    });
    let sent = || -> Vec<String> {
        asked(&server).iter().map(|body| body["refresh_token"].as_str().unwrap().to_owned()).collect()
    };
    // The configured one is where its chain began.
    write("python");
    get(&with_clock(&config).0, &user(folder.path(), Some("first"))).unwrap();
    assert_eq!(sent(), ["python"]);
    get(&with_clock(&config).0, &user(folder.path(), Some("first"))).unwrap();
    assert_eq!(sent(), ["python", "next"]);

    // One of an older consent: the configured one is the newer.
    fs::remove_file(folder.path().join("oauth2.json")).unwrap();
    write("ended");
    get(&with_clock(&config).0, &user(folder.path(), Some("new"))).unwrap();
    assert_eq!(sent()[2..], ["ended", "new"]);
    // Both have ended: neither is sent again.
    fs::remove_file(folder.path().join("oauth2.json")).unwrap();
    let (transport, _) = with_clock(&config);
    let credentials = user(folder.path(), Some("ended, too"));
    for _ in 0..2 {
        let error = get(&transport, &credentials).unwrap_err();
        assert!(matches!(error, TransportError::Login(LoginError::ConsentNeeded { .. })), "{error}");
    }
    assert_eq!(sent()[4..], ["ended", "ended, too"]);
    assert!(fs::read_to_string(&cache).unwrap().contains("ended"), "it is the Python service's");
}
