//! Opens the images of lanes and checks that they are what the project was labelled on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{cannot_add, images_at};
use super::jobs::{JobControl, Stop};
use crate::app::lanes::{AddImages, Reopen};
use crate::app::lost::LostImage;
use crate::app::refused::Refused;
use crate::app::{LaneDetails, NewLane, Problem};
use crate::data::{Axis, AxisOrder};
use crate::engine::LaneSource;
use crate::io::{self, ImageReader, OpenOptions, content_hash};
use crate::project::{DataRole, DatasetInfo, DatasetLocation, Lane, Project};

/// Most images that are opened at once by mistake, such as a folder of all slices of a scan.
const MOST_IMAGES: usize = 2000;

fn cannot_open(location: &str, error: &io::Error) -> Problem {
    Problem::new(format!("Can't open '{location}'"), error.to_string(), "")
}

/// How to open a dataset with the axes that the project says.
fn options(info: &DatasetInfo) -> OpenOptions {
    let axes = (!info.shape.is_empty()).then(|| info.axes.clone());
    OpenOptions { stack_along: axes.as_ref().map(stack_axis), axes, ..OpenOptions::default() }
}

/// The axis along which the files of an image with these axes were stacked: stacks along z and t begin with
/// it, stacks along c end with it.
pub(super) fn stack_axis(axes: &AxisOrder) -> Axis {
    match axes.axes().first() {
        Some(&axis @ (Axis::Z | Axis::T)) => axis,
        _ => Axis::C,
    }
}

/// Opens an image for `project` and describes it, its content noted.
pub(super) fn describe(
    project: &Project,
    location: &str,
    options: &OpenOptions,
) -> Result<(DatasetInfo, LaneSource), Problem> {
    let raw = io::open(location, options).map_err(|error| cannot_open(location, &error))?;
    let mut info = project.describe(&io::with_dataset(location), raw.info());
    info.content_hash = Some(content_hash(raw.as_ref()).map_err(|error| cannot_open(location, &error))?);
    Ok((info, LaneSource::new(raw, None)))
}

/// Opens a lane of a project; `trust` takes images whose content has changed.
pub(super) fn open_lane(
    project: &mut Project,
    lane: usize,
    trust: bool,
) -> Result<LaneSource, Box<LostImage>> {
    let raw = open_dataset(project, lane, DataRole::RawData, trust)?;
    let mask = match &project.lanes[lane].mask {
        Some(_) => Some(open_dataset(project, lane, DataRole::PredictionMask, trust)?),
        None => None,
    };
    Ok(LaneSource::new(raw, mask))
}

fn open_dataset(
    project: &mut Project,
    lane: usize,
    role: DataRole,
    trust: bool,
) -> Result<Arc<dyn ImageReader>, Box<LostImage>> {
    let entry = &project.lanes[lane];
    let info = match (role, &entry.mask) {
        (DataRole::PredictionMask, Some(mask)) => mask.clone(),
        _ => entry.raw.clone(),
    };
    let location = project.locate(&info);
    let lost = |why: String, changed: bool| {
        Box::new(LostImage {
            lane,
            role,
            info: info.clone(),
            location: location.as_ref().map_or_else(|_| String::new(), Clone::clone),
            why,
            changed,
        })
    };
    let path = location.as_ref().map_err(|error| lost(error.to_string(), false))?;
    let image = io::open(path, &options(&info)).map_err(|error| lost(error.to_string(), false))?;
    let fits = match role {
        DataRole::RawData => project.fit_lane(lane, image.info()),
        DataRole::PredictionMask => {
            let mask = DatasetInfo {
                axes: image.info().axes.clone(),
                shape: image.info().axes.pick(&image.info().shape),
                ..info.clone()
            };
            project.set_mask(lane, mask)
        }
    };
    fits.map_err(|error| lost(error.to_string(), false))?;
    let hash = content_hash(image.as_ref()).map_err(|error| lost(error.to_string(), false))?;
    if !trust && info.content_hash.as_ref().is_some_and(|noted| *noted != hash) {
        let why = "this is another image than the one that was labelled: its content differs";
        return Err(lost(why.into(), true));
    }
    let entry = &mut project.lanes[lane];
    match (role, &mut entry.mask) {
        (DataRole::PredictionMask, Some(mask)) => mask.content_hash = Some(hash),
        _ => entry.raw.content_hash = Some(hash),
    }
    Ok(image)
}

/// Images that were opened, and those that could not be.
type Opening = (Vec<NewLane>, Vec<Refused>);

/// Opens images for the project that is open.
pub(super) fn new_lanes(request: &AddImages, job: &JobControl) -> Result<Opening, Stop> {
    let mut locations = Vec::new();
    for location in &request.locations {
        match request.stack_along {
            Some(_) if !Path::new(location).is_dir() => locations.push(location.clone()),
            _ => locations.extend(images_at(location)?),
        }
    }
    if locations.len() > MOST_IMAGES && request.stack_along.is_none() {
        return Err(Stop::Failed(Problem::new(
            format!("Can't add {} images", locations.len()),
            format!("{MOST_IMAGES} separate images are the most that are added at once"),
            "Add them as a stack, or fewer of them",
        )));
    }
    let inner = |location: &String| match &request.dataset {
        Some(dataset) => format!("{location}/{}", dataset.trim_start_matches('/')),
        None => location.clone(),
    };
    let locations: Vec<String> = match request.stack_along {
        Some(_) => {
            let mut files = Vec::new();
            for location in &locations {
                files.extend(io::expand(location).map_err(|error| cannot_open(location, &error))?);
            }
            vec![files.iter().map(inner).collect::<Vec<_>>().join(":")]
        }
        None => locations.iter().map(inner).collect(),
    };
    let options = OpenOptions {
        axes: request.axes.clone(),
        stack_along: request.stack_along,
        ..OpenOptions::default()
    };
    let given = given_axes(request);
    let (mut lanes, mut refused) = (Vec::new(), Vec::new());
    for (i, location) in locations.iter().enumerate() {
        job.progress(i as f64 / locations.len() as f64)?;
        match new_lane_like(location, &options, given.as_ref()) {
            Ok(mut new) => {
                if request.copy {
                    let raw = &mut new.lane.raw;
                    raw.location =
                        Project::new().stored_as(raw, "copied").unwrap_or_else(|| raw.location.clone());
                }
                lanes.push(new);
            }
            Err(problem) => refused.push(Refused::unreadable(location, problem)),
        }
    }
    Ok((lanes, refused))
}

/// A new image, with the axes that were `given` to an image like it.
fn new_lane_like(
    location: &str,
    options: &OpenOptions,
    given: Option<&(AxisOrder, usize)>,
) -> Result<NewLane, Problem> {
    let new = new_lane(location, options)?;
    match given {
        Some((axes, channels))
            if axes.len() == new.lane.raw.axes.len()
                && axes.canonical_shape(&new.lane.raw.shape)[Axis::C as usize] == *channels =>
        {
            new_lane(location, &OpenOptions { axes: Some(axes.clone()), ..options.clone() })
        }
        _ => Ok(new),
    }
}

/// The axes that the user gave the last image of the project, and its channels; `None` where they are the file's
/// own, or where axes were given for the new images.
fn given_axes(request: &AddImages) -> Option<(AxisOrder, usize)> {
    let (location, axes, channels) = request.previous.as_ref()?;
    let options = OpenOptions { stack_along: Some(stack_axis(axes)), ..OpenOptions::default() };
    let own = io::open(location, &options).ok()?;
    let differ = own.info().axes != *axes && own.info().axes.len() == axes.len();
    (request.axes.is_none() && differ).then(|| (axes.clone(), *channels))
}

fn new_lane(location: &str, options: &OpenOptions) -> Result<NewLane, Problem> {
    let mut project = Project::new();
    let (info, source) = describe(&project, location, options)?;
    project.add_lane(info).map_err(|error| cannot_add(&error))?;
    Ok(NewLane { lane: project.lanes.remove(0), source })
}

/// Opens images anew: elsewhere, with other axes, or with another mask.
pub(super) fn reopen(requests: Vec<Reopen>, job: &JobControl) -> Result<Vec<(usize, NewLane)>, Stop> {
    let count = requests.len();
    let mut lanes = Vec::new();
    for (i, request) in requests.into_iter().enumerate() {
        job.progress(i as f64 / count as f64)?;
        lanes.push((request.index, reopen_one(request)?));
    }
    Ok(lanes)
}

fn reopen_one(request: Reopen) -> Result<NewLane, Problem> {
    let Reopen { lane, raw, axes, mask, mask_axes, project, .. } = request;
    let mut project = project_at(project);
    let problem = |error: &dyn std::fmt::Display| {
        Problem::new(format!("Can't change '{}'", lane.raw.nickname), error.to_string(), "")
    };
    let location = match &raw {
        Some(location) => location.clone(),
        None => project.locate(&lane.raw).map_err(|error| problem(&error))?,
    };
    let mut image_options = match &raw {
        Some(_) => OpenOptions::default(),
        None => options(&lane.raw),
    };
    if let Some(axes) = axes {
        image_options.stack_along = Some(stack_axis(&axes));
        image_options.axes = Some(axes);
    }
    let (described, mut source) = describe(&project, &location, &image_options)?;
    let info = DatasetInfo {
        location: if raw.is_some() { described.location } else { lane.raw.location.clone() },
        axes: described.axes,
        shape: described.shape,
        content_hash: described.content_hash,
        ..lane.raw.clone()
    };
    project.add_lane(info).map_err(|error| problem(&error))?;
    let mask = match mask {
        Some(mask) => mask,
        None => lane.mask.as_ref().map(|mask| project.locate(mask)).transpose().map_err(|e| problem(&e))?,
    };
    if let Some(mask) = mask {
        let known = lane.mask.clone().filter(|known| project.locate(known).is_ok_and(|there| there == mask));
        let mut options = known.as_ref().map_or_else(OpenOptions::default, options);
        if let Some(axes) = mask_axes {
            options.stack_along = Some(stack_axis(&axes));
            options.axes = Some(axes);
        }
        let (info, opened) = describe(&project, &mask, &options)?;
        let info = match known {
            Some(known) => DatasetInfo { axes: info.axes, shape: info.shape, ..known },
            None => info,
        };
        project.set_mask(0, info).map_err(|error| problem(&error))?;
        source = source.with_mask(opened.raw);
    }
    let mut new: Lane = project.lanes.remove(0);
    if new.labels.shape() == lane.labels.shape() {
        new.labels = lane.labels;
    }
    Ok(NewLane { lane: new, source })
}

/// An empty project with a file, from which locations are counted.
fn project_at(path: Option<PathBuf>) -> Project {
    let mut project = Project::new();
    project.path = path;
    project
}

/// Opens an image that the journal names, as the user had described it.
pub(super) fn journal_lane(
    project: &Path,
    location: &str,
    mask: Option<&str>,
    details: Option<&LaneDetails>,
) -> Result<NewLane, Problem> {
    let axes = details.and_then(|details| details.axes.parse::<AxisOrder>().ok());
    // Relative locations start from the project's folder.
    let at = |location: &str| -> String {
        let folder = project_at(Some(project.to_owned())).folder().unwrap_or_default();
        let parts = location.split(':').map(|part| folder.join(part).to_string_lossy().into_owned());
        parts.collect::<Vec<_>>().join(":")
    };
    let options = OpenOptions { stack_along: axes.as_ref().map(stack_axis), axes, ..OpenOptions::default() };
    let here = io::open(location, &options).is_ok();
    let mut new = new_lane(&if here { location.to_owned() } else { at(location) }, &options)?;
    if let Some(details) = details {
        details.apply(&mut new.lane.raw);
    }
    let inside = |name: &str, location: &DatasetLocation| -> DatasetLocation {
        let in_project = project_at(Some(project.to_owned()));
        let copy = DatasetLocation::Internal(name.to_owned());
        let there = in_project.locate(&DatasetInfo { location: copy.clone(), ..new.lane.raw.clone() });
        match location {
            DatasetLocation::Absolute(from)
                if there.is_ok_and(|there| {
                    std::path::absolute(&there).ok().as_deref() != Some(Path::new(from))
                }) =>
            {
                DatasetLocation::ToCopy { name: name.to_owned(), from: from.clone() }
            }
            _ => copy,
        }
    };
    let copied = details.and_then(|details| details.copied.as_deref());
    let location = copied.map(|name| inside(name, &new.lane.raw.location));
    let mask_axes = details.and_then(|details| details.mask_axes.as_ref()?.parse::<AxisOrder>().ok());
    if let Some(mask) = mask {
        let base = Project::new();
        let stack_along = mask_axes.as_ref().map(stack_axis);
        let options = OpenOptions { axes: mask_axes, stack_along, ..OpenOptions::default() };
        let (mut info, opened) =
            describe(&base, mask, &options).or_else(|_| describe(&base, &at(mask), &options))?;
        if let Some(name) = details.and_then(|details| details.mask_copied.as_deref()) {
            info.location = inside(name, &info.location);
        }
        new.lane.mask = Some(info);
        new.source = new.source.with_mask(opened.raw);
    }
    if let Some(location) = location {
        new.lane.raw.location = location;
    }
    Ok(new)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::super::search::search;
    use super::*;
    use crate::app::lost::ImageSearch;

    fn picture(path: &Path, seed: u8) {
        let pixels = image::GrayImage::from_fn(40, 30, |x, y| image::Luma([(x * 3 + y * 5) as u8 ^ seed]));
        pixels.save(path).unwrap();
    }

    fn add(folder: &Path, name: &str) -> Project {
        let mut project = project_at(Some(folder.join("p.ilp")));
        let location = folder.join(name).to_string_lossy().into_owned();
        let (info, _) = describe(&project, &location, &OpenOptions::default()).unwrap();
        project.add_lane(info).unwrap();
        project.lanes[0].labels.paint([([0, 0, 3, 4], 1)]);
        project
    }

    #[test]
    fn a_swapped_image_of_the_same_name_and_shape_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        picture(&path, 0);
        let project = add(folder.path(), "a.png");
        assert!(open_lane(&mut project.clone(), 0, false).is_ok());
        picture(&path, 1);
        let lost = open_lane(&mut project.clone(), 0, false).err().unwrap();
        assert!(lost.changed && lost.why.contains("another image"), "{}", lost.why);
        let mut trusted = project.clone();
        assert!(open_lane(&mut trusted, 0, true).is_ok());
        assert_ne!(trusted.lanes[0].raw.content_hash, project.lanes[0].raw.content_hash);
    }

    #[test]
    fn a_moved_image_is_found_and_its_twin_is_not() {
        let folder = tempfile::tempdir().unwrap();
        picture(&folder.path().join("a.png"), 0);
        let mut project = add(folder.path(), "a.png");
        for sub in ["twin", "moved/deep"] {
            fs::create_dir_all(folder.path().join(sub)).unwrap();
        }
        picture(&folder.path().join("twin/a.png"), 9);
        let there = folder.path().join("moved/deep/a.png");
        fs::rename(folder.path().join("a.png"), &there).unwrap();
        let lost = open_lane(&mut project, 0, false).err().unwrap();
        assert!(!lost.changed);
        let request = ImageSearch { folder: folder.path().to_string_lossy().into_owned(), lost: vec![*lost] };
        let found = search(&request, &JobControl::unwatched()).ok().unwrap();
        assert_eq!(found, [(0, there.to_string_lossy().into_owned())]);
        project.move_dataset(0, DataRole::RawData, &found[0].1);
        assert!(open_lane(&mut project, 0, false).is_ok());
        assert_eq!(project.lanes[0].labels.get([0, 0, 3, 4]), 1);
    }

    #[test]
    fn images_are_stacked_masked_and_given_other_axes() {
        let folder = tempfile::tempdir().unwrap();
        for i in 0..3 {
            picture(&folder.path().join(format!("s{i}.png")), i);
        }
        let pattern = folder.path().join("s*.png").to_string_lossy().into_owned();
        let request = AddImages { stack_along: Some(Axis::T), ..AddImages::of(pattern) };
        let (lanes, _) = new_lanes(&request, &JobControl::unwatched()).ok().unwrap();
        let raw = &lanes[0].lane.raw;
        assert_eq!(
            (lanes.len(), raw.axes.to_string(), &raw.shape[..]),
            (1, "tyxc".into(), &[3, 30, 40, 1][..])
        );
        // The stack is opened again as it was.
        let mut project = Project::new();
        project.lanes.push(lanes[0].lane.clone());
        assert_eq!(open_lane(&mut project, 0, false).ok().unwrap().raw.info().shape, [3, 1, 30, 40, 1]);
        let change = |axes: Option<&str>, mask: Option<&str>| Reopen {
            index: 0,
            lane: lanes[0].lane.clone(),
            raw: None,
            axes: axes.map(|axes| axes.parse().unwrap()),
            mask: mask.map(|name| Some(folder.path().join(name).to_string_lossy().into_owned())),
            mask_axes: None,
            project: None,
        };
        let deep = reopen_one(change(Some("zyxc"), None)).ok().unwrap();
        assert_eq!(deep.source.raw.info().shape, [1, 3, 30, 40, 1]);
        let problem = reopen_one(change(None, Some("s0.png"))).err().unwrap();
        assert!(problem.why.contains("mask"), "a mask of another size is refused: {}", problem.why);
        let single = AddImages::of(folder.path().join("s0.png").to_string_lossy().into_owned());
        let single = new_lanes(&single, &JobControl::unwatched()).ok().unwrap().0.remove(0);
        let masked = reopen_one(Reopen { lane: single.lane, ..change(None, Some("s1.png")) }).ok().unwrap();
        assert!(masked.lane.mask.is_some() && masked.source.mask.is_some());
    }

    fn array(path: &Path, shape: &[usize]) -> String {
        let mut out = fs::File::create(path).unwrap();
        use npyz::WriterBuilder;
        let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
        let mut writer =
            npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut out).begin_nd().unwrap();
        writer.extend((0..shape.iter().product()).map(|i: u64| i as u8)).unwrap();
        writer.finish().unwrap();
        path.to_string_lossy().into_owned()
    }

    /// The axes that an image gets which is added after one of `previous` axes.
    fn axes_after(previous: (&str, &str, usize), location: &str) -> String {
        let (there, axes, channels) = previous;
        let request = AddImages {
            previous: Some((there.to_owned(), axes.parse().unwrap(), channels)),
            ..AddImages::of(location.to_owned())
        };
        let (lanes, refused) = new_lanes(&request, &JobControl::unwatched()).ok().unwrap();
        assert!(refused.is_empty());
        lanes[0].lane.raw.axes.to_string()
    }

    #[test]
    fn axes_that_were_given_to_an_image_are_those_of_the_next_like_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (a, b) = (array(&at("a.npy"), &[9, 8, 7]), array(&at("b.npy"), &[6, 8, 7]));
        let flat = array(&at("flat.npy"), &[8, 7]);
        assert_eq!(axes_after((&a, "tyx", 1), &b), "tyx");
        assert_eq!(axes_after((&a, "zyx", 1), &b), "zyx", "the file's own");
        assert_eq!(axes_after((&a, "tyx", 1), &flat), "yx", "other dimensions");
        // As channels they would be another number than the last image's.
        assert_eq!(axes_after((&a, "cyx", 9), &b), "zyx");
        let same = array(&at("same.npy"), &[9, 5, 5]);
        assert_eq!(axes_after((&a, "cyx", 9), &same), "cyx");
        // A stack is along an axis that was chosen, which says nothing of other files.
        for i in 0..3 {
            picture(&at(&format!("s{i}.png")), i);
        }
        let stack = at("s*.png").to_string_lossy().into_owned();
        let deep = array(&at("deep.npy"), &[3, 30, 40, 1]);
        assert_eq!(axes_after((&stack, "tyxc", 1), &deep), "zyxc");
    }

    #[test]
    fn one_that_can_not_be_read_does_not_keep_the_others_out() {
        let folder = tempfile::tempdir().unwrap();
        picture(&folder.path().join("a.png"), 1);
        fs::write(folder.path().join("b.png"), "no picture").unwrap();
        picture(&folder.path().join("c.png"), 2);
        let request = AddImages::of(folder.path().to_string_lossy().into_owned());
        let (lanes, refused) = new_lanes(&request, &JobControl::unwatched()).ok().unwrap();
        let names: Vec<&str> = lanes.iter().map(|lane| lane.lane.raw.nickname.as_str()).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(refused.len(), 1);
        assert!(refused[0].location.ends_with("b.png"), "{refused:?}");
    }

    #[test]
    fn an_image_without_pixel_sizes_has_those_of_its_mask_as_long_as_that_is_there() {
        use crate::io::{ImageSpec, PixelSize, create};
        let folder = tempfile::tempdir().unwrap();
        picture(&folder.path().join("a.png"), 0);
        let mask = folder.path().join("mask.h5");
        let mut spec = ImageSpec::new("yx".parse().unwrap(), [1, 1, 30, 40, 1], crate::data::DType::U8);
        spec.pixel_size[3] = Some(PixelSize { size: 0.25, unit: "µm".into() });
        let mut writer = create("hdf5", &mask, &spec).unwrap();
        writer.write([0; 5], &crate::data::Volume::zeros(spec.dtype, spec.shape)).unwrap();
        writer.finish().unwrap();
        let mut project = add(folder.path(), "a.png");
        let reopened = |lane: &Lane, mask: Option<String>| {
            let (lane, project) = (lane.clone(), Some(folder.path().join("p.ilp")));
            let mask = Some(mask);
            reopen_one(Reopen { index: 0, lane, raw: None, axes: None, mask, mask_axes: None, project })
                .unwrap()
        };
        let x = |source: &LaneSource| source.raw.info().pixel_size[3].as_ref().map(|size| size.size);
        let masked = reopened(&project.lanes[0], Some(mask.to_string_lossy().into_owned()));
        assert_eq!(x(&masked.source), Some(0.25));
        project.lanes[0] = masked.lane;
        assert_eq!(x(&open_lane(&mut project, 0, false).ok().unwrap()), Some(0.25), "opened again");
        assert_eq!(x(&reopened(&project.lanes[0], None).source), None);
    }

    #[test]
    fn pixel_sizes_are_kept_over_saving_and_opening_again() {
        use crate::data::DType;
        use crate::io::{ImageSpec, PixelSize, create};
        let folder = tempfile::tempdir().unwrap();
        let size = |size: f64| Some(PixelSize { size, unit: "µm".into() });
        let sizes = [None, size(2.0), size(0.5), size(0.25), None];
        for (name, format) in [("a.tif", "multipage tiff"), ("a.h5", "hdf5")] {
            let path = folder.path().join(name);
            let shape = [1, 3, 8, 9, 1];
            let spec = ImageSpec {
                pixel_size: sizes.clone(),
                ..ImageSpec::new("zyx".parse().unwrap(), shape, DType::U8)
            };
            let mut writer = create(format, &path, &spec).unwrap();
            let image: crate::data::Volume =
                ndarray::Array5::from_shape_fn(shape, |(_, z, y, x, _)| (z * 100 + y * 9 + x) as u8).into();
            writer.write([0; 5], &image).unwrap();
            writer.finish().unwrap();
            for stored in ["relative", "absolute", "copied"] {
                let mut project = add(folder.path(), name);
                project.lanes[0].labels = crate::data::LabelVolume::new([1, 3, 8, 9]);
                let location = project.stored_as(&project.lanes[0].raw, stored);
                if let Some(location) = location {
                    project.lanes[0].raw.location = location;
                }
                let saved = folder.path().join(format!("{stored}-{name}.ilp"));
                if stored == "copied" {
                    let DatasetLocation::ToCopy { name, .. } = &project.lanes[0].raw.location else {
                        unreachable!("it is to be copied")
                    };
                    let image = io::open(&path.to_string_lossy(), &OpenOptions::default()).unwrap();
                    project.copies = [(name.clone(), crate::project::ImageCopy(image))].into();
                }
                project.save(&saved).unwrap();
                let mut project = Project::load(&saved).unwrap();
                let opened = open_lane(&mut project, 0, false).ok().unwrap();
                assert_eq!(opened.raw.info().pixel_size, sizes, "{name} {stored}");
            }
            // Other axes are other pixels: ilastik leaves the sizes out too.
            let other = OpenOptions { axes: Some("tyx".parse().unwrap()), ..OpenOptions::default() };
            let other = io::open(&path.to_string_lossy(), &other).unwrap();
            assert_eq!(other.info().pixel_size, <[Option<PixelSize>; 5]>::default());
        }
    }
}
