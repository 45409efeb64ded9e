use std::{cell::Cell, collections::BTreeMap, thread};

use proptest::prelude::*;

use super::*;

const PLENTY: Quota = Quota { entries: 1_000, bytes: 1 << 20 };

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

fn store() -> Memory {
    NOW.set(1_000);
    Memory::with_clock(|| NOW.get())
}

fn pass(milliseconds: u64) {
    NOW.set(NOW.get() + milliseconds);
}

fn held(store: &Memory) -> (usize, usize) {
    let (entries, bytes) = (&store.used.entries, &store.used.bytes);
    (entries.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed))
}

#[test]
fn values_are_gone_when_their_time_is_over() {
    let store = store();
    store.set("a", b"1".into(), Some(100), PLENTY).expect("room");
    store.set("b", b"2".into(), None, PLENTY).expect("room");
    pass(99);
    assert_eq!(store.get("a"), Ok(Some(b"1".into())));
    pass(1);
    assert_eq!(store.get("a"), Ok(None));
    assert_eq!(store.delete("a"), Ok(false));
    assert_eq!(store.get("b"), Ok(Some(b"2".into())));
    assert_eq!(store.set_if_absent("b", b"3".into(), None, PLENTY), Ok(false));
    assert_eq!(store.set_if_absent("a", b"3".into(), Some(0), PLENTY), Ok(true));
    assert_eq!(store.get("a"), Ok(None), "no time at all");
}

#[test]
fn counters_keep_the_time_of_their_first_use() {
    let store = store();
    assert_eq!(store.add("n", 2, Some(100), PLENTY), Ok(2));
    pass(60);
    assert_eq!(store.add("n", 3, Some(100), PLENTY), Ok(5));
    assert_eq!(store.get("n"), Ok(Some(b"5".into())));
    pass(40);
    assert_eq!(store.add("n", -1, None, PLENTY), Ok(-1));
    assert_eq!(store.add("n", i64::MIN, None, PLENTY), Ok(i64::MIN), "it stops at the end");
    store.set("t", b"5".into(), None, PLENTY).expect("room");
    assert_eq!(store.add("t", 1, None, PLENTY), Err(StoreError::NotACounter));
}

#[test]
fn sizes_are_bounded() {
    let store = store();
    store.set("", b"1".into(), None, PLENTY).expect("an empty key is a key");
    assert_eq!(store.get(""), Ok(Some(b"1".into())));
    let (key, value) = ("k".repeat(super::super::KEY), vec![0; super::super::VALUE]);
    store.set(&key, value.clone(), None, PLENTY).expect("just fits");
    let longer = format!("{key}k");
    assert_eq!(store.get(&longer), Err(StoreError::TooLarge));
    assert_eq!(store.add(&longer, 1, None, PLENTY), Err(StoreError::TooLarge));
    assert_eq!(store.delete(&longer), Err(StoreError::TooLarge));
    let more = [value, vec![0]].concat();
    assert_eq!(store.set("k", more, None, PLENTY), Err(StoreError::TooLarge));
}

#[test]
fn quotas_count_keys_and_bytes() {
    let store = store();
    let two = Quota { entries: 2, bytes: 100 };
    store.set("a", vec![0; 10], None, two).expect("room");
    store.set("b", vec![0; 10], None, two).expect("room");
    assert_eq!(store.set("c", vec![], None, two), Err(StoreError::Quota));
    store.set("a", vec![0; 80], None, two).expect("a key that is there");
    assert_eq!(held(&store), (2, 92));
    assert_eq!(store.set("a", vec![0; 90], None, two), Err(StoreError::Quota));
    assert_eq!(store.get("a"), Ok(Some(vec![0; 80])), "the old value stays");
    store.set("a", vec![], None, two).expect("a smaller one");
    store.delete("b").expect("small");
    assert_eq!(held(&store), (1, 1));
    // A smaller quota after a reload: nothing new, but less is always fine.
    let none = Quota { entries: 0, bytes: 0 };
    assert_eq!(store.set("z", vec![], None, none), Err(StoreError::Quota));
    store.set("a", vec![], None, none).expect("nothing more");
}

#[test]
fn what_has_expired_makes_room() {
    let store = store();
    let few = Quota { entries: 50, bytes: 1 << 20 };
    for number in 0..50 {
        store.set(&format!("old{number}"), vec![0; 100], Some(10), few).expect("room");
    }
    assert_eq!(store.set("new", vec![], None, few), Err(StoreError::Quota));
    pass(10);
    for number in 0..50 {
        store.set(&format!("new{number}"), vec![0; 100], None, few).expect("room again");
    }
    assert_eq!(store.set("one more", vec![], None, few), Err(StoreError::Quota));
}

#[test]
fn writing_keeps_the_store_small() {
    let store = store();
    for number in 0..100_000 {
        pass(1);
        store.set(&number.to_string(), vec![0; 10], Some(100), PLENTY).expect("room");
        assert!(held(&store).0 < 900, "{} entries", held(&store).0);
    }
}

/// What the store is to do, in the plainest way.
#[derive(Default)]
struct Model(BTreeMap<String, Kept>);

/// Bytes or a counter, and until when.
type Kept = (Result<Vec<u8>, i64>, Option<u64>);

impl Model {
    fn live(&mut self, key: &str) -> Option<&mut Kept> {
        let now = NOW.get();
        self.0.get_mut(key).filter(|(_, until)| until.is_none_or(|until| now < until))
    }

    fn put(&mut self, key: &str, value: Result<Vec<u8>, i64>, ttl: Option<u64>) {
        self.0.insert(key.to_owned(), (value, ttl.map(|ttl| NOW.get() + ttl)));
    }
}

#[derive(Debug, Clone)]
enum Action {
    Get,
    Set(Vec<u8>, Option<u64>),
    SetIfAbsent(Vec<u8>, Option<u64>),
    Delete,
    Add(i64, Option<u64>),
    Pass(u64),
}

fn action() -> impl Strategy<Value = Action> {
    let value = || prop::collection::vec(any::<u8>(), 0..20);
    let ttl = || prop::option::of(0..50_u64);
    prop_oneof![
        Just(Action::Get),
        (value(), ttl()).prop_map(|(value, ttl)| Action::Set(value, ttl)),
        (value(), ttl()).prop_map(|(value, ttl)| Action::SetIfAbsent(value, ttl)),
        Just(Action::Delete),
        (-9..9_i64, ttl()).prop_map(|(by, ttl)| Action::Add(by, ttl)),
        (0..40_u64).prop_map(Action::Pass),
    ]
}

proptest! {
    #[test]
    fn does_what_the_model_does(actions in prop::collection::vec(("[a-e]", action()), 0..200)) {
        let (store, mut model) = (store(), Model::default());
        for (key, action) in actions {
            match action {
                Action::Get => {
                    let expected = model.live(&key).map(|(value, _)| match value {
                        Ok(bytes) => bytes.clone(),
                        Err(number) => number.to_string().into_bytes(),
                    });
                    prop_assert_eq!(store.get(&key), Ok(expected));
                }
                Action::Set(value, ttl) => {
                    model.put(&key, Ok(value.clone()), ttl);
                    prop_assert_eq!(store.set(&key, value, ttl, PLENTY), Ok(()));
                }
                Action::SetIfAbsent(value, ttl) => {
                    let absent = model.live(&key).is_none();
                    if absent {
                        model.put(&key, Ok(value.clone()), ttl);
                    }
                    prop_assert_eq!(store.set_if_absent(&key, value, ttl, PLENTY), Ok(absent));
                }
                Action::Delete => {
                    let there = model.live(&key).is_some();
                    model.0.remove(&key);
                    prop_assert_eq!(store.delete(&key), Ok(there));
                }
                Action::Add(by, ttl) => {
                    let expected = match model.live(&key) {
                        Some((Ok(_), _)) => Err(StoreError::NotACounter),
                        Some((Err(number), _)) => {
                            *number += by;
                            Ok(*number)
                        }
                        None => {
                            model.put(&key, Err(by), ttl);
                            Ok(by)
                        }
                    };
                    prop_assert_eq!(store.add(&key, by, ttl, PLENTY), expected);
                }
                Action::Pass(milliseconds) => pass(milliseconds),
            }
        }
        // What is counted is what is held, expired or not.
        let (mut entries, mut bytes) = (0, 0);
        for shard in &store.shards {
            let shard = lock(shard);
            entries += shard.by_key.len();
            bytes += shard.by_key.iter().map(|(k, e)| k.len() + e.value.size()).sum::<usize>();
            let expiring = shard.by_key.values().filter(|entry| entry.expires != NEVER).count();
            prop_assert_eq!(shard.by_time.len(), expiring);
        }
        prop_assert_eq!(held(&store), (entries, bytes));
    }
}

#[test]
fn threads_lose_no_update_and_exceed_no_quota() {
    let store = Memory::default();
    let quota = Quota { entries: 100, bytes: 1 << 20 };
    thread::scope(|scope| {
        for thread in 0..8_i64 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..2_000_i64 {
                    store.add("shared", 1, None, quota).expect("room");
                    let key = format!("{thread}-{}", number % 40);
                    // 8 × 40 keys are more than there is room for.
                    match store.set_if_absent(&key, vec![0; 8], None, quota) {
                        Ok(_) | Err(StoreError::Quota) => {}
                        Err(other) => panic!("{other}"),
                    }
                    assert!(held(store).0 <= 100 + 8, "those that are refused just now count too");
                    if number % 3 == 0 {
                        store.delete(&key).expect("small");
                    }
                }
            });
        }
    });
    assert_eq!(store.get("shared"), Ok(Some(b"16000".into())));
    let held_keys: usize = store.shards.iter().map(|shard| lock(shard).by_key.len()).sum();
    assert_eq!(held(&store).0, held_keys);
    assert!(held_keys <= 100);
}

/// What those who wait hear, without waiting.
fn heard(news: &mut oneshot::Receiver<News>) -> Option<Result<Vec<u8>, &'static str>> {
    match news.try_recv() {
        Ok(News::Value(value)) => Some(Ok(value.to_vec())),
        Ok(News::Yours) => Some(Err("yours")),
        Err(_) => None,
    }
}

fn waits(store: &Memory, claimant: u64) -> oneshot::Receiver<News> {
    match store.claim("k", claimant) {
        Ok(Claimed::Taken { news, .. }) => news,
        other => panic!("{other:?}"),
    }
}

fn gets(store: &Memory, claimant: u64) {
    assert!(matches!(store.claim("k", claimant), Ok(Claimed::Yours)), "{claimant}");
}

fn claims(store: &Memory) -> usize {
    store.shards.iter().map(|shard| lock(shard).claims.len()).sum()
}

#[test]
fn one_makes_the_value_and_all_others_get_it() {
    let store = store();
    gets(&store, 1);
    gets(&store, 1);
    let mut others = [2, 3, 4].map(|claimant| waits(&store, claimant));
    assert!(others.iter_mut().all(|news| heard(news).is_none()));
    store.set("k", b"v".into(), Some(0), PLENTY).expect("room");
    assert!(others.iter_mut().all(|news| heard(news) == Some(Ok(b"v".into()))));
    assert_eq!(claims(&store), 0);
    // Its time is over at once: those who come now begin anew.
    gets(&store, 5);
    store.release("k", 1);
    let mut late = waits(&store, 6);
    assert_eq!(heard(&mut late), None, "a claim that has ended is not given up again");
    assert_eq!(store.add("k", 7, None, PLENTY), Ok(7));
    assert_eq!(heard(&mut late), Some(Ok(b"7".into())), "however the value comes");
    assert!(matches!(store.claim("k", 8), Ok(Claimed::Found(value)) if value == b"7"));
}

#[test]
fn a_claim_that_is_given_up_goes_to_the_first_that_waits() {
    let store = store();
    gets(&store, 1);
    let [mut second, third, mut fourth] = [2, 3, 4].map(|claimant| waits(&store, claimant));
    store.release("k", 1);
    assert_eq!((heard(&mut second), heard(&mut fourth)), (Some(Err("yours")), None));
    // One goes away, another before it has heard that it is its turn.
    drop(third);
    store.release("k", 2);
    store.release("k", 3);
    assert_eq!(heard(&mut fourth), Some(Err("yours")));
    store.release("k", 4);
    assert_eq!(claims(&store), 0);
    gets(&store, 5);
    assert_eq!(
        store.set("k", vec![], None, Quota { entries: 0, bytes: 0 }),
        Err(StoreError::Quota)
    );
    let mut last = waits(&store, 6);
    assert_eq!(heard(&mut last), None, "a value that is refused ends nothing");
}

#[test]
fn a_claim_ends_with_its_time() {
    let store = store();
    gets(&store, 1);
    pass(CLAIM - 1);
    let Ok(Claimed::Taken { mut news, left }) = store.claim("k", 2) else { panic!("it is taken") };
    assert_eq!(left, Duration::from_millis(1));
    pass(1);
    gets(&store, 2);
    assert_eq!(heard(&mut news), None);
    let mut late = waits(&store, 1);
    store.release("k", 2);
    assert_eq!(heard(&mut late), Some(Err("yours")));
    assert!(matches!(store.claim(&"k".repeat(257), 1), Err(StoreError::TooLarge)));
}
