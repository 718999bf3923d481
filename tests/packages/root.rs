//! A root folder in which dpkg knows the packages of this system, and has installed none.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use defect_host_tests::HostFolder;

pub(crate) struct Root {
    pub(crate) path: PathBuf,
    pub(crate) folder: HostFolder,
}

impl Root {
    pub(crate) fn new() -> Self {
        let folder = HostFolder::with_config("");
        let path = folder.path().join("root");
        for name in ["info", "updates", "triggers"] {
            fs::create_dir_all(path.join("var/lib/dpkg").join(name)).unwrap();
        }
        // So that dependencies are looked for among the packages that are really here.
        fs::copy("/var/lib/dpkg/status", path.join("var/lib/dpkg/status")).unwrap();
        Self { path, folder }
    }

    /// Runs dpkg and gives what it and the package's scripts say. These run outside of the root, which they are told.
    pub(crate) fn dpkg(&self, arguments: &[&str]) -> String {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("--root").arg(&self.path).args(["--force-script-chrootless", "--no-triggers"]).args(arguments);
        let ended = dpkg.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success(), "dpkg {arguments:?}: {said}{}", String::from_utf8_lossy(&ended.stderr));
        said
    }

    /// What the program's and the plugins' loader needs, from the system.
    pub(crate) fn take_libraries(&self) {
        let plugins = fs::read_dir(self.path.join("usr/lib/defect-host/plugins")).unwrap();
        let plugins = plugins.map(|plugin| plugin.unwrap().path());
        let mut needed = BTreeSet::new();
        for file in plugins.chain([self.path.join("usr/lib/defect-host/defect-host")]) {
            let listed = Command::new("ldd").arg(file).output().unwrap();
            let listed = String::from_utf8(listed.stdout).unwrap();
            needed.extend(listed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from));
        }
        assert!(needed.len() >= 3, "{needed:?}");
        for library in needed {
            let place = self.path.join(library.strip_prefix("/").unwrap());
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            fs::copy(library, place).unwrap();
        }
    }

    /// A command in the root, as the given user of it.
    pub(crate) fn command(&self, user: &str, words: &[&str]) -> Command {
        let mut command = Command::new("/usr/sbin/chroot");
        command.arg(format!("--userspec={user}:{user}")).arg(&self.path).args(words).env_clear();
        command
    }

    /// Runs a command in the root.
    pub(crate) fn run(&self, user: &str, words: &[&str]) -> Output {
        self.command(user, words).output().unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The mode in octal digits, and the names of owner and group in the root.
    pub(crate) fn owned(&self, name: &str) -> String {
        let found = fs::metadata(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let name_of = |file: &str, id: u32| {
            // dpkg's root folder has only the users that the package made.
            if id == 0 {
                return "root".to_owned();
            }
            let names = self.read(file);
            let mut names = names.lines().filter(|line| line.split(':').nth(2) == Some(&id.to_string()));
            names.next().map_or(id.to_string(), |line| line.split(':').next().unwrap().to_owned())
        };
        let (owner, group) = (name_of("etc/passwd", found.uid()), name_of("etc/group", found.gid()));
        format!("{:o} {owner}:{group}", found.mode() & 0o7777)
    }
}

/// The name of a file in the folder of packages, for dpkg's command line.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
