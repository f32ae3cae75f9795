//! The dialogs, one file each: fields, what may be wrong with them, and what OK does.

mod add;
mod argument;
mod bookmarks;
mod browse;
mod classifier;
mod explorer;
mod export_labels;
mod import_labels;
mod importance;
mod label;
mod suggest;
mod training_report;
mod find;
mod properties;
