//! What comes back up a pipeline.

use std::ops::{Deref, DerefMut};

use http::{HeaderMap, StatusCode};

use crate::{Body, Error, entity::Object};

/// A response on its way to the client. Boxed, as it moves through many futures.
#[derive(Debug)]
pub struct Response(Box<ResponseParts>);

/// The fields of a [`Response`].
#[derive(Debug)]
pub struct ResponseParts {
    /// Status; only `no-op` answers and plugins make it reach the client.
    pub status: StatusCode,
    /// Header fields for the client (or of the backend, below the decoder).
    pub headers: HeaderMap,
    /// Decoded data, or a body that nobody decodes.
    pub data: Data,
    /// Every part is there and whole.
    pub complete: bool,
    /// Why parts are missing. A partial answer carries data *and* failure: steps that only work on success look here.
    pub failure: Option<Error>,
}

/// The content of a response.
#[derive(Debug)]
pub enum Data {
    /// Decoded: an object, or nothing (`null`, or a backend without content).
    Entity(Option<Object>),
    /// Untouched bytes (`no-op`).
    Body(Body),
}

impl Response {
    /// A complete answer.
    #[must_use]
    pub fn new(status: StatusCode, headers: HeaderMap, data: Data) -> Self {
        Self(Box::new(ResponseParts { status, headers, data, complete: true, failure: None }))
    }

    /// A complete answer with data.
    #[must_use]
    pub fn from_object(object: Object) -> Self {
        Self::new(StatusCode::OK, HeaderMap::new(), Data::Entity(Some(object)))
    }

    /// An answer with an undecoded body.
    #[must_use]
    pub fn from_body(status: StatusCode, headers: HeaderMap, body: Body) -> Self {
        Self::new(status, headers, Data::Body(body))
    }

    /// Its fields.
    #[must_use]
    pub fn into_parts(self) -> ResponseParts {
        *self.0
    }

    /// The decoded object, if there is one.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        match &self.data {
            Data::Entity(entity) => entity.as_ref(),
            Data::Body(_) => None,
        }
    }

    /// The decoded object to work on, if there is one.
    pub fn object_mut(&mut self) -> Option<&mut Object> {
        match &mut self.data {
            Data::Entity(entity) => entity.as_mut(),
            Data::Body(_) => None,
        }
    }
}

impl Deref for Response {
    type Target = ResponseParts;
    fn deref(&self) -> &ResponseParts {
        &self.0
    }
}

impl DerefMut for Response {
    fn deref_mut(&mut self) -> &mut ResponseParts {
        &mut self.0
    }
}
