//! The kitty graphics protocol for terminals that do not edit images in place (Konsole, Ghostty): a grid
//! of cell-aligned tiles, one image each, of which those that changed are sent again.

use super::diff::{CellGrid, PixelRect};
use super::encoder::{CellRect, Placement};
use super::escape::{Route, kitty, kitty_payload, move_to};
use super::raster::{Effort, png};
use super::shown::{Batch, CellWise, Shown};
use crate::render::Picture;

/// Columns and rows of a tile.
const TILE: [u16; 2] = [6, 3];
/// Image id of the first tile.
const FIRST_ID: u32 = 1000;
/// Bytes of a cell of noisy gray.
const BYTES_PER_CELL: f64 = 80.0;

/// One image per tile.
pub struct KittyTiles {
    shown: Shown,
    /// How many tiles the terminal may hold.
    count: u32,
}

impl KittyTiles {
    /// Nothing shown yet.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        KittyTiles { shown: Shown::new(BYTES_PER_CELL).in_blocks(TILE), count: 0 }
    }

    fn delete(&mut self, out: &mut Vec<u8>) {
        for id in FIRST_ID..FIRST_ID + self.count {
            kitty(out, Route::Direct, &format!("a=d,d=I,i={id},q=2"));
        }
        self.count = 0;
    }
}

/// The tile boxes of an area, row by row, in its cells.
fn tiles(area: CellRect) -> impl Iterator<Item = CellRect> {
    let rows = (0..area.height).step_by(usize::from(TILE[1]));
    rows.flat_map(move |y| {
        (0..area.width).step_by(usize::from(TILE[0])).map(move |x| CellRect {
            x,
            y,
            width: TILE[0].min(area.width - x),
            height: TILE[1].min(area.height - y),
        })
    })
}

impl CellWise for KittyTiles {
    fn name(&self) -> &'static str {
        "kitty-tiles"
    }

    fn prepare(&mut self, picture: &Picture, placement: &Placement, out: &mut Vec<u8>) {
        if self.shown.area() != Some(placement.area) {
            self.delete(out);
        }
        // Tiles cannot be cut: those below a menu that opens are sent again with a hole.
        let covered = self.shown.newly_covered(placement);
        if covered.count() > 0 {
            self.draw(&Batch { cells: covered, is_coarse: false }, picture, placement, out);
        }
    }

    fn remove(&mut self, out: &mut Vec<u8>) {
        self.delete(out);
    }

    fn cell(&self, placement: &Placement) -> [f64; 2] {
        placement.cell
    }

    fn shown(&mut self) -> &mut Shown {
        &mut self.shown
    }

    fn draw(&mut self, batch: &Batch, picture: &Picture, placement: &Placement, out: &mut Vec<u8>) {
        let area = placement.area;
        let size = [picture.width, picture.height];
        let drawable = CellGrid::drawable(placement);
        let mut touched = CellGrid::new(area.width, area.height, false);
        for (id, tile) in (FIRST_ID..).zip(tiles(area)) {
            self.count = self.count.max(id - FIRST_ID + 1);
            let cells = || {
                (tile.y..tile.y + tile.height)
                    .flat_map(|y| (tile.x..tile.x + tile.width).map(move |x| (x, y)))
            };
            if !cells().any(|(x, y)| batch.cells.get(x, y)) {
                continue;
            }
            let rect = PixelRect::of_cells(tile, placement, size);
            if rect.area() == 0 {
                continue;
            }
            if !cells().any(|(x, y)| drawable.get(x, y)) {
                kitty(out, Route::Direct, &format!("a=d,d=I,i={id},q=2"));
                continue;
            }
            let holes: Vec<PixelRect> = cells()
                .filter(|(x, y)| !drawable.get(*x, *y))
                .map(|(x, y)| CellRect { x, y, width: 1, height: 1 })
                .map(|c| PixelRect::of_cells(c, placement, size))
                .collect();
            let pixels = compose(picture, rect, &holes);
            move_to(out, area.x.saturating_add(tile.x), area.y.saturating_add(tile.y));
            let control = format!("a=T,i={id},p=1,f=100,z=-1,C=1,q=2");
            kitty_payload(out, Route::Direct, &control, "q=2", &png(&pixels, rect.width, Effort::Small));
            cells().filter(|(x, y)| drawable.get(*x, *y)).for_each(|(x, y)| touched.set(x, y, true));
        }
        if batch.is_coarse {
            self.shown.blurred(&touched);
        } else {
            self.shown.drawn(&touched);
        }
    }
}

/// The picture's colours in a rectangle, transparent in holes.
fn compose(picture: &Picture, rect: PixelRect, holes: &[PixelRect]) -> Vec<[u8; 4]> {
    let mut pixels = Vec::with_capacity(rect.area());
    for y in rect.y..rect.y + rect.height {
        for x in rect.x..rect.x + rect.width {
            let inside =
                |h: &PixelRect| (h.x..h.x + h.width).contains(&x) && (h.y..h.y + h.height).contains(&y);
            let [r, g, b] = picture.color(y * picture.width + x);
            pixels.push(if holes.iter().any(inside) { [0; 4] } else { [r, g, b, 255] });
        }
    }
    pixels
}
