//! The units in `packaging/systemd`, as systemd's own tools see them.

use std::path::PathBuf;
use std::process::{Command, Output};

use defect_host_tests::{artifacts, root};

fn units() -> PathBuf {
    root().join("packaging/systemd")
}

fn unit(name: &str) -> String {
    std::fs::read_to_string(units().join(name)).unwrap()
}

fn analyze(arguments: &[&str]) -> Output {
    Command::new("systemd-analyze").args(arguments).output().unwrap()
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_units_are_valid() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["defect-host.service", "defect-host.socket", "defect-host@.service"];
    let files = names.map(|name| {
        // Programs have to be there.
        let text = unit(name).replace("/usr/bin/defect-host", artifacts().host.to_str().unwrap());
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    });
    let arguments: Vec<_> = ["verify"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let verified = analyze(&arguments);
    assert!(verified.status.success(), "{}", words(&verified));
    assert_eq!(words(&verified), "");
}

#[test]
fn the_services_exposure_is_better_than_two() {
    for name in ["defect-host.service", "defect-host@.service"] {
        let file = units().join(name);
        let rated = analyze(&["security", "--offline=yes", "--threshold=20", file.to_str().unwrap()]);
        assert!(rated.status.success(), "{}", words(&rated));
    }
}

#[test]
fn an_instance_differs_from_the_only_one_in_its_names_alone() {
    let of_instance = [
        ("defect API of test-management tools", "defect API of test-management tools, instance %i"),
        ("/etc/defect-host/config.toml", "/etc/defect-host/%i.toml"),
        ("/etc/defect-host/environment", "/etc/defect-host/%i.environment"),
        ("StateDirectory=defect-host\n", "StateDirectory=defect-host/%i\n"),
        ("WorkingDirectory=/var/lib/defect-host\n", "WorkingDirectory=/var/lib/defect-host/%i\n"),
    ];
    let mut service = unit("defect-host.service");
    for (only, instance) in of_instance {
        assert!(service.contains(only), "{only}");
        service = service.replace(only, instance);
    }
    assert_eq!(unit("defect-host@.service"), service);
}

#[test]
fn what_is_installed_by_hand_is_where_the_unit_looks_for_it() {
    let document = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, section) = document.split_once("### Install by hand\n").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let installed = folder.path().to_str().unwrap();
    // The same lines for another root, another build, and no group of that name.
    let build = artifacts().host.parent().unwrap().to_str().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("install "));
    let lines = lines.map(|line| {
        line.replace(" /", &format!(" {installed}/")).replace("target/release", build).replace(" -g defect-host", "")
    });
    let script: Vec<_> = lines.collect();
    let run = Command::new("sh").args(["-ec", &script.join("\n")]).current_dir(root()).output().unwrap();
    assert!(run.status.success(), "{}", words(&run));
    let unit = unit("defect-host.service");
    let setting = |name: &str| unit.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let program = setting("ExecStart=");
    let (program, configuration) = program.split_once(" start --config ").unwrap();
    let plugins = setting("Environment=DEFECT_HOST_PLUGIN_DIRS=");
    let wanted = [program, configuration, &format!("{plugins}/libjsonl_defect_client.so")];
    for path in wanted.into_iter().chain(["/etc/systemd/system/defect-host.socket"]) {
        assert!(folder.path().join(&path[1..]).is_file(), "{path}");
    }
}
