//! JSON Pointers (RFC 6901) of places.

use super::{Place, Step};

impl Place<'_> {
    /// The pointer: `/users/0/e~1mail`.
    pub(crate) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in &self.steps {
            pointer.push('/');
            match step {
                Step::Index(index) => pointer.push_str(&index.to_string()),
                Step::Key(key) => key.chars().for_each(|character| match character {
                    '~' => pointer.push_str("~0"),
                    '/' => pointer.push_str("~1"),
                    other => pointer.push(other),
                }),
            }
        }
        pointer
    }
}
