//! A backend that answers as its configuration says, or tells what it was asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use torana_plugin::{Answer, Plugin, Request, Result, export};

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Function {
    status: u16,
    headers: BTreeMap<String, String>,
    body: Option<String>,
}

impl Default for Function {
    fn default() -> Self {
        Self { status: 200, headers: BTreeMap::new(), body: None }
    }
}

/// What the function was asked.
#[derive(Serialize)]
struct Asked {
    method: String,
    path: String,
    query: String,
    header: Option<String>,
    body: Option<String>,
}

impl Plugin for Function {
    type Config = Self;

    fn new(config: Self) -> Result<Self> {
        Ok(config)
    }

    fn handle(&self, request: &Request) -> Result<Answer> {
        let query = request.query();
        assert_ne!(query, "trap=1", "the request asked for it");
        if query == "fail=1" {
            return Err("the request asked for it".into());
        }
        let answer = Answer::new(self.status);
        let answer = match &self.body {
            Some(body) => answer.body(body.as_bytes()),
            None => answer.json(&Asked {
                method: request.method(),
                path: request.path(),
                query,
                header: request.header("x-ask"),
                body: request.body().map(|body| String::from_utf8_lossy(&body).into_owned()),
            })?,
        };
        let headers = self.headers.iter();
        Ok(headers.fold(answer, |answer, (name, value)| answer.header(name, value)))
    }
}

export!(Function: handle);
