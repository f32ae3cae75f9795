//! The dialogs, one file each: fields, what may be wrong with them, and what OK does.

mod add;
mod argument;
mod bookmarks;
mod browse;
mod classifier;
mod explorer;
mod export_labels;
mod find;
mod import_labels;
mod importance;
mod label;
mod properties;
mod suggest;
mod training_report;
