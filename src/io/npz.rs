//! NumPy `.npz` archives: arrays saved together, each opened by its name. Stored arrays are read in place,
//! compressed ones are decoded once.

use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::decoded::{Decode, Decoded, Sink};
use super::error::Error;
use super::file::{FileView, SharedFile};
use super::format::{Format, ImageReader, OpenOptions};
use super::npy::{self, Array};
use super::samples::ByteOrder;

/// Archives of NumPy arrays.
pub(super) struct Npz;

impl Format for Npz {
    fn name(&self) -> &'static str {
        "npz"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["npz"]
    }

    fn recognises(&self, head: &[u8]) -> bool {
        // The second is an archive of nothing.
        head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
    }

    fn has_datasets(&self) -> bool {
        true
    }

    fn images_in(&self, path: &Path) -> Result<Vec<String>, Error> {
        let file = SharedFile::open(path)?;
        let members = Members::read(&file)?;
        Ok(members.images().into_iter().cloned().collect())
    }

    fn open(
        &self,
        path: &Path,
        internal: Option<&str>,
        options: &OpenOptions,
    ) -> Result<Arc<dyn ImageReader>, Error> {
        let file = SharedFile::open(path)?;
        let members = Members::read(&file)?;
        let member = members.find(internal)?;
        let array = members.array(member)?;
        let packed = members.packed_bytes(member)?;
        match members.stored_at(member)? {
            Some(base) => npy::open_at(&file, base, array, options),
            None => {
                /// Deflate makes at most 1032 bytes of one.
                const RATIO: u64 = 1032;
                if array.bytes / RATIO > packed {
                    let what = format!("the array '{member}' claims {} bytes in {packed}", array.bytes);
                    return Err(Error::damaged(path, what));
                }
                let (order, item) = (array.order, array.dtype.size());
                let decoder = Inflate {
                    file: Arc::clone(&file),
                    member: member.to_owned(),
                    header: array.header,
                    order,
                    item,
                };
                let (shape, dtype) = (array.stored_shape(), array.dtype);
                let storage = Decoded::new(path, shape, dtype, decoder, options.memory)?;
                array.open(path, storage, options)
            }
        }
    }
}

type Archive = ZipArchive<BufReader<FileView>>;

/// Names of archive members end like this.
const SUFFIX: &str = ".npy";

/// The arrays of an archive, by name without suffix.
struct Members<'a> {
    file: &'a Arc<SharedFile>,
    names: Vec<String>,
}

impl<'a> Members<'a> {
    fn read(file: &'a Arc<SharedFile>) -> Result<Self, Error> {
        let archive = archive(file)?;
        let names = archive.file_names().filter_map(|name| name.strip_suffix(SUFFIX)).map(str::to_owned);
        let mut names: Vec<String> = names.collect();
        names.sort();
        Ok(Members { file, names })
    }

    /// Those that may be images.
    fn images(&self) -> Vec<&String> {
        let is_image = |name: &&String| self.array(name).is_ok_and(|a| (2..=5).contains(&a.shape.len()));
        self.names.iter().filter(is_image).collect()
    }

    /// The array of a name, or the only one that may be an image.
    fn find(&self, internal: Option<&str>) -> Result<&str, Error> {
        let path = self.file.path().to_owned();
        if let Some(name) = internal {
            let name = name.trim_matches('/');
            let name = name.strip_suffix(SUFFIX).unwrap_or(name);
            return self.names.iter().find(|known| *known == name).map(String::as_str).ok_or_else(|| {
                Error::NoSuchDataset { path, name: name.to_owned(), names: self.names.clone() }
            });
        }
        let images = self.images();
        match images[..] {
            [only] => Ok(only),
            // The only array says itself why it is no image.
            [] if self.names.len() == 1 => Ok(&self.names[0]),
            [] => Err(Error::NoDataset { path, others: Vec::new() }),
            _ => Err(Error::ManyDatasets { path, names: images.into_iter().cloned().collect() }),
        }
    }

    fn array(&self, name: &str) -> Result<Array, Error> {
        with_member(self.file, name, |member| {
            let len = member.size();
            Array::read(self.file.path(), member, len)
        })
    }

    fn packed_bytes(&self, name: &str) -> Result<u64, Error> {
        with_member(self.file, name, |member| Ok(member.compressed_size()))
    }

    /// Where the array begins in the file, when it is not compressed.
    fn stored_at(&self, name: &str) -> Result<Option<u64>, Error> {
        with_member(self.file, name, |member| {
            let stored = member.compression() == CompressionMethod::Stored;
            Ok(stored.then(|| member.data_start()))
        })
    }
}

fn archive(file: &Arc<SharedFile>) -> Result<Archive, Error> {
    ZipArchive::new(BufReader::new(file.view())).map_err(|e| refused(file, &e))
}

fn with_member<T>(
    file: &Arc<SharedFile>,
    name: &str,
    work: impl FnOnce(zip::read::ZipFile<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut archive = archive(file)?;
    let member = archive.by_name(&format!("{name}{SUFFIX}")).map_err(|e| refused(file, &e))?;
    work(member)
}

fn refused(file: &SharedFile, error: &ZipError) -> Error {
    match error {
        ZipError::UnsupportedArchive(what) => Error::unsupported(
            file.path(),
            format!("this kind of archive ({what})"),
            "save it again with numpy.savez or numpy.savez_compressed",
        ),
        e => Error::damaged(file.path(), format!("its list of arrays can't be read ({e})")),
    }
}

/// Decodes a compressed member.
struct Inflate {
    file: Arc<SharedFile>,
    member: String,
    /// Bytes before the samples.
    header: u64,
    order: ByteOrder,
    item: usize,
}

impl Decode for Inflate {
    fn decode(&self, sink: &mut Sink<'_>) -> Result<(), Error> {
        /// A multiple of every sample's size.
        const PIECE: usize = 1 << 20;
        let failed = |e: std::io::Error| {
            let what = format!("the array '{}' can't be decoded ({e})", self.member);
            Error::damaged(self.file.path(), what)
        };
        with_member(&self.file, &self.member, |mut member| {
            std::io::copy(&mut (&mut member).take(self.header), &mut std::io::sink()).map_err(failed)?;
            let mut piece = Vec::with_capacity(PIECE);
            loop {
                piece.clear();
                (&mut member).take(PIECE as u64).read_to_end(&mut piece).map_err(failed)?;
                if piece.is_empty() {
                    return Ok(());
                }
                self.order.to_native(&mut piece, self.item);
                sink(&piece)?;
            }
        })
    }

    fn working_bytes(&self) -> u64 {
        0
    }
}
