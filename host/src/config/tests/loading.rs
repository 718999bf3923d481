use std::path::PathBuf;

use insta::assert_snapshot;
use serde_json::json;

use super::*;

const FILE: &str = r#"
[testbench-defect-service]
client_class = "file"
host = "0.0.0.0"
port = 9000
password_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
salt = ""
"#;

#[test]
fn the_command_line_wins_over_the_file() {
    let folder = Folder::new(&[("config.toml", FILE), ("cert.pem", ""), ("client.toml", "a = 1")]);
    let overrides = Overrides {
        client_class: Some("line".into()),
        client_config: Some(folder.0.path().join("client.toml")),
        host: Some("localhost".into()),
        port: Some(9001),
        dev: true,
        ssl_cert: Some(folder.0.path().join("cert.pem")),
        ssl_key: Some(folder.0.path().join("cert.pem")),
        ..Overrides::default()
    };
    let config = folder.load_with(&overrides, &[]).unwrap();
    assert_eq!(config.service.client_class, "line");
    assert_eq!(config.service.host, "localhost");
    assert_eq!(config.service.port, 9001);
    assert!(config.service.debug);
    assert_eq!(config.service.ssl_cert, Some(folder.0.path().join("cert.pem")));
    assert_eq!(config.client.value(), &json!({"a": 1}));
}

#[test]
fn the_environment_stands_in_where_the_file_has_no_credentials() {
    let folder = Folder::new(&[("config.toml", FILE)]);
    let config =
        folder.load_with(&Overrides::default(), &[("PASSWORD_HASH", "env-hash"), ("SALT", "env-salt")]).unwrap();
    let exposed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
    assert_eq!(exposed(&config.service.password_hash).as_deref(), Some("0123456789abcdef".repeat(4).as_str()));
    assert_eq!(exposed(&config.service.salt).as_deref(), Some("env-salt"));
    let config = folder.load_with(&Overrides::default(), &[("SALT", "")]).unwrap();
    assert_eq!(exposed(&config.service.salt), None);
}

#[test]
fn the_command_line_can_replace_a_file_that_is_not_there() {
    let folder = Folder::new(&[
        ("config.toml", "[testbench-defect-service]\nssl_cert = \"DIR/key.pem\"\nssl_key = \"nowhere\"\n"),
        ("key.pem", ""),
    ]);
    let given = |path| Overrides { ssl_key: Some(path), ..Overrides::default() };
    assert!(folder.load_with(&given(folder.0.path().join("key.pem")), &[]).is_ok());
    assert_snapshot!(folder.load_with(&given(PathBuf::from("nowhere")), &[]).unwrap_err(), @r#"
        error: the file `nowhere` given by `--ssl-key` does not exist

        hint: give `--ssl-key` an existing file
        "#);
}

#[test]
fn half_of_https_is_a_fault_wherever_it_is_given() {
    let pem = "[testbench-defect-service]\nssl_KEY = \"DIR/x.pem\"\n";
    let folder = |key: &str| Folder::new(&[("config.toml", &pem.replace("KEY", key)), ("x.pem", "")]);
    assert_snapshot!(folder("key").load().unwrap_err(), @r#"
        error: `ssl_key` is set without `ssl_cert`: HTTPS needs both
         --> dir/config.toml:2:1
          |
        2 | ssl_key = "dir/x.pem"
          | ^^^^^^^
          |
          = help: set both for HTTPS, or none for HTTP
        "#);
    assert_snapshot!(folder("ca_cert").load().unwrap_err(), @r#"
        error: `ssl_ca_cert` is set without `ssl_cert` and `ssl_key`: over HTTP no caller's certificate is checked
         --> dir/config.toml:2:1
          |
        2 | ssl_ca_cert = "dir/x.pem"
          | ^^^^^^^^^^^
          |
          = help: set those two as well, or remove it
        "#);
    let given = |folder: &Folder| Overrides { ssl_cert: Some(folder.0.path().join("x.pem")), ..Overrides::default() };
    let (key, roots) = (folder("key"), folder("ca_cert"));
    assert!(key.load_with(&given(&key), &[]).is_ok());
    assert_snapshot!(roots.load_with(&given(&roots), &[]).unwrap_err(), @r#"
        error: `ssl_cert` is set without `ssl_key`: HTTPS needs both
         --> dir/config.toml:1:1
          |
        1 | [testbench-defect-service]
          | ^^^^^^^^^^^^^^^^^^^^^^^^^^
          |
          = help: set both for HTTPS, or none for HTTP
        "#);
}

#[test]
fn a_clients_file_takes_the_place_of_the_table() {
    let service = "[testbench-defect-service]\nclient_config_path = \"DIR/NAME\"\nclient_config.x = 1\n";
    let load = |name: &str, text: &str| {
        let folder = Folder::new(&[("config.toml", &service.replace("NAME", name)), (name, text)]);
        folder.load().map(|config| (config.client.value().clone(), folder.relative(&config.warnings.to_string())))
    };
    let (value, warning) = load("top.toml", "y = 2\n[testbench-defect-service]\nport = 1\n").unwrap();
    assert_eq!(value, json!({"y": 2}));
    assert_snapshot!(warning, @r#"
        warning: `client_config` has no effect: the client's configuration is in a separate file
         --> dir/config.toml:3:1
          |
        3 | client_config.x = ***
          | ^^^^^^^^^^^^^
        "#);
    let (value, _) = load("inner.TOML", "z = 1\n[testbench-defect-service.client_config]\ny = 2\n").unwrap();
    assert_eq!(value, json!({"y": 2}));
    let (value, _) = load("flat.properties", "y = 2\n").unwrap();
    assert_eq!(value, json!({"y": "2"}));
    assert_snapshot!(load("client.yaml", "y: 2\n").unwrap_err(), @r#"
        error: the file that `client_config_path` names is of no known format
         --> dir/config.toml:2:22
          |
        2 | client_config_path = "dir/client.yaml"
          |                      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected a name that ends in `.toml` or `.properties`
          |
          = help: rename the file by what it holds
        "#);
    let folder = Folder::new(&[("config.toml", FILE), ("client.yaml", "")]);
    let given = Overrides { client_config: Some(folder.0.path().join("client.yaml")), ..Overrides::default() };
    assert_snapshot!(folder.load_with(&given, &[]).unwrap_err(), @r#"
        error: the client's configuration file `dir/client.yaml` is neither `.toml` nor `.properties`

        hint: rename the file to `.toml` or `.properties`, by what it holds
        "#);
    assert_snapshot!(load("broken.toml", "y = \n").unwrap_err(), @r#"
        error: string values must be quoted, expected literal string
         --> dir/broken.toml:1:5
          |
        1 | y = 
          |     ^
        "#);
}

#[test]
fn the_services_file_can_be_named_as_the_clients() {
    let text = "[testbench-defect-service]\nclient_config_path = \"DIR/config.toml\"\nclient_config.x = 1\n";
    let config = Folder::new(&[("config.toml", text)]).load().unwrap();
    assert_eq!(config.client.value(), &json!({"x": 1}));
    assert_eq!(config.client.root().to_string(), "testbench-defect-service.client_config");
    assert!(config.warnings.is_empty());
}

#[test]
fn a_file_that_cannot_be_read_says_what_to_do() {
    assert_snapshot!(Folder::new(&[]).load().unwrap_err(), @r#"
        error: cannot read the configuration file `dir/config.toml`: No such file or directory (os error 2)

        hint: create the file, or name another with `--config`
        "#);
    let folder = Folder::new(&[]);
    std::fs::write(folder.0.path().join("config.toml"), b"a = 1\nb = \"\xff\"\n").unwrap();
    assert_snapshot!(folder.load().unwrap_err(), @r#"
        error: the configuration file `dir/config.toml` is not UTF-8: line 2 holds other bytes

        hint: save the file as UTF-8
        "#);
}
