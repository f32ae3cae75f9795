//! Composition: a slice, its labels, predictions and layers, and the cursor, to one [`Picture`].
//!
//! Layers blend as in ilastik: from bottom to top, source over, colours modulated by alpha. Magnified
//! pixels are not smoothed, so that every picture pixel shows exactly one slice pixel.

use ndarray::{Array4, ArrayView2, Axis as ArrayAxis};

use super::blend::Sheet;
use super::cursor::{self, Cursor};
use super::marks::{self, Marks};
use super::normalize::{Channels, Leveler, Tinted, Window, table_color};
use super::sampling::Line;
use super::{Layer, LayerKind, Picture, Viewport};
use crate::data::classes::Rgb;
use crate::data::volume::Sample;
use crate::data::{LabelClass, LabelVolume, Roi, SlicePlane, SpatialRoi, Volume};
use crate::with_volume;

/// Colour of the uncertainty layer, as in ilastik.
const UNCERTAINTY_COLOR: Rgb = [0, 255, 255];
/// Colour of the marks on stale tiles.
const STALE_COLOR: Rgb = [255, 140, 0];
/// Length of those marks in picture pixels.
const STALE_MARK: usize = 4;

/// A part of the slice.
#[derive(Clone, Copy, Debug)]
pub struct SlicePart<'a> {
    /// The pixels covered, `zyx`, one thick.
    pub region: SpatialRoi,
    /// Every how many pixels along each axis, from the region's start, there is a sample. The pixels up to the
    /// next are shown like it.
    pub step: usize,
    /// The samples, `tzyxc`.
    pub raw: &'a Volume,
    /// The mask's samples there, if there is a mask.
    pub mask: Option<&'a Volume>,
}

/// A part of the slice with its probabilities.
#[derive(Clone, Copy, Debug)]
pub struct ProbabilityPart<'a> {
    /// The pixels covered, `zyx`, one thick.
    pub region: SpatialRoi,
    /// As for [`SlicePart::step`].
    pub step: usize,
    /// Axes `class, z, y, x`.
    pub probabilities: &'a Array4<f32>,
    /// Whether newer ones are on their way.
    pub stale: bool,
}

/// Everything that a picture shows.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The slice.
    pub plane: SlicePlane,
    /// Its rows and columns.
    pub extent: [usize; 2],
    /// What has been loaded of it.
    pub slices: &'a [SlicePart<'a>],
    /// How its channels become colours.
    pub channels: &'a Channels,
    /// The labels of the image.
    pub labels: &'a LabelVolume,
    /// The label classes.
    pub classes: &'a [LabelClass],
    /// What has been predicted of it.
    pub predictions: &'a [ProbabilityPart<'a>],
    /// The layers, topmost first.
    pub layers: &'a [Layer],
    /// The cursor.
    pub cursor: Option<Cursor>,
    /// Whether stale tiles are marked at their corner.
    pub mark_stale: bool,
    /// Lines over the slice.
    pub marks: Marks,
}

/// Composes what `viewport` shows of `scene`.
pub fn compose(scene: &Scene<'_>, viewport: &Viewport) -> Picture {
    let grid = Grid {
        rows: Line::new(viewport, 0, scene.extent[0]),
        columns: Line::new(viewport, 1, scene.extent[1]),
    };
    let [base, mut overlay] = flatten(scene, &grid);
    let stale = if scene.mark_stale { stale_marks(scene, &grid) } else { Vec::new() };
    stale.into_iter().for_each(|at| overlay.set(at, STALE_COLOR));
    let mut picture = expand(&grid, &base, &overlay, viewport.picture);
    marks::draw(&scene.marks, viewport, &mut picture);
    if let Some(cursor) = &scene.cursor {
        cursor::draw(cursor, viewport, &mut picture);
    }
    picture
}

/// The slice pixels shown, each once.
struct Grid {
    rows: Line,
    columns: Line,
}

impl Grid {
    fn len(&self) -> usize {
        self.rows.positions.len() * self.columns.positions.len()
    }

    fn width(&self) -> usize {
        self.columns.positions.len()
    }

    /// Calls `visit(index, row, column)` for each grid pixel inside `region`, with its row and column
    /// counted from the region's start in units of `step` pixels.
    fn within(
        &self,
        plane: &SlicePlane,
        (region, step): (&SpatialRoi, usize),
        mut visit: impl FnMut(usize, usize, usize),
    ) {
        let [down, across] = plane.axes().map(|axis| axis as usize - 1);
        let columns = self.columns.within(region.start[across], region.stop[across]);
        for i in self.rows.within(region.start[down], region.stop[down]) {
            let row = (self.rows.positions[i] - region.start[down]) / step;
            for j in columns.clone() {
                visit(i * self.width() + j, row, (self.columns.positions[j] - region.start[across]) / step);
            }
        }
    }
}

/// The layers up to the image, and those above it.
fn flatten(scene: &Scene<'_>, grid: &Grid) -> [Sheet; 2] {
    let mut below = Sheet::new(grid.len());
    let mut above = Sheet::new(grid.len());
    let mut derived = Derived::default();
    for layer in scene.layers.iter().rev().filter(|layer| layer.visible && layer.opacity > 0.0) {
        let opacity = layer.opacity.min(1.0);
        match layer.kind {
            LayerKind::RawInput => {
                below.stack(std::mem::replace(&mut above, Sheet::new(grid.len())));
                draw_raw(scene, grid, opacity, &mut below);
            }
            LayerKind::Labels => draw_labels(scene, grid, opacity, &mut above),
            LayerKind::Mask => draw_mask(scene, grid, opacity, &mut above),
            LayerKind::Uncertainty => {
                for (at, &u) in derived.get(scene, grid).uncertainty.iter().enumerate() {
                    above.over(at, UNCERTAINTY_COLOR, u * opacity);
                }
            }
            LayerKind::Segmentation(class) => {
                let color = probability_color(scene, class);
                for (at, &winner) in derived.get(scene, grid).segmentation.iter().enumerate() {
                    if winner == class {
                        above.over(at, color, opacity);
                    }
                }
            }
            LayerKind::Prediction(class) => draw_prediction(scene, grid, class, opacity, &mut above),
        }
    }
    [below, above]
}

fn probability_color(scene: &Scene<'_>, class: u8) -> Rgb {
    let entry = usize::from(class).checked_sub(1).and_then(|i| scene.classes.get(i));
    entry.map_or([255; 3], |class| class.probability_color)
}

/// A plane of `array` (`zyx`, one thick across the slice), axes down, across.
fn plane_of<'a, T>(plane: &SlicePlane, array: ndarray::ArrayView3<'a, T>) -> ArrayView2<'a, T> {
    array.index_axis_move(ArrayAxis(plane.axis as usize - 1), 0)
}

fn draw_raw(scene: &Scene<'_>, grid: &Grid, opacity: f32, sheet: &mut Sheet) {
    // Black where nothing has been loaded.
    for part in scene.slices {
        with_volume!(part.raw, array => draw_samples(scene, grid, part, array, opacity, sheet));
    }
}

fn draw_samples<T: Sample>(
    scene: &Scene<'_>,
    grid: &Grid,
    part: &SlicePart<'_>,
    array: &ndarray::Array5<T>,
    opacity: f32,
    sheet: &mut Sheet,
) {
    let frame = array.index_axis(ArrayAxis(0), 0);
    let channels = frame.dim().3;
    let channel = |index: usize, window: Window| {
        let index = index.min(channels - 1);
        let plane = plane_of(&scene.plane, frame.index_axis_move(ArrayAxis(3), index));
        (plane, Leveler::new::<T>(window, grid.len()))
    };
    match scene.channels {
        Channels::Gray { channel: index, window } => {
            let (plane, leveler) = channel(*index, *window);
            grid.within(&scene.plane, (&part.region, part.step), |at, row, column| {
                sheet.over(at, [leveler.level(plane[[row, column]]); 3], opacity);
            });
        }
        Channels::Colortable { channel: index } | Channels::Mask { channel: index } => {
            let mask = matches!(scene.channels, Channels::Mask { .. });
            let (plane, _) = channel(*index, Window { low: 0.0, high: 1.0 });
            grid.within(&scene.plane, (&part.region, part.step), |at, row, column| {
                let value = plane[[row, column]].as_f64();
                let color = match mask {
                    true => [u8::from(value != 0.0) * 255; 3],
                    false => table_color(value as i64),
                };
                sheet.over(at, color, opacity);
            });
        }
        Channels::Composite(shown) => {
            let shown: Vec<_> = shown
                .iter()
                .map(|&Tinted { channel: index, window, color }| {
                    let (plane, leveler) = channel(index, window);
                    (plane, leveler, color.map(u32::from))
                })
                .collect();
            grid.within(&scene.plane, (&part.region, part.step), |at, row, column| {
                let mut light = [0u32; 3];
                for (plane, leveler, color) in &shown {
                    let level = u32::from(leveler.level(plane[[row, column]]));
                    for (light, color) in light.iter_mut().zip(color) {
                        *light += (level * color + 127) / 255;
                    }
                }
                sheet.over(at, light.map(|light| light.min(255) as u8), opacity);
            });
        }
    }
}

fn draw_mask(scene: &Scene<'_>, grid: &Grid, opacity: f32, sheet: &mut Sheet) {
    fn draw<T: Sample>(
        scene: &Scene<'_>,
        grid: &Grid,
        place: (&SpatialRoi, usize),
        array: &ndarray::Array5<T>,
        opacity: f32,
        sheet: &mut Sheet,
    ) {
        let frame = array.index_axis(ArrayAxis(0), 0);
        let kept = frame.map_axis(ArrayAxis(3), |samples| samples.iter().any(|s| s.as_f64() != 0.0));
        let kept = plane_of(&scene.plane, kept.view());
        grid.within(&scene.plane, place, |at, row, column| {
            if !kept[[row, column]] {
                sheet.over(at, [0; 3], opacity);
            }
        });
    }
    for part in scene.slices {
        if let Some(mask) = part.mask {
            with_volume!(mask, array => draw(scene, grid, (&part.region, part.step), array, opacity, sheet));
        }
    }
}

fn draw_prediction(scene: &Scene<'_>, grid: &Grid, class: u8, opacity: f32, sheet: &mut Sheet) {
    let color = probability_color(scene, class);
    for part in scene.predictions {
        let Some(index) = usize::from(class).checked_sub(1).filter(|&i| i < part.probabilities.dim().0)
        else {
            continue;
        };
        let plane = plane_of(&scene.plane, part.probabilities.index_axis(ArrayAxis(0), index));
        grid.within(&scene.plane, (&part.region, part.step), |at, row, column| {
            sheet.over(at, color, plane[[row, column]] * opacity);
        });
    }
}

fn draw_labels(scene: &Scene<'_>, grid: &Grid, opacity: f32, sheet: &mut Sheet) {
    let (Some(rows), Some(columns)) = (grid.rows.span(scene.extent[0]), grid.columns.span(scene.extent[1]))
    else {
        return;
    };
    let region = scene.plane.region(rows, columns);
    let t = scene.plane.t;
    let roi = Roi::new(
        [t, region.start[0], region.start[1], region.start[2]],
        [t + 1, region.stop[0], region.stop[1], region.stop[2]],
    );
    let mut shown = vec![0u8; grid.len()];
    let [down, across] = scene.plane.axes().map(|axis| axis as usize);
    for (at, value) in scene.labels.iter_in(roi) {
        let (row, column) = (at[down], at[across]);
        if let (Some(i), Some(j)) = (grid.rows.standing_for(row), grid.columns.standing_for(column)) {
            // Where several slice pixels share a picture pixel, the one it shows wins, else any label:
            // thin strokes must not break when the picture is shrunk.
            let exact = grid.rows.positions[i] == row && grid.columns.positions[j] == column;
            let at = i * grid.width() + j;
            if exact || shown[at] == 0 {
                shown[at] = value;
            }
        }
    }
    for (at, &value) in shown.iter().enumerate().filter(|&(_, &value)| value != 0) {
        let class = scene.classes.get(usize::from(value) - 1);
        sheet.over(at, class.map_or([255; 3], |class| class.color), opacity);
    }
}

/// What follows from all probabilities of a pixel together, computed when a layer shows it.
#[derive(Default)]
struct Derived {
    /// The winning class (from 1; the first of equals), 0 where all probabilities are 0.
    segmentation: Vec<u8>,
    /// 1 - (highest - second highest probability), 0 where nothing has been predicted.
    uncertainty: Vec<f32>,
}

impl Derived {
    fn get(&mut self, scene: &Scene<'_>, grid: &Grid) -> &Derived {
        if self.segmentation.len() != grid.len() {
            *self = Derived { segmentation: vec![0; grid.len()], uncertainty: vec![0.0; grid.len()] };
            for part in scene.predictions {
                let classes: Vec<ArrayView2<'_, f32>> =
                    part.probabilities.outer_iter().map(|class| plane_of(&scene.plane, class)).collect();
                grid.within(&scene.plane, (&part.region, part.step), |at, row, column| {
                    let (mut first, mut second, mut winner) = (0.0f32, 0.0f32, 0);
                    for (class, plane) in classes.iter().enumerate() {
                        let p = plane[[row, column]];
                        if p > first {
                            (second, first, winner) = (first, p, class + 1);
                        } else if p > second {
                            second = p;
                        }
                    }
                    self.segmentation[at] = u8::try_from(winner).unwrap_or(u8::MAX);
                    // Pixels that can't be predicted are not uncertain, they are unknown.
                    self.uncertainty[at] = if winner > 0 { 1.0 - (first - second) } else { 0.0 };
                });
            }
        }
        self
    }
}

/// Grid pixels of a small triangle at the first corner of each stale tile.
fn stale_marks(scene: &Scene<'_>, grid: &Grid) -> Vec<usize> {
    let mut marks = Vec::new();
    for part in scene.predictions.iter().filter(|part| part.stale) {
        grid.within(&scene.plane, (&part.region, 1), |at, row, column| {
            if row + column < STALE_MARK {
                marks.push(at);
            }
        });
    }
    marks
}

/// Repeats grid pixels as often as the picture shows them.
fn expand(grid: &Grid, base: &Sheet, overlay: &Sheet, [height, width]: [usize; 2]) -> Picture {
    let mut picture = Picture::new(width, height);
    let base = base.opaque();
    let overlay = overlay.straight();
    let mut previous = None;
    for (y, &row) in grid.rows.of_picture.iter().enumerate() {
        let Some(row) = row else { continue };
        let start = y * width;
        if previous == Some(row) {
            picture.base.copy_within(start - width..start, start);
            picture.overlay.copy_within(start - width..start, start);
            continue;
        }
        previous = Some(row);
        for (x, &column) in grid.columns.of_picture.iter().enumerate() {
            if let Some(column) = column {
                let at = row * grid.width() + column;
                picture.base[start + x] = base[at];
                picture.overlay[start + x] = overlay[at];
            }
        }
    }
    picture
}
