//! The terminal interface: session, threads and drawing around the pure state of `app`.

pub mod panels;
