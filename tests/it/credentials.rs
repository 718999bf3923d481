//! Storing credentials, and where they are taken from.

use defect_host_tests::{CREDENTIALS, HostFolder, root};
use insta::assert_snapshot;

/// `password_hash` and `salt` of the configuration that is shipped, for user and password `demo`.
fn demo_credentials() -> String {
    let config = std::fs::read_to_string(root().join("config.toml")).unwrap();
    let lines: Vec<&str> =
        config.lines().filter(|line| line.starts_with("password_hash") || line.starts_with("salt")).collect();
    assert_eq!(lines.len(), 2, "the shipped configuration has credentials");
    lines.join("\n")
}

fn with_credentials(credentials: &str) -> HostFolder {
    HostFolder::with_config(&format!(
        "[testbench-defect-service]\nport = 0\nclient_class = \"FaultyDefectClient\"\n{credentials}\n"
    ))
}

#[test]
fn stored_credentials_log_in_after_a_restart() {
    let folder = HostFolder::faulty("# kept");
    let stored = folder.run_with_input(&["set-credentials", "--username", "ann", "--password-stdin"], "s3cret pass\n");
    assert_eq!(stored.code(), Some(0), "{}", stored.stderr);
    assert_snapshot!(stored.stdout, @"stored the credentials in `config.toml`; restart the service");
    assert!(folder.read("config.toml").contains("# kept"), "the rest of the file stays");
    let host = folder.start();
    assert_eq!(host.client().with_credentials(Some(("ann", "s3cret pass"))).get("/projects").status, 200);
    assert_eq!(host.client().with_credentials(Some(CREDENTIALS)).get("/projects").status, 401);
}

#[test]
fn the_password_is_written_nowhere() {
    let folder = HostFolder::faulty("");
    let stored = folder.run(&["set-credentials", "--username", "ann", "--password", "s3cret pass"]);
    assert!(!format!("{stored:?}{}", folder.read("config.toml")).contains("s3cret"));
}

#[test]
fn a_configuration_that_is_not_there_is_made() {
    let folder = HostFolder::faulty("");
    let arguments = ["set-credentials", "--config", "new.toml", "--username", "ann", "--password", "x"];
    assert_snapshot!(folder.run(&arguments).stdout, @"created `new.toml` with the credentials; restart the service");
    assert!(folder.read("new.toml").contains("password_hash"));
}

#[test]
fn credentials_that_nobody_could_use_are_refused() {
    let folder = HostFolder::faulty("");
    let before = folder.read("config.toml");
    for (username, password) in [("ann", ""), ("", "x"), ("a:b", "x")] {
        let refused = folder.run(&["set-credentials", "--username", username, "--password", password]);
        assert_eq!(refused.code(), Some(2), "{username:?} {password:?}");
        assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
    }
    assert_eq!(folder.run_with_input(&["set-credentials", "--username", "a", "--password-stdin"], "").code(), Some(2));
    assert_eq!(folder.read("config.toml"), before);
}

#[test]
fn without_credentials_it_does_not_start() {
    let refused = with_credentials("").run(&["start"]);
    assert_eq!(refused.code(), Some(2));
    assert_snapshot!(refused.stderr, @r#"
        error: there are no credentials: `password_hash` and `salt` are not set in `config.toml`

        hint: store some with `defect-host set-credentials`
        "#);
}

#[test]
fn credentials_that_cannot_be_right_are_an_error_that_does_not_show_them() {
    let no_hash = "password_hash = \"abcdef\"\nsalt = \"AAAA\"".to_owned();
    let no_salt = format!("{}abcde", demo_credentials()).replace("==\"abcde", "abcde\"");
    for credentials in [&no_hash, &no_salt] {
        let refused = with_credentials(credentials).run(&["start"]);
        assert_eq!(refused.code(), Some(2));
        assert!(refused.stderr.contains("help: run `defect-host set-credentials`"), "{}", refused.stderr);
        assert!(!refused.stderr.contains("abcde"), "{}", refused.stderr);
    }
}

#[test]
fn the_environment_and_a_dotenv_file_stand_in() {
    let (hash, salt) = ("69e31d7b5d839c0a45ebeadae0b73c95638dd2de4a4d428a67500496065f883a", "oheoUGwLn1lDpDfXlZLavA==");
    let host = with_credentials("").start_with(&[], &[("PASSWORD_HASH", hash), ("SALT", salt)]);
    assert_eq!(host.client().get("/projects").status, 200);

    let folder = with_credentials("");
    folder.write(".env", format!("# stored\nPASSWORD_HASH={hash}\nSALT='{salt}'\n"));
    let host = folder.start();
    assert_eq!(host.client().get("/projects").status, 200);
}

#[test]
fn the_files_credentials_win_over_the_environments() {
    let folder = HostFolder::faulty("");
    folder.write(".env", "PASSWORD_HASH=0000000000000000000000000000000000000000000000000000000000000000\nSALT=AAAA\n");
    assert_eq!(folder.start().client().get("/projects").status, 200);
}

#[test]
fn a_broken_dotenv_file_is_said_without_its_content() {
    let folder = HostFolder::faulty("");
    folder.write(".env", "SALT='hunter2\n");
    let refused = folder.run(&["check"]);
    assert_eq!(refused.code(), Some(2));
    assert_snapshot!(refused.stderr, @"error: `.env` in the working directory cannot be read: correct or remove it");
}

#[test]
fn a_pepper_of_the_environment_replaces_the_built_in_one() {
    let folder = HostFolder::faulty("");
    let pepper = [("PASSWORD_PEPPER", "c2FsdCBhbmQgcGVwcGVy")];
    let stored = folder.run_with(&["set-credentials", "--username", "ann", "--password", "x"], &pepper);
    assert_eq!(stored.code(), Some(0), "{}", stored.stderr);
    let refused = folder.run_with(&["check"], &[("PASSWORD_PEPPER", "A")]);
    assert_snapshot!(refused.stderr, @r#"
        error: the environment variable PASSWORD_PEPPER cannot be used: the environment variable `PASSWORD_PEPPER` is not base64

        hint: it has to be base64
        "#);
    let host = folder.start_with(&[], &pepper);
    assert_eq!(host.client().with_credentials(Some(("ann", "x"))).get("/projects").status, 200);
}

#[test]
fn the_demos_password_serves_this_machine_only() {
    let demo = demo_credentials();
    let host = with_credentials(&demo).start_with(&["--host", "127.0.0.1"], &[]);
    assert_eq!(host.client().with_credentials(Some(("demo", "demo"))).get("/projects").status, 200);
    assert_eq!(with_credentials(&demo).run(&["check", "--host", "localhost"]).code(), Some(0));
    let refused = with_credentials(&demo).run(&["start", "--host", "0.0.0.0"]);
    assert_eq!(refused.code(), Some(2));
    assert_snapshot!(refused.stderr, @r#"
        error: the demo's password is known to everybody, and `host` is `0.0.0.0`, which others can reach

        hint: store others with `defect-host set-credentials`, or keep `host` at 127.0.0.1
        "#);
    assert_eq!(with_credentials(&demo).run(&["check", "--host", "::"]).code(), Some(2));
    assert_eq!(HostFolder::faulty("").run(&["check", "--host", "0.0.0.0"]).code(), Some(0), "others may be");
}
