//! The reins of a run: pause, go on, leave out an image, stop, from any thread.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::data::CancelToken;

/// How often a paused run looks whether it was cancelled by its token alone.
const PATIENCE: Duration = Duration::from_millis(50);

/// Controls a run while it goes on. Clones control the same run.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    all: CancelToken,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    paused: bool,
    /// Images not to be computed.
    dropped: BTreeSet<usize>,
    /// The image being computed.
    current: Option<(usize, CancelToken)>,
}

impl Control {
    /// A run that `cancel` stops as well.
    pub fn new(cancel: CancelToken) -> Self {
        Control(Arc::new(Shared { all: cancel, ..Shared::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the run after the blocks being computed, or lets it go on.
    pub fn set_paused(&self, paused: bool) {
        self.state().paused = paused;
        self.0.changed.notify_all();
    }

    /// Stops everything; what was written is kept, what is being written is removed.
    pub fn cancel(&self) {
        self.0.all.cancel();
        self.0.changed.notify_all();
    }

    /// Leaves out image `index`, or stops it if it is being computed.
    pub fn cancel_input(&self, index: usize) {
        let mut state = self.state();
        state.dropped.insert(index);
        if let Some((_, token)) = state.current.as_ref().filter(|(current, _)| *current == index) {
            token.cancel();
        }
        drop(state);
        self.0.changed.notify_all();
    }

    /// Stops the whole run when cancelled.
    pub(super) fn token(&self) -> &CancelToken {
        &self.0.all
    }

    /// Begins image `index`, once the run is not paused; the token that stops it, or `None` when it is
    /// not wanted any more.
    pub(super) fn begin(&self, index: usize) -> Option<CancelToken> {
        let token = self.0.all.child();
        self.state().current = Some((index, token.clone()));
        if self.state().dropped.contains(&index) {
            token.cancel();
        }
        self.wait(&token);
        (!token.is_cancelled()).then_some(token)
    }

    /// Waits while the run is paused and `token` is not cancelled.
    pub(super) fn wait(&self, token: &CancelToken) {
        let mut state = self.state();
        while state.paused && !token.is_cancelled() {
            state =
                self.0.changed.wait_timeout(state, PATIENCE).map_or_else(|e| e.into_inner().0, |(s, _)| s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_left_out_before_it_begins_or_stopped_in_its_middle() {
        let control = Control::default();
        control.cancel_input(1);
        let first = control.begin(0).expect("wanted");
        assert!(control.begin(1).is_none());
        let second = control.begin(2).expect("wanted");
        control.cancel_input(2);
        assert!(second.is_cancelled() && !first.is_cancelled());
        assert!(control.begin(3).is_some());
        control.cancel();
        assert!(control.begin(4).is_none());
    }

    #[test]
    fn a_paused_run_waits_and_can_still_be_cancelled() {
        let control = Control::default();
        control.set_paused(true);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| control.begin(0).is_some());
            control.set_paused(false);
            assert_eq!(waiting.join().ok(), Some(true));
            control.set_paused(true);
            let waiting = scope.spawn(|| control.begin(1).is_some());
            control.cancel_input(1);
            assert_eq!(waiting.join().ok(), Some(false));
            let waiting = scope.spawn(|| control.begin(2).is_some());
            control.cancel();
            assert_eq!(waiting.join().ok(), Some(false));
        });
    }
}
