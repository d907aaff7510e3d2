//! The same question to many things, on all cores.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Fails with all that `wrong` finds; a panic in it fails as well.
pub fn none_is_wrong<T: Sync>(all: impl IntoIterator<Item = T>, wrong: impl Fn(&T) -> Vec<String> + Sync) {
    let all: Vec<T> = all.into_iter().collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let own = wrong(one);
                    found.lock().unwrap().extend(own);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_wrong_with_the_last_of_many_is_told() {
    let judge = |number: &u32| if *number == 99 { vec!["99 is too many".to_owned()] } else { Vec::new() };
    none_is_wrong(0..99, judge);
    let failed = thread::spawn(move || none_is_wrong(0..100, judge)).join().unwrap_err();
    assert_eq!(failed.downcast_ref::<String>().unwrap(), "99 is too many");
    assert!(thread::spawn(|| none_is_wrong([1], |_| panic!("the question itself"))).join().is_err());
}
