//! What a caller gets, whatever the plugin does.

use defect_host_tests::HostFolder;
use serde_json::json;

fn faulty(client_config: &str) -> HostFolder {
    HostFolder::new(r#"client_class = "FaultyDefectClient""#, client_config)
}

#[test]
fn a_panicking_plugin_is_one_failed_request() {
    let host = faulty(r#"panic_in = ["get_projects"]"#).start();
    for _ in 0..3 {
        let answer = host.client().get("/projects");
        assert_eq!(answer.status, 500);
        assert_eq!(
            answer.json()["message"],
            json!("plugin `faulty_defect_client` failed in `get_projects`; the host's log says where")
        );
    }
    host.wait_for_log("tests/plugins/faulty/src/lib.rs");
    assert_eq!(host.client().get("/check-login").json(), json!(true));
}
