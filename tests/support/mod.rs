//! What the integration tests share.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::panic)]

pub mod emulator;
