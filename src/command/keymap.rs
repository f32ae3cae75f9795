//! Keymaps: presets and user files in TOML, and looking up what a sequence of chords asks for.
//!
//! A mistake in a keymap costs the one binding it is in; it is reported with its line and never stops the
//! program.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::argument::ArgumentError;
use super::keys::{Chord, print_sequence};
use super::table::{Command, Mode, ParseError, Row, TABLE, nearest_of};

/// The presets that are built in.
pub const PRESETS: [(&str, &str); 3] = [
    ("ilastik", include_str!("../../keymaps/ilastik.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
    ("emacs", include_str!("../../keymaps/emacs.toml")),
];

/// Deepest chain of `extends`.
const MAX_DEPTH: usize = 8;

/// What is bound to what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keymap {
    bindings: BTreeMap<Mode, BTreeMap<Vec<Chord>, Action>>,
}

/// What a key does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Runs a command.
    Run(Command),
    /// Asks for the argument of a command that is bound without it, then runs it.
    Ask(&'static Row),
}

impl Action {
    /// Reads what stands in a keymap.
    ///
    /// # Errors
    /// An unknown command or a wrong argument.
    pub fn parse(text: &str) -> Result<Action, ParseError> {
        match Command::parse(text) {
            Ok(command) => Ok(Action::Run(command)),
            Err(ParseError::Argument { name, source: ArgumentError::Missing(what) }) => {
                let row = TABLE.iter().find(|row| row.name == name);
                row.map(Action::Ask)
                    .ok_or(ParseError::Argument { name, source: ArgumentError::Missing(what) })
            }
            Err(error) => Err(error),
        }
    }

    /// The row of its command.
    pub fn row(&self) -> &'static Row {
        match self {
            Action::Run(command) => command.row(),
            Action::Ask(row) => row,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Run(command) => command.fmt(f),
            Action::Ask(row) => f.write_str(row.name),
        }
    }
}

/// Something wrong in a keymap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Name of the keymap or its file.
    pub source: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.source, self.line, self.message)
    }
}

/// What a sequence of chords means.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// An action.
    Action(Action),
    /// The start of longer sequences.
    Prefix,
    /// Nothing.
    Unbound,
}

/// A binding, as listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding<'a> {
    /// Where it holds.
    pub mode: Mode,
    /// The chords.
    pub chords: &'a [Chord],
    /// What they do.
    pub action: &'a Action,
}

impl Keymap {
    /// A preset by its name.
    pub fn preset(name: &str) -> Option<Keymap> {
        let (_, text) = PRESETS.iter().find(|(preset, _)| *preset == name)?;
        Some(Keymap::read(name, text).0)
    }

    /// Reads a keymap; `source` names it in mistakes. What is not a mistake is in force. Without `extends` a
    /// keymap extends `ilastik`, so that the keys it does not name still work;
    /// `extends = []` starts from nothing.
    pub fn read(source: &str, text: &str) -> (Keymap, Vec<Mistake>) {
        let mut reader = Reader { keymap: Keymap::default(), mistakes: Vec::new() };
        reader.read(source, text, 0);
        reader.check_prefixes(source, text);
        (reader.keymap, reader.mistakes)
    }

    /// What `chords` mean in `mode`.
    pub fn lookup(&self, mode: Mode, chords: &[Chord]) -> Lookup {
        for mode in mode.chain() {
            let Some(bindings) = self.bindings.get(mode) else { continue };
            if let Some(action) = bindings.get(chords) {
                return Lookup::Action(action.clone());
            }
            if bindings.keys().any(|bound| bound.len() > chords.len() && bound.starts_with(chords)) {
                return Lookup::Prefix;
            }
        }
        Lookup::Unbound
    }

    /// All bindings, by mode.
    pub fn bindings(&self) -> impl Iterator<Item = Binding<'_>> {
        self.bindings.iter().flat_map(|(&mode, bindings)| {
            bindings.iter().map(move |(chords, action)| Binding { mode, chords, action })
        })
    }

    /// The bindings of `mode` and of the modes behind it that start with `prefix`, without those that a
    /// stronger mode hides.
    pub fn continuations(&self, mode: Mode, prefix: &[Chord]) -> Vec<Binding<'_>> {
        let mut found: Vec<Binding<'_>> = Vec::new();
        for &mode in mode.chain() {
            for binding in self.bindings().filter(|b| b.mode == mode && b.chords.starts_with(prefix)) {
                if found.iter().all(|other| other.chords != binding.chords) {
                    found.push(binding);
                }
            }
        }
        found
    }

    /// The chords that do exactly `action` in `mode`: those every terminal can send first, keys
    /// before the mouse, short ones before long ones.
    pub fn keys_of(&self, action: &Action, mode: Mode) -> Vec<String> {
        let mut found: Vec<&[Chord]> = self
            .continuations(mode, &[])
            .into_iter()
            .filter(|binding| binding.action == action)
            .map(|binding| binding.chords)
            .collect();
        found.sort_by_key(|chords| {
            let plain = chords.iter().all(Chord::is_plain);
            let mouse = chords.iter().any(Chord::is_mouse);
            (mouse, !plain, chords.len())
        });
        found.into_iter().map(print_sequence).collect()
    }

    /// Binds `chords` in `mode`.
    pub fn bind(&mut self, mode: Mode, chords: Vec<Chord>, action: Action) {
        self.bindings.entry(mode).or_default().insert(chords, action);
    }
}

struct Reader {
    keymap: Keymap,
    mistakes: Vec<Mistake>,
}

/// The line of a byte offset, from 1.
fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&b| b == b'\n').count() + 1
}

/// The line on which a key is bound.
fn line_of_key(text: &str, key: &str) -> Option<usize> {
    let starts = |line: &str| {
        let name = line.split('=').next().unwrap_or("").trim();
        name.trim_matches(['"', '\'']) == key
    };
    text.lines().position(starts).map(|line| line + 1)
}

impl Reader {
    fn read(&mut self, source: &str, text: &str, depth: usize) {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let line = error.span().map_or(1, |span| line_at(text, span.start));
            self.mistake(source, line, error.message().to_owned());
        }
        let table = table.into_inner();
        match table.get("extends") {
            Some(extends) => self.extend(source, text, extends, depth),
            None if depth == 0 => self.read(PRESETS[0].0, PRESETS[0].1, 1),
            None => {}
        }
        for (key, value) in &table {
            let line = line_at(text, key.span().start);
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("extends", _) | ("name" | "doc", DeValue::String(_)) => {}
                (name, DeValue::Table(bindings)) => match Mode::from_name(name) {
                    Some(mode) => self.read_mode(source, text, mode, bindings),
                    None => {
                        let nearest = nearest_of(name, Mode::ALL.iter().map(|(_, name)| *name)).unwrap_or("");
                        self.mistake(
                            source,
                            line,
                            format!("no section '[{name}]'; did you mean '[{nearest}]'?"),
                        );
                    }
                },
                (name, _) => self.mistake(
                    source,
                    line,
                    format!("'{name}' is not a setting; keys stand below a section such as [canvas]"),
                ),
            }
        }
    }

    fn extend(&mut self, source: &str, text: &str, value: &toml::Spanned<DeValue<'_>>, depth: usize) {
        let names: Vec<&toml::Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect(),
            _ => vec![value],
        };
        for name in names {
            let line = line_at(text, name.span().start);
            let DeValue::String(preset) = name.get_ref() else {
                self.mistake(source, line, "'extends' takes names of presets".into());
                continue;
            };
            match PRESETS.iter().find(|(known, _)| known == preset) {
                Some(_) if depth >= MAX_DEPTH => {
                    self.mistake(source, line, format!("'{preset}' extends itself"));
                }
                Some((known, text)) => self.read(known, text, depth + 1),
                None => {
                    let known = PRESETS.map(|(name, _)| name).join(", ");
                    self.mistake(source, line, format!("no preset '{preset}'; there are {known}"));
                }
            }
        }
    }

    fn read_mode(&mut self, source: &str, text: &str, mode: Mode, bindings: &DeTable<'_>) {
        for (key, value) in bindings {
            let line = line_at(text, key.span().start);
            if let Err(message) = self.read_binding(mode, key.get_ref(), value.get_ref()) {
                self.mistake(source, line, message);
            }
        }
    }

    fn read_binding(&mut self, mode: Mode, on: &str, run: &DeValue<'_>) -> Result<(), String> {
        let chords: Result<Vec<Chord>, _> = on.split_whitespace().map(str::parse::<Chord>).collect();
        let chords = chords.map_err(|error| error.to_string())?;
        if chords.is_empty() {
            return Err("no key given".into());
        }
        let DeValue::String(run) = run else {
            return Err(format!("'{on}' needs a command in quotes"));
        };
        if run == "none" {
            if let Some(bindings) = self.keymap.bindings.get_mut(&mode) {
                bindings.remove(&chords);
            }
            return Ok(());
        }
        let action = Action::parse(run).map_err(|error| error.to_string())?;
        self.keymap.bind(mode, chords, action);
        Ok(())
    }

    /// Reports keys that hide longer sequences, which can't be reached.
    fn check_prefixes(&mut self, source: &str, text: &str) {
        let mut hiding: BTreeMap<(Mode, Vec<Chord>), Vec<String>> = BTreeMap::new();
        for (mode, bindings) in &self.keymap.bindings {
            for chords in bindings.keys() {
                if let Some(n) = (1..chords.len()).find(|&n| bindings.contains_key(&chords[..n])) {
                    hiding.entry((*mode, chords[..n].to_vec())).or_default().push(print_sequence(chords));
                }
            }
        }
        for ((mode, by), hidden) in hiding {
            let by = print_sequence(&by);
            let line = line_of_key(text, &by).or_else(|| line_of_key(text, &hidden[0])).unwrap_or(1);
            let message = format!(
                "'{by}' in [{}] hides '{}'; bind one of them to \"none\"",
                mode.name(),
                hidden.join("', '")
            );
            self.mistake(source, line, message);
        }
    }

    fn mistake(&mut self, source: &str, line: usize, message: String) {
        self.mistakes.push(Mistake { source: source.to_owned(), line, message });
    }
}
