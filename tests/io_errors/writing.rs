//! Images that a format can't hold, and blocks that do not fit.

use brushwood::data::{DType, Volume};
use brushwood::io::{self, ImageSpec};

#[test]
fn every_reason_is_told_before_any_work() {
    let folder = tempfile::tempdir().expect("folder");
    let message = |format: &str, axes: &str, shape, dtype| {
        let spec = ImageSpec::new(axes.parse().expect("axes"), shape, dtype);
        io::create(format, &folder.path().join("a"), &spec).err().map(|e| e.to_string()).unwrap_or_default()
    };
    let plane = [1, 1, 8, 8, 1];
    assert!(
        message("dvid", "yx", plane, DType::U8)
            .starts_with("'dvid' is not an output format; use one of compressed hdf5, hdf5, ")
    );
    assert_eq!(
        message("png", "yxc", [1, 1, 8, 8, 2], DType::F32),
        "the format 'png' can't hold this image: a file holds 1 or 3 channels, not 2; use 'tiff' or 'hdf5', cut out one channel, \
         or export a sequence with c first in the axis order; samples are uint8 or uint16, not float32; convert them or use 'hdf5'"
    );
    assert_eq!(
        message("jpg", "zyx", [1, 4, 8, 8, 1], DType::U8),
        "the format 'jpg' can't hold this image: a file holds two dimensions, not 'zyx'; use 'jpg sequence', 'multipage tiff' or 'hdf5', or cut out a slice"
    );
    assert_eq!(
        message("hdr", "yxc", [1, 1, 8, 8, 4], DType::U8),
        "the format 'hdr' can't hold this image: a file holds 3 channels, not 4; use 'tiff' or 'hdf5', or cut out 3 channels; \
         samples are float32, not uint8; convert them or use 'hdf5'"
    );
    assert_eq!(
        message("pgm", "yxc", [1, 1, 8, 8, 3], DType::I16),
        "the format 'pgm' can't hold this image: a file holds 1 channels, not 3; use 'tiff' or 'hdf5', cut out one channel, \
         or export a sequence with c first in the axis order; samples are uint8 or uint16, not int16; convert them or use 'hdf5'"
    );
    assert_eq!(
        message("gif", "yx", [1, 1, 1, 65_536, 1], DType::U8),
        "the format 'gif' can't hold this image: a side has at most 65535 pixels, not 65536; use 'tiff' or 'hdf5', or cut out a part"
    );
    assert_eq!(
        message("ras", "yx", [1, 1, 65_536, 65_536, 1], DType::U8),
        "the format 'ras' can't hold this image: a file has at most 4026531840 bytes, not 4294967296; use 'png', 'tiff' or 'hdf5', or cut out a part"
    );
    assert!(message("png sequence", "zyx", [1, 4, 8, 8, 1], DType::U8).contains("must hold {slice_index}"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 0, "nothing was begun");
}

#[test]
fn blocks_that_do_not_fit() {
    let folder = tempfile::tempdir().expect("folder");
    let plane = [1, 1, 8, 8, 1];
    let spec = ImageSpec::new("yx".parse().expect("axes"), plane, DType::U8);
    let mut writer = io::create("numpy", &folder.path().join("b.npy"), &spec).expect("starts");
    assert!(writer.write([0, 0, 4, 0, 0], &Volume::zeros(DType::U8, plane)).is_err(), "outside");
    assert!(writer.write([0; 5], &Volume::zeros(DType::U16, plane)).is_err(), "another type");
    let error = writer.finish().expect_err("nothing was written").to_string();
    assert!(error.ends_with("b.npy: only 0 of 64 samples were written"), "{error}");
}

/// ilastik keeps other datasets of a file that it exports to; here the whole file would be replaced.
#[test]
fn other_datasets_are_not_lost() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.h5");
    let shape = [1, 1, 8, 8, 1];
    let write = |internal: &str| -> Result<(), io::Error> {
        let mut spec = ImageSpec::new("yx".parse().expect("axes"), shape, DType::U8);
        spec.internal_path = internal.into();
        let mut writer = io::create("hdf5", &path, &spec)?;
        writer.write([0; 5], &Volume::zeros(DType::U8, shape))?;
        writer.finish()
    };
    write("first").expect("written");
    let message = write("second").expect_err("the first is kept").to_string();
    let expected = "a.h5: also holds 'first', which replacing it would lose; write to another file or remove this one first";
    assert!(message.ends_with(expected), "{message}");
    write("/first").expect("its own dataset is replaced");
    for kind in ["old", "new"] {
        std::fs::write(&path, super::fixture(&format!("linked/{kind}.h5"))).expect("written");
        let message = write("group/image").expect_err("a line is kept").to_string();
        assert!(message.contains("a.h5: also holds 'line'"), "{message}");
    }
    std::fs::write(&path, b"not HDF5").expect("written");
    write("second").expect("a file of another kind is replaced");
}
