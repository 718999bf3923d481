//! The packages that `cargo xtask check` makes, as root, in `DEFECT_HOST_PACKAGES`: installed, run, upgraded and
//! removed by dpkg in a root of their own; unpacked and run by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what fails here is the failure of a test")]

mod debian;
mod root;
mod sbom;
mod tarball;

use std::path::PathBuf;

/// The one package whose name is like this.
fn package(is_meant: impl Fn(&str) -> bool) -> PathBuf {
    let folder = std::env::var_os("DEFECT_HOST_PACKAGES").expect("`cargo xtask check` says where the packages are");
    let mut files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let found = files.find(|path| is_meant(&path.file_name().unwrap().to_string_lossy()));
    found.expect("the package is made")
}

/// The Debian package of a revision.
fn debian_package(revision: u32) -> PathBuf {
    package(|name| name.contains(&format!("-{revision}_")) && name.ends_with(".deb"))
}

/// The tarball.
fn tarball() -> PathBuf {
    package(|name| name.ends_with(".tar.gz"))
}
