//! Undoing the filters of a chunk: deflate, LZF, zstd, shuffle, checksum.

use std::io::Read;

use hdf5_pure::Filter;

/// Registered HDF5 filter numbers.
mod id {
    pub(super) const DEFLATE: u16 = 1;
    pub(super) const SHUFFLE: u16 = 2;
    pub(super) const FLETCHER32: u16 = 3;
    pub(super) const LZF: u16 = 32000;
    pub(super) const ZSTD: u16 = 32015;
}

/// Names of filters that may be met and are not supported.
pub(super) fn name(filter: u16) -> &'static str {
    match filter {
        4 => "szip",
        5 => "nbit",
        6 => "scale-offset",
        32001 => "blosc",
        32004 => "lz4",
        32008 => "bitshuffle",
        32013 => "zfp",
        32026 => "blosc2",
        _ => "an unknown filter",
    }
}

/// Whether this module undoes a filter.
pub(super) fn supported(filter: u16) -> bool {
    matches!(filter, id::DEFLATE | id::SHUFFLE | id::FLETCHER32 | id::LZF | id::ZSTD)
}

/// Undoes the filters of a chunk that holds `size` bytes, last filter first. A set bit of `mask` says
/// that the filter of that number was left out. The error says what is wrong with the bytes.
pub(super) fn undo(
    filters: &[Filter],
    mask: u32,
    mut bytes: Vec<u8>,
    size: usize,
) -> Result<Vec<u8>, String> {
    for (i, filter) in filters.iter().enumerate().rev() {
        if i < 32 && mask & (1 << i) != 0 {
            continue;
        }
        bytes = match filter.id {
            id::DEFLATE => inflate(flate2::read::ZlibDecoder::new(&bytes[..]), size)?,
            id::ZSTD => {
                let decoder = zstd::stream::read::Decoder::new(&bytes[..]).map_err(|e| e.to_string())?;
                inflate(decoder, size)?
            }
            id::LZF => lzf(&bytes, size)?,
            id::SHUFFLE => {
                let item = filter.client_data.first().map_or(1, |&n| n as usize);
                unshuffle(&bytes, item)
            }
            id::FLETCHER32 => without_checksum(bytes)?,
            other => return Err(format!("filter {other} ({}) is not supported", name(other))),
        };
    }
    if bytes.len() == size { Ok(bytes) } else { Err(format!("{} of {size} bytes", bytes.len())) }
}

/// A checksum of four bytes may follow the `size` bytes when the filter below added one.
fn inflate(decoder: impl Read, size: usize) -> Result<Vec<u8>, String> {
    const CHECKSUM: u64 = 4;
    let mut out = Vec::with_capacity(size.min(64 << 20));
    decoder.take(size as u64 + CHECKSUM).read_to_end(&mut out).map_err(|e| e.to_string())?;
    Ok(out)
}

/// Bytes `k` of all samples lie together; a tail shorter than a sample is left as it is.
fn unshuffle(bytes: &[u8], item: usize) -> Vec<u8> {
    let count = bytes.len().checked_div(item).unwrap_or(0);
    if item < 2 || count < 2 {
        return bytes.to_vec();
    }
    let mut out = bytes.to_vec();
    for (k, plane) in bytes[..count * item].chunks_exact(count).enumerate() {
        for (sample, &byte) in out.chunks_exact_mut(item).zip(plane) {
            sample[k] = byte;
        }
    }
    out
}

/// The data without the Fletcher-32 checksum behind it, which must agree.
fn without_checksum(mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let split = bytes.len().checked_sub(4).ok_or("no room for a checksum")?;
    let stored = bytes.split_off(split);
    let stored = u32::from_le_bytes([stored[0], stored[1], stored[2], stored[3]]);
    let (mut low, mut high) = (0_u32, 0_u32);
    for words in bytes.chunks(720) {
        for word in words.chunks(2) {
            low += u32::from(word[0]) << 8 | u32::from(word.get(1).copied().unwrap_or(0));
            high += low;
        }
        low = (low & 0xffff) + (low >> 16);
        high = (high & 0xffff) + (high >> 16);
    }
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    if fold(high) << 16 | fold(low) == stored { Ok(bytes) } else { Err("its checksum does not match".into()) }
}

/// LZF: a control byte below 32 starts that many literals plus one; any other a copy of earlier output.
fn lzf(bytes: &[u8], size: usize) -> Result<Vec<u8>, String> {
    let mut out: Vec<u8> = Vec::with_capacity(size.min(64 << 20));
    let mut input = bytes.iter().copied();
    let mut next = || input.next().ok_or("its LZF data end early");
    while let Ok(control) = next() {
        let control = usize::from(control);
        if control < 32 {
            for _ in 0..=control {
                out.push(next()?);
            }
        } else {
            let mut length = control >> 5;
            if length == 7 {
                length += usize::from(next()?);
            }
            let distance = ((control & 31) << 8 | usize::from(next()?)) + 1;
            let from = out.len().checked_sub(distance).ok_or("its LZF data point before their start")?;
            // A copy may overlap what it appends.
            for at in from..from + length + 2 {
                out.push(out[at]);
            }
        }
        if out.len() > size.saturating_add(4) {
            return Err("its LZF data are longer than the chunk".into());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lzf_copies_and_literals() {
        // "abc", then 9 bytes from 3 back (an overlapping copy), then "!".
        let packed = [2, b'a', b'b', b'c', 7 << 5, 0, 2, 0, b'!'];
        assert_eq!(lzf(&packed, 13).expect("sound"), b"abcabcabcabc!");
        assert!(lzf(&[32, 9], 4).is_err(), "a copy from before the start");
        assert!(lzf(&[3, b'a'], 4).is_err(), "literals cut off");
    }

    #[test]
    fn unshuffles() {
        assert_eq!(unshuffle(&[1, 2, 3, 10, 20, 30, 99], 2), [1, 10, 2, 20, 3, 30, 99]);
    }
}
