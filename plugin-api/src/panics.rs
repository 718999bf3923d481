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
        let text = panic.payload_as_str().unwrap_or("a value that is no text");
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let report = format!("panicked at {place}: {text}");
        if GUARDED.get() == 0 {
            tracing::error!("a thread of the plugin {report}");
        } else {
            LAST.set(Some(report));
        }
    }));
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
