//! Attachments.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::call::Call;
use crate::face::{Face, date};
use crate::http::{Answer, Reply, Request, error};
use crate::state::{Attachment, State};

/// One part of a multipart body.
pub(crate) struct Part {
    pub(crate) name: String,
    file_name: Option<String>,
    media_type: String,
    bytes: Bytes,
}

/// The parts of a multipart body; none of another one or of one that is broken.
pub(crate) async fn parts(request: &Request) -> Vec<Part> {
    let media_type = request.header("content-type").unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(media_type) else { return Vec::new() };
    let body = request.body.clone();
    let stream = futures_util::stream::once(async move { Ok::<_, std::io::Error>(body) });
    let mut multipart = multer::Multipart::new(stream, boundary);
    let mut parts = Vec::new();
    while let Ok(Some(field)) = multipart.next_field().await {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let media_type = field.content_type().map_or_else(|| "application/octet-stream".into(), ToString::to_string);
        let Ok(bytes) = field.bytes().await else { return Vec::new() };
        parts.push(Part { name, file_name, media_type, bytes });
    }
    parts
}

/// As issues and uploads show it: the id is a string, while the attachment itself has a number.
pub(crate) fn show(state: &State, face: &Face, attachment: &Attachment) -> Value {
    let name = percent_encoding::utf8_percent_encode(&attachment.name, percent_encoding::NON_ALPHANUMERIC);
    let content = if face.cloud() {
        format!("{}/rest/api/{}/attachment/content/{}", face.site, face.version, attachment.id)
    } else {
        format!("{}/secure/attachment/{}/{name}", face.site, attachment.id)
    };
    json!({"self": face.link(&format!("attachment/{}", attachment.id)), "id": attachment.id.to_string(),
           "filename": attachment.name, "author": state.show_user(face, &attachment.author),
           "created": date(attachment.created), "size": attachment.bytes.len(),
           "mimeType": attachment.media_type, "content": content})
}

pub(crate) fn add(call: &mut Call<'_>, issue: &str) -> Reply {
    call.query(&[]);
    let token = call.request.header("x-atlassian-token").unwrap_or_default();
    if !["no-check", "nocheck"].contains(&token) {
        return Err(Box::new(Answer::new(403, "text/plain", "XSRF check failed")));
    }
    let id = call.issue(issue)?;
    if !call.request.header("content-type").unwrap_or_default().starts_with("multipart/form-data") {
        return Err(error(415, "Unsupported Media Type"));
    }
    let files: Vec<&Part> = call.parts.iter().filter(|part| part.name == "file").collect();
    if files.is_empty() || files.iter().any(|part| part.file_name.is_none()) {
        return Err(error(400, "No file was attached: each part has to have the name \"file\" and a file name."));
    }
    if call.face.cloud() && files.len() > 60 {
        return Err(error(413, "The number of files exceeds the limit of 60."));
    }
    if let Some(large) = files.iter().find(|part| part.bytes.len() as u64 > call.state.upload_limit) {
        let name = large.file_name.as_deref().unwrap_or_default();
        return Err(error(
            413,
            format!("The file {name} exceeds its maximum permitted size of {} bytes.", call.state.upload_limit),
        ));
    }
    let mut shown = Vec::new();
    for part in files {
        let attachment = Attachment {
            id: call.state.id(),
            issue: id,
            name: part.file_name.clone().unwrap_or_default(),
            media_type: part.media_type.clone(),
            author: call.user.clone(),
            created: call.state.now(),
            bytes: part.bytes.clone(),
        };
        shown.push(show(call.state, &call.face, &attachment));
        call.state.attachments.insert(attachment.id, attachment);
    }
    let now = call.state.now();
    if let Some(issue) = call.state.issues.get_mut(&id) {
        issue.updated = now;
    }
    call.state.changed();
    Answer::ok(&shown.into())
}

fn find<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a Attachment, Box<Answer>> {
    let found = id.parse().ok().and_then(|id: u64| call.state.attachments.get(&id));
    found.ok_or_else(|| error(404, format!("The attachment with id '{id}' does not exist")))
}

pub(crate) fn read(call: &mut Call<'_>, id: &str) -> Reply {
    call.query(&[]);
    let attachment = find(call, id)?;
    let mut shown = show(call.state, &call.face, attachment);
    shown["id"] = attachment.id.into();
    Answer::ok(&shown)
}

pub(crate) fn remove(call: &mut Call<'_>, id: &str) -> Reply {
    call.query(&[]);
    let id = find(call, id)?.id;
    call.state.attachments.remove(&id);
    call.state.changed();
    Ok(Answer::no_content())
}

pub(crate) fn limits(call: &mut Call<'_>) -> Reply {
    call.query(&[]);
    Answer::ok(&json!({"enabled": true, "uploadLimit": call.state.upload_limit}))
}

/// Cloud sends callers to another host, unless they do not want that.
pub(crate) fn content(call: &mut Call<'_>, id: &str) -> Reply {
    let redirect = call.query(&["redirect"]).flag("redirect", true)?;
    let attachment = find(call, id)?;
    if redirect {
        let to = format!("{}/file/{}/binary?token=signed", call.face.media, attachment.id);
        return Ok(Answer { status: 303, headers: vec![("location".into(), to)], body: Bytes::new() });
    }
    Ok(bytes(attachment))
}

/// Data Center's address of the bytes.
pub(crate) fn secure(call: &mut Call<'_>, id: &str) -> Reply {
    find(call, id).map(bytes)
}

/// Cloud's other host: its addresses are signed, and it refuses credentials that are not for it.
pub(crate) fn media(state: &State, request: &Request) -> Answer {
    if request.headers.contains_key("authorization") {
        return Answer::new(400, "text/plain", "Only one auth mechanism allowed");
    }
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let found = match path.as_slice() {
        ["file", id, "binary"] => id.parse().ok().and_then(|id: u64| state.attachments.get(&id)),
        _ => None,
    };
    found.map_or_else(|| Answer::new(404, "text/plain", "Not Found"), bytes)
}

fn bytes(attachment: &Attachment) -> Answer {
    let name = attachment.name.replace(['"', '\r', '\n'], "_");
    Answer::new(200, &attachment.media_type, attachment.bytes.clone())
        .with_header("content-disposition", format!("attachment; filename=\"{name}\""))
}
