//! Hands out blocks in order and keeps the number in flight bounded.

use std::sync::{Condvar, Mutex, PoisonError};

/// A counter of blocks shared by the workers that compute them and the writer that takes them in order.
pub(super) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
    total: usize,
    in_flight: usize,
}

#[derive(Default)]
struct State {
    next: usize,
    written: usize,
    stopped: bool,
}

impl Gate {
    /// Blocks 0 to `total`, of which at most `in_flight` are taken and not yet written.
    pub(super) fn new(total: usize, in_flight: usize) -> Self {
        Gate { state: Mutex::default(), changed: Condvar::new(), total, in_flight: in_flight.max(1) }
    }

    /// The next block to compute, once there is room for it; `None` when there are no more or the work
    /// was stopped. The lowest block taken never waits, so the writer always gets on.
    pub(super) fn take(&self) -> Option<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.stopped || state.next >= self.total {
                return None;
            }
            if state.next < state.written + self.in_flight {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One more block was written.
    pub(super) fn advance(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).written += 1;
        self.changed.notify_all();
    }

    /// Hands out no more blocks.
    pub(super) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_blocks_than_allowed_are_in_flight() {
        let gate = Gate::new(3, 2);
        assert_eq!((gate.take(), gate.take()), (Some(0), Some(1)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.take());
            gate.advance();
            assert_eq!(waiting.join().ok(), Some(Some(2)));
        });
        assert_eq!(gate.take(), None);
    }

    #[test]
    fn stopping_wakes_those_who_wait() {
        let gate = Gate::new(9, 1);
        assert_eq!(gate.take(), Some(0));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.take());
            gate.stop();
            assert_eq!(waiting.join().ok(), Some(None));
        });
    }
}
