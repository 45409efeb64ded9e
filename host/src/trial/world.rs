//! What stands around a plugin in a trial: a backend and other services that answer as they are told.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use torana_config::valid::Host;
use torana_core::{
    Body, Data, Error, ErrorKind, Request, RequestContext, Response, ResponseParts,
    entity::Object,
    pipeline::{Backend, BoxFuture, BuildContext, Middleware, Next, Outcome},
};

use super::{
    script::{Call, Message},
    trace::Trace,
};

/// Largest body that is shown.
const MAX_BODY: usize = 16 << 20;

/// Key of [`Services`] among the resources.
pub(super) const KEY: &str = "trial";

/// What other services answer.
pub(super) struct Services {
    pub(super) calls: Vec<Call>,
    pub(super) trace: Trace,
}

/// How plugins reach other services here. For the context of a build.
pub(super) fn upstream(cx: &mut BuildContext<'_>, host: &Host) -> Option<Arc<dyn Backend>> {
    let services = cx.resources.get::<Services>(&KEY)?;
    Some(Arc::new(Origin { url: host.url.clone(), services }))
}

struct Origin {
    url: String,
    services: Arc<Services>,
}

impl Origin {
    fn answer(&self, request: &Request) -> Outcome {
        let query = if request.query.is_empty() { "" } else { "?" };
        let url = format!("{}{}{query}{}", self.url, request.path, request.query);
        let method = request.method.as_str();
        let call = self.services.calls.iter().find(|call| {
            call.method == method && (call.url == url || format!("{}/", call.url) == url)
        });
        self.services.trace.note(format!("http {method} {url}"));
        let Some(call) = call else {
            let message = format!("no answer is written for it: add `### http {method} {url}`");
            self.services.trace.note(message.clone());
            return Err(Error::new(ErrorKind::Unavailable, message));
        };
        answer(&call.answer, false)
    }
}

impl Backend for Origin {
    fn call<'a>(&'a self, _: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(std::future::ready(self.answer(&request)))
    }
}

/// Makes an answer of its text.
pub(super) fn answer(message: &Message, decodes: bool) -> Outcome {
    let wrong = |message: String| Error::new(ErrorKind::Internal, message);
    let status = message.status().and_then(|status| StatusCode::from_u16(status).ok());
    let status = status.ok_or_else(|| wrong(format!("`{}` has no status", message.first)))?;
    let headers = headers(&message.headers).map_err(wrong)?;
    let body = Bytes::from(message.body.clone().unwrap_or_default());
    let data = if decodes {
        let object = (!body.is_empty()).then(|| Object::parse(&body)).transpose().map_err(|error| {
            wrong(format!("the backend's answer must be a JSON object ({error}), or write `### encoding no-op`"))
        })?;
        Data::Entity(object)
    } else {
        Data::Body(Body::from_bytes(body))
    };
    Ok(Response::new(status, headers, data))
}

/// Header fields of their text.
pub(super) fn headers(fields: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let wrong = || format!("`{name}: {value}` is not a header");
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// The text of header fields.
fn fields(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// The text of a body, if there is one.
pub(super) async fn text(body: Body) -> Result<Option<String>, Error> {
    let bytes = body.collect(MAX_BODY).await?;
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The text of an answer.
pub(super) async fn response_text(response: Response) -> Result<Message, Error> {
    let ResponseParts { status, headers, data, .. } = response.into_parts();
    let body = match data {
        Data::Entity(entity) => {
            entity.map(|object| String::from_utf8_lossy(&object.to_bytes()).into_owned())
        }
        Data::Body(body) => text(body).await?,
    };
    let first = format!("HTTP/1.1 {status}");
    Ok(Message { first, headers: fields(&headers), absent: Vec::new(), body })
}

/// The backend: remembers the request, and answers.
pub(super) struct Scripted {
    pub(super) seen: Arc<Mutex<Option<Message>>>,
    pub(super) answer: Message,
    pub(super) decodes: bool,
}

impl Scripted {
    async fn run(&self, mut request: Request) -> Outcome {
        let body = text(std::mem::take(&mut request.body)).await?;
        let query = if request.query.is_empty() { "" } else { "?" };
        let first = format!("{} {}{query}{}", request.method, request.path, request.query);
        let seen = Message { first, headers: fields(&request.headers), absent: Vec::new(), body };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        answer(&self.answer, self.decodes)
    }
}

impl Backend for Scripted {
    fn call<'a>(&'a self, _: &'a RequestContext, request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(self.run(request))
    }
}

/// Says which hook runs next: between the plugin's places in the pipeline.
pub(super) struct Caption {
    pub(super) trace: Trace,
    /// Of the request, behind this place.
    pub(super) request: &'static str,
    /// Of the response, in front of this place.
    pub(super) response: &'static str,
}

impl Middleware for Caption {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.trace.caption(self.request);
            let outcome = next.run(cx, request).await;
            self.trace.caption(self.response);
            outcome
        })
    }
}
