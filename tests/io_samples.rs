//! Images that the repository ships are read as other programs read them.

#![allow(clippy::panic)]

use brushwood::data::{DType, Roi5};
use brushwood::io::{self, OpenOptions};

fn open(location: &str) -> std::sync::Arc<dyn io::ImageReader> {
    io::open(&format!("{}/{location}", env!("CARGO_MANIFEST_DIR")), &OpenOptions::default())
        .unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn sample_images_open() {
    for (name, axes, shape, dtype) in [
        ("sample_data/nuclei.tif", "yx", [1, 1, 512, 512, 1], DType::U8),
        ("sample_data/nuclei3d.tif", "zyx", [1, 31, 61, 57, 1], DType::U16),
        ("sample_data/cell.png", "yxc", [1, 1, 660, 550, 1], DType::U8),
        ("sample_data/histology.png", "yxc", [1, 1, 512, 512, 3], DType::U8),
        ("tests/golden/time/time_raw.h5", "tyxc", [3, 1, 48, 56, 2], DType::F32),
        ("tests/golden/time/time_raw.h5/data", "tyxc", [3, 1, 48, 56, 2], DType::F32),
        ("tests/golden/gray/probabilities.npy", "yxc", [1, 1, 72, 80, 2], DType::F32),
    ] {
        let image = open(name);
        let info = image.info();
        assert_eq!(info.axes.to_string(), axes, "{name}");
        assert_eq!(info.dtype, dtype, "{name}");
        assert_eq!(info.shape, shape, "{name}");
        let whole = image.read(&Roi5::whole(info.shape)).expect("readable");
        assert_eq!(whole.shape(), shape);
    }
}
