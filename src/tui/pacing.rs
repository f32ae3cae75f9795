//! Flow control: when a frame may go out, how much of a large picture it may carry, and what the link
//! carries.
//!
//! A frame ends in a numbered request for an answer, which says that the terminal has taken everything
//! before it. At most two requests are open. While one is, more of a large picture follows without a request,
//! at the rate that was measured, so that the link is used without a queue in it: what is typed is answered
//! at once. Where a terminal does not answer, frames go out at a fixed rate. Reads no clock: every call is
//! told the time.

use std::collections::VecDeque;
use std::time::Duration;

use crate::graphics::session::FENCES;

/// Most requests open.
const WINDOW: usize = 2;
/// How long the link may be busy with one piece of a large picture at least: what a key may have to wait for.
const PIECE: Duration = Duration::from_millis(15);
/// The same by the round trip, where that is more: far away, small pieces would not fill the link.
const PIECE_SHARE: u32 = 12;
/// A link that was busy for so long tells its rate by this much of the difference from the rate known.
const TELLING: (Duration, f64) = (Duration::from_millis(25), 0.3);
/// An answer later than expected by so much says that the link carries less than was thought.
const QUEUE: Duration = Duration::from_millis(35);
/// A picture that takes longer is sent coarse first.
const PATIENCE: Duration = Duration::from_millis(300);
/// A frame is lost when its answer is late by so much, and by four times what it should take.
const LOST: Duration = Duration::from_secs(2);
/// Frames smaller than this say nothing about the link's rate.
const TELLING_BYTES: usize = 1024;
/// When the way is estimated, at most this part (one in so many) of the time to an answer is put down to carrying
/// the bytes.
const CARRIED_SHARE: u32 = 4;
/// Smallest and first piece of a large picture in bytes.
const LEAST_PIECE: usize = 1024;
const FIRST_PIECE: usize = 8192;
/// Pieces go out a little faster than the rate known, to find out whether the link carries more.
const GAIN: f64 = 1.1;
/// A terminal that draws slowly answers late now and then, whatever the link carries. So its usual time to answer
/// is the middle of so many that it took when nothing else was on its way, and the link's rate is lowered to the
/// highest that so many answers in a row told.
const USUAL: usize = 9;
const RATES: usize = 3;
/// So many losses in a row: the terminal does not answer at all.
const SILENT: u8 = 2;
/// Bytes per second to a terminal that does not answer: 2 Mbit/s.
pub(super) const UNANSWERED_RATE: f64 = 250e3;

/// What a frame is for, the most urgent last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Something that changed by itself: it leaves room for the pointer and for keys.
    Background,
    /// The pointer: what it does gathers while the terminal is busy.
    Pointer,
    /// A key: it is answered as soon as the link is free, whatever else is on its way.
    Key,
}

/// An open request.
#[derive(Clone, Copy, Debug)]
struct Request {
    number: u8,
    /// When the first byte after the request before went out, and when the request did.
    first: Duration,
    sent: Duration,
    /// Bytes since the request before.
    bytes: usize,
    /// Whether the link was idle in between: then the bytes say at least what it carries.
    has_gaps: bool,
    /// When the answer should come.
    expected: Duration,
    /// Whether everything before it was answered when it went out.
    is_alone: bool,
}

/// What is on its way, and what is known of the link.
#[derive(Clone, Debug)]
pub(super) struct Pacer {
    open: VecDeque<Request>,
    next: u8,
    /// Bytes since the last request, when the first of them went out, and whether the link was idle since.
    bytes: usize,
    first: Option<Duration>,
    has_gaps: bool,
    /// When the link has carried everything that was sent, at the rate known.
    busy_until: Duration,
    last_answer: Duration,
    round_trip: Option<Duration>,
    /// The last times to an answer with nothing else on its way, the newest last.
    alone: VecDeque<Duration>,
    rate: Option<f64>,
    /// The last rates that answers told, the newest last.
    told: VecDeque<f64>,
    /// Losses since the last answer.
    losses: u8,
    /// Most bytes per second, if the user said so.
    limit: Option<f64>,
}

impl Pacer {
    /// For a terminal that took `answering` to answer a question before, or never answered one; `limit` is the
    /// most that may be sent, in bytes per second.
    pub fn new(answering: Option<Duration>, limit: Option<f64>) -> Self {
        Pacer {
            open: VecDeque::new(),
            next: 0,
            bytes: 0,
            first: None,
            has_gaps: false,
            busy_until: Duration::ZERO,
            last_answer: Duration::ZERO,
            round_trip: answering,
            alone: answering.into_iter().collect(),
            rate: None,
            told: VecDeque::new(),
            losses: if answering.is_some() { 0 } else { SILENT },
            limit,
        }
    }

    /// How long an answer usually takes with nothing else on its way.
    fn usual(&self) -> Option<Duration> {
        let mut times: Vec<Duration> = self.alone.iter().copied().collect();
        times.sort_unstable();
        times.get(times.len().saturating_sub(1) / 2).copied().max(self.round_trip)
    }

    /// Whether the terminal answers.
    fn is_answered(&self) -> bool {
        self.losses < SILENT
    }

    /// Bytes per second to send at; none before anything is known.
    fn pace(&self) -> Option<f64> {
        let rate = if self.is_answered() { self.rate } else { Some(UNANSWERED_RATE) };
        match (rate, self.limit) {
            (Some(rate), Some(limit)) if self.is_answered() => Some(rate.min(limit)),
            (_, Some(limit)) => Some(limit),
            (rate, None) => rate,
        }
    }

    /// Whether a frame may go out, and if so whether it has to end in a request.
    pub fn may_send(&self, now: Duration, cause: Cause) -> Option<bool> {
        if !self.is_answered() {
            return (self.busy_until <= now + PIECE).then_some(true);
        }
        let room = if cause == Cause::Background { WINDOW - 1 } else { WINDOW };
        if self.open.len() < room {
            return Some(true);
        }
        (cause != Cause::Pointer && self.allowance(now) > 0).then_some(false)
    }

    /// How many bytes of a large picture may go out now.
    pub fn allowance(&self, now: Duration) -> usize {
        let Some(pace) = self.pace() else {
            return if self.open.is_empty() { FIRST_PIECE } else { 0 };
        };
        if self.busy_until > now {
            return 0;
        }
        let late = self.open.front().is_some_and(|request| now > request.expected + QUEUE);
        if self.is_answered() && late {
            return 0;
        }
        let piece = PIECE.max(self.round_trip.unwrap_or_default() / PIECE_SHARE);
        ((pace * piece.as_secs_f64()) as usize).max(LEAST_PIECE)
    }

    /// Bytes that a picture may need before it is sent coarse first.
    pub fn patience(&self) -> usize {
        self.pace().map_or(usize::MAX, |pace| (pace * PATIENCE.as_secs_f64()) as usize)
    }

    /// Whether bytes are under way that no request follows.
    pub fn owes_request(&self) -> bool {
        self.bytes > 0 && self.open.is_empty()
    }

    /// A frame is being made; `asks` when it must end in a request, whose number is returned.
    pub fn begin(&mut self, now: Duration, asks: bool) -> Option<u8> {
        if !asks && !self.open.is_empty() {
            return None;
        }
        let number = self.next;
        self.next = (self.next + 1) % FENCES;
        // The answer may come before the output has told that the frame is written.
        let expected = now + self.usual().unwrap_or(LOST);
        let is_alone = self.open.is_empty() && self.bytes == 0;
        self.open.push_back(Request {
            number,
            first: now,
            sent: now,
            bytes: 0,
            has_gaps: true,
            expected,
            is_alone,
        });
        while self.open.len() > 2 * WINDOW {
            self.open.pop_front();
        }
        Some(number)
    }

    /// The frame begun has gone out with so many bytes; none when there was nothing to send.
    pub fn written(&mut self, now: Duration, number: Option<u8>, bytes: usize) {
        if bytes == 0 {
            self.open.retain(|r| Some(r.number) != number);
            return;
        }
        let idle = self.busy_until < now && self.open.iter().all(|r| Some(r.number) == number);
        self.has_gaps |= self.first.is_some() && idle;
        let first = *self.first.get_or_insert(now);
        self.bytes += bytes;
        if let Some(pace) = self.pace() {
            let gain = if self.is_answered() && self.limit.is_none() { GAIN } else { 1.0 };
            self.busy_until = self.busy_until.max(now) + carrying(bytes, pace * gain);
        }
        let (bytes, has_gaps) = (self.bytes, self.has_gaps);
        let expected = self.busy_until.max(now) + self.usual().unwrap_or(LOST);
        if let Some(request) = self.open.iter_mut().find(|r| Some(r.number) == number) {
            *request = Request { first, sent: now, bytes, has_gaps, expected, ..*request };
        }
        if number.is_some() {
            (self.bytes, self.first, self.has_gaps) = (0, None, false);
        }
    }

    /// Request `number` was answered, or the oldest where the answer has none.
    pub fn answered(&mut self, now: Duration, number: Option<u8>) {
        self.losses = 0;
        let at = match number {
            Some(number) => self.open.iter().position(|r| r.number == number),
            None => (!self.open.is_empty()).then_some(0),
        };
        // An answer to what was given up for lost.
        let Some(at) = at else { return };
        let bytes = self.open.drain(..at).map(|r| r.bytes).sum::<usize>();
        if let Some(mut request) = self.open.pop_front() {
            request.bytes += bytes;
            self.learn(now, &request);
        }
        self.last_answer = now;
        if let (Some(rate), Some(usual)) = (self.rate, self.usual()) {
            // What was sent since may wait longer than was thought.
            let after = self.bytes + self.open.iter().map(|r| r.bytes).sum::<usize>();
            self.busy_until = self.busy_until.max(now.saturating_sub(usual) + carrying(after, rate));
        }
    }

    fn learn(&mut self, now: Duration, request: &Request) {
        let took = now.saturating_sub(request.sent);
        // The way is what is left when the link has carried the bytes. Their share is bounded: where the rate known
        // is far too low, it would be all of it.
        let carried = self.rate.map_or(Duration::ZERO, |rate| carrying(request.bytes, rate));
        let way = took - carried.min(took / CARRIED_SHARE);
        let least = match self.round_trip {
            None => way,
            Some(least) if way < least && request.bytes < TELLING_BYTES => way,
            Some(least) if took < least => took,
            // Routes change: a longer way is believed slowly.
            Some(least) if request.bytes < TELLING_BYTES => least + (way - least).min(least) / 64,
            Some(least) => least,
        };
        self.round_trip = Some(least);
        if request.is_alone && request.bytes < TELLING_BYTES {
            self.alone.push_back(way);
            self.alone.drain(..self.alone.len().saturating_sub(USUAL));
        }
        if request.bytes < TELLING_BYTES {
            return;
        }
        let usual = self.usual().unwrap_or(least);
        let leaving = request.sent.saturating_sub(request.first);
        let arriving = |way| now.saturating_sub(self.last_answer.max(request.first + way));
        // Answers arrive a little early or late: a difference that is small beside the way says little.
        let busy = |way| arriving(way).max(leaving).max(took / 16).as_secs_f64().max(1e-4);
        // What a single frame says depends on how long the way takes, which is known roughly: it raises the rate
        // to what is certain only.
        let certain = request.bytes as f64 / busy(if leaving.is_zero() { least } else { usual });
        let says_little = request.has_gaps && leaving >= arriving(usual);
        let busy = busy(usual);
        self.told.push_back(request.bytes as f64 / busy);
        self.told.drain(..self.told.len().saturating_sub(RATES));
        let possible = self.told.iter().copied().fold(0.0, f64::max);
        self.rate = Some(match self.rate {
            None => certain,
            Some(known) if certain >= known => certain.min(2.0 * known),
            Some(known) if says_little || possible >= known => known,
            // Short measurements are rough.
            Some(known) => known + (TELLING.1 * busy / TELLING.0.as_secs_f64()).min(0.8) * (possible - known),
        });
    }

    /// Whether the oldest frame is lost; all are forgotten then.
    pub fn lost(&mut self, now: Duration) -> bool {
        let lost = self.deadline().is_some_and(|at| now >= at);
        if lost {
            self.forget();
            self.losses = self.losses.saturating_add(1).min(SILENT);
            // The terminal is taken up again as if it were new, but for its rate.
            self.last_answer = now;
        }
        lost && self.is_answered()
    }

    /// Nothing that was sent will be answered.
    pub fn forget(&mut self) {
        self.open.clear();
        (self.bytes, self.first, self.has_gaps) = (0, None, false);
    }

    /// When the oldest frame counts as lost.
    pub fn deadline(&self) -> Option<Duration> {
        let oldest = self.open.front()?;
        let bytes: usize = self.open.iter().map(|r| r.bytes).sum();
        let usual = self.round_trip.unwrap_or_default()
            + self.rate.map_or(Duration::ZERO, |rate| carrying(bytes, rate));
        Some(oldest.sent + LOST + 4 * usual)
    }

    /// When the link will be free for more of a large picture.
    pub fn next_piece(&self) -> Duration {
        self.busy_until
    }

    /// Bytes per second that the link carries, once measured.
    pub fn rate(&self) -> Option<f64> {
        self.rate.filter(|_| self.is_answered())
    }

    /// Shortest time from a frame to its answer.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip.filter(|_| self.is_answered())
    }
}

/// How long a link of `rate` bytes per second takes for so many bytes.
fn carrying(bytes: usize, rate: f64) -> Duration {
    Duration::from_secs_f64((bytes as f64 / rate.max(1.0)).min(60.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: f64) -> Duration {
        Duration::from_secs_f64(ms / 1e3)
    }

    #[test]
    fn two_frames_are_on_their_way_at_most() {
        let mut pacer = Pacer::new(Some(at(30.0)), None);
        let first = pacer.begin(at(0.0), true);
        pacer.written(at(0.0), first, 100);
        assert_eq!(pacer.may_send(at(1.0), Cause::Pointer), Some(true));
        let second = pacer.begin(at(1.0), true);
        pacer.written(at(1.0), second, 100);
        assert_eq!(pacer.may_send(at(19.0), Cause::Key), None, "the rate is not known");
        pacer.answered(at(20.0), first);
        assert_eq!(pacer.may_send(at(20.0), Cause::Key), Some(true));
        assert_eq!(pacer.round_trip(), Some(at(20.0)));
        assert_eq!(pacer.rate(), None, "small frames say nothing");
    }

    #[test]
    fn a_key_waits_for_the_link_alone() {
        let (mut pacer, _, _) = simulate(125e3, 100.0, 0.0, 20.0);
        let mut now = 20_001.0;
        while pacer.may_send(at(now), Cause::Pointer) == Some(true) {
            let number = pacer.begin(at(now), true);
            pacer.written(at(now), number, 100);
            now += 1.0;
        }
        assert_eq!(pacer.may_send(at(now), Cause::Pointer), None, "two frames are on their way");
        let free =
            (0..).map(|ms| now + f64::from(ms)).find(|ms| pacer.may_send(at(*ms), Cause::Key).is_some());
        assert!(free.is_some_and(|free| free - now <= 20.0), "{free:?}");
    }

    #[test]
    fn what_nobody_asked_for_leaves_room_for_a_key() {
        let mut pacer = Pacer::new(Some(at(100.0)), None);
        let number = pacer.begin(at(0.0), true);
        pacer.written(at(0.0), number, 100);
        assert_eq!(pacer.may_send(at(1.0), Cause::Background), None);
        assert_eq!(pacer.may_send(at(1.0), Cause::Key), Some(true));
    }

    #[test]
    fn an_answer_may_come_before_the_frame_is_known_to_be_written() {
        let mut pacer = Pacer::new(Some(at(30.0)), None);
        let number = pacer.begin(at(0.0), true);
        pacer.answered(at(1.0), number);
        pacer.written(at(2.0), number, 100);
        assert!(pacer.may_send(at(2.0), Cause::Pointer).is_some() && pacer.deadline().is_none());
    }

    #[test]
    fn a_frame_of_nothing_leaves_no_request() {
        let mut pacer = Pacer::new(Some(at(30.0)), None);
        let number = pacer.begin(at(0.0), true);
        pacer.written(at(0.0), number, 0);
        assert!(pacer.deadline().is_none() && !pacer.owes_request());
    }

    /// A link of `rate` bytes per second with `delay` there and back, driven with a picture that never ends. The
    /// terminal takes up to `drawing` to answer.
    fn simulate(rate: f64, delay: f64, drawing: f64, seconds: f64) -> (Pacer, f64, f64) {
        let mut pacer = Pacer::new(Some(at(delay + drawing / 2.0)), None);
        let mut seed = 1_u64;
        let mut drawn = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            drawing * (seed % 1000) as f64 / 1e3
        };
        let (mut now, mut free, mut total, mut worst) = (0.0_f64, 0.0_f64, 0.0, 0.0_f64);
        let mut answers: VecDeque<(f64, Option<u8>)> = VecDeque::new();
        let number = pacer.begin(at(0.0), true);
        pacer.written(at(0.0), number, 3000);
        answers.push_back((3000.0 / rate * 1e3 + delay + drawn(), number));
        while now < seconds * 1e3 {
            now += 1.0;
            while answers.front().is_some_and(|a| a.0 <= now) {
                let (_, number) = answers.pop_front().expect("there is one");
                pacer.answered(at(now), number);
            }
            let piece = pacer.allowance(at(now));
            if piece > 0 {
                let number = pacer.begin(at(now), false);
                pacer.written(at(now), number, piece);
                free = free.max(now) + piece as f64 / rate * 1e3;
                total += piece as f64;
                if now > seconds * 500.0 {
                    worst = worst.max(free - now);
                }
                if number.is_some() {
                    let before = answers.back().map_or(0.0, |a| a.0);
                    answers.push_back((before.max(free + delay + drawn()), number));
                }
                assert!(answers.len() <= WINDOW);
            }
            assert!(!pacer.lost(at(now)));
        }
        (pacer, total / seconds, worst)
    }

    #[test]
    fn a_link_is_used_without_a_queue_in_it() {
        for (rate, delay) in [(125e3, 100.0), (1.25e6, 100.0), (125e3, 10.0), (1.25e6, 300.0), (6e6, 20.0)] {
            let (pacer, used, queue) = simulate(rate, delay, 0.0, 20.0);
            let known = pacer.rate().expect("measured");
            assert!((0.6 * rate..1.5 * rate).contains(&known), "{rate}: {known}");
            assert!(used > 0.6 * rate, "{rate} bytes/s at {delay} ms: only {used} used");
            assert!(queue < 75.0, "{rate} bytes/s at {delay} ms: {queue} ms wait in the link");
        }
    }

    #[test]
    fn single_frames_do_not_raise_the_rate_beyond_the_links() {
        let (rate, delay) = (125e3, 100.0);
        let (mut pacer, _, _) = simulate(rate, delay, 0.0, 20.0);
        let mut now = 20_500.0;
        let mut pair = |pacer: &mut Pacer, bytes: [usize; 2]| {
            now += 1000.0;
            let mut free = now;
            let sent = [(0.0, bytes[0]), (20.0, bytes[1])].map(|(after, bytes)| {
                let number = pacer.begin(at(now + after), true);
                pacer.written(at(now + after), number, bytes);
                free = free.max(now + after) + bytes as f64 / rate * 1e3;
                (free + delay, number)
            });
            sent.iter().for_each(|(answer, number)| pacer.answered(at(*answer), *number));
            let known = pacer.rate().expect("measured");
            assert!((0.6 * rate..1.2 * rate).contains(&known), "{known} after {bytes:?}");
        };
        // Small frames take a little longer than the shortest way.
        (0..USUAL).for_each(|_| pair(&mut pacer, [TELLING_BYTES - 1, 100]));
        for bytes in [[2 * TELLING_BYTES, 100], [800, 1100], [1100, 1300], [1000, 2000]] {
            pair(&mut pacer, bytes);
        }
    }

    #[test]
    fn a_terminal_that_draws_slowly_is_not_taken_for_a_slow_link() {
        for (rate, delay, drawing) in [(2e6, 10.0, 190.0), (2e6, 50.0, 50.0), (125e3, 100.0, 40.0)] {
            let (_, used, _) = simulate(rate, delay, drawing, 20.0);
            assert!(used > 0.6 * rate, "{rate} bytes/s, up to {drawing} ms to draw: only {used} used");
        }
    }

    #[test]
    fn a_lost_frame_is_noticed_and_a_silent_terminal_gets_frames_at_a_fixed_rate() {
        let mut pacer = Pacer::new(Some(at(30.0)), None);
        for (start, told) in [(0.0, true), (3000.0, false)] {
            let number = pacer.begin(at(start), true);
            pacer.written(at(start), number, 10);
            assert!(!pacer.lost(at(start + 2119.0)));
            assert_eq!(pacer.lost(at(start + 2120.0)), told);
        }
        assert!(pacer.may_send(at(6000.0), Cause::Background).is_some() && pacer.rate().is_none());
        let number = pacer.begin(at(6000.0), true);
        pacer.written(at(6000.0), number, 250_000);
        assert_eq!(pacer.may_send(at(6500.0), Cause::Key), None, "a second's worth is under way");
        assert!(pacer.may_send(at(7000.0), Cause::Key).is_some() && pacer.allowance(at(7000.0)) > 0);
        pacer.answered(at(7000.0), Some(number.expect("asked")));
        assert!(pacer.is_answered(), "it answers after all");
    }

    #[test]
    fn late_answers_to_what_was_lost_are_not_taken_for_others() {
        let mut pacer = Pacer::new(Some(at(30.0)), None);
        let lost = pacer.begin(at(0.0), true);
        pacer.written(at(0.0), lost, 10);
        assert!(pacer.lost(at(2120.0)));
        let next = pacer.begin(at(2130.0), true);
        pacer.written(at(2130.0), next, 10);
        pacer.answered(at(2131.0), lost);
        assert!(pacer.deadline().is_some(), "the next is still open");
        assert_eq!(pacer.round_trip(), Some(at(30.0)), "nor for quick ones");
    }
}
