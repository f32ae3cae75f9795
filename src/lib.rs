//! Interactive pixel classification in the terminal.

pub mod app;
pub mod batch;
pub mod classify;
pub mod cli;
pub mod command;
pub mod data;
pub mod engine;
pub mod features;
pub mod graphics;
pub mod io;
pub mod pipeline;
pub mod project;
pub mod render;
pub mod tui;
