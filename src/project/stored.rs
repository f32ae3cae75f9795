//! Typed, bounded reading of the objects in a project file.
//!
//! Old and new projects store the same thing in different types; here each is read for what it means.
//! Nothing is allocated that the file itself is not large enough to hold.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use hdf5_pure::{AttrValue, Dataset, Datatype, File, Group, ReadSeekSource, VlenStringReadOptions};

use crate::io::shown_otherwise;

/// Largest dataset that is read into memory: far above any label block or tree.
const MAX_BYTES: u64 = 1 << 30;
/// Most that deflate can expand; a dataset that claims more than the file could hold is a lie.
const MAX_EXPANSION: u64 = 1032;

/// An object that can't be read.
#[derive(Debug)]
pub(super) struct Damage {
    /// Its path inside the file.
    pub object: String,
    /// What is wrong.
    pub reason: String,
}

pub(super) type Result<T> = std::result::Result<T, Damage>;

/// A group of the file, with the names of its children.
pub(super) struct Folder {
    group: Group,
    /// Path inside the file.
    pub path: String,
    file_len: u64,
    datasets: Vec<String>,
    groups: Vec<String>,
}

/// A dataset's shape and numbers, row-major.
pub(super) struct Numbers<T> {
    pub shape: Vec<usize>,
    pub values: Vec<T>,
}

/// An open file handle, read by position so that it can be shared; it stays readable after the file
/// was replaced or deleted. What the library can't read of it is shown otherwise.
#[derive(Debug)]
pub(super) struct SharedFile {
    file: Arc<fs::File>,
    position: u64,
    shown: Vec<(u64, Vec<u8>)>,
}

impl SharedFile {
    /// Reads the file behind `handle` from its beginning.
    pub fn new(handle: &Arc<fs::File>) -> Self {
        let len = handle.metadata().map_or(0, |metadata| metadata.len());
        let shown = shown_otherwise(len, &|offset, bytes| handle.read_exact_at(bytes, offset));
        SharedFile { shown, ..SharedFile::raw(handle) }
    }

    /// The same as it is.
    pub fn raw(handle: &Arc<fs::File>) -> Self {
        SharedFile { file: Arc::clone(handle), position: 0, shown: Vec::new() }
    }

    /// Where what is shown beyond the file's end ends.
    fn end_of_shown(&self) -> u64 {
        self.shown.iter().map(|(start, bytes)| start + bytes.len() as u64).max().unwrap_or(0)
    }
}

impl Read for SharedFile {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let mut read = self.file.read_at(buf, self.position)?;
        if read == 0 {
            read = self.end_of_shown().saturating_sub(self.position).min(buf.len() as u64) as usize;
            buf[..read].fill(0);
        }
        for (start, bytes) in &self.shown {
            let from = self.position.max(*start);
            let to = (self.position + read as u64).min(start + bytes.len() as u64);
            if from < to {
                let shown = &bytes[(from - start) as usize..(to - start) as usize];
                buf[(from - self.position) as usize..(to - self.position) as usize].copy_from_slice(shown);
            }
        }
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => i128::from(at),
            SeekFrom::Current(by) => i128::from(self.position) + i128::from(by),
            SeekFrom::End(by) => {
                i128::from(self.file.metadata()?.len().max(self.end_of_shown())) + i128::from(by)
            }
        };
        self.position = u64::try_from(target).map_err(|_| std::io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Opens the HDF5 file behind `handle`.
pub(super) fn open(handle: &Arc<fs::File>) -> std::result::Result<File, hdf5_pure::Error> {
    let source = ReadSeekSource::new(SharedFile::new(handle))?;
    File::from_source(source)
}

impl Folder {
    /// The root group.
    pub fn root(file: &File) -> Result<Folder> {
        Folder::new(file.root(), String::new(), file.file_size())
    }

    fn new(group: Group, path: String, file_len: u64) -> Result<Folder> {
        let damage = |error: hdf5_pure::Error| Damage {
            object: if path.is_empty() { "/".into() } else { path.clone() },
            reason: error.to_string(),
        };
        let mut datasets = group.datasets().map_err(damage)?;
        let mut groups = group.groups().map_err(damage)?;
        datasets.sort_unstable();
        groups.sort_unstable();
        Ok(Folder { group, path, file_len, datasets, groups })
    }

    /// Names of the datasets, sorted.
    pub fn datasets(&self) -> &[String] {
        &self.datasets
    }

    /// Names of the groups, sorted.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Path of a child inside the file.
    pub fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    /// What is wrong with a child.
    pub fn damage(&self, name: &str, reason: impl Into<String>) -> Damage {
        Damage { object: self.path_of(name), reason: reason.into() }
    }

    /// The child group `name`, if there is one.
    pub fn folder(&self, name: &str) -> Result<Option<Folder>> {
        if !self.groups.iter().any(|n| n == name) {
            return Ok(None);
        }
        let group = self.group.group(name).map_err(|e| self.damage(name, e.to_string()))?;
        Folder::new(group, self.path_of(name), self.file_len).map(Some)
    }

    /// The group below, by a path of several names, if there is one.
    pub fn descend(&self, path: &str) -> Result<Option<Folder>> {
        let mut names = path.split('/');
        let Some(mut folder) = names.next().map(|name| self.folder(name)).transpose()?.flatten() else {
            return Ok(None);
        };
        for name in names {
            match folder.folder(name)? {
                Some(next) => folder = next,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    fn dataset(&self, name: &str) -> Result<Option<Dataset>> {
        if !self.datasets.iter().any(|n| n == name) {
            return Ok(None);
        }
        self.group.dataset(name).map(Some).map_err(|e| self.damage(name, e.to_string()))
    }

    /// The shape of a dataset, if there is one; its values are not read.
    pub fn shape(&self, name: &str) -> Result<Option<Vec<usize>>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let shape = dataset.shape().map_err(|e| self.damage(name, e.to_string()))?;
        shape
            .iter()
            .map(|&n| usize::try_from(n).ok())
            .collect::<Option<_>>()
            .map_or_else(|| Err(self.damage(name, "its shape is too large")), |shape| Ok(Some(shape)))
    }

    /// Checks a dataset's size against the file's; returns its shape and number of elements.
    fn bounded(&self, name: &str, dataset: &Dataset) -> Result<(Vec<usize>, usize)> {
        let shape = dataset.shape().map_err(|e| self.damage(name, e.to_string()))?;
        let size = dataset.element_size().map_err(|e| self.damage(name, e.to_string()))?;
        let count = shape.iter().try_fold(1_u64, |n, &k| n.checked_mul(k));
        let bytes = count.and_then(|n| n.checked_mul(size.max(1)));
        let limit = MAX_BYTES.min(self.file_len.saturating_mul(MAX_EXPANSION));
        match (count, bytes) {
            (Some(count), Some(bytes)) if bytes <= limit => {
                Ok((shape.iter().map(|&n| n as usize).collect(), count as usize))
            }
            _ => Err(self.damage(name, format!("its shape {shape:?} is larger than the file can hold"))),
        }
    }

    /// A dataset of strings, fixed or variable in length, if there is one.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let datatype = dataset.datatype().map_err(|e| self.damage(name, e.to_string()))?;
        let (_, count) = self.bounded(name, &dataset)?;
        match datatype {
            Datatype::VariableLength { .. } => {
                let limit = MAX_BYTES.min(self.file_len) as usize;
                let options =
                    VlenStringReadOptions::new().with_max_elements(count).with_max_payload_bytes(limit);
                dataset.read_vlen_strings(options).map(Some).map_err(|e| self.damage(name, e.to_string()))
            }
            Datatype::String { size, .. } | Datatype::Opaque { size, .. } => {
                let raw = dataset.read_raw().map_err(|e| self.damage(name, e.to_string()))?;
                let texts = raw.chunks_exact((size as usize).max(1)).map(|bytes| {
                    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
                    String::from_utf8_lossy(&bytes[..end]).into_owned()
                });
                Ok(Some(texts.collect()))
            }
            Datatype::FixedPoint { .. } | Datatype::FloatingPoint { .. } => {
                // ilastik 0.x wrote its version as a number.
                Ok(self.floats(name)?.map(|numbers| numbers.values.iter().map(f64::to_string).collect()))
            }
            other => Err(self.damage(name, format!("it should hold text, not {other}"))),
        }
    }

    /// A single string, if there is one.
    pub fn text(&self, name: &str) -> Result<Option<String>> {
        match self.texts(name)? {
            None => Ok(None),
            Some(texts) => match texts.into_iter().next() {
                Some(text) => Ok(Some(text)),
                None => Err(self.damage(name, "it is empty")),
            },
        }
    }

    /// A dataset of numbers or booleans as 64-bit integers, if there is one.
    pub fn integers(&self, name: &str) -> Result<Option<Numbers<i64>>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let (shape, _) = self.bounded(name, &dataset)?;
        let datatype = dataset.datatype().map_err(|e| self.damage(name, e.to_string()))?;
        let values = match &datatype {
            // Booleans are enumerations of FALSE and TRUE.
            Datatype::Enumeration { size: 1, .. } | Datatype::FixedPoint { size: 1, .. } => {
                let signed = match &datatype {
                    Datatype::Enumeration { base_type, .. } => is_signed(base_type),
                    other => is_signed(other),
                };
                let raw = dataset.read_raw().map_err(|e| self.damage(name, e.to_string()))?;
                raw.iter().map(|&b| if signed { i64::from(b as i8) } else { i64::from(b) }).collect()
            }
            Datatype::FixedPoint { .. } => {
                dataset.read_i64().map_err(|e| self.damage(name, e.to_string()))?
            }
            Datatype::FloatingPoint { .. } => {
                let floats = dataset.read_f64().map_err(|e| self.damage(name, e.to_string()))?;
                floats.iter().map(|&v| v as i64).collect()
            }
            other => return Err(self.damage(name, format!("it should hold numbers, not {other}"))),
        };
        self.complete(name, shape, values).map(Some)
    }

    /// A dataset of numbers as 64-bit floats, if there is one.
    pub fn floats(&self, name: &str) -> Result<Option<Numbers<f64>>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let (shape, _) = self.bounded(name, &dataset)?;
        if let Ok(Datatype::VariableLength { .. } | Datatype::String { .. }) = dataset.datatype() {
            return Err(self.damage(name, "it should hold numbers, not text"));
        }
        let values = dataset.read_f64().map_err(|e| self.damage(name, e.to_string()))?;
        self.complete(name, shape, values).map(Some)
    }

    /// A dataset of bytes, such as a label block, if there is one; wider integers must fit.
    pub fn bytes(&self, name: &str) -> Result<Option<Numbers<u8>>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let datatype = dataset.datatype().map_err(|e| self.damage(name, e.to_string()))?;
        if let Datatype::FixedPoint { size: 1, .. } = &datatype
            && !is_signed(&datatype)
        {
            let (shape, _) = self.bounded(name, &dataset)?;
            let values = dataset.read_raw().map_err(|e| self.damage(name, e.to_string()))?;
            return self.complete(name, shape, values).map(Some);
        }
        let Some(numbers) = self.integers(name)? else { return Ok(None) };
        let values: Option<Vec<u8>> = numbers.values.iter().map(|&v| u8::try_from(v).ok()).collect();
        let values = values.ok_or_else(|| self.damage(name, "it holds values beyond 0 to 255"))?;
        Ok(Some(Numbers { shape: numbers.shape, values }))
    }

    /// A dataset of 32-bit integers, if there is one.
    pub fn int32s(&self, name: &str) -> Result<Option<Vec<i32>>> {
        let Some(numbers) = self.integers(name)? else { return Ok(None) };
        let values: Option<Vec<i32>> = numbers.values.iter().map(|&v| i32::try_from(v).ok()).collect();
        values.map(Some).ok_or_else(|| self.damage(name, "it holds values beyond 32 bits"))
    }

    fn complete<T>(&self, name: &str, shape: Vec<usize>, values: Vec<T>) -> Result<Numbers<T>> {
        if values.len() != shape.iter().product::<usize>() {
            return Err(
                self.damage(name, format!("it holds {} values, its shape is {shape:?}", values.len()))
            );
        }
        Ok(Numbers { shape, values })
    }

    /// A single truth value, if there is one.
    pub fn flag(&self, name: &str) -> Result<Option<bool>> {
        Ok(self.integers(name)?.and_then(|numbers| numbers.values.first().map(|&v| v != 0)))
    }

    /// The text of a dataset's attribute, if there is one.
    pub fn attribute_text(&self, name: &str, attribute: &str) -> Result<Option<String>> {
        let Some(dataset) = self.dataset(name)? else { return Ok(None) };
        let attributes = dataset.attrs().map_err(|e| self.damage(name, e.to_string()))?;
        Ok(attributes.get(attribute).and_then(attribute_text))
    }

    /// The text of this group's own attribute, if there is one.
    pub fn own_attribute_text(&self, attribute: &str) -> Result<Option<String>> {
        let attributes =
            self.group.attrs().map_err(|e| Damage { object: self.path.clone(), reason: e.to_string() })?;
        Ok(attributes.get(attribute).and_then(attribute_text))
    }

    /// Whether a list dataset is marked as empty, which is how ilastik stores a list without entries.
    pub fn is_marked_empty(&self, name: &str) -> Result<bool> {
        let Some(dataset) = self.dataset(name)? else { return Ok(true) };
        let attributes = dataset.attrs().map_err(|e| self.damage(name, e.to_string()))?;
        Ok(attributes.get("isEmpty").is_some_and(|value| match attribute_text(value) {
            Some(text) => text.eq_ignore_ascii_case("true") || text == "1",
            None => value.to_i64s().is_some_and(|v| v.first().is_some_and(|&v| v != 0)),
        }))
    }
}

fn is_signed(datatype: &Datatype) -> bool {
    matches!(datatype, Datatype::FixedPoint { layout, .. } if layout.signed)
}

fn attribute_text(value: &AttrValue) -> Option<String> {
    match value.as_str() {
        Some(text) => Some(text.to_owned()),
        None => value.as_strings().and_then(|texts| texts.first().cloned()),
    }
}
