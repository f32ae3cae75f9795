//! iTerm2's inline images: the composed picture in PNG rectangles of whole cells, of which only those
//! that changed are sent.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::diff::{CellGrid, PixelRect, Shown, is_sound};
use super::encoder::{FrameEncoder, Placement};
use super::escape::{blank, move_to, push};
use super::raster::{Effort, png};
use crate::render::Picture;

/// Inline images.
pub struct Iterm2 {
    shown: Shown,
}

impl Iterm2 {
    /// Nothing shown yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Iterm2 { shown: Shown::default() }
    }
}

impl FrameEncoder for Iterm2 {
    fn id(&self) -> &'static str {
        "iterm2"
    }

    fn picture_size(&self, placement: &Placement) -> [usize; 2] {
        placement.pixel_size()
    }

    fn encode(&mut self, picture: &Arc<Picture>, placement: &Placement, out: &mut Vec<u8>) {
        if !is_sound(picture) || [picture.width, picture.height] != self.picture_size(placement) {
            return;
        }
        let mut dirty = self.shown.update(picture, placement, placement.cell);
        if placement.cell[0].fract() != 0.0 {
            dirty.widen_rows(&CellGrid::drawable(placement));
        }
        for cells in dirty.boxes([u16::MAX; 2]) {
            let rect = PixelRect::of_cells(cells, placement.cell, [picture.width, picture.height]);
            if rect.area() == 0 {
                continue;
            }
            let rows = rect.y..rect.y + rect.height;
            let at = rows.flat_map(|y| y * picture.width + rect.x..y * picture.width + rect.x + rect.width);
            let opaque = |i| {
                let [r, g, b] = picture.color(i);
                [r, g, b, 255]
            };
            let pixels: Vec<[u8; 4]> = at.map(opaque).collect();
            let data = png(&pixels, rect.width, Effort::Fast);
            move_to(out, placement.area.x.saturating_add(cells.x), placement.area.y.saturating_add(cells.y));
            let (size, PixelRect { width, height, .. }) = (data.len(), rect);
            push(
                out,
                format_args!(
                    "\x1b]1337;File=inline=1;size={size};width={width}px;height={height}px;\
                     preserveAspectRatio=0;doNotMoveCursor=1:"
                ),
            );
            out.extend_from_slice(STANDARD.encode(&data).as_bytes());
            out.push(0x07);
        }
    }

    fn erase(&mut self, out: &mut Vec<u8>) {
        if let Some(area) = self.shown.area() {
            blank(out, area);
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.shown.forget();
    }
}
