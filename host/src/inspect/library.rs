//! The checks on a library's bytes, the same for ELF, PE and Mach-O.

use std::path::Path;

use object::read::elf::{Dyn, ElfFile, FileHeader};
use object::read::macho::{FatArch, MachOFatFile32, MachOFatFile64};
use object::read::{
    Error, ExportTarget, File, FileKind, NameOrOrdinal, Object, ObjectKind, ObjectSection, ObjectSegment, ObjectSymbol,
};
use object::{Architecture, elf};

use super::{Expectations, InspectError};
use crate::platform::Platform;

/// The size of the static that holds the version.
const VERSION_SIZE: u64 = 32;

/// A machine that libraries are made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) platform: Platform,
    /// As in [`std::env::consts::ARCH`].
    pub(super) architecture: &'static str,
}

impl Target {
    /// The machine that this program was built for.
    pub(super) const CURRENT: Self = Self { platform: Platform::current(), architecture: std::env::consts::ARCH };
}

/// The bytes of a file, where they come from and which machine is to open them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Library<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: &'a [u8],
    pub(super) target: Target,
}

impl<'a> Library<'a> {
    /// Checks all that can be known without opening the library; returns its version text.
    pub(super) fn check(&self, expected: &Expectations) -> Result<String, InspectError> {
        let image = self.image()?;
        let file = File::parse(image).map_err(|error| self.damaged(error))?;
        if architecture(file.architecture()) != self.target.architecture {
            return Err(self.foreign([file.architecture()]));
        }
        self.check_kind(&file)?;
        self.check_complete(&file, image.len() as u64)?;
        self.check_symbols(&file, expected)
    }

    /// What the library is made for, such as `Linux, x86_64`, and its version text: as much of it as
    /// can be read, though the library may be none that can be opened.
    pub(super) fn facts(&self, version_symbol: &str) -> (Option<String>, Option<String>) {
        let Ok((kind, platform)) = self.format() else { return (None, None) };
        let image = self.image().unwrap_or(self.bytes);
        let file = File::parse(image).ok();
        let architectures: Vec<Architecture> = match kind {
            FileKind::MachOFat32 => MachOFatFile32::parse(self.bytes).map(|fat| architectures(fat.arches())),
            FileKind::MachOFat64 => MachOFatFile64::parse(self.bytes).map(|fat| architectures(fat.arches())),
            _ => Ok(file.iter().map(Object::architecture).collect()),
        }
        .unwrap_or_default();
        let names: Vec<&str> =
            [system(platform)].into_iter().chain(architectures.into_iter().map(architecture)).collect();
        let version = file.and_then(|file| {
            let exports = exports(&file).ok()?;
            let (_, address) = exports.into_iter().find(|(name, _)| name == version_symbol.as_bytes())?;
            version_text(&file, address)
        });
        (Some(names.join(", ")), version)
    }

    /// The format of the bytes, and whose it is.
    fn format(&self) -> Result<(FileKind, Platform), InspectError> {
        let kind = match FileKind::parse(self.bytes) {
            Ok(kind) => kind,
            Err(_) if self.bytes.starts_with(&elf::ELFMAG) => {
                return Err(self.damaged("the header is no ELF header"));
            }
            Err(_) => return Err(self.not_a_library(describe(self.bytes))),
        };
        let platform = match kind {
            FileKind::Elf32 | FileKind::Elf64 => Platform::Linux,
            FileKind::Pe32 | FileKind::Pe64 => Platform::Windows,
            FileKind::MachO32 | FileKind::MachO64 | FileKind::MachOFat32 | FileKind::MachOFat64 => Platform::MacOs,
            FileKind::Archive => return Err(self.not_a_library("a static library")),
            FileKind::Coff | FileKind::CoffBig => return Err(self.not_a_library("an object file")),
            _ => return Err(self.not_a_library(describe(self.bytes))),
        };
        Ok((kind, platform))
    }

    /// The part of the bytes that this machine would load: of a universal library one of several.
    fn image(&self) -> Result<&'a [u8], InspectError> {
        let (kind, platform) = self.format()?;
        if platform != self.target.platform {
            return Err(InspectError::ForeignSystem {
                path: self.path.to_owned(),
                found: system(platform),
                expected: system(self.target.platform),
            });
        }
        match kind {
            FileKind::MachOFat32 => {
                let fat = MachOFatFile32::parse(self.bytes).map_err(|error| self.damaged(error))?;
                self.slice(fat.arches())
            }
            FileKind::MachOFat64 => {
                let fat = MachOFatFile64::parse(self.bytes).map_err(|error| self.damaged(error))?;
                self.slice(fat.arches())
            }
            _ => Ok(self.bytes),
        }
    }

    fn slice(&self, parts: &[impl FatArch]) -> Result<&'a [u8], InspectError> {
        let fits = |part: &&_| architecture(FatArch::architecture(*part)) == self.target.architecture;
        match parts.iter().find(fits) {
            Some(part) => part.data(self.bytes).map_err(|error| self.damaged(error)),
            None => Err(self.foreign(architectures(parts))),
        }
    }

    fn foreign(&self, found: impl IntoIterator<Item = Architecture>) -> InspectError {
        let found: Vec<_> = found.into_iter().map(architecture).collect();
        InspectError::ForeignArchitecture {
            path: self.path.to_owned(),
            found: found.join(" and "),
            expected: self.target.architecture,
        }
    }

    fn check_kind(&self, file: &File) -> Result<(), InspectError> {
        let executable = match file {
            File::Elf32(file) => is_executable(file),
            File::Elf64(file) => is_executable(file),
            _ => Ok(false),
        };
        if executable.map_err(|error| self.damaged(error))? {
            return Err(self.not_a_library("a program"));
        }
        match file.kind() {
            ObjectKind::Dynamic => Ok(()),
            ObjectKind::Executable => Err(self.not_a_library("a program")),
            ObjectKind::Relocatable => Err(self.not_a_library("an object file")),
            ObjectKind::Core => Err(self.not_a_library("a core dump")),
            _ => Err(self.not_a_library("an image of another kind")),
        }
    }

    /// Refuses a library whose parts lie beyond its end: the loader maps them unseen, and the first
    /// access to what is missing ends the process.
    fn check_complete(&self, file: &File, size: u64) -> Result<(), InspectError> {
        let segments = file.segments().map(|segment| segment.file_range());
        let sections = file.sections().filter_map(|section| section.file_range());
        for (offset, length) in segments.chain(sections) {
            let end = offset.saturating_add(length);
            if end > size {
                return Err(self.damaged(format!("a part ends at byte {end}, the file at byte {size}")));
            }
        }
        Ok(())
    }

    fn check_symbols(&self, file: &File, expected: &Expectations) -> Result<String, InspectError> {
        let (mut loader, mut version) = (false, None);
        for (name, address) in exports(file).map_err(|error| self.damaged(error))? {
            loader |= name == expected.loader_symbol.as_bytes();
            if name == expected.version_symbol.as_bytes() {
                version = Some(address);
            }
        }
        let lacks = |symbol| self.not_a_plugin(format!("it does not export `{symbol}`"));
        let version = version.ok_or_else(|| lacks(expected.version_symbol))?;
        if !loader {
            return Err(lacks(expected.loader_symbol));
        }

        let found = version_text(file, version).ok_or_else(|| {
            let symbol = expected.version_symbol;
            self.not_a_plugin(format!("its `{symbol}` holds no version"))
        })?;
        if major(&found) == major(expected.api_version) {
            Ok(found)
        } else {
            Err(InspectError::ApiVersion {
                path: self.path.to_owned(),
                found,
                expected: expected.api_version.to_owned(),
            })
        }
    }

    fn not_a_library(&self, found: &'static str) -> InspectError {
        InspectError::NotALibrary { path: self.path.to_owned(), found }
    }

    fn damaged(&self, what: impl ToString) -> InspectError {
        InspectError::Damaged { path: self.path.to_owned(), what: what.to_string() }
    }

    fn not_a_plugin(&self, what: String) -> InspectError {
        InspectError::NotAPlugin { path: self.path.to_owned(), what }
    }
}

fn architectures(parts: &[impl FatArch]) -> Vec<Architecture> {
    parts.iter().map(FatArch::architecture).collect()
}

/// What bytes are that are no kind of binary.
fn describe(bytes: &[u8]) -> &'static str {
    let start = &bytes[..bytes.len().min(4096)];
    let text = match str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(), // only the last character is cut
    };
    match start {
        [] => "an empty file",
        [b'#', b'!', ..] => "a script",
        [b'P', b'K', 3, 4, ..] => "a zip archive",
        [0x1f, 0x8b, ..] => "a gzip archive",
        _ if text && !start.contains(&0) => "a text file",
        _ => "data of an unknown kind",
    }
}

/// Whether an ELF file is a position-independent program, which looks like a library otherwise.
fn is_executable<Elf: FileHeader>(file: &ElfFile<Elf>) -> Result<bool, Error> {
    let endian = file.endian();
    let mut flags = file
        .elf_dynamic_table()?
        .dynamics()
        .iter()
        .filter(|entry| entry.tag(endian) == elf::DT_FLAGS_1)
        .map(|entry| entry.val(endian));
    Ok(flags.any(|flags| flags & elf::DF_1_PIE.0 != 0))
}

/// The names that a library exports, each with its address.
///
/// Of Mach-O the symbol table is read, not the export trie: a trie can be made such that the walk
/// through it takes for ever, and cargo's libraries have both.
fn exports<'data>(file: &File<'data>) -> Result<Vec<(Vec<u8>, u64)>, Error> {
    if matches!(file, File::MachO32(_) | File::MachO64(_)) {
        return Ok(file
            .symbols()
            .filter(|symbol| symbol.is_global() && symbol.is_definition())
            .filter_map(|symbol| {
                let name = symbol.name_bytes().ok()?.strip_prefix(b"_")?;
                Some((name.to_vec(), symbol.address()))
            })
            .collect());
    }
    let mut exports = Vec::new();
    for export in file.exports()? {
        let export = export?;
        if let (NameOrOrdinal::Name(name), ExportTarget::Address { address }) = (export.name(), export.target()) {
            exports.push((name.to_vec(), address));
        }
    }
    Ok(exports)
}

/// The text at `address`, up to the first zero.
fn version_text(file: &File, address: u64) -> Option<String> {
    let bytes = file.segments().find_map(|segment| segment.data_range(address, VERSION_SIZE).ok()?)?;
    let text = bytes.split(|byte| *byte == 0).next()?;
    let text = str::from_utf8(text).ok()?;
    let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
    (printable && major(text).is_some()).then(|| text.to_owned())
}

/// The first number of `major.minor.patch`.
fn major(version: &str) -> Option<u64> {
    version.split_once('.')?.0.parse().ok()
}

const fn system(platform: Platform) -> &'static str {
    match platform {
        Platform::Linux => "Linux",
        Platform::MacOs => "macOS",
        Platform::Windows => "Windows",
    }
}

/// The architecture by Rust's name, as in [`std::env::consts::ARCH`].
const fn architecture(found: Architecture) -> &'static str {
    match found {
        Architecture::Aarch64 => "aarch64",
        Architecture::Arm => "arm",
        Architecture::I386 => "x86",
        Architecture::LoongArch64 => "loongarch64",
        Architecture::Mips => "mips",
        Architecture::Mips64 => "mips64",
        Architecture::PowerPc => "powerpc",
        Architecture::PowerPc64 => "powerpc64",
        Architecture::Riscv32 => "riscv32",
        Architecture::Riscv64 => "riscv64",
        Architecture::S390x => "s390x",
        Architecture::Sparc64 => "sparc64",
        Architecture::X86_64 => "x86_64",
        _ => "other",
    }
}
