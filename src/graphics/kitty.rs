//! The kitty graphics protocol with edits in place: the slice and the overlay are two images, one above
//! the other, and only rectangles that changed are sent (`a=f`, frame 1, replacing).
//!
//! Inside tmux the base is drawn by placeholder cells, which tmux moves and hides like text, and the
//! overlay hangs on it as a relative placement; every command passes through tmux.

use std::sync::Arc;

use super::diff::{PixelRect, Shown, changed_rects, is_sound};
use super::encoder::{CellRect, FrameEncoder, Placement};
use super::escape::{Route, kitty, kitty_payload, move_to};
use super::placeholder;
use super::raster::{Effort, png, smallest};
use crate::render::Picture;

/// Image id of the slice; small enough for an indexed text colour to name it.
pub(crate) const BASE_ID: u32 = 42;
/// Image id of everything above it.
const OVERLAY_ID: u32 = 43;
/// Edits per image and frame: their cost in the terminal grows with the whole image (1.5 ms each at
/// 800x600 in kitty 0.41).
const RECTS: usize = 4;
/// Below this rate (bytes per second) the better compression of a whole slice pays for its time.
const SLOW_LINK: f64 = 2e6;
/// Rounding steps tried until an overlay rectangle has at most 256 colours.
const STEPS: [u8; 3] = [1, 4, 8];

/// Largest difference, in 8-bit levels of the blended colour, between an overlay with more than 256
/// colours in one rectangle and what is shown: half a step for alpha, half for the colour, one for
/// rounding. Overlays of fewer colours are exact, opaque pixels always are.
pub const OVERLAY_ERROR: u8 = 9;

/// Two images edited in place.
pub struct Kitty {
    route: Route,
    effort: Effort,
    layers: Option<Layers>,
    cells: Shown,
}

/// What the terminal holds.
struct Layers {
    picture: Arc<Picture>,
    placement: Placement,
    base: Vec<[u8; 4]>,
    overlay: Vec<[u8; 4]>,
}

impl Kitty {
    /// Draws at the cursor, above the text.
    pub fn direct() -> Self {
        Kitty { route: Route::Direct, effort: Effort::Small, layers: None, cells: Shown::default() }
    }

    /// Draws by placeholder cells through tmux.
    pub fn in_tmux() -> Self {
        Kitty { route: Route::Tmux, ..Kitty::direct() }
    }

    /// Errors are reported through tmux: an image that is not there (another kitty attached) is how the
    /// program learns that it must send everything again.
    fn quiet(&self) -> &'static str {
        match self.route {
            Route::Direct => "q=2",
            Route::Tmux => "q=1",
        }
    }

    fn transmit(&self, id: u32, pixels: &[[u8; 4]], width: usize, out: &mut Vec<u8>) {
        // PNG, which terminals unpack to RGBA: an image sent without alpha could not be erased later.
        let data = png(pixels, width, self.effort);
        kitty_payload(out, self.route, &format!("a=t,i={id},f=100,q=2"), "q=2", &data);
    }

    fn edit(&self, id: u32, layer: &[[u8; 4]], width: usize, rect: PixelRect, out: &mut Vec<u8>) {
        let mut pixels = cut(layer, width, rect);
        if id == OVERLAY_ID {
            pixels = to_few_colors(pixels);
        }
        let payload = smallest(&pixels, rect.width, self.effort);
        let PixelRect { x, y, width, height } = rect;
        let quiet = self.quiet();
        let control = format!("a=f,i={id},r=1,x={x},y={y},s={width},v={height},X=1,{},{quiet}", payload.keys);
        kitty_payload(out, self.route, &control, &format!("a=f,i={id},r=1,{quiet}"), &payload.data);
    }

    fn place(&self, area: CellRect, out: &mut Vec<u8>) {
        match self.route {
            Route::Direct => {
                // Above the text, which shows through the holes: with pictures below the text, kitty 0.26 draws
                // new text over the old without clearing it.
                for (id, z) in [(BASE_ID, 1), (OVERLAY_ID, 2)] {
                    move_to(out, area.x, area.y);
                    kitty(out, self.route, &format!("a=p,i={id},p=1,z={z},C=1,q=2"));
                }
            }
            Route::Tmux => {
                let CellRect { width, height, .. } = area;
                let p = placeholder::PLACEMENT;
                kitty(out, self.route, &format!("a=p,U=1,i={BASE_ID},p={p},c={width},r={height},q=2"));
                let above = format!("a=p,i={OVERLAY_ID},p=1,P={BASE_ID},Q={p},H=0,V=0,z=5,C=1,q=2");
                kitty(out, self.route, &above);
            }
        }
    }

    /// Sends both images whole. In tmux the base goes first: sending it deletes what hangs on it.
    fn whole(&self, layers: &Layers, out: &mut Vec<u8>) {
        delete_images(self.route, out);
        let width = layers.picture.width;
        self.transmit(BASE_ID, &layers.base, width, out);
        self.transmit(OVERLAY_ID, &to_few_colors(layers.overlay.clone()), width, out);
        self.place(layers.placement.area, out);
    }
}

impl FrameEncoder for Kitty {
    fn id(&self) -> &'static str {
        match self.route {
            Route::Direct => "kitty",
            Route::Tmux => "kitty-placeholder",
        }
    }

    fn picture_size(&self, placement: &Placement) -> [usize; 2] {
        placement.pixel_size()
    }

    fn encode(&mut self, picture: &Arc<Picture>, placement: &Placement, out: &mut Vec<u8>) {
        if !is_sound(picture) || picture.base.is_empty() {
            return;
        }
        let same = |l: &Layers| Arc::ptr_eq(&l.picture, picture) && l.placement == *placement;
        if self.layers.as_ref().is_some_and(same) {
            return;
        }
        let size = [picture.width, picture.height];
        let holes = hole_pixels(placement, size);
        // Placeholders are text, which a menu's text replaces: only the overlay needs holes there.
        let base_holes: &[PixelRect] = if self.route == Route::Direct { &holes } else { &[] };
        let base = base_layer(picture, base_holes);
        let overlay = overlay_layer(picture, &holes);
        let next = Layers { picture: picture.clone(), placement: placement.clone(), base, overlay };
        match self.layers.take() {
            Some(old) if [old.picture.width, old.picture.height] == size && old.fits(&next, self.route) => {
                if old.placement.area != placement.area {
                    // kitty 0.26 leaves remains where a placement was unless it is deleted first.
                    for id in [BASE_ID, OVERLAY_ID] {
                        kitty(out, self.route, &format!("a=d,d=i,i={id},p=1,q=2"));
                    }
                    self.place(placement.area, out);
                }
                for (id, before, after) in
                    [(BASE_ID, &old.base, &next.base), (OVERLAY_ID, &old.overlay, &next.overlay)]
                {
                    for rect in changed_rects(before, after, picture.width, RECTS) {
                        self.edit(id, after, picture.width, rect, out);
                    }
                }
            }
            _ => {
                self.cells.forget();
                self.whole(&next, out);
            }
        }
        if self.route == Route::Tmux {
            // The cells' text depends on the area alone, so only new, moved or freed cells are written.
            let blank = Arc::new(Picture::new(0, 0));
            let cells = self.cells.update(&blank, placement, [1.0, 1.0]);
            placeholder::draw(&cells, placement.area, out);
        }
        self.layers = Some(next);
    }

    fn erase(&mut self, out: &mut Vec<u8>) {
        delete_images(self.route, out);
        if self.route == Route::Tmux
            && let Some(area) = self.cells.area()
        {
            super::escape::blank(out, area);
        }
        self.forget();
    }

    fn forget(&mut self) {
        self.layers = None;
        self.cells.forget();
    }

    fn set_link_rate(&mut self, bytes_per_second: f64) {
        self.effort = if bytes_per_second > SLOW_LINK { Effort::Fast } else { Effort::Small };
    }
}

impl Layers {
    /// Whether the images can stay: a direct placement can be moved, placeholders carry their size.
    fn fits(&self, next: &Layers, route: Route) -> bool {
        route == Route::Direct || self.placement.area == next.placement.area
    }
}

/// Removes both images, and no other program's.
pub(crate) fn delete_images(route: Route, out: &mut Vec<u8>) {
    for id in [OVERLAY_ID, BASE_ID] {
        kitty(out, route, &format!("a=d,d=I,i={id},q=2"));
    }
}

/// The parts of the picture under the holes, in its pixels.
fn hole_pixels(placement: &Placement, size: [usize; 2]) -> Vec<PixelRect> {
    let inside = placement.holes.iter().filter_map(|hole| hole.within(placement.area));
    inside.map(|cells| PixelRect::of_cells(cells, placement.cell, size)).collect()
}

fn base_layer(picture: &Picture, holes: &[PixelRect]) -> Vec<[u8; 4]> {
    let mut layer: Vec<[u8; 4]> = picture.base.iter().map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    clear(&mut layer, picture.width, holes);
    layer
}

/// The overlay with every invisible pixel alike, so that they are equal and compress.
fn overlay_layer(picture: &Picture, holes: &[PixelRect]) -> Vec<[u8; 4]> {
    let seen = |p: &[u8; 4]| if p[3] == 0 { [0; 4] } else { *p };
    let mut layer: Vec<[u8; 4]> = picture.overlay.iter().map(seen).collect();
    clear(&mut layer, picture.width, holes);
    layer
}

fn clear(layer: &mut [[u8; 4]], width: usize, rects: &[PixelRect]) {
    for rect in rects {
        for y in rect.y..rect.y + rect.height {
            layer[y * width + rect.x..y * width + rect.x + rect.width].fill([0; 4]);
        }
    }
}

fn cut(layer: &[[u8; 4]], width: usize, rect: PixelRect) -> Vec<[u8; 4]> {
    let rows = rect.y..rect.y + rect.height;
    rows.flat_map(|y| &layer[y * width + rect.x..y * width + rect.x + rect.width]).copied().collect()
}

/// Rounds colours and alphas by the smallest of [`STEPS`] that leaves at most 256 of them, so that a
/// byte names one; the largest where none does.
fn to_few_colors(pixels: Vec<[u8; 4]>) -> Vec<[u8; 4]> {
    for step in STEPS {
        let rounded: Vec<[u8; 4]> = pixels.iter().map(|p| round(*p, step)).collect();
        if step == STEPS[STEPS.len() - 1] || super::raster::has_few_colors(&rounded) {
            return rounded;
        }
    }
    pixels
}

fn round(pixel: [u8; 4], step: u8) -> [u8; 4] {
    if step == 1 || pixel[3] == 255 || pixel[3] == 0 {
        return pixel;
    }
    pixel.map(|v| ((u16::from(v) + u16::from(step) / 2) / u16::from(step) * u16::from(step)).min(255) as u8)
}
