//! `brushwood keymap`: what keys do, and whether a keymap file is right.

use std::path::Path;

use super::args::KeymapCommand;
use super::error::{Failure, Message, Status, print, say};
use crate::command::{Keymap, help};

/// Runs `brushwood keymap`.
///
/// # Errors
/// No such preset or file.
pub(super) fn run(command: &KeymapCommand) -> Result<Status, Failure> {
    match command {
        KeymapCommand::List { keymap, markdown } => {
            let keymap = match Keymap::preset(keymap) {
                Some(preset) => preset,
                None => Keymap::read(keymap, &read(Path::new(keymap))?).0,
            };
            let text = if *markdown { help::markdown(&keymap) } else { help::list(&keymap) };
            print(text.trim_end()).map(|()| Status::Done)
        }
        KeymapCommand::Check { file } => {
            let mistakes = help::check(&file.display().to_string(), &read(file)?);
            mistakes.iter().for_each(|line| say(line));
            if mistakes.is_empty() {
                say(&format!("{}: no mistakes", file.display()));
                return Ok(Status::Done);
            }
            Ok(Status::SomeFailed)
        }
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::Usage(Message::new(
            format!("Can't read the keymap '{}'", path.display()),
            error.to_string(),
            "Name a preset (ilastik, vim, emacs) or a keymap file",
        ))
    })
}
