//! Texts made from the table and a keymap: help, hints, which-key boxes, `keymap list` and `keymap check`.

use std::collections::BTreeMap;

use super::keymap::{Action, Keymap, Mistake};
use super::keys::{Chord, print_sequence};
use super::table::{Command, Mode, Row, TABLE};

/// A line of help: a command as one may type it, and the keys that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelpLine {
    /// The part of the program it belongs to.
    pub area: &'static str,
    /// Keys, the plainest first, each with the argument that it gives, if any.
    pub keys: Vec<(String, Option<String>)>,
    /// Name and argument.
    pub usage: String,
    /// Name alone.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
}

impl HelpLine {
    /// The keys on one line; keys that give different arguments are told apart by these.
    pub fn keys_text(&self) -> String {
        let with_arguments = self.keys.iter().any(|(_, argument)| argument != &self.keys[0].1);
        let texts: Vec<String> = self
            .keys
            .iter()
            .map(|(keys, argument)| match argument {
                Some(argument) if with_arguments => format!("{keys} ({argument})"),
                _ => keys.clone(),
            })
            .collect();
        texts.join(", ")
    }

    /// Whether every word of `filter` occurs in its name, keys or text, in any case.
    pub fn matches(&self, filter: &str) -> bool {
        let text = format!("{} {} {}", self.usage, self.keys_text(), self.doc).to_lowercase();
        filter.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

/// All commands with their keys, in the table's order.
pub fn help_lines(keymap: &Keymap) -> Vec<HelpLine> {
    // By command: whether the mouse is needed, whether some terminals can't send it, keys, argument.
    type Keys = Vec<(bool, bool, String, Option<String>)>;
    let mut keys: BTreeMap<&str, Keys> = BTreeMap::new();
    for binding in keymap.bindings() {
        let name = binding.action.row().name;
        let text = binding.action.to_string();
        let argument = text.strip_prefix(name).map(str::trim).filter(|argument| !argument.is_empty());
        let plain = binding.chords.iter().all(Chord::is_plain);
        let mouse = binding.chords.iter().any(Chord::is_mouse);
        let key = (mouse, !plain, print_sequence(binding.chords), argument.map(str::to_owned));
        keys.entry(name).or_default().push(key);
    }
    let line = |row: &'static Row| {
        let mut found = keys.remove(row.name).unwrap_or_default();
        found.sort();
        found.dedup();
        let keys = found.into_iter().map(|(_, _, keys, argument)| (keys, argument)).collect();
        HelpLine { area: row.area(), keys, usage: row.usage(), name: row.name, doc: row.doc }
    };
    TABLE.iter().map(line).collect()
}

/// The same for the panel that takes keys in `mode`: what belongs to it comes first.
pub fn help_for(keymap: &Keymap, mode: Mode) -> Vec<HelpLine> {
    let first: &[&str] = match mode {
        Mode::Export => &["export", "run"],
        Mode::Batch => &["batch", "run", "export"],
        Mode::Data => &["lane", "data"],
        Mode::Features | Mode::FeatureList => &["feature"],
        _ => &[],
    };
    let mut lines = help_lines(keymap);
    lines.sort_by_key(|line| first.iter().position(|area| *area == line.area).unwrap_or(first.len()));
    lines
}

/// A hint of the last screen line: a few keys and what they do.
struct Hint {
    label: &'static str,
    join: &'static str,
    commands: &'static [&'static str],
}

const fn hint(label: &'static str, commands: &'static [&'static str]) -> Hint {
    Hint { label, join: "/", commands }
}

const CANVAS_HINTS: &[Hint] = &[
    hint("brush", &["tool.brush"]),
    hint("erase", &["tool.eraser"]),
    Hint { label: "label", join: "-", commands: &["label.select 1", "label.select 9"] },
    hint("live", &["live.toggle"]),
    hint("overlays", &["layer.predictions", "layer.segmentation", "layer.uncertainty"]),
    hint("contrast", &["tool.contrast"]),
    hint("dab", &["paint.dab"]),
    hint("pen", &["paint.pen"]),
    hint("undo", &["edit.undo"]),
    hint("zoom", &["view.zoom_in", "view.zoom_out"]),
    hint("fit", &["view.fit"]),
    hint("slice", &["view.slice_by -1", "view.slice_by 1"]),
];

const CONTRAST_HINTS: &[Hint] = &[
    hint("level", &["contrast.level -5", "contrast.level 5"]),
    hint("width", &["contrast.width -10", "contrast.width 10"]),
    hint("auto", &["contrast.auto"]),
    hint("on screen", &["contrast.visible"]),
    hint("values", &["contrast.set"]),
    hint("percentile", &["contrast.percentile"]),
    hint("brush", &["tool.brush"]),
];

const LABELS_HINTS: &[Hint] = &[
    hint("select", &["label.by -1", "label.by 1"]),
    hint("add", &["label.add"]),
    hint("rename", &["label.rename"]),
    hint("colour", &["label.recolor"]),
    hint("merge", &["label.merge"]),
    hint("move", &["label.move -1", "label.move 1"]),
    hint("lock", &["label.lock"]),
    hint("clear", &["label.clear"]),
    hint("delete", &["label.delete"]),
    hint("canvas", &["app.cancel"]),
];

const LAYERS_HINTS: &[Hint] = &[
    hint("select", &["layer.select_by -1", "layer.select_by 1"]),
    hint("show", &["layer.toggle"]),
    hint("opacity", &["layer.opacity_by -1", "layer.opacity_by 1"]),
    hint("solo", &["layer.solo"]),
    hint("move", &["layer.raise", "layer.lower"]),
    hint("canvas", &["app.cancel"]),
];

const CHANNELS_HINTS: &[Hint] = &[
    hint("select", &["channel.select_by -1", "channel.select_by 1"]),
    hint("on/off", &["channel.toggle"]),
    hint("colour", &["channel.recolor"]),
    hint("next colour", &["channel.recolor_next"]),
    hint("gray", &["channel.composite"]),
    hint("link", &["channel.link"]),
    hint("canvas", &["app.cancel"]),
];

const FEATURES_HINTS: &[Hint] = &[
    hint("toggle", &["feature.toggle"]),
    hint("fill", &["feature.extend right"]),
    hint("all", &["feature.select_all"]),
    hint("none", &["feature.select_none"]),
    hint("2D/3D", &["feature.dimension"]),
    hint("look", &["feature.look"]),
    hint("presets", &["feature.presets"]),
    hint("channels", &["feature.channels"]),
    hint("put back", &["feature.revert"]),
    hint("add scale", &["feature.scale_add"]),
    hint("change", &["feature.scale_set"]),
    hint("training", &["applet.show 3"]),
];

const FEATURE_LIST_HINTS: &[Hint] = &[
    hint("feature", &["feature.look_by -1", "feature.look_by 1"]),
    hint("zoom", &["view.zoom_in", "view.zoom_out"]),
    hint("slice", &["view.slice_by -1", "view.slice_by 1"]),
    hint("table", &["feature.look"]),
    hint("contrast", &["contrast.percentile"]),
    hint("export", &["feature.export"]),
];

const DATA_HINTS: &[Hint] = &[
    hint("select", &["data.select_by -1", "data.select_by 1"]),
    hint("show", &["data.show"]),
    hint("add", &["lane.add"]),
    hint("properties", &["lane.properties"]),
    hint("mask", &["lane.mask"]),
    hint("remove", &["lane.remove"]),
    hint("training", &["applet.show 3"]),
];

const EXPORT_HINTS: &[Hint] = &[
    hint("settings", &["export.settings"]),
    hint("export", &["export.lane"]),
    hint("all", &["export.all"]),
    hint("show", &["export.show"]),
    hint("copy command", &["run.copy_command"]),
    hint("pause", &["run.pause"]),
    hint("stop", &["run.cancel"]),
];

const BATCH_HINTS: &[Hint] = &[
    hint("add", &["batch.add"]),
    hint("settings", &["export.settings"]),
    hint("start", &["batch.start"]),
    hint("pause", &["run.pause"]),
    hint("leave out", &["run.cancel_file"]),
    hint("retry", &["run.retry"]),
    hint("open", &["batch.open"]),
    hint("stop", &["run.cancel"]),
];

const GLOBAL_HINTS: &[Hint] = &[
    Hint { label: "applets", join: "-", commands: &["applet.show 1", "applet.show 5"] },
    hint("undo", &["edit.undo"]),
    hint("save", &["file.save"]),
];

/// Without an image.
const START_HINTS: &[Hint] = &[
    hint("add images", &["lane.add"]),
    hint("images", &["applet.show 1"]),
    hint("open", &["file.open"]),
    hint("opened lately", &["file.recent"]),
];

const LAST_HINTS: &[Hint] = &[hint("commands", &["palette.open"]), hint("help", &["help.open"])];

const QUIT_HINT: &[Hint] = &[hint("quit", &["app.quit"])];

/// A hint as it is shown: its keys, each with the command that it stands for, and what they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownHint {
    keys: Vec<(String, &'static str)>,
    join: &'static str,
    /// What the keys do, in a word.
    pub label: &'static str,
}

impl ShownHint {
    /// The keys as they are shown.
    pub fn keys_text(&self) -> String {
        let keys: Vec<&str> = self.keys.iter().map(|(keys, _)| keys.as_str()).collect();
        keys.join(self.join)
    }

    /// Columns that it takes, with the two blanks behind it.
    pub fn width(&self) -> usize {
        self.keys_text().chars().count() + self.label.chars().count() + 3
    }

    /// Whether all its commands are, by their names.
    fn is_usable(&self, usable: impl Fn(&str) -> bool) -> bool {
        self.keys.iter().all(|(_, command)| usable(command.split(' ').next().unwrap_or(command)))
    }

    /// The command of the key at column `at` of the hint; the first one's elsewhere on the hint.
    fn command_at(&self, at: usize) -> &'static str {
        let mut end = 0;
        for (keys, command) in &self.keys {
            end += keys.chars().count() + self.join.len();
            if at < end {
                return command;
            }
        }
        self.keys[0].1
    }
}

fn shown_hints(keymap: &Keymap, mode: Mode, hints: &'static [Hint]) -> Vec<ShownHint> {
    let shown = hints.iter().filter_map(|hint| {
        let keys: Vec<(String, &'static str)> = hint
            .commands
            .iter()
            .filter_map(|command| {
                let first = keymap.continuations(mode, &[]).into_iter().find(|binding| {
                    binding.action.to_string() == *command || binding.action.row().name == *command
                })?;
                Some((keymap.keys_of(first.action, mode).into_iter().next().unwrap_or_default(), *command))
            })
            .collect();
        let complete = keys.len() == hint.commands.len();
        complete.then_some(ShownHint { keys, join: hint.join, label: hint.label })
    });
    shown.collect()
}

/// Keys and what they do in `mode`, as many as fit `width` columns and are `usable` by the names of their commands; the
/// way to the palette and the help is always among them.
pub fn hints(keymap: &Keymap, mode: Mode, width: usize, usable: impl Fn(&str) -> bool) -> Vec<ShownHint> {
    let own = match mode {
        Mode::Global => GLOBAL_HINTS,
        Mode::Canvas => CANVAS_HINTS,
        Mode::Contrast => CONTRAST_HINTS,
        Mode::Labels => LABELS_HINTS,
        Mode::Layers => LAYERS_HINTS,
        Mode::Channels => CHANNELS_HINTS,
        Mode::Features => FEATURES_HINTS,
        Mode::FeatureList => FEATURE_LIST_HINTS,
        Mode::Data => DATA_HINTS,
        Mode::Export => EXPORT_HINTS,
        Mode::Batch => BATCH_HINTS,
    };
    let mut own = shown_hints(keymap, mode, own);
    own.retain(|hint| hint.is_usable(&usable));
    fitting(keymap, mode, own, width)
}

/// The same while no image is open: what can be done then, as `usable` says of commands by their names.
pub fn start_hints(
    keymap: &Keymap,
    mode: Mode,
    width: usize,
    usable: impl Fn(&str) -> bool,
) -> Vec<ShownHint> {
    let mut own = shown_hints(keymap, mode, START_HINTS);
    own.retain(|hint| hint.is_usable(&usable));
    // Where images are added there is no need to go.
    let adds = own.iter().any(|hint| hint.keys[0].1 == "lane.add");
    own.retain(|hint| !adds || hint.keys[0].1 != "applet.show 1");
    fitting(keymap, mode, own, width)
}

/// As many of the `own` hints as fit, and those that are always there.
fn fitting(keymap: &Keymap, mode: Mode, own: Vec<ShownHint>, width: usize) -> Vec<ShownHint> {
    let last = shown_hints(keymap, mode, LAST_HINTS);
    let mut left = width.saturating_sub(last.iter().map(ShownHint::width).sum());
    let mut shown: Vec<_> = own
        .into_iter()
        .take_while(|hint| {
            let fits = hint.width() <= left;
            left -= if fits { hint.width() } else { 0 };
            fits
        })
        .collect();
    shown.extend(last);
    shown.extend(shown_hints(keymap, mode, QUIT_HINT).into_iter().filter(|hint| hint.width() <= left));
    shown
}

/// The command that a click at column `at` of a line of hints asks for.
pub fn hint_command(hints: &[ShownHint], at: usize) -> Option<&'static str> {
    let mut start = 0;
    for hint in hints {
        let end = start + hint.width();
        // Not between two hints.
        if (start..end - 2).contains(&at) {
            return Some(hint.command_at(at - start));
        }
        start = end;
    }
    None
}

/// What may follow the chords typed so far: the next keys and what they do.
pub fn which_key(keymap: &Keymap, mode: Mode, prefix: &[Chord]) -> Vec<(String, String)> {
    let rows = keymap.continuations(mode, prefix).into_iter().filter(|b| b.chords.len() > prefix.len());
    rows.map(|binding| (print_sequence(&binding.chords[prefix.len()..]), binding.action.row().doc.to_owned()))
        .collect()
}

/// All bindings as text, one a line: mode, keys, command, what it does.
pub fn list(keymap: &Keymap) -> String {
    let rows: Vec<[String; 3]> = keymap
        .bindings()
        .map(|b| [b.mode.name().to_owned(), print_sequence(b.chords), b.action.to_string()])
        .collect();
    let docs: Vec<&str> = keymap.bindings().map(|b| b.action.row().doc).collect();
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for ([mode, keys, command], doc) in rows.iter().zip(docs) {
        let [a, b, c] = widths;
        text.push_str(&format!("{mode:a$}  {keys:b$}  {command:c$}  {doc}\n"));
    }
    text
}

/// The key table of the documentation: one Markdown row for each command that has a key.
pub fn markdown(keymap: &Keymap) -> String {
    let mut text = String::from("| Keys | Command | What it does |\n|---|---|---|\n");
    for line in help_lines(keymap).iter().filter(|line| !line.keys.is_empty()) {
        let keys = line.keys_text().replace('|', "\\|");
        text.push_str(&format!("| `{keys}` | `{}` | {} |\n", line.usage, line.doc));
    }
    text
}

/// What `keymap check` says about a keymap: its mistakes, one a line, then chords that a plain terminal
/// can't send and that have no plain alternative.
pub fn check(source: &str, text: &str) -> Vec<String> {
    let (keymap, mistakes) = Keymap::read(source, text);
    let mut lines: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
    for (mode, chords, command) in without_plain_alternative(&keymap) {
        lines.push(format!(
            "{source}: '{chords}' in [{}] is not sent by every terminal, and '{command}' has no other key",
            mode.name()
        ));
    }
    lines
}

/// Bindings that some terminals can't send and that no other binding of the same command makes up for.
/// Drags of the mouse are made up for by the pen, the eraser and panning.
pub fn without_plain_alternative(keymap: &Keymap) -> Vec<(Mode, String, String)> {
    let is_plain = |chords: &[Chord]| chords.iter().all(Chord::is_plain);
    keymap
        .bindings()
        .filter(|binding| !is_plain(binding.chords) && !binding.action.row().name.starts_with("mouse."))
        .filter(|binding| {
            !keymap
                .continuations(binding.mode, &[])
                .iter()
                .any(|other| same_effect(other.action, binding.action) && is_plain(other.chords))
        })
        .map(|b| (b.mode, print_sequence(b.chords), b.action.to_string()))
        .collect()
}

/// Whether one action makes up for another: the same, or the same with another step in its direction.
fn same_effect(a: &Action, b: &Action) -> bool {
    use Command::{LayerOpacityBy, ViewSliceBy, ViewTimeBy};
    match (a, b) {
        (Action::Run(ViewSliceBy(a)), Action::Run(ViewSliceBy(b)))
        | (Action::Run(ViewTimeBy(a)), Action::Run(ViewTimeBy(b)))
        | (Action::Run(LayerOpacityBy(a)), Action::Run(LayerOpacityBy(b))) => a.signum() == b.signum(),
        _ => a == b,
    }
}
