//! `init` and `configure`, at a real terminal.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;

use defect_host_tests::{AtTerminal, CREDENTIALS, HostFolder, STORED};
use insta::assert_snapshot;

fn nowhere() -> HostFolder {
    let folder = HostFolder::with_config("");
    std::fs::remove_file(folder.path().join("config.toml")).unwrap();
    folder
}

fn answer_all(terminal: &mut AtTerminal, answers: &[(&str, &str)]) {
    for (question, typed) in answers {
        terminal.answer(question, typed);
    }
}

/// The screen of a command that ends well.
fn done(mut terminal: AtTerminal) -> String {
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(0), "{screen}");
    assert!(terminal.is_sane());
    screen
}

#[test]
fn a_first_configuration_is_asked_for_and_the_service_starts_with_it() {
    let folder = nowhere();
    std::fs::create_dir_all(folder.path().join("defects/Shop")).unwrap();
    let mut terminal = folder.run_at_terminal(&["init"], &[]);
    let (username, password) = CREDENTIALS;
    answer_all(
        &mut terminal,
        &[
            ("host [127.0.0.1]: ", ""),
            ("[8030]: ", "80300"),
            ("found `80300`\r\nport (at least 0, at most 65535) [8030]: ", "8031"),
            ("Change some? [y/N]: ", ""),
            ("user name: ", "a:b"),
            ("user name: ", username),
            ("password (hidden): ", password),
            ("password again: ", "m1styped"),
            ("the two passwords differ\r\npassword (hidden): ", password),
            ("password again: ", password),
            ("or the path of a library): ", "JsonlDefectClient"),
            ("defects_path: ", "nowhere"),
            ("Change some? [y/N]: ", "n"),
            ("Correct it now? [Y/n]: ", ""),
            ("defects_path [nowhere]: ", "defects"),
            ("Write it? [Y/n]: ", ""),
        ],
    );
    let screen = done(terminal);
    assert!(!screen.contains(password) && !screen.contains("m1styped"), "{screen}");
    assert!(
        screen
            .lines()
            .filter(|line| !line.contains('/') && !line.starts_with("client_class "))
            .all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    assert!(!screen.contains('\u{1b}'), "{screen}");
    let (_, preview) = screen.split_once("`config.toml` will be ").unwrap();
    let preview = preview.replace("[Y/n]: \n", "[Y/n]:\n");
    assert_snapshot!(preview, @r#"
    this (secrets are not shown):

      [testbench-defect-service]
      client_class = "JsonlDefectClient"
      host = "127.0.0.1"
      password_hash = ***
      port = 8031
      salt = ***

      [testbench-defect-service.client_config]
      defects_path = "defects"

    Write it? [Y/n]:
    wrote `config.toml`

    Next (a service that runs has to be restarted):
      defect-host check
      defect-host start
    "#);

    let mode = std::fs::metadata(folder.path().join("config.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let checked = folder.run(&["check"]);
    assert_eq!(checked.code(), Some(0), "{}", checked.stderr);
    let host = folder.start_with(&["--port", "0"], &[]);
    assert_eq!(host.client().get("/projects").json(), serde_json::json!(["Shop"]));
}

#[test]
fn ctrl_c_and_ctrl_d_change_nothing_and_leave_the_terminal_as_it_was() {
    let folder = nowhere();
    let mut terminal = folder.run_at_terminal(&["init"], &[]);
    terminal.wait_for("host [127.0.0.1]: ");
    terminal.press("\u{3}");
    let (status, screen) = terminal.end();
    assert_eq!(status.signal(), Some(2), "{screen}");
    assert!(terminal.is_sane());

    for key in ["half of it\u{3}", "\u{4}"] {
        let mut terminal = folder.run_at_terminal(&["configure", "--credentials-only"], &[]);
        terminal.answer("user name: ", "ann");
        terminal.wait_for("password (hidden): ");
        assert!(!terminal.is_sane(), "nothing is shown");
        terminal.press(key);
        let (status, screen) = terminal.end();
        assert_eq!(status.code(), Some(1), "{screen}");
        assert!(screen.ends_with("cancelled: nothing was written\n") && !screen.contains("half"), "{screen}");
        assert!(terminal.is_sane());
    }
    let mut terminal = folder.run_at_terminal(&["set-credentials", "--username", "ann"], &[]);
    terminal.wait_for("Password: ");
    terminal.press("\u{3}");
    assert_eq!(terminal.end().0.code(), Some(2));
    assert!(terminal.is_sane());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_existing_file_keeps_all_that_is_not_changed() {
    let [(_, hash), (_, salt)] = STORED;
    let text = format!(
        "# ours\r\n[testbench-defect-service] # keep\r\nclient_class = \"FaultyDefectClient\"\r\n\
         port = 8030 # the DMProxy's\r\n#forwarded_secret = \"geheim\"\r\npassword_hash = \"{hash}\"\r\nsalt = \"{salt}\"\r\n\
         \r\n[other]\r\nport = 1\r\n"
    );
    let folder = HostFolder::with_config(&text);
    let path = folder.path().join("config.toml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut terminal = folder.run_at_terminal(&["configure", "--service-only"], &[]);
    answer_all(
        &mut terminal,
        &[
            ("host [127.0.0.1]: ", ""),
            ("[8030]: ", "8031"),
            ("Change some? [y/N]: ", "y"),
            ("Which one?", "server"),
            ("Which one?", "keep_alive_timeout"),
            ("[5]: ", "0"),
            ("found `0`", "30"),
            ("Which one?", ""),
            ("Which one?", ""),
            ("Change that? [Y/n]: ", ""),
            ("Write it? [Y/n]: ", "y"),
        ],
    );
    let screen = done(terminal);
    let (_, preview) = screen.split_once("`config.toml` will change like this (secrets are not shown):").unwrap();
    for line in [
        "+host = \"127.0.0.1\"",
        "-port = 8030 # the DMProxy's",
        "+port = 8031 # the DMProxy's",
        " #forwarded_secret = ***",
    ] {
        assert!(preview.contains(&format!("\n  {line}\n")), "{line} in {preview}");
    }
    assert!(!preview.contains("geheim") && !preview.contains(hash), "{preview}");
    let expected = text.replace("# keep\r\n", "# keep\r\nhost = \"127.0.0.1\"\r\n").replace("8030", "8031")
        + "\r\n[testbench-defect-service.server]\r\nkeep_alive_timeout = 30\r\n";
    assert_eq!(folder.read("config.toml"), expected);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);

    let mut terminal = folder.run_at_terminal(&["configure", "--client-only"], &[]);
    terminal.answer("or the path of a library) [FaultyDefectClient]: ", "");
    terminal.answer("Change some? [y/N]: ", "");
    assert!(done(terminal).ends_with("nothing changes\n"));
    assert_eq!(folder.read("config.toml"), expected);
}

#[test]
fn a_plugins_logins_and_tables_are_asked_for_as_its_schema_says() {
    let folder = HostFolder::new("", "");
    let mut terminal =
        folder.run_at_terminal(&["configure", "--client-only"], &[("JIRA_BEARER_TOKEN", "from elsewhere")]);
    answer_all(
        &mut terminal,
        &[
            ("or the path of a library): ", "JiraDefectClient"),
            ("server_url: ", "https://jira.example"),
            ("auth_type [basic]: ", "token"),
            ("token (hidden) [from JIRA_BEARER_TOKEN]: ", "t0ken-of-mine"),
            ("Change some? [y/N]: ", "y"),
            ("Which one?", "projects"),
            ("projects: a new name [done]: ", "SHOP"),
            ("Which one?", "attributes"),
            ("projects.SHOP.attributes (commas between) [none]: ", "title, Team"),
            ("Which one?", ""),
            ("projects: a new name", ""),
            ("Which one?", ""),
            ("Change that? [Y/n]: ", ""),
            ("Write it? [Y/n]: ", ""),
        ],
    );
    let screen = done(terminal);
    assert!(
        !screen.contains("t0ken") && !screen.contains("oauth2_client_id") && !screen.contains("username ["),
        "{screen}"
    );
    assert!(screen.contains("+token = ***"), "{screen}");
    let written = folder.read("config.toml");
    assert!(written.contains("token = \"t0ken-of-mine\"\n"), "{written}");
    assert!(
        written
            .ends_with("[testbench-defect-service.client_config.projects.SHOP]\nattributes = [\"title\", \"Team\"]\n"),
        "{written}"
    );
    assert_eq!(folder.run(&["check"]).code(), Some(0));
}

#[test]
fn any_plugin_that_is_found_is_offered_by_the_name_that_means_it() {
    let folder = HostFolder::with_config("");
    folder.copy_library("faulty_defect_client", "plugins/libtwo.so");
    let mut terminal = folder.run_at_terminal(&["configure", "--client-only", "--path", "./config.toml"], &[]);
    terminal.wait_for("/plugins/libtwo.so");
    terminal.answer("or the path of a library): ", "libtwo.so::Nobody");
    terminal.answer("`Nobody`, only", "libtwo.so::SpareDefectClient");
    terminal.answer("Change some? [y/N]: ", "");
    terminal.answer("Change that? [Y/n]: ", "");
    // There are no credentials in this file.
    terminal.answer("Write it? [y/N]: ", "y");
    let screen = done(terminal);
    assert!(screen.contains(") libtwo.so::SpareDefectClient"), "{screen}");
    assert!(folder.read("config.toml").contains("client_class = \"libtwo.so::SpareDefectClient\"\n"));
}

#[test]
fn a_fault_elsewhere_in_the_file_hides_no_plugin() {
    let folder = HostFolder::with_config(
        "[testbench-defect-service]\nport = \"many\"\nmetrics_addr = \"localhost\"\nplugin_dirs = [\"own\"]\n",
    );
    folder.copy_library("faulty_defect_client", "own/libtwo.so");
    let mut terminal = folder.run_at_terminal(&["configure", "--client-only"], &[]);
    terminal.wait_for("/own/libtwo.so");
    terminal.answer("or the path of a library): ", "libtwo.so::SpareDefectClient");
    terminal.answer("Change some? [y/N]: ", "");
    terminal.answer("Correct it now? [Y/n]: ", "");
    terminal.answer("port (at least 0, at most 65535) [many]: ", "8031");
    terminal.answer("metrics_addr [localhost]: ", "127.0.0.1");
    terminal.answer("expected an IP address and a port", "127.0.0.1:9464");
    terminal.answer("Change that? [Y/n]: ", "");
    terminal.answer("Write it? [y/N]: ", "y");
    done(terminal);
    let written = folder.read("config.toml");
    assert!(written.contains("metrics_addr = \"127.0.0.1:9464\"\n"), "{written}");
}

#[test]
fn the_menu_leads_to_each_part() {
    let folder = HostFolder::faulty("");
    let mut terminal = folder.run_at_terminal(&["configure"], &[]);
    terminal.answer("Which one? [none]: ", "9");
    terminal.answer("answer with a number", "3");
    terminal.answer("Store others? [y/N]: ", "y");
    terminal.answer("user name: ", "ann");
    terminal.answer("password (hidden): ", "s3cret");
    terminal.answer("password again: ", "s3cret");
    terminal.answer("Change that? [Y/n]: ", "n");
    terminal.answer("Write it? [Y/n]: ", "");
    let screen = done(terminal);
    assert!(screen.contains("In `config.toml` only secrets change."), "{screen}");
    let host = folder.start();
    assert_eq!(host.client().with_credentials(Some(("ann", "s3cret"))).get("/projects").status, 200);

    let before = host.folder().read("config.toml");
    let mut terminal = host.folder().run_at_terminal(&["configure"], &[]);
    terminal.answer("Which one? [none]: ", "");
    done(terminal);
    assert_eq!(host.folder().read("config.toml"), before);
}

#[test]
fn a_file_that_is_no_toml_is_left_alone() {
    let folder = HostFolder::with_config("[testbench-defect-service]\nsalt = \"hunter2\n");
    let mut terminal = folder.run_at_terminal(&["init"], &[]);
    let (status, screen) = terminal.end();
    assert_eq!(status.code(), Some(2));
    assert!(screen.contains("config.toml:2:") && !screen.contains("hunter2"), "{screen}");
    assert!(screen.ends_with("hint: correct this by hand, or name another file with `--config`\n"), "{screen}");
}

#[test]
fn without_a_terminal_other_ways_are_named() {
    let folder = nowhere();
    let refused = folder.run(&["init"]);
    assert_eq!(refused.code(), Some(2));
    assert_snapshot!(refused.stderr, @"
    error: this command asks its questions on a terminal, and there is none

    hint: without one, `defect-host plugins inspect CLASS --toml` prints a configuration to edit, and `defect-host set-credentials --username NAME --password-stdin` stores user name and password
    ");
    assert_eq!(folder.run(&["configure", "--full"]).stderr, refused.stderr);
}

#[test]
fn the_configuration_is_shown_without_its_secrets() {
    let [(_, hash), (_, salt)] = STORED;
    let folder = HostFolder::with_config(&format!(
        "[testbench-defect-service]\nclient_class = \"JiraDefectClient\"\npassword_hash = \"{hash}\"\nsalt = '{salt}' # {salt}\n\
         [testbench-defect-service.client_config]\nserver_url = \"https://jira.example\"\n# password = \"geheim\"\n\
         password = \"geheim\"\nproxy_url = \"http://u:geheim@proxy\"\n"
    ));
    let shown = folder.run_with(&["configure", "--view"], &[("JIRA_USERNAME", "geheim")]);
    assert_eq!(shown.code(), Some(0), "{}", shown.stderr);
    assert_snapshot!(shown.stdout, @r#"
    # config.toml
    [testbench-defect-service]
    client_class = "JiraDefectClient"
    password_hash = ***
    salt = ***
    [testbench-defect-service.client_config]
    server_url = "https://jira.example"
    # password = ***
    password = ***
    proxy_url = ***

    # set in the environment: JIRA_USERNAME
    "#);

    let own = "client_class = \"Nobody\"\nclient_config.anything = \"geheim\"\n";
    folder.write("config.toml", format!("[testbench-defect-service]\n{own}"));
    assert!(!folder.run(&["configure", "--view"]).stdout.contains("geheim"), "the plugin's schema is not known");
}
