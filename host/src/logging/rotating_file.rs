//! The log file, rotated as Python's `RotatingFileHandler` does it.
//!
//! Not the crate `file-rotate`: 0.8.0 panics when something stands in the way of a backup or the folder
//! is gone, and reports success for lines that it could not write because the file did not open.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// `<file>.1`, the newest, to `<file>.5`.
const BACKUPS: usize = 5;

/// A file that cannot be rotated is tried again when it has grown by this part of its limit.
const RETRY_PART: u64 = 10;

/// A file that lines are appended to, and that makes room for itself when it is full.
///
/// Every line is handed to the operating system at once: nothing is lost when the process ends.
pub(super) struct RotatingFile {
    path: PathBuf,
    limit: u64,
    rotate_at: u64,
    /// `None` after a failure; the next line opens the file anew.
    file: Option<File>,
}

impl RotatingFile {
    /// Opens the file or creates it; what it holds already stays. `limit` is its greatest size in bytes.
    pub(super) fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let path = std::path::absolute(path)?;
        let file = Some(open_for_lines(&path)?);
        Ok(Self { path, limit, rotate_at: limit, file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a new file when `coming` more bytes would fill this one. After an error the old file is
    /// still in use, and lines are not lost but the limit is not kept.
    pub(super) fn rotate_if_full(&mut self, coming: usize) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let metadata = file.metadata()?;
        let size = metadata.len();
        // As in Python: pipes and devices are not rotated.
        if !metadata.is_file() || size == 0 || size + coming as u64 <= self.rotate_at {
            return Ok(());
        }
        self.rotate_at = size + self.limit / RETRY_PART;
        self.file = None; // Windows renames no open file
        for number in (1..BACKUPS).rev() {
            move_if_there(&self.backup(number), &self.backup(number + 1))?;
        }
        move_if_there(&self.path, &self.backup(1))?;
        self.rotate_at = self.limit;
        Ok(())
    }

    /// Appends one or more whole lines. After an error they are lost, the next ones need not be.
    pub(super) fn append(&mut self, lines: &str) -> io::Result<()> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => open_for_lines(&self.path)?,
        };
        file.write_all(lines.as_bytes())?;
        self.file = Some(file);
        Ok(())
    }

    fn backup(&self, number: usize) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{number}"));
        path.into()
    }
}

/// Opens a file whose next byte starts a line, also when a full disk or a crash cut the last one off.
fn open_for_lines(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if file.metadata()?.is_file() && last_byte(path).is_ok_and(|byte| byte != b'\n') {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn last_byte(path: &Path) -> io::Result<u8> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder of the last backup, so that no file can take its place.
#[cfg(test)]
pub(super) fn block_rotation(path: &Path) -> PathBuf {
    fs::write(path.with_extension("log.4"), "old\n").unwrap();
    let in_the_way = path.with_extension("log.5");
    fs::create_dir(&in_the_way).unwrap();
    in_the_way
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    /// A folder, the path of a log file in it, and a reader of the files by their endings.
    struct Logs {
        folder: TempDir,
        path: PathBuf,
    }

    impl Logs {
        fn new() -> Self {
            let folder = TempDir::new().unwrap();
            let path = folder.path().join("x.log");
            Self { folder, path }
        }

        fn open(&self) -> RotatingFile {
            RotatingFile::open(&self.path, 20).unwrap()
        }

        fn read(&self, ending: &str) -> Option<String> {
            fs::read_to_string(self.folder.path().join(format!("x.log{ending}"))).ok()
        }
    }

    fn write(file: &mut RotatingFile, line: &str) {
        file.rotate_if_full(line.len()).unwrap();
        file.append(line).unwrap();
    }

    #[test]
    fn the_newest_backup_is_1_and_there_are_five() {
        let logs = Logs::new();
        let mut file = logs.open();
        for number in 0..8 {
            write(&mut file, &format!("line {number} of 16 b\n"));
        }
        assert_eq!(logs.read("").unwrap(), "line 7 of 16 b\n");
        for ago in 1..=5 {
            assert_eq!(logs.read(&format!(".{ago}")).unwrap(), format!("line {} of 16 b\n", 7 - ago));
        }
        assert_eq!(logs.read(".6"), None);
    }

    #[test]
    fn an_existing_file_is_continued_and_counts() {
        let logs = Logs::new();
        fs::write(&logs.path, "0123456789\n").unwrap();
        let mut file = logs.open();
        write(&mut file, "abcd\n");
        assert_eq!(logs.read("").unwrap(), "0123456789\nabcd\n");
        write(&mut file, "efgh\n");
        assert_eq!(logs.read("").unwrap(), "efgh\n");
    }

    #[test]
    fn a_line_larger_than_the_file_is_written_whole() {
        let logs = Logs::new();
        let mut file = logs.open();
        write(&mut file, "a line of more than twenty bytes\n");
        assert_eq!(logs.read("").unwrap(), "a line of more than twenty bytes\n");
        assert_eq!(logs.read(".1"), None);
    }

    #[test]
    fn a_line_cut_off_by_a_crash_stays_alone() {
        let logs = Logs::new();
        fs::write(&logs.path, "cut o").unwrap();
        write(&mut logs.open(), "next\n");
        assert_eq!(logs.read("").unwrap(), "cut o\nnext\n");
    }

    #[test]
    fn a_file_that_cannot_be_rotated_goes_on() {
        let logs = Logs::new();
        let mut file = RotatingFile::open(&logs.path, 200).unwrap();
        let line = format!("{}\n", "x".repeat(189));
        write(&mut file, &line);
        let in_the_way = block_rotation(&logs.path);
        assert!(file.rotate_if_full(11).is_err());
        file.append("0123456789\n").unwrap();
        write(&mut file, "near\n"); // not tried again at every line
        assert_eq!(logs.read("").unwrap(), format!("{line}0123456789\nnear\n"));
        assert!(file.rotate_if_full(20).is_err());
        fs::remove_dir(in_the_way).unwrap();
        file.append(&line).unwrap();
        write(&mut file, "next\n");
        assert_eq!(logs.read("").unwrap(), "next\n");
        assert_eq!(logs.read(".5").unwrap(), "old\n");
    }

    #[test]
    fn a_folder_that_comes_back_gets_the_next_lines() {
        let logs = Logs::new();
        let path = logs.folder.path().join("sub/x.log");
        fs::create_dir(logs.folder.path().join("sub")).unwrap();
        let mut file = RotatingFile::open(&path, 20).unwrap();
        write(&mut file, "0123456789\n");
        fs::remove_dir_all(logs.folder.path().join("sub")).unwrap();
        file.rotate_if_full(11).unwrap();
        assert!(file.append("lost\n").is_err());
        fs::create_dir(logs.folder.path().join("sub")).unwrap();
        write(&mut file, "there\n");
        assert_eq!(fs::read_to_string(path).unwrap(), "there\n");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn lines_after_a_full_disk_are_written() {
        let logs = Logs::new();
        std::os::unix::fs::symlink("/dev/full", &logs.path).unwrap();
        let mut file = logs.open();
        file.rotate_if_full(100).unwrap();
        assert_eq!(file.append("lost\n").unwrap_err().kind(), ErrorKind::StorageFull);
        fs::remove_file(&logs.path).unwrap();
        write(&mut file, "there\n");
        assert_eq!(logs.read("").unwrap(), "there\n");
    }
}
