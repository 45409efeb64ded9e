//! Metrics that plugins keep: a registry for each plugin's name, and their text for Prometheus.

mod histogram;
mod render;
mod series;

use std::{
    collections::{HashMap, hash_map::RandomState},
    convert::Infallible,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use torana_core::{Resources, worker};

pub(crate) use self::render::render;
use self::series::{Identity, Kind, Labels, Series};

/// Series of one plugin; a histogram is one.
const SERIES: usize = 1_000;

/// The metrics of the plugins of one name. It outlives a reload, so that counters go on.
pub(crate) struct Registry {
    plugin: Arc<str>,
    /// What each worker has found already: a lock that nobody else takes.
    known: Box<[Slot]>,
    all: Mutex<All>,
    hasher: RandomState,
    dropped: AtomicU64,
    /// Keeps the list of registries for as long as there is one.
    _registries: Arc<Registries>,
}

#[repr(align(128))]
#[derive(Default)]
struct Slot(Mutex<BySeries>);

/// Series by the hash of what names them: so they are found without a key of their own.
type BySeries = HashMap<u64, Vec<Arc<Series>>>;

/// All series of a plugin.
#[derive(Default)]
struct All {
    count: usize,
    by_hash: BySeries,
    /// What kind a name is of: a name is of one kind.
    kinds: HashMap<String, Kind>,
}

/// The registries of a gateway.
#[derive(Default)]
struct Registries(Mutex<Vec<Weak<Registry>>>);

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("plugin", &self.plugin).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere cannot leave any of these half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Registries {
    fn get(resources: &Resources) -> Option<Arc<Self>> {
        resources.get(&"plugin metrics")
    }

    fn of(resources: &Resources) -> Arc<Self> {
        let made: Result<_, Infallible> =
            resources.get_or_try_make(&"plugin metrics", || Ok(Self::default()));
        let Ok(registries) = made;
        registries
    }
}

impl Registry {
    /// The registry of a plugin's name.
    pub(crate) fn of(resources: &Resources, plugin: &str) -> Arc<Self> {
        let registries = Registries::of(resources);
        let make = || -> Result<_, Infallible> {
            Ok(Self {
                plugin: plugin.into(),
                known: (0..worker::count()).map(|_| Slot::default()).collect(),
                all: Mutex::default(),
                hasher: RandomState::new(),
                dropped: AtomicU64::new(0),
                _registries: Arc::clone(&registries),
            })
        };
        let Ok(made) = resources.get_or_try_make(&("plugin metrics", plugin), make);
        let mut list = lock(&registries.0);
        list.retain(|other| other.strong_count() > 0);
        if !list.iter().any(|other| std::ptr::eq(other.as_ptr(), Arc::as_ptr(&made))) {
            list.push(Arc::downgrade(&made));
        }
        drop(list);
        made
    }

    /// Adds to a counter.
    pub(crate) fn count(&self, name: &str, by: u64, labels: Labels) {
        self.with(Kind::Counter, name, labels, |series| series.add(by));
    }

    /// Sets a gauge.
    pub(crate) fn gauge(&self, name: &str, value: f64, labels: Labels) {
        self.with(Kind::Gauge, name, labels, |series| series.set(value));
    }

    /// Puts a value into a histogram; what is no number has no place in it.
    pub(crate) fn observe(&self, name: &str, value: f64, labels: Labels) {
        if value.is_nan() {
            self.drop_one();
            return;
        }
        self.with(Kind::Histogram, name, labels, |series| series.observe(value));
    }

    fn with(&self, kind: Kind, name: &str, mut labels: Labels, work: impl FnOnce(&Series)) {
        // The same labels in another order are the same series.
        labels.sort_unstable();
        let wanted = Identity { kind, name, labels: &labels };
        let hash = self.hasher.hash_one(wanted);
        let slot = &self.known[worker::index() % self.known.len()].0;
        let mut known = lock(slot);
        if let Some(series) = find(&known, hash, wanted) {
            work(series);
            return;
        }
        let Some(series) = self.add(hash, wanted) else {
            self.drop_one();
            return;
        };
        work(&series);
        known.entry(hash).or_default().push(series);
    }

    /// The series, made if it is valid and there is room.
    fn add(&self, hash: u64, wanted: Identity<'_>) -> Option<Arc<Series>> {
        let mut all = lock(&self.all);
        if let Some(series) = find(&all.by_hash, hash, wanted) {
            return Some(Arc::clone(series));
        }
        let kind = all.kinds.get(wanted.name).copied();
        if all.count >= SERIES || kind.is_some_and(|kind| kind != wanted.kind) || !wanted.is_valid()
        {
            return None;
        }
        let series = Arc::new(Series::new(wanted));
        all.count += 1;
        all.kinds.insert(wanted.name.to_owned(), wanted.kind);
        all.by_hash.entry(hash).or_default().push(Arc::clone(&series));
        Some(series)
    }

    fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// All series, in any order.
    fn series(&self) -> Vec<Arc<Series>> {
        lock(&self.all).by_hash.values().flatten().map(Arc::clone).collect()
    }
}

fn find<'a>(series: &'a BySeries, hash: u64, wanted: Identity<'_>) -> Option<&'a Arc<Series>> {
    series.get(&hash)?.iter().find(|series| series.identity() == wanted)
}

#[cfg(test)]
mod tests;
