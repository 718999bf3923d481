//! From an author's type to the library's exported symbols.

use std::mem::ManuallyDrop;

use abi_stable::library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult};
use abi_stable::prefix_type::PrefixTypeTrait;
use abi_stable::sabi_trait::TD_Opaque;
use abi_stable::std_types::{RErr, RNone, ROk, RResult, RSlice, RSome, RStr, RVec};

use crate::boundary::{
    DEFECT_CLIENT, Description, Export, RawClient, RawClient_TO, RawClientBox, RawError, RawErrorKind, RawLog,
    RawModule, RawModule_Ref, RawReply, RawStream, RawStream_TO,
};
use crate::client::DefectClient;
use crate::dispatch::{Reply, dispatch};
use crate::error::{ClientError, FieldError};
use crate::list::{ListWriter, unserialisable};
use crate::operation::Operation;
use crate::panics::{guard, install_hook};

/// Exports one or several types that implement [`DefectClient`](crate::DefectClient) from a `cdylib`.
///
/// `export_client!(MyDefectClient);` Each type's name is the class that `client_class` refers to.
/// Call it once in a crate. Needs `panic = "unwind"`, Cargo's default.
#[macro_export]
macro_rules! export_client {
    ($($client:ident),+ $(,)?) => {
        #[cfg(panic = "abort")]
        compile_error!(
            "a plugin needs `panic = \"unwind\"`: its panics are caught and become one failed request"
        );

        $crate::__export_client_of_any_panic!($($client),+);
    };
}

/// [`export_client!`](crate::export_client) without its check, for the test of what the check is for.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_client_of_any_panic {
    ($($client:ident),+) => {
        const _: () = {
            use $crate::__private as private;

            struct Library;

            impl private::Library for Library {
                const PLUGIN: &'static str = env!("CARGO_CRATE_NAME");
                const VERSION: &'static str = env!("CARGO_PKG_VERSION");
                const CLASSES: &'static [private::Class] = &[$(private::Class::of::<$client>(stringify!($client))),+];
            }

            // The names of the two symbols are `boundary::LOADER_SYMBOL` and `boundary::VERSION_SYMBOL`.

            // SAFETY: the name is abi_stable's own, mangled so that nothing else has it.
            #[unsafe(export_name = "_1as_0lib_1header_0root_bmodule_bloader")]
            static HEADER: private::LibHeader = private::header::<Library>();

            // SAFETY: nothing else in a plugin has this name.
            #[unsafe(no_mangle)]
            static DEFECT_PLUGIN_API_VERSION: [u8; private::VERSION_SYMBOL_BYTES] = private::padded_version();
        };
    };
}

/// What the macro expands to refers to these. Not for authors.
pub mod __private {
    pub use super::{Class, Library, header, padded_version};
    pub use crate::boundary::VERSION_SYMBOL_BYTES;
    pub use abi_stable::library::LibHeader;
}

/// A library, as the macro describes it.
pub trait Library: 'static {
    /// The crate's name.
    const PLUGIN: &'static str;
    /// The crate's version.
    const VERSION: &'static str;
    /// What it exports.
    const CLASSES: &'static [Class];
}

/// One exported type, its type erased.
pub struct Class {
    name: &'static str,
    config_schema: fn() -> schemars::Schema,
    create: fn(&[u8]) -> Result<RawClientBox, ClientError>,
}

impl Class {
    /// The class that a type makes.
    #[must_use]
    pub const fn of<C: DefectClient>(name: &'static str) -> Self {
        Self { name, config_schema: config_schema::<C>, create: create::<C> }
    }
}

fn config_schema<C: DefectClient>() -> schemars::Schema {
    schemars::schema_for!(C::Config)
}

fn create<C: DefectClient>(config: &[u8]) -> Result<RawClientBox, ClientError> {
    let config = serde_json::from_slice(config)
        .map_err(|error| ClientError::invalid_input(format!("the configuration cannot be read: {error}")))?;
    Ok(RawClient_TO::from_value(Guarded::new(C::new(config)?), TD_Opaque))
}

/// The version of this API, as [`VERSION_SYMBOL`](crate::boundary::VERSION_SYMBOL) holds it.
#[must_use]
pub const fn padded_version() -> [u8; crate::boundary::VERSION_SYMBOL_BYTES] {
    let version = crate::VERSION.as_bytes();
    let mut padded = [0; crate::boundary::VERSION_SYMBOL_BYTES];
    let mut at = 0;
    while at < version.len() {
        padded[at] = version[at];
        at += 1;
    }
    padded
}

/// The header that abi_stable finds in the library.
#[must_use]
pub const fn header<L: Library>() -> LibHeader {
    extern "C" fn erased<L: Library>() -> RootModuleResult {
        __call_root_module_loader(root_module::<L>)
    }
    // SAFETY: `erased` gives a `RawModule_Ref`, which is the type named here.
    unsafe { LibHeader::from_constructor::<RawModule_Ref>(erased::<L>, CheckTypeLayout::Yes) }
}

fn root_module<L: Library>() -> RawModule_Ref {
    RawModule { connect: connect::<L>, describe: describe::<L>, create: create_by_name::<L> }.leak_into_prefix()
}

extern "C" fn connect<L: Library>(log: RawLog) {
    // Nothing of the author's runs here; what could panic is set up by this call.
    let _ = guard(|| {
        install_hook();
        crate::host_log::connect(L::PLUGIN, log);
    });
}

extern "C" fn describe<L: Library>() -> RResult<RVec<u8>, RawError> {
    answer(|| {
        let exports = L::CLASSES.iter().map(|class| Export {
            kind: DEFECT_CLIENT.to_owned(),
            class: class.name.to_owned(),
            operations: Operation::ALL.iter().map(|operation| operation.name().to_owned()).collect(),
            config_schema: (class.config_schema)().into(),
        });
        let description = Description {
            plugin: L::PLUGIN.to_owned(),
            version: L::VERSION.to_owned(),
            api_version: crate::VERSION.to_owned(),
            exports: exports.collect(),
            rustc: option_env!("DEFECT_PLUGIN_API_RUSTC").map(str::to_owned),
            target: option_env!("DEFECT_PLUGIN_API_TARGET").map(str::to_owned),
        };
        serde_json::to_vec(&description).map(RVec::from).map_err(unserialisable)
    })
}

extern "C" fn create_by_name<L: Library>(class: RStr<'_>, config: RSlice<'_, u8>) -> RResult<RawClientBox, RawError> {
    answer(|| {
        let wanted = L::CLASSES.iter().find(|known| known.name == class.as_str());
        let wanted = wanted.ok_or_else(|| ClientError::not_found(format!("no class `{class}` in this library")))?;
        (wanted.create)(config.as_slice())
    })
}

/// The author's code behind the boundary: everything that runs of it runs guarded, its `Drop` too.
struct Guarded<T>(ManuallyDrop<T>);

impl<T> Guarded<T> {
    fn new(inner: T) -> Self {
        Self(ManuallyDrop::new(inner))
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the value is dropped here and nowhere else, and not used afterwards.
        if let Err(report) = guard(|| unsafe { ManuallyDrop::drop(&mut self.0) }) {
            tracing::error!("while it was dropped, the plugin {report}");
        }
    }
}

impl<C: DefectClient> RawClient for Guarded<C> {
    fn call(&self, operation: RStr<'_>, request: RSlice<'_, u8>) -> RResult<RawReply, RawError> {
        answer(|| {
            Ok(match dispatch(&*self.0, operation.as_str(), request.as_slice())? {
                Reply::Whole(whole) => RawReply { first: whole.into(), rest: RNone },
                Reply::Pieces(first, writer) => RawReply {
                    first: first.into(),
                    rest: RSome(RawStream_TO::from_value(Guarded::new(writer), TD_Opaque)),
                },
            })
        })
    }
}

impl RawStream for Guarded<ListWriter> {
    fn next_piece(&mut self) -> RResult<RVec<u8>, RawError> {
        answer(|| self.0.next_piece().map(RVec::from))
    }
}

/// Runs the author's code; its error or panic becomes one that can cross.
fn answer<T>(code: impl FnOnce() -> Result<T, ClientError>) -> RResult<T, RawError> {
    match guard(code) {
        Ok(Ok(value)) => ROk(value),
        Ok(Err(error)) => RErr(error.into()),
        Err(report) => RErr(RawError { kind: RawErrorKind::PANICKED, message: report.into(), details: RVec::new() }),
    }
}

impl From<ClientError> for RawError {
    fn from(error: ClientError) -> Self {
        let kind = match &error {
            ClientError::NotFound(_) => RawErrorKind::NOT_FOUND,
            ClientError::Forbidden(_) => RawErrorKind::FORBIDDEN,
            ClientError::Unauthorized(_) => RawErrorKind::UNAUTHORIZED,
            ClientError::InvalidInput { .. } => RawErrorKind::INVALID_INPUT,
            ClientError::Unavailable(_) => RawErrorKind::UNAVAILABLE,
            ClientError::Internal(_) => RawErrorKind::INTERNAL,
            ClientError::NotSupported(_) => RawErrorKind::NOT_SUPPORTED,
        };
        let message = error.to_string().into();
        let details = match error {
            ClientError::InvalidInput { fields, .. } if !fields.is_empty() => {
                serde_json::to_vec(&ErrorDetails { fields }).unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Self { kind, message, details: details.into() }
    }
}

/// What [`RawError::details`] holds.
#[derive(serde::Serialize, serde::Deserialize, Default)]
#[serde(default)]
struct ErrorDetails {
    fields: Vec<FieldError>,
}

impl From<RawError> for ClientError {
    /// The host's side of the way back. A kind that this version does not know is internal.
    fn from(error: RawError) -> Self {
        let message = error.message.into_string();
        match error.kind {
            RawErrorKind::NOT_FOUND => Self::NotFound(message),
            RawErrorKind::FORBIDDEN => Self::Forbidden(message),
            RawErrorKind::UNAUTHORIZED => Self::Unauthorized(message),
            RawErrorKind::INVALID_INPUT => {
                let details = serde_json::from_slice::<ErrorDetails>(&error.details).unwrap_or_default();
                Self::InvalidInput { message, fields: details.fields }
            }
            RawErrorKind::UNAVAILABLE => Self::Unavailable(message),
            RawErrorKind::NOT_SUPPORTED => Self::NotSupported(message),
            _ => Self::Internal(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_macros_symbol_names_are_the_boundarys() {
        // The macro has to spell them as literals.
        assert_eq!(crate::boundary::LOADER_SYMBOL, "_1as_0lib_1header_0root_bmodule_bloader");
        assert_eq!(crate::boundary::VERSION_SYMBOL, "DEFECT_PLUGIN_API_VERSION");
        assert!(padded_version().starts_with(crate::VERSION.as_bytes()));
        assert_eq!(padded_version().last(), Some(&0), "there is room for the text and a NUL");
    }

    #[test]
    fn every_kind_of_error_survives_the_crossing() {
        let errors = [
            ClientError::not_found("a"),
            ClientError::forbidden("b"),
            ClientError::unauthorized("c"),
            ClientError::invalid_fields(vec![FieldError::new("defect.status", "d")]),
            ClientError::unavailable("e"),
            ClientError::internal("f"),
            ClientError::not_supported("g"),
        ];
        for error in errors {
            assert_eq!(ClientError::from(RawError::from(error.clone())), error);
        }
        let newer = RawError { kind: RawErrorKind(999), message: "h".into(), details: RVec::new() };
        assert_eq!(ClientError::from(newer), ClientError::internal("h"));
    }
}
