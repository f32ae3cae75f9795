//! Writing a project file.
//!
//! A file that is loaded and saved keeps everything that brushwood does not use: the old file is copied
//! without what is to be written anew, then that is added. What has not changed is not written at all.

use std::collections::BTreeSet;
use std::fs::File as DiskFile;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::copies::NewCopy;
use super::error::{Error, WORKFLOW};
use super::lane_store::LOCAL_DATA;
use super::model::{DataRole, DatasetInfo, DatasetLocation, Lane, Project};
use super::origin::{Origin, Stamp, State};
use super::plan::{Plan, PlanError, links_of, moved_links, with_moved_groups};
use super::value::Value;
use super::{axistags, export_store, forest_store, label_store, lane_store, own_store};
use crate::data::LabelClass;
use crate::data::classes::Rgb;
use crate::data::task::Cancelled;
use crate::features::FeatureSelection;
use crate::features::selection::FILTER_IDS;
use crate::io::{Error as FileError, atomic::PendingFile, unfinished::remove_abandoned};

/// The version of ilastik whose layout is written.
const LAYOUT_VERSION: &str = "1.4.2";
/// Number of forests that the trees are split into, and that ilastik trains with in parallel.
const FOREST_COUNT: usize = 4;
/// Python's empty list.
const EMPTY_LIST_PICKLE: &[u8] = b"(lp0\n.";

/// Whether a file that another program changed may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replace {
    IfUnchanged,
    Always,
}

impl Project {
    /// Writes the project to `path`, whole or not at all; what the file it was loaded from holds
    /// besides is kept. Relative locations are recomputed when the folder changes. Afterwards the
    /// project belongs to `path`.
    ///
    /// # Errors
    /// The file can't be written, another program has changed it since it was loaded, or the old file
    /// holds something that can't be carried over.
    pub fn save(&mut self, path: &Path) -> Result<(), Error> {
        self.save_with(path, Replace::IfUnchanged, &mut |_| Ok(()))
    }

    /// As [`Project::save`]; `watch` is told the share of the images that are copied into the file, from 0 to
    /// 1, and may stop it.
    ///
    /// # Errors
    /// As [`Project::save`], and [`Error::Cancelled`].
    pub fn save_watched(
        &mut self,
        path: &Path,
        watch: &mut dyn FnMut(f64) -> Result<(), Cancelled>,
    ) -> Result<(), Error> {
        self.save_with(path, Replace::IfUnchanged, watch)
    }

    /// As [`Project::save`], also over a file that another program has changed since it was loaded.
    ///
    /// # Errors
    /// As [`Project::save`].
    pub fn save_replacing(&mut self, path: &Path) -> Result<(), Error> {
        self.save_with(path, Replace::Always, &mut |_| Ok(()))
    }

    /// Whether another program has changed the project's file since it was loaded or saved.
    pub fn is_changed_on_disk(&self) -> bool {
        self.origin.as_ref().is_some_and(|origin| !origin.is_unchanged())
    }

    fn save_with(
        &mut self,
        path: &Path,
        replace: Replace,
        watch: &mut dyn FnMut(f64) -> Result<(), Cancelled>,
    ) -> Result<(), Error> {
        if path.is_dir() {
            return Err(Error::IsFolder { path: path.to_owned() });
        }
        if let Some(origin) = &self.origin
            && replace == Replace::IfUnchanged
            && origin.is_at(path)
            && !origin.is_unchanged()
        {
            return Err(Error::ChangedOnDisk { path: path.to_owned() });
        }
        let lanes = self.relocated(path);
        let before = self.origin.clone();
        if let Some(origin) = before.as_ref().filter(|origin| !origin.is_intact()) {
            // Written to in place, as ilastik does: what to carry over is what the file holds now.
            self.origin = Project::load(&origin.path)?.origin;
        }
        if let Err(error) = self.write_to(path, &lanes, watch) {
            self.origin = before;
            return Err(error);
        }
        self.lanes = lanes;
        self.path = Some(path.to_owned());
        self.origin = None;
        let open = |source| Error::Open { path: path.to_owned(), source };
        let file = DiskFile::open(path).map_err(open)?;
        let stamp = Stamp::of(&file.metadata().map_err(open)?);
        self.origin = Some(Origin {
            path: path.to_owned(),
            file: Arc::new(file),
            stamp,
            state: Arc::new(State::of(self)),
        });
        Ok(())
    }

    fn write_to(
        &self,
        path: &Path,
        lanes: &[Lane],
        watch: &mut dyn FnMut(f64) -> Result<(), Cancelled>,
    ) -> Result<(), Error> {
        let pending = PendingFile::create(path).map_err(|error| file_error(path, error))?;
        remove_abandoned(pending.temporary_path().parent().unwrap_or(Path::new(".")));
        let mut watch = |done| watch(done).map_err(|Cancelled| PlanError::Cancelled);
        self.write(pending.temporary_path(), lanes, &mut watch).map_err(|error| match error {
            PlanError::Io(source) => Error::Write { path: path.to_owned(), source },
            PlanError::Keep(reason) => Error::CannotKeep {
                path: path.to_owned(),
                origin: self.origin.as_ref().map_or_else(PathBuf::new, |origin| origin.path.clone()),
                reason,
            },
            PlanError::Encode(reason) => Error::Encode { path: path.to_owned(), reason },
            PlanError::Copy { name, reason } => Error::CannotCopy { path: path.to_owned(), name, reason },
            PlanError::Cancelled => Error::Cancelled { path: path.to_owned() },
        })?;
        pending.commit().map_err(|error| file_error(path, error))
    }

    fn write(
        &self,
        temporary: &Path,
        lanes: &[Lane],
        watch: &mut dyn FnMut(f64) -> Result<(), PlanError>,
    ) -> Result<(), PlanError> {
        let mut source = self.origin.as_ref().map(|origin| Arc::clone(&origin.file));
        let moves = self.moved_groups(lanes);
        let folder = temporary.parent().unwrap_or(Path::new("."));
        let mut links = Vec::new();
        if let Some(file) = source.take() {
            links = moved_links(links_of(&file, folder)?, &moves);
            source = Some(if moves.is_empty() { file } else { with_moved_groups(&file, folder, &moves)? });
        }
        let mut plan = Plan::new(source, links)?;
        // An older layout is written anew altogether, as ilastik does.
        let old = self.origin.as_ref().map(|origin| &*origin.state).filter(|state| state.is_current);
        plan.put("time", Value::Text(timestamp()));
        plan.put_missing("workflowName", Value::text(WORKFLOW));
        match old {
            Some(_) => plan.put_missing("ilastikVersion", Value::text(LAYOUT_VERSION)),
            None => plan.put("ilastikVersion", Value::text(LAYOUT_VERSION)),
        }
        self.put_lanes(&mut plan, lanes);
        self.put_copies(&mut plan, lanes)?;
        self.put_selection(&mut plan, old);
        self.put_classes(&mut plan, old);
        put_labels(&mut plan, lanes, old);
        self.put_forest(&mut plan, old, lanes);
        self.put_export(&mut plan);
        self.put_own(&mut plan, lanes);
        plan.write(temporary, watch)
    }

    /// What the file knew of a dataset, and the group that describes it there.
    fn stored_dataset(&self, info: &DatasetInfo, role: DataRole) -> Option<(String, &DatasetInfo)> {
        let lanes = &self.origin.as_ref()?.state.lanes;
        let mut stored = lanes.iter().filter_map(|(at, lane)| Some((*at, dataset(lane, role)?)));
        let (at, old) = stored.find(|(_, old)| !info.id.is_empty() && old.id == info.id)?;
        Some((info_group(at, role), old))
    }

    /// The groups of datasets whose lane has another number than in the file: from, to.
    fn moved_groups(&self, lanes: &[Lane]) -> Vec<(String, String)> {
        let all = lanes.iter().enumerate().flat_map(|lane| DataRole::ALL.map(|role| (lane, role)));
        all.filter_map(|((index, lane), role)| {
            let (from, _) = self.stored_dataset(dataset(lane, role)?, role)?;
            let to = info_group(index, role);
            (from != to).then_some((from, to))
        })
        .collect()
    }

    fn put_lanes(&self, plan: &mut Plan, lanes: &[Lane]) {
        plan.put_missing("Input Data/StorageVersion", Value::text("0.2"));
        let roles = DataRole::ALL.map(|role| role.name().to_owned()).to_vec();
        plan.put_missing("Input Data/Role Names", Value::Texts(roles));
        plan.group(LOCAL_DATA);
        plan.group("Input Data/infos");
        let is_current = self.origin.as_ref().is_some_and(|origin| origin.state.is_current);
        let mut unused: BTreeSet<String> = plan.groups_in("Input Data/infos").into_iter().collect();
        for (index, lane) in lanes.iter().enumerate() {
            let name = format!("lane{index:04}");
            let target = format!("Input Data/infos/{name}");
            unused.remove(&name);
            plan.group(&target);
            for role in DataRole::ALL {
                let path = info_group(index, role);
                let Some(info) = dataset(lane, role) else {
                    plan.empty_group(&path);
                    continue;
                };
                match self.stored_dataset(info, role) {
                    Some((_, old)) => put_info(plan, &path, info, is_current.then_some(old)),
                    None => {
                        plan.empty_group(&path);
                        put_info(plan, &path, info, None);
                        for (field, value) in lane_store::constants() {
                            plan.put(&format!("{path}/{field}"), value);
                        }
                    }
                }
            }
        }
        for name in unused {
            plan.remove(&format!("Input Data/infos/{name}"));
        }
    }

    /// Copies images that are to lie in the file and do not yet; leaves out those that no image needs any more.
    fn put_copies(&self, plan: &mut Plan, lanes: &[Lane]) -> Result<(), PlanError> {
        let before = self.origin.as_ref().map(|origin| &*origin.state);
        let mut needed = BTreeSet::new();
        for info in lanes.iter().flat_map(|lane| lane.mask.iter().chain([&lane.raw])) {
            let DatasetLocation::Internal(name) = &info.location else { continue };
            let path = format!("{LOCAL_DATA}/{name}");
            // An image may be the mask of another.
            if !needed.insert(name.clone()) || plan.has_dataset(&path) {
                continue;
            }
            match self.copies.get(name) {
                Some(image) => plan.copy_image(NewCopy {
                    nickname: info.nickname.clone(),
                    path,
                    axes: info.axes.clone(),
                    image: image.clone(),
                }),
                // What was missing already stays so.
                None if before.is_some_and(|before| before.has_copy(name)) => {}
                None => {
                    let reason = "it is not open".to_owned();
                    return Err(PlanError::Copy { name: info.nickname.clone(), reason });
                }
            }
        }
        let old = before.into_iter().flat_map(|before| &before.lanes);
        for info in old.flat_map(|(_, lane)| lane.mask.iter().chain([&lane.raw])) {
            if let DatasetLocation::Internal(name) = &info.location
                && !needed.contains(name)
            {
                plan.remove(&format!("{LOCAL_DATA}/{name}"));
            }
        }
        Ok(())
    }

    fn put_selection(&self, plan: &mut Plan, old: Option<&State>) {
        plan.put_missing("FeatureSelections/StorageVersion", Value::text("0.1"));
        if old.is_some_and(|old| old.selection == self.selection) {
            return;
        }
        let fields = ["Scales", "FeatureIds", "SelectionMatrix", "ComputeIn2d"];
        match &self.selection {
            Some(selection) => {
                for (field, value) in fields.into_iter().zip(selection_values(selection)) {
                    plan.put(&format!("FeatureSelections/{field}"), value);
                }
            }
            None => fields.iter().for_each(|field| plan.remove(&format!("FeatureSelections/{field}"))),
        }
    }

    fn put_classes(&self, plan: &mut Plan, old: Option<&State>) {
        plan.put_missing("PixelClassification/StorageVersion", Value::text("0.1"));
        plan.put_missing("PixelClassification/Bookmarks/0000", Value::Opaque(EMPTY_LIST_PICKLE.to_vec()));
        plan.attribute_if_new("PixelClassification/Bookmarks/0000", "version", 1);
        if old.is_some_and(|old| old.classes == self.classes) {
            return;
        }
        let is_empty = self.classes.is_empty();
        let names = match is_empty {
            // ilastik stores a list without entries as one dummy entry and an attribute.
            true => Value::Floats(vec![0.0]),
            false => Value::Texts(self.classes.iter().map(|class| class.name.clone()).collect()),
        };
        let colors = |color: fn(&LabelClass) -> Rgb| match is_empty {
            true => Value::Floats(vec![0.0]),
            false => Value::Int64s(
                vec![self.classes.len(), 3],
                self.classes.iter().flat_map(color).map(i64::from).collect(),
            ),
        };
        let lists = [
            ("LabelNames", names),
            ("LabelColors", colors(|class| class.color)),
            ("PmapColors", colors(|class| class.probability_color)),
        ];
        for (name, value) in lists {
            let path = format!("PixelClassification/{name}");
            plan.put(&path, value);
            plan.attribute_if_new(&path, "isEmpty", is_empty.into());
        }
    }

    fn put_forest(&self, plan: &mut Plan, old: Option<&State>, lanes: &[Lane]) {
        const FORESTS: &str = "PixelClassification/ClassifierForests";
        const FACTORY: &str = "PixelClassification/ClassifierFactory";
        let factory = || Value::Text(forest_store::factory_pickle(FOREST_COUNT, self.trees));
        if old.is_some_and(|old| old.trees != self.trees) {
            plan.put(FACTORY, factory());
        } else {
            plan.put_missing(FACTORY, factory());
        }
        let is_same_training = old.is_some_and(|old| {
            old.classes == self.classes
                && old.selection == self.selection
                && old.lanes.len() == lanes.len()
                && old.lanes.iter().zip(lanes).all(|((_, old), new)| old.labels == new.labels)
        });
        let is_same_forest = match (&self.forest, old.and_then(|old| old.forest.as_ref())) {
            (Some(new), Some(old)) => Arc::ptr_eq(new, old) || new == old,
            // A classifier of a kind that brushwood does not read stays valid while nothing changes.
            (None, None) => is_same_training,
            _ => false,
        };
        if is_same_forest {
            return;
        }
        plan.remove(FORESTS);
        if let Some(forest) = &self.forest {
            plan.put(FACTORY, factory());
            forest_store::put(plan, FORESTS, forest, &self.forest_feature_names, FOREST_COUNT);
        }
    }

    fn put_export(&self, plan: &mut Plan) {
        plan.put_missing("Prediction Export/StorageVersion", Value::text("0.1"));
        let stored = self.origin.as_ref().map(|origin| export_store::fields(&origin.state.export));
        for (i, (name, value)) in export_store::fields(&self.export).into_iter().enumerate() {
            let path = format!("Prediction Export/{name}");
            let is_as_stored = stored.as_ref().is_some_and(|stored| stored[i].1 == value);
            match value {
                Some(value) if is_as_stored => plan.put_missing(&path, value),
                Some(value) => plan.put(&path, value),
                // What could not be read is kept as long as nothing else takes its place.
                None if is_as_stored => {}
                None => plan.remove(&path),
            }
        }
    }

    fn put_own(&self, plan: &mut Plan, lanes: &[Lane]) {
        for (name, value) in own_store::fields(self, lanes) {
            let path = format!("{}/{name}", own_store::GROUP);
            match value {
                Some(value) => plan.put(&path, value),
                None => plan.remove(&path),
            }
        }
    }
}

/// What it means for the project file `path` that a file can't be created, synchronised or renamed.
fn file_error(path: &Path, error: FileError) -> Error {
    let path = path.to_owned();
    match error {
        FileError::Io { error: source, .. } => Error::Write { path, source },
        FileError::IsFolder { .. } => Error::IsFolder { path },
        FileError::NotFound { path: folder, .. } => Error::NoFolder { path, folder },
        other => Error::Write { path, source: std::io::Error::other(other) },
    }
}

/// The group that describes a dataset.
fn info_group(lane: usize, role: DataRole) -> String {
    format!("Input Data/infos/lane{lane:04}/{}", role.name())
}

fn dataset(lane: &Lane, role: DataRole) -> Option<&DatasetInfo> {
    match role {
        DataRole::RawData => Some(&lane.raw),
        DataRole::PredictionMask => lane.mask.as_ref(),
    }
}

/// Writes the fields of `info` that differ from `old`, which the group at `path` describes.
fn put_info(plan: &mut Plan, path: &str, info: &DatasetInfo, old: Option<&DatasetInfo>) {
    let before = old.map(lane_store::fields).unwrap_or_default();
    let after = lane_store::fields(info);
    for (field, value) in &after {
        if !before.iter().any(|old| old == &(*field, value.clone())) {
            plan.put(&format!("{path}/{field}"), value.clone());
        }
    }
    for (field, _) in before {
        if !after.iter().any(|(kept, _)| *kept == field) {
            plan.remove(&format!("{path}/{field}"));
        }
    }
}

fn put_labels(plan: &mut Plan, lanes: &[Lane], old: Option<&State>) {
    const SETS: &str = "PixelClassification/LabelSets";
    plan.group(SETS);
    let mut unused: BTreeSet<String> = plan.groups_in(SETS).into_iter().collect();
    for (index, lane) in lanes.iter().enumerate() {
        let name = format!("labels{index:03}");
        let path = format!("{SETS}/{name}");
        let stored = old.and_then(|old| old.lanes.iter().find(|(at, _)| *at == index));
        let is_same = unused.remove(&name)
            && stored.is_some_and(|(_, old)| {
                old.labels == lane.labels && old.raw.id == lane.raw.id && old.raw.axes == lane.raw.axes
            });
        if is_same {
            continue;
        }
        plan.empty_group(&path);
        let axes = label_store::block_axes(&lane.raw.axes);
        let tags = axistags::format(&axes);
        for (number, block) in label_store::blocks(&lane.labels, &axes).into_iter().enumerate() {
            let path = format!("{path}/block{number:04}");
            plan.put(&path, Value::Bytes(block.shape, block.values));
            plan.text_attribute(&path, "blockSlice", &block.slice);
            plan.text_attribute(&path, "axistags", &tags);
        }
    }
    for name in unused {
        plan.remove(&format!("{SETS}/{name}"));
    }
}

/// `Scales`, `FeatureIds`, `SelectionMatrix` and `ComputeIn2d`.
fn selection_values(selection: &FeatureSelection) -> [Value; 4] {
    let matrix: Vec<bool> = selection.selected.iter().flatten().copied().collect();
    [
        Value::Floats(selection.scales.clone()),
        Value::Texts(FILTER_IDS.iter().map(|&id| id.to_owned()).collect()),
        Value::Flags(vec![FILTER_IDS.len(), selection.scales.len()], matrix),
        Value::Flags(vec![selection.scales.len()], selection.compute_in_2d.clone()),
    ]
}

/// The time in the form in which ilastik notes it, in UTC.
fn timestamp() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    ctime(seconds)
}

/// C's `ctime` without the line feed, in UTC.
fn ctime(seconds: u64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    let is_leap =
        |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let (mut year, mut day) = (1970, days);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {year}",
        DAYS[(days % 7) as usize],
        MONTHS[month],
        day + 1,
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(ctime(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(ctime(951_782_400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(ctime(1_795_354_000), "Sun Nov 22 13:26:40 2026");
        assert_eq!(ctime(1_798_761_599), "Thu Dec 31 23:59:59 2026");
    }
}
