//! The table of languages: one file each, one line here.

mod c;
mod go;
mod js;
mod python;
mod rust;

use crate::language::Language;

/// All languages, in the order in which they are named to users.
pub(crate) static ALL: &[&Language] =
    &[&rust::RUST, &go::GO, &js::JS, &python::PYTHON_LANGUAGE, &c::C];
