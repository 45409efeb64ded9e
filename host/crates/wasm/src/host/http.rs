//! `torana:plugin/http`: requests to granted origins.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use torana_core::{Body, Error as CoreError, ErrorKind, Response as CoreResponse};

use super::exchange::{FieldError, settable};
use crate::{
    bindings::torana::plugin::http::{Error, Host, Request, Response},
    fiber::Task,
    outbound::{LONGEST, Outgoing, Refused, log_denied},
    state::State,
};

/// Time limit of a request that names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1);
/// Largest body of an answer when the plugin's `limits.body` does not say otherwise.
const DEFAULT_BODY: usize = 1 << 20;

type Answer = Result<(CoreResponse, Bytes), CoreError>;

impl Host for State {
    async fn send(&mut self, request: Request) -> wasmtime::Result<Result<Response, Error>> {
        let started = Instant::now();
        let answer = match self.begin(request)? {
            Ok(task) => answer(task.end().await),
            Err(error) => Err(error),
        };
        self.budget.waited(started.elapsed());
        Ok(answer)
    }

    async fn send_all(
        &mut self,
        requests: Vec<Request>,
    ) -> wasmtime::Result<Vec<Result<Response, Error>>> {
        let started = Instant::now();
        // All are on their way before the first one is awaited.
        let tasks: Vec<_> =
            requests.into_iter().map(|request| self.begin(request)).collect::<Result<_, _>>()?;
        let mut answers = Vec::with_capacity(tasks.len());
        for task in tasks {
            answers.push(match task {
                Ok(task) => answer(task.end().await),
                Err(error) => Err(error),
            });
        }
        self.budget.waited(started.elapsed());
        Ok(answers)
    }
}

impl State {
    /// Sends a request on its way.
    fn begin(&mut self, request: Request) -> wasmtime::Result<Result<Task<Answer>, Error>> {
        self.exchange.check_running()?;
        Ok(self.outgoing(request))
    }

    fn outgoing(&mut self, request: Request) -> Result<Task<Answer>, Error> {
        let uri: Uri = request
            .url
            .parse()
            .map_err(|_| Error::Invalid(format!("`{}` is not a URL", request.url)))?;
        let upstream = self.facts.upstreams.find(&uri).map_err(|refused| match refused {
            Refused::Invalid(reason) => Error::Invalid(format!("`{}`: {reason}", request.url)),
            Refused::Denied(origin) => {
                log_denied(&self.facts, self.exchange.request_id, &origin);
                Error::Denied(origin.as_str().to_owned())
            }
        })?;
        let method = Method::from_bytes(request.method.as_bytes())
            .ok()
            .filter(|method| *method != Method::CONNECT)
            .ok_or_else(|| Error::Invalid(format!("`{}` is not a method", request.method)))?;
        if self.exchange.calls >= self.facts.limits.calls {
            return Err(Error::TooMany);
        }
        let timeout = request
            .timeout_ms
            .map_or(DEFAULT_TIMEOUT, |time| Duration::from_millis(time.into()).min(LONGEST));
        let limit = self.facts.limits.body.largest().unwrap_or(DEFAULT_BODY);
        let mut outgoing = Outgoing::new(method, &uri, timeout, limit);
        outgoing.request.headers = headers(request.headers)?;
        outgoing.request.body = Body::from_bytes(Bytes::from(request.body));
        let runtime = self
            .exchange
            .runtime
            .as_ref()
            .ok_or_else(|| Error::Failed("there is no runtime to send from".to_owned()))?;
        self.exchange.calls += 1;
        let upstream = std::sync::Arc::clone(upstream);
        Ok(outgoing.send(runtime, self.exchange.request_id, upstream))
    }
}

fn headers(fields: Vec<(String, String)>) -> Result<HeaderMap, Error> {
    let invalid = |error: FieldError| Error::Invalid(error.to_string());
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name = settable(&name).map_err(invalid)?;
        let value = FieldError::value(&name, value).map_err(invalid)?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn answer(answer: Answer) -> Result<Response, Error> {
    let (response, body) = answer.map_err(|error| match error.kind() {
        ErrorKind::Timeout => Error::Timeout,
        ErrorKind::TooLarge => Error::TooLarge,
        _ => Error::Failed(error.to_string()),
    })?;
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Ok(Response {
        status: response.status.as_u16(),
        headers: response.headers.iter().map(field).collect(),
        body: body.to_vec(),
    })
}
