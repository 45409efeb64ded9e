//! A component of the standard world `wasi:http/proxy` that does what its path says.

mod bodies;
mod wrong;

use wasip2::{
    exports::http::incoming_handler::Guest,
    http::{
        outgoing_handler,
        types::{
            ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingRequest, OutgoingResponse,
            ResponseOutparam, Scheme,
        },
    },
};

use crate::bodies::{read, write};

struct Component;

wasip2::http::proxy::export!(Component);

impl Guest for Component {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        match path {
            "/hello" => text(out, "hello"),
            "/echo" => bodies::echo(&request, out),
            "/about" => text(out, &about(&request)),
            "/large" => bodies::large(out, number(query)),
            "/fetch" => text(out, &fetch(query)),
            "/variables" => {
                let mut variables: Vec<_> = std::env::vars().collect();
                variables.sort();
                text(out, &format!("{variables:?}"));
            }
            "/files" => text(out, &format!("{:?}", std::fs::read_dir("/").err())),
            "/socket" => text(out, &format!("{:?}", std::net::TcpStream::connect(query).err())),
            "/print" => {
                println!("printed {query}");
                eprintln!("complained {query}");
                text(out, "printed");
            }
            "/status" => respond(out, u16::try_from(number(query)).unwrap_or(0), &[], b""),
            "/fields" => {
                let fields =
                    [("x-one", "1"), ("x-one", "2"), ("te", "trailers"), ("x-\u{e4}", "name")];
                respond(out, 201, &fields, b"fields");
            }
            "/beside" => {
                text(out, "answered");
                eprintln!("went on");
            }
            _ => wrong::go(path, &request, out),
        }
    }
}

fn number(query: &str) -> u64 {
    query.parse().expect("a number")
}

fn text(out: ResponseOutparam, text: &str) {
    respond(out, 200, &[("content-type", "text/plain")], text.as_bytes());
}

/// An answer whose body leaves as a whole. Fields that cannot be are left out.
fn respond(out: ResponseOutparam, status: u16, fields: &[(&str, &str)], body: &[u8]) {
    let headers = Fields::new();
    for (name, value) in fields {
        let _ = headers.append(name, value.as_bytes());
    }
    let response = OutgoingResponse::new(headers);
    response.set_status_code(status).expect("a status");
    let outgoing = response.body().expect("the first time");
    ResponseOutparam::set(out, Ok(response));
    write(&outgoing, body);
    OutgoingBody::finish(outgoing, None).expect("all that was announced");
}

/// The request in words.
fn about(request: &IncomingRequest) -> String {
    let mut fields: Vec<_> = request.headers().entries();
    fields.sort();
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    let method = request.method();
    let scheme = request.scheme().map(|scheme| format!("{scheme:?}")).unwrap_or_default();
    let authority = request.authority().unwrap_or_default();
    let target = request.path_with_query().unwrap_or_default();
    format!("{method:?} {scheme} {authority} {target} [{}]", fields.join(", "))
}

/// Asks `http://AUTHORITY/PATH`, or several of them with `|` between, and says what was answered.
fn fetch(urls: &str) -> String {
    let answers: Vec<String> =
        urls.split('|').map(|url| ask(url).unwrap_or_else(|code| format!("{code:?}"))).collect();
    answers.join("|")
}

fn ask(url: &str) -> Result<String, ErrorCode> {
    let rest = url.strip_prefix("http://").ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let headers = Fields::new();
    headers.append("x-from", b"guest").expect("a field");
    let request = OutgoingRequest::new(headers);
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request.set_authority(Some(authority)).expect("an authority");
    request.set_path_with_query(Some(&format!("/{path}"))).expect("a path");
    let answer = outgoing_handler::handle(request, None)?;
    answer.subscribe().block();
    let answer = answer.get().expect("ready").expect("the first time")?;
    let body = answer.consume().expect("the first time");
    let body = read(&body, |_| {});
    Ok(format!("{} {}", answer.status(), body.map_or("broken".to_owned(), |n| n.to_string())))
}
