//! The golden client's library as a host sees it: its functions, and where its log goes.

use std::panic::{set_hook, take_hook};
use std::sync::{LazyLock, Mutex, OnceLock};

use abi_stable::library::LibHeader;
use abi_stable::std_types::{RResult, RSlice, RStr};
use defect_plugin_api::__private::header;
use defect_plugin_api::boundary::{RawClientBox, RawError, RawLog, RawModule_Ref, RawReply};

use crate::client::GoldenLibrary;

/// What the library told its log: what it announced, and each event with the handle that it was given.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) callsites: Vec<Vec<u8>>,
    pub(crate) events: Vec<(u64, Vec<u8>)>,
}

pub(crate) static LOG: Mutex<Log> = Mutex::new(Log { callsites: Vec::new(), events: Vec::new() });

extern "C" fn register(callsite: RSlice<'_, u8>) -> u64 {
    let mut log = LOG.lock().unwrap();
    log.callsites.push(callsite.to_vec());
    log.callsites.len() as u64
}

extern "C" fn emit(handle: u64, values: RSlice<'_, u8>) {
    LOG.lock().unwrap().events.push((handle, values.to_vec()));
}

/// The library's functions, connected to [`LOG`].
pub(crate) fn library() -> RawModule_Ref {
    static HEADER: LazyLock<LibHeader> = LazyLock::new(header::<GoldenLibrary>);
    static MODULE: OnceLock<RawModule_Ref> = OnceLock::new();
    *MODULE.get_or_init(|| {
        let module = HEADER.init_root_module::<RawModule_Ref>().unwrap();
        // The library's own hook tells its log of a panic; here it would hide those of failing tests.
        let tests = take_hook();
        (module.connect())(RawLog { register, emit });
        let librarys = take_hook();
        set_hook(Box::new(move |panic| {
            librarys(panic);
            tests(panic);
        }));
        module
    })
}

pub(crate) fn create(class: &str, config: &str) -> Result<RawClientBox, RawError> {
    match (library().create())(RStr::from(class), RSlice::from_slice(config.as_bytes())) {
        RResult::ROk(client) => Ok(client),
        RResult::RErr(error) => Err(error),
    }
}

pub(crate) fn call(operation: &str, request: &[u8]) -> Result<RawReply, RawError> {
    let client = create("GoldenClient", "{}").unwrap();
    match client.call(RStr::from(operation), RSlice::from_slice(request)) {
        RResult::ROk(reply) => Ok(reply),
        RResult::RErr(error) => Err(error),
    }
}
