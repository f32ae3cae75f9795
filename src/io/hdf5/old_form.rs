//! What the library that reads HDF5 does not know of the format's old form, so that it can be shown otherwise.
//!
//! Soft links: in groups of the old form (symbol tables) it takes them for damage: they are found, so that they
//! can be hidden from it. Newer groups keep links as messages, of which it passes over what it does not follow. A
//! name that leads over soft links is followed here.
//!
//! Long headers: attributes that were given to several objects by turns lie in a chain of parts, which it gives up
//! after a few; they are shown as one.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rust_hdf5::{H5File, LinkClass};

/// Where a name leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To this path, without soft links.
    Here(String),
    /// Into another file, to a path in it.
    Elsewhere(String, String),
}

/// Where the `name` of an object in the file at `path` leads; `None` where to nothing.
pub(super) fn followed(path: &Path, name: &str) -> Option<Leads> {
    /// More are a circle.
    const MOST_LINKS: usize = 16;
    let file = H5File::options().no_locking().open(path).ok()?;
    let mut name = name.to_owned();
    for _ in 0..MOST_LINKS {
        let parts: Vec<&str> = name.split('/').filter(|part| !part.is_empty()).collect();
        let mut group = file.root_group();
        let mut link = None;
        for (i, part) in parts.iter().enumerate() {
            match group.link_class(part).ok()? {
                LinkClass::Hard if i + 1 < parts.len() => group = group.group(part).ok()?,
                LinkClass::Hard => {}
                LinkClass::Soft { path } => {
                    link = Some((i, path));
                    break;
                }
                LinkClass::External { file, path } => {
                    let path = [path.trim_matches('/'), &parts[i + 1..].join("/")].join("/");
                    return Some(Leads::Elsewhere(file, path.trim_matches('/').to_owned()));
                }
                _ => return None,
            }
        }
        let Some((i, target)) = link else { return Some(Leads::Here(parts.join("/"))) };
        let base = if target.starts_with('/') { &[][..] } else { &parts[..i] };
        name = [base, &[&target], &parts[i + 1..]].concat().join("/");
    }
    None
}

/// More objects than this are not looked at.
const MAX_OBJECTS: usize = 200_000;
/// Largest object header or list of entries that is read.
const MAX_BYTES: u64 = 1 << 24;
/// More parts of an object header than this are a circle.
const MAX_PARTS: usize = 10_000;
/// Levels of a tree of entries: each one multiplies their number.
const MAX_LEVELS: u8 = 8;
/// Length of an entry of a symbol table.
const ENTRY: usize = 40;
/// The kind of entry that is a soft link.
const SOFT_LINK: u32 = 2;

/// The longest chain of parts of an object header that is left as it is: the library follows a few more.
const LONGEST_CHAIN: usize = 24;
/// Lengths of what stands before the messages of an older object header, and before each of them.
const OLD_HEADER: u64 = 16;
const OLD_MESSAGE: usize = 8;

const NOTHING: u16 = 0;
const LINK: u16 = 6;
const CONTINUATION: u16 = 16;
const SYMBOL_TABLE: u16 = 17;

/// Bytes to be shown in place of the file's own, by offset: the lists of entries that hold soft links, without
/// these, and object headers of many parts as one, which lies beyond the end of the file, of `len` bytes. `read`
/// fills a buffer from an offset on. What can't be followed is left as it is.
pub(crate) fn shown_otherwise(
    len: u64,
    read: &dyn Fn(u64, &mut [u8]) -> io::Result<()>,
) -> Vec<(u64, Vec<u8>)> {
    let Some((base, root)) = root(read) else { return Vec::new() };
    let end = len.next_multiple_of(8);
    let mut walk = Walk { read, base, end, seen: BTreeSet::new(), open: vec![root], patches: Vec::new() };
    while let Some(address) = walk.open.pop() {
        if walk.seen.len() >= MAX_OBJECTS {
            break;
        }
        if walk.seen.insert(address) {
            walk.object(address);
        }
    }
    walk.patches
}

/// The file's base address and the address of its root group.
fn root(read: &dyn Fn(u64, &mut [u8]) -> io::Result<()>) -> Option<(u64, u64)> {
    let starts = [0].into_iter().chain((9..30).map(|power| 1_u64 << power));
    for start in starts {
        let mut block = [0; 112];
        read(start, &mut block[..48]).ok()?;
        if !block.starts_with(b"\x89HDF\r\n\x1a\n") {
            continue;
        }
        let (sizes, base, root) = match block[8] {
            0 => (13, 24, 24 + 32 + 8),
            1 => (13, 28, 28 + 32 + 8),
            2 | 3 => (9, 12, 36),
            _ => return None,
        };
        if block[8] < 2 {
            read(start, &mut block).ok()?;
        }
        return (block[sizes..sizes + 2] == [8, 8])
            .then(|| Some((u64_at(&block, base)?, u64_at(&block, root)?)))
            .flatten();
    }
    None
}

struct Walk<'a> {
    read: &'a dyn Fn(u64, &mut [u8]) -> io::Result<()>,
    base: u64,
    /// Where the next header is shown that does not fit where it is.
    end: u64,
    seen: BTreeSet<u64>,
    open: Vec<u64>,
    patches: Vec<(u64, Vec<u8>)>,
}

impl Walk<'_> {
    fn bytes(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        let offset = self.base.checked_add(address).filter(|_| length <= MAX_BYTES)?;
        let mut bytes = vec![0; length as usize];
        (self.read)(offset, &mut bytes).ok()?;
        Some(bytes)
    }

    /// Follows an object header to what a group holds.
    fn object(&mut self, address: u64) {
        let Some(start) = self.bytes(address, 16) else { return };
        // Where messages are, and the length of what stands before each.
        let mut parts = Vec::new();
        let prefix = if start.starts_with(b"OHDR") {
            let flags = start[5];
            let size_at = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
            let width = 1_usize << (flags & 3);
            let Some(head) = self.bytes(address, (size_at + width) as u64) else { return };
            let mut size = [0; 8];
            size[..width].copy_from_slice(&head[size_at..]);
            parts.push((address.saturating_add((size_at + width) as u64), u64::from_le_bytes(size)));
            if flags & 4 != 0 { 6 } else { 4 }
        } else if start[0] == 1 {
            let size = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
            parts.push((address.saturating_add(OLD_HEADER), size.into()));
            OLD_MESSAGE
        } else {
            return;
        };
        let mut next = 0;
        let mut all = Vec::new();
        while let Some(&(at, length)) = parts.get(next).filter(|_| next < MAX_PARTS) {
            next += 1;
            let Some(bytes) = self.bytes(at, length) else { continue };
            for (kind, message) in messages(&bytes, prefix) {
                let body = &message[prefix..];
                if prefix == OLD_MESSAGE && kind != CONTINUATION && kind != NOTHING {
                    all.extend_from_slice(message);
                }
                match kind {
                    CONTINUATION => {
                        if let (Some(at), Some(length)) = (u64_at(body, 0), u64_at(body, 8)) {
                            // Newer ones begin with "OCHK" and end with a checksum.
                            let frame = if prefix == 8 { 0 } else { 4 };
                            parts.push((at.saturating_add(frame), length.saturating_sub(2 * frame)));
                        }
                    }
                    SYMBOL_TABLE => {
                        if let Some(tree) = u64_at(body, 0) {
                            self.tree(tree, MAX_LEVELS);
                        }
                    }
                    LINK => self.open.extend(hard_link(body)),
                    _ => {}
                }
            }
        }
        if prefix == OLD_MESSAGE && (LONGEST_CHAIN..MAX_PARTS).contains(&parts.len()) {
            self.show_as_one(address, parts[0].1, all);
        }
    }

    /// Shows the messages of the older object header at `address` in one part; its first part has `room` bytes.
    fn show_as_one(&mut self, address: u64, room: u64, messages: Vec<u8>) {
        let link = OLD_MESSAGE + 16;
        let Some(at) = self.end.checked_sub(self.base).filter(|_| room >= link as u64) else { return };
        let length = messages.len() as u64;
        // How many messages there are stands at byte 2; the only one left says where the others are.
        self.patches.push((self.base.saturating_add(address + 2), 1_u16.to_le_bytes().to_vec()));
        let mut continuation = Vec::with_capacity(link);
        for field in [CONTINUATION, 16, 0, 0] {
            continuation.extend(field.to_le_bytes());
        }
        continuation.extend(at.to_le_bytes());
        continuation.extend(length.to_le_bytes());
        self.patches.push((self.base.saturating_add(address + OLD_HEADER), continuation));
        self.patches.push((self.end, messages));
        self.end = (self.end + length).next_multiple_of(8);
    }

    /// Follows a tree of entries.
    fn tree(&mut self, address: u64, levels: u8) {
        let Some(node) = self.bytes(address, 24) else { return };
        let is_sound = node.starts_with(b"TREE\0") && node[5] < levels;
        if !is_sound || !self.seen.insert(address) {
            return;
        }
        let count = usize::from(u16::from_le_bytes([node[6], node[7]]));
        // A key, then a child and a key for each.
        let Some(children) = self.bytes(address.saturating_add(24), 8 + 16 * count as u64) else { return };
        for child in (0..count).filter_map(|i| u64_at(&children, 8 + 16 * i)) {
            if node[5] == 0 { self.entries(child) } else { self.tree(child, node[5]) }
        }
    }

    /// Looks at a list of entries.
    fn entries(&mut self, address: u64) {
        let Some(head) = self.bytes(address, 8) else { return };
        if !head.starts_with(b"SNOD\x01") || !self.seen.insert(address) {
            return;
        }
        let count = usize::from(u16::from_le_bytes([head[6], head[7]]));
        let Some(entries) = self.bytes(address.saturating_add(8), (count * ENTRY) as u64) else { return };
        let is_soft = |entry: &&[u8]| entry[16..20] == SOFT_LINK.to_le_bytes();
        let kept: Vec<&[u8]> = entries.chunks_exact(ENTRY).filter(|entry| !is_soft(entry)).collect();
        self.open.extend(kept.iter().filter_map(|entry| u64_at(entry, 8)));
        if kept.len() < count {
            let mut patch = head[..6].to_vec();
            patch.extend((kept.len() as u16).to_le_bytes());
            patch.extend(kept.concat());
            self.patches.push((self.base.saturating_add(address), patch));
        }
    }
}

/// The messages of a part of an object header: their types, and all of each with what stands before its body.
fn messages(bytes: &[u8], prefix: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let head = rest.get(..prefix)?;
        // Older ones have types and sizes of two bytes each.
        let (kind, size) = match prefix {
            8 => (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]])),
            _ => (u16::from(head[0]), u16::from_le_bytes([head[1], head[2]])),
        };
        let (message, others) = rest.split_at_checked(prefix + usize::from(size))?;
        rest = others;
        Some((kind, message))
    })
}

/// The object that a link message names, if it names one.
fn hard_link(body: &[u8]) -> Option<u64> {
    let flags = *body.get(1)?;
    let has = |bit: u8| usize::from(flags & bit != 0);
    if has(8) == 1 && body.get(2) != Some(&0) {
        return None;
    }
    // The link's kind, its order of creation, the character set, the length of its name, the name.
    let length_at = 2 + has(8) + 8 * has(4) + has(16);
    let width = 1_usize << (flags & 3);
    let mut length = [0; 8];
    length[..width].copy_from_slice(body.get(length_at..length_at + width)?);
    let name = usize::try_from(u64::from_le_bytes(length)).ok()?;
    u64_at(body, length_at.checked_add(width)?.checked_add(name)?)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at.checked_add(8)?).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn links_name_objects() {
        // A name of three letters, an address, padding.
        let mut plain = vec![1, 0, 3, b'a', b'b', b'c', 7, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert_eq!(hard_link(&plain), Some(7));
        plain[2] = 200;
        assert_eq!(hard_link(&plain), None);
        let ordered = [&[1, 0x1c, 0][..], &[9; 8], &[1, 1, b'a'], &[5, 0, 0, 0, 0, 0, 0, 0]].concat();
        assert_eq!(hard_link(&ordered), Some(5));
        assert_eq!(hard_link(&[1, 8, 1, 1, b'a', 1, 0, b'/']), None, "soft");
    }

    proptest! {
        #[test]
        fn noise_ends(bytes in prop::collection::vec(any::<u8>(), 100..2000), version in 0..4_u8) {
            let mut file = b"\x89HDF\r\n\x1a\n".to_vec();
            file.extend(&bytes);
            (file[8], file[9], file[10], file[13], file[14]) = (version, 8, 8, 8, 8);
            let read = |offset: u64, out: &mut [u8]| {
                let at = usize::try_from(offset).ok().filter(|&at| at <= file.len());
                let part = at.and_then(|at| file.get(at..at + out.len()));
                part.map(|part| out.copy_from_slice(part)).ok_or(io::ErrorKind::UnexpectedEof.into())
            };
            shown_otherwise(file.len() as u64, &read);
        }
    }
}
