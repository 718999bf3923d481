use insta::assert_snapshot;

use super::*;

#[test]
fn five_faults_come_in_one_pass() {
    assert_snapshot!(service_faults(r#"
[testbench-defect-service]
prot = 8030
port = "many"
client_sha256 = "abc"

[testbench-defect-service.logging.console]
log_level = "info"

[testbench-defect-service.server]
keep_alive_timeout = 500
"#), @r#"
        error: unknown key `prot` in `[testbench-defect-service]`
         --> dir/config.toml:3:1
          |
        3 | prot = 8030
          | ^^^^ expected `port`, found `prot`
          |
          = help: did you mean `port`?

        error: `port` has the wrong type
         --> dir/config.toml:4:8
          |
        4 | port = "many"
          |        ^^^^^^ expected an integer, found the string `many`

        error: `client_sha256` has the wrong form
         --> dir/config.toml:5:17
          |
        5 | client_sha256 = "abc"
          |                 ^^^^^ expected text that matches `^[0-9a-fA-F]{64}$`, found the string `abc`
          |
          = help: The SHA-256 of the client's library, 64 hex digits; another library is refused. Default: none, any library

        error: `logging.console.log_level` has a value that is not allowed
         --> dir/config.toml:8:13
          |
        8 | log_level = "info"
          |             ^^^^^^ expected `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`, found the string `info`
          |
          = help: did you mean `INFO`?

        error: `server.keep_alive_timeout` is out of range
          --> dir/config.toml:11:22
           |
        11 | keep_alive_timeout = 500
           |                      ^^^ expected at least 1 and at most 120, found `500`
        "#);
}

#[test]
fn an_unknown_key_with_no_near_one_lists_those_there_are() {
    assert_snapshot!(service_faults("[testbench-defect-service.logging]\ncolour = true\n"), @r#"
        error: unknown key `colour` in `[testbench-defect-service.logging]`
         --> dir/config.toml:2:1
          |
        2 | colour = true
          | ^^^^^^ expected a known key, found `colour`
          |
          = help: the known keys are `console` and `file`
        "#);
}

#[test]
fn a_fault_in_an_optional_table_is_shown_at_its_key() {
    assert_snapshot!(service_faults(
        "[testbench-defect-service]\nlogging.file = { log_levl = \"INFO\", file_path = 5 }\n"
    ), @r#"
        error: unknown key `log_levl` in `[testbench-defect-service.logging.file]`
         --> dir/config.toml:2:18
          |
        2 | logging.file = { log_levl = "INFO", file_path = 5 }
          |                  ^^^^^^^^ expected `log_level`, found `log_levl`
          |
          = help: did you mean `log_level`?

        error: `logging.file.file_path` has the wrong type
         --> dir/config.toml:2:49
          |
        2 | logging.file = { log_levl = "INFO", file_path = 5 }
          |                                                 ^ expected a string, found `5`
        "#);
}

#[test]
fn a_time_of_nothing_is_out_of_range() {
    assert_snapshot!(service_faults("[testbench-defect-service]\ncall_timeout = 0\n"), @r#"
        error: `call_timeout` is out of range
         --> dir/config.toml:2:16
          |
        2 | call_timeout = 0
          |                ^ expected more than 0, found `0`
        "#);
}

#[test]
fn values_that_mean_nothing_are_shown_beside_the_other_faults() {
    assert_snapshot!(service_faults(r#"
[testbench-defect-service]
prot = 8030
password_hash = "hunter2"
salt = "hunt€r2"
ssl_cert = "/dev/null"
metrics_addr = "localhost"
real_ip_header = "X Real IP"
trusted_proxies = ["10.0.0.1", "10.0.0.0/33", 5]
client_config_path = "/dev/null"

[testbench-defect-service.logging]
console.log_format = "%(oops)s"
file.log_format = "no field"
"#), @r#"
        error: unknown key `prot` in `[testbench-defect-service]`
         --> dir/config.toml:3:1
          |
        3 | prot = 8030
          | ^^^^ expected `port`, found `prot`
          |
          = help: did you mean `port`?

        error: `password_hash` has the wrong form
         --> dir/config.toml:4:17
          |
        4 | password_hash = ***
          |                 ^^^ expected 64 lower-case hexadecimal digits, found `***`
          |
          = help: run `defect-host set-credentials` to store new credentials

        error: `salt` has the wrong form
         --> dir/config.toml:5:8
          |
        5 | salt = ***
          |        ^^^ expected base64, found `***`
          |
          = help: run `defect-host set-credentials` to store new credentials

        error: `ssl_cert` is set without `ssl_key`: HTTPS needs both
         --> dir/config.toml:6:1
          |
        6 | ssl_cert = "/dev/null"
          | ^^^^^^^^
          |
          = help: set both for HTTPS, or none for HTTP

        error: `metrics_addr` has the wrong form
         --> dir/config.toml:7:16
          |
        7 | metrics_addr = "localhost"
          |                ^^^^^^^^^^^ expected an IP address and a port, such as `127.0.0.1:9464`, found the string `localhost`

        error: `real_ip_header` has the wrong form
         --> dir/config.toml:8:18
          |
        8 | real_ip_header = "X Real IP"
          |                  ^^^^^^^^^^^ expected the name of a header, such as `X-Real-IP`, found the string `X Real IP`

        error: `trusted_proxies.1` has the wrong form
         --> dir/config.toml:9:32
          |
        9 | trusted_proxies = ["10.0.0.1", "10.0.0.0/33", 5]
          |                                ^^^^^^^^^^^^^ expected an address or a network, such as `192.0.2.7` or `10.0.0.0/8`, found the string `10.0.0.0/33`

        error: `trusted_proxies.2` has the wrong type
         --> dir/config.toml:9:47
          |
        9 | trusted_proxies = ["10.0.0.1", "10.0.0.0/33", 5]
          |                                               ^ expected a string, found `5`

        error: the file that `client_config_path` names is of no known format
          --> dir/config.toml:10:22
           |
        10 | client_config_path = "/dev/null"
           |                      ^^^^^^^^^^^ expected a name that ends in `.toml` or `.properties`
           |
           = help: rename the file by what it holds

        error: `logging.console.log_format` has the wrong form
          --> dir/config.toml:13:22
           |
        13 | console.log_format = "%(oops)s"
           |                      ^^^^^^^^^^ expected a log format, such as `%(asctime)s %(levelname)8s: %(message)s`, found the string `%(oops)s`
           |
           = help: `%(oops)s` at character 1: there is no such field; there are `asctime`, `levelname`, `levelno`, `name`, `message`, `process`, `processName`, `thread`, `threadName`, `module`, `filename`, `pathname`, `lineno`, `funcName`, `created`, `msecs`, `relativeCreated`

        error: `logging.file.log_format` has the wrong form
          --> dir/config.toml:14:19
           |
        14 | file.log_format = "no field"
           |                   ^^^^^^^^^^ expected a log format, such as `%(asctime)s %(levelname)8s: %(message)s`, found the string `no field`
           |
           = help: `no field` at character 1: the format shows no field; it needs one, as in `%(message)s`
        "#);
}

#[test]
fn values_that_mean_something_are_read() {
    let text = "[testbench-defect-service]\nmetrics_addr = \"[::1]:9464\"\nreal_ip_header = \"X-Real-IP\"\n\
                trusted_proxies = [\"10.0.0.1\", \"192.0.2.0/24\"]\npassword_hash = \"\"\nsalt = \"\"\n";
    let service = Folder::new(&[("config.toml", text)]).load().unwrap().service;
    assert_eq!(service.metrics_addr, Some("[::1]:9464".parse().unwrap()));
    assert_eq!(service.real_ip_header.unwrap(), "x-real-ip");
    assert_eq!(service.trusted_proxies, ["10.0.0.1/32", "192.0.2.0/24"].map(|text| text.parse().unwrap()));

    let empty = Folder::new(&[("config.toml", "[testbench-defect-service]\nreal_ip_header = \"\"\n")]);
    assert_eq!(empty.load().unwrap().service.real_ip_header, None);
}

#[test]
fn a_section_that_is_no_table_says_so() {
    assert_snapshot!(service_faults("testbench-defect-service = 5\n"), @r#"
        error: `[testbench-defect-service]` has the wrong type
         --> dir/config.toml:1:28
          |
        1 | testbench-defect-service = 5
          |                            ^ expected a table, found `5`
        "#);
}

#[test]
fn a_missing_section_says_what_to_do() {
    assert_snapshot!(service_faults("[testbench-defect-servce]\n"), @r#"
        error: the configuration file `dir/config.toml` has no table `[testbench-defect-service]`

        hint: rename the table `[testbench-defect-servce]`, or name another file with `--config`
        "#);
    assert_snapshot!(service_faults("[tool.other]\n"), @r#"
        error: the configuration file `dir/config.toml` has no table `[testbench-defect-service]`

        hint: add the table `[testbench-defect-service]`, or name another file with `--config`
        "#);
}

#[test]
fn several_syntax_errors_are_shown() {
    assert_snapshot!(service_faults(
        "[testbench-defect-service]\nhost = localhost\ndebug = true\ndebug = false\nport 8030\n"
    ), @r#"
        error: string values must be quoted, expected literal string
         --> dir/config.toml:2:8
          |
        2 | host = localhost
          |        ^^^^^^^^^

        error: duplicate key
         --> dir/config.toml:4:1
          |
        4 | debug = false
          | ^^^^^

        error: key with no value, expected `=`
         --> dir/config.toml:5:6
          |
        5 | port 8030
          |      ^
        "#);
}

#[test]
fn a_file_that_is_not_there_is_a_fault_at_its_key() {
    assert_snapshot!(service_faults(
        "[testbench-defect-service]\nssl_cert = \"nowhere.pem\"\nclient_config_path = \"nowhere.toml\"\nssl_key = \"/\"\n"
    ), @r#"
        error: the file that `ssl_cert` names does not exist
         --> dir/config.toml:2:12
          |
        2 | ssl_cert = "nowhere.pem"
          |            ^^^^^^^^^^^^^ expected an existing file
          |
          = help: a relative path starts at the working directory

        error: the file that `client_config_path` names does not exist
         --> dir/config.toml:3:22
          |
        3 | client_config_path = "nowhere.toml"
          |                      ^^^^^^^^^^^^^^ expected an existing file
          |
          = help: a relative path starts at the working directory

        error: the file that `ssl_key` names is a folder
         --> dir/config.toml:4:11
          |
        4 | ssl_key = "/"
          |           ^^^ expected an existing file
          |
          = help: a relative path starts at the working directory
        "#);
}

#[test]
fn colours_are_there_only_if_asked_for() {
    let folder = Folder::new(&[("config.toml", "[testbench-defect-service]\nprot = 1\n")]);
    let error = load(&folder.0.path().join("config.toml"), &Overrides::default(), |_| None).unwrap_err();
    assert!(error.render(true).contains("\u{1b}["));
    assert!(!error.render(false).contains('\u{1b}'));
}

#[test]
fn an_empty_table_means_the_defaults() {
    let config = Folder::new(&[("config.toml", "[testbench-defect-service]\n[tool.other]\nx = 1\n")]).load().unwrap();
    insta::assert_debug_snapshot!(config.service, @r#"
        ServiceConfig {
            client_class: "testbench_defect_service.clients.JsonlDefectClient",
            client_config_path: None,
            client_config: None,
            host: "127.0.0.1",
            port: 8030,
            debug: false,
            password_hash: None,
            salt: None,
            ssl_cert: None,
            ssl_key: None,
            ssl_ca_cert: None,
            proxies_count: None,
            real_ip_header: None,
            forwarded_secret: None,
            metrics_addr: None,
            trusted_proxies: [
                127.0.0.0/8,
                ::1/128,
                10.0.0.0/8,
                172.16.0.0/12,
                192.168.0.0/16,
                fc00::/7,
                fe80::/10,
            ],
            logging: LoggingConfig {
                console: ConsoleLog {
                    log_level: Info,
                    log_format: "%(asctime)s %(levelname)8s: %(message)s",
                    format: Text,
                },
                file: None,
            },
            server: ServerConfig {
                keep_alive_timeout: 5,
                single_process: true,
                run_kwargs: Table(0 keys),
            },
            plugin_dirs: [],
            call_timeout: 60s,
            isolation: None,
            isolation_memory: None,
            allow_insecure_plugins: false,
            client_sha256: None,
        }
        "#);
}

#[test]
fn text_and_numbers_mean_what_pydantic_takes_them_for() {
    let config = Folder::new(&[(
        "config.toml",
        "[testbench-defect-service]\nport = \" 8_031.0 \"\ndebug = \"ON\"\nallow_insecure_plugins = 1\nproxies_count = 2.0\ncall_timeout = \"1.5\"\n",
    )])
    .load()
    .unwrap();
    assert_eq!(config.service.port, 8031);
    assert!(config.service.debug && config.service.allow_insecure_plugins);
    assert_eq!(config.service.proxies_count, Some(2));
    assert_eq!(config.service.call_timeout, std::time::Duration::from_millis(1500));
}

#[test]
fn an_endless_time_is_the_longest_there_is() {
    let folder = Folder::new(&[("config.toml", "[testbench-defect-service]\ncall_timeout = 1e300\n")]);
    assert_eq!(folder.load().unwrap().service.call_timeout, std::time::Duration::MAX);
}

/// What `defect-service init` of the Python service writes.
const PYTHON_DEFAULT: &str = r#"[testbench-defect-service]
client_class = "testbench_defect_service.clients.JsonlDefectClient"
host = "127.0.0.1"
port = 8030
debug = false

[testbench-defect-service.logging.console]
log_level = "INFO"
log_format = "%(asctime)s %(levelname)8s: %(message)s"

[testbench-defect-service.logging.file]
log_level = "INFO"
log_format = "%(asctime)s - %(levelname)8s - %(name)s - %(message)s"
file_path = "testbench-defect-service.log"

[testbench-defect-service.server]
single_process = true
keep_alive_timeout = 5

[testbench-defect-service.server.run_kwargs]
"#;

#[test]
fn the_python_services_default_file_loads_with_the_same_values() {
    let folder = Folder::new(&[("config.toml", PYTHON_DEFAULT)]);
    let config = folder.load().unwrap();
    let mut expected = ServiceConfig::default();
    expected.logging.file = Some(FileLog::default());
    assert_eq!(format!("{:?}", config.service), format!("{expected:?}"));
    assert_snapshot!(folder.relative(&config.warnings.to_string()), @r#"
        warning: `server.single_process` has no effect: there is always one process
          --> dir/config.toml:17:1
           |
        17 | single_process = true
           | ^^^^^^^^^^^^^^
        "#);
}

#[test]
fn arguments_for_the_python_web_server_are_a_warning() {
    let folder = Folder::new(&[("config.toml", "[testbench-defect-service.server.run_kwargs]\nworkers = 4\n")]);
    let config = folder.load().unwrap();
    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_snapshot!(folder.relative(&warnings.join("\n")), @"dir/config.toml:1:34: `server.run_kwargs` has no effect: its arguments were for the Python service's web server");
}

#[test]
fn isolation_is_one_of_two_and_its_memory_a_number_of_mebibytes() {
    assert_snapshot!(service_faults("[testbench-defect-service]\nisolation = \"thread\"\nisolation_memory = 1\n"), @r#"
        error: `isolation` has a value that is not allowed
         --> dir/config.toml:2:13
          |
        2 | isolation = "thread"
          |             ^^^^^^^^ expected `none` or `process`, found the string `thread`

        error: `isolation_memory` is out of range
         --> dir/config.toml:3:20
          |
        3 | isolation_memory = 1
          |                    ^ expected at least 16 and at most 1048576, found `1`
        "#);
}
