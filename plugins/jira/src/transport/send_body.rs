//! A body as a stream that can begin again, and that knows whether any of it was sent.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek as _, SeekFrom};

use super::target::escape_pairs;
use super::{Body, TransportError};

/// One try's body.
pub(super) struct SendBody<'a> {
    pub(super) content_type: Option<String>,
    pub(super) length: u64,
    head: Cursor<Vec<u8>>,
    file: Option<(&'a File, u64)>,
    tail: Cursor<Vec<u8>>,
    /// True as soon as the connection stood, the head was sent and the body began.
    pub(super) started: bool,
}

impl<'a> SendBody<'a> {
    pub(super) fn new(call: &str, body: Body<'a>) -> Result<Self, TransportError> {
        let whole = |content_type: Option<&str>, bytes: Vec<u8>| Self {
            content_type: content_type.map(str::to_owned),
            length: bytes.len() as u64,
            head: Cursor::new(bytes),
            file: None,
            tail: Cursor::default(),
            started: false,
        };
        Ok(match body {
            Body::Empty => whole(None, Vec::new()),
            Body::Json(value) => whole(Some("application/json"), value.to_string().into_bytes()),
            Body::Form(pairs) => {
                whole(Some("application/x-www-form-urlencoded"), escape_pairs(pairs.iter().copied()).into_bytes())
            }
            Body::File { name, mut content } => {
                let size = content
                    .seek(SeekFrom::Start(0))
                    .and_then(|_| content.metadata())
                    .map_err(|source| TransportError::File { call: call.to_owned(), source })?
                    .len();
                let boundary: String = (0..40).map(|_| fastrand::alphanumeric()).collect();
                let head = format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
                     Content-Type: application/octet-stream\r\n\r\n",
                    escape_file_name(name)
                );
                let tail = format!("\r\n--{boundary}--\r\n");
                Self {
                    content_type: Some(format!("multipart/form-data; boundary={boundary}")),
                    length: head.len() as u64 + size + tail.len() as u64,
                    head: Cursor::new(head.into_bytes()),
                    file: Some((content, size)),
                    tail: Cursor::new(tail.into_bytes()),
                    started: false,
                }
            }
        })
    }
}

/// As browsers do it (HTML standard, "escape a multipart/form-data name"): the rest stays UTF-8.
fn escape_file_name(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

impl Read for SendBody<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.started = true;
        let read = self.head.read(buffer)?;
        if read > 0 {
            return Ok(read);
        }
        if let Some((file, left)) = &mut self.file
            && *left > 0
        {
            let read = file.take(*left).read(buffer)?;
            if read == 0 && !buffer.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was sent"));
            }
            *left -= read as u64;
            return Ok(read);
        }
        self.tail.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_file_is_one_part_and_begins_again() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"12345").unwrap();
        for _ in 0..2 {
            let mut body = SendBody::new("", Body::File { name: "ä\"\r\nX: y.txt", content: &file }).unwrap();
            let mut text = String::new();
            body.read_to_string(&mut text).unwrap();
            assert_eq!(text.len() as u64, body.length);
            let boundary =
                body.content_type.as_deref().unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
            let expected = format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ä%22%0D%0AX: y.txt\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n12345\r\n--{boundary}--\r\n"
            );
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn a_file_that_shrinks_or_grows_meanwhile() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        let mut body = SendBody::new("", Body::File { name: "a", content: &file }).unwrap();
        file.set_len(10).unwrap();
        assert!(body.read_to_end(&mut Vec::new()).unwrap_err().to_string().contains("became shorter"));

        let mut body = SendBody::new("", Body::File { name: "a", content: &file }).unwrap();
        file.set_len(100).unwrap();
        assert_eq!(body.read_to_end(&mut Vec::new()).unwrap() as u64, body.length);
    }
}
