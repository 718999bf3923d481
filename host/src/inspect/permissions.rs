//! Who may change a library: its code runs with the rights of this service.
//!
//! A library, and the folder that it lies in, must belong to root or to the user that the service
//! runs as, and nobody else may write to them. A sticky folder such as `/tmp` does not count as
//! safe. A group may write when it is the owner's private one (its number is that of the owner, as
//! many Linux systems set users up). The folders further above are not checked.
//!
//! Windows: nothing is checked. Its access lists need another rule, and its default ones keep other
//! users out of program folders.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Owner, group and mode of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The number of its owner.
    pub uid: u32,
    /// The number of its group.
    pub gid: u32,
    /// Its permission bits; others than the lowest nine are left aside.
    pub mode: u32,
}

/// How somebody else can change a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It belongs to another user.
    ForeignOwner {
        /// The number of its owner.
        owner: u32,
        /// The number of the user that the service runs as.
        service: u32,
    },
    /// Every user may write to it.
    WorldWritable {
        /// Its permission bits.
        mode: u32,
    },
    /// A group may write to it.
    GroupWritable {
        /// The number of the group.
        gid: u32,
        /// Its permission bits.
        mode: u32,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignOwner { owner, service } => {
                write!(f, "belongs to user {owner}, who is neither root nor user {service} of this service")
            }
            Self::WorldWritable { mode } => {
                write!(f, "can be changed by every user (mode {mode:03o})")
            }
            Self::GroupWritable { gid, mode } => {
                write!(f, "can be changed by group {gid} (mode {mode:03o})")
            }
        }
    }
}

/// Whether anybody but root and the service's user `euid` can change a file or folder.
pub fn judge(access: Access, euid: u32) -> Option<Fault> {
    let Access { uid, gid, .. } = access;
    let mode = access.mode & 0o777;
    if uid != 0 && uid != euid {
        Some(Fault::ForeignOwner { owner: uid, service: euid })
    } else if mode & 0o002 != 0 {
        Some(Fault::WorldWritable { mode })
    } else if mode & 0o020 != 0 && gid != uid {
        Some(Fault::GroupWritable { gid, mode })
    } else {
        None
    }
}

/// Why a library is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum PermissionsError {
    /// Somebody else can change the library or replace it.
    #[error("`{}` {fault}", path.display())]
    Insecure {
        /// The library or its folder.
        path: PathBuf,
        /// Who, and how.
        fault: Fault,
    },
    /// Its owner and mode cannot be read.
    #[error("cannot read the permissions of `{}`: {reason}", path.display())]
    Unreadable {
        /// The library or its folder.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
}

impl PermissionsError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Insecure { path, fault } => {
                let path = path.display();
                let command = match fault {
                    Fault::ForeignOwner { service, .. } => format!("chown {service} '{path}'"),
                    Fault::WorldWritable { .. } | Fault::GroupWritable { .. } => {
                        format!("chmod go-w '{path}'")
                    }
                };
                format!("run `{command}`, or set `allow_insecure_plugins = true`")
            }
            Self::Unreadable { .. } => {
                "let the user that this service runs as read the file and enter its folder".into()
            }
        }
    }
}

/// Checks the library and its folder; of a link, what it leads to and the folder of both.
///
/// `euid` is the effective user of this process.
///
/// # Errors
/// Somebody else can change one of them, or its permissions cannot be read.
#[cfg(unix)]
pub fn check_permissions(library: &Path, euid: u32) -> Result<(), PermissionsError> {
    let unreadable = |path: &Path, reason| PermissionsError::Unreadable { path: path.to_owned(), reason };
    let named = std::path::absolute(library).map_err(|reason| unreadable(library, reason))?;
    let real = named.canonicalize().map_err(|reason| unreadable(library, reason))?;
    for path in [Some(&*real), real.parent(), named.parent()].into_iter().flatten() {
        let access = access(path).map_err(|reason| unreadable(path, reason))?;
        if let Some(fault) = judge(access, euid) {
            return Err(PermissionsError::Insecure { path: path.to_owned(), fault });
        }
    }
    Ok(())
}

/// Checks nothing: see the Unix version for what is checked there.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn check_permissions(_library: &Path, _euid: u32) -> Result<(), PermissionsError> {
    Ok(())
}

#[cfg(unix)]
fn access(path: &Path) -> io::Result<Access> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    Ok(Access { uid: metadata.uid(), gid: metadata.gid(), mode: metadata.mode() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: u32 = 1000;

    fn verdict(uid: u32, gid: u32, mode: u32) -> String {
        judge(Access { uid, gid, mode }, SERVICE).map_or("fine".into(), |fault| fault.to_string())
    }

    #[test]
    fn files_of_root_and_of_the_service_are_fine() {
        for (uid, gid, mode) in [
            (0, 0, 0o100_755),
            (0, 0, 0o775),
            (0, 50, 0o755),
            (1000, 50, 0o644),
            (1000, 1000, 0o664), // its private group
        ] {
            assert_eq!(verdict(uid, gid, mode), "fine", "{uid} {gid} {mode:o}");
        }
    }

    #[test]
    fn what_others_can_change_is_refused() {
        insta::assert_snapshot!(verdict(1000, 1000, 0o100_666), @"can be changed by every user (mode 666)");
        insta::assert_snapshot!(verdict(0, 0, 0o41_777), @"can be changed by every user (mode 777)");
        insta::assert_snapshot!(verdict(1000, 50, 0o664), @"can be changed by group 50 (mode 664)");
        insta::assert_snapshot!(verdict(0, 1000, 0o775), @"can be changed by group 1000 (mode 775)");
        insta::assert_snapshot!(verdict(1001, 1000, 0o644), @"belongs to user 1001, who is neither root nor user 1000 of this service");
    }

    #[cfg(unix)]
    mod on_disk {
        use std::fs;
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        use super::*;

        struct Sample {
            folder: tempfile::TempDir,
            euid: u32,
        }

        impl Sample {
            fn new() -> Self {
                let folder = tempfile::tempdir().unwrap();
                let euid = fs::metadata(folder.path()).unwrap().uid();
                let sample = Self { folder, euid };
                fs::create_dir(sample.path("plugins")).unwrap();
                fs::write(sample.path("plugins/lib.so"), "x").unwrap();
                sample.chmod("plugins", 0o755).chmod("plugins/lib.so", 0o644);
                sample
            }

            fn path(&self, name: &str) -> PathBuf {
                self.folder.path().canonicalize().unwrap().join(name)
            }

            fn chmod(&self, name: &str, mode: u32) -> &Self {
                fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
                self
            }

            fn check(&self, name: &str) -> String {
                match check_permissions(&self.path(name), self.euid) {
                    Ok(()) => "fine".to_owned(),
                    Err(error) => {
                        format!("{error}\nhint: {}", error.hint()).replace(&self.path("").display().to_string(), "/")
                    }
                }
            }
        }

        #[test]
        fn the_library_and_its_folder_are_checked() {
            let sample = Sample::new();
            assert_eq!(sample.check("plugins/lib.so"), "fine");
            sample.chmod("plugins/lib.so", 0o666);
            insta::assert_snapshot!(sample.check("plugins/lib.so"), @"
            `/plugins/lib.so` can be changed by every user (mode 666)
            hint: run `chmod go-w '/plugins/lib.so'`, or set `allow_insecure_plugins = true`
            ");
            sample.chmod("plugins/lib.so", 0o644).chmod("plugins", 0o1777);
            insta::assert_snapshot!(sample.check("plugins/lib.so"), @"
            `/plugins` can be changed by every user (mode 777)
            hint: run `chmod go-w '/plugins'`, or set `allow_insecure_plugins = true`
            ");
        }

        #[test]
        fn a_link_is_as_safe_as_its_folder_and_its_end() {
            let sample = Sample::new();
            fs::create_dir(sample.path("open")).unwrap();
            sample.chmod("open", 0o777);
            symlink(sample.path("plugins/lib.so"), sample.path("open/link.so")).unwrap();
            assert!(sample.check("open/link.so").starts_with("`/open`"));
            sample.chmod("open", 0o755);
            assert_eq!(sample.check("open/link.so"), "fine");
            sample.chmod("plugins/lib.so", 0o646);
            assert!(sample.check("open/link.so").starts_with("`/plugins/lib.so`"));
        }

        #[test]
        fn a_missing_library_is_an_error() {
            insta::assert_snapshot!(Sample::new().check("gone.so"), @"
            cannot read the permissions of `/gone.so`: No such file or directory (os error 2)
            hint: let the user that this service runs as read the file and enter its folder
            ");
        }
    }
}
