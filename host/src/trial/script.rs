//! A request file: what is asked, what the world around the plugin says, and what is expected. See
//! `docs/plugins/testing.md`.

use std::net::IpAddr;

use http::HeaderName;
use serde_json::{Map, Value};
use torana_config::did_you_mean;

/// What begins the line above each section.
const MARK: &str = "###";

/// A file, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// The plugin's `config`.
    pub config: Value,
    /// More keys of the attachment, such as `limits`.
    pub plugin: Map<String, Value>,
    /// Variables that the plugin may read.
    pub environment: Vec<(String, String)>,
    /// The endpoint, such as `/users/{id}`; without it the request's own path.
    pub endpoint: Option<String>,
    /// Who asks.
    pub client: Option<IpAddr>,
    /// Whether the backend's answer is decoded: `json` or `no-op`; without it as the plugin needs it.
    pub decodes: Option<bool>,
    /// The client's request.
    pub request: Option<Message>,
    /// The backend's answer; without it 200 without content.
    pub backend: Option<Message>,
    /// Answers of other services.
    pub calls: Vec<Call>,
    /// What is expected.
    pub expect: Expectations,
}

/// A request or an answer in HTTP's text form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message {
    /// The request or status line; empty if an expectation has none.
    pub first: String,
    /// Header fields, in order.
    pub headers: Vec<(String, String)>,
    /// What must not be among the header fields.
    pub absent: Vec<String>,
    /// The body; `None` if there is no blank line.
    pub body: Option<String>,
}

/// The answer of another service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Method of the request.
    pub method: String,
    /// URL of the request.
    pub url: String,
    /// What comes back.
    pub answer: Message,
}

/// What is expected; what is not written is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectations {
    /// The request that reaches the backend.
    pub request: Option<Message>,
    /// No request reaches the backend.
    pub no_request: bool,
    /// The answer to the client.
    pub response: Option<Message>,
    /// A part of the error with which the plugin fails.
    pub error: Option<String>,
    /// Parts of log lines.
    pub logs: Vec<String>,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// From 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// The sections, for hints.
const SECTIONS: [&str; 14] = [
    "config",
    "plugin",
    "env",
    "endpoint",
    "client",
    "encoding",
    "request",
    "backend response",
    "http",
    "expect request",
    "expect no request",
    "expect response",
    "expect error",
    "expect log",
];

struct Section<'a> {
    line: usize,
    title: &'a str,
    text: Vec<&'a str>,
}

type Read<T> = Result<T, ScriptError>;

impl Script {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Read<Self> {
        let mut sections: Vec<Section<'_>> = Vec::new();
        let mut before = Vec::new();
        // Some editors write a mark of their own at the start.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            match (line.strip_prefix(MARK), sections.last_mut()) {
                (Some(title), _) => {
                    sections.push(Section { line: index + 1, title: title.trim(), text: vec![] });
                }
                (None, Some(section)) => section.text.push(line),
                (None, None) => before.push(line),
            }
        }
        if sections.is_empty() {
            // A bare request or answer.
            let bare = Section { line: 1, title: "request", text: before };
            let is_answer = bare.text.first().is_some_and(|line| line.starts_with("HTTP/"));
            let title = if is_answer { "backend response" } else { "request" };
            sections.push(Section { title, ..bare });
        }
        refuse_twice(&sections)?;
        let mut script = Self::default();
        sections.iter().try_for_each(|section| script.add(section))?;
        Ok(script)
    }

    fn add(&mut self, section: &Section<'_>) -> Read<()> {
        let (word, rest) = section.words();
        match word {
            "config" => self.config = section.json()?,
            "plugin" => match section.json()? {
                Value::Object(map) => self.plugin = map,
                _ => return Err(section.error("`plugin` is a JSON object")),
            },
            "env" => self.environment = section.variables()?,
            "endpoint" if rest.starts_with('/') => self.endpoint = Some(rest.to_owned()),
            "endpoint" => return Err(section.error("write `### endpoint /users/{id}`")),
            "client" => {
                let address =
                    rest.parse().map_err(|_| section.error("write `### client 192.0.2.7`"))?;
                self.client = Some(address);
            }
            "encoding" => {
                self.decodes = Some(match rest {
                    "json" => true,
                    "no-op" => false,
                    _ => {
                        return Err(
                            section.error("write `### encoding json` or `### encoding no-op`")
                        );
                    }
                });
            }
            "request" => self.request = Some(section.message()?.request(section)?),
            "backend response" => self.backend = Some(section.message()?.answer(section)?),
            "http" => self.calls.push(section.call(rest)?),
            "expect request" => self.expect.request = Some(section.expected()?),
            "expect no request" if section.body().is_empty() => self.expect.no_request = true,
            "expect no request" => return Err(section.error("nothing stands in this section")),
            "expect response" => self.expect.response = Some(section.expected()?),
            "expect error" => self.expect.error = Some(section.body()),
            "expect log" if section.body().is_empty() => {
                return Err(section.error("this section is empty"));
            }
            "expect log" => {
                let lines = section.text.iter().map(|line| line.trim());
                self.expect.logs.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
            }
            other => {
                let hint = did_you_mean(other, SECTIONS).map(|hint| format!(", {hint}"));
                let message = format!("there is no section `{other}`{}", hint.unwrap_or_default());
                return Err(section.error(message));
            }
        }
        Ok(())
    }
}

/// One of two sections would not be looked at: an expectation, say. Other services and parts of the log have as many as
/// they like.
fn refuse_twice(sections: &[Section<'_>]) -> Read<()> {
    let what = |section: &Section<'_>| match section.words() {
        ("http", _) => Some(section.title.to_owned()),
        ("expect log", _) => None,
        (word, _) => Some(word.to_owned()),
    };
    for (index, section) in sections.iter().enumerate() {
        let Some(title) = what(section) else { continue };
        let first = sections[..index].iter().find(|other| what(other).as_ref() == Some(&title));
        if let Some(first) = first {
            let message = format!("`{title}` is there already, in line {}", first.line);
            return Err(section.error(message));
        }
    }
    Ok(())
}

impl<'a> Section<'a> {
    /// What the section is, and what stands behind that in its line.
    fn words(&self) -> (&'a str, &'a str) {
        match self.title.split_once(' ') {
            Some((word @ ("endpoint" | "client" | "encoding" | "http"), rest)) => {
                (word, rest.trim())
            }
            _ => (self.title, ""),
        }
    }

    fn error(&self, message: impl Into<String>) -> ScriptError {
        ScriptError { line: self.line, message: message.into() }
    }

    fn body(&self) -> String {
        self.text.join("\n").trim().to_owned()
    }

    fn json(&self) -> Read<Value> {
        serde_json::from_str(&self.text.join("\n")).map_err(|error| {
            let text = error.to_string();
            // Its lines are those of the section.
            let what = text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what);
            ScriptError {
                line: self.line + error.line(),
                message: format!("this is not JSON: {what} (column {})", error.column()),
            }
        })
    }

    fn variables(&self) -> Read<Vec<(String, String)>> {
        let lines = self.text.iter().filter(|line| !line.trim().is_empty());
        let variable = |line: &&str| {
            let (name, value) = line.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        };
        lines.map(|line| variable(line).ok_or_else(|| self.error("write `NAME=value`"))).collect()
    }

    fn call(&self, title: &str) -> Read<Call> {
        let wrong = || self.error("write `### http GET https://auth.internal/check`");
        let (method, url) = title.split_once(' ').ok_or_else(wrong)?;
        if !url.contains("://") {
            return Err(wrong());
        }
        let answer = self.message()?.answer(self)?;
        Ok(Call { method: method.to_owned(), url: url.trim().to_owned(), answer })
    }

    /// A first line, header fields, a blank line and a body.
    fn message(&self) -> Read<Message> {
        let mut lines = self.text.iter().enumerate().skip_while(|(_, line)| line.trim().is_empty());
        let Some((_, first)) = lines.next() else {
            return Err(self.error("this section is empty"));
        };
        let mut message = Message { first: first.trim().to_owned(), ..Message::default() };
        for (index, line) in lines.by_ref() {
            let line = line.trim();
            if line.is_empty() {
                let body: Vec<&str> = lines.map(|(_, line)| *line).collect();
                let body = body.join("\n");
                message.body = Some(body.trim_end().to_owned());
                break;
            }
            self.header(index, line, &mut message)?;
        }
        Ok(message)
    }

    fn header(&self, index: usize, line: &str, message: &mut Message) -> Read<()> {
        if let Some(name) = line.strip_prefix('!') {
            message.absent.push(name.trim().to_ascii_lowercase());
            return Ok(());
        }
        let wrong = |message: String| ScriptError { line: self.line + index + 1, message };
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| wrong("a header line has a name, a colon and a value".to_owned()))?;
        if HeaderName::from_bytes(name.trim().as_bytes()).is_err() {
            return Err(wrong(format!("`{}` is not a header name", name.trim())));
        }
        message.headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        Ok(())
    }

    /// As [`Section::message`]; the first line may be missing.
    fn expected(&self) -> Read<Message> {
        let first =
            self.text.iter().find(|line| !line.trim().is_empty()).map_or("", |line| line.trim());
        // Status lines begin with a number or the protocol; request lines have a blank in front of any colon.
        let is_header = first.starts_with('!')
            || first.split_once(':').is_some_and(|(name, _)| !name.contains(' '));
        if !is_header {
            return self.message();
        }
        let mut text = vec!["-"];
        text.extend(self.text.iter().skip_while(|line| line.trim().is_empty()));
        let mut message = Section { line: self.line, title: self.title, text }.message()?;
        message.first.clear();
        Ok(message)
    }
}

impl Message {
    /// Method and target.
    #[must_use]
    pub fn target(&self) -> Option<(&str, &str)> {
        let (method, rest) = self.first.split_once(' ')?;
        let target = rest.split_whitespace().next()?;
        target.starts_with('/').then_some((method, target))
    }

    /// The status of a status line, with or without the protocol.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        let line = match self.first.split_once(' ') {
            Some((protocol, rest)) if protocol.starts_with("HTTP/") => rest,
            _ => &self.first,
        };
        line.split_whitespace().next()?.parse().ok()
    }

    fn request(self, section: &Section<'_>) -> Read<Self> {
        let error = || section.error("a request begins with a line such as `GET /users/1?a=b`");
        if self.target().is_some() { Ok(self) } else { Err(error()) }
    }

    fn answer(self, section: &Section<'_>) -> Read<Self> {
        let error =
            || section.error("an answer begins with a line such as `HTTP/1.1 200 OK` or `200`");
        let is_status = |status: &u16| (200..=599).contains(status);
        if self.status().filter(is_status).is_some() { Ok(self) } else { Err(error()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const FILE: &str = r#"Tenants pass.

### config
{ "header": "x-tenant" }
### plugin
{ "limits": { "timeout": "50ms" } }
### env
REGION = eu
### endpoint /users/{id}
### client 192.0.2.7
### request
POST /users/1?a=b HTTP/1.1
X-Tenant: acme

{"a": 1}

### backend response
HTTP/1.1 201 Created
content-type: application/json

{"id": 1}
### http GET https://auth.internal/check
204
### expect request
POST /users/1
x-tenant: acme
!cookie
### expect response
content-type: application/...

### expect log
hello
"#;

    #[test]
    fn a_whole_file() {
        let script = Script::parse(FILE).expect("a valid file");
        assert_eq!(script.config, json!({"header": "x-tenant"}));
        assert_eq!(script.environment, [("REGION".to_owned(), "eu".to_owned())]);
        assert_eq!(script.endpoint.as_deref(), Some("/users/{id}"));
        let request = script.request.expect("a request");
        assert_eq!(request.target(), Some(("POST", "/users/1?a=b")));
        assert_eq!(request.headers, [("x-tenant".to_owned(), "acme".to_owned())]);
        assert_eq!(request.body.as_deref(), Some("{\"a\": 1}"));
        assert_eq!(script.backend.and_then(|answer| answer.status()), Some(201));
        assert_eq!(script.calls[0].answer.status(), Some(204));
        let expected = script.expect.request.expect("an expectation");
        assert_eq!((expected.absent, expected.body), (vec!["cookie".to_owned()], None));
        let expected = script.expect.response.expect("an expectation");
        assert_eq!((&*expected.first, expected.headers.len()), ("", 1));
        assert_eq!(script.expect.logs, ["hello"]);
    }

    #[test]
    fn a_bare_message_is_a_request_or_an_answer() {
        let script = Script::parse("GET /a\nx: y\n").expect("a request");
        assert_eq!(script.request.expect("a request").body, None);
        let script = Script::parse("\u{feff}### request\nGET /b\n").expect("a request");
        assert_eq!(script.request.expect("a request").first, "GET /b");
        let script = Script::parse("HTTP/1.1 200 OK\n\nhi").expect("an answer");
        assert_eq!(script.backend.expect("an answer").body.as_deref(), Some("hi"));
    }

    #[test]
    fn mistakes_have_a_line() {
        for (text, line, part) in [
            ("\n### reqest\nGET /", 2, "did you mean `request`?"),
            ("### config\n{\n5}\n", 3, "not JSON"),
            ("### request\nGET\n", 1, "a request begins"),
            ("### request\nGET /\nx-no-colon\n", 3, "a header line"),
            (
                "### request\nGET /\n\n### expect response\n200\nx y: z\n",
                6,
                "`x y` is not a header name",
            ),
            ("### config\n\n{\"a\": 1,}\n", 3, "trailing comma (column 9)"),
            ("### backend response\n99\n", 1, "an answer begins"),
            ("### config\n1\n### config\n2\n", 3, "`config` is there already, in line 1"),
            ("### endpoint /a\n### endpoint /b\n", 2, "`endpoint` is there already, in line 1"),
            (
                "### http GET http://a/\n200\n### http GET http://a/\n201\n",
                3,
                "is there already, in line 1",
            ),
            ("### backend response\nOK\n", 1, "an answer begins"),
            ("### http auth\n200\n", 1, "write `### http GET"),
            ("### client nobody\n", 1, "write `### client"),
            ("### backend response\n600\n", 1, "an answer begins"),
            ("### request\nGET /\n\n#### expect response\n404\n", 4, "there is no section"),
            ("### request\nGET /\n\n###expect reponse\n404\n", 4, "did you mean"),
            ("### expect response\n\n", 1, "this section is empty"),
            ("### expect log\n", 1, "this section is empty"),
            ("### expect no request\nGET /\n", 1, "nothing stands in this section"),
            ("### request\n", 1, "this section is empty"),
        ] {
            let error = Script::parse(text).expect_err(text);
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(error.message.contains(part), "{error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(text in "(?s).{0,200}", lines in "((### (request|expect response|http|env|config)|[a-zA-Z/:! {}]{0,12})\n){0,12}") {
            let _ = Script::parse(&text);
            let _ = Script::parse(&lines);
        }
    }
}
