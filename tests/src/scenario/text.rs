//! HTTP messages as text with LF line ends: a first line, headers, an empty line, a body.

/// A message or the expectation of one.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    /// The request or status line.
    pub(super) line: String,
    /// `Name: value` lines, in order.
    pub(super) headers: Vec<(String, String)>,
    /// Names of `!Name` lines: headers that must not be there.
    pub(super) absent: Vec<String>,
    /// `%word argument` lines.
    pub(super) directives: Vec<(String, String)>,
    /// What follows the empty line, without the file's last line end.
    pub(super) body: String,
}

impl Message {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut message = Self::default();
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        message.body = body.strip_suffix('\n').unwrap_or(body).to_owned();
        for line in head.lines() {
            if let Some(directive) = line.strip_prefix('%') {
                let (word, argument) = directive.split_once(' ').unwrap_or((directive, ""));
                message.directives.push((word.to_owned(), argument.to_owned()));
            } else if message.line.is_empty() {
                message.line = line.to_owned();
            } else if let Some(name) = line.strip_prefix('!') {
                message.absent.push(name.to_owned());
            } else {
                let (name, value) =
                    line.split_once(':').ok_or_else(|| format!("no header line: {line:?}"))?;
                message.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        Ok(message)
    }

    pub(super) fn directive(&self, word: &str) -> Option<&str> {
        self.directives.iter().find(|(w, _)| w == word).map(|(_, argument)| argument.as_str())
    }

    /// The directives must be among these: a misspelt one would check nothing.
    pub(super) fn only_knows(&self, words: &[&str]) -> Result<(), String> {
        match self.directives.iter().find(|(word, _)| !words.contains(&word.as_str())) {
            Some((word, _)) => Err(format!("unknown directive %{word}")),
            None => Ok(()),
        }
    }
}

/// The sections of a file that lines beginning with `===` divide: what follows the mark in its line, and the text below.
pub(super) fn sections(text: &str) -> Vec<(String, String)> {
    let mut sections: Vec<(String, String)> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(title) = line.strip_prefix("===") {
            sections.push((title.trim().to_owned(), String::new()));
        } else if let Some((_, section)) = sections.last_mut() {
            section.push_str(line);
        } else {
            sections.push((String::new(), line.to_owned()));
        }
    }
    sections
}
