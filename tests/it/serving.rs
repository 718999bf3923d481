//! Statuses, error bodies and paths.

use defect_host_tests::{HostFolder, Response, TestHost, defect_request};
use insta::assert_snapshot;
use serde_json::json;

fn host() -> TestHost {
    HostFolder::faulty("").start()
}

fn shown(answer: &Response) -> String {
    format!("{} {}", answer.status, answer.text())
}

#[test]
fn each_kind_of_the_clients_error_has_its_status() {
    let host = HostFolder::faulty(
        r#"
        [testbench-defect-service.client_config.fail_in]
        check_login = "not_found"
        get_projects = "forbidden"
        get_control_fields = "unauthorized"
        get_user_defined_attributes = "invalid_input"
        supports_changes_timestamps = "unavailable"
        get_settings = "internal"
        "#,
    )
    .start();
    let client = host.client();
    let get = |path: &str| shown(&client.get(path));
    assert_snapshot!(get("/check-login"), @r#"404 {"description":"Not Found","status":404,"message":"told to fail in check_login"}"#);
    assert_snapshot!(get("/projects"), @r#"403 {"description":"Forbidden","status":403,"message":"told to fail in get_projects"}"#);
    assert_snapshot!(get("/projects/control-fields"), @r#"401 {"description":"Unauthorized","status":401,"message":"told to fail in get_control_fields"}"#);
    assert_snapshot!(get("/projects/udfs"), @r#"400 {"description":"Bad Request","status":400,"message":"Validation error","errors":[{"field":"defect.status","message":"told to fail in get_user_defined_attributes"}]}"#);
    assert_snapshot!(get("/supports-changes-timestamps"), @r#"500 {"description":"Internal Server Error","status":500,"message":"told to fail in supports_changes_timestamps"}"#);
    assert_snapshot!(get("/settings"), @r#"500 {"description":"Internal Server Error","status":500,"message":"told to fail in get_settings"}"#);
    assert_eq!(client.get("/check-login").header("content-type"), "application/json");
}

#[test]
fn a_route_that_is_not_there_is_404() {
    let host = host();
    assert_snapshot!(shown(&host.client().get("/project")), @r#"404 {"description":"Not Found","status":404,"message":"Requested URL /project not found"}"#);
    assert_snapshot!(shown(&host.client().get("/projects/Shop/defects/7")), @r#"404 {"description":"Not Found","status":404,"message":"Requested URL /projects/Shop/defects/7 not found"}"#);
}

#[test]
fn a_wrong_method_is_405_and_says_which_are_allowed() {
    let host = host();
    let answer = host.client().get("/projects/Shop/defects");
    assert_snapshot!(shown(&answer), @r#"405 {"description":"Method Not Allowed","status":405,"message":"Method GET not allowed for URL /projects/Shop/defects"}"#);
    assert_eq!(answer.header("allow"), "POST");
    let answer = host.client().post("/projects", &json!({}));
    assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD"));
    let answer = host.client().post("/projects/Shop/defects/1/update", &json!({}));
    assert_eq!((answer.status, answer.header("allow")), (405, "PUT"));
}

#[test]
fn a_slash_at_the_end_means_the_same() {
    let host = host();
    assert_eq!(host.client().get("/projects/").json(), json!(["Shop App (SHOP)"]));
    assert_eq!(host.client().with_credentials(None).get("/settings/").status, 200);
    assert_eq!(host.client().post("/projects/Shop/defects/", &json!({})).status, 200);
}

#[test]
fn head_is_get_without_a_body() {
    let host = host();
    let answer = host.client().send("HEAD", "/projects", &[], b"");
    assert_eq!((answer.status, answer.text()), (200, String::new()));
    assert_eq!(answer.header("content-length"), host.client().get("/projects").body.len().to_string());
    assert_eq!(host.client().with_credentials(None).send("HEAD", "/projects", &[], b"").status, 401);
}

#[test]
fn the_root_leads_to_the_documentation() {
    let host = host();
    let answer = host.client().with_credentials(None).get("/");
    assert_eq!((answer.status, answer.header("location")), (302, "/docs"));
}

#[test]
fn a_project_is_any_text_percent_encoded() {
    let host = host();
    for (encoded, project) in [
        ("Shop%20App%20(SHOP)", "Shop App (SHOP)"),
        ("Shop%20App%20%28SHOP%29", "Shop App (SHOP)"),
        ("Fahrk%C3%A4rtchen%20%E2%9C%93", "Fahrkärtchen ✓"),
        ("a%2Fb", "a/b"),
        ("a+b", "a+b"),
        ("50%25", "50%"),
        ("create", "create"),
        ("..", ".."),
    ] {
        let answer = host.client().post(&format!("/projects/{encoded}/sync/before"), &json!({"syncType": "manual"}));
        let successes = answer.json()["successes"].clone();
        assert_eq!(
            successes,
            json!({project: [{"message": "before Some(\"manual\")", "code": "PUBLISH_SUCCESS"}]}),
            "{encoded}"
        );
    }
}

#[test]
fn a_path_that_is_no_text_is_400() {
    let host = host();
    let answer = host.client().post("/projects/%FF/sync/before", &json!({"syncType": null}));
    assert_snapshot!(shown(&answer), @r#"400 {"description":"Bad Request","status":400,"message":"Invalid URL: Invalid UTF-8 in `project`"}"#);
}

#[test]
fn the_project_of_a_query_reaches_the_client_and_an_empty_one_is_none() {
    let host = host();
    assert_eq!(host.client().get("/check-login?project=closed").json(), json!(false));
    assert_eq!(host.client().get("/check-login?project=cl%6Fsed&project=open&x=1").json(), json!(false));
    assert_eq!(host.client().get("/check-login?project=").json(), json!(true));
    assert_eq!(host.client().get("/check-login").json(), json!(true));
}

#[test]
fn readiness_is_the_backends_and_health_the_process() {
    let host = HostFolder::faulty("refuse_login = true").start();
    let client = host.client().with_credentials(None);
    let answer = client.get("/readyz");
    assert_snapshot!(shown(&answer), @r#"503 {"description":"Service Unavailable","status":503,"message":"the backend does not accept the plugin's login; see `/check-login` and the log"}"#);
    assert_eq!(answer.header("retry-after"), "5");
    assert_snapshot!(shown(&client.get("/healthz")), @r#"200 {"status":"alive"}"#);
    let host = self::host();
    assert_snapshot!(shown(&host.client().with_credentials(None).get("/readyz")), @r#"200 {"status":"ready"}"#);
}

#[test]
fn a_name_longer_than_255_characters_is_cut() {
    let host = host();
    let name = host.client().get("/settings").json()["name"].as_str().unwrap_or_default().to_owned();
    assert_eq!(name, format!("{}...", "n".repeat(252)));
    let mut request = defect_request();
    request["defect"]["title"] = json!("ü".repeat(256));
    let title = host.client().post("/projects/Shop/defects/create", &request).json()["value"].clone();
    assert_eq!(title, json!(format!("{}...", "ü".repeat(252))));
}

#[test]
fn an_answer_carries_every_key() {
    let host = host();
    let post = |path: &str, body| host.client().post(path, &body).text().replace(&"x".repeat(300), "x");
    assert_snapshot!(post("/projects/Shop/defects/batch", json!({"defectIds": ["F-1", "x"]})), @r#"{"value":[{"title":"Defect 1","description":"x","reporter":null,"status":"open","classification":"bug","priority":"high","userDefinedFields":[],"lastEdited":"1970-01-01T00:00:00Z","references":[],"principal":{"username":"faulty","password":""},"id":"F-1"}],"protocol":{"successes":{},"warnings":{},"errors":{},"generalWarnings":[],"generalErrors":[]}}"#);
    assert_snapshot!(post("/projects/Shop/defects/F-1/extended", json!({})), @r#"{"title":"Defect 0","description":"x","reporter":null,"status":"open","classification":"bug","priority":"high","userDefinedFields":[],"lastEdited":"1970-01-01T00:00:00Z","references":[],"principal":{"username":"faulty","password":""},"id":"F-1","attributes":{}}"#);
    assert_snapshot!(post("/projects/Shop/defects/correct", json!({"local": {"create": []}})), @r#"{"local":{"delete":null,"update":null,"create":[]},"remote":null}"#);
}
