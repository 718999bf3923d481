use super::*;

#[test]
fn many_threads_renew_a_token_once() {
    const THREADS: usize = 32;
    let folder = tempfile::tempdir().unwrap();
    let (server, config, issued) = cloud(3600);
    let transport = Transport::new(&config).unwrap();
    let credentials = user(folder.path(), Some("first"));
    let together = Barrier::new(THREADS);
    for round in 1..=2 {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    together.wait();
                    get(&transport, &credentials).unwrap();
                });
            }
        });
        assert_eq!(asked(&server).len(), round);
        // The second time all are refused with 401 first.
        issued.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_failed_renewal_is_shared_and_not_repeated_by_each() {
    const THREADS: usize = 8;
    let (open, closed) = crate::transport::tests::server::gate();
    let mut closed = Some(closed);
    let (server, mut config) = atlassian(move |seen| match path(seen) {
        "/_edge/tenant_info" => answer(404, "", ""),
        _ => closed.take().map_or_else(
            || answer(599, "", "asked twice"),
            |closed| Step::Later(closed, crate::transport::tests::server::raw(500, "", "")),
        ),
    });
    config.max_retries = 0;
    let transport = Transport::new(&config).unwrap();
    transport.cloud_id(transport.deadline_in(Duration::from_secs(60))).unwrap();
    let login = OAuth2::new(OAuth2Config {
        client_id: "client".to_owned(),
        client_secret: Password::new("s3cret"),
        grant: Grant::ClientCredentials,
        scope: None,
        redirect_uri: None,
        access_token: None,
    });
    let login = Arc::new(login.unwrap());
    let credentials = Credentials::OAuth2(Arc::clone(&login));
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| get(&transport, &credentials).unwrap_err())).collect();
        login.await_waiting(THREADS - 1);
        drop(open);
        for call in calls {
            assert!(matches!(call.join().unwrap(), TransportError::Login(LoginError::Unavailable { .. })));
        }
    });
    assert_eq!(server.seen().len(), 2);
}
