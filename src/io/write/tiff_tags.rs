//! Image file directories as bytes, classic and BigTIFF, little-endian.

use crate::data::DType;

/// Classic TIFF or BigTIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Classic,
    Big,
}

impl Layout {
    /// The layout of a file with `bytes` of samples in `pages` pages.
    pub(super) fn of(bytes: u64, pages: usize) -> Self {
        /// Generous for a directory with its values; the description comes once.
        const PER_PAGE: u64 = 512;
        const DESCRIPTION: u64 = 1 << 20;
        let total = bytes.saturating_add(pages as u64 * PER_PAGE).saturating_add(DESCRIPTION);
        if total < u64::from(u32::MAX) { Layout::Classic } else { Layout::Big }
    }

    /// Bytes before the samples.
    pub(super) fn header_len(self) -> u64 {
        match self {
            Layout::Classic => 8,
            Layout::Big => 16,
        }
    }

    /// The header of a file whose first directory is at `first`.
    pub(super) fn header(self, first: u64) -> Vec<u8> {
        match self {
            Layout::Classic => [b"II\x2a\x00", &(first as u32).to_le_bytes()[..]].concat(),
            Layout::Big => [b"II\x2b\x00\x08\x00\x00\x00", &first.to_le_bytes()[..]].concat(),
        }
    }

    /// Bytes of an offset.
    fn word(self) -> usize {
        match self {
            Layout::Classic => 4,
            Layout::Big => 8,
        }
    }

    /// An offset or count, in the low bytes.
    fn offset(self, value: u64) -> Vec<u8> {
        value.to_le_bytes()[..self.word()].to_vec()
    }
}

/// What the pages of a file have in common; the description stands in the first.
#[derive(Debug)]
pub(super) struct PageTags {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) samples: u32,
    pub(super) dtype: DType,
    pub(super) description: Option<String>,
    /// Pixels per centimetre along x and y.
    pub(super) per_centimetre: [Option<f64>; 2],
}

/// TIFF's field types.
mod field {
    pub(super) const ASCII: u16 = 2;
    pub(super) const SHORT: u16 = 3;
    pub(super) const LONG: u16 = 4;
    pub(super) const RATIONAL: u16 = 5;
    pub(super) const LONG8: u16 = 16;
}

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    value: Vec<u8>,
}

impl PageTags {
    fn entries(&self, layout: Layout, first_page: bool, offset: u64, bytes: u64) -> Vec<Entry> {
        let short = |tag, values: &[u16]| Entry {
            tag,
            kind: field::SHORT,
            count: values.len() as u64,
            value: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        let long =
            |tag, value: u32| Entry { tag, kind: field::LONG, count: 1, value: value.to_le_bytes().to_vec() };
        let place = |tag, value: u64| {
            let kind = if layout == Layout::Big { field::LONG8 } else { field::LONG };
            Entry { tag, kind, count: 1, value: layout.offset(value) }
        };
        let samples = self.samples as usize;
        let rgb = samples == 3 && matches!(self.dtype, DType::U8 | DType::U16);
        let format = match self.dtype {
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => 1,
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => 2,
            DType::F32 | DType::F64 => 3,
        };
        let mut entries = vec![
            long(256, self.width),
            long(257, self.height),
            short(258, &vec![self.dtype.size() as u16 * 8; samples]),
            short(259, &[1]),
            short(262, &[if rgb { 2 } else { 1 }]),
        ];
        if let Some(text) = self.description.as_ref().filter(|_| first_page) {
            let value = [text.as_bytes(), b"\0"].concat();
            entries.push(Entry { tag: 270, kind: field::ASCII, count: value.len() as u64, value });
        }
        entries.push(place(273, offset));
        entries.push(short(277, &[samples as u16]));
        entries.push(long(278, self.height));
        entries.push(place(279, bytes));
        if let [Some(x), Some(y)] = self.per_centimetre {
            entries.push(Entry { tag: 282, kind: field::RATIONAL, count: 1, value: rational(x) });
            entries.push(Entry { tag: 283, kind: field::RATIONAL, count: 1, value: rational(y) });
        }
        entries.push(short(284, &[1]));
        if self.per_centimetre.iter().all(Option::is_some) {
            entries.push(short(296, &[3]));
        }
        let extra = samples - if rgb { 3 } else { 1 };
        if extra > 0 {
            entries.push(short(338, &vec![0; extra]));
        }
        entries.push(short(339, &vec![format; samples]));
        entries
    }
}

/// A positive number as a fraction of 32-bit numbers, to about nine digits.
fn rational(value: f64) -> Vec<u8> {
    let denominator = (f64::from(u32::MAX) / value / 2.0).clamp(1.0, 1e9).floor();
    let numerator = (value * denominator).round().min(u32::MAX.into());
    [(numerator as u32).to_le_bytes(), (denominator as u32).to_le_bytes()].concat()
}

/// The directories of all pages, to stand at `first`; each page has one strip of `bytes` at its offset.
pub(super) fn directories(
    layout: Layout,
    tags: &PageTags,
    first: u64,
    bytes: u64,
    offsets: &[u64],
) -> Vec<u8> {
    let mut out = Vec::new();
    let pages = offsets.len();
    for (page, &offset) in offsets.iter().enumerate() {
        let entries = tags.entries(layout, page == 0, offset, bytes);
        let word = layout.word();
        let (count_len, entry_len) = if layout == Layout::Big { (8, 20) } else { (2, 12) };
        let directory_len = count_len + entries.len() * entry_len + word;
        // Values that do not fit into their entry follow the directory.
        let mut values = Vec::new();
        let values_at = first + (out.len() + directory_len) as u64;
        let mut directory = (entries.len() as u64).to_le_bytes()[..count_len].to_vec();
        for entry in entries {
            directory.extend(entry.tag.to_le_bytes());
            directory.extend(entry.kind.to_le_bytes());
            directory.extend(layout.offset(entry.count));
            if entry.value.len() <= word {
                let mut value = entry.value;
                value.resize(word, 0);
                directory.extend(value);
            } else {
                directory.extend(layout.offset(values_at + values.len() as u64));
                values.extend(entry.value);
                values.resize(values.len().next_multiple_of(2), 0);
            }
        }
        let end = values_at + values.len() as u64;
        directory.extend(layout.offset(if page + 1 < pages { end } else { 0 }));
        out.extend(directory);
        out.extend(values);
    }
    out
}
