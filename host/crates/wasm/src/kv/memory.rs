//! The store in the gateway's memory.
//!
//! Keys are spread over shards, each with a lock of its own that is held for one look-up. What has expired is gone for
//! readers at once; its memory comes back when somebody writes to the shard, a few entries at a time, or when the quota
//! is reached. So there is no thread for it, and no write that takes long.
//!
//! A claim is there from when somebody makes a value until it is there, or nobody wants it any more: what it takes is
//! bounded by the calls that run.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::RandomState},
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use super::{Claimed, News, Quota, Store, StoreError, check};
use crate::host::clock;

/// Locks. More than a machine has cores, so that two workers rarely want the same.
const SHARDS: usize = 64;
/// Expired entries that one write removes from its shard: more than it adds.
const PER_WRITE: usize = 4;
/// Expired entries that a write removes from each shard when the quota is reached.
const PER_SHARD: usize = 16;
/// Milliseconds after which somebody else may make a value that has not come.
const CLAIM: u64 = 30_000;
/// The time of what does not expire.
const NEVER: u64 = u64::MAX;

/// See the module.
pub(crate) struct Memory {
    shards: Box<[Shard]>,
    hasher: RandomState,
    used: Used,
    /// When all shards were swept last.
    swept_at: AtomicU64,
    /// Milliseconds that never go back.
    clock: fn() -> u64,
}

/// On cache lines of their own, as workers change them all the time.
#[repr(align(128))]
#[derive(Default)]
struct Shard(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    by_key: HashMap<Arc<str>, Entry>,
    /// Those that expire, the next one first.
    by_time: BTreeSet<(u64, Arc<str>)>,
    /// Those that somebody makes a value for.
    claims: HashMap<Box<str>, Claim>,
}

/// Somebody makes a value, and others wait for it.
struct Claim {
    claimant: u64,
    until: u64,
    /// By claimant: numbers grow, so the first has waited for longest.
    waiting: BTreeMap<u64, oneshot::Sender<News>>,
}

struct Entry {
    value: Value,
    expires: u64,
}

enum Value {
    Bytes(Vec<u8>),
    Counter(i64),
}

impl Value {
    /// What it counts for the quota: a counter as the number that it is, whatever its text's length.
    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Counter(_) => size_of::<i64>(),
        }
    }

    /// What readers get: a counter as text.
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Counter(number) => number.to_string().into_bytes(),
        }
    }
}

/// What all shards hold together.
#[repr(align(128))]
#[derive(Default)]
struct Used {
    entries: AtomicUsize,
    bytes: AtomicUsize,
}

impl Used {
    /// Takes room for what is new, beside what `old` frees.
    fn take(&self, new: usize, old: Option<usize>, quota: Quota) -> Result<(), StoreError> {
        let grows = new.saturating_sub(old.unwrap_or(0));
        let bytes = self.bytes.fetch_add(grows, Ordering::Relaxed) + grows;
        let entries = usize::from(old.is_none());
        let count = self.entries.fetch_add(entries, Ordering::Relaxed) + entries;
        if (grows > 0 && bytes > quota.bytes) || (entries > 0 && count > quota.entries) {
            self.bytes.fetch_sub(grows, Ordering::Relaxed);
            self.entries.fetch_sub(entries, Ordering::Relaxed);
            return Err(StoreError::Quota);
        }
        self.bytes.fetch_sub(old.unwrap_or(0).saturating_sub(new), Ordering::Relaxed);
        Ok(())
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.entries.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::with_clock(|| clock::monotonic() / 1_000_000)
    }
}

impl Memory {
    fn with_clock(clock: fn() -> u64) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            hasher: RandomState::new(),
            used: Used::default(),
            swept_at: AtomicU64::new(NEVER),
            clock,
        }
    }

    fn lock(&self, key: &str) -> MutexGuard<'_, Entries> {
        // Keys come from clients: the hash must not be known to them.
        let hash = self.hasher.hash_one(key);
        // The map inside uses another hash, so the low bits are free to choose by.
        lock(&self.shards[hash as usize % SHARDS])
    }

    /// Puts a value there, if `may` agrees with the one that is there.
    fn put(
        &self,
        key: &str,
        value: Value,
        ttl: Option<u64>,
        quota: Quota,
        may: impl Fn(Option<&Value>) -> bool,
    ) -> Result<bool, StoreError> {
        let now = (self.clock)();
        let expires = ttl.map_or(NEVER, |ttl| now.saturating_add(ttl).min(NEVER - 1));
        let mut entries = self.lock(key);
        entries.sweep(now, PER_WRITE, &self.used);
        if !may(entries.live(key, now)) {
            return Ok(false);
        }
        if self.used.take(key.len() + value.size(), entries.size(key), quota).is_err() {
            // Never two locks at once: they would wait for each other.
            drop(entries);
            self.sweep(now);
            entries = self.lock(key);
            // Another worker may have been here.
            if !may(entries.live(key, now)) {
                return Ok(false);
            }
            self.used.take(key.len() + value.size(), entries.size(key), quota)?;
        }
        let ended = entries.end_claim(key).map(|claim| (claim, value.bytes()));
        entries.insert(key, Entry { value, expires });
        drop(entries);
        // Without the lock, as there may be many to wake up.
        if let Some((claim, value)) = ended {
            claim.tell(&value.into());
        }
        Ok(true)
    }

    /// Sweeps all shards, once per millisecond: a full store stays cheap to write to in vain.
    fn sweep(&self, now: u64) {
        if self.swept_at.swap(now, Ordering::Relaxed) != now {
            self.shards.iter().for_each(|shard| lock(shard).sweep(now, PER_SHARD, &self.used));
        }
    }
}

fn lock(shard: &Shard) -> MutexGuard<'_, Entries> {
    // A panic elsewhere cannot leave this half changed.
    shard.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Claim {
    fn new(claimant: u64, now: u64) -> Self {
        Self { claimant, until: now.saturating_add(CLAIM), waiting: BTreeMap::new() }
    }

    fn ask(&mut self, claimant: u64, now: u64) -> Claimed {
        if self.until <= now {
            self.waiting.remove(&claimant);
            self.give(claimant, now);
        }
        if self.claimant == claimant {
            return Claimed::Yours;
        }
        let (sender, news) = oneshot::channel();
        self.waiting.insert(claimant, sender);
        Claimed::Taken { news, left: Duration::from_millis(self.until - now) }
    }

    fn give(&mut self, claimant: u64, now: u64) {
        (self.claimant, self.until) = (claimant, now.saturating_add(CLAIM));
    }

    /// Gives the claim to the one that has waited for longest; says whether there is one.
    fn pass_on(&mut self, now: u64) -> bool {
        while let Some((claimant, one)) = self.waiting.pop_first() {
            self.give(claimant, now);
            if one.send(News::Yours).is_ok() {
                return true;
            }
        }
        false
    }

    /// Tells the value to all that wait. Whoever has gone meanwhile needs none.
    fn tell(self, value: &Arc<[u8]>) {
        let news = || News::Value(Arc::clone(value));
        self.waiting.into_values().for_each(|one| drop(one.send(news())));
    }
}

impl Entries {
    /// Takes away the claim to make a value that is there now.
    fn end_claim(&mut self, key: &str) -> Option<Claim> {
        // Where nobody claims anything, writing costs no more.
        if self.claims.is_empty() { None } else { self.claims.remove(key) }
    }

    fn live(&self, key: &str, now: u64) -> Option<&Value> {
        self.by_key.get(key).filter(|entry| now < entry.expires).map(|entry| &entry.value)
    }

    /// What the key takes, expired or not.
    fn size(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).map(|entry| key.len() + entry.value.size())
    }

    fn insert(&mut self, key: &str, entry: Entry) {
        let expires = entry.expires;
        let key = match self.by_key.get_key_value(key) {
            Some((key, old)) => {
                let key = Arc::clone(key);
                if old.expires != NEVER {
                    self.by_time.remove(&(old.expires, Arc::clone(&key)));
                }
                key
            }
            None => Arc::from(key),
        };
        if expires != NEVER {
            self.by_time.insert((expires, Arc::clone(&key)));
        }
        self.by_key.insert(key, entry);
    }

    fn remove(&mut self, key: &str, used: &Used) -> Option<Entry> {
        let (key, entry) = self.by_key.remove_entry(key)?;
        used.give_back(key.len() + entry.value.size());
        if entry.expires != NEVER {
            self.by_time.remove(&(entry.expires, key));
        }
        Some(entry)
    }

    /// Removes what has expired, up to a number of entries.
    fn sweep(&mut self, now: u64, most: usize, used: &Used) {
        for _ in 0..most {
            let Some((_, key)) = self.by_time.first().filter(|(expires, _)| *expires <= now) else {
                return;
            };
            let key = Arc::clone(key);
            self.remove(&key, used);
        }
    }
}

impl Store for Memory {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        check(key, &[])?;
        let entries = self.lock(key);
        let Some(entry) = entries.by_key.get(key) else { return Ok(None) };
        if entry.expires != NEVER && entry.expires <= (self.clock)() {
            return Ok(None);
        }
        Ok(Some(entry.value.bytes()))
    }

    fn set(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<u64>,
        quota: Quota,
    ) -> Result<(), StoreError> {
        check(key, &value)?;
        self.put(key, Value::Bytes(value), ttl, quota, |_| true).map(drop)
    }

    fn set_if_absent(
        &self,
        key: &str,
        value: Vec<u8>,
        ttl: Option<u64>,
        quota: Quota,
    ) -> Result<bool, StoreError> {
        check(key, &value)?;
        self.put(key, Value::Bytes(value), ttl, quota, |there| there.is_none())
    }

    fn delete(&self, key: &str) -> Result<bool, StoreError> {
        check(key, &[])?;
        let mut entries = self.lock(key);
        let removed = entries.remove(key, &self.used);
        Ok(removed.is_some_and(|entry| entry.expires == NEVER || (self.clock)() < entry.expires))
    }

    fn add(&self, key: &str, by: i64, ttl: Option<u64>, quota: Quota) -> Result<i64, StoreError> {
        check(key, &[])?;
        loop {
            {
                let mut entries = self.lock(key);
                if let Some(entry) = entries.by_key.get_mut(key)
                    && (entry.expires == NEVER || (self.clock)() < entry.expires)
                {
                    let Value::Counter(number) = &mut entry.value else {
                        return Err(StoreError::NotACounter);
                    };
                    *number = number.saturating_add(by);
                    return Ok(*number);
                }
            }
            // Between the two locks another worker may have begun the counter: then it is there at the next look.
            if self.put(key, Value::Counter(by), ttl, quota, |there| there.is_none())? {
                return Ok(by);
            }
        }
    }

    fn claim(&self, key: &str, claimant: u64) -> Result<Claimed, StoreError> {
        check(key, &[])?;
        let now = (self.clock)();
        let mut entries = self.lock(key);
        if let Some(value) = entries.live(key, now) {
            return Ok(Claimed::Found(value.bytes()));
        }
        let Some(claim) = entries.claims.get_mut(key) else {
            entries.claims.insert(key.into(), Claim::new(claimant, now));
            return Ok(Claimed::Yours);
        };
        Ok(claim.ask(claimant, now))
    }

    fn release(&self, key: &str, claimant: u64) {
        let mut entries = self.lock(key);
        let Some(claim) = entries.claims.get_mut(key) else { return };
        claim.waiting.remove(&claimant);
        if claim.claimant == claimant && !claim.pass_on((self.clock)()) {
            entries.claims.remove(key);
        }
    }
}

#[cfg(test)]
mod tests;
