//! Builds the answer's body from a template with values of the request and of the answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use torana_plugin::{
    Action, Answer, Error, Plugin, Request, Response, Result, context, export, header,
};

mod format;
mod source;
mod template;

use format::Format;
use source::Source;
use template::Template;

#[cfg(test)]
mod tests;

/// Under which key the response hook finds the request's values.
const KEY: &str = "request";

/// The plugin.
struct ResponseTemplate {
    config: Config,
    template: Template,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    body: String,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    at: At,
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Answers with another status stay as they are.
    #[serde(default)]
    only: Vec<u16>,
}

/// What the template makes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum At {
    /// Another body for the answer.
    #[default]
    Response,
    /// The answer to a request that no backend sees.
    Request,
}

impl Config {
    fn check(&self, template: &Template) -> Result<()> {
        let mut statuses = self.status.iter().chain(&self.only);
        if !statuses.all(|status| (200..=599).contains(status)) {
            return Err("a status must be between 200 and 599".into());
        }
        self.headers.iter().try_for_each(|(name, value)| header::check(name, value))?;
        if self.at == At::Request && template.sources().any(Source::is_of_response) {
            return Err(
                "with `at` `request` there is no response: use values of the request".into()
            );
        }
        self.format.check(template)
    }

    /// The fields of the answer; the type of the body unless they say another.
    fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let own = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let has_type = self.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type"));
        let ty = (!has_type).then_some(("content-type", self.format.content_type()));
        ty.into_iter().chain(own)
    }
}

impl ResponseTemplate {
    fn answer(&self, request: &Request) -> Result<Answer> {
        let body =
            self.template.render(self.config.format, |source| Ok(source.of_request(request)))?;
        let answer = Answer::new(self.config.status.unwrap_or(200)).body(body);
        Ok(self.config.fields().fold(answer, |answer, (name, value)| answer.header(name, value)))
    }

    /// Keeps what the template needs of the request: a response hook does not see it.
    fn keep(&self, request: &Request) -> Result<()> {
        let values: Vec<Value> = self
            .template
            .sources()
            .filter(|source| !source.is_of_response())
            .map(|source| source.of_request(request))
            .collect();
        if values.is_empty() { Ok(()) } else { context::set(KEY, &serde_json::to_vec(&values)?) }
    }

    fn body(&self, response: &Response) -> Result<String> {
        let kept: Vec<Value> = match context::get(KEY) {
            Some(kept) => serde_json::from_slice(&kept)?,
            // The request never reached the plugin.
            None => Vec::new(),
        };
        let mut kept = kept.into_iter();
        let data = if self.template.sources().any(Source::is_of_data) {
            data(response)?
        } else {
            Value::Null
        };
        self.template.render(self.config.format, |source| {
            Ok(if source.is_of_response() {
                source.of_response(response, &data)
            } else {
                kept.next().unwrap_or_default()
            })
        })
    }

    fn replace(&self, response: &mut Response, body: &str) -> Result<()> {
        if let Some(status) = self.config.status {
            response.set_status(status)?;
        }
        if response.set_body(body.as_bytes()).is_ok() {
            // What these say is about the old body.
            response.remove_header("content-encoding")?;
            response.remove_header("etag")?;
            return self
                .config
                .fields()
                .try_for_each(|(name, value)| response.set_header(name, value));
        }
        // Decoded data: the gateway writes it, in the endpoint's encoding.
        let data: Value = serde_json::from_str(body).unwrap_or_default();
        if self.config.format != Format::Json || !data.is_object() {
            return Err(Error::new(
                "decoded data can only be replaced by a JSON object: use `no-op`, or service level",
            ));
        }
        response.set_data("", &data)?;
        self.config.headers.iter().try_for_each(|(name, value)| response.set_header(name, value))
    }
}

/// The decoded data, or the body as JSON; null if the body is not JSON. A compressed one may be: nobody knows.
fn data(response: &Response) -> Result<Value> {
    if let Some(data) = response.data("")? {
        return Ok(data);
    }
    let body = response
        .body()
        .ok_or("the body streams past: set `limits.body` of the plugin, which collects it")?;
    match serde_json::from_slice(&body) {
        Ok(data) => Ok(data),
        Err(_) if body.is_empty() => Ok(Value::Null),
        Err(_) => coding(response).map_or(Ok(Value::Null), |coding| {
            Err(Error::new(format!(
                "the body is compressed (`content-encoding: {coding}`) and has no values that can be read: keep \
                 `accept-encoding` from the backend, so that it does not compress"
            )))
        }),
    }
}

/// How the body is packed, if it is.
fn coding(response: &Response) -> Option<String> {
    let mut codings = response.headers("content-encoding").into_iter();
    codings.find(|coding| !coding.eq_ignore_ascii_case("identity"))
}

impl Plugin for ResponseTemplate {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        let template = Template::parse(&config.body)?;
        config.check(&template)?;
        Ok(Self { config, template })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        match self.config.at {
            At::Request => Ok(self.answer(request)?.into()),
            At::Response => self.keep(request).map(|()| Action::Continue),
        }
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        let is_other =
            !self.config.only.is_empty() && !self.config.only.contains(&response.status());
        if self.config.at == At::Request || is_other {
            return Ok(());
        }
        let body = self.body(response)?;
        self.replace(response, &body)
    }

    fn handle(&self, request: &Request) -> Result<Answer> {
        match self.config.at {
            At::Request => self.answer(request),
            At::Response => Err("as a backend the plugin needs `at` `request`".into()),
        }
    }
}

export!(ResponseTemplate: on_request, on_response, handle);
