//! Image files: opening, reading by region, writing block by block, names of outputs.
//!
//! Every format is one file and one entry in [`FORMATS`]. Knows nothing of features, labels or projects.

pub mod format;

pub use format::{
    Error, FORMATS, Format, ImageInfo, ImageReader, ImageSpec, ImageWriter, OpenOptions, PixelSize, open,
};
