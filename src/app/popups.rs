//! Popups over the screen: help, palette, prompts, questions, messages. They take all keys while open.

use std::path::PathBuf;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::{Input, InputRequest};

use super::availability::available;
use super::effect::Effect;
use super::event::NewLane;
use super::form::{OpenForm, Verdict};
use super::journal::JournalRecord;
use super::state::App;
use crate::command::help::{HelpLine, help_lines};
use crate::command::{Command, Row, TABLE};
use crate::data::classes::Rgb;

/// Short names that the palette takes, as vim's users type them.
const ALIASES: [(&str, &str); 8] = [
    ("w", "file.save"),
    ("q", "app.quit"),
    ("wq", "file.save_quit"),
    ("x", "file.save_quit"),
    ("e", "file.open"),
    ("u", "edit.undo"),
    ("h", "help.open"),
    ("suspend", "app.suspend"),
];

/// A popup.
pub enum Popup {
    /// All keys, filtered by what is typed.
    Help {
        /// The filter.
        filter: Input,
        /// First line shown.
        scroll: usize,
    },
    /// Commands by name.
    Palette {
        /// What is typed.
        input: Input,
        /// The entry selected.
        selected: usize,
    },
    /// The argument of a command.
    Prompt {
        /// The command.
        row: &'static Row,
        /// What is typed.
        input: Input,
        /// What was wrong with it.
        error: Option<String>,
    },
    /// A question.
    Question(Question),
    /// The messages so far.
    Messages {
        /// Lines scrolled up from the newest.
        scroll: usize,
    },
    /// A dialog.
    Form(Box<OpenForm>),
    /// The projects and images opened last.
    Recent {
        /// The one selected.
        selected: usize,
    },
}

/// A question with its choices.
#[derive(Clone)]
pub struct Question {
    /// What it is about.
    pub kind: QuestionKind,
    /// The choice selected.
    pub selected: usize,
}

/// What a question is about.
#[derive(Clone)]
pub enum QuestionKind {
    /// Quit with unsaved changes.
    Quit,
    /// Open something with unsaved changes.
    Open(String),
    /// Save over another file.
    Overwrite(PathBuf),
    /// Replace results that exist.
    Replace {
        /// The files.
        existing: Vec<PathBuf>,
    },
    /// Quit while a run is under way.
    StopRun,
    /// Delete results.
    DeleteExported {
        /// The files.
        files: Vec<PathBuf>,
    },
    /// Write a picture over a file.
    OverwritePicture(PathBuf),
    /// Bring back unsaved work.
    Restore {
        /// The edits.
        records: Vec<JournalRecord>,
        /// Images that they add.
        lanes: Vec<NewLane>,
    },
}

impl Question {
    /// The question and what stands behind it.
    pub fn text(&self, project: &str) -> [String; 2] {
        match &self.kind {
            QuestionKind::Quit | QuestionKind::Open(_) => [
                format!("Save the changes to '{project}'?"),
                "Discarded changes can't be brought back.".into(),
            ],
            QuestionKind::Overwrite(path) => [
                format!("'{}' exists. Overwrite it?", path.display()),
                "What it holds now will be lost.".into(),
            ],
            QuestionKind::OverwritePicture(path) => [
                format!("'{}' exists. Overwrite it?", path.display()),
                "What it holds now will be lost.".into(),
            ],
            QuestionKind::Replace { existing } => {
                let question = match existing.len() {
                    1 => "One of the files exists. Replace it?".to_owned(),
                    n => format!("{n} of the files exist. Replace them?"),
                };
                [question, named(existing)]
            }
            QuestionKind::StopRun => [
                "Stop the export or batch and quit?".into(),
                "Files that are finished stay; those being written are removed.".into(),
            ],
            QuestionKind::DeleteExported { files } => {
                let plural = if files.len() == 1 { "" } else { "s" };
                [format!("Delete {} exported file{plural}?", files.len()), named(files)]
            }
            QuestionKind::Restore { records, .. } => [
                format!("Restore the work that was not saved ({} edits)?", records.len()),
                "The program ended before it was saved.".into(),
            ],
        }
    }

    /// The choices, each with the key that makes it.
    pub fn choices(&self) -> &'static [(&'static str, char)] {
        match self.kind {
            QuestionKind::Quit | QuestionKind::Open(_) => &[("Save", 's'), ("Discard", 'd'), ("Cancel", 'c')],
            QuestionKind::Replace { .. } => &[("Cancel", 'c'), ("Keep them", 'k'), ("Replace", 'r')],
            QuestionKind::StopRun => &[("Cancel", 'c'), ("Stop and quit", 's')],
            QuestionKind::DeleteExported { .. } => &[("Cancel", 'c'), ("Delete", 'd')],
            QuestionKind::OverwritePicture(_) => &[("Cancel", 'c'), ("Overwrite", 'o')],
            QuestionKind::Overwrite(_) => &[("Cancel", 'c'), ("Overwrite", 'o')],
            QuestionKind::Restore { .. } => &[("Restore", 'r'), ("Discard", 'd')],
        }
    }
}

/// The first of `files` by name, and how many more there are.
fn named(files: &[PathBuf]) -> String {
    const SHOWN: usize = 3;
    let names = files.iter().take(SHOWN).map(|path| path.display().to_string());
    let mut text = names.collect::<Vec<_>>().join(", ");
    if files.len() > SHOWN {
        text.push_str(&format!(" and {} more", files.len() - SHOWN));
    }
    text
}

/// An entry of the palette.
pub struct PaletteEntry {
    /// The command with its keys.
    pub line: HelpLine,
    /// Why it can't be used now.
    pub unavailable: Option<String>,
}

fn hex([r, g, b]: Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Moves or edits an input line by a key; `false` for keys that mean nothing to it.
pub(super) fn edit_line(input: &mut Input, key: &KeyEvent) -> bool {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let request = match key.code {
        KeyCode::Char('a') if ctrl => InputRequest::GoToStart,
        KeyCode::Char('e') if ctrl => InputRequest::GoToEnd,
        KeyCode::Char('u') if ctrl => InputRequest::DeleteFromStart,
        KeyCode::Char('k') if ctrl => InputRequest::DeleteTillEnd,
        KeyCode::Char('w') if ctrl => InputRequest::DeletePrevWord,
        KeyCode::Char('h') if ctrl => InputRequest::DeletePrevChar,
        KeyCode::Char(c) if !ctrl && !key.modifiers.contains(KeyModifiers::ALT) => {
            InputRequest::InsertChar(c)
        }
        KeyCode::Backspace => InputRequest::DeletePrevChar,
        KeyCode::Delete => InputRequest::DeleteNextChar,
        KeyCode::Left if ctrl => InputRequest::GoToPrevWord,
        KeyCode::Right if ctrl => InputRequest::GoToNextWord,
        KeyCode::Left => InputRequest::GoToPrevChar,
        KeyCode::Right => InputRequest::GoToNextChar,
        KeyCode::Home => InputRequest::GoToStart,
        KeyCode::End => InputRequest::GoToEnd,
        _ => return false,
    };
    input.handle(request);
    true
}

/// Moves a position in a list of `count` entries by a key.
fn move_in_list(at: &mut usize, count: usize, key: &KeyEvent) {
    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
    let by: i64 = match key.code {
        KeyCode::Up | KeyCode::BackTab => -1,
        KeyCode::Down | KeyCode::Tab => 1,
        KeyCode::Char('p') if ctrl => -1,
        KeyCode::Char('n') if ctrl => 1,
        KeyCode::PageUp => -10,
        KeyCode::PageDown => 10,
        _ => 0,
    };
    *at = (*at as i64 + by).clamp(0, count.max(1) as i64 - 1) as usize;
}

impl App {
    /// The palette's entries for what is typed, those whose name fits best first.
    pub fn palette_entries(&self, typed: &str) -> Vec<PaletteEntry> {
        let name = typed.split_whitespace().next().unwrap_or("");
        let mut lines: Vec<HelpLine> = help_lines(&self.keymap)
            .into_iter()
            .filter(|line| line.matches(typed) || line.name == name)
            .collect();
        lines.sort_by_key(|line| (line.name != name, !line.name.contains(name)));
        lines
            .into_iter()
            .map(|line| {
                let unavailable = available(line.name, self).err().map(|reason| reason.0);
                PaletteEntry { line, unavailable }
            })
            .collect()
    }

    /// Opens a line for the argument of a command, filled with what it is now.
    pub(super) fn prompt(&mut self, name: &str) {
        let Some(row) = TABLE.iter().find(|row| row.name == name) else { return };
        if row.name == "lane.add" {
            return self.add_images_dialog("");
        }
        if row.argument == Some("path") {
            return self.ask_for_path(row);
        }
        let now = match name {
            "label.rename" => self.selected_class().map(|class| class.name.clone()),
            "label.recolor" => self.selected_class().map(|class| hex(class.color)),
            "label.recolor_probability" => self.selected_class().map(|class| hex(class.probability_color)),
            "contrast.set" => {
                let of_image = || self.display_range(self.histogram_channel());
                let (low, high) = self.feature_range().unwrap_or_else(of_image);
                Some(format!("{} {}", super::contrast::short(low), super::contrast::short(high)))
            }
            "channel.recolor" => self
                .view()
                .and_then(|view| view.display.tints.get(view.display.selected).map(|tint| hex(tint.color))),
            "brush.size" => Some(self.paint.active_brush().diameter.to_string()),
            "feature.scale_set" => {
                self.shown_selection().scales.get(self.features.column).map(f64::to_string)
            }
            _ => None,
        };
        let input = Input::new(now.unwrap_or_default());
        self.popups.push(Popup::Prompt { row, input, error: None });
    }

    /// Gives a key to the topmost popup; `false` when there is none.
    pub(super) fn popup_key(&mut self, key: &KeyEvent) -> bool {
        let Some(mut popup) = self.popups.pop() else { return false };
        if let Popup::Form(open) = popup {
            self.with_form(open, |open, app| open.key(key, app));
            return true;
        }
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        let leaves = key.code == KeyCode::Esc || (ctrl && matches!(key.code, KeyCode::Char('c' | 'g')));
        if leaves {
            if let Popup::Question(question) = popup {
                self.leave_question(question);
            }
            return true;
        }
        let stays = match &mut popup {
            Popup::Help { filter, scroll } => self.help_key(filter, scroll, key),
            Popup::Palette { input, selected } => self.palette_key(input, selected, key),
            Popup::Prompt { row, input, error } => self.prompt_key(row, input, error, key),
            Popup::Question(question) => match self.question_key(question, key) {
                Some(choice) => {
                    self.answer(question.kind.clone(), choice);
                    false
                }
                None => true,
            },
            Popup::Messages { scroll } => {
                let last = self.messages.entries().len().saturating_sub(1);
                let mut at = last.saturating_sub(*scroll);
                move_in_list(&mut at, last + 1, key);
                *scroll = last - at;
                !matches!(key.code, KeyCode::Enter | KeyCode::Char('q'))
            }
            Popup::Form(_) => true,
            Popup::Recent { selected } => self.recent_key(selected, key),
        };
        if stays {
            self.popups.push(popup);
        }
        true
    }

    /// Lets a dialog that was taken off the popups do something, and puts it back, below what it opened,
    /// unless it closes.
    pub(super) fn with_form(
        &mut self,
        mut open: Box<OpenForm>,
        act: impl FnOnce(&mut OpenForm, &mut App) -> Verdict,
    ) {
        let at = self.popups.len();
        if act(&mut open, self) == Verdict::Stay {
            self.popups.insert(at.min(self.popups.len()), Popup::Form(open));
        }
    }

    fn help_key(&mut self, filter: &mut Input, scroll: &mut usize, key: &KeyEvent) -> bool {
        if key.code == KeyCode::Enter || (key.code == KeyCode::Char('?') && filter.value().is_empty()) {
            return false;
        }
        let vertical = matches!(key.code, KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown);
        if vertical {
            let count = help_lines(&self.keymap).iter().filter(|line| line.matches(filter.value())).count();
            move_in_list(scroll, count, key);
        } else if edit_line(filter, key) {
            *scroll = 0;
        }
        true
    }

    fn palette_key(&mut self, input: &mut Input, selected: &mut usize, key: &KeyEvent) -> bool {
        if key.code == KeyCode::Enter {
            let typed = input.value().trim();
            let alias = ALIASES.iter().find(|(short, _)| *short == typed).map(|(_, name)| *name);
            if let Some(name) = alias {
                self.run_named(name);
                return false;
            }
            match (Command::parse(typed).ok(), self.palette_entries(typed).get(*selected)) {
                (Some(command), _) => self.run(command),
                (None, Some(entry)) => self.run_named(entry.line.name),
                (None, None) => self.inform(format!("There is no command '{typed}'")),
            }
            return false;
        }
        let vertical = matches!(
            key.code,
            KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown | KeyCode::BackTab
        );
        if key.code == KeyCode::Tab {
            if let Some(entry) = self.palette_entries(input.value()).get(*selected) {
                let space = if entry.line.usage.len() > entry.line.name.len() { " " } else { "" };
                *input = Input::new(format!("{}{space}", entry.line.name));
                *selected = 0;
            }
        } else if vertical {
            let count = self.palette_entries(input.value()).len();
            move_in_list(selected, count, key);
        } else if edit_line(input, key) {
            *selected = 0;
        }
        true
    }

    /// Opens the palette with something typed already.
    pub(super) fn open_palette(&mut self, typed: &str) {
        self.popups.push(Popup::Palette { input: Input::new(typed.to_owned()), selected: 0 });
    }

    fn recent_key(&mut self, selected: &mut usize, key: &KeyEvent) -> bool {
        let count = self.files.recent.len();
        match key.code {
            KeyCode::Enter => {}
            KeyCode::Char(digit @ '1'..='9') => *selected = digit as usize - '1' as usize,
            _ => {
                move_in_list(selected, count, key);
                return true;
            }
        }
        match self.files.recent.get(*selected).cloned() {
            Some(location) => {
                self.run(Command::FileOpen(location));
                false
            }
            None => true,
        }
    }

    /// Runs a command by name, asking for its argument where it needs one.
    pub(super) fn run_named(&mut self, name: &str) {
        match Command::parse(name) {
            Ok(command) => self.run(command),
            Err(_) => match available(name, self) {
                Ok(()) => self.prompt(name),
                Err(reason) => self.refuse(name, &reason),
            },
        }
    }

    fn prompt_key(
        &mut self,
        row: &'static Row,
        input: &mut Input,
        error: &mut Option<String>,
        key: &KeyEvent,
    ) -> bool {
        if key.code != KeyCode::Enter {
            if edit_line(input, key) {
                *error = self.argument_error(row, input.value());
            }
            return true;
        }
        match self.command_with(row, input.value()) {
            Ok(command) => {
                self.run(command);
                false
            }
            Err(wrong) => {
                *error = Some(wrong);
                true
            }
        }
    }

    fn question_key(&self, question: &mut Question, key: &KeyEvent) -> Option<usize> {
        let choices = question.choices();
        match key.code {
            KeyCode::Enter | KeyCode::Char(' ') => return Some(question.selected),
            KeyCode::Left | KeyCode::Up | KeyCode::BackTab => {
                question.selected = (question.selected + choices.len() - 1) % choices.len();
            }
            KeyCode::Right | KeyCode::Down | KeyCode::Tab => {
                question.selected = (question.selected + 1) % choices.len();
            }
            KeyCode::Char(c) => {
                let c = c.to_ascii_lowercase();
                return choices.iter().position(|&(_, key)| key == c);
            }
            _ => {}
        }
        None
    }

    /// A question was left: nothing is lost by it.
    fn leave_question(&mut self, question: Question) {
        match question.kind {
            QuestionKind::Restore { records, lanes } => self.restore(&records, lanes),
            QuestionKind::Replace { .. } => self.drop_run(),
            QuestionKind::OverwritePicture(_) => self.end_series(),
            _ => self.forget_after_save(),
        }
    }

    pub(super) fn answer(&mut self, kind: QuestionKind, choice: usize) {
        match (kind, choice) {
            (QuestionKind::Quit, 0) => self.save_and_quit(),
            (QuestionKind::Quit, 1) => self.quit_without_saving(),
            (QuestionKind::Open(location), 0) => self.save_and_open(location),
            (QuestionKind::Open(location), 1) => self.open_without_saving(&location),
            (QuestionKind::Overwrite(path), 1) => self.save_over(path),
            (QuestionKind::Replace { .. }, 0) => self.drop_run(),
            (QuestionKind::Replace { .. }, choice) => self.start_run(choice == 2),
            (QuestionKind::DeleteExported { files }, 1) => self.outbox.push(Effect::Delete(files)),
            (QuestionKind::OverwritePicture(path), 1) => {
                self.overwrite_picture(path);
            }
            (QuestionKind::StopRun, 1) => {
                self.cancel_run();
                self.quit_now();
            }
            (QuestionKind::StopRun | QuestionKind::DeleteExported { .. }, _) => {}
            (QuestionKind::OverwritePicture(_), _) => self.end_series(),
            (QuestionKind::Restore { records, lanes }, 0) => self.restore(&records, lanes),
            (QuestionKind::Restore { records, .. }, _) => self.discard_journal(records.len()),
            _ => self.forget_after_save(),
        }
    }

    /// Pasted text goes into the line that is open; onto the canvas it does nothing.
    pub(super) fn paste(&mut self, text: &str) {
        if matches!(self.popups.last(), Some(Popup::Form(_)))
            && let Some(Popup::Form(open)) = self.popups.pop()
        {
            return self.with_form(open, |open, app| {
                open.paste(text, app);
                Verdict::Stay
            });
        }
        // Terminals paste the names of files that are dropped on them.
        if self.popups.is_empty() && self.screen.applet == super::screen::Applet::Data {
            return self.add_dropped_files(text);
        }
        let line = match self.popups.last_mut() {
            Some(Popup::Help { filter: line, .. })
            | Some(Popup::Palette { input: line, .. })
            | Some(Popup::Prompt { input: line, .. }) => line,
            _ => return,
        };
        for c in text.chars().filter(|c| !c.is_control()) {
            line.handle(InputRequest::InsertChar(c));
        }
        if let Some(Popup::Prompt { row, input, .. }) = self.popups.last() {
            let found = self.argument_error(row, input.value());
            if let Some(Popup::Prompt { error, .. }) = self.popups.last_mut() {
                *error = found;
            }
        }
    }
}
