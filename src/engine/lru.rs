//! A cache bounded by bytes; the entry used longest ago goes first.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// Values by key, with a budget in bytes.
#[derive(Debug)]
pub struct ByteLru<K, V> {
    budget: usize,
    bytes: usize,
    clock: u64,
    entries: HashMap<K, Entry<V>>,
    by_use: BTreeMap<u64, K>,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    bytes: usize,
    used: u64,
}

impl<K: Clone + Eq + Hash, V> ByteLru<K, V> {
    /// An empty cache that holds at most `budget` bytes.
    pub fn new(budget: usize) -> Self {
        ByteLru { budget, bytes: 0, clock: 0, entries: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// The value of `key`, which counts as used now.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let entry = self.entries.get_mut(key)?;
        self.clock += 1;
        self.by_use.remove(&entry.used);
        entry.used = self.clock;
        self.by_use.insert(self.clock, key.clone());
        Some(&entry.value)
    }

    /// The value of `key`, without counting as a use.
    pub fn peek(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Puts in `value`, which takes `bytes`, and drops the entries used longest ago that no longer fit;
    /// a value larger than the whole budget is not kept.
    pub fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.remove(&key);
        if bytes > self.budget {
            return;
        }
        while self.bytes + bytes > self.budget {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            let oldest = oldest.clone();
            self.remove(&oldest);
        }
        self.clock += 1;
        self.bytes += bytes;
        self.by_use.insert(self.clock, key.clone());
        self.entries.insert(key, Entry { value, bytes, used: self.clock });
    }

    /// Takes out the entry of `key`.
    pub fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
            self.by_use.remove(&entry.used);
        }
    }

    /// Drops every entry whose key `keep` refuses.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let dropped: Vec<K> = self.entries.keys().filter(|key| !keep(key)).cloned().collect();
        dropped.iter().for_each(|key| self.remove(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_used_stays() {
        let mut cache = ByteLru::new(30);
        (0..3).for_each(|key| cache.insert(key, key, 10));
        cache.get(&0);
        cache.insert(3, 3, 10);
        assert_eq!([0, 1, 2, 3].map(|key| cache.peek(&key).is_some()), [true, false, true, true]);
    }

    proptest! {
        #[test]
        fn the_budget_holds(inserts in prop::collection::vec((0..10u8, 0..40usize), 0..60)) {
            let mut cache = ByteLru::new(100);
            for (key, bytes) in inserts {
                cache.insert(key, bytes, bytes);
                let held: usize = (0..10).filter_map(|key| cache.peek(&key)).sum();
                prop_assert_eq!(held, cache.bytes);
                prop_assert!(held <= 100);
                prop_assert_eq!(cache.peek(&key), Some(&bytes));
            }
        }
    }
}
