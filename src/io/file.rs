//! Reading a file at any offset from several threads at once, without a shared position.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::Error;

/// An open file of known length.
#[derive(Debug)]
pub(super) struct SharedFile {
    file: File,
    path: PathBuf,
    len: u64,
}

impl SharedFile {
    /// Opens the file at `path`. Pipes and devices are refused before they are opened, which could wait
    /// for ever.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, Error> {
        let metadata = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if metadata.is_dir() {
            return Err(Error::IsFolder { path: path.to_owned() });
        }
        if !metadata.is_file() {
            return Err(Error::NotAFile { path: path.to_owned() });
        }
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let len = file.metadata().map_err(|e| Error::io(path, e))?.len();
        Ok(Self::new(file, path, len))
    }

    /// A file that is open already, of `len` bytes.
    pub(super) fn new(file: File, path: &Path, len: u64) -> Arc<Self> {
        Arc::new(SharedFile { file, path: path.to_owned(), len })
    }

    /// The path it was opened by.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `out` from `offset` on.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        read_exact_at(&self.file, offset, out).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated {
                path: self.path.clone(),
                what: format!("the data at byte {offset}"),
                need: offset.saturating_add(out.len() as u64),
                have: self.len,
            },
            _ => Error::io(&self.path, e),
        })
    }

    /// Writes all of `bytes` at `offset`.
    pub(super) fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        write_all_at(&self.file, offset, bytes)
    }

    /// Checks that `what`, the bytes `offset..offset + len`, lies within the file.
    pub(super) fn check_range(
        &self,
        offset: u64,
        len: u64,
        what: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len => Ok(()),
            end => Err(Error::Truncated {
                path: self.path.clone(),
                what: what(),
                need: end.unwrap_or(u64::MAX),
                have: self.len,
            }),
        }
    }

    /// A view with its own position.
    pub(super) fn view(self: &Arc<Self>) -> FileView {
        FileView {
            file: Arc::clone(self),
            position: 0,
            window: Vec::new(),
            window_start: 0,
            patches: Vec::new(),
            len: self.len,
        }
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            n => {
                out = &mut out[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}

/// Writes all of `bytes` at `offset`.
#[cfg(unix)]
pub(super) fn write_all_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

/// Writes all of `bytes` at `offset`.
#[cfg(windows)]
pub(super) fn write_all_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let n = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[n..];
        offset += n as u64;
    }
    Ok(())
}

/// A buffered reader over a [`SharedFile`] that may show some bytes other than they are, so that a
/// decoder that only knows how to start at a header can be started elsewhere.
#[derive(Debug)]
pub(super) struct FileView {
    file: Arc<SharedFile>,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
    patches: Vec<(u64, Vec<u8>)>,
    /// Length of what is shown, the file's own at least.
    len: u64,
}

const WINDOW: usize = 16 << 10;

impl FileView {
    /// Shows `bytes` in place of the file's own at `offset`, or beyond its end.
    pub(super) fn patch(&mut self, offset: u64, bytes: Vec<u8>) {
        self.len = self.len.max(offset + bytes.len() as u64);
        self.patches.push((offset, bytes));
        self.window.clear();
    }

    fn fill_window(&mut self) -> io::Result<()> {
        let len = (self.len.saturating_sub(self.position)).min(WINDOW as u64) as usize;
        let mut window = std::mem::take(&mut self.window);
        window.resize(len, 0);
        self.fill(&mut window)?;
        (self.window, self.window_start) = (window, self.position);
        Ok(())
    }

    /// Fills `out` with what is shown from the position on.
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        let own = self.file.len.saturating_sub(self.position).min(out.len() as u64) as usize;
        read_exact_at(&self.file.file, self.position, &mut out[..own])?;
        out[own..].fill(0);
        apply(&self.patches, self.position, out);
        Ok(())
    }
}

fn apply(patches: &[(u64, Vec<u8>)], start: u64, bytes: &mut [u8]) {
    for (offset, patch) in patches {
        for (i, &byte) in patch.iter().enumerate() {
            let at = offset + i as u64;
            if let Some(slot) = at.checked_sub(start).and_then(|k| bytes.get_mut(k as usize)) {
                *slot = byte;
            }
        }
    }
}

impl Read for FileView {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.len || out.is_empty() {
            return Ok(0);
        }
        let window_end = self.window_start + self.window.len() as u64;
        let inside = (self.window_start..window_end).contains(&self.position);
        if !inside && out.len() >= WINDOW {
            let n = (self.len - self.position).min(out.len() as u64) as usize;
            self.fill(&mut out[..n])?;
            self.position += n as u64;
            return Ok(n);
        }
        if !inside {
            self.fill_window()?;
        }
        let from = (self.position - self.window_start) as usize;
        let n = out.len().min(self.window.len() - from);
        out[..n].copy_from_slice(&self.window[from..from + n]);
        self.position += n as u64;
        Ok(n)
    }
}

impl Seek for FileView {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::Current(d) => self.position.checked_add_signed(d),
            SeekFrom::End(d) => self.len.checked_add_signed(d),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
