//! What a backend's answer means: status (reference 5.1), decoding (5.2), formatting (5.3). Left out for `no-op`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use torana_config::config;

use crate::{
    Data, Error, ErrorKind, Request, RequestContext, Response,
    encoding::{self, Decoder},
    entity::Object,
    format::Formatter,
    pipeline::{
        BoxFuture, BuildContext, Built, Level, Middleware, Next, Outcome, Step, StepFactory,
    },
};

/// Largest body of a backend that is decoded, in bytes.
const DECODE_LIMIT: usize = 32 << 20;
/// Largest body of a failing backend that is kept for the client, in bytes.
const ERROR_BODY_LIMIT: usize = 64 << 10;

config! {
    /// `backend/http`: what becomes of a backend's error status.
    pub struct BackendHttpConfig {
        /// Give a failing backend's status to the client (single backend, or the first of a sequence).
        "return_error_code" return_error_code: bool = false,
        /// Answer 200 with the failure as data under `error_ALIAS`; this is the alias. Wins over `return_error_code`.
        "return_error_details" return_error_details: Option<String> = None,
    }
}

/// Makes the step that turns a backend's bytes into data.
pub struct Decode;

impl StepFactory for Decode {
    fn name(&self) -> &'static str {
        "decode"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &["backend/http"]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Backend(_, backend) = cx.level else { return None };
        let config = cx.component("backend/http").cloned().and_then(|component| {
            torana_config::read::<BackendHttpConfig>(
                &component.value,
                &component.at,
                cx.diagnostics,
            )
        });
        if backend.encoding == torana_config::valid::Encoding::NoOp || backend.workflow.is_some() {
            return None;
        }
        let formatter = Formatter::new(backend, cx.diagnostics);
        let on_failure = match config {
            Some(BackendHttpConfig { return_error_details: Some(alias), .. }) => {
                OnFailure::Details(format!("error_{alias}"))
            }
            Some(BackendHttpConfig { return_error_code: true, .. }) => OnFailure::Code,
            _ => OnFailure::Error,
        };
        let detail = format!(
            "{}{}{}{}",
            backend.encoding.word(),
            if backend.is_collection { "; collection" } else { "" },
            formatter.describe(),
            on_failure.describe(),
        );
        Some(Built {
            step: Step::Around(Box::new(Decoding {
                decoder: encoding::decoder(backend.encoding),
                is_collection: backend.is_collection,
                formatter,
                on_failure,
                pattern: backend.url_pattern.source.clone(),
            })),
            detail,
            at: Some(backend.at.clone()),
        })
    }
}

enum OnFailure {
    Error,
    Code,
    Details(String),
}

impl OnFailure {
    fn describe(&self) -> String {
        match self {
            Self::Error => String::new(),
            Self::Code => "; return_error_code".to_owned(),
            Self::Details(key) => format!("; failure as {key}"),
        }
    }
}

struct Decoding {
    decoder: &'static dyn Decoder,
    is_collection: bool,
    formatter: Formatter,
    on_failure: OnFailure,
    pattern: String,
}

impl Middleware for Decoding {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let method = request.method.clone();
            let mut response = next.run(cx, request).await?;
            // A step below may have answered with data already.
            let Data::Body(body) = &mut response.data else { return Ok(response) };
            let body = std::mem::take(body);
            if !matches!(response.status, StatusCode::OK | StatusCode::CREATED) {
                let content_type = response.headers.get(header::CONTENT_TYPE).cloned();
                // The connection is more use than the rest of an error page: what is too large is left out.
                let body = body.collect(ERROR_BODY_LIMIT).await.unwrap_or_default();
                return self.failed(&method, response.status, body, content_type);
            }
            let bytes = body.collect(DECODE_LIMIT).await?;
            let mut object = self.decoder.decode(bytes, self.is_collection)?;
            self.formatter.apply(&mut object)?;
            // A 201 of the backend is a 200 of the gateway (reference 6.3).
            response.status = StatusCode::OK;
            response.headers = HeaderMap::new();
            response.data = Data::Entity(object);
            Ok(response)
        })
    }
}

impl Decoding {
    fn failed(
        &self,
        method: &http::Method,
        status: StatusCode,
        body: Bytes,
        content_type: Option<HeaderValue>,
    ) -> Outcome {
        let message =
            || format!("invalid status code {} [{method} {}]", status.as_u16(), self.pattern);
        match &self.on_failure {
            OnFailure::Error => Err(Error::new(ErrorKind::Status, message())),
            OnFailure::Code => {
                let text = if body.is_empty() { Bytes::from(message()) } else { body };
                Err(Error::new(ErrorKind::Status, message())
                    .with_status(status)
                    .with_body(text, content_type))
            }
            OnFailure::Details(key) => {
                let mut details = serde_json::Map::new();
                details.insert("http_status_code".into(), status.as_u16().into());
                if !body.is_empty() {
                    details.insert(
                        "http_body".into(),
                        String::from_utf8_lossy(&body).into_owned().into(),
                    );
                }
                if let Some(content_type) = content_type.as_ref().and_then(|v| v.to_str().ok()) {
                    details.insert("http_body_encoding".into(), content_type.into());
                }
                let mut data = serde_json::Map::new();
                data.insert(key.clone(), details.into());
                let mut response = Response::from_object(Object::from_tree(data));
                response.complete = false;
                Ok(response)
            }
        }
    }
}
