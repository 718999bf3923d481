use super::*;

#[test]
fn a_token_with_scopes_goes_through_the_gateway_from_then_on() {
    let (server, config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        "/ex/jira/11-aa/rest/api/3/myself" => json("{}"),
        _ => answer(401, "", ""),
    });
    let (transport, _) = with_clock(&config);
    get(&transport, &basic("me")).unwrap();
    get(&transport, &basic("me")).unwrap();
    assert_eq!(
        paths(&server),
        [
            "/rest/api/3/myself",
            "/_edge/tenant_info",
            "/ex/jira/11-aa/rest/api/3/myself",
            "/ex/jira/11-aa/rest/api/3/myself"
        ]
    );
    assert_eq!(server.seen()[1].header("Authorization"), None);
    // Another user's token may have none.
    get(&transport, &basic("you")).unwrap();
    assert_eq!(paths(&server)[4..], ["/rest/api/3/myself", "/ex/jira/11-aa/rest/api/3/myself"]);
}

#[test]
fn a_wrong_password_is_tried_at_both_places_of_cloud_and_once_at_data_center() {
    let (server, config) = atlassian(|seen| match path(seen) {
        "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
        _ => answer(401, "", ""),
    });
    assert_eq!(get(&with_clock(&config).0, &basic("me")).unwrap_err().status(), Some(401));
    assert_eq!(server.seen().len(), 3);

    for page in [
        answer as fn(u16, &str, &str) -> Step,
        |_, _, _| answer(200, "", "<html>"),
        |_, _, _| json(r#"{"cloudId":"../x"}"#),
    ] {
        let (server, config) = atlassian(move |seen| match path(seen) {
            "/_edge/tenant_info" => page(404, "", ""),
            _ => answer(401, "", ""),
        });
        let (transport, _) = with_clock(&config);
        for _ in 0..2 {
            assert_eq!(get(&transport, &basic("me")).unwrap_err().status(), Some(401));
        }
        assert_eq!(paths(&server), ["/rest/api/3/myself", "/_edge/tenant_info", "/rest/api/3/myself"]);
    }
}

#[test]
fn a_token_that_has_lost_its_scopes_goes_to_the_site_again() {
    let scoped = Arc::new(Mutex::new(true));
    let now = Arc::clone(&scoped);
    let (_server, config) = atlassian(move |seen| {
        let scoped = *now.lock().unwrap();
        match path(seen) {
            "/_edge/tenant_info" => json(r#"{"cloudId":"11-aa"}"#),
            path if path.starts_with("/ex/") == scoped => json("{}"),
            _ => answer(401, "", ""),
        }
    });
    let (transport, _) = with_clock(&config);
    get(&transport, &basic("me")).unwrap();
    *scoped.lock().unwrap() = false;
    get(&transport, &basic("me")).unwrap();
    get(&transport, &basic("me")).unwrap();
}

#[test]
fn the_gateway_as_server_url_needs_no_question_for_the_cloud_id() {
    let (server, mut config) = atlassian(|seen| match path(seen) {
        "/oauth/token" => json(r#"{"access_token":"a"}"#),
        "/ex/jira/11-aa/rest/api/3/myself" if seen.header("Authorization") == Some("Bearer a") => json("{}"),
        _ => answer(401, "", ""),
    });
    config.site = BaseUrl::parse(&format!("{}/ex/jira/11-aa", server.url)).unwrap();
    let (transport, _) = with_clock(&config);
    get(&transport, &oauth2(Grant::ClientCredentials)).unwrap();
    assert_eq!(get(&transport, &basic("me")).unwrap_err().status(), Some(401));
    let there = "/ex/jira/11-aa/rest/api/3/myself";
    assert_eq!(paths(&server), ["/oauth/token", there, there]);
}
