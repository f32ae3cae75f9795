//! The threads that make frames and write them: the encoder, which composes and encodes, and the output,
//! the only writer to the terminal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use ratatui::layout::Position;

use super::message::Message;
use super::scene::SceneParts;
use super::tty::Tty;
use crate::graphics::session::{BEGIN_UPDATE, END_UPDATE, fence};
use crate::graphics::{Capabilities, EncoderKind, FrameEncoder, Placement};

/// Largest frame that is drawn as one update: terminals give up on larger ones.
const LARGEST_UPDATE: usize = 1 << 16;

/// A frame to make.
pub(super) struct FrameJob {
    /// The changed text.
    pub text: Vec<u8>,
    /// Where the text cursor is shown.
    pub cursor: Option<Position>,
    /// The picture and its place; `None` where no canvas is shown.
    pub picture: Option<(Arc<SceneParts>, Placement)>,
    /// Whether the terminal may have lost everything.
    pub forget: bool,
    /// The link's rate in bytes per second, once measured.
    pub rate: Option<f64>,
}

/// What the encoder thread is told.
pub(super) enum DrawJob {
    /// Use this encoder from now on.
    Use(&'static EncoderKind, Box<Capabilities>),
    /// Make a frame.
    Frame(FrameJob),
    /// Write these bytes as they are.
    Raw(Vec<u8>),
}

/// Starts both threads. They end when the sender returned is dropped.
pub(super) fn spawn(tty: Arc<Tty>, sender: Sender<Message>) -> std::io::Result<Sender<DrawJob>> {
    let (jobs, to_draw) = channel();
    let (frames, to_write) = channel::<(Vec<u8>, bool)>();
    let failing = sender.clone();
    thread::Builder::new().name("encoder".into()).spawn(move || encode(&to_draw, &frames, &failing))?;
    thread::Builder::new().name("output".into()).spawn(move || {
        for (bytes, is_frame) in to_write {
            let told = match (tty.write_all(&bytes), is_frame) {
                (Ok(()), true) => sender.send(Message::Written(bytes.len())),
                (Ok(()), false) => Ok(()),
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
}

impl Canvas {
    fn new(kind: &'static EncoderKind, terminal: Capabilities) -> Canvas {
        Canvas { encoder: (kind.create)(&terminal), kind, terminal, shown: None }
    }

    fn frame(&mut self, job: &FrameJob, out: &mut Vec<u8>) {
        if job.forget {
            self.encoder.forget();
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
        if let Some((scene, placement)) = &job.picture {
            let [width, height] = self.encoder.picture_size(placement);
            let picture = Arc::new(scene.compose([height, width]));
            self.encoder.encode(&picture, placement, out);
        }
    }
}

fn encode(jobs: &Receiver<DrawJob>, frames: &Sender<(Vec<u8>, bool)>, failing: &Sender<Message>) {
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
                (out, false)
            }
            DrawJob::Raw(bytes) => (bytes, false),
            DrawJob::Frame(job) => {
                let Some(canvas) = canvas.as_mut() else { continue };
                let mut out = Vec::new();
                // What was drawn halfway is unknown: the next frame starts from nothing.
                if catch_unwind(AssertUnwindSafe(|| canvas.frame(&job, &mut out))).is_err() {
                    *canvas = Canvas::new(canvas.kind, canvas.terminal.clone());
                    let _ = failing.send(Message::NotDrawn("Drawing failed: internal error".into()));
                    continue;
                }
                if out.is_empty() && job.cursor == cursor {
                    let _ = failing.send(Message::Written(0));
                    continue;
                }
                cursor = job.cursor;
                (finish(out, cursor, &canvas.terminal), true)
            }
        };
        if !bytes.0.is_empty() && frames.send(bytes).is_err() {
            return;
        }
    }
}

/// Wraps a frame: one update where the terminal can, the request for an answer, the text cursor.
fn finish(content: Vec<u8>, cursor: Option<Position>, terminal: &Capabilities) -> Vec<u8> {
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
    frame.extend(fence(terminal));
    if let Some(at) = cursor {
        frame.extend_from_slice(format!("\x1b[{};{}H\x1b[?25h", at.y + 1, at.x + 1).as_bytes());
    }
    frame
}
