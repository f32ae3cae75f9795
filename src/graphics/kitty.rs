//! The kitty graphics protocol with edits in place: the slice and the overlay are two images, one above
//! the other, and only rectangles that changed are sent (`a=f`, frame 1, replacing).
//!
//! Where a large change would hold up the link it goes out in tiles, from the focus outwards, coarse tiles
//! before exact ones. A picture that moves is not sent again: the images are placed in parts, like a torus.
//!
//! Inside tmux the base is drawn by placeholder cells, which tmux moves and hides like text, and the
//! overlay hangs on it as a relative placement; every command passes through tmux.

use std::sync::Arc;

use super::diff::{CellGrid, PixelRect, changed_rects, is_sound, tiles_near};
use super::encoder::{Allowance, CellRect, FrameEncoder, Placement};
use super::escape::{Route, kitty, kitty_payload, move_to};
use super::kitty_layers::{
    BASE, LAYERS, Layers, OVERLAY, Torus, copy_rect, count_differing, cut, halve, to_few_colors,
};
use super::placeholder;
use super::raster::{Effort, png, smallest};
use super::shown::Shown;
use crate::render::Picture;

pub use super::kitty_layers::OVERLAY_ERROR;

/// Image id of the slice; small enough for an indexed text colour to name it.
pub(crate) const BASE_ID: u32 = 42;
/// Image ids of the slice and of everything above it.
pub(crate) const IDS: [u32; LAYERS] = [BASE_ID, 43];
/// Edits per image where all goes out at once: their cost in the terminal grows with the whole image
/// (1.5 ms each at 800x600 in kitty 0.41).
const RECTS: usize = 4;
/// Below this rate (bytes per second) the better compression of a whole slice pays for its time.
const SLOW_LINK: f64 = 2e6;
/// Width and height in pixels of the pieces in which large changes go out.
const TILE: [usize; 2] = [128, 64];
/// Changes of at most this share of the picture (one in so many pixels) go out at once.
const SMALL_SHARE: usize = 16;
/// Bytes of a changed pixel of slice and overlay before any was sent: noisy gray, smooth colours.
const PRICES: [f64; LAYERS] = [0.4, 0.08];
/// A pixel is not taken for cheaper than this share of that: what comes after an empty slice may cost many times
/// as much.
const LEAST_PRICE: f64 = 0.125;
/// Rectangles of fewer pixels say nothing about a layer's price.
const TELLING_PIXELS: usize = 1024;
/// Bytes of a coarse piece by those of an exact one.
const COARSE_SHARE: f64 = 0.4;

/// Two images edited in place.
pub struct Kitty {
    route: Route,
    effort: Effort,
    /// The picture to show and its place.
    target: Option<Target>,
    /// What the terminal's images hold, as placed on screen.
    held: [Vec<[u8; 4]>; LAYERS],
    /// Where on the images the screen begins.
    torus: Torus,
    /// Tiles of the slice that changed much and have not been sent even coarsely.
    bare: Vec<bool>,
    /// Bytes per changed pixel of each layer.
    prices: [f64; LAYERS],
    /// Pixels that the next picture is moved by.
    hint: [i64; 2],
    /// The placeholder cells that are written.
    cells: Shown,
}

struct Target {
    picture: Arc<Picture>,
    placement: Placement,
    layers: Layers,
    /// The parts of each layer that are transparent for the text over them.
    holes: [Vec<PixelRect>; LAYERS],
}

impl Kitty {
    /// Draws at the cursor, above the text.
    pub fn direct() -> Self {
        Kitty {
            route: Route::Direct,
            effort: Effort::Small,
            target: None,
            held: Default::default(),
            torus: Torus::default(),
            bare: Vec::new(),
            prices: PRICES,
            hint: [0; 2],
            cells: Shown::new(1.0),
        }
    }

    /// Draws by placeholder cells through tmux.
    pub fn in_tmux() -> Self {
        Kitty { route: Route::Tmux, ..Kitty::direct() }
    }

    fn transmit(&self, id: u32, pixels: &[[u8; 4]], width: usize, out: &mut Vec<u8>) {
        // PNG, which terminals unpack to RGBA: an image sent without alpha could not be erased later.
        let data = png(pixels, width, self.effort);
        kitty_payload(out, self.route, &format!("a=t,i={id},f=100,q=2"), "q=2", &data);
    }

    /// Sends a rectangle of a layer. Errors are reported: an image that is not there (evicted, or another
    /// kitty attached to tmux) is how the program learns that it must send everything again.
    fn edit(&self, layer: usize, pixels: &[[u8; 4]], size: [usize; 2], rect: PixelRect, out: &mut Vec<u8>) {
        let id = IDS[layer];
        for (screen, image) in self.torus.split(rect, size) {
            let mut part = cut(pixels, size[0], screen);
            if layer == OVERLAY {
                part = to_few_colors(part);
            }
            let payload = smallest(&part, screen.width, self.effort);
            let PixelRect { x, y, width, height } = image;
            let control = format!("a=f,i={id},r=1,x={x},y={y},s={width},v={height},X=1,{},q=1", payload.keys);
            kitty_payload(out, self.route, &control, &format!("a=f,i={id},r=1,q=1"), &payload.data);
        }
    }

    /// Sends a rectangle of `pixels` and holds it.
    fn update(&mut self, layer: usize, pixels: &[[u8; 4]], width: usize, rect: PixelRect, out: &mut Vec<u8>) {
        self.edit(layer, pixels, [width, pixels.len() / width.max(1)], rect, out);
        copy_rect(pixels, &mut self.held[layer], width, rect);
    }

    fn place(&self, placement: &Placement, size: [usize; 2], out: &mut Vec<u8>) {
        let area = placement.area;
        match self.route {
            Route::Direct => {
                // Above the text, which shows through the holes: with pictures below the text, kitty 0.26 draws
                // new text over the old without clearing it.
                for (id, z) in IDS.into_iter().zip(1..) {
                    for (p, (screen, image)) in (1..).zip(self.torus.split(PixelRect::whole(size), size)) {
                        let [column, row] = [(screen.x, placement.cell[0]), (screen.y, placement.cell[1])]
                            .map(|(at, cell)| (at / cell.max(1.0) as usize, at % cell.max(1.0) as usize));
                        move_to(
                            out,
                            area.x.saturating_add(column.0 as u16),
                            area.y.saturating_add(row.0 as u16),
                        );
                        let mut control = format!("a=p,i={id},p={p},z={z},C=1,q=1");
                        if self.torus.is_turned() {
                            let PixelRect { x, y, width, height } = image;
                            let part =
                                format!(",x={x},y={y},w={width},h={height},X={},Y={}", column.1, row.1);
                            control.push_str(&part);
                        }
                        kitty(out, self.route, &control);
                    }
                }
            }
            Route::Tmux => {
                let CellRect { width, height, .. } = area;
                let p = placeholder::PLACEMENT;
                kitty(out, self.route, &format!("a=p,U=1,i={BASE_ID},p={p},c={width},r={height},q=2"));
                let above = format!("a=p,i={},p=1,P={BASE_ID},Q={p},H=0,V=0,z=5,C=1,q=2", IDS[OVERLAY]);
                kitty(out, self.route, &above);
            }
        }
    }

    /// Moves the images to another place. kitty 0.26 leaves remains where a placement was unless it is
    /// deleted first.
    fn replace(&self, placement: &Placement, size: [usize; 2], out: &mut Vec<u8>) {
        for id in IDS {
            kitty(out, self.route, &format!("a=d,d=i,i={id},q=2"));
        }
        self.place(placement, size, out);
    }

    /// Sends both images whole. In tmux the base goes first: sending it deletes what hangs on it.
    fn whole(&mut self, layers: &Layers, placement: &Placement, width: usize, out: &mut Vec<u8>) {
        delete_images(self.route, out);
        self.torus = Torus::default();
        self.transmit(BASE_ID, &layers[BASE], width, out);
        self.transmit(IDS[OVERLAY], &to_few_colors(layers[OVERLAY].clone()), width, out);
        self.place(placement, [width, layers[BASE].len() / width.max(1)], out);
        self.held = layers.clone();
    }

    /// Where the picture moved and the terminal can place parts of an image, what both pictures show stays:
    /// the images are turned like a torus, and only the strips that came into view differ.
    fn turn(&mut self, next: &Layers, target: &mut Target, out: &mut Vec<u8>) {
        let hint = std::mem::take(&mut self.hint);
        let size = [target.picture.width, target.picture.height];
        let whole_cells = target.placement.cell.iter().all(|c| c.fract() == 0.0);
        if hint == [0, 0] || self.route != Route::Direct || !whole_cells {
            return;
        }
        let turned = Torus::turned(&self.held[BASE], size, hint);
        let kept = count_differing(&self.held[BASE], &next[BASE], size[0]);
        if 2 * count_differing(&turned, &next[BASE], size[0]) > kept {
            return;
        }
        self.held[BASE] = turned;
        self.held[OVERLAY] = Torus::turned(&self.held[OVERLAY], size, hint);
        target.layers = target.layers.each_ref().map(|layer| Torus::turned(layer, size, hint));
        self.bare.fill(true);
        self.torus.turn(hint, size);
        self.replace(&target.placement, size, out);
    }

    /// Clears what lies under the holes of `next`, whatever the link: until then it hides their text.
    /// `last` is brought up to date, so that a large hole does not count as a large change.
    fn clear_holes(&mut self, next: &Target, last: &mut Layers, out: &mut Vec<u8>) {
        let width = next.picture.width;
        for layer in [OVERLAY, BASE] {
            let pixels = &next.layers[layer];
            for hole in &next.holes[layer] {
                if let Some(rect) = hole.changed(&self.held[layer], pixels, width) {
                    self.update(layer, pixels, width, rect, out);
                }
                copy_rect(pixels, &mut last[layer], width, *hole);
            }
        }
    }

    /// Sends what `next` changes of `last`, where that is little.
    fn send_small(&mut self, last: &Layers, next: &Layers, width: usize, out: &mut Vec<u8>) {
        for layer in [OVERLAY, BASE] {
            let rects = changed_rects(&last[layer], &next[layer], width, RECTS);
            let area: usize = rects.iter().map(PixelRect::area).sum();
            if area * SMALL_SHARE <= next[layer].len() {
                rects.into_iter().for_each(|rect| self.update(layer, &next[layer], width, rect, out));
            } else if layer == BASE {
                self.bare.fill(true);
            }
        }
    }

    /// Sends what the terminal does not hold yet, the overlay first; whether nothing is left.
    fn send_rest(&mut self, next: &Layers, width: usize, allowance: &Allowance, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        for layer in [OVERLAY, BASE] {
            let rects = changed_rects(&self.held[layer], &next[layer], width, RECTS);
            let area: usize = rects.iter().map(PixelRect::area).sum();
            let left = allowance.bytes.saturating_sub(out.len() - start);
            if area == 0 {
                continue;
            }
            if area as f64 * self.prices[layer] <= left as f64 {
                let before = out.len();
                rects.into_iter().for_each(|rect| self.update(layer, &next[layer], width, rect, out));
                self.paid(layer, area, out.len() - before);
                continue;
            }
            if !self.send_tiles(layer, next, width, allowance, start, out) {
                return false;
            }
        }
        self.bare.fill(false);
        true
    }

    /// Sends a layer tile by tile from the focus outwards, coarse first where it takes long; whether
    /// nothing is left.
    fn send_tiles(
        &mut self,
        layer: usize,
        next: &Layers,
        width: usize,
        allowance: &Allowance,
        start: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let size = [width, next[layer].len() / width.max(1)];
        let tiles = tiles_near(size, TILE, allowance.focus);
        self.bare.resize(tiles.len(), true);
        let mut owed: Vec<(usize, PixelRect)> = Vec::new();
        for (index, tile) in tiles {
            owed.extend(tile.changed(&self.held[layer], &next[layer], width).map(|rect| (index, rect)));
        }
        let area: usize = owed.iter().map(|(_, rect)| rect.area()).sum();
        let is_slow = layer == BASE && area as f64 * self.prices[layer] > allowance.patience as f64;
        if is_slow && owed.iter().any(|(index, _)| self.bare[*index]) {
            let coarse = halve(&next[layer], width);
            for (index, rect) in &owed {
                if out.len() - start >= allowance.bytes {
                    return false;
                }
                if std::mem::take(&mut self.bare[*index]) {
                    let before = out.len();
                    self.update(layer, &coarse, width, rect.even(size), out);
                    self.paid(layer, rect.area(), ((out.len() - before) as f64 / COARSE_SHARE) as usize);
                }
            }
            return false;
        }
        for (index, rect) in owed {
            // A tile that needs more than what may go out at once goes out in parts.
            let parts = (rect.area() as f64 * self.prices[layer] / allowance.bytes.max(1) as f64).ceil();
            for part in rect.parts(parts as usize) {
                if out.len() - start >= allowance.bytes {
                    return false;
                }
                let before = out.len();
                self.update(layer, &next[layer], width, part, out);
                self.paid(layer, part.area(), out.len() - before);
            }
            if layer == BASE {
                self.bare[index] = false;
            }
        }
        true
    }

    /// Learns the price of a layer's pixels from a large rectangle.
    fn paid(&mut self, layer: usize, pixels: usize, bytes: usize) {
        if pixels >= TELLING_PIXELS {
            let price = (self.prices[layer] + bytes as f64 / pixels as f64) / 2.0;
            self.prices[layer] = price.max(PRICES[layer] * LEAST_PRICE);
        }
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

    fn encode_some(
        &mut self,
        picture: &Arc<Picture>,
        placement: &Placement,
        allowance: &Allowance,
        out: &mut Vec<u8>,
    ) -> bool {
        if !is_sound(picture) || picture.base.is_empty() {
            return true;
        }
        let size = [picture.width, picture.height];
        let same = |t: &Target| Arc::ptr_eq(&t.picture, picture) && t.placement == *placement;
        let next = match self.target.take() {
            Some(target) if same(&target) => target,
            Some(mut old) if old.fits(size, placement, self.route) => {
                if old.placement.area != placement.area {
                    self.replace(placement, size, out);
                    old.placement.area = placement.area;
                }
                let next = Target::new(picture, placement, self.route);
                self.turn(&next.layers, &mut old, out);
                self.clear_holes(&next, &mut old.layers, out);
                self.send_small(&old.layers, &next.layers, size[0], out);
                next
            }
            _ => {
                self.cells.forget();
                let next = Target::new(picture, placement, self.route);
                let pixels = picture.base.len() as f64;
                if self.prices.iter().sum::<f64>() * pixels <= allowance.bytes as f64 {
                    let before = out.len();
                    self.whole(&next.layers, placement, size[0], out);
                    self.paid(BASE, picture.base.len(), out.len() - before);
                } else {
                    let blank: Layers = std::array::from_fn(|_| vec![[0; 4]; picture.base.len()]);
                    self.whole(&blank, placement, size[0], out);
                }
                self.bare.fill(true);
                next
            }
        };
        let complete = self.send_rest(&next.layers, size[0], allowance, out);
        if self.route == Route::Tmux {
            // The cells' text depends on the area alone, so only new, moved or freed cells are written.
            let blank = Arc::new(Picture::new(0, 0));
            let cells: CellGrid = self.cells.update(&blank, placement);
            placeholder::draw(&cells, placement.area, out);
        }
        self.target = Some(next);
        complete
    }

    fn moved_by(&mut self, pixels: [i64; 2]) {
        self.hint = pixels;
    }

    fn doubt(&mut self, out: &mut Vec<u8>) {
        // An edit that changes nothing is answered only where the image is not there.
        let pixel = PixelRect { x: 0, y: 0, width: 1, height: 1 };
        if let Some(size) = self.target.as_ref().map(|t| [t.picture.width, t.picture.height]) {
            self.edit(BASE, &self.held[BASE], size, pixel, out);
        }
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
        self.target = None;
        self.cells.forget();
    }

    fn set_link_rate(&mut self, bytes_per_second: f64) {
        self.effort = if bytes_per_second > SLOW_LINK { Effort::Fast } else { Effort::Small };
    }
}

impl Target {
    fn new(picture: &Arc<Picture>, placement: &Placement, route: Route) -> Target {
        let size = [picture.width, picture.height];
        let holes = hole_pixels(placement, size);
        // Placeholders are text, which a menu's text replaces: only the overlay needs holes there.
        let base_holes = if route == Route::Direct { holes.clone() } else { Vec::new() };
        let layers = super::kitty_layers::of(picture, &base_holes, &holes);
        Target { picture: picture.clone(), placement: placement.clone(), layers, holes: [base_holes, holes] }
    }

    /// Whether the images can stay: a direct placement can be moved, placeholders carry their size.
    fn fits(&self, size: [usize; 2], placement: &Placement, route: Route) -> bool {
        [self.picture.width, self.picture.height] == size
            && (route == Route::Direct || self.placement.area == placement.area)
    }
}

/// Removes both images, and no other program's.
pub(crate) fn delete_images(route: Route, out: &mut Vec<u8>) {
    for id in IDS.into_iter().rev() {
        kitty(out, route, &format!("a=d,d=I,i={id},q=2"));
    }
}

/// The parts of the picture under the holes, in its pixels.
fn hole_pixels(placement: &Placement, size: [usize; 2]) -> Vec<PixelRect> {
    let inside = placement.holes.iter().filter_map(|hole| hole.within(placement.area));
    inside.map(|cells| PixelRect::of_cells(cells, placement, size)).collect()
}
