//! The terminal interface and `doctor`: from arguments to their options.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::args::{GraphicsArgs, TerminalArgs};
use super::error::{Failure, Message, Status};
use super::logging::{Existing, log_to};
use crate::app::Problem;
use crate::command::Keymap;
use crate::engine::EngineOptions;
use crate::tui;

/// The preset in use without a keymap of one's own.
const DEFAULT_PRESET: &str = "ilastik";
/// Memory for caches without `--memory`.
const DEFAULT_MEMORY: u64 = 1 << 30;

/// Runs the terminal interface.
pub(super) fn run(args: TerminalArgs) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.log {
        log_to(path, Existing::Replaced, None)?;
    }
    let (keymap, problems) = keymap(args.keymap.as_deref())?;
    let threads = args.threads.map_or_else(|| EngineOptions::default().threads, usize::from);
    let memory = args.memory.unwrap_or(DEFAULT_MEMORY);
    let caches = usize::try_from(memory).unwrap_or(usize::MAX);
    let options = tui::Options {
        inputs: args.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        project: args.project,
        graphics: args.graphics.graphics,
        cell_size: args.graphics.cell_size.map(|size| size.0),
        link_rate: args.link_rate.map(|bits| bits / 8.0),
        keymap,
        problems,
        engine: EngineOptions::new(threads, caches),
        run_bytes: memory / 2,
    };
    tui::run(options).map_err(|error| match error {
        tui::Error::UnknownGraphics { .. } => Failure::Usage(Message::whole(error)),
        error => Failure::Work(Message::whole(error)),
    })
}

/// Reports what the terminal can do.
pub(super) fn doctor(args: &GraphicsArgs) -> Result<Status, Failure> {
    let report = tui::doctor(&args.graphics, args.cell_size.map(|size| size.0)).map_err(|error| {
        Failure::Work(Message::new(
            "Can't ask the terminal",
            error.to_string(),
            "Run 'brushwood doctor' in the terminal itself, not in a pipe",
        ))
    })?;
    // A reader that went away wants no report.
    let _ = std::io::stdout().write_all(report.as_bytes());
    Ok(Status::Done)
}

/// The keymap by name or file, else the user's own, else ilastik's. What is wrong in a file of the user's
/// is told on screen; the rest of it is in force.
fn keymap(wanted: Option<&str>) -> Result<(Keymap, Vec<Problem>), Failure> {
    if let Some(preset) = wanted.and_then(Keymap::preset) {
        return Ok((preset, Vec::new()));
    }
    let file = match wanted {
        Some(file) => Some(PathBuf::from(file)),
        None => own_keymap().filter(|path| path.exists()),
    };
    let Some(file) = file else {
        return Ok((Keymap::preset(DEFAULT_PRESET).unwrap_or_default(), Vec::new()));
    };
    let text = fs::read_to_string(&file).map_err(|error| {
        Failure::usage(
            format!("Can't read the keymap '{}'", file.display()),
            error.to_string(),
            "Name a preset (ilastik, vim, emacs) or a keymap file",
        )
    })?;
    let (keymap, mistakes) = Keymap::read(&file.to_string_lossy(), &text);
    let problems = mistakes
        .iter()
        .map(|mistake| {
            Problem::new(
                "The keymap has a mistake",
                mistake.to_string(),
                "Run 'brushwood keymap check' on it",
            )
        })
        .collect();
    Ok((keymap, problems))
}

fn own_keymap() -> Option<PathBuf> {
    let folders = directories::ProjectDirs::from("", "", "brushwood")?;
    Some(folders.config_dir().join("keymap.toml"))
}
