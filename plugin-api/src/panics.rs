//! Keeps a plugin's panics inside the plugin.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// How many guarded calls this thread is in: a panic there is reported by the call.
    static GUARDED: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Remembers where a panic happened; `catch_unwind` alone gives the text without the place. The
/// library's copy of the standard library has a hook of its own, the host's is not touched.
pub(crate) fn install_hook() {
    std::panic::set_hook(Box::new(|panic| {
        if let Some(report) = remember(panic) {
            tracing::error!("a thread of the plugin {report}");
        }
    }));
}

/// The same for a process that is not ours, such as an author's tests: other panics go where they went.
#[cfg(any(test, feature = "conformance"))]
pub(crate) fn add_hook() {
    static ADDED: std::sync::Once = std::sync::Once::new();
    ADDED.call_once(|| {
        let others = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if remember(panic).is_some() {
                others(panic);
            }
        }));
    });
}

/// Keeps the report for the guarded call that the thread is in; gives it back when it is in none.
fn remember(panic: &std::panic::PanicHookInfo<'_>) -> Option<String> {
    let text = panic.payload_as_str().unwrap_or("a value that is no text");
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let report = format!("panicked at {place}: {text}");
    if GUARDED.get() == 0 {
        return Some(report);
    }
    LAST.set(Some(report));
    None
}

/// Runs the author's code. `Err` is what its panic said and where.
pub(crate) fn guard<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    GUARDED.set(GUARDED.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(code));
    GUARDED.set(GUARDED.get() - 1);
    outcome.map_err(|payload| {
        // The payload is the author's value: dropping it may panic as well, and then it is leaked.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        LAST.take().unwrap_or_else(|| "panicked".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::guard;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    #[test]
    fn a_panic_is_an_error_even_when_its_payload_panics_too() {
        super::install_hook();
        assert_eq!(guard(|| 5), Ok(5));
        let said = guard(|| panic!("no {}", "luck")).unwrap_err();
        assert!(said.contains("no luck") && said.contains("panics.rs"), "{said}");
        assert!(guard(|| std::panic::panic_any(PanicsWhenDropped)).is_err());
        assert!(guard(|| drop(PanicsWhenDropped)).is_err());
    }
}
