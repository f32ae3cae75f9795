//! The `brushwood` program.

fn main() {}
