use std::io::{self, BufRead};

/// What some editors put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of a file, one at a time, to the byte.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    number: u64,
}

/// A line in its parts; all of them together are the line as it is in the file.
pub(super) struct RawLine<'a> {
    /// Its number, from 1.
    pub(super) number: u64,
    /// A byte order mark, or nothing.
    pub(super) mark: &'a [u8],
    /// What the line says.
    pub(super) text: &'a [u8],
    /// `\n`, `\r\n`, or nothing at the end of a file that has no newline there.
    pub(super) end: &'a [u8],
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: Vec::new(), number: 0 }
    }

    /// The next line; `None` after the last.
    pub(super) fn next(&mut self) -> io::Result<Option<RawLine<'_>>> {
        self.buffer.clear();
        if self.source.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let line = self.buffer.as_slice();
        let has_mark = self.number == 1 && line.starts_with(BYTE_ORDER_MARK);
        let (mark, line) = line.split_at(if has_mark { BYTE_ORDER_MARK.len() } else { 0 });
        let end = [&b"\r\n"[..], b"\n"].into_iter().find(|end| line.ends_with(end)).map_or(0, <[u8]>::len);
        let (text, end) = line.split_at(line.len() - end);
        Ok(Some(RawLine { number: self.number, mark, text, end }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mark_and_ends_are_kept_apart_from_the_text() {
        let mut lines = Lines::new(&b"\xef\xbb\xbfa\r\n\n\xef\xbb\xbfb"[..]);
        let mut parts = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            parts.push((line.number, line.mark.len(), line.text.to_vec(), line.end.to_vec()));
        }
        let expected = [(1, 3, "a", "\r\n"), (2, 0, "", "\n"), (3, 0, "\u{feff}b", "")];
        assert_eq!(parts, expected.map(|(number, mark, text, end)| (number, mark, text.into(), end.into())));
    }

    proptest! {
        #[test]
        fn the_parts_of_all_lines_are_the_file(bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200)) {
            let (mut lines, mut together) = (Lines::new(bytes.as_slice()), Vec::new());
            while let Some(RawLine { mark, text, end, .. }) = lines.next().unwrap() {
                together.extend([mark, text, end].concat());
            }
            prop_assert_eq!(together, bytes);
        }
    }
}
