//! The Debian package. dpkg-deb packs the folder that is laid out here: it is on every Debian, and packs the same
//! bytes each time. (cargo-deb would have to be compiled first, for the same folder.)

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Contents;
use super::folder::{DATA, Folder, PROGRAM};
use super::libraries::Libraries;
use crate::shell::run;

/// Where the program looks for plugins by itself: beside its own file, which the link in `/usr/bin` points to.
const PROGRAM_FOLDER: &str = "usr/lib/defect-host";
const DOCUMENTS: &str = "usr/share/doc/defect-host";
/// There is no public address, which a package has to have: this can be none (RFC 2606).
const MAINTAINER: &str = "The defect-host maintainers <maintainers@defect-host.invalid>";

/// Debian's name for where the binaries run.
fn architecture() -> Result<&'static str> {
    Ok(match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => bail!("Debian's name for `{other}` is not known here"),
    })
}

/// Makes the package; `revision` is that of the package of this version.
pub(super) fn make(contents: &Contents<'_>, revision: u32, into: &Path) -> Result<PathBuf> {
    let folder = Folder::new(into.join("debian"))?;
    let packaging = contents.root.join("packaging");

    folder.copy(&contents.built.program, &format!("{PROGRAM_FOLDER}/defect-host"), PROGRAM)?;
    folder.link("usr/bin/defect-host", "../lib/defect-host/defect-host")?;
    contents.plugins(&folder, &format!("{PROGRAM_FOLDER}/plugins"))?;
    // As Debian wants it. The same build with its symbols is in the tarball.
    run(Command::new("strip")
        .args(["--strip-unneeded", "--remove-section=.comment"])
        .args(folder.files()?)
        .current_dir(folder.path()))?;
    folder.copy(&packaging.join("config.toml"), "etc/defect-host/config.toml", 0o640)?;
    contents.units(&folder, "usr/lib/systemd/system")?;
    folder.copy(&packaging.join("debian/sysusers.conf"), "usr/lib/sysusers.d/defect-host.conf", DATA)?;
    folder.copy(&packaging.join("debian/tmpfiles.conf"), "usr/lib/tmpfiles.d/defect-host.conf", DATA)?;
    contents.documents(&folder, DOCUMENTS)?;
    folder.copy(&packaging.join("debian/copyright"), &format!("{DOCUMENTS}/copyright"), DATA)?;
    let version = format!("{}-{revision}", contents.version);
    folder.copy(&contents.root.join("CHANGELOG.md"), &format!("{DOCUMENTS}/changelog"), DATA)?;
    folder.write(&format!("{DOCUMENTS}/changelog.Debian"), changelog(&version, contents.time)?, DATA)?;
    folder.copy(&packaging.join("debian/lintian-overrides"), "usr/share/lintian/overrides/defect-host", DATA)?;
    contents.manual(&folder, "usr/share/man/man1")?;
    let is_compressed = |file: &PathBuf| {
        file.starts_with("usr/share/man")
            || file.starts_with(DOCUMENTS) && file.file_stem() == Some("changelog".as_ref())
    };
    let compressed = folder.files()?.into_iter().filter(is_compressed);
    run(Command::new("gzip").arg("-9n").args(compressed).current_dir(folder.path()))?;
    for (shell, file) in [
        ("bash", "usr/share/bash-completion/completions/defect-host"),
        ("zsh", "usr/share/zsh/vendor-completions/_defect-host"),
        ("fish", "usr/share/fish/vendor_completions.d/defect-host.fish"),
    ] {
        folder.write(file, contents.completions(shell)?, DATA)?;
    }

    let files = folder.files()?;
    let sums = output(Command::new("md5sum").args(&files).current_dir(folder.path()))?;
    folder.write("DEBIAN/md5sums", sums, DATA)?;
    let architecture = architecture()?;
    let mut size = 0;
    for file in &files {
        size += fs::metadata(folder.path().join(file))?.len();
    }
    let control = fs::read_to_string(packaging.join("debian/control"))?
        .replace("@VERSION@", &version)
        .replace("@MAINTAINER@", MAINTAINER)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@INSTALLED_SIZE@", &size.div_ceil(1024).to_string())
        .replace("@LIBRARIES@", &Libraries::of(contents.built)?.debian_packages()?);
    folder.write("DEBIAN/control", control, DATA)?;
    folder.write("DEBIAN/conffiles", "/etc/defect-host/config.toml\n", DATA)?;
    for script in ["postinst", "prerm", "postrm"] {
        folder.copy(&packaging.join("debian").join(script), &format!("DEBIAN/{script}"), PROGRAM)?;
    }

    let package = into.join(format!("defect-host_{version}_{architecture}.deb"));
    // As many threads as there are cores would make other bytes than one.
    run(Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zxz", "--threads-max=1", "--build"])
        .args([folder.path(), &package])
        .env("SOURCE_DATE_EPOCH", contents.time.to_string()))?;
    Ok(package)
}

/// The package's own changelog.
fn changelog(version: &str, time: u64) -> Result<String> {
    let date = output(Command::new("date").args(["--utc", "--rfc-email"]).arg(format!("--date=@{time}")))?;
    let date = String::from_utf8_lossy(&date);
    Ok(format!(
        "defect-host ({version}) unstable; urgency=medium\n\n  * What is new is in changelog.gz.\n\n -- {MAINTAINER}  {date}"
    ))
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let ended = command.output().with_context(|| format!("`{command:?}` cannot be started"))?;
    if !ended.status.success() {
        bail!("`{command:?}` failed: {}", String::from_utf8_lossy(&ended.stderr));
    }
    Ok(ended.stdout)
}
