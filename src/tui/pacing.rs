//! Flow control: how many frames may be on their way, and what the link carries.
//!
//! Each frame ends in a request for the cursor's position; the answer says that the terminal has taken the
//! frame. Reads no clock: every call is told the time.

use std::collections::VecDeque;
use std::time::Duration;

/// Most frames on their way.
const WINDOW: usize = 2;
/// A frame not acknowledged for so long is lost.
const LOST: Duration = Duration::from_secs(5);
/// Frames smaller than this say nothing about the link's rate.
const TELLING_BYTES: usize = 4096;
/// Weight of a new measurement of the rate.
const NEW_RATE: f64 = 0.3;

/// Frames on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Pacer {
    in_flight: VecDeque<(Duration, usize)>,
    last_answer: Duration,
    round_trip: Option<Duration>,
    rate: Option<f64>,
}

impl Pacer {
    /// Whether another frame may be sent.
    pub fn may_send(&self) -> bool {
        self.in_flight.len() < WINDOW
    }

    /// A frame of so many bytes, which ends in the request, goes out.
    pub fn sent(&mut self, now: Duration, bytes: usize) {
        self.in_flight.push_back((now, bytes));
    }

    /// The oldest frame was acknowledged.
    pub fn acknowledged(&mut self, now: Duration) {
        let Some((sent, bytes)) = self.in_flight.pop_front() else { return };
        let took = now.saturating_sub(sent);
        let least = self.round_trip.map_or(took, |least| least.min(took));
        self.round_trip = Some(least);
        if bytes >= TELLING_BYTES {
            // The terminal began on this frame when it was done with the one before.
            let busy = now.saturating_sub(sent.max(self.last_answer)).saturating_sub(least / 2);
            let rate = bytes as f64 / busy.as_secs_f64().max(1e-3);
            self.rate = Some(self.rate.map_or(rate, |old| old + NEW_RATE * (rate - old)));
        }
        self.last_answer = now;
    }

    /// Whether the oldest frame is lost; all are forgotten then.
    pub fn lost(&mut self, now: Duration) -> bool {
        let lost = self.in_flight.front().is_some_and(|&(sent, _)| now.saturating_sub(sent) >= LOST);
        if lost {
            self.forget();
        }
        lost
    }

    /// Nothing that was sent will be acknowledged.
    pub fn forget(&mut self) {
        self.in_flight.clear();
    }

    /// When the oldest frame counts as lost.
    pub fn deadline(&self) -> Option<Duration> {
        self.in_flight.front().map(|&(sent, _)| sent + LOST)
    }

    /// Bytes per second that the link carries, once measured.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Shortest time from a frame to its answer.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn two_frames_are_on_their_way_at_most() {
        let mut pacer = Pacer::default();
        pacer.sent(at(0), 100);
        assert!(pacer.may_send());
        pacer.sent(at(1), 100);
        assert!(!pacer.may_send());
        pacer.acknowledged(at(20));
        assert!(pacer.may_send());
        assert_eq!(pacer.round_trip(), Some(at(20)));
        assert_eq!(pacer.rate(), None, "small frames say nothing");
    }

    #[test]
    fn the_rate_is_that_of_the_link() {
        let mut pacer = Pacer::default();
        let mut now = at(0);
        pacer.sent(now, 10);
        pacer.acknowledged(now + at(100));
        for _ in 0..20 {
            now += at(1000);
            pacer.sent(now, 12_500);
            // 125 kB/s and 100 ms there and back.
            pacer.acknowledged(now + at(200));
        }
        let rate = pacer.rate().expect("measured");
        assert!((70e3..130e3).contains(&rate), "{rate}");
    }

    #[test]
    fn a_silent_terminal_does_not_block_for_ever() {
        let mut pacer = Pacer::default();
        pacer.sent(at(0), 1);
        pacer.sent(at(100), 1);
        assert!(!pacer.lost(at(4999)));
        assert_eq!(pacer.deadline(), Some(at(5000)));
        assert!(pacer.lost(at(5000)));
        assert!(pacer.may_send() && !pacer.lost(at(9000)));
        pacer.acknowledged(at(9001));
    }
}
