//! What ends a process, or keeps it for ever, that no `catch_unwind` catches.

use std::hint::black_box;

/// A way to crash.
#[derive(Debug, Clone, Copy, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Crash {
    Segfault,
    Abort,
    StackOverflow,
    Exit,
    /// An endless loop that uses a whole core.
    Spin,
    /// 1 GiB that nobody frees.
    Leak,
    /// No crash, but as bad for a protocol on standard output.
    Print,
}

impl Crash {
    pub(crate) fn happen(self) {
        match self {
            // SAFETY: there is none, that is the point: nothing is mapped at that address.
            Self::Segfault => unsafe { std::ptr::without_provenance_mut::<u8>(8).write_volatile(0) },
            Self::Abort => std::process::abort(),
            Self::StackOverflow => {
                black_box(deeper(0));
            }
            Self::Exit => std::process::exit(3),
            Self::Spin => loop {
                std::hint::spin_loop();
            },
            Self::Leak => {
                for _ in 0..64 {
                    std::mem::forget(black_box(vec![1_u8; 16 << 20]));
                }
            }
            #[expect(clippy::print_stdout, reason = "that is the fault")]
            Self::Print => print!("printed by the plugin, without an end of line"),
        }
    }
}

#[expect(unconditional_recursion, reason = "that is the fault")]
fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    deeper(depth + 1) + frame[0]
}
