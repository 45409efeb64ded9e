//! Allow and deny lists (reference 5.3), compiled to a tree of keys. They walk objects only, never lists.

use crate::entity::{Map, Object, Tree, Value};

/// Which members of the data stay.
#[derive(Debug)]
pub(super) enum Filter {
    /// All.
    None,
    /// Those on the list.
    Allow(Keys),
    /// Those not on the list.
    Deny(Keys),
}

/// The keys of one level, sorted.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<(String, Branch)>);

/// What stands under a key.
#[derive(Debug)]
enum Branch {
    /// The path ends here.
    End,
    /// The path goes on.
    More(Keys),
}

impl Filter {
    /// A list of what to keep counts alone: it switches the other off.
    pub(super) fn new(allow: &[String], deny: &[String]) -> Self {
        if !allow.is_empty() {
            let mut keys = Keys::default();
            allow.iter().for_each(|path| keys.allow(path));
            Self::Allow(keys)
        } else if !deny.is_empty() {
            let mut keys = Keys::default();
            deny.iter().for_each(|path| keys.deny(path));
            Self::Deny(keys)
        } else {
            Self::None
        }
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn describe(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Allow(keys) => Some(format!("allow {}", keys.paths("").join(", "))),
            Self::Deny(keys) => Some(format!("deny {}", keys.paths("").join(", "))),
        }
    }

    pub(super) fn apply(&self, object: &mut Object) {
        match self {
            Self::None => {}
            Self::Allow(keys) => object.retain(|key, value| keys.keeps(key, value)),
            Self::Deny(keys) => object.retain(|key, value| keys.spares(key, value)),
        }
    }
}

impl Keys {
    fn get(&self, key: &str) -> Option<&Branch> {
        let index = self.0.binary_search_by(|(name, _)| name.as_str().cmp(key)).ok()?;
        Some(&self.0[index].1)
    }

    fn entry(&mut self, key: &str, fresh: Branch) -> &mut Branch {
        let index = match self.0.binary_search_by(|(name, _)| name.as_str().cmp(key)) {
            Ok(index) => index,
            Err(index) => {
                self.0.insert(index, (key.to_owned(), fresh));
                index
            }
        };
        &mut self.0[index].1
    }

    /// Of `a` and `a.b` the one listed last counts (lura's `buildDictPath`).
    fn allow(&mut self, path: &str) {
        match path.split_once('.') {
            None => *self.entry(path, Branch::End) = Branch::End,
            Some((first, rest)) => {
                let branch = self.entry(first, Branch::More(Self::default()));
                if let Branch::End = branch {
                    *branch = Branch::More(Self::default());
                }
                if let Branch::More(keys) = branch {
                    keys.allow(rest);
                }
            }
        }
    }

    /// Of `a` and `a.b` the wider one counts: what is listed never gets out.
    fn deny(&mut self, path: &str) {
        match path.split_once('.') {
            None => *self.entry(path, Branch::End) = Branch::End,
            Some((first, rest)) => {
                if let Branch::More(keys) = self.entry(first, Branch::More(Self::default())) {
                    keys.deny(rest);
                }
            }
        }
    }

    /// Cuts a member down to what is allowed of it; whether anything is left.
    fn keeps(&self, key: &str, value: &mut Value) -> bool {
        let keys = match self.get(key) {
            None => return false,
            Some(Branch::End) => return true,
            Some(Branch::More(keys)) => keys,
        };
        if let Value::Tree(tree) = value {
            return keys.cut_down_tree(tree);
        }
        let kept = match std::mem::replace(value, Value::Tree(Tree::Null)) {
            // One scan of this member; what is not listed is never taken out of the text.
            Value::Raw(raw) => raw.members(|name| keys.get(name).is_some()),
            other => other.into_object().ok(),
        };
        let Some(mut object) = kept else { return false };
        object.retain(|key, value| keys.keeps(key, value));
        let survives = !object.is_empty();
        *value = Value::Object(object);
        survives
    }

    fn cut_down_tree(&self, tree: &mut Tree) -> bool {
        let Some(map) = tree.as_object_mut() else { return false };
        map.retain(|key, value| match self.get(key) {
            None => false,
            Some(Branch::End) => true,
            Some(Branch::More(keys)) => keys.cut_down_tree(value),
        });
        !map.is_empty()
    }

    /// Cuts what is denied out of a member; whether the member itself may stay.
    fn spares(&self, key: &str, value: &mut Value) -> bool {
        let keys = match self.get(key) {
            None => return true,
            Some(Branch::End) => return false,
            Some(Branch::More(keys)) => keys,
        };
        match value {
            Value::Object(object) => object.retain(|key, value| keys.spares(key, value)),
            Value::Tree(tree) => tree.as_object_mut().into_iter().for_each(|map| keys.cut_out(map)),
            Value::Raw(raw) => {
                if let Some(mut object) = raw.members(|_| true) {
                    object.retain(|key, value| keys.spares(key, value));
                    *value = Value::Object(object);
                }
            }
        }
        true
    }

    fn cut_out(&self, map: &mut Map) {
        map.retain(|key, value| match self.get(key) {
            None => true,
            Some(Branch::End) => false,
            Some(Branch::More(keys)) => {
                value.as_object_mut().into_iter().for_each(|map| keys.cut_out(map));
                true
            }
        });
    }

    /// The listed paths, for `explain`.
    fn paths(&self, prefix: &str) -> Vec<String> {
        self.0
            .iter()
            .flat_map(|(key, branch)| match branch {
                Branch::End => vec![format!("{prefix}{key}")],
                Branch::More(keys) => keys.paths(&format!("{prefix}{key}.")),
            })
            .collect()
    }
}
