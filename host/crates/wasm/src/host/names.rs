//! Names of header fields that a plugin writes: most write the same ones in each call, so an instance keeps them as they
//! were read and checked. A copy of such a name is a number that is counted up; reading it again takes two allocations.

use http::HeaderName;

use super::exchange::{FieldError, settable};

/// Names that an instance keeps.
const NAMES: usize = 16;
/// Bytes of a name that is kept.
const LENGTH: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<HeaderName>);

impl Names {
    /// The name of a field that plugins may write.
    ///
    /// # Errors
    /// As [`settable`].
    pub(crate) fn settable(&mut self, name: &str) -> Result<HeaderName, FieldError> {
        if let Some(known) = self.0.iter().find(|known| known.as_str() == name) {
            return Ok(known.clone());
        }
        let name = settable(name)?;
        // In other letters it may be there already; only those in lower case are found above.
        if self.0.len() < NAMES && name.as_str().len() <= LENGTH && !self.0.contains(&name) {
            self.0.push(name.clone());
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_before_they_are_kept() {
        let mut names = Names::default();
        for _ in 0..2 {
            assert_eq!(names.settable("X-Plugin").expect("a name"), "x-plugin");
            assert!(matches!(names.settable("content-length"), Err(FieldError::Reserved(_))));
            assert!(matches!(names.settable("a b"), Err(FieldError::Name(_))));
        }
        assert_eq!(names.0, ["x-plugin"]);
    }

    #[test]
    fn a_plugin_that_makes_names_up_fills_no_memory() {
        let mut names = Names::default();
        let long = "x".repeat(LENGTH + 1);
        assert_eq!(names.settable(&long).expect("a name"), long.as_str());
        for number in 0..1_000 {
            let name = format!("x-{number}");
            assert_eq!(names.settable(&name).expect("a name"), name.as_str());
        }
        assert_eq!(names.0.len(), NAMES);
        assert!(names.0.iter().all(|name| name.as_str().len() <= LENGTH));
    }
}
