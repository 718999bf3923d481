//! A small file is rewritten as a whole: it is tidy at once, and no reader sees it half changed.

use super::super::disk::{Disk, read_exact};
use super::super::error::StoreError;
use super::super::file::DefectFile;
use super::super::replace::replace;
use super::batch::{Edit, What};
use super::tidy;

/// Puts a new file in the place of this one, on stable storage when it returns.
pub(super) fn rewrite<'a>(
    disk: &dyn Disk,
    file: &DefectFile,
    edits: impl Iterator<Item = &'a Edit>,
) -> Result<(), StoreError> {
    let failed = file.failed("read");
    let path = disk.canonicalize(&file.path).map_err(&failed)?;
    let mut pieces = Vec::new();
    let content = {
        let index = file.index();
        let length = usize::try_from(index.length).unwrap_or(0);
        let content = read_exact(&**file.handle(), 0, length).map_err(&failed)?;
        for edit in edits {
            match &edit.what {
                What::Append { text, .. } => pieces.push((content.len(), content.len(), Some(text))),
                What::Rewrite { slot, text, .. } => pieces.extend(index.get(*slot).map(|entry| {
                    let start = usize::try_from(entry.offset()).unwrap_or(0);
                    (start, start + entry.room as usize, Some(text))
                })),
                What::Remove { slot } => pieces.extend(index.get(*slot).map(|entry| {
                    let start = usize::try_from(entry.offset()).unwrap_or(0);
                    (start, start + entry.room as usize, None)
                })),
            }
        }
        content
    };
    // Stable: what is appended stays in order.
    pieces.sort_by_key(|(start, ..)| *start);
    let mut new = Vec::with_capacity(content.len());
    let mut kept_to = 0;
    for (start, end, text) in pieces {
        keep_tidy(&mut new, &content[kept_to..start]);
        kept_to = end;
        if let Some(text) = text {
            let is_appended = start == content.len();
            if is_appended && !new.is_empty() && !new.ends_with(b"\n") && new != b"\xef\xbb\xbf" {
                new.push(b'\n');
            }
            new.extend_from_slice(text);
            if is_appended || end == content.len() {
                new.push(b'\n');
            }
        } else {
            // A removed line goes with its end.
            let rest = &content[end..];
            kept_to += [&b"\r\n"[..], b"\n"].into_iter().find(|end| rest.starts_with(end)).map_or(0, <[u8]>::len);
        }
    }
    keep_tidy(&mut new, &content[kept_to..]);
    replace(disk, &path, &path, |out| out.write_all(&new).map_err(file.failed("write")))
}

/// Adds bytes that nobody edits, without what we left untidy in them.
fn keep_tidy(out: &mut Vec<u8>, kept: &[u8]) {
    for line in kept.split_inclusive(|byte| *byte == b'\n') {
        if out.is_empty() || out.ends_with(b"\n") {
            tidy::keep_tidy(out, line);
        } else {
            out.extend_from_slice(line);
        }
    }
}
