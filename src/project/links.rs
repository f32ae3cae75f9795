//! Soft and external links, which the library that copies project files passes over.
//!
//! They are listed from the old file and put into the new one, which holds groups in one form only:
//! version 2 object headers whose links are messages. A group's header stays where it is, since others
//! may refer to it; what is added lies in a continuation at the file's end.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use rust_hdf5::format::FormatContext;
use rust_hdf5::format::checksum::checksum_metadata;
use rust_hdf5::format::messages::link::{LinkMessage, LinkTarget};
use rust_hdf5::{H5File, H5Group, LinkClass};

/// Type of a message that holds a link.
const LINK: u8 = 6;
/// Type of a message that says how a group keeps its links.
const LINK_INFO: u8 = 2;
/// Type of a message that says where an object header goes on.
const CONTINUATION: u8 = 16;
/// Length of the superblock, versions 2 and 3.
const SUPERBLOCK: usize = 48;
/// Largest part of an object header that is read.
const MAX_CHUNK: u64 = 1 << 24;
/// More parts than this are taken for a cycle.
const MAX_CHUNKS: usize = 1000;

/// A link that names a path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SymbolicLink {
    /// The group that holds it, from the root, without a leading slash.
    pub group: String,
    /// The link itself.
    message: LinkMessage,
}

impl SymbolicLink {
    /// Path of the link, from the root.
    pub fn path(&self) -> String {
        child(&self.group, &self.message.name)
    }
}

/// All links of the HDF5 file `path` that name a path in it or in another file.
///
/// # Errors
/// A link of a kind that can't be copied: its name.
pub(super) fn list(path: &Path) -> Result<Vec<SymbolicLink>, String> {
    let mut found = Vec::new();
    // What this reader can't open, the copier may: its own checks decide.
    if let Ok(file) = H5File::options().no_locking().open(path) {
        visit(&file.root_group(), String::new(), &mut found)?;
    }
    Ok(found)
}

fn visit(group: &H5Group, path: String, found: &mut Vec<SymbolicLink>) -> Result<(), String> {
    for name in group.link_names().unwrap_or_default() {
        let message = match group.link_class(&name) {
            Ok(LinkClass::Soft { path }) => LinkMessage::soft(&name, &path),
            Ok(LinkClass::External { file, path }) => LinkMessage::external(&name, &file, &path),
            Ok(LinkClass::UserDefined { link_type }) => {
                return Err(format!("/{}: a link of type {link_type}", child(&path, &name)));
            }
            _ => continue,
        };
        found.push(SymbolicLink { group: path.clone(), message });
    }
    for name in group.group_names().unwrap_or_default() {
        // A soft link to a group is no group of its own.
        if matches!(group.link_class(&name), Ok(LinkClass::Hard))
            && let Ok(inner) = group.group(&name)
        {
            visit(&inner, child(&path, &name), found)?;
        }
    }
    Ok(())
}

fn child(group: &str, name: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{group}/{name}") }
}

/// Puts `links` into the groups of the file `target`; those whose group is gone or has something else
/// of that name are left out.
///
/// # Errors
/// The file can't be read or written, or is not laid out as expected.
pub(super) fn insert(target: &Path, links: &[SymbolicLink]) -> io::Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let mut patch = Patch::open(target)?;
    let mut groups: Vec<&str> = links.iter().map(|link| link.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let Some(header) = patch.find(group)? else { continue };
        let taken: Vec<String> = header.links().map(|link| link.name).collect();
        let new: Vec<&LinkMessage> = links
            .iter()
            .filter(|link| link.group == group && !taken.contains(&link.message.name))
            .map(|link| &link.message)
            .collect();
        if !new.is_empty() {
            patch.extend(&header, &new)?;
        }
    }
    patch.finish()
}

fn unexpected(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the copy has {what}"))
}

/// A part of an object header.
#[derive(Clone)]
struct Chunk {
    /// Where its bytes are in the file; the checksum follows them.
    start: u64,
    bytes: Vec<u8>,
    /// Where the messages begin in `bytes`.
    messages: usize,
}

/// An object header of version 2.
struct Header {
    chunks: Vec<Chunk>,
    /// Length of what stands before a message's body.
    prefix: usize,
}

/// A message: its type, the number of its chunk, and where it begins and ends there, prefix included.
#[derive(Clone, Copy)]
struct Message {
    kind: u8,
    chunk: usize,
    start: usize,
    end: usize,
}

impl Header {
    fn messages_of(&self, chunk: usize) -> Vec<Message> {
        let Chunk { bytes, messages, .. } = &self.chunks[chunk];
        let mut all = Vec::new();
        let mut start = *messages;
        while let Some(&[kind, low, high]) = bytes.get(start..start + 3) {
            let end = start + self.prefix + usize::from(u16::from_le_bytes([low, high]));
            if end > bytes.len() {
                break;
            }
            all.push(Message { kind, chunk, start, end });
            start = end;
        }
        all
    }

    fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        (0..self.chunks.len()).flat_map(|chunk| self.messages_of(chunk))
    }

    fn body(&self, message: Message) -> &[u8] {
        &self.chunks[message.chunk].bytes[message.start + self.prefix..message.end]
    }

    fn links(&self) -> impl Iterator<Item = LinkMessage> + '_ {
        let links = self.messages().filter(|message| message.kind == LINK);
        links.filter_map(|message| {
            LinkMessage::decode(self.body(message), &context()).ok().map(|(link, _)| link)
        })
    }
}

fn context() -> FormatContext {
    FormatContext { sizeof_addr: 8, sizeof_size: 8 }
}

/// A file being changed.
struct Patch {
    file: File,
    superblock: [u8; SUPERBLOCK],
    /// Where the file ends.
    end: u64,
}

impl Patch {
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::options().read(true).write(true).open(path)?;
        let mut superblock = [0; SUPERBLOCK];
        file.read_exact(&mut superblock)?;
        // Signature, version 2 or 3, offsets and lengths of 8 bytes, nothing before the superblock.
        let is_known = superblock.starts_with(b"\x89HDF\r\n\x1a\n")
            && matches!(superblock[8], 2 | 3)
            && superblock[9..11] == [8, 8]
            && number(&superblock, 12) == Some(0);
        if !is_known {
            return Err(unexpected("another kind of superblock"));
        }
        let end = file.seek(SeekFrom::End(0))?;
        Ok(Patch { file, superblock, end })
    }

    /// The header of the group `path`, if there is one.
    fn find(&mut self, path: &str) -> io::Result<Option<Header>> {
        let root = number(&self.superblock, 36).ok_or_else(|| unexpected("no root group"))?;
        let mut header = self.header(root)?;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let next = header.links().find(|link| link.name == name).map(|link| link.target);
            let Some(LinkTarget::Hard { address }) = next else { return Ok(None) };
            header = self.header(address)?;
        }
        let is_group = header.messages().any(|message| message.kind == LINK_INFO);
        Ok(is_group.then_some(header))
    }

    fn read(&mut self, start: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn header(&mut self, address: u64) -> io::Result<Header> {
        let fixed = self.read(address, 6)?;
        let flags = fixed[5];
        if fixed[..5] != *b"OHDR\x02" {
            return Err(unexpected("an object header of another version"));
        }
        // Times, then attribute limits, then the size of the first part.
        let size_at = 6 + if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 };
        let size_width = 1 << (flags & 3);
        let head = self.read(address, size_at + size_width)?;
        let mut size = [0; 8];
        size[..size_width].copy_from_slice(&head[size_at..]);
        let size = Some(u64::from_le_bytes(size)).filter(|&size| size <= MAX_CHUNK);
        let size = size.ok_or_else(|| unexpected("too large an object header"))?;
        let messages = size_at + size_width;
        let bytes = self.read(address, messages + size as usize)?;
        let prefix = if flags & 4 != 0 { 6 } else { 4 };
        let mut header = Header { chunks: vec![Chunk { start: address, bytes, messages }], prefix };
        let mut next = 0;
        while next < header.chunks.len() {
            for message in header.messages_of(next).into_iter().filter(|m| m.kind == CONTINUATION) {
                let place = header.body(message);
                let (Some(start), Some(length)) = (number(place, 0), number(place, 8)) else {
                    return Err(unexpected("a damaged object header"));
                };
                if !(8..=MAX_CHUNK).contains(&length) || header.chunks.len() >= MAX_CHUNKS {
                    return Err(unexpected("a damaged object header"));
                }
                // "OCHK" before the messages, the checksum after them.
                let bytes = self.read(start, length as usize - 4)?;
                header.chunks.push(Chunk { start, bytes, messages: 4 });
            }
            next += 1;
        }
        Ok(header)
    }

    /// Adds `links` to a group: a message of its header that is long enough goes to a continuation at the
    /// file's end, followed by the links, and leaves its place to the reference to it.
    fn extend(&mut self, header: &Header, links: &[&LinkMessage]) -> io::Result<()> {
        const REFERENCE: usize = 16;
        let moved = header.messages_of(0).into_iter().find(|m| header.body(*m).len() >= REFERENCE);
        let moved = moved.ok_or_else(|| unexpected("a group that can't be extended"))?;
        let info = header.messages().find(|message| message.kind == LINK_INFO);
        let plain = |info| {
            let body = header.body(info);
            // No order of creation is kept, and no heap of links.
            body.get(1) == Some(&0) && number(body, 2) == Some(u64::MAX)
        };
        if !info.is_some_and(plain) {
            return Err(unexpected("a group that keeps its links elsewhere"));
        }
        let first = &header.chunks[0];
        let mut part = b"OCHK".to_vec();
        part.extend(&first.bytes[moved.start..moved.end]);
        for link in links {
            let body = link.encode(&context());
            let length = u16::try_from(body.len()).map_err(|_| unexpected("too long a link"))?;
            part.push(LINK);
            part.extend(length.to_le_bytes());
            part.resize(part.len() + header.prefix - 3, 0);
            part.extend(body);
        }
        let checksum = checksum_metadata(&part);
        part.extend(checksum.to_le_bytes());

        let mut bytes = first.bytes[..moved.start].to_vec();
        bytes.extend([CONTINUATION, REFERENCE as u8, 0]);
        bytes.resize(bytes.len() + header.prefix - 3, 0);
        bytes.extend(self.end.to_le_bytes());
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(&first.bytes[moved.end..]);
        // What is left over at the end is a gap when too short for an empty message.
        let rest = first.bytes.len() - bytes.len();
        if let Some(length) = rest.checked_sub(header.prefix).and_then(|n| u16::try_from(n).ok()) {
            bytes.push(0);
            bytes.extend(length.to_le_bytes());
        }
        bytes.resize(first.bytes.len(), 0);
        let checksum = checksum_metadata(&bytes);
        bytes.extend(checksum.to_le_bytes());

        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&part)?;
        self.end += part.len() as u64;
        self.file.seek(SeekFrom::Start(first.start))?;
        self.file.write_all(&bytes)
    }

    /// Notes the file's new length.
    fn finish(mut self) -> io::Result<()> {
        self.superblock[28..36].copy_from_slice(&self.end.to_le_bytes());
        let checksum = checksum_metadata(&self.superblock[..SUPERBLOCK - 4]);
        self.superblock[SUPERBLOCK - 4..].copy_from_slice(&checksum.to_le_bytes());
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&self.superblock)
    }
}

/// The 8-byte number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
}
