//! Which of the system's libraries the binaries need, by their own word.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use object::elf::{DT_NEEDED, FileHeader64};
use object::endian::Endianness;
use object::read::elf::{Dyn as _, FileHeader as _};

use super::build::Built;

#[derive(Default)]
pub(super) struct Libraries {
    /// Such as `libc.so.6`.
    names: BTreeSet<String>,
    /// The newest version of glibc whose functions are called.
    glibc: (u32, u32),
}

impl Libraries {
    pub(super) fn of(built: &Built) -> Result<Self> {
        let mut libraries = Self::default();
        for binary in std::iter::once(&built.program).chain(&built.plugins) {
            let bytes = std::fs::read(binary)?;
            libraries.add(&bytes).with_context(|| format!("`{}` cannot be read", binary.display()))?;
        }
        Ok(libraries)
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let header = FileHeader64::<Endianness>::parse(bytes)?;
        let endian = header.endian()?;
        let sections = header.sections(endian, bytes)?;
        let (dynamic, strings) = sections.dynamic(endian, bytes)?.context("it is not linked dynamically")?;
        let strings = sections.strings(endian, bytes, strings)?;
        for entry in dynamic.iter().filter(|entry| entry.tag(endian) == DT_NEEDED) {
            self.names.insert(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned());
        }
        let Some((mut needs, strings)) = sections.gnu_verneed(endian, bytes)? else { return Ok(()) };
        let strings = sections.strings(endian, bytes, strings)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                let name = String::from_utf8_lossy(version.name(endian, strings)?);
                let Some(numbers) = name.strip_prefix("GLIBC_") else { continue };
                let mut numbers = numbers.split('.').map(str::parse);
                if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) {
                    self.glibc = self.glibc.max((major, minor));
                }
            }
        }
        Ok(())
    }

    /// The packages for `Depends`.
    ///
    /// # Errors
    /// When a library is needed whose package is not known here.
    pub(super) fn debian_packages(&self) -> Result<String> {
        let mut packages = BTreeSet::new();
        for library in &self.names {
            packages.insert(match library.as_str() {
                "libc.so.6" | "libm.so.6" | "ld-linux-x86-64.so.2" | "ld-linux-aarch64.so.1" => {
                    format!("libc6 (>= {}.{})", self.glibc.0, self.glibc.1)
                }
                "libgcc_s.so.1" => "libgcc-s1".to_owned(),
                other => bail!("`{other}` is needed, and which package of Debian has it is not known"),
            });
        }
        Ok(packages.into_iter().collect::<Vec<_>>().join(", "))
    }
}
