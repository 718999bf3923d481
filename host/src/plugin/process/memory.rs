//! Reading the memory of a plugin's process, which costs a long answer one copy and no waiting. What is read is the
//! host's own copy: whatever the process does to the original harms nobody.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use super::frame::{self, LANDMARK, Lent};

/// The memory of a process.
pub(super) struct Memory {
    process: u32,
    is_readable: AtomicBool,
}

impl Memory {
    /// That of a process that is not known to be readable yet.
    pub(super) fn of(process: u32) -> Self {
        Self { process, is_readable: AtomicBool::new(false) }
    }

    /// Whether the system lets the host read it. It depends on many things, such as a container's rules, so it is found
    /// out by doing it: `landmark` says where [`LANDMARK`] is.
    pub(super) fn try_reading(&self, landmark: &[u8]) {
        let read = match frame::number_and_rest(landmark) {
            Some((address, [])) => self.read(Lent { address, length: LANDMARK.len() as u64 }),
            _ => Err(io::ErrorKind::InvalidData.into()),
        };
        match read {
            Ok(found) if found == LANDMARK => {
                self.is_readable.store(true, Ordering::Relaxed);
                tracing::debug!("long answers are copied out of the memory of the plugin's process");
            }
            other => {
                let reason = other.map_or_else(|error| error.to_string(), |_| "something else is there".to_owned());
                tracing::debug!("long answers come by the stream, since the plugin's process cannot be read: {reason}");
            }
        }
    }

    /// Whether that has succeeded.
    pub(super) fn is_readable(&self) -> bool {
        self.is_readable.load(Ordering::Relaxed)
    }

    /// For tests with processes that have no landmark.
    #[cfg(test)]
    pub(super) fn presume_readable(&self) {
        self.is_readable.store(true, Ordering::Relaxed);
    }

    /// Copies a piece. Blocks for as long as the process makes it block, at most until that ends.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when the process has ended; others of the operating system, when it may not be read
    /// or there is nothing at this address; [`io::ErrorKind::UnexpectedEof`] when there is only a part of it.
    #[cfg(target_os = "linux")]
    pub(super) fn read(&self, place: Lent) -> io::Result<Vec<u8>> {
        let nowhere = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let length = usize::try_from(place.length).map_err(nowhere)?;
        let address = usize::try_from(place.address).map_err(nowhere)?;
        let process = libc::pid_t::try_from(self.process).map_err(nowhere)?;
        let mut piece = Vec::<u8>::new();
        piece.try_reserve_exact(length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        let here = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: length };
        let there = libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: length };
        // SAFETY: `here` is one place of `length` bytes, reserved above, that nobody else uses. `there` is not of this
        // process: the system checks it, and fails where nothing is.
        let read = unsafe { libc::process_vm_readv(process, &raw const here, 1, &raw const there, 1, 0) };
        match usize::try_from(read) {
            Err(_) => Err(match io::Error::last_os_error() {
                error if error.raw_os_error() == Some(libc::ESRCH) => io::ErrorKind::NotFound.into(),
                error => error,
            }),
            Ok(read) if read == length => {
                // SAFETY: so many bytes were reserved, and the system has just written all of them.
                unsafe { piece.set_len(length) };
                Ok(piece)
            }
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Other systems let no process do so without special rights.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read(&self, _: Lent) -> io::Result<Vec<u8>> {
        let _ = self.process;
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::atomic::AtomicU8;

    use proptest::prelude::*;
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    use super::*;

    fn here(place: Lent) -> io::Result<Vec<u8>> {
        Memory::of(std::process::id()).read(place)
    }

    proptest! {
        #[test]
        fn a_piece_is_what_is_there(bytes in proptest::collection::vec(any::<u8>(), 1..9_000)) {
            prop_assert_eq!(here(Lent::piece(&bytes)).unwrap(), bytes);
        }

        #[test]
        fn an_address_where_nothing_can_be_is_an_error(
            // Below what any program may have, and the kernel's own half.
            address in prop_oneof![0..4096_u64, (1_u64 << 63)..],
            length in 1..4096_u64,
        ) {
            let place = Lent { address, length };
            prop_assert!(here(place).is_err());
        }
    }

    #[test]
    fn a_piece_that_ends_behind_what_is_there_is_an_error() {
        let place = Lent::piece(b"there");
        // More than there can be without a gap.
        assert!(here(Lent { length: 1 << 40, ..place }).is_err());
        assert!(here(Lent { length: u64::MAX, ..place }).is_err());
    }

    #[test]
    fn a_piece_that_changes_meanwhile_is_a_mixture_and_stays_as_it_was_read() {
        let changing: Vec<AtomicU8> = (0..65_536).map(|_| AtomicU8::new(b'a')).collect();
        let place = Lent { address: changing.as_ptr().expose_provenance() as u64, length: changing.len() as u64 };
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for byte in [b'b', b'a'].into_iter().cycle().take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    changing.iter().for_each(|place| place.store(byte, Ordering::Relaxed));
                }
            });
            for _ in 0..50 {
                let piece = here(place).unwrap();
                assert_eq!(piece.len(), changing.len());
                assert!(piece.iter().all(|byte| matches!(byte, b'a' | b'b')));
            }
            is_over.store(true, Ordering::Relaxed);
        });
    }

    #[test]
    fn memory_is_readable_when_the_landmark_is_where_it_is_said_to_be() {
        let memory = Memory::of(std::process::id());
        for landmark in [Vec::new(), vec![0; 8], vec![0xff; 8], vec![0; 9], address_of(b"some other text")] {
            memory.try_reading(&landmark);
            assert!(!memory.is_readable(), "{landmark:?}");
        }
        memory.try_reading(&address_of(&LANDMARK));
        assert!(memory.is_readable());
    }

    fn address_of(text: &[u8]) -> Vec<u8> {
        Lent::piece(text).address.to_le_bytes().to_vec()
    }

    #[test]
    fn a_process_that_has_ended_is_not_found() {
        let mut process = Command::new("true").stdout(Stdio::null()).spawn().unwrap();
        // Its number stays its own until it is waited for without this.
        let id = Pid::from_child(&process);
        waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        let read = Memory::of(process.id()).read(Lent::piece(b"x"));
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::NotFound);
        process.wait().unwrap();
    }
}
