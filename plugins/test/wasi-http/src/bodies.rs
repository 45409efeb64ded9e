//! Bodies, piece by piece.

use wasip2::{
    http::types::{
        Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
    },
    io::streams::{OutputStream, StreamError},
};

/// Bytes that are read at once.
const PIECE: u64 = 64 << 10;

/// Answers with the request's body while it still arrives.
pub(crate) fn echo(request: &IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().expect("the first time");
    let response = OutgoingResponse::new(Fields::new());
    let outgoing = response.body().expect("the first time");
    ResponseOutparam::set(out, Ok(response));
    {
        let stream = outgoing.write().expect("the first time");
        read(&incoming, |piece| write_all(&stream, piece)).expect("a body that is whole");
    }
    OutgoingBody::finish(outgoing, None).expect("no length was announced");
}

/// Answers with so many MiB of letters, with their length.
pub(crate) fn large(out: ResponseOutparam, mebibytes: u64) {
    let headers = Fields::new();
    let length = (mebibytes << 20).to_string();
    headers.append("content-length", length.as_bytes()).expect("a length");
    let response = OutgoingResponse::new(headers);
    let outgoing = response.body().expect("the first time");
    ResponseOutparam::set(out, Ok(response));
    {
        let stream = outgoing.write().expect("the first time");
        for mebibyte in 0..mebibytes {
            let letter = b'a' + u8::try_from(mebibyte % 26).expect("a letter");
            write_all(&stream, &vec![letter; 1 << 20]);
        }
    }
    OutgoingBody::finish(outgoing, None).expect("all that was announced");
}

/// Reads all of a body; gives how much that was, or nothing if it broke off.
pub(crate) fn read(body: &IncomingBody, mut each: impl FnMut(&[u8])) -> Option<usize> {
    let stream = body.stream().expect("the first time");
    let mut length = 0;
    loop {
        match stream.blocking_read(PIECE) {
            Ok(piece) => {
                length += piece.len();
                each(&piece);
            }
            Err(StreamError::Closed) => return Some(length),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
    }
}

/// Writes all of it.
pub(crate) fn write(body: &OutgoingBody, bytes: &[u8]) {
    write_all(&body.write().expect("the first time"), bytes);
}

fn write_all(stream: &OutputStream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        stream.subscribe().block();
        let room = stream.check_write().expect("somebody reads");
        let (now, later) =
            bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        stream.write(now).expect("somebody reads");
        bytes = later;
    }
}
