//! Parsed queries of a plugin, so that a query that is used again is not parsed again.

use std::{
    collections::VecDeque,
    panic,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use torana_core::worker;

use super::{Query, QueryError};

/// What the parser says when it finds too little stack.
const STACK_LIMIT: &str = "stack limit reached";
/// Queries that are kept per worker; the oldest goes first. A plugin has some few, unless it makes them of requests.
const KEPT: usize = 32;

type Kept = VecDeque<(String, Arc<Query>)>;

/// The queries of one plugin, by worker: nobody waits for the lock, and a worker's queries stay in its caches.
#[derive(Debug)]
pub(crate) struct Queries(Box<[Slot]>);

#[repr(align(128))]
#[derive(Debug, Default)]
struct Slot(Mutex<Kept>);

impl Default for Queries {
    fn default() -> Self {
        Self((0..worker::count()).map(|_| Slot::default()).collect())
    }
}

impl Queries {
    /// The query with this text.
    pub(crate) fn get(&self, text: &str) -> Result<Arc<Query>, QueryError> {
        let slot = &self.0[worker::index() % self.0.len()].0;
        let mut kept = slot.lock().unwrap_or_else(PoisonError::into_inner);
        // Few and short: looking at all is faster than hashing.
        if let Some((_, query)) = kept.iter().find(|(other, _)| other == text) {
            return Ok(Arc::clone(query));
        }
        let query = Arc::new(parse(text)?);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back((text.to_owned(), Arc::clone(&query)));
        Ok(query)
    }
}

/// Parses a query. The parser measures how much stack its thread has left, and refuses to work on a fiber, whose stack it
/// does not know: then a thread of its own does it, once for each new query.
fn parse(text: &str) -> Result<Query, QueryError> {
    match Query::parse(text) {
        Err(QueryError::Syntax(reason)) if reason == STACK_LIMIT => {
            let parsed = thread::scope(|scope| scope.spawn(|| Query::parse(text)).join());
            parsed.unwrap_or_else(|panic| panic::resume_unwind(panic))
        }
        parsed => parsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_parsed_once_and_the_oldest_is_forgotten() {
        let queries = Queries::default();
        let first = queries.get("$.a").expect("valid");
        assert!(Arc::ptr_eq(&first, &queries.get("$.a").expect("valid")));
        assert!(queries.get("a").is_err());
        for number in 0..KEPT {
            queries.get(&format!("$.b{number}")).expect("valid");
        }
        assert!(!Arc::ptr_eq(&first, &queries.get("$.a").expect("valid")));
        assert_eq!(queries.0[worker::index()].0.lock().expect("free").len(), KEPT);
    }
}
