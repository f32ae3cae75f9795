//! TIFF files: strips and tiles, BigTIFF, many pages; axes by ImageJ, OME-XML or tifffile.

mod chunks;
mod ifd;
mod metadata;
mod ome;
mod page;
mod read;
mod series;

pub(super) use read::Tiff;
