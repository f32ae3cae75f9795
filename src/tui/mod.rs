//! The terminal interface: session, threads and drawing around the pure state of `app`.
//!
//! Owns the terminal device, the threads that read it, encode and write, the journal file, and the loop
//! that performs the state's effects.

mod access;
mod backend;
mod content;
mod doctor;
mod drawing;
mod features;
mod files;
mod folders;
mod images;
mod input;
mod inspect;
mod jobs;
mod journal;
mod message;
mod missing;
mod mouse;
mod pacing;
pub mod panels;
mod picture;
mod printed;
mod probing;
mod recent;
mod run;
mod runs;
mod scene;
mod search;
mod session;
mod signals;
mod thumbnails;
mod training_jobs;
mod tty;
mod visit;

pub(crate) use access::check as check_access;
pub use doctor::doctor;
pub use printed::{PrintError, print_picture};
pub use run::{Error, Options, run};
