//! Operations on the lanes of a project: adding images, finding their files, checking that they fit.

use std::hash::{BuildHasher, RandomState};
use std::path::{Component, Path, PathBuf};

use super::error::{LaneError, Warning};
use super::lane_store::LOCAL_DATA;
use super::load::current_names;
use super::model::{DataRole, DatasetInfo, DatasetLocation, Lane, Project};
use crate::data::{Axis, LabelVolume};
use crate::io::ImageInfo;

/// Separates the files of a stack in a location.
const STACK_SEPARATOR: char = ':';

impl Project {
    /// Describes the image that was opened as `location` (a file, `file.h5/inner/path`, or files of a
    /// stack joined by `:`). The location becomes relative when all of it lies below the project's
    /// folder, absolute otherwise.
    pub fn describe(&self, location: &str, image: &ImageInfo) -> DatasetInfo {
        let absolute = map_stack(location, |part| absolute_path(Path::new(part)));
        let location = self.relocate(DatasetLocation::Absolute(absolute));
        DatasetInfo {
            id: new_id(),
            nickname: nickname(&location),
            axes: image.axes.clone(),
            shape: image.axes.pick(&image.shape),
            display_mode: "default".into(),
            normalize_display: Some(image.data_range.is_some()),
            data_range: image.data_range,
            content_hash: None,
            location,
        }
    }

    /// Adds an image without labels at the end; returns its lane.
    ///
    /// # Errors
    /// The image differs from the others in channels or dimensions.
    pub fn add_lane(&mut self, raw: DatasetInfo) -> Result<usize, LaneError> {
        self.check(&raw)?;
        let shape = raw.canonical_shape().unwrap_or([1; 5]);
        let labels = LabelVolume::new([shape[0], shape[1], shape[2], shape[3]]);
        self.lanes.push(Lane { raw, mask: None, labels });
        Ok(self.lanes.len() - 1)
    }

    /// Checks that an image could be a further lane.
    ///
    /// # Errors
    /// The image differs from the others in channels or dimensions.
    pub fn check(&self, info: &DatasetInfo) -> Result<(), LaneError> {
        let others = self.lanes.iter().map(|lane| &lane.raw);
        let (Some(found), Some(expected)) =
            (info.canonical_shape(), others.filter_map(DatasetInfo::canonical_shape).next())
        else {
            return Ok(());
        };
        let name = info.nickname.clone();
        let channels = Axis::C as usize;
        if found[channels] != expected[channels] {
            return Err(LaneError::Channels { name, expected: expected[channels], found: found[channels] });
        }
        let (expected, found) = (dimensions(expected), dimensions(found));
        if expected != found {
            return Err(LaneError::Dimensions { name, expected: expected.into(), found: found.into() });
        }
        Ok(())
    }

    /// Takes note of what the image of a lane is, once it was opened: old projects do not say its
    /// shape, and a file may have been replaced.
    ///
    /// # Errors
    /// The image has another shape than the one that was labelled, or does not fit to the other lanes.
    pub fn fit_lane(&mut self, lane: usize, image: &ImageInfo) -> Result<(), LaneError> {
        let raw = &self.lanes[lane].raw;
        let labels = &self.lanes[lane].labels;
        let spatial = [image.shape[0], image.shape[1], image.shape[2], image.shape[3]];
        let holds_labels = labels.iter().all(|(at, _)| (0..4).all(|i| at[i] < spatial[i]));
        let expected = raw.canonical_shape();
        if expected.is_some_and(|shape| shape != image.shape) && !labels.is_empty() || !holds_labels {
            let size = labels.shape();
            return Err(LaneError::Shape {
                name: raw.nickname.clone(),
                expected: expected.unwrap_or([size[0], size[1], size[2], size[3], image.shape[4]]),
                found: image.shape,
            });
        }
        let mut fitted =
            DatasetInfo { axes: image.axes.clone(), shape: image.axes.pick(&image.shape), ..raw.clone() };
        if expected == Some(image.shape) {
            (fitted.axes, fitted.shape) = (raw.axes.clone(), raw.shape.clone());
        }
        if self.lanes.len() > 1 && expected != Some(image.shape) {
            let mut others = self.clone();
            others.lanes.remove(lane);
            others.check(&fitted)?;
        }
        let lane = &mut self.lanes[lane];
        lane.raw = fitted;
        if lane.labels.shape() != spatial {
            let mut labels = LabelVolume::new(spatial);
            labels.paint(lane.labels.iter());
            lane.labels = labels;
        }
        if expected.is_none() {
            self.check_forest();
        }
        Ok(())
    }

    /// Drops the classifier, with a warning, if the features it was trained with are not those selected.
    fn check_forest(&mut self) {
        let Some(forest) = &self.forest else { return };
        let is_current = self.origin.as_ref().is_none_or(|origin| origin.state.is_current);
        match current_names(&self.forest_feature_names, self, forest.feature_count, is_current) {
            Ok(names) => self.forest_feature_names = names,
            Err(reason) => {
                self.invalidate_forest();
                self.warnings.push(Warning::ClassifierDropped { reason });
            }
        }
    }

    /// Sets the prediction mask of a lane.
    ///
    /// # Errors
    /// The mask's size differs from the image's.
    pub fn set_mask(&mut self, lane: usize, mask: DatasetInfo) -> Result<(), LaneError> {
        let lane = &mut self.lanes[lane];
        if let (Some(image), Some(found)) = (lane.raw.canonical_shape(), mask.canonical_shape())
            && image[..4] != found[..4]
        {
            let four = |s: [usize; 5]| [s[0], s[1], s[2], s[3]];
            return Err(LaneError::MaskShape {
                name: mask.nickname,
                expected: four(image),
                found: four(found),
            });
        }
        lane.mask = Some(mask);
        Ok(())
    }

    /// Where a dataset is, named by its absolute path (`kind` "absolute"), relative to the project
    /// ("relative") or to be copied into its file ("copied"); `None` for other kinds, and for what is no file
    /// of its own.
    pub fn stored_as(&self, info: &DatasetInfo, kind: &str) -> Option<DatasetLocation> {
        let absolute = match &info.location {
            DatasetLocation::Absolute(path) => path.clone(),
            DatasetLocation::Relative(_) | DatasetLocation::ToCopy { .. } => self.locate(info).ok()?,
            DatasetLocation::Internal(_) | DatasetLocation::Url(_) => return None,
        };
        let absolute = map_stack(&absolute, |part| absolute_path(Path::new(part)));
        match (kind, self.folder()) {
            ("copied", _) => {
                // ilastik takes a dataset's id for the name of its copy.
                let name = if info.id.is_empty() { new_id() } else { info.id.clone() };
                Some(DatasetLocation::ToCopy { name, from: absolute })
            }
            ("absolute", _) => Some(DatasetLocation::Absolute(absolute)),
            ("relative", Some(folder)) => Some(DatasetLocation::Relative(map_stack(&absolute, |part| {
                relative(&folder, Path::new(part))
            }))),
            _ => None,
        }
    }

    /// Takes note that a dataset lies elsewhere.
    pub fn move_dataset(&mut self, lane: usize, role: DataRole, location: &str) {
        let absolute = map_stack(location, |part| absolute_path(Path::new(part)));
        let location = self.relocate(DatasetLocation::Absolute(absolute));
        let lane = self.lanes.get_mut(lane);
        let info = match role {
            DataRole::RawData => lane.map(|lane| &mut lane.raw),
            DataRole::PredictionMask => lane.and_then(|lane| lane.mask.as_mut()),
        };
        if let Some(info) = info {
            info.location = location;
        }
    }

    /// What to open to read a dataset: a path, `file.h5/inner/path`, or files of a stack joined by `:`.
    ///
    /// # Errors
    /// An address that is no file, or data inside a project that has no file.
    pub fn locate(&self, info: &DatasetInfo) -> Result<String, LaneError> {
        match &info.location {
            DatasetLocation::Absolute(path) if has_drive(path) && cfg!(not(windows)) => {
                Err(LaneError::OtherSystem { location: path.clone() })
            }
            DatasetLocation::Absolute(path) | DatasetLocation::ToCopy { from: path, .. } => Ok(path.clone()),
            DatasetLocation::Relative(path) => {
                let folder = self.folder();
                Ok(map_stack(path, |part| folder.as_deref().unwrap_or(Path::new("")).join(part)))
            }
            DatasetLocation::Internal(name) => match &self.path {
                Some(project) => Ok(format!("{}/{LOCAL_DATA}/{name}", project.display())),
                None => Err(LaneError::NoProjectFile { location: name.clone() }),
            },
            DatasetLocation::Url(url) => Err(LaneError::UnsupportedLocation { location: url.clone() }),
        }
    }

    /// The folder that relative locations start from, absolute.
    pub fn folder(&self) -> Option<PathBuf> {
        self.path.as_deref().map(folder_of)
    }

    /// The locations of all datasets as they have to be in a file at `path`, so that they name the same
    /// images. Relative ones stay relative where they can.
    pub(super) fn relocated(&self, path: &Path) -> Vec<Lane> {
        let target = Project { path: Some(path.to_owned()), ..Project::new() };
        let move_info = |info: &DatasetInfo| -> DatasetInfo {
            let location = match &info.location {
                DatasetLocation::Relative(_) if self.folder() != target.folder() => {
                    let absolute = self.locate(info).unwrap_or_default();
                    target.relocate(DatasetLocation::Absolute(absolute))
                }
                // In a project's first file, images are named as if they had been added to it.
                DatasetLocation::Absolute(_) if self.path.is_none() => target.relocate(info.location.clone()),
                DatasetLocation::ToCopy { name, .. } => DatasetLocation::Internal(name.clone()),
                location => location.clone(),
            };
            DatasetInfo { location, ..info.clone() }
        };
        let move_lane = |lane: &Lane| Lane {
            raw: move_info(&lane.raw),
            mask: lane.mask.as_ref().map(move_info),
            labels: lane.labels.clone(),
        };
        self.lanes.iter().map(move_lane).collect()
    }

    /// Makes an absolute location relative when all of it lies below the project's folder.
    fn relocate(&self, location: DatasetLocation) -> DatasetLocation {
        let (DatasetLocation::Absolute(path), Some(folder)) = (&location, self.folder()) else {
            return location;
        };
        let below: Option<Vec<&str>> = path
            .split(STACK_SEPARATOR)
            .map(|part| Path::new(part).strip_prefix(&folder).ok().and_then(Path::to_str))
            .collect();
        match below {
            Some(parts) if parts.iter().all(|part| !part.is_empty()) => {
                DatasetLocation::Relative(parts.join(&STACK_SEPARATOR.to_string()))
            }
            _ => location,
        }
    }
}

/// The name that stands for a dataset: the file's name without extension, followed by the inner path
/// with dashes, as ilastik names them.
pub(super) fn nickname(location: &DatasetLocation) -> String {
    let (DatasetLocation::Relative(path)
    | DatasetLocation::Absolute(path)
    | DatasetLocation::Internal(path)
    | DatasetLocation::ToCopy { from: path, .. }
    | DatasetLocation::Url(path)) = location;
    let first = path.split(STACK_SEPARATOR).find(|part| !part.is_empty()).unwrap_or(path);
    let mut stem = String::new();
    let mut inner: Vec<&str> = Vec::new();
    let mut is_inside = false;
    for part in first.split('/').filter(|part| !part.is_empty()) {
        if is_inside {
            inner.push(part);
            continue;
        }
        let (name, extension) = part.rsplit_once('.').unwrap_or((part, ""));
        is_inside = ["h5", "hdf5", "ilp", "n5", "npz"].contains(&extension.to_ascii_lowercase().as_str());
        stem = if name.is_empty() { part.to_owned() } else { name.to_owned() };
    }
    inner.insert(0, &stem);
    inner.join("-")
}

/// What kind of image a shape (`tzyxc`) is.
fn dimensions(shape: [usize; 5]) -> &'static str {
    // As in ilastik, images with and without time go together.
    if shape[Axis::Z as usize] > 1 { "3D" } else { "2D" }
}

/// Applies `change` to each file of a stack.
fn map_stack(location: &str, change: impl Fn(&str) -> PathBuf) -> String {
    let parts: Vec<String> =
        location.split(STACK_SEPARATOR).map(|part| change(part).to_string_lossy().into_owned()).collect();
    parts.join(&STACK_SEPARATOR.to_string())
}

/// Whether a path begins with a drive, as absolute ones do on Windows.
pub(super) fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

/// The folder of a file, absolute.
fn folder_of(path: &Path) -> PathBuf {
    let mut folder = absolute_path(path);
    folder.pop();
    folder
}

/// `path` from the root on, without `.` and `..`; symbolic links stay, so that a project that is
/// reached through one keeps its images beside it.
fn absolute_path(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut clean = PathBuf::new();
    for component in full.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    clean
}

/// `path` as seen from `folder`, with `..` where it lies outside.
fn relative(folder: &Path, path: &Path) -> PathBuf {
    let shared = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let mut result: PathBuf = folder.components().skip(shared).map(|_| Component::ParentDir).collect();
    result.extend(path.components().skip(shared));
    result
}

/// A new random UUID (version 4).
fn new_id() -> String {
    // Every `RandomState` has keys of its own, seeded by the operating system.
    let random = || RandomState::new().hash_one(0_u8);
    let (high, low) = (random(), random());
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
