//! A plugin can export every hook.

use torana_plugin::{Action, Answer, Chunk, Plugin, Request, Result, export, test};

struct Every;

impl Plugin for Every {
    type Config = ();

    fn new((): ()) -> Result<Self> {
        Ok(Self)
    }

    fn on_response_body(&self, chunk: Chunk) -> Result<Vec<u8>> {
        Ok(chunk.bytes.to_ascii_uppercase())
    }

    fn handle(&self, request: &Request) -> Result<Answer> {
        Ok(Answer::new(200).text(request.path()))
    }
}

export!(
    Every: on_request, on_backend_request, on_backend_response, on_response, on_request_body,
    on_response_body, handle,
);

/// What is not implemented passes everything.
#[test]
fn hooks_have_defaults() {
    let plugin = test::start::<Every>("null").expect("it takes no config");
    let mut request = test::Request::get("/a");
    assert_eq!(plugin.on_request(&mut request), Ok(Action::Continue));
    assert_eq!(plugin.on_backend_request(&mut request), Ok(Action::Continue));
    assert_eq!(request, test::Request::get("/a"));
    let mut response = test::Response::json(r#"{"a":1}"#);
    assert_eq!(plugin.on_response(&mut response), Ok(()));
    assert_eq!(plugin.on_backend_response(&mut response), Ok(()));
    assert_eq!(response, test::Response::json(r#"{"a":1}"#));
    assert_eq!(plugin.on_request_body(["a", "b"]), Ok(vec![b"a".to_vec(), b"b".to_vec()]));
    assert_eq!(plugin.on_response_body(["a"]), Ok(vec![b"A".to_vec()]));
    assert_eq!(plugin.handle(&mut request), Ok(Answer::new(200).text("/a")));
}
