//! Images that a format can't hold, and blocks that do not fit.

use brushwood::data::{DType, Roi5, Volume};
use brushwood::io::{self, ImageSpec, OpenOptions};

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

/// As in ilastik, a file keeps its other datasets.
#[test]
fn other_datasets_are_kept() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("a.h5");
    let shape = [1, 1, 8, 8, 1];
    let write = |internal: &str, value: u8| -> Result<(), io::Error> {
        let mut spec = ImageSpec::new("yx".parse().expect("axes"), shape, DType::U8);
        spec.internal_path = internal.into();
        let mut writer = io::create("compressed hdf5", &path, &spec)?;
        writer.write([0; 5], &Volume::U8(ndarray::Array5::from_elem(shape, value)))?;
        writer.finish()
    };
    let value = |internal: &str| {
        let location = format!("{}/{internal}", path.display());
        let image = io::open(&location, &OpenOptions::default()).unwrap_or_else(|e| panic!("{e}"));
        image.read(&Roi5::whole(image.info().shape)).expect("read").to_f32()[[0; 5]]
    };
    write("first", 1).expect("written");
    write("group/second", 2).expect("written beside it");
    write("group/third", 3).expect("written into a group that is there");
    write("/group/second", 4).expect("its own dataset is replaced");
    assert_eq!([value("first"), value("group/second"), value("group/third")], [1.0, 4.0, 3.0]);
    let message = io::remove(&path).expect_err("several datasets").to_string();
    let datasets = "'first', 'group/second', 'group/third'";
    assert!(
        message.ends_with(&format!(
            "a.h5: holds {datasets}; remove the file yourself where none of them is needed"
        )),
        "{message}"
    );
    for (name, others) in [("group", "'group/second', 'group/third'"), ("first/inner", "'first'")] {
        let message = write(name, 5).expect_err("there are others").to_string();
        let expected = format!(
            "a.h5: holds {others}, which are in the way of the dataset '{name}'; choose another --output-internal-path or file"
        );
        assert!(message.ends_with(&expected), "{message}");
    }
    for kind in ["old", "new"] {
        std::fs::write(&path, super::fixture(&format!("linked/{kind}.h5"))).expect("written");
        let before = value("group/image");
        write("group/added", 6).expect("written");
        assert_eq!([value("group/image"), value("group/added")], [before, 6.0], "{kind}");
    }
    std::fs::write(&path, b"not HDF5").expect("written");
    write("second", 7).expect("a file of another kind is replaced");
    io::remove(&path).expect("a file with a single dataset is removed");
    assert!(!path.exists());
}
