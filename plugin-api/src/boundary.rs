//! What crosses between plugin and host: the only module, with the host's loader, that names
//! `abi_stable`.
//!
//! Its shape is fixed: an operation is a name and JSON bytes, an answer is JSON bytes, whole or as a
//! stream of pieces. New operations and new fields are new names and new keys; the types below stay.
//! (Measured with abi_stable 0.11.3: a method appended to a `sabi_trait` makes a new host refuse all
//! old plugins, so the traits below get no further methods within a major version.)
//!
//! Ownership: what is passed in is borrowed for the call; what is given back is owned by the receiver
//! and freed by the code of the side that made it, through the vtable that `RVec` and `RBox` carry.
//! Threads: everything may be called from any thread; a [`RawStream`] from one at a time.
//! Panics never cross: the plugin's side catches them, see [`RawErrorKind::PANICKED`].
//!
//! Files under `tests/stability` hold the layout of these types and the bytes that cross; a change to
//! either fails a test that says which version to raise and which line to add here.
//!
//! # History
//! Of the types and traits below, one line a major version:
//! - 1: first version.
//!
//! Of what crosses in JSON, operations and keys, one line a minor version:
//! - 1.2: the operation `get_metrics`.
//! - 1.1: [`Description`] has `rustc` and `target`.
//! - 1.0: the operations of [`Operation`](crate::Operation).
#![expect(non_local_definitions, non_camel_case_types, reason = "abi_stable's macros expand to such code")]
#![allow(missing_docs, reason = "abi_stable's macros make undocumented public items beside the documented ones")]

use abi_stable::StableAbi;
use abi_stable::library::RootModule;
use abi_stable::package_version_strings;
use abi_stable::sabi_trait;
use abi_stable::sabi_types::VersionStrings;
use abi_stable::std_types::{RBox, ROption, RResult, RSlice, RStr, RString, RVec};

/// The library's symbol that holds the version of this API, as text padded with NULs to
/// [`VERSION_SYMBOL_BYTES`]. It can be read from the file without opening the library.
pub const VERSION_SYMBOL: &str = "DEFECT_PLUGIN_API_VERSION";

/// Length of what [`VERSION_SYMBOL`] names.
pub const VERSION_SYMBOL_BYTES: usize = 32;

/// The library's symbol that abi_stable enters it by.
pub const LOADER_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME;

/// The functions of a plugin library. The host calls `connect` first, then `describe` or `create`.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = RawModule_Ref)))]
pub struct RawModule {
    /// Where the library's log events go. Called once.
    pub connect: extern "C" fn(log: RawLog),
    /// A [`Description`] in JSON.
    pub describe: extern "C" fn() -> RResult<RVec<u8>, RawError>,
    /// Makes the client of this class from its configuration in JSON.
    #[sabi(last_prefix_field)]
    pub create: extern "C" fn(class: RStr<'_>, config: RSlice<'_, u8>) -> RResult<RawClientBox, RawError>,
}

impl RootModule for RawModule_Ref {
    abi_stable::declare_root_module_statics! {RawModule_Ref}
    const BASE_NAME: &'static str = "defect_client";
    const NAME: &'static str = "defect_client";
    const VERSION_STRINGS: VersionStrings = package_version_strings!();
}

/// A client, made by [`RawModule::create`].
#[sabi_trait]
pub trait RawClient: Send + Sync + 'static {
    /// Runs the operation. `request` is a [`Request`](crate::Request) in JSON.
    #[sabi(last_prefix_field)]
    fn call(&self, operation: RStr<'_>, request: RSlice<'_, u8>) -> RResult<RawReply, RawError>;
}

/// The owned form of [`RawClient`].
pub type RawClientBox = RawClient_TO<RBox<()>>;

/// An answer: its first piece and, when there is more, where the others come from.
#[repr(C)]
#[derive(StableAbi)]
pub struct RawReply {
    /// The whole answer, or its beginning.
    pub first: RVec<u8>,
    /// The rest.
    pub rest: ROption<RawStreamBox>,
}

/// The rest of an answer.
#[sabi_trait]
pub trait RawStream: Send + 'static {
    /// The next piece; empty when there is none.
    #[sabi(last_prefix_field)]
    fn next_piece(&mut self) -> RResult<RVec<u8>, RawError>;
}

/// The owned form of [`RawStream`].
pub type RawStreamBox = RawStream_TO<RBox<()>>;

/// Why an operation failed.
#[repr(C)]
#[derive(StableAbi, Debug, Clone)]
pub struct RawError {
    /// What kind of failure.
    pub kind: RawErrorKind,
    /// One sentence for people. Holds no secret.
    pub message: RString,
    /// More, in JSON: `{"fields":[{"field","message"}]}`. Empty when there is nothing more.
    pub details: RVec<u8>,
}

/// A kind of failure. Not an enum: a newer plugin may send one that this version does not know,
/// which then counts as [`RawErrorKind::INTERNAL`].
#[repr(transparent)]
#[derive(StableAbi, Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawErrorKind(pub u32);

impl RawErrorKind {
    /// [`ClientError::Internal`](crate::ClientError::Internal)
    pub const INTERNAL: Self = Self(0);
    /// [`ClientError::NotFound`](crate::ClientError::NotFound)
    pub const NOT_FOUND: Self = Self(1);
    /// [`ClientError::Forbidden`](crate::ClientError::Forbidden)
    pub const FORBIDDEN: Self = Self(2);
    /// [`ClientError::Unauthorized`](crate::ClientError::Unauthorized)
    pub const UNAUTHORIZED: Self = Self(3);
    /// [`ClientError::InvalidInput`](crate::ClientError::InvalidInput)
    pub const INVALID_INPUT: Self = Self(4);
    /// [`ClientError::Unavailable`](crate::ClientError::Unavailable)
    pub const UNAVAILABLE: Self = Self(5);
    /// [`ClientError::NotSupported`](crate::ClientError::NotSupported)
    pub const NOT_SUPPORTED: Self = Self(6);
    /// The plugin's code panicked; the message says where.
    pub const PANICKED: Self = Self(7);
}

/// Where a plugin's log events go. Callable from any thread; never panics.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct RawLog {
    /// Announces a place in the code that logs, as a [`LogCallsite`] in JSON. Gives a handle for
    /// `emit`, or 0 when nobody wants its events.
    pub register: extern "C" fn(callsite: RSlice<'_, u8>) -> u64,
    /// One event: the handle and a JSON list of `[field index, value]`, value a text, number or boolean.
    pub emit: extern "C" fn(handle: u64, values: RSlice<'_, u8>),
}

/// A place in a plugin's code that logs.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct LogCallsite {
    /// The plugin's crate name.
    pub plugin: String,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: String,
    /// The module, such as `my_tracker::rest`.
    pub module: String,
    /// Source file, when known.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// The names of the fields, `message` among them.
    pub fields: Vec<String>,
}

/// What a library holds.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Description {
    /// The plugin's crate name.
    pub plugin: String,
    /// The plugin's own version.
    pub version: String,
    /// The version of this API that the plugin was built with.
    pub api_version: String,
    /// What it exports. A host skips kinds that it does not know.
    pub exports: Vec<Export>,
    /// The compiler that it was built with, as `rustc --version` says it. Since 1.1.
    #[serde(default)]
    pub rustc: Option<String>,
    /// The target that it was built for, such as `x86_64-unknown-linux-gnu`. Since 1.1.
    #[serde(default)]
    pub target: Option<String>,
}

/// The kind of an [`Export`] that implements [`DefectClient`](crate::DefectClient).
pub const DEFECT_CLIENT: &str = "defect-client";

/// One thing that a library exports.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Export {
    /// [`DEFECT_CLIENT`], or something that a later version knows.
    pub kind: String,
    /// The name of the type.
    pub class: String,
    /// The names of the operations that it can be asked, see [`Operation`](crate::Operation).
    pub operations: Vec<String>,
    /// JSON Schema (draft 2020-12) of its configuration.
    pub config_schema: serde_json::Value,
}
