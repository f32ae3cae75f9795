//! How many bytes a terminal is sent, on the sample images.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::process::Command;
use std::sync::Arc;

use brushwood::data::{Axis, Brush, LabelClass, LabelVolume, SlicePlane, SpatialRoi};
use brushwood::graphics::{Capabilities, CellRect, CellSource, Environment, FrameEncoder, Placement, choose};
use brushwood::render::{
    Channels, Layer, LayerKind, Marks, Picture, ProbabilityPart, Scene, Viewport, Window, compose,
};
use ndarray::Array4;

const CELL: [f64; 2] = [10.0, 20.0];

fn encoder(id: &str) -> Box<dyn FrameEncoder> {
    let mut terminal = Capabilities::assumed(&Environment::default());
    terminal.cell = Some((CELL, CellSource::Cell));
    (choose(id, &terminal).unwrap().kind.create)(&terminal)
}

/// Width, height and gray values of a sample image.
fn sample(name: &str) -> (usize, usize, Vec<u8>) {
    let path = format!("{}/sample_data/{name}", env!("CARGO_MANIFEST_DIR"));
    if name.ends_with(".png") {
        let image = image::open(path).unwrap().to_luma8();
        return (image.width() as usize, image.height() as usize, image.into_raw());
    }
    let mut decoder = tiff::decoder::Decoder::new(File::open(path).unwrap()).unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let values: Vec<u32> = match decoder.read_image().unwrap() {
        tiff::decoder::DecodingResult::U8(v) => v.into_iter().map(u32::from).collect(),
        tiff::decoder::DecodingResult::U16(v) => v.into_iter().map(u32::from).collect(),
        _ => panic!("a sample of another type"),
    };
    let (low, high) = (*values.iter().min().unwrap(), *values.iter().max().unwrap());
    let gray = values.iter().map(|v| ((v - low) * 255 / (high - low).max(1)) as u8).collect();
    (width as usize, height as usize, gray)
}

/// The sample repeated over an 800x600 view at 1:1.
fn view(name: &str) -> (Picture, Placement) {
    let area = CellRect { x: 10, y: 1, width: 80, height: 30 };
    let (width, height, gray) = sample(name);
    let mut picture = Picture::new(800, 600);
    for y in 0..600 {
        for x in 0..800 {
            picture.base[y * 800 + x] = [gray[y % height * width + x % width]; 3];
        }
    }
    (picture, Placement { area, holes: Vec::new(), cell: CELL })
}

fn send(encoder: &mut Box<dyn FrameEncoder>, picture: &Picture, placement: &Placement) -> usize {
    let mut out = Vec::new();
    encoder.encode(&Arc::new(picture.clone()), placement, &mut out);
    out.len()
}

/// A brush of five pixels drawn along a curve, a frame for each point.
fn stroke_points(id: &str, name: &str, segmented: bool) -> Vec<usize> {
    let (mut picture, placement) = view(name);
    let mut encoder = encoder(id);
    if segmented {
        segment(&mut picture);
    }
    send(&mut encoder, &picture, &placement);
    let point = |step: usize| {
        let t = step as f64 / 8.0;
        ((400.0 + 90.0 * t.cos() + 20.0 * t) as usize, (300.0 + 80.0 * t.sin()) as usize)
    };
    (0..60)
        .map(|step| {
            let (x, y) = point(step);
            for (dx, dy) in (0..5).flat_map(|dy| (0..5).map(move |dx| (dx, dy))) {
                picture.overlay[(y + dy) * 800 + x + dx] = [255, 225, 25, 255];
            }
            send(&mut encoder, &picture, &placement)
        })
        .collect()
}

fn segment(picture: &mut Picture) {
    for i in 0..picture.base.len() {
        let (x, y) = (i % 800, i / 800);
        let near =
            |dx: usize, dy: usize| u32::from(picture.base[(y + dy).min(599) * 800 + (x + dx).min(799)][0]);
        let mean = (near(0, 0) + near(4, 0) + near(0, 4) + near(4, 4)) / 4;
        picture.overlay[i] = if mean > 100 { [230, 25, 75, 128] } else { [60, 180, 75, 128] };
    }
}

#[test]
fn a_stroke_point_costs_at_most_a_kilobyte() {
    for id in ["kitty", "sixel", "kitty-placeholder"] {
        for name in ["nuclei.tif", "cell.png"] {
            for segmented in [false, true] {
                let points = stroke_points(id, name, segmented);
                let most = points.iter().max().unwrap();
                assert!(*most <= 1000, "{id} sends {most} bytes for a point on {name}: {points:?}");
            }
        }
    }
}

/// Probabilities of two classes for a sample, axes class, z, y, x, from a forest trained as a user would.
fn probabilities(name: &str) -> Array4<f32> {
    let folder = tempfile::tempdir().unwrap();
    let image = format!("{}/sample_data/{name}", env!("CARGO_MANIFEST_DIR"));
    let (width, height, gray) = sample(name);
    // A few lines of labels, by what is bright.
    let mut labels = image::GrayImage::new(width as u32, height as u32);
    for y in (20..height - 20).step_by(60) {
        for x in (20..width - 20).filter(|x| x % 90 < 40) {
            labels.put_pixel(x as u32, y as u32, image::Luma([1 + u8::from(gray[y * width + x] > 100)]));
        }
    }
    let labels_file = folder.path().join("labels.png");
    labels.save(&labels_file).unwrap();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_brushwood"))
            .current_dir(folder.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let labels_file = labels_file.to_string_lossy().into_owned();
    run(&["train", "--raw-data", &image, "--labels", &labels_file, "--project", "p.ilp"]);
    run(&[
        "predict",
        "--project",
        "p.ilp",
        "--output-format",
        "numpy",
        "--output-filename-format",
        "p.npy",
        &image,
    ]);
    let bytes = std::fs::read(folder.path().join("p.npy")).unwrap();
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    let classes = *array.shape().last().unwrap() as usize;
    let values: Vec<f32> = array.into_vec().unwrap();
    assert_eq!(values.len(), width * height * classes);
    // Repeated over the view, as the image is.
    Array4::from_shape_fn((classes, 1, 600, 800), |(c, _, y, x)| {
        values[(y % height * width + x % width) * classes + c]
    })
}

/// What the program lays over an 800x600 view: strokes of two classes and what `layers` show.
fn overlay(probabilities: &Array4<f32>, layers: &[(LayerKind, f32)]) -> Vec<[u8; 4]> {
    let mut labels = LabelVolume::new([1, 1, 600, 800]);
    for (class, start) in [(1, [100, 50]), (2, [300, 90])] {
        let pixels = Brush { diameter: 3 }.segment(start, [start[0] + 60, start[1] + 500]);
        labels.paint(pixels.iter().map(|[y, x]| ([0, 0, *y as usize, *x as usize], class)));
    }
    let layers: Vec<Layer> =
        layers.iter().map(|&(kind, opacity)| Layer { kind, visible: true, opacity }).collect();
    let region = SpatialRoi::new([0, 0, 0], [1, 600, 800]);
    let scene = Scene {
        plane: SlicePlane { axis: Axis::Z, t: 0, position: 0 },
        extent: [600, 800],
        slices: &[],
        channels: &Channels::Gray { channel: 0, window: Window { low: 0.0, high: 255.0 } },
        labels: &labels,
        classes: &[LabelClass::numbered(1), LabelClass::numbered(2)],
        predictions: &[ProbabilityPart { region, step: 1, probabilities, stale: false }],
        layers: &layers,
        cursor: None,
        mark_stale: false,
        marks: Marks::default(),
    };
    compose(&scene, &Viewport { center: [300.0, 400.0], zoom: [1.0; 2], picture: [600, 800] }).overlay
}

#[test]
fn a_new_overlay_costs_at_most_forty_kilobytes() {
    use LayerKind::{Labels, Prediction, RawInput, Segmentation};
    let shown = [
        vec![(Labels, 1.0), (Prediction(1), 0.25), (Prediction(2), 0.25), (RawInput, 1.0)],
        vec![(Labels, 1.0), (Segmentation(1), 1.0), (Segmentation(2), 1.0), (RawInput, 1.0)],
        vec![
            (Labels, 1.0),
            (Segmentation(2), 0.5),
            (Prediction(1), 0.25),
            (Prediction(2), 0.25),
            (RawInput, 1.0),
        ],
    ];
    let mut most = Vec::new();
    for name in ["nuclei.tif", "cell.png"] {
        let probabilities = probabilities(name);
        for layers in &shown {
            let (mut picture, placement) = view(name);
            let mut encoder = encoder("kitty");
            send(&mut encoder, &picture, &placement);
            picture.overlay = overlay(&probabilities, layers);
            most.push((send(&mut encoder, &picture, &placement), name, layers));
        }
    }
    assert!(most.iter().all(|(sent, ..)| *sent <= 40_000), "new overlays are too large: {most:#?}");
}

/// What a frame may cost besides its cells.
const FRAME: usize = 150;

/// Noise over noise: what an encoder may send for each cell that changed. Half of that is reached, or the
/// budget says nothing.
#[test]
fn any_change_stays_within_its_budget_per_cell() {
    // Noise of full colour is the worst there is: a cell has 200 pixels, or 2, or 1; a tile has 18 cells.
    for (id, most) in [
        ("kitty", 1000),
        ("kitty-placeholder", 1000),
        ("kitty-tiles", 11_500),
        ("iterm2", 1200),
        ("sixel", 3200),
        ("half", 41),
        ("ascii", 20),
    ] {
        let environment = Environment { colorterm: "truecolor".into(), ..Environment::default() };
        let mut terminal = Capabilities::assumed(&environment);
        terminal.cell = Some((CELL, CellSource::Cell));
        let mut encoder = (choose(id, &terminal).unwrap().kind.create)(&terminal);
        let area = CellRect { x: 10, y: 1, width: 80, height: 30 };
        let placement = Placement { area, holes: Vec::new(), cell: CELL };
        let [width, height] = encoder.picture_size(&placement);
        let mut picture = Picture::new(width, height);
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 8
        };
        picture.base.fill_with(|| [0; 3].map(|_: u8| next() as u8));
        send(&mut encoder, &picture, &placement);
        let cell = [width / 80, height / 30];
        let mut worst = 0;
        for count in [1, 2, 5, 20] {
            let at = [next() as usize % 60, next() as usize % 29];
            for y in at[1] * cell[1]..(at[1] + 1) * cell[1] {
                for x in at[0] * cell[0]..(at[0] + count) * cell[0] {
                    picture.base[y * width + x] = [0; 3].map(|_: u8| next() as u8);
                }
            }
            let sent = send(&mut encoder, &picture, &placement);
            assert!(sent <= FRAME + most * count, "{id}: {sent} bytes for {count} cells of noise");
            worst = worst.max(sent.saturating_sub(FRAME) / count);
        }
        assert!(2 * worst >= most, "{id}: {worst} bytes a cell at worst, a budget of {most} says nothing");
    }
}

#[test]
fn a_gray_slice_goes_out_as_gray() {
    // Raw RGBA would be 2.5 MB, RGB packed 0.24 to 1.6 MB.
    let (picture, placement) = view("cell.png");
    let sent = send(&mut encoder("kitty"), &picture, &placement);
    assert!(sent <= 200_000, "the first picture is {sent} bytes");
}
