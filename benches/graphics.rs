//! Encoding a whole 800x600 slice, a new overlay and a stroke point, for each encoder.

#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;

use brushwood::graphics::{
    Capabilities, CellRect, CellSource, ENCODERS, Environment, FrameEncoder, Placement,
};
use brushwood::render::Picture;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

/// The sample slice, repeated over the area's picture.
fn picture([width, height]: [usize; 2]) -> Picture {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/sample_data/cell.png");
    let cell = image::open(path).map(|i| i.to_luma8()).unwrap_or_default();
    let mut picture = Picture::new(width, height);
    for (i, pixel) in picture.base.iter_mut().enumerate() {
        let (x, y) = (i % width, i / width);
        let (w, h) = (cell.width().max(1), cell.height().max(1));
        *pixel = [cell.get_pixel_checked(x as u32 % w, y as u32 % h).map_or(0, |p| p.0[0]); 3];
    }
    picture
}

fn segmented(mut picture: Picture) -> Picture {
    for (above, below) in picture.overlay.iter_mut().zip(&picture.base) {
        *above = if below[0] > 100 { [230, 25, 75, 128] } else { [60, 180, 75, 128] };
    }
    picture
}

fn dabbed(mut picture: Picture) -> Picture {
    let (x, y) = (picture.width / 2, picture.height / 2);
    for row in y..(y + 5).min(picture.height) {
        for column in x..(x + 5).min(picture.width) {
            picture.overlay[row * picture.width + column] = [255, 225, 25, 255];
        }
    }
    picture
}

fn encoders(c: &mut Criterion) {
    let mut terminal = Capabilities::assumed(&Environment { utf8: true, ..Environment::default() });
    terminal.cell = Some(([10.0, 20.0], CellSource::Cell));
    let area = CellRect { x: 0, y: 0, width: 80, height: 30 };
    let placement = Placement { area, holes: Vec::new(), cell: [10.0, 20.0] };
    for kind in ENCODERS {
        let fresh = || (kind.create)(&terminal);
        let plain = Arc::new(picture(fresh().picture_size(&placement)));
        let overlaid = Arc::new(segmented((*plain).clone()));
        let stroke = Arc::new(dabbed((*plain).clone()));
        let showing = || {
            let mut encoder = fresh();
            encoder.encode(&plain, &placement, &mut Vec::new());
            encoder
        };
        let mut group = c.benchmark_group(kind.id);
        group.sample_size(20);
        let mut measure = |name: &str, start: &dyn Fn() -> Box<dyn FrameEncoder>, next: &Arc<Picture>| {
            group.bench_function(name, |b| {
                b.iter_batched(
                    start,
                    |mut encoder| {
                        let mut out = Vec::new();
                        encoder.encode(black_box(next), &placement, &mut out);
                        out
                    },
                    BatchSize::LargeInput,
                );
            });
        };
        measure("whole slice", &fresh, &plain);
        measure("new overlay", &showing, &overlaid);
        measure("stroke point", &showing, &stroke);
        group.finish();
    }
}

criterion_group!(benches, encoders);
criterion_main!(benches);
