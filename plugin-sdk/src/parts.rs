//! Header fields and a body: what answers and requests to other services are made of, and are built with.

/// The builders of a type with `headers` and `body`.
macro_rules! builders {
    ($type:ident) => {
        impl $type {
            /// Adds a header field.
            #[must_use]
            pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
                self.headers.push((name.into(), value.into()));
                self
            }

            /// Sets the body.
            #[must_use]
            pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
                self.body = body.into();
                self
            }

            /// Sets a body of JSON, with its `content-type`.
            ///
            /// # Errors
            /// If the value cannot be written as JSON, such as a map whose keys are not strings.
            pub fn json(self, value: &impl serde::Serialize) -> $crate::Result<Self> {
                let body = serde_json::to_vec(value)?;
                Ok(self.header("content-type", "application/json").body(body))
            }
        }
    };
}

pub(crate) use builders;
