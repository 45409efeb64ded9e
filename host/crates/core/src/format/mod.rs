//! Shapes the decoded data of one backend: target, then allow or deny, mapping and group; or target, flatmap and group
//! (reference 5.3). Pure functions on data: no requests, no futures.

mod filter;
mod flatmap;

use std::collections::BTreeMap;

use smallvec::SmallVec;
use torana_config::{Diagnostics, valid::Backend};

pub use flatmap::Flatmap;

use self::filter::Filter;
use crate::{
    Error,
    entity::{Object, Tree, Value},
};

/// What one backend's data goes through, compiled at load.
#[derive(Debug)]
pub struct Formatter {
    target: Option<String>,
    shape: Shape,
    group: Option<String>,
}

/// The step between target and group. A flatmap takes the place of all others.
#[derive(Debug)]
enum Shape {
    Select { filter: Filter, mapping: Box<[(String, String)]> },
    Flatmap(Flatmap),
}

impl Formatter {
    /// Compiles what a backend's configuration asks for, its flatmap included. Problems go to `out`.
    #[must_use]
    pub fn new(backend: &Backend, out: &mut Diagnostics) -> Self {
        let shape = match Flatmap::of(&backend.extra, out) {
            Some(flatmap) => Shape::Flatmap(flatmap),
            None => Shape::Select {
                filter: Filter::new(&backend.allow, &backend.deny),
                mapping: mapping(&backend.mapping),
            },
        };
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self { target: given(&backend.target), shape, group: given(&backend.group) }
    }

    /// Whether data comes out as it goes in.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        let shapes = match &self.shape {
            Shape::Select { filter, mapping } => !filter.is_none() || !mapping.is_empty(),
            Shape::Flatmap(_) => true,
        };
        !shapes && self.target.is_none() && self.group.is_none()
    }

    /// What it does, for `explain`: `; target data; allow id, name; group user`, to follow the name of an encoding.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.target.as_ref().map(|target| format!("; target {target}")));
        match &self.shape {
            Shape::Select { filter, mapping } => {
                parts.extend(filter.describe().map(|filter| format!("; {filter}")));
                parts.extend(mapping.iter().map(|(from, to)| format!("; rename {from} to {to}")));
            }
            Shape::Flatmap(flatmap) => parts.push(format!("; {}", flatmap.describe())),
        }
        parts.extend(self.group.as_ref().map(|group| format!("; group {group}")));
        parts.concat()
    }

    /// Shapes the data; `None` is `null`.
    ///
    /// # Errors
    /// [`ErrorKind::Decode`](crate::ErrorKind::Decode) if raw data cannot be read; cannot happen for data that was
    /// checked.
    pub fn apply(&self, data: &mut Option<Object>) -> Result<(), Error> {
        if let Some(path) = &self.target {
            // A target that is not there is an empty object, also in `null`.
            let found = data.take().and_then(|object| target(object, path));
            *data = Some(found.unwrap_or_default());
        }
        if let Some(object) = data {
            match &self.shape {
                Shape::Select { filter, mapping } => {
                    filter.apply(object);
                    rename(object, mapping);
                }
                Shape::Flatmap(flatmap) => flatmap.apply(object)?,
            }
        }
        if let Some(group) = &self.group {
            let mut outer = Object::new();
            outer.insert(group, data.take().map_or(Value::Tree(Tree::Null), Value::Object));
            *data = Some(outer);
        }
        Ok(())
    }
}

/// The object at a dot path.
fn target(mut object: Object, path: &str) -> Option<Object> {
    let mut segments = path.split('.');
    let mut value = object.remove(segments.next()?)?;
    for segment in segments {
        value = match value {
            // Only the member on the path is cut out, not its neighbours.
            Value::Raw(raw) => Value::Raw(raw.member(segment)?),
            other => other.into_object().ok()?.remove(segment)?,
        };
    }
    value.into_object().ok()
}

/// New names are cut at their first dot (reference 5.3).
fn mapping(names: &BTreeMap<String, String>) -> Box<[(String, String)]> {
    let cut = |name: &String| name.split('.').next().unwrap_or_default().to_owned();
    names.iter().map(|(from, to)| (from.clone(), cut(to))).filter(|(from, to)| from != to).collect()
}

/// Renames all at once, so that `a → b, b → c` gives each value its own new name whatever the order.
fn rename(object: &mut Object, mapping: &[(String, String)]) {
    let moved: SmallVec<[(&str, Value); 4]> =
        mapping.iter().filter_map(|(from, to)| Some((to.as_str(), object.remove(from)?))).collect();
    for (to, value) in moved {
        object.insert(to, value);
    }
}

#[cfg(test)]
mod tests;
