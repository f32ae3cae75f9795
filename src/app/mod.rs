//! The program's state, and the one function that changes it: an event in, effects out.
//!
//! Pure: no files, threads, clock or drawing. What an area of the program does lies in that area's file.

mod arguments;
pub mod availability;
pub mod band;
pub mod batch;
pub mod canvas;
pub mod cautions;
pub mod channels;
pub mod contrast;
pub mod dialogs;
mod dispatch;
pub mod edits;
pub mod effect;
pub mod event;
pub mod export;
mod feature_fill;
pub mod features;
pub mod files;
pub mod fill;
pub mod folders;
pub mod form;
pub mod goal;
pub mod histogram;
pub mod input;
pub mod inspect;
pub mod jobs;
pub mod journal;
pub mod labels;
pub mod lanes;
pub mod layers;
pub mod layout;
pub mod looking;
pub mod lost;
pub mod messages;
pub mod paint;
mod picture;
pub mod pointer;
pub mod popups;
pub mod refused;
pub mod run_layout;
pub mod runs;
pub mod screen;
pub mod settings;
pub mod slices;
pub mod state;
pub mod thumbnails;
pub mod training;
pub mod training_tools;
pub mod update;
pub mod visit;

pub use availability::{Reason, available};
pub use canvas::{LaneView, Pane};
pub use channels::{ChannelView, Display, Tint};
pub use effect::{Effect, SaveRequest};
pub use event::{
    Access, AppEvent, CanvasGeometry, Hold, InputEvent, Link, MouseInput, NewLane, Opened, SaveFailure,
};
pub use jobs::{JobEvent, JobId, JobOutput, JobStart, Work};
pub use journal::{JournalRecord, LaneDetails};
pub use layout::Layout;
pub use messages::{Level, Message, Problem};
pub use paint::Tool;
pub use screen::{Applet, Focus};
pub use state::App;
pub use update::update;
