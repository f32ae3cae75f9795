//! Tests of composition.

use ndarray::Array5;
use proptest::prelude::*;

use super::compose::*;
use super::*;
use crate::data::{Axis, LabelClass, LabelVolume, SlicePlane, SpatialRoi, Volume};
use ndarray::Array4;

const SHAPE: [usize; 3] = [4, 11, 13];

fn volume(channels: usize) -> Volume {
    Array5::from_shape_fn((1, SHAPE[0], SHAPE[1], SHAPE[2], channels), |(_, z, y, x, c)| {
        (z * 60 + y * 11 + x + 37 * c) as u8
    })
    .into()
}

fn plane(axis: Axis, position: usize) -> SlicePlane {
    SlicePlane { axis, t: 0, position }
}

fn whole(plane: &SlicePlane) -> SpatialRoi {
    let [rows, columns] = plane.extent(SHAPE);
    plane.region([0, rows], [0, columns])
}

fn part(volume: &Volume, plane: &SlicePlane) -> Volume {
    volume.crop(&whole(plane).at(0, volume.shape()[4]))
}

fn layer(kind: LayerKind, opacity: f32) -> Layer {
    Layer { kind, visible: true, opacity }
}

/// Composes one slice with everything else as given.
struct Stage {
    plane: SlicePlane,
    raw: Volume,
    mask: Option<Volume>,
    channels: Channels,
    labels: LabelVolume,
    classes: Vec<LabelClass>,
    probabilities: Option<Array4<f32>>,
    layers: Vec<Layer>,
}

impl Stage {
    fn new(plane: SlicePlane) -> Stage {
        Stage {
            plane,
            raw: part(&volume(1), &plane),
            mask: None,
            channels: Channels::Gray { channel: 0, window: Window { low: 0.0, high: 255.0 } },
            labels: LabelVolume::new([1, SHAPE[0], SHAPE[1], SHAPE[2]]),
            classes: (1..=2).map(LabelClass::numbered).collect(),
            probabilities: None,
            layers: vec![layer(LayerKind::RawInput, 1.0)],
        }
    }

    fn compose(&self, viewport: &Viewport) -> Picture {
        let region = whole(&self.plane);
        let slices = [SlicePart { region, step: 1, raw: &self.raw, mask: self.mask.as_ref() }];
        let predictions: Vec<ProbabilityPart<'_>> = self
            .probabilities
            .iter()
            .map(|probabilities| ProbabilityPart { region, step: 1, probabilities, stale: true })
            .collect();
        let scene = Scene {
            plane: self.plane,
            extent: self.plane.extent(SHAPE),
            slices: &slices,
            channels: &self.channels,
            labels: &self.labels,
            classes: &self.classes,
            predictions: &predictions,
            layers: &self.layers,
            cursor: None,
            marks: Marks::default(),
            mark_stale: false,
        };
        compose(&scene, viewport)
    }

    /// At 1:1, the whole slice.
    fn at_one(&self) -> Picture {
        let [rows, columns] = self.plane.extent(SHAPE);
        let center = [rows as f64 / 2.0, columns as f64 / 2.0];
        self.compose(&Viewport { center, zoom: [1.0; 2], picture: [rows, columns] })
    }
}

proptest! {
    #[test]
    fn each_picture_pixel_shows_the_slice_pixel_under_its_centre(
        axis in prop::sample::select(vec![Axis::Z, Axis::Y, Axis::X]),
        center in prop::array::uniform2(-3.0..16.0f64),
        zoom in prop::array::uniform2(0.2..9.0f64),
        picture in prop::array::uniform2(1..40usize),
    ) {
        let plane = plane(axis, 2);
        let viewport = Viewport { center, zoom, picture };
        let shown = Stage::new(plane).compose(&viewport);
        let [rows, columns] = plane.extent(SHAPE);
        let image = volume(1);
        for y in 0..picture[0] {
            for x in 0..picture[1] {
                let [v, u] = viewport.slice_at(y as f64, x as f64).map(f64::floor);
                let expect = if v >= 0.0 && u >= 0.0 && v < rows as f64 && u < columns as f64 {
                    let [t, z, y, x] = plane.pixel(v as usize, u as usize);
                    image.sample([t, z, y, x, 0]) as u8
                } else {
                    0
                };
                prop_assert_eq!(shown.base[y * picture[1] + x], [expect; 3]);
                prop_assert_eq!(shown.overlay[y * picture[1] + x], [0; 4]);
            }
        }
    }
}

#[test]
fn channels_are_shown_in_their_colours() {
    let mut stage = Stage::new(plane(Axis::Z, 0));
    stage.raw = part(&volume(2), &stage.plane);
    let window = Window { low: 0.0, high: 255.0 };
    let tinted = |channel: usize, color| Tinted { channel, window, color };
    stage.channels = Channels::Composite(vec![tinted(0, [255, 0, 0]), tinted(1, [0, 255, 0])]);
    let picture = stage.at_one();
    assert_eq!(picture.base[SHAPE[2] + 3], [14, 14 + 37, 0]);
    stage.channels = Channels::Composite(vec![tinted(1, [255, 0, 255]), tinted(0, [255; 3])]);
    assert_eq!(stage.at_one().base[SHAPE[2] + 3], [14 + 14 + 37, 14, 14 + 14 + 37], "their light adds up");
    stage.channels = Channels::Composite(Vec::new());
    assert_eq!(stage.at_one().base[SHAPE[2] + 3], [0; 3]);
    stage.channels = Channels::Gray { channel: 1, window };
    assert_eq!(stage.at_one().base[SHAPE[2] + 3], [14 + 37; 3]);
}

#[test]
fn labels_lie_in_their_colours_above_the_image() {
    let mut stage = Stage::new(plane(Axis::Y, 3));
    stage.layers.insert(0, layer(LayerKind::Labels, 1.0));
    stage.labels.paint([([0, 1, 3, 4], 2), ([0, 1, 3, 5], 1), ([0, 1, 4, 6], 1)]);
    let picture = stage.at_one();
    let at = |z: usize, x: usize| picture.overlay[z * SHAPE[2] + x];
    let color = |class: usize| {
        let [r, g, b] = stage.classes[class - 1].color;
        [r, g, b, 255]
    };
    assert_eq!([at(1, 4), at(1, 5), at(1, 6)], [color(2), color(1), [0; 4]]);
}

#[test]
fn thin_strokes_do_not_break_when_shrunk() {
    let mut stage = Stage::new(plane(Axis::Z, 0));
    stage.layers.insert(0, layer(LayerKind::Labels, 1.0));
    stage.labels.paint((0..SHAPE[2]).map(|x| ([0, 0, 4, x], 1)));
    for zoom in [0.3, 0.5, 0.8] {
        let viewport = Viewport { center: [5.5, 6.5], zoom: [zoom; 2], picture: [10, 10] };
        let picture = stage.compose(&viewport);
        let seen = (0..10).filter(|&x| picture.base[50 + x] != [0; 3]).count();
        let painted = picture.overlay.iter().filter(|p| p[3] > 0).count();
        assert!(painted >= seen.max(3), "zoom {zoom}: {painted} of {seen} columns");
    }
}

#[test]
fn predictions_segmentation_and_uncertainty_look_as_in_ilastik() {
    let mut stage = Stage::new(plane(Axis::X, 1));
    let mut probabilities = Array4::zeros((2, SHAPE[0], SHAPE[1], 1));
    probabilities[[0, 0, 0, 0]] = 0.75;
    probabilities[[1, 0, 0, 0]] = 0.25;
    probabilities[[0, 0, 1, 0]] = 0.5;
    probabilities[[1, 0, 1, 0]] = 0.5;
    stage.probabilities = Some(probabilities);
    let first_pixels = |stage: &Stage| {
        let picture = stage.at_one();
        [picture.overlay[0], picture.overlay[1], picture.overlay[2]]
    };
    let [r, g, b] = stage.classes[0].probability_color;
    stage.layers.insert(0, layer(LayerKind::Prediction(1), 0.5));
    assert_eq!(first_pixels(&stage), [[r, g, b, 96], [r, g, b, 64], [0; 4]]);
    stage.layers[0] = layer(LayerKind::Segmentation(1), 1.0);
    assert_eq!(first_pixels(&stage), [[r, g, b, 255], [r, g, b, 255], [0; 4]], "the first of equals wins");
    stage.layers[0] = layer(LayerKind::Uncertainty, 1.0);
    assert_eq!(first_pixels(&stage), [[0, 255, 255, 128], [0, 255, 255, 255], [0; 4]]);
    stage.layers[0] = layer(LayerKind::Prediction(7), 1.0);
    assert_eq!(first_pixels(&stage), [[0; 4]; 3], "a class that nothing has been predicted for");
}

#[test]
fn the_mask_is_black_where_it_is_zero() {
    let mut stage = Stage::new(plane(Axis::Z, 1));
    let mut mask = Array5::<u8>::ones((1, 1, SHAPE[1], SHAPE[2], 1));
    mask[[0, 0, 0, 2, 0]] = 0;
    stage.mask = Some(mask.into());
    stage.layers.insert(0, layer(LayerKind::Mask, 1.0));
    let picture = stage.at_one();
    assert_eq!([picture.overlay[1], picture.overlay[2]], [[0; 4], [0, 0, 0, 255]]);
}

#[test]
fn the_image_on_top_hides_what_is_below() {
    let mut stage = Stage::new(plane(Axis::Z, 0));
    stage.labels.paint([([0, 0, 0, 0], 1)]);
    stage.layers.push(layer(LayerKind::Labels, 1.0));
    let picture = stage.at_one();
    assert_eq!((picture.base[0], picture.overlay[0]), ([0; 3], [0; 4]));
    stage.layers[0].opacity = 0.5;
    let [r, ..] = stage.classes[0].color;
    assert_eq!(stage.at_one().base[0][0], r / 2 + r % 2);
    stage.layers[0].visible = false;
    assert_eq!(stage.at_one().overlay[0][3], 255);
}
