use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::process::Command;

use defect_host_tests::{Client, HostFolder, TestHost, defect_request};

use crate::debian_package;
use crate::root::{Root, text};

const CONFIG: &str = "/etc/defect-host/config.toml";
const PROJECT: &str = "/projects/Shop/defects";

/// The values of a key of the unit.
fn unit(root: &Root, key: &str) -> Vec<String> {
    let unit = root.read("usr/lib/systemd/system/defect-host.service");
    unit.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned)).collect()
}

/// Starts the installed service by its unit's command line, as its user and with its environment.
fn start(root: Root) -> (TestHost, Client) {
    let words = unit(&root, "ExecStart").concat();
    let mut command = root.command("defect-host", &words.split_whitespace().collect::<Vec<_>>());
    command.envs(unit(&root, "Environment").iter().filter_map(|variable| variable.split_once('=')));
    let host = TestHost::of(root.folder, command);
    let client = host.client().with_credentials(Some(("testbench", "correct horse")));
    (host, client)
}

/// Stops it as systemd does.
fn stop(mut host: TestHost) -> Root {
    host.signal("TERM");
    assert!(host.wait().success(), "{}", host.log());
    let folder = host.into_folder();
    Root { path: folder.path().join("root"), folder }
}

fn store_credentials(root: &Root) {
    let input = root.folder.write("password", "correct horse\n");
    let words = ["/usr/bin/defect-host", "set-credentials", "--config", CONFIG, "--username", "testbench"];
    let mut command = root.command("root", &[&words[..], &["--password-stdin"]].concat());
    let ended = command.stdin(fs::File::open(input).unwrap()).output().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}

fn titles(client: &Client) -> Vec<String> {
    let answer = client.send("POST", PROJECT, &[], b"").json();
    let defects = answer["value"].as_array().cloned().unwrap_or_default();
    defects.iter().map(|defect| defect["title"].as_str().unwrap_or_default().to_owned()).collect()
}

fn create(client: &Client, title: &str) {
    let mut request = defect_request();
    request["defect"]["title"] = title.into();
    let answer = client.post(&format!("{PROJECT}/create"), &request);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
#[ignore = "`cargo xtask check` makes the packages"]
fn the_package_is_installed_started_upgraded_and_removed_and_its_data_stays() {
    let root = Root::new();
    let said = root.dpkg(&["--install", text(&debian_package(1))]);
    assert!(said.contains("\n  defect-host set-credentials --config /etc/defect-host/config.toml\n"), "{said}");
    assert_eq!(root.dpkg(&["--verify", "defect-host"]), "");
    assert_eq!(root.owned("etc/defect-host/config.toml"), "640 root:defect-host");
    assert_eq!(root.owned("var/lib/defect-host/defects"), "750 defect-host:defect-host");

    // Without the unit's environment, too: through the link they are beside the program. Not in the root, which has no
    // /proc to ask for the program's own file.
    let listed = Command::new(root.path("usr/bin/defect-host")).arg("plugins").current_dir("/").env_clear().output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    assert!(listed.contains("JsonlDefectClient") && listed.contains("JiraDefectClient"), "{listed}");

    root.take_libraries();
    let checked = root.run("defect-host", &["/usr/bin/defect-host", "check", "--config", CONFIG]);
    let complaint = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(2));
    assert!(complaint.contains("there are no credentials"), "{complaint}");

    store_credentials(&root);
    assert_eq!(root.owned("etc/defect-host/config.toml"), "640 root:defect-host");
    let config = root.read("etc/defect-host/config.toml").replace("port = 8030", "port = 0");
    fs::write(root.path("etc/defect-host/config.toml"), &config).unwrap();
    let made = root.path("var/lib/defect-host/defects/Shop");
    fs::create_dir(&made).unwrap();
    fs::write(made.join("defects.jsonl"), "").unwrap();
    let owner = fs::metadata(root.path("var/lib/defect-host")).unwrap().uid();
    for path in [&made, &made.join("defects.jsonl")] {
        chown(path, Some(owner), None).unwrap();
    }

    let (host, client) = start(root);
    create(&client, "before the upgrade");
    let root = stop(host);

    // The operator's configuration is kept without a question: what is shipped has not changed.
    root.dpkg(&["--install", text(&debian_package(2))]);
    let status = root.dpkg(&["--status", "defect-host"]);
    assert!(status.lines().any(|line| line.starts_with("Version: ") && line.ends_with("-2")), "{status}");
    assert_eq!(root.read("etc/defect-host/config.toml"), config);
    assert_eq!(root.owned("etc/defect-host/config.toml"), "640 root:defect-host");
    let (host, client) = start(root);
    assert_eq!(titles(&client), ["before the upgrade"]);
    create(&client, "after the upgrade");
    let root = stop(host);

    // Back, and what was written meanwhile is served.
    root.dpkg(&["--install", text(&debian_package(1))]);
    let (host, client) = start(root);
    assert_eq!(titles(&client), ["before the upgrade", "after the upgrade"]);
    let root = stop(host);

    root.dpkg(&["--remove", "defect-host"]);
    assert!(!root.path("usr/bin/defect-host").exists() && !root.path("usr/lib/defect-host").exists());
    assert_eq!(root.read("etc/defect-host/config.toml"), config);
    let said = root.dpkg(&["--purge", "defect-host"]);
    assert!(said.contains("the data in /var/lib/defect-host and the user defect-host are kept"), "{said}");
    assert!(!root.path("etc/defect-host").exists());
    let data = root.read("var/lib/defect-host/defects/Shop/defects.jsonl");
    assert_eq!(data.lines().count(), 2, "{data}");
    assert_eq!(root.owned("var/lib/defect-host/defects"), "750 defect-host:defect-host");
}

#[test]
#[ignore = "`cargo xtask check` makes the packages"]
fn the_folders_of_the_build_are_nowhere_in_the_package() {
    let folder = HostFolder::with_config("");
    let unpacked = Command::new("dpkg-deb").args(["--extract", text(&debian_package(1)), text(folder.path())]).status();
    assert!(unpacked.unwrap().success());
    let home = std::env::home_dir().unwrap().join(".cargo");
    let home = std::env::var_os("CARGO_HOME").unwrap_or_else(|| home.into());
    let traces = [text(&defect_host_tests::root()).to_owned(), home.to_string_lossy().into_owned()];
    let mut folders = vec![folder.path().to_owned()];
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_symlink() {
                continue;
            }
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let bytes = fs::read(&entry).unwrap();
            looked_at += 1;
            for trace in &traces {
                let found = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
                assert!(!found, "`{trace}` is in `{}`", entry.display());
            }
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}
