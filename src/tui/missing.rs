//! Images that the terminal has not kept: sent again, until it has lost them too often.

use std::time::Duration;

/// How often everything is sent again before the terminal is taken to keep no images.
const MOST: u8 = 3;
/// Within this time.
const WITHIN: Duration = Duration::from_secs(10);

/// How often images were missing lately.
#[derive(Debug, Default)]
pub(super) struct Missing {
    since: Duration,
    times: u8,
}

impl Missing {
    /// All images were sent and are missing again; whether that was once too often.
    pub fn again(&mut self, now: Duration) -> bool {
        if self.times == 0 || now > self.since + WITHIN {
            *self = Missing { since: now, times: 0 };
        }
        self.times = self.times.saturating_add(1);
        self.times > MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given_up(seconds: impl IntoIterator<Item = u64>) -> bool {
        let mut missing = Missing::default();
        seconds.into_iter().fold(false, |_, at| missing.again(Duration::from_secs(at)))
    }

    #[test]
    fn what_is_missing_again_and_again_is_given_up() {
        assert!(!given_up([1, 2, 3]));
        assert!(given_up([1, 2, 3, 4]));
    }

    #[test]
    fn an_image_lost_now_and_then_is_restored() {
        assert!(!given_up((0..100).map(|i| 7 * i)));
    }
}
