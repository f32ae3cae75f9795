//! Properties of one image, or of several at once: name, axes, display, storage.

use crate::app::edits::location_text;
use crate::app::event::NewLane;
use crate::app::form::{Dialog, Field, Form, Verdict};
use crate::app::inspect::summary;
use crate::app::jobs::Work;
use crate::app::lanes::Reopen;
use crate::app::state::App;
use crate::data::AxisOrder;
use crate::project::{DatasetInfo, DatasetLocation, LARGEST_COPY};

/// ilastik's display modes: its word, and what the dialog calls it.
const DISPLAY: [(&str, &str); 6] = [
    ("default", "default"),
    ("grayscale", "grayscale"),
    ("rgba", "RGBA"),
    ("random-colortable", "random colortable"),
    ("alpha-modulated", "alpha modulated"),
    ("binary-mask", "binary mask"),
];
const STORAGE: [&str; 3] = ["relative", "absolute", "copied"];
const NORMALIZE: [(&str, Option<bool>); 3] = [("default", None), ("on", Some(true)), ("off", Some(false))];
/// What stays as it is, where several images differ.
const KEEP: &str = "(as it is)";

const EXPLANATION: &str = "Properties of the selected images.\n\
    Axes: what the dimensions of the file mean, outermost first: a permutation of some of t, z, y, x, c with x and y. \
    An image with labels keeps its shape.\n\
    Dataset: which dataset of an HDF5 or NPZ file the image is, where it holds several.\n\
    Display: grayscale shows one channel, RGBA all in colour; a random colortable gives each value a colour \
    (images of labels), alpha modulated tints one channel, binary mask shows what is not zero. It changes nothing \
    that is computed.\n\
    Normalize: on shows the range given as black to white, off and default what the image holds.\n\
    Location: relative to the project file, so that both can be moved together, absolute, or copied into the \
    project file when it is saved; its mask alike.\n\
    With several images selected, what differs stays as it is until it is changed.";

struct Properties {
    lanes: Vec<usize>,
    /// The file of each image and the dataset inside it, where all have such.
    datasets: Vec<(String, String)>,
    /// Whether it was asked what is in the files.
    asked: bool,
}

/// The file and the dataset inside it that a location names; `None` for other files and for stacks.
fn split_dataset(location: &str) -> Option<(String, String)> {
    let end = [".h5/", ".hdf5/", ".npz/"].iter().find_map(|end| Some(location.find(end)? + end.len()))?;
    let (file, name) = (&location[..end - 1], &location[end..]);
    (!name.contains(':')).then(|| (file.to_owned(), name.to_owned()))
}

/// The value that all share.
fn shared<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Option<T> {
    let mut values = values.into_iter();
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

impl Properties {
    fn infos<'a>(&'a self, app: &'a App) -> impl Iterator<Item = &'a DatasetInfo> {
        self.lanes.iter().filter_map(|&i| app.project.lanes.get(i)).map(|lane| &lane.raw)
    }

    /// The axes as typed, checked against every image.
    fn axes(&self, form: &Form, app: &App) -> Result<Option<AxisOrder>, String> {
        let text = form.text("axes");
        if text.is_empty() && self.lanes.len() > 1 {
            return Ok(None);
        }
        let axes: AxisOrder =
            text.parse().map_err(|error: crate::data::axes::AxisError| error.to_string())?;
        // All images of the project have the same channels and dimensions.
        let others = app.project.lanes.iter().enumerate().filter(|(i, _)| !self.lanes.contains(i));
        let mut there = others.take(1).filter_map(|(_, other)| other.raw.canonical_shape()).next();
        let whose = if there.is_some() { "the other images are" } else { "another of them would be" };
        for &index in &self.lanes {
            let Some(lane) = app.project.lanes.get(index) else { continue };
            let axes = axes.clone().fitting(lane.raw.axes.len()).map_err(|error| error.to_string())?;
            let shape = axes.canonical_shape(&lane.raw.shape);
            let [t, z, y, x, _] = shape;
            if !lane.labels.is_empty() && lane.labels.shape() != [t, z, y, x] {
                let name = &lane.raw.nickname;
                return Err(format!(
                    "'{name}' has labels, which are for its shape as it is; clear them first"
                ));
            }
            let kind = |shape: [usize; 5]| {
                let channels = if shape[4] == 1 { "channel" } else { "channels" };
                format!("{} with {} {channels}", if shape[1] > 1 { "3D" } else { "2D" }, shape[4])
            };
            // Of a single image the axes of the mask are a field of their own.
            if self.lanes.len() > 1
                && axes != lane.raw.axes
                && let Some(mask) = lane.mask.as_ref().and_then(DatasetInfo::canonical_shape)
                && mask[..4] != shape[..4]
            {
                let name = &lane.raw.nickname;
                let (shape, mask) = (&shape[..4], &mask[..4]);
                return Err(format!(
                    "the mask of '{name}' is {mask:?} (tzyx), not {shape:?}; change it alone"
                ));
            }
            let there = *there.get_or_insert(shape);
            if kind(there) != kind(shape) {
                let name = &lane.raw.nickname;
                return Err(format!("'{name}' would be {}, {whose} {}", kind(shape), kind(there)));
            }
        }
        Ok(Some(axes))
    }

    /// The mask's axes as typed; `None` without a mask, or with several images.
    fn mask_axes(&self, form: &Form, app: &App) -> Result<Option<AxisOrder>, String> {
        let [index] = self.lanes[..] else { return Ok(None) };
        let Some(lane) = app.project.lanes.get(index) else { return Ok(None) };
        let Some(mask) = &lane.mask else { return Ok(None) };
        let axes: AxisOrder = form
            .text("mask_axes")
            .parse()
            .map_err(|error: crate::data::axes::AxisError| error.to_string())?;
        let axes = axes.fitting(mask.shape.len()).map_err(|error| error.to_string())?;
        let shape = axes.canonical_shape(&mask.shape);
        let image = self.axes(form, app).ok().flatten().map(|axes| axes.canonical_shape(&lane.raw.shape));
        if let Some(image) = image.or_else(|| lane.raw.canonical_shape())
            && image[..4] != shape[..4]
        {
            let [image, shape] = [&image[..4], &shape[..4]];
            return Err(format!("it would have the shape {shape:?} (tzyx), its image has {image:?}"));
        }
        Ok(Some(axes))
    }

    /// Offers the datasets that all the files hold, once they are known.
    fn offer_datasets(&mut self, form: &mut Form, app: &mut App) {
        if !self.asked {
            self.asked = true;
            self.datasets.iter().for_each(|(file, _)| app.inspect(file));
        }
        let known: Option<Vec<&Vec<String>>> = self
            .datasets
            .iter()
            .map(|(file, _)| app.inspection_of(file).map(|found| &found.datasets))
            .collect();
        let Some((first, others)) = known.as_deref().and_then(<[_]>::split_first) else { return };
        let common = first.iter().filter(|name| others.iter().all(|names| names.contains(name)));
        let mut options: Vec<String> = common.cloned().collect();
        if options.len() < 2 {
            return;
        }
        if form.chosen_text("dataset") == KEEP || shared(self.datasets.iter().map(|(_, name)| name)).is_none()
        {
            options.insert(0, KEEP.into());
        }
        form.set_options("dataset", options);
        form.show("dataset", true);
    }

    /// Where the image of a lane is when another dataset is chosen.
    fn elsewhere(&self, lane: usize, form: &Form) -> Option<String> {
        let chosen =
            form.field("dataset").filter(|field| !field.hidden).map(|_| form.chosen_text("dataset"))?;
        let (file, name) = self.datasets.get(self.lanes.iter().position(|index| *index == lane)?)?;
        (chosen != KEEP && chosen != name).then(|| format!("{file}/{chosen}"))
    }

    /// Whether an image lies in the project's file and nowhere else.
    fn is_inside(&self, app: &App) -> bool {
        let datasets = self.lanes.iter().filter_map(|&i| app.project.lanes.get(i));
        let mut datasets = datasets.flat_map(|lane| lane.mask.iter().chain([&lane.raw]));
        datasets.any(|info| matches!(info.location, DatasetLocation::Internal(_)))
    }

    /// Size of an image in MB that is too large to be copied into the project.
    fn too_large(&self, app: &App) -> Option<usize> {
        let sources = self.lanes.iter().filter_map(|&i| app.sources.get(i));
        let bytes = sources.map(|source| {
            let info = source.raw.info();
            info.shape.iter().fold(info.dtype.size(), |bytes, &n| bytes.saturating_mul(n))
        });
        bytes.max().filter(|bytes| *bytes > LARGEST_COPY).map(|bytes| bytes >> 20)
    }

    fn range(form: &Form) -> Result<Option<(f64, f64)>, String> {
        match (form.number("low"), form.number("high")) {
            (Some(low), Some(high)) if low < high => Ok(Some((low, high))),
            (Some(_), Some(_)) => Err("the lowest value must be below the highest".into()),
            (None, None) => Ok(None),
            _ => Err("both ends of the range are needed".into()),
        }
    }

    /// `info` with what the form says.
    fn changed(&self, form: &Form, info: &DatasetInfo) -> DatasetInfo {
        let mut info = info.clone();
        if self.lanes.len() == 1 {
            info.nickname = form.text("nickname").to_owned();
        }
        if let Some((word, _)) = DISPLAY.iter().find(|(_, name)| *name == form.chosen_text("display")) {
            info.display_mode = (*word).to_owned();
        }
        if let Some((_, on)) = NORMALIZE.iter().find(|(name, _)| *name == form.chosen_text("normalize")) {
            info.normalize_display = *on;
            if *on == Some(true) {
                info.data_range = Self::range(form).ok().flatten().or(info.data_range);
            }
        }
        info
    }
}

impl Dialog for Properties {
    fn check(&mut self, form: &mut Form, app: &mut App) {
        self.offer_datasets(form, app);
        let other = self.lanes.iter().any(|&lane| self.elsewhere(lane, form).is_some());
        form.enable("axes", if other { Err("those of the other dataset") } else { Ok(()) });
        let axes = if other { Ok(None) } else { self.axes(form, app) };
        form.checked("axes", axes);
        if self.lanes.len() == 1 && form.text("nickname").is_empty() {
            form.fail("nickname", "a name is needed");
        }
        let on = form.chosen_text("normalize") == "on";
        let only = if on { Ok(()) } else { Err("only when the display is normalized") };
        form.enable("low", only);
        form.enable("high", only);
        if on {
            match Self::range(form) {
                Ok(Some(_)) => {}
                Ok(None) if self.infos(app).all(|info| info.data_range.is_some()) => {}
                Ok(None) => form.fail("low", "a range is needed"),
                Err(why) => form.fail("low", why),
            }
        }
        let mask_axes = self.mask_axes(form, app);
        form.checked("mask_axes", mask_axes);
        let storage = form.chosen_text("storage").to_owned();
        if matches!(storage.as_str(), "relative" | "absolute") && self.is_inside(app) {
            form.fail("storage", "the copy in the project is all there is of it; R puts a file in its place");
        }
        if storage == "copied"
            && let Some(megabytes) = self.too_large(app)
        {
            let why =
                format!("{megabytes} MB is too much for a copy: {} MB are the most", LARGEST_COPY >> 20);
            form.fail("storage", why);
        }
        if storage == "relative" && app.project.path.is_none() && app.files.save_to.is_none() {
            form.fail("storage", "the project has no file yet; save it first");
        }
    }

    fn accept(&mut self, form: &mut Form, app: &mut App) -> Verdict {
        let what = match self.lanes[..] {
            [_] => "change properties".to_owned(),
            _ => format!("change properties of {} images", self.lanes.len()),
        };
        let other = self.lanes.iter().any(|&lane| self.elsewhere(lane, form).is_some());
        let axes = if other { None } else { self.axes(form, app).ok().flatten() };
        let mask_axes = self.mask_axes(form, app).ok().flatten();
        let storage = form.chosen_text("storage").to_owned();
        let mut changed: Vec<(usize, NewLane)> = Vec::new();
        let mut reopen = false;
        for &index in &self.lanes {
            let (Some(lane), Some(source)) = (app.project.lanes.get(index), app.sources.get(index)) else {
                continue;
            };
            let mut new = NewLane { lane: lane.clone(), source: source.clone() };
            new.lane.raw = self.changed(form, &lane.raw);
            for info in new.lane.mask.iter_mut().chain([&mut new.lane.raw]) {
                if let Some(location) = app.project.stored_as(info, &storage) {
                    info.location = location;
                }
            }
            reopen |= self.elsewhere(index, form).is_some();
            reopen |= axes.as_ref().is_some_and(|axes| *axes != lane.raw.axes);
            reopen |=
                mask_axes.as_ref().is_some_and(|axes| lane.mask.as_ref().is_some_and(|m| m.axes != *axes));
            if new.lane != *lane || reopen {
                changed.push((index, new));
            }
        }
        if !reopen {
            return match app.replace_lanes(&what, changed) {
                Ok(()) => Verdict::Close,
                Err(refused) => {
                    form.refused = Some(refused.problem.why);
                    Verdict::Stay
                }
            };
        }
        let project = app.project.path.clone();
        let requests = changed.into_iter().map(|(index, new)| Reopen {
            index,
            lane: new.lane,
            raw: self.elsewhere(index, form),
            axes: axes.clone(),
            mask: None,
            mask_axes: mask_axes.clone(),
            project: project.clone(),
        });
        let requests = requests.collect();
        app.start_job(what.clone(), Work::Reopen(what, requests));
        Verdict::Close
    }
}

impl App {
    /// Edits the properties of the images that are chosen in the Data applet.
    pub(in crate::app) fn lane_properties(&mut self) {
        let lanes = self.chosen_lanes();
        let datasets = lanes.iter().map(|&index| {
            let lane = self.project.lanes.get(index)?;
            split_dataset(&self.project.locate(&lane.raw).ok()?)
        });
        let datasets = datasets.collect::<Option<Vec<_>>>().unwrap_or_default();
        let dialog = Properties { lanes, datasets, asked: false };
        let infos: Vec<DatasetInfo> = dialog.infos(self).cloned().collect();
        let Some(first) = infos.first() else { return };
        let several = infos.len() > 1;
        // A choice with "as it is" in front, where the images differ.
        let choice = |key, label: &str, options: Vec<&str>, chosen: Option<usize>| match chosen {
            Some(chosen) => Field::choice(key, label, options, chosen),
            None => Field::choice(key, label, [KEEP].into_iter().chain(options), 0),
        };
        let display =
            shared(infos.iter().map(|info| DISPLAY.iter().position(|(word, _)| *word == info.display_mode)));
        let normalize = shared(
            infos.iter().map(|info| NORMALIZE.iter().position(|(_, on)| *on == info.normalize_display)),
        );
        let storage = shared(infos.iter().map(|info| match info.location {
            DatasetLocation::Relative(_) => 0,
            DatasetLocation::Absolute(_) | DatasetLocation::Url(_) => 1,
            DatasetLocation::Internal(_) | DatasetLocation::ToCopy { .. } => 2,
        }));
        let range = shared(infos.iter().map(|info| info.data_range)).flatten();
        let describe = |&index: &usize| {
            let info = self.sources.get(index).map(|source| summary(source.raw.info())).unwrap_or_default();
            let lane = &self.project.lanes[index].raw;
            format!("{}: {info}, {}", lane.nickname, location_text(lane))
        };
        let mut fields = Vec::new();
        if !several {
            fields.push(Field::text("nickname", "Name", first.nickname.clone()));
        }
        let axes = shared(infos.iter().map(|info| info.axes.to_string()));
        let dataset =
            shared(dialog.datasets.iter().map(|(_, name)| name.clone())).unwrap_or_else(|| KEEP.into());
        let mut dataset = Field::choice("dataset", "Dataset", [dataset], 0)
            .hint("Another dataset of the same file; its axes are what the file says");
        dataset.hidden = true;
        fields.extend([
            dataset,
            Field::text("axes", "Axes", axes.unwrap_or_default())
                .hint("Outermost first, such as zyx, yxc or tzyxc"),
            choice("display", "Display", DISPLAY.map(|(_, name)| name).to_vec(), display.flatten()),
            choice(
                "normalize",
                "Normalize display",
                NORMALIZE.map(|(name, _)| name).to_vec(),
                normalize.flatten(),
            ),
            Field::number("low", "Shown black", range.map(|(low, _)| low)).optional(),
            Field::number("high", "Shown white", range.map(|(_, high)| high)).optional(),
            choice("storage", "Location", STORAGE.to_vec(), storage)
                .hint("A copy is made when the project is saved"),
            Field::preview("preview", ""),
        ]);
        let mask = match dialog.lanes[..] {
            [index] => self.project.lanes.get(index).and_then(|lane| lane.mask.as_ref()),
            _ => None,
        };
        if let Some(mask) = mask {
            let at = fields.iter().position(|field| field.key == "axes").map_or(0, |at| at + 1);
            let hint = "The same for its prediction mask; any number of channels";
            fields.insert(at, Field::text("mask_axes", "Axes of the mask", mask.axes.to_string()).hint(hint));
        }
        let title = if several {
            format!("Properties of {} images", infos.len())
        } else {
            format!("Properties of {}", first.nickname)
        };
        let mut form = Form::new(title, EXPLANATION, fields);
        let mut about: Vec<String> = dialog.lanes.iter().map(describe).collect();
        for caution in dialog.lanes.iter().flat_map(|&index| self.cautions(index)) {
            about.push(format!("! {}", caution.what));
            about.extend([caution.why, caution.remedy].into_iter().filter(|text| !text.is_empty()));
        }
        form.set_preview("preview", about);
        self.open_form(form, dialog);
    }
}
