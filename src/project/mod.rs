//! The project: lanes, labels, classes, feature selection, classifier; reading and writing `.ilp` files.
//!
//! Opens no images and computes nothing; images that are open can be copied into the file. What a file holds that brushwood does not know is carried over
//! when the project is saved.

mod axistags;
pub mod bookmarks;
mod copies;
pub mod error;
mod export_store;
mod forest_store;
mod label_store;
mod lane_store;
pub mod lanes;
mod links;
mod load;
pub mod model;
mod origin;
mod own_store;
mod plan;
mod save;
mod stored;
mod value;

pub use bookmarks::Bookmark;
pub use copies::{ImageCopy, LARGEST_COPY};
pub use error::{Error, LaneError, Warning};
pub use model::{DataRole, DatasetInfo, DatasetLocation, ExportSettings, Lane, Project};
pub use origin::SavedFile;
