//! Interactive pixel classification in the terminal.

pub mod data;
