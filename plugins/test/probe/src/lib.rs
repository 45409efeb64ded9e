//! Runs the commands of its configuration, one per hook, and reports what the gateway answers in the header `x-probe`.

use serde::Deserialize;
use torana_plugin::{
    Action, Answer, Error, Message, Plugin, Request, Response, Result, clock, context, export, log,
    random,
};

struct Probe {
    config: Config,
}

/// What each hook does: a command and its arguments.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    request: Vec<Vec<String>>,
    response: Vec<Vec<String>>,
}

fn both(message: &mut Message, command: &[&str]) -> Result<Option<String>> {
    Ok(Some(match command {
        ["id"] => message.request_id().to_string(),
        ["ip"] => message.client_ip(),
        ["route"] => message.route().unwrap_or_else(|| "-".to_owned()),
        ["header", name] => message.header(name).unwrap_or_else(|| "-".to_owned()),
        ["headers", name] => message.headers(name).join("+"),
        ["names"] => message.header_names().join("+"),
        ["set", name, value] => return message.set_header(name, value).map(|()| None),
        ["add", name, value] => return message.add_header(name, value).map(|()| None),
        ["remove", name] => return message.remove_header(name).map(|()| None),
        ["body"] => message
            .body()
            .map_or_else(|| "-".to_owned(), |body| String::from_utf8_lossy(&body).into_owned()),
        ["set-body", body] => return message.set_body(body.as_bytes()).map(|()| None),
        ["context", key] => context::get(key)
            .map_or_else(|| "-".to_owned(), |value| String::from_utf8_lossy(&value).into_owned()),
        ["set-context", key, value] => {
            return context::set(key, value.as_bytes()).map(|()| None);
        }
        ["log", text] => {
            log::warn(text);
            return Ok(None);
        }
        ["print", text] => {
            eprintln!("{text}");
            return Ok(None);
        }
        ["clock"] => (clock::now_ms() > 1_700_000_000_000 && clock::monotonic_ns() > 0).to_string(),
        ["random"] => {
            (random::number() != random::number() && random::bytes(9).len() == 9).to_string()
        }
        ["fail", text] => return Err(Error::new(*text)),
        _ => return Err(Error::new(format!("no such command: {command:?}"))),
    }))
}

fn report(message: &mut Message, result: Result<Option<String>>) -> Result<()> {
    match result {
        Ok(Some(text)) => message.add_header("x-probe", &text),
        Ok(None) => Ok(()),
        Err(error) => message.add_header("x-probe", &format!("error: {error}")),
    }
}

impl Probe {
    fn request(&self, request: &mut Request) -> Result<Action> {
        for command in &self.config.request {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            let result = match command[..] {
                ["method"] => Ok(Some(request.method())),
                ["path"] => Ok(Some(request.path())),
                ["query"] => Ok(Some(request.query())),
                ["param", name] => Ok(request.param(name)),
                ["set-method", method] => request.set_method(method).map(|()| None),
                ["set-path", path] => request.set_path(path).map(|()| None),
                ["set-query", query] => request.set_query(query).map(|()| None),
                ["answer", status, name, value] => {
                    let status = status.parse().map_err(|_| Error::new("status"))?;
                    return Ok(Answer::new(status).header(name, value).body("early").into());
                }
                ["status"] => Ok(Some(Response::current().status().to_string())),
                ["fail", text] => return Err(text.into()),
                _ => both(request, &command),
            };
            report(request, result)?;
        }
        Ok(Action::Continue)
    }

    fn response(&self, response: &mut Response) -> Result<()> {
        for command in &self.config.response {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            let result = match command[..] {
                ["status"] => Ok(Some(response.status().to_string())),
                ["complete"] => Ok(Some(response.is_complete().to_string())),
                ["set-status", status] => response
                    .set_status(status.parse().map_err(|_| Error::new("status"))?)
                    .map(|()| None),
                ["get", pointer] => response
                    .data::<i64>(pointer)
                    .map(|found| Some(found.map_or_else(|| "-".to_owned(), |n| n.to_string()))),
                ["put", pointer, text] => response.set_data(pointer, &text).map(|()| None),
                ["delete", pointer] => response.remove_data(pointer).map(|b| Some(b.to_string())),
                ["query", path] => response.query_data::<i64>(path).map(|found| {
                    let found = found.iter().map(|one| format!("{}={}", one.pointer, one.value));
                    Some(found.collect::<Vec<_>>().join(" "))
                }),
                ["replace", path, text] => {
                    response.replace_data(path, &text).map(|count| Some(count.to_string()))
                }
                ["fail", text] => return Err(text.into()),
                _ => both(response, &command),
            };
            report(response, result)?;
        }
        Ok(())
    }
}

impl Plugin for Probe {
    type Config = Config;

    fn new(config: Config) -> Result<Self> {
        Ok(Self { config })
    }

    fn on_request(&self, request: &mut Request) -> Result<Action> {
        self.request(request)
    }

    fn on_backend_request(&self, request: &mut Request) -> Result<Action> {
        self.request(request)
    }

    fn on_backend_response(&self, response: &mut Response) -> Result<()> {
        self.response(response)
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        self.response(response)
    }
}

export!(Probe: on_request, on_backend_request, on_backend_response, on_response);
