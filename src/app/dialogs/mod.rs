//! The dialogs, one file each: fields, what may be wrong with them, and what OK does.

mod argument;
mod browse;
