//! Image files: opening, reading by region, writing block by block, names of outputs.
//!
//! Every format is one file and one entry in [`FORMATS`]. Knows nothing of features, labels or projects.

pub mod atomic;
pub mod axistags;
mod chunked;
pub mod content;
mod decoded;
pub mod error;
mod file;
pub mod format;
pub mod grain;
mod hdf5;
mod netpbm;
mod npy;
mod npz;
mod open;
mod pending_folder;
mod pixel_sizes;
mod planes;
mod raster;
mod raw_binary;
mod samples;
mod spill;
mod stack;
mod storage;
pub mod template;
mod tiff;
pub(crate) mod unfinished;
mod viff;
pub mod write;

pub use content::content_hash;
pub use error::Error;
pub use format::{
    FORMATS, Format, ImageInfo, ImageReader, ImageSpec, ImageWriter, Intake, OpenOptions, PixelSize,
};
pub(crate) use hdf5::shown_otherwise;
pub use open::{images_in, is_image_name, open, split_dataset, with_dataset};
pub use pixel_sizes::sharing_pixel_sizes;
pub(crate) use samples::little_endian_bytes;
pub use stack::{expand, stack_name};
pub use write::{
    OUTPUT_FORMATS, OutputFormat, check, check_replaced, create, intake, output_format, remove, step_axis,
};
