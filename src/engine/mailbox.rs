//! A mailbox that holds only the newest state: posting replaces, a reader that was away sees the last.
//!
//! Never queues, so a slow worker can't fall behind by more than the work it is doing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Locks even when a thread panicked while it held the lock: what is guarded here is replaced whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A newest-wins mailbox.
#[derive(Debug)]
pub struct Latest<T> {
    slot: Mutex<Slot<T>>,
    changed: Condvar,
    revision: AtomicU64,
}

#[derive(Debug)]
struct Slot<T> {
    value: T,
    closed: bool,
}

impl<T: Clone> Latest<T> {
    /// A mailbox that holds `value`, which nobody has seen yet.
    pub fn new(value: T) -> Self {
        Latest {
            slot: Mutex::new(Slot { value, closed: false }),
            changed: Condvar::new(),
            revision: AtomicU64::new(1),
        }
    }

    /// Changes the value and wakes its readers.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        let mut slot = lock(&self.slot);
        change(&mut slot.value);
        self.revision.fetch_add(1, Ordering::Release);
        drop(slot);
        self.changed.notify_all();
    }

    /// Waits until the value is newer than `seen`, which becomes its revision; `None` once closed.
    pub fn wait_newer(&self, seen: &mut u64) -> Option<T> {
        let mut slot = lock(&self.slot);
        while !slot.closed && !self.is_newer(*seen) {
            slot = self.changed.wait(slot).unwrap_or_else(PoisonError::into_inner);
        }
        *seen = self.revision.load(Ordering::Acquire);
        (!slot.closed).then(|| slot.value.clone())
    }

    /// The value as it is now; `seen` becomes its revision. `None` once closed.
    pub fn get(&self, seen: &mut u64) -> Option<T> {
        let slot = lock(&self.slot);
        *seen = self.revision.load(Ordering::Acquire);
        (!slot.closed).then(|| slot.value.clone())
    }

    /// Whether the value changed since `seen`, or the mailbox closed: one atomic load.
    pub fn is_newer(&self, seen: u64) -> bool {
        self.revision.load(Ordering::Acquire) != seen
    }

    /// Ends all waiting, now and later.
    pub fn close(&self) {
        let mut slot = lock(&self.slot);
        slot.closed = true;
        self.revision.fetch_add(1, Ordering::Release);
        drop(slot);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_burst_leaves_the_last() {
        let mailbox = Latest::new(0);
        let mut seen = 0;
        assert_eq!(mailbox.wait_newer(&mut seen), Some(0));
        for n in 1..=50 {
            mailbox.update(|value| *value = n);
        }
        assert!(mailbox.is_newer(seen));
        assert_eq!(mailbox.wait_newer(&mut seen), Some(50));
        assert!(!mailbox.is_newer(seen));
    }

    #[test]
    fn closing_wakes_a_waiting_reader() {
        let mailbox = Arc::new(Latest::new(()));
        let reader = Arc::clone(&mailbox);
        let mut seen = 0;
        mailbox.get(&mut seen);
        let waiting = std::thread::spawn(move || reader.wait_newer(&mut seen));
        mailbox.close();
        assert_eq!(waiting.join().expect("no panic"), None);
    }
}
