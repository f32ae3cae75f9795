//! How many bytes a terminal is sent, on the sample images.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::sync::Arc;

use brushwood::graphics::{Capabilities, CellRect, CellSource, Environment, FrameEncoder, Placement, choose};
use brushwood::render::Picture;

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

#[test]
fn a_new_overlay_costs_at_most_forty_kilobytes() {
    for name in ["nuclei.tif", "cell.png"] {
        let (mut picture, placement) = view(name);
        let mut encoder = encoder("kitty");
        send(&mut encoder, &picture, &placement);
        segment(&mut picture);
        for i in 0..3000 {
            picture.overlay[(100 + i % 5) * 800 + 50 + i / 5] = [255, 225, 25, 255];
            picture.overlay[(300 + i % 5) * 800 + 90 + i / 5] = [0, 130, 200, 255];
        }
        let sent = send(&mut encoder, &picture, &placement);
        assert!(sent <= 40_000, "a new overlay on {name} is {sent} bytes");
    }
}

#[test]
fn a_gray_slice_goes_out_as_gray() {
    // Raw RGBA would be 2.5 MB, RGB packed 0.24 to 1.6 MB.
    let (picture, placement) = view("cell.png");
    let sent = send(&mut encoder("kitty"), &picture, &placement);
    assert!(sent <= 200_000, "the first picture is {sent} bytes");
}
