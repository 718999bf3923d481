//! `cargo xtask machine`: the Debian package in a virtual machine of Debian, under a real systemd.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::package;
use crate::shell::{find, root, run, say, target};

/// What is installed in the machine beside Debian's minimum with apt.
const PACKAGES: &str = "systemd-sysv,dbus,udev,linux-image-cloud-amd64,initramfs-tools,curl,openssl";
/// The programs that this takes, and the packages of Debian that have them.
const PROGRAMS: [(&str, &str); 4] = [
    ("mmdebstrap", "mmdebstrap"),
    ("mke2fs", "e2fsprogs"),
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("lintian", "lintian"),
];
/// The checks, and what runs them in the machine.
const CHECKS: &str = "tests/packages/machine";

/// Which machine.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The release of Debian that it has
    #[arg(long, default_value = "bookworm")]
    suite: String,
    /// Do not build and pack: take the packages of the last run
    #[arg(long)]
    packed: bool,
}

/// Makes the packages of two revisions, holds them against Debian's rules, and runs the checks with them.
pub(crate) fn check(arguments: &Arguments) -> Result<()> {
    if let Some((program, package)) = PROGRAMS.into_iter().find(|(program, _)| find(program).is_none()) {
        bail!("`{program}` is missing: `apt install {package}` installs it (Debian)");
    }
    if !rustix::process::geteuid().is_root() {
        bail!("this takes root: the machine's files belong to many users");
    }
    let folder = target()?.join("machine");
    let packages = folder.join("packages");
    if !arguments.packed {
        package::two_revisions(&packages)?;
    }
    let packages = package::debian_packages(&packages)?;
    run(Command::new("lintian").args(["--fail-on", "error,warning", "--allow-root"]).args(&packages))?;
    let system = System::installed(&folder, &arguments.suite)?;
    let archive = archive(&folder, &packages)?;
    start(&system, &archive, &folder.join("console.log"))
}

/// An installed Debian.
struct System {
    disk: PathBuf,
    kernel: PathBuf,
    initrd: PathBuf,
}

impl System {
    /// Installs it, unless it is there.
    fn installed(folder: &Path, suite: &str) -> Result<Self> {
        let folder = folder.join(suite);
        let service = root().join(CHECKS).join("checks.service");
        let system =
            Self { disk: folder.join("disk"), kernel: folder.join("vmlinuz"), initrd: folder.join("initrd.img") };
        // Written last.
        let complete = folder.join("complete");
        let wanted = format!("{PACKAGES}\n{}", fs::read_to_string(&service)?);
        if fs::read_to_string(&complete).is_ok_and(|made| made == wanted) {
            return Ok(system);
        }
        fs::create_dir_all(&folder)?;
        let files = folder.join("files");
        if files.exists() {
            fs::remove_dir_all(&files)?;
        }
        run(Command::new("mmdebstrap")
            .args(["--quiet", "--variant=apt", "--include", PACKAGES])
            .arg(format!("--customize-hook=copy-in '{}' /etc/systemd/system", service.display()))
            .arg("--customize-hook=chroot \"$1\" systemctl enable checks.service")
            .args([suite.as_ref(), files.as_os_str()])
            // Where the disk is written, too: there is room.
            .env("TMPDIR", &folder))?;
        run(Command::new("mke2fs").args(["-q", "-F", "-t", "ext4", "-d"]).args([&files, &system.disk]).arg("2G"))?;
        fs::copy(files.join("vmlinuz"), &system.kernel)?;
        fs::copy(files.join("initrd.img"), &system.initrd)?;
        fs::remove_dir_all(&files)?;
        fs::write(complete, wanted)?;
        Ok(system)
    }
}

/// What the machine needs, as it has it on its second disk.
fn archive(folder: &Path, packages: &[PathBuf]) -> Result<PathBuf> {
    let [first, second] = packages else { bail!("two revisions of the package are made, not {}", packages.len()) };
    let files = folder.join("checks");
    if files.exists() {
        fs::remove_dir_all(&files)?;
    }
    fs::create_dir_all(&files)?;
    let checks = root().join(CHECKS);
    for (from, to) in [
        (first.as_path(), "first.deb"),
        (second, "second.deb"),
        (&checks.join("checks.sh"), "checks.sh"),
        (&checks.join("probe.sh"), "probe.sh"),
    ] {
        fs::copy(from, files.join(to)).with_context(|| format!("`{}` cannot be copied", from.display()))?;
    }
    let archive = folder.join("checks.tar");
    run(Command::new("tar")
        .args(["--create", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(&files)
        .arg(".")
        // Data in the format of the Python service.
        .args(["--transform", "s/^demo/data/", "--directory"])
        .arg(root().join("plugins/jsonl"))
        .arg("demo"))?;
    Ok(archive)
}

/// Starts the machine and shows what the checks say, which end it.
fn start(system: &System, archive: &Path, console: &Path) -> Result<()> {
    let drive = |file: &Path, more: &str| format!("file={},format=raw,if=virtio,{more}", file.display());
    let mut machine = Command::new("qemu-system-x86_64");
    machine.args(["-machine", "q35", "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none"]);
    machine.args(if is_accelerated()? { ["-accel", "kvm", "-cpu", "host"] } else { ["-accel", "tcg", "-cpu", "max"] });
    machine.arg("-kernel").arg(&system.kernel).arg("-initrd").arg(&system.initrd);
    machine.args(["-append", "root=/dev/vda rw console=ttyS0"]);
    // What is written to the first is gone at the end, and stays when the machine starts again.
    machine.args(["-drive", &drive(&system.disk, "snapshot=on"), "-drive", &drive(archive, "readonly=on")]);
    machine.arg("-serial").arg(format!("file:{}", console.display())).args(["-serial", "stdio"]);
    say(&format!("==> qemu-system-x86_64; the console is in {}", console.display()));
    let mut machine = machine.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let output = machine.stdout.take().context("the machine's second serial port is its standard output")?;
    let mut last = String::new();
    for line in BufReader::new(output).split(b'\n') {
        last = String::from_utf8_lossy(&line?).trim_end().to_owned();
        say(&last);
    }
    let status = machine.wait()?;
    if last != "all right" {
        bail!("the checks in the machine did not come to a good end; it ended with {status}");
    }
    Ok(())
}

/// Whether the processor runs the machine. `/dev/kvm` alone does not tell: where the host is a machine itself, without
/// the processor's help, it is there and too slow to start anything.
fn is_accelerated() -> Result<bool> {
    let processor = fs::read_to_string("/proc/cpuinfo")?;
    let has_help = processor.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    let is_accelerated = has_help && Path::new("/dev/kvm").exists();
    if !is_accelerated {
        say("there is no usable KVM: the machine is emulated, which takes half an hour instead of some minutes");
    }
    Ok(is_accelerated)
}
