//! HDF5 files: datasets of 2 to 5 dimensions, ilastik's `axistags`, and the datasets inside projects.

mod chunks;
mod filters;
mod read;
mod slices;
mod soft_links;

pub(super) use read::{Hdf5, datasets_of};
pub(crate) use soft_links::without_soft_links;
