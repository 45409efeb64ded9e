//! Names of header fields that a plugin reads and writes: most use the same ones in each call, so an instance keeps them as
//! they were parsed and checked. Parsing again costs more than all else that is done for a field.

use http::HeaderName;

use super::exchange::{FieldError, check_settable, field_name};

/// Names that an instance keeps.
const NAMES: usize = 16;
/// Bytes of a name that is kept.
const LENGTH: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Names(Vec<Known>);

#[derive(Debug)]
struct Known {
    name: HeaderName,
    is_settable: bool,
}

impl Names {
    /// The name of a field that plugins may write.
    ///
    /// # Errors
    /// It is no name, or one that plugins may not write.
    pub(crate) fn settable(&mut self, name: &str) -> Result<HeaderName, FieldError> {
        if let Some(known) = self.known(name)
            && known.is_settable
        {
            return Ok(known.name.clone());
        }
        let name = field_name(name)?;
        check_settable(&name)?;
        self.keep(&name, true);
        Ok(name)
    }

    /// Does something with the name of any field; `None` if it is no name.
    pub(crate) fn read<T>(&mut self, name: &str, with: impl FnOnce(&HeaderName) -> T) -> Option<T> {
        if let Some(known) = self.known(name) {
            return Some(with(&known.name));
        }
        let name = field_name(name).ok()?;
        self.keep(&name, check_settable(&name).is_ok());
        Some(with(&name))
    }

    fn known(&self, name: &str) -> Option<&Known> {
        self.0.iter().find(|known| known.name.as_str() == name)
    }

    /// In other letters it may be there already; only those in lower case are found by [`Names::known`].
    fn keep(&mut self, name: &HeaderName, is_settable: bool) {
        let is_short = name.as_str().len() <= LENGTH;
        if self.0.len() < NAMES && is_short && self.known(name.as_str()).is_none() {
            self.0.push(Known { name: name.clone(), is_settable });
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_LENGTH;

    use super::*;

    #[test]
    fn names_are_checked_before_they_are_kept() {
        let mut names = Names::default();
        for _ in 0..2 {
            assert_eq!(names.settable("X-Plugin").expect("a name"), "x-plugin");
            assert!(matches!(names.settable("content-length"), Err(FieldError::Reserved(_))));
            assert!(matches!(names.settable("a b"), Err(FieldError::Name(_))));
        }
        let kept: Vec<_> = names.0.iter().map(|known| &known.name).collect();
        assert_eq!(kept, ["x-plugin"]);
    }

    #[test]
    fn a_name_that_was_read_may_still_not_be_written() {
        let mut names = Names::default();
        for _ in 0..2 {
            assert_eq!(names.read("content-length", HeaderName::clone), Some(CONTENT_LENGTH));
            assert!(matches!(names.settable("content-length"), Err(FieldError::Reserved(_))));
            assert_eq!(names.read("X-Plugin", |name| name == "x-plugin"), Some(true));
            assert_eq!(names.settable("x-plugin").expect("a name"), "x-plugin");
            assert_eq!(names.read("a b", HeaderName::clone), None);
        }
        assert_eq!(names.0.len(), 2);
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
        assert!(names.0.iter().all(|known| known.name.as_str().len() <= LENGTH));
    }
}
