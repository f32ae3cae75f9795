//! HDF5 files: datasets of 2 to 5 dimensions, ilastik's `axistags`, and the datasets inside projects.

mod chunks;
mod filters;
mod old_form;
mod read;
mod slices;

pub(crate) use old_form::shown_otherwise;
pub(super) use read::{Hdf5, datasets_of};
