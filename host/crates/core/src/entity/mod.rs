//! Decoded data of a response: a JSON object whose untouched parts stay the bytes that arrived.

/// A JSON object.
#[derive(Debug, Clone, Default)]
pub struct Object {}
