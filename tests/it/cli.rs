//! What the commands print and how they end.

use defect_host_tests::{Cli, HostFolder};
use insta::assert_snapshot;

fn nowhere() -> HostFolder {
    HostFolder::with_config("")
}

/// Standard output of a command that ends well.
fn said(ended: Cli) -> String {
    assert_eq!((ended.code(), &*ended.stderr), (Some(0), ""));
    ended.stdout
}

#[test]
fn check_says_what_would_run() {
    let checked = HostFolder::faulty("").run(&["check"]);
    assert_snapshot!(said(checked), @r#"
        config    config.toml
        client    FaultyDefectClient
        library   [program]/libfaulty_defect_client.so
        plugin    faulty_defect_client [version] (plugin-api 1.2.0)
        sha256    [sha256]
        settings  config.toml
        address   http://127.0.0.1:0
        all right
        "#);
}

#[test]
fn check_finds_what_start_would_find() {
    let folder = HostFolder::faulty("");
    folder.write("half.pem", "");
    for arguments in [
        &["--client-class", "NoSuchDefectClient"][..],
        &["--ssl-cert", "half.pem"],
        &["--ssl-cert", "half.pem", "--ssl-key", "half.pem"],
        &["--client-config", "missing.toml"],
        &["--config", "missing.toml"],
    ] {
        let checked = folder.run(&[&["check"], arguments].concat());
        let started = folder.run(&[&["start"], arguments].concat());
        assert_eq!((checked.code(), started.code()), (Some(2), Some(2)), "{arguments:?}");
        assert_eq!(checked.stderr, started.stderr, "{arguments:?}");
    }
    let wrong = "metrics_addr = \"localhost\"\nreal_ip_header = \"a b\"\nlogging.console.log_format = \"%(oops)s\"\n\
                 trusted_proxies = [\"10.0.0.0/33\"]\nssl_ca_cert = \"half.pem\"\nprot = 1";
    folder.configure(wrong, "");
    let (checked, started) = (folder.run(&["check"]), folder.run(&["start"]));
    assert_eq!((checked.code(), &checked.stderr), (Some(2), &started.stderr));
    for fault in [
        "`metrics_addr` has the wrong form\n --> config.toml:5:16",
        "`real_ip_header` has the wrong form\n --> config.toml:6:18",
        "`logging.console.log_format` has the wrong form\n --> config.toml:7:30",
        "`trusted_proxies.0` has the wrong form\n --> config.toml:8:20",
        "no caller's certificate is checked\n --> config.toml:9:1",
        "unknown key `prot` in `[testbench-defect-service]`\n  --> config.toml:10:1",
    ] {
        assert!(checked.stderr.contains(fault), "{fault}\n{}", checked.stderr);
    }
}

#[test]
fn the_command_line_wins_over_the_file() {
    let folder = HostFolder::new("client_class = \"Nobody\"\nhost = \"0.0.0.0\"", "refuse_login = true");
    folder.write("other.toml", "refuse_login = false\ndefects = 3\n");
    let arguments = [
        "check",
        "--client-class",
        "FaultyDefectClient",
        "--client-config",
        "other.toml",
        "--host",
        "127.0.0.1",
        "--port",
        "8123",
    ];
    let checked = folder.run(&arguments);
    assert_eq!(checked.code(), Some(0), "{}", checked.stderr);
    let settings: Vec<_> =
        checked.stdout.lines().filter(|line| line.contains("settings") || line.contains("address")).collect();
    assert_snapshot!(settings.join("\n"), @r#"
        settings  other.toml
        address   http://127.0.0.1:8123
        "#);
}

#[test]
fn a_port_that_is_taken_is_said() {
    let host = HostFolder::faulty("").start();
    let port = host.address().rsplit(':').next().unwrap().to_owned();
    let refused = HostFolder::faulty("").run(&["start", "--port", &port]);
    assert_eq!(refused.code(), Some(1));
    assert_snapshot!(refused.stderr.replace(&port, "[port]"), @r#"
        error: cannot listen on 127.0.0.1:[port]: Address already in use (os error 98)

        hint: another program listens there: stop it, or choose another `port`
        "#);
}

#[test]
fn plugins_lists_what_is_found_and_why_some_of_it_cannot_be_loaded() {
    let folder = HostFolder::faulty_with("plugin_dirs = [\"mine\"]", "");
    folder.write("mine/libbroken.so", "not a library");
    folder.copy_library("faulty_defect_client", "mine/libgood.so");
    let listed = said(folder.run(&["plugins"]));
    let (mine, program) = listed.split_once("\n[program]/").expect("the program's folder has the plugins");
    assert_snapshot!(mine, @r#"
        searched, in this order:
          [folder]/mine (plugin_dirs)
          [program] (folder of the program)
          [program]/plugins (plugins beside the program)
          [folder]/plugins (plugins beside the configuration file)

        [folder]/mine/libbroken.so
          not loadable: `[folder]/mine/libbroken.so` is not a shared library but a text file
          hint: name the library of a plugin, built with `crate-type = ["cdylib"]`

        [folder]/mine/libgood.so
          class    FaultyDefectClient, SpareDefectClient
          plugin   faulty_defect_client [version] (plugin-api 1.2.0)
          sha256   [sha256]
        "#);
    assert!(program.contains("libjsonl_defect_client.so"), "{program}");
}

#[test]
fn plugins_needs_no_configuration_file() {
    let folder = nowhere();
    std::fs::remove_file(folder.path().join("config.toml")).unwrap();
    let listed = said(folder.run_with(&["plugins"], &[("DEFECT_HOST_PLUGIN_DIRS", "/one:/two")]));
    assert!(listed.contains("  /one (DEFECT_HOST_PLUGIN_DIRS)\n  /two (DEFECT_HOST_PLUGIN_DIRS)\n"), "{listed}");
}

#[test]
fn a_plugins_schema_is_json() {
    let schema = said(nowhere().run(&["plugins", "schema", "FaultyDefectClient", "--config", "none.toml"]));
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "FaultyConfig");
    assert_eq!(schema["properties"]["api_key"]["format"], "password");
    let refused = nowhere().run(&["plugins", "schema", "NobodysDefectClient", "--config", "none.toml"]);
    assert_eq!(refused.code(), Some(2));
    assert!(refused.stderr.starts_with("error: no library found for client_class `NobodysDefectClient`"));
}

#[test]
fn the_version_is_one_line() {
    assert_snapshot!(said(nowhere().run(&["--version"])), @"defect-host [version]");
}

#[test]
fn every_help_has_examples() {
    for command in ["start", "check", "set-credentials", "plugins", "completions"] {
        let help = said(nowhere().run(&[command, "--help"]));
        assert!(help.contains("Example") && help.contains(&format!("defect-host {command}")), "{help}");
    }
    let plugins = said(nowhere().run(&["plugins", "--help"]));
    for command in ["plugins schema Jsonl", "plugins inspect Jsonl"] {
        assert!(plugins.contains(&format!("\n  defect-host {command}")), "{plugins}");
    }
    let help = said(nowhere().run(&["--help"]));
    for word in ["start", "check", "set-credentials", "plugins", "completions", "Examples:", "Exit codes:"] {
        assert!(help.contains(word), "{word}\n{help}");
    }
}

#[test]
fn completions_are_made_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(said(nowhere().run(&["completions", shell])).contains("set-credentials"), "{shell}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for arguments in [&[][..], &["strat"], &["start", "--port", "many"], &["completions", "nosh"]] {
        let refused = nowhere().run(arguments);
        assert_eq!((refused.code(), &*refused.stdout), (Some(2), ""), "{arguments:?}");
        assert_ne!(refused.stderr, "");
    }
}
