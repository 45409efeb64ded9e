use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tokio::runtime::{Builder, Runtime};

use super::*;
use crate::kv::{Memory, Quota};

const PLENTY: Quota = Quota { entries: 1_000, bytes: 1 << 20 };
const LONG: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

fn store() -> Arc<dyn Store> {
    Arc::new(Memory::default())
}

fn claim(store: &Arc<dyn Store>) -> Claim {
    Claim::new(store, "k".to_owned())
}

#[test]
fn a_wait_ends_in_time() {
    let store = store();
    let (first, second) = (claim(&store), claim(&store));
    runtime().block_on(async {
        assert_eq!(first.settle(LONG).await, Ok(None));
        assert_eq!(first.settle(Duration::ZERO).await, Ok(None), "it has the claim");
        for wait in [Duration::ZERO, Duration::from_secs(5)] {
            assert_eq!(second.settle(wait).await, Err(ClaimError::Timeout));
        }
        store.set("k", b"v".into(), None, PLENTY).expect("room");
        assert_eq!(second.settle(Duration::ZERO).await, Ok(Some(b"v".into())));
    });
}

#[test]
fn whoever_goes_away_with_the_claim_in_hand_leaves_it_to_the_next() {
    let store = store();
    let [first, second, third] = [claim(&store), claim(&store), claim(&store)];
    runtime().block_on(async {
        assert_eq!(first.settle(LONG).await, Ok(None));
        let waiting = tokio::spawn(async move { second.settle(LONG).await.map(|_| second) });
        let next = tokio::spawn(async move { third.settle(LONG).await });
        tokio::task::yield_now().await;
        drop(first);
        // It has been given the claim, and is not there any more to learn it.
        waiting.abort();
        assert_eq!(next.await.expect("no panic"), Ok(None));
    });
}

#[test]
fn a_call_claims_only_so_much() {
    let store = store();
    let mut claims = Claims::default();
    for number in 0..MOST {
        let claim = claims.take(&store, number.to_string()).expect("not too many");
        claims.hold(claim);
    }
    let again = claims.take(&store, "3".to_owned()).expect("it has this one");
    claims.hold(again);
    claims.end("3");
    assert_eq!(claims.take(&store, "x".to_owned()).err(), Some(ClaimError::TooMany));
    claims.end_all();
    assert!(claims.take(&store, "x".to_owned()).is_ok());
}

#[test]
fn threads_make_each_value_once() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 500;
    let store = store();
    let made: Vec<_> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let work = |round: usize| {
        let claim = Claim::new(&store, round.to_string());
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        // The first one gives up, so the second has it to make.
        if runtime.block_on(claim.settle(LONG)) == Ok(None)
            && made[round].fetch_add(1, Ordering::Relaxed) == 1
        {
            store.set(&round.to_string(), b"v".into(), None, PLENTY).expect("room");
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..ROUNDS).for_each(work));
        }
    });
    assert!(made.iter().all(|made| made.load(Ordering::Relaxed) == 2), "{made:?}");
    assert!((0..ROUNDS).all(|round| store.get(&round.to_string()) == Ok(Some(b"v".into()))));
}
