//! The threads that make frames and write them: the encoder, which composes and encodes, and the output,
//! the only writer to the terminal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use ratatui::layout::Position;

use super::content::Content;
use super::message::{Message, Written};
use super::tty::Tty;
use crate::graphics::session::{BEGIN_UPDATE, END_UPDATE, fence};
use crate::graphics::{Allowance, Capabilities, CellRect, EncoderKind, FrameEncoder, Placement};
use crate::render::Picture;

/// Largest frame that is drawn as one update: terminals give up on larger ones.
const LARGEST_UPDATE: usize = 1 << 16;

/// A frame to make.
pub(super) struct FrameJob {
    /// The changed text.
    pub text: Vec<u8>,
    /// Where the text cursor is shown.
    pub cursor: Option<Position>,
    /// The picture and its place; `None` where no canvas is shown.
    pub picture: Option<(Content, Placement)>,
    /// What is known of the terminal's memory.
    pub trust: Trust,
    /// The link's rate in bytes per second, once measured.
    pub rate: Option<f64>,
    /// How much of a large change may go out, and what it may need before it is sent coarse first.
    pub bytes: usize,
    pub patience: usize,
    /// The number of the request for an answer that the frame ends in.
    pub request: Option<u8>,
}

/// Whether the terminal still has what it was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// It has.
    #[default]
    Has,
    /// It may not have: it is asked where it can be.
    Doubted,
    /// It has not.
    Lost,
}

/// What the encoder thread is told.
pub(super) enum DrawJob {
    /// Use this encoder from now on.
    Use(&'static EncoderKind, Box<Capabilities>),
    /// Make a frame.
    Frame(FrameJob),
    /// Ask for an answer, with this number, and send nothing else.
    Ask(u8),
    /// Write these bytes as they are.
    Raw(Vec<u8>),
}

/// Starts both threads. They end when the sender returned is dropped.
pub(super) fn spawn(tty: Arc<Tty>, sender: Sender<Message>) -> std::io::Result<Sender<DrawJob>> {
    let (jobs, to_draw) = channel();
    let (frames, to_write) = channel::<(Vec<u8>, Option<Written>)>();
    let failing = sender.clone();
    thread::Builder::new().name("encoder".into()).spawn(move || encode(&to_draw, &frames, &failing))?;
    thread::Builder::new().name("output".into()).spawn(move || {
        for (bytes, frame) in to_write {
            let told = match (tty.write_all(&bytes), frame) {
                (Ok(()), Some(written)) => sender.send(Message::Written(written)),
                (Ok(()), None) => Ok(()),
                (Err(_), _) => sender.send(Message::Hangup),
            };
            if told.is_err() {
                return;
            }
        }
    })?;
    Ok(jobs)
}

/// The encoder thread's state.
struct Canvas {
    encoder: Box<dyn FrameEncoder>,
    kind: &'static EncoderKind,
    terminal: Capabilities,
    /// The place of the picture on the terminal.
    shown: Option<Placement>,
    /// What was composed last, where it goes, and its picture.
    composed: Option<(Content, CellRect, Arc<Picture>)>,
}

impl Canvas {
    fn new(kind: &'static EncoderKind, terminal: Capabilities) -> Canvas {
        Canvas { encoder: (kind.create)(&terminal), kind, terminal, shown: None, composed: None }
    }

    /// Appends a frame; whether the picture is shown entirely and exactly then.
    fn frame(&mut self, job: &FrameJob, out: &mut Vec<u8>) -> bool {
        match job.trust {
            Trust::Has => {}
            Trust::Doubted => self.encoder.doubt(out),
            Trust::Lost => self.encoder.forget(),
        }
        if let Some(rate) = job.rate {
            self.encoder.set_link_rate(rate);
        }
        let moved = match (&self.shown, &job.picture) {
            (Some(shown), Some((_, placement))) => {
                shown.area != placement.area || shown.cell != placement.cell
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        if moved {
            self.encoder.erase(out);
        }
        out.extend_from_slice(&job.text);
        self.shown = job.picture.as_ref().map(|(_, placement)| placement.clone());
        let Some((content, placement)) = &job.picture else { return true };
        let [width, height] = self.encoder.picture_size(placement);
        let picture = self.compose(content, placement, [height, width]);
        let focus = content.focus([height, width], placement, self.encoder.as_ref());
        let allowance = Allowance { bytes: job.bytes, patience: job.patience, focus };
        self.encoder.encode_some(&picture, placement, &allowance, out)
    }

    /// The picture of `size` (rows, columns); the last one where nothing changed.
    fn compose(&mut self, content: &Content, placement: &Placement, size: [usize; 2]) -> Arc<Picture> {
        if let Some((last, area, picture)) = &self.composed {
            if last.is(content) && *area == placement.area && [picture.height, picture.width] == size {
                return picture.clone();
            }
            self.encoder.moved_by(content.moved_since(last).unwrap_or_default());
        }
        let picture = Arc::new(content.compose(size, placement, self.encoder.as_ref()));
        self.composed = Some((content.clone(), placement.area, picture.clone()));
        picture
    }
}

fn encode(jobs: &Receiver<DrawJob>, frames: &Sender<(Vec<u8>, Option<Written>)>, failing: &Sender<Message>) {
    let mut canvas: Option<Canvas> = None;
    let mut cursor = None;
    for job in jobs {
        let bytes = match job {
            DrawJob::Use(kind, terminal) => {
                let mut out = Vec::new();
                if let Some(mut old) = canvas.take() {
                    old.encoder.erase(&mut out);
                }
                canvas = Some(Canvas::new(kind, *terminal));
                (out, None)
            }
            DrawJob::Raw(bytes) => (bytes, None),
            DrawJob::Ask(number) => {
                let Some(canvas) = canvas.as_ref() else { continue };
                let frame = finish(Vec::new(), cursor, Some(number), &canvas.terminal);
                let written = Written { request: Some(number), bytes: frame.len(), more: false };
                (frame, Some(written))
            }
            DrawJob::Frame(job) => {
                let Some(canvas) = canvas.as_mut() else { continue };
                let mut out = Vec::new();
                // What was drawn halfway is unknown: the next frame starts from nothing.
                let drawn = catch_unwind(AssertUnwindSafe(|| canvas.frame(&job, &mut out)));
                let Ok(complete) = drawn else {
                    *canvas = Canvas::new(canvas.kind, canvas.terminal.clone());
                    let _ = failing.send(Message::NotDrawn("Drawing failed: internal error".into()));
                    continue;
                };
                let mut written = Written { request: job.request, bytes: 0, more: !complete };
                if out.is_empty() && job.cursor == cursor {
                    let _ = failing.send(Message::Written(written));
                    continue;
                }
                cursor = job.cursor;
                let frame = finish(out, cursor, job.request, &canvas.terminal);
                written.bytes = frame.len();
                (frame, Some(written))
            }
        };
        if !bytes.0.is_empty() && frames.send(bytes).is_err() {
            return;
        }
    }
}

/// Wraps a frame: one update where the terminal can, the request for an answer, the text cursor.
fn finish(
    content: Vec<u8>,
    cursor: Option<Position>,
    request: Option<u8>,
    terminal: &Capabilities,
) -> Vec<u8> {
    let as_one = terminal.sync_2026 && content.len() <= LARGEST_UPDATE;
    let mut frame = Vec::with_capacity(content.len() + 64);
    frame.extend_from_slice(b"\x1b[?25l");
    if as_one {
        frame.extend_from_slice(BEGIN_UPDATE);
    }
    frame.extend_from_slice(&content);
    if as_one {
        frame.extend_from_slice(END_UPDATE);
    }
    if let Some(number) = request {
        frame.extend(fence(terminal, number));
    }
    if let Some(at) = cursor {
        frame.extend_from_slice(format!("\x1b[{};{}H\x1b[?25h", at.y + 1, at.x + 1).as_bytes());
    }
    frame
}
