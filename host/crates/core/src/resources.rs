//! What outlives a configuration: things that a reload keeps because their key did not change.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, Weak},
};

type Shelf = HashMap<(TypeId, u64), Weak<dyn Any + Send + Sync>>;

/// Shared things by type and key. Whoever uses a thing holds it; what nobody holds is gone.
#[derive(Default)]
pub struct Resources {
    shelf: Mutex<Shelf>,
}

impl std::fmt::Debug for Resources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resources")
    }
}

impl Resources {
    /// The thing of this type with this key, if somebody holds one.
    #[must_use]
    pub fn get<T: Send + Sync + 'static>(&self, key: &impl Hash) -> Option<Arc<T>> {
        let shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.get(&shelf_key::<T>(key))?.upgrade()?.downcast().ok()
    }

    /// The thing of this type with this key, made if nobody holds one.
    ///
    /// # Errors
    /// What `make` reports.
    pub fn get_or_try_make<T, E>(
        &self,
        key: &impl Hash,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E>
    where
        T: Send + Sync + 'static,
    {
        let key = shelf_key::<T>(key);
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = shelf.get(&key).and_then(Weak::upgrade)
            && let Ok(found) = found.downcast::<T>()
        {
            return Ok(found);
        }
        let made = Arc::new(make()?);
        let erased: Arc<dyn Any + Send + Sync> = made.clone();
        shelf.insert(key, Arc::downgrade(&erased));
        Ok(made)
    }

    /// Forgets the keys of things that are gone. Called after a reload.
    pub fn sweep(&self) {
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.retain(|_, thing| thing.strong_count() > 0);
    }
}

fn shelf_key<T: 'static>(key: &impl Hash) -> (TypeId, u64) {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    (TypeId::of::<T>(), hasher.finish())
}
