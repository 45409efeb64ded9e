//! What a request hook gives back.

use crate::bindings::imports::torana::plugin::types;

/// What happens after a request hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The request goes on, with the edits made.
    Continue,
    /// This answer, without asking any backend.
    Respond(Answer),
}

/// An answer that the plugin makes itself.
///
/// ```
/// use torana_plugin::Answer;
///
/// let answer = Answer::new(403).header("x-reason", "tenant").text("no");
/// assert_eq!(answer.body, b"no");
/// assert_eq!(answer.headers.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// From 200 to 599.
    pub status: u16,
    /// Header fields, in order. Framing fields such as `content-length` are the gateway's: it refuses them here.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// An answer without headers or body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Sets a body of plain text, with its `content-type`.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.header("content-type", "text/plain; charset=utf-8").body(text.into())
    }
}

crate::parts::builders!(Answer);

impl From<Answer> for Action {
    fn from(answer: Answer) -> Self {
        Self::Respond(answer)
    }
}

impl From<Action> for types::Action {
    fn from(action: Action) -> Self {
        match action {
            Action::Continue => Self::Continue,
            Action::Respond(answer) => Self::Respond(answer.into()),
        }
    }
}

impl From<Answer> for types::Answer {
    fn from(Answer { status, headers, body }: Answer) -> Self {
        Self { status, headers, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_answers_say_their_type() {
        let answer = Answer::new(200).json(&["a"]).expect("an array is JSON");
        assert_eq!(answer.body, br#"["a"]"#);
        assert_eq!(answer.headers, [("content-type".to_owned(), "application/json".to_owned())]);
    }
}
