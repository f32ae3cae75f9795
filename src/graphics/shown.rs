//! What a cell-wise encoder believes to be on the terminal, and what it still owes: small changes go out at
//! once, large ones in pieces from the focus outwards, coarse first where the link is slow.

use std::sync::Arc;

use super::diff::{CellGrid, is_sound, mark_changed};
use super::encoder::{Allowance, CellRect, FrameEncoder, Placement};
use super::escape::blank;
use crate::render::Picture;

/// Changes of at most this share of the area (one in so many cells) are sent whole.
const SMALL_SHARE: usize = 16;
/// Columns and rows of the blocks in which pieces are taken.
const BLOCK: [u16; 2] = [8, 4];
/// Bytes of a coarse cell by those of an exact one, before any was sent.
const COARSE_SHARE: f64 = 0.35;
/// Fewer cells than this say nothing about their price.
const TELLING_CELLS: usize = 8;
/// Cells are not taken for cheaper than this share of their first price: what comes after a dark corner may cost
/// many times as much.
const LEAST_PRICE: f64 = 0.5;

/// The picture that a cell-wise encoder believes to be on the terminal.
#[derive(Debug)]
pub(crate) struct Shown {
    last: Option<(Arc<Picture>, Placement)>,
    /// Cells that do not show the last picture exactly.
    owed: CellGrid,
    /// Those of them that do not show it coarsely either.
    bare: CellGrid,
    coarse: Option<Arc<Picture>>,
    block: [u16; 2],
    /// Bytes per cell, exact and coarse.
    price: [f64; 2],
    /// The least that they are taken to be.
    least_price: [f64; 2],
}

/// Cells to draw.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Which.
    pub cells: CellGrid,
    /// Whether from [`Shown::coarse`] instead of the picture itself.
    pub is_coarse: bool,
}

impl Shown {
    /// Nothing shown; a cell of a large change costs about `price` bytes.
    pub fn new(price: f64) -> Self {
        let empty = CellGrid::new(0, 0, false);
        let price = [price, price * COARSE_SHARE];
        Shown {
            last: None,
            owed: empty.clone(),
            bare: empty,
            coarse: None,
            block: BLOCK,
            price,
            least_price: price.map(|price| price * LEAST_PRICE),
        }
    }

    /// Takes pieces in blocks of so many cells.
    pub fn in_blocks(self, block: [u16; 2]) -> Self {
        Shown { block, ..self }
    }

    /// Takes `picture` as the one to show from now on and says which cells of its area changed: those whose
    /// pixels did and those that a hole freed, never those in a hole. The placement's cells are measured in
    /// picture pixels.
    pub fn update(&mut self, picture: &Arc<Picture>, placement: &Placement) -> CellGrid {
        let area = placement.area;
        let last = self.last.replace((picture.clone(), placement.clone()));
        let mut grid = match &last {
            Some((old, at))
                if at.area == area
                    && at.cell == placement.cell
                    && [old.width, old.height] == [picture.width, picture.height] =>
            {
                let mut grid = CellGrid::new(area.width, area.height, false);
                if !Arc::ptr_eq(old, picture) {
                    self.coarse = None;
                    mark_changed(&mut grid, old, picture, placement);
                }
                for hole in at.holes.iter().filter(|hole| !placement.holes.contains(hole)) {
                    // Above it, where cells have no whole size, pictures ended a pixel early.
                    let above = u16::from(!placement.has_whole_cells()).min(hole.y);
                    let height = hole.height.saturating_add(above);
                    grid.fill(area, CellRect { y: hole.y - above, height, ..*hole }, true);
                }
                grid
            }
            _ => {
                self.coarse = None;
                self.owed = CellGrid::new(area.width, area.height, false);
                self.bare = self.owed.clone();
                CellGrid::new(area.width, area.height, true)
            }
        };
        placement.holes.iter().for_each(|h| grid.fill(area, *h, false));
        grid
    }

    /// Like [`Shown::update`]; what changed is owed from now on. Small changes are returned, to be drawn at
    /// once, and whether all that can be drawn changed.
    pub fn begin(&mut self, picture: &Arc<Picture>, placement: &Placement) -> (CellGrid, bool) {
        let mut changed = self.update(picture, placement);
        let drawable = CellGrid::drawable(placement);
        let is_whole = changed == drawable;
        let area = usize::from(changed.width) * usize::from(changed.height);
        if changed.count() > (area / SMALL_SHARE).max(4) {
            self.owed.add(&changed);
            self.bare.add(&changed);
            changed = CellGrid::new(changed.width, changed.height, false);
        }
        for grid in [&mut self.owed, &mut self.bare] {
            grid.keep(&drawable);
            grid.remove(&changed);
        }
        (changed, is_whole)
    }

    /// The next owed cells, for about `bytes`; none when nothing is owed.
    pub fn take(&mut self, allowance: &Allowance, bytes: usize, cell: [f64; 2]) -> Option<Batch> {
        let owed = self.owed.count();
        if owed == 0 {
            return None;
        }
        let is_coarse = self.bare.count() > 0 && owed as f64 * self.price[0] > allowance.patience as f64;
        let kind = usize::from(is_coarse);
        let count = (bytes as f64 / self.price[kind].max(self.least_price[kind])).max(1.0) as usize;
        let focus = std::array::from_fn(|i| {
            (allowance.focus[i] as f64 / cell[i]).clamp(0.0, f64::from(u16::MAX)) as u16
        });
        let from = if is_coarse { &mut self.bare } else { &mut self.owed };
        let cells = from.take_near(focus, self.block, count);
        if !is_coarse {
            self.bare.remove(&cells);
        }
        Some(Batch { cells, is_coarse })
    }

    /// How many cells wait to be drawn, coarsely or exactly.
    fn waiting(&self, coarsely: bool) -> usize {
        if coarsely { self.bare.count() } else { self.owed.count() }
    }

    /// A batch, and so many cells `beside` it that were drawn with it, became so many bytes.
    pub fn spent(&mut self, batch: &Batch, beside: usize, bytes: usize) {
        let count = batch.cells.count() + beside;
        if count >= TELLING_CELLS {
            let price = &mut self.price[usize::from(batch.is_coarse)];
            *price = (*price + bytes as f64 / count as f64) / 2.0;
        }
    }

    /// These cells have been drawn exactly.
    pub fn drawn(&mut self, cells: &CellGrid) {
        self.owed.remove(cells);
        self.bare.remove(cells);
    }

    /// These cells have been drawn coarsely.
    pub fn blurred(&mut self, cells: &CellGrid) {
        self.owed.add(cells);
        self.bare.remove(cells);
    }

    /// These cells are to be drawn, exactly and at once.
    pub fn owe(&mut self, cells: &CellGrid) {
        self.owed.add(cells);
    }

    /// The cells that are owed.
    #[cfg(test)]
    pub fn owed(&self) -> &CellGrid {
        &self.owed
    }

    /// Whether the terminal shows the picture entirely and exactly.
    pub fn is_complete(&self) -> bool {
        self.owed.count() == 0
    }

    /// The last picture at half its resolution: each 2x2 pixels have one of their colours.
    pub fn coarse(&mut self) -> Arc<Picture> {
        if let Some(coarse) = &self.coarse {
            return coarse.clone();
        }
        let coarse = Arc::new(self.last.as_ref().map_or_else(|| Picture::new(0, 0), |(p, _)| halved(p)));
        self.coarse = Some(coarse.clone());
        coarse
    }

    /// The cells that show the picture now and lie in a hole of `next`.
    pub fn newly_covered(&self, next: &Placement) -> CellGrid {
        let mut grid = CellGrid::new(next.area.width, next.area.height, false);
        if let Some((_, now)) = self.last.as_ref().filter(|(_, now)| now.area == next.area) {
            next.holes.iter().for_each(|h| grid.fill(next.area, *h, true));
            now.holes.iter().for_each(|h| grid.fill(next.area, *h, false));
        }
        grid
    }

    /// The area drawn to, if anything is shown.
    pub fn area(&self) -> Option<CellRect> {
        self.last.as_ref().map(|(_, placement)| placement.area)
    }

    /// Nothing is known to be shown any more.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

/// Each 2x2 pixels in the colours of the first of them.
fn halved(picture: &Picture) -> Picture {
    let mut coarse = picture.clone();
    for y in 0..picture.height {
        for x in 0..picture.width {
            let from = (y & !1) * picture.width + (x & !1);
            coarse.base[y * picture.width + x] = picture.base[from];
            coarse.overlay[y * picture.width + x] = picture.overlay[from];
        }
    }
    coarse
}

/// An encoder that draws cells; a [`FrameEncoder`] by that.
pub(crate) trait CellWise: Send {
    /// Its name, as `--graphics` takes it.
    fn name(&self) -> &'static str;

    /// A cell's size in picture pixels.
    fn cell(&self, placement: &Placement) -> [f64; 2];

    /// `placement` with its cells measured in picture pixels.
    fn measured(&self, placement: &Placement) -> Placement {
        Placement { cell: self.cell(placement), ..placement.clone() }
    }

    /// What it believes to be shown.
    fn shown(&mut self) -> &mut Shown;

    /// Appends what must go out before a picture is drawn at `placement`.
    fn prepare(&mut self, _picture: &Picture, _placement: &Placement, _out: &mut Vec<u8>) {}

    /// All cells are to be drawn anew.
    fn begin_whole(&mut self, _picture: &Picture) {}

    /// Appends the set cells. Cells drawn beside them are told by [`Shown::drawn`] or [`Shown::blurred`].
    fn draw(&mut self, batch: &Batch, picture: &Picture, placement: &Placement, out: &mut Vec<u8>);

    /// Appends what takes the picture from the terminal.
    fn remove(&mut self, out: &mut Vec<u8>) {
        if let Some(area) = self.shown().area() {
            blank(out, area);
        }
    }
}

impl<T: CellWise> FrameEncoder for T {
    fn id(&self) -> &'static str {
        self.name()
    }

    fn picture_size(&self, placement: &Placement) -> [usize; 2] {
        self.measured(placement).pixel_size()
    }

    /// Small changes at once, then as much of what is owed as `allowance` lets out.
    fn encode_some(
        &mut self,
        picture: &Arc<Picture>,
        placement: &Placement,
        allowance: &Allowance,
        out: &mut Vec<u8>,
    ) -> bool {
        if !is_sound(picture) || [picture.width, picture.height] != self.picture_size(placement) {
            return true;
        }
        self.prepare(picture, placement, out);
        let measured = self.measured(placement);
        let (small, is_whole) = self.shown().begin(picture, &measured);
        if is_whole {
            self.begin_whole(picture);
        }
        if small.count() > 0 {
            self.draw(&Batch { cells: small, is_coarse: false }, picture, placement, out);
        }
        let start = out.len();
        while let left @ 1.. = allowance.bytes.saturating_sub(out.len() - start) {
            let Some(batch) = self.shown().take(allowance, left, measured.cell) else { break };
            let (before, waiting) = (out.len(), self.shown().waiting(batch.is_coarse));
            let source = if batch.is_coarse { self.shown().coarse() } else { picture.clone() };
            self.draw(&batch, &source, placement, out);
            let beside = waiting.saturating_sub(self.shown().waiting(batch.is_coarse));
            self.shown().spent(&batch, beside, out.len() - before);
        }
        self.shown().is_complete()
    }

    fn erase(&mut self, out: &mut Vec<u8>) {
        self.remove(out);
        self.shown().forget();
    }

    fn forget(&mut self) {
        self.shown().forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: [f64; 2] = [10.0, 20.0];

    fn placement() -> Placement {
        let area = CellRect { x: 0, y: 0, width: 40, height: 20 };
        Placement { area, holes: Vec::new(), cell: CELL }
    }

    fn allowance(bytes: usize, patience: usize) -> Allowance {
        Allowance { bytes, patience, focus: [205, 210] }
    }

    #[test]
    fn a_small_change_is_drawn_at_once_while_a_large_one_is_owed() {
        let mut shown = Shown::new(100.0);
        let mut picture = Picture::new(400, 400);
        let (small, whole) = shown.begin(&Arc::new(picture.clone()), &placement());
        assert!(whole && small.count() == 0 && shown.owed().count() == 800);
        picture.overlay[200 * 400 + 205] = [1, 2, 3, 255];
        let (small, whole) = shown.begin(&Arc::new(picture), &placement());
        assert!(!whole && small.count() == 1 && small.get(20, 10));
        assert_eq!(shown.owed().count(), 799, "what was drawn is not owed");
    }

    #[test]
    fn pieces_come_coarse_first_and_from_the_focus_outwards() {
        let mut shown = Shown::new(100.0);
        shown.begin(&Arc::new(Picture::new(400, 400)), &placement());
        let slow = allowance(1000, 10_000);
        let first = shown.take(&slow, 1000, CELL).expect("all is owed");
        assert!(first.is_coarse && first.cells.get(20, 10), "{first:?}");
        let mut coarse = first.cells.count();
        let exact = loop {
            let batch = shown.take(&slow, 1000, CELL).expect("all is owed");
            if !batch.is_coarse {
                break batch;
            }
            coarse += batch.cells.count();
        };
        assert_eq!(coarse, 800, "every cell is coarse once");
        assert!(exact.cells.get(20, 10) && exact.cells.count() <= 64);
        while shown.take(&slow, 1000, CELL).is_some() {}
        assert!(shown.is_complete());
    }

    #[test]
    fn after_cheap_cells_a_batch_of_dear_ones_stays_small() {
        let mut shown = Shown::new(100.0);
        shown.begin(&Arc::new(Picture::new(400, 400)), &placement());
        let slow = allowance(1000, 1_000_000);
        for _ in 0..8 {
            let batch = shown.take(&slow, 1000, CELL).expect("not all was taken");
            shown.spent(&batch, 0, batch.cells.count());
        }
        shown.begin(
            &Arc::new(Picture { overlay: vec![[9; 4]; 160_000], ..Picture::new(400, 400) }),
            &placement(),
        );
        let count = shown.take(&slow, 5000, CELL).expect("all is owed").cells.count();
        let block = usize::from(BLOCK[0] * BLOCK[1]);
        assert!((50..100 + block).contains(&count), "{count}");
    }

    #[test]
    fn a_fast_link_gets_all_at_once() {
        let mut shown = Shown::new(100.0);
        shown.begin(&Arc::new(Picture::new(400, 400)), &placement());
        let batch = shown.take(&Allowance::ALL, usize::MAX, CELL).expect("all is owed");
        assert!(!batch.is_coarse && batch.cells.count() == 800 && shown.is_complete());
    }
}
