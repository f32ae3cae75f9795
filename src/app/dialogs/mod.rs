//! The dialogs, one file each: fields, what may be wrong with them, and what OK does.

mod add;
mod argument;
mod batch_add;
mod bookmarks;
mod browse;
mod channels;
mod classifier;
mod explorer;
mod export_labels;
pub mod export_settings;
mod find;
mod import_labels;
mod importance;
mod label;
mod presets;
mod properties;
mod suggest;
mod training_report;

pub use add::AddAnswers;
