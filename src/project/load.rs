//! Reading a project file.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::error::{Error, WORKFLOW, Warning};
use super::forest_store::StoredForest;
use super::label_store::{self, Labelled, Untagged};
use super::model::{DataRole, Lane, Project};
use super::origin::{Origin, Stamp, State};
use super::stored::{self, Damage, Folder};
use super::{bookmarks, export_store, forest_store, lane_store, own_store};
use crate::data::classes::MAX_CLASSES;
use crate::data::{Axis, LabelClass, LabelVolume};
use crate::features::selection::FILTER_IDS;
use crate::features::{FeatureBank, FeatureSelection};

/// What goes wrong while the objects of a file are read.
enum Failure {
    Damage(Damage),
    UnknownFeature(String),
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Failure::Damage(damage)
    }
}

impl Project {
    /// Reads a project file. Images are not opened: a project with missing images loads.
    ///
    /// What can't be used without harm to the rest (a damaged classifier, labels outside the image) is
    /// left out and listed in [`Project::warnings`].
    ///
    /// # Errors
    /// Not a project file, another workflow, a newer format, or damaged.
    pub fn load(path: &Path) -> Result<Project, Error> {
        let open = |source| Error::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(open)?;
        let metadata = file.metadata().map_err(open)?;
        if metadata.is_dir() {
            return Err(Error::IsFolder { path: path.to_owned() });
        }
        let file = Arc::new(file);
        let damaged = |damage: Damage| Error::Damaged {
            path: path.to_owned(),
            object: damage.object,
            reason: damage.reason,
        };
        let hdf5 = match stored::open(&file) {
            Ok(hdf5) => hdf5,
            Err(_) if !matches!(hdf5_pure::is_hdf5(path), Ok(true)) => {
                return Err(Error::NotHdf5 { path: path.to_owned(), empty: metadata.len() == 0 });
            }
            Err(error) => return Err(damaged(Damage { object: "/".into(), reason: error.to_string() })),
        };
        let root = Folder::root(&hdf5).map_err(damaged)?;
        let version = check_identity(&root, path)?;
        let mut project = Project::new();
        let indices = read(&root, &version, &mut project).map_err(|failure| match failure {
            Failure::Damage(damage) => damaged(damage),
            Failure::UnknownFeature(id) => Error::UnknownFeature { path: path.to_owned(), id },
        })?;
        project.path = Some(path.to_owned());
        let mut state = State::of(&project);
        state.is_current = is_current(&version);
        for (lane, index) in state.lanes.iter_mut().zip(indices) {
            lane.0 = index;
        }
        project.origin =
            Some(Origin { path: path.to_owned(), file, stamp: Stamp::of(&metadata), state: Arc::new(state) });
        Ok(project)
    }
}

/// Checks that the file is a project that can be read; returns ilastik's version.
fn check_identity(root: &Folder, path: &Path) -> Result<String, Error> {
    let text = |name: &'static str| {
        let text = root.text(name).map_err(|damage| Error::Damaged {
            path: path.to_owned(),
            object: damage.object,
            reason: damage.reason,
        })?;
        text.ok_or_else(|| Error::NotAProject { path: path.to_owned(), missing: name })
    };
    let version = text("ilastikVersion")?;
    if !is_readable(&version) {
        return Err(Error::OtherVersion { path: path.to_owned(), version });
    }
    let workflow = text("workflowName")?;
    if workflow != WORKFLOW {
        return Err(Error::OtherWorkflow { path: path.to_owned(), workflow });
    }
    Ok(version)
}

/// Major and minor number of a version such as `1.4.0b17` and what follows them.
fn parse_version(version: &str) -> Option<(u32, u32, &str)> {
    let (major, rest) = version.split_once('.')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((major.parse().ok()?, rest[..digits].parse().ok()?, &rest[digits..]))
}

/// The versions that ilastik holds compatible: 0.6 and 1.0 to 1.5.
fn is_readable(version: &str) -> bool {
    matches!(parse_version(version), Some((0, 6, _) | (1, 0..=5, _)))
}

/// Whether the layout is that of ilastik 1.4. Versions up to 1.4.0b7 wrote label blocks in other axis
/// orders, which ilastik recognises by the version.
fn is_current(version: &str) -> bool {
    match parse_version(version) {
        Some((1, 4, rest)) => {
            let beta = rest.strip_prefix(".0b").or_else(|| rest.strip_prefix(".0a"));
            beta.is_none_or(|number| number.parse::<u32>().is_ok_and(|number| number > 7))
        }
        Some((1, minor, _)) => minor > 4,
        _ => false,
    }
}

/// The axis order of label blocks that don't name their axes: the image's own in files of 1.3.3post2 to
/// 1.4.0b7, else ilastik's internal one.
fn untagged(version: &str) -> Untagged {
    let is_old = !is_current(version);
    match parse_version(version) {
        Some((1, 3, rest)) if rest.strip_prefix(".3post").is_some_and(|post| post != "1") => {
            Untagged::OfTheFile
        }
        Some((1, 4, _)) if is_old => Untagged::OfTheFile,
        _ => Untagged::Internal,
    }
}

/// Reads everything but the file's identity; returns the numbers of the lanes in the file.
fn read(root: &Folder, version: &str, project: &mut Project) -> Result<Vec<usize>, Failure> {
    let classification = root.folder("PixelClassification")?;
    let mut warnings = Vec::new();
    let indices = read_lanes(root, classification.as_ref(), version, project, &mut warnings)?;
    if let Some(folder) = root.folder("FeatureSelections")? {
        let is_flat = project.lanes.first().is_none_or(lane_is_flat);
        project.selection = read_selection(&folder, is_flat)?;
    }
    if let Some(folder) = &classification {
        project.classes = read_classes(folder, &project.lanes, &mut warnings)?;
        // A factory of a kind that brushwood does not know is no reason to refuse the project.
        let factory = folder.text("ClassifierFactory").ok().flatten();
        if let Some(trees) = factory.as_deref().and_then(forest_store::trees_of) {
            project.trees = trees;
        }
        read_forest(folder, version, project, &mut warnings);
    }
    if let Some(folder) = root.folder("Prediction Export")? {
        project.export = export_store::read(&folder)?;
    }
    project.bookmarks = bookmarks::read(classification.as_ref(), &indices, &project.lanes)?;
    own_store::read(root, project)?;
    project.warnings = warnings;
    Ok(indices)
}

fn lane_is_flat(lane: &Lane) -> bool {
    match lane.raw.canonical_shape() {
        Some(shape) => shape[Axis::Z as usize] == 1,
        None => !lane.raw.axes.contains(Axis::Z),
    }
}

fn read_lanes(
    root: &Folder,
    classification: Option<&Folder>,
    version: &str,
    project: &mut Project,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<usize>, Failure> {
    let Some(infos) = root.descend("Input Data/infos")? else { return Ok(Vec::new()) };
    let local_data = root.descend(lane_store::LOCAL_DATA)?;
    let label_sets = classification.map(|folder| folder.folder("LabelSets")).transpose()?.flatten();
    let mut indices = Vec::new();
    for (index, name) in infos.groups().iter().enumerate() {
        let Some(folder) = infos.folder(name)? else { continue };
        let Some(raw) = lane_store::read(&folder, DataRole::RawData, local_data.as_ref())? else {
            warnings.push(Warning::EmptyLane { lane: index });
            continue;
        };
        let mask = lane_store::read(&folder, DataRole::PredictionMask, local_data.as_ref())?;
        let shape = raw.canonical_shape();
        let stored = match &label_sets {
            Some(sets) => sets.folder(&format!("labels{index:03}"))?,
            None => None,
        };
        let labels = match stored {
            Some(stored) => {
                let lane = indices.len();
                let image = Labelled { lane, axes: &raw.axes, shape, untagged: untagged(version) };
                label_store::read(&stored, &image, warnings)?
            }
            None => {
                let shape = shape.unwrap_or([1; 5]);
                LabelVolume::new([shape[0], shape[1], shape[2], shape[3]])
            }
        };
        indices.push(index);
        project.lanes.push(Lane { raw, mask, labels });
    }
    Ok(indices)
}

fn read_selection(folder: &Folder, is_flat: bool) -> Result<Option<FeatureSelection>, Failure> {
    let (Some(scales), Some(ids), Some(matrix)) =
        (folder.floats("Scales")?, folder.texts("FeatureIds")?, folder.integers("SelectionMatrix")?)
    else {
        return Ok(None);
    };
    let scales = scales.values;
    if scales.iter().any(|scale| !scale.is_finite() || *scale <= 0.0) {
        return Err(folder.damage("Scales", format!("{scales:?} are no scales")).into());
    }
    if matrix.shape != [ids.len(), scales.len()] {
        let reason =
            format!("its shape is {:?}, for {} features at {} scales", matrix.shape, ids.len(), scales.len());
        return Err(folder.damage("SelectionMatrix", reason).into());
    }
    let mut selected: [Vec<bool>; 6] = std::array::from_fn(|_| vec![false; scales.len()]);
    for (id, row) in ids.iter().zip(matrix.values.chunks(scales.len().max(1))) {
        let index = FILTER_IDS.iter().position(|known| known == id);
        let index = index.ok_or_else(|| Failure::UnknownFeature(id.clone()))?;
        selected[index] = row.iter().map(|&on| on != 0).collect();
    }
    let compute_in_2d = match folder.integers("ComputeIn2d")? {
        Some(flags) if flags.values.len() == scales.len() => flags.values.iter().map(|&on| on != 0).collect(),
        Some(flags) => {
            let reason = format!("it holds {} values for {} scales", flags.values.len(), scales.len());
            return Err(folder.damage("ComputeIn2d", reason).into());
        }
        None => vec![is_flat; scales.len()],
    };
    Ok(Some(FeatureSelection { scales, compute_in_2d, selected, unused_channels: Vec::new() }))
}

fn read_classes(
    folder: &Folder,
    lanes: &[Lane],
    warnings: &mut Vec<Warning>,
) -> Result<Vec<LabelClass>, Failure> {
    let list = |name: &str| -> Result<Vec<[u8; 3]>, Damage> {
        if folder.is_marked_empty(name)? {
            return Ok(Vec::new());
        }
        let Some(colors) = folder.integers(name)? else { return Ok(Vec::new()) };
        let width = colors.shape.get(1).copied().unwrap_or(0);
        if colors.shape.len() != 2 || width < 3 {
            return Err(folder.damage(name, format!("its shape is {:?}, not classes x RGB", colors.shape)));
        }
        let channel = |value: i64| value.clamp(0, 255) as u8;
        Ok(colors.values.chunks(width).map(|c| [channel(c[0]), channel(c[1]), channel(c[2])]).collect())
    };
    let names = match folder.is_marked_empty("LabelNames")? {
        true => Vec::new(),
        false => folder.texts("LabelNames")?.unwrap_or_default(),
    };
    let (colors, probability_colors) = (list("LabelColors")?, list("PmapColors")?);
    let named = names.len().max(colors.len()).min(MAX_CLASSES);
    let highest = lanes.iter().flat_map(|lane| lane.labels.iter().map(|(_, value)| value)).max().unwrap_or(0);
    if usize::from(highest) > named && !names.is_empty() {
        warnings.push(Warning::ClassesAdded { highest, named });
    }
    Ok((0..named.max(highest.into()))
        .map(|index| {
            let mut class = LabelClass::numbered(index + 1);
            if let Some(name) = names.get(index) {
                class.name.clone_from(name);
            }
            if let Some(&color) = colors.get(index) {
                class.color = color;
                class.probability_color = color;
            }
            if let Some(&color) = probability_colors.get(index) {
                class.probability_color = color;
            }
            class
        })
        .collect())
}

/// Reads the classifier into `project`, or says why it can't be used.
fn read_forest(folder: &Folder, version: &str, project: &mut Project, warnings: &mut Vec<Warning>) {
    let stored = match forest_store::read(folder) {
        Ok(Some(stored)) => stored,
        Ok(None) => {
            let other = forest_store::other_kind(folder).ok().flatten();
            warnings.extend(other.map(|kind| Warning::OtherClassifier { kind }));
            return;
        }
        Err(damage) => {
            let reason = format!("'{}' can't be read ({})", damage.object, damage.reason);
            return warnings.push(Warning::ClassifierDropped { reason });
        }
    };
    match check_forest(&stored, project, is_current(version)) {
        Ok(names) => {
            project.forest = Some(Arc::new(stored.forest));
            project.forest_feature_names = names;
        }
        Err(reason) => warnings.push(Warning::ClassifierDropped { reason }),
    }
}

/// Checks a stored classifier against the project; returns the names of its features.
fn check_forest(stored: &StoredForest, project: &Project, is_current: bool) -> Result<Vec<String>, String> {
    let classes = project.classes.len();
    let known = &stored.forest.classes;
    if known.len() > classes || known.iter().any(|&label| usize::from(label) > classes) {
        return Err(format!("it knows {} classes, the project has {classes}", known.len()));
    }
    let (names, count) = (&stored.feature_names, stored.forest.feature_count);
    if !names.is_empty() && names.len() != count {
        return Err(format!("it names {} features and tests {count}", names.len()));
    }
    current_names(names, project, count, is_current)
}

/// The names of a classifier's features as they are today, where `project` says enough to know them.
///
/// # Errors
/// It was trained with other features than those selected.
pub(super) fn current_names(
    names: &[String],
    project: &Project,
    count: usize,
    is_current: bool,
) -> Result<Vec<String>, String> {
    let (Some(selection), Some(shape)) =
        (&project.selection, project.lanes.first().and_then(|lane| lane.raw.canonical_shape()))
    else {
        return Ok(names.to_vec());
    };
    let [_, z, y, x, channels] = shape;
    // Every channel gives one feature at least.
    if channels > count {
        return Err(format!("it tests {count} features, the image has {channels} channels"));
    }
    // An image that is too small for its features has no names to compare with.
    let Ok(bank) = FeatureBank::new(selection, [z, y, x], channels) else { return Ok(names.to_vec()) };
    let expected = bank.channel_names();
    if expected.len() != count {
        return Err(format!("it tests {count} features, {} are selected", expected.len()));
    }
    // Older versions did not say which features are computed in 2D.
    let plain = |name: &String| if is_current { name.clone() } else { name.replace(" in 2D", "") };
    match names.iter().zip(&expected).find(|(theirs, ours)| plain(theirs) != plain(ours)) {
        Some((theirs, ours)) => Err(format!("it was trained with '{theirs}' where '{ours}' is selected")),
        None if names.is_empty() => Ok(Vec::new()),
        None => Ok(expected),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for version in ["0.6", "1.0", "1.2.2rc4", "1.3.3post3", "1.4.0b17", "1.4.2", "1.5.0a1"] {
            assert!(is_readable(version), "{version}");
        }
        for version in ["0.5", "1.6.0", "2.0", "", "1", "x.y", "1."] {
            assert!(!is_readable(version), "{version}");
        }
        for version in ["1.4.2", "1.4.0", "1.4.0b8", "1.4.0b17", "1.4.0rc6", "1.5.0"] {
            assert!(is_current(version), "{version}");
        }
        for version in ["1.4.0b7", "1.4.0a1", "1.3.3post3", "1.2.2rc4", "0.6"] {
            assert!(!is_current(version), "{version}");
        }
        for version in ["1.3.3post2", "1.3.3post3", "1.4.0a1", "1.4.0b7"] {
            assert_eq!(untagged(version), Untagged::OfTheFile, "{version}");
        }
        for version in ["1.2.0", "1.3.2", "1.3.3", "1.3.3post1", "1.4.0b8", "1.4.2", "0.6"] {
            assert_eq!(untagged(version), Untagged::Internal, "{version}");
        }
    }
}
