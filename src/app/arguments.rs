//! What stands against the argument of a command, so that it can be said while it is typed.
//!
//! Knows the checks that need the state; whether a text can be read at all is `command`'s.

use super::features::ONE_SCALE;
use super::labels::parse_color;
use super::paint::LARGEST_BRUSH;
use super::state::App;
use crate::command::{Command, Row};

impl App {
    /// The command of `row` with `text` for its argument.
    ///
    /// # Errors
    /// Why that is no argument for it.
    pub(super) fn command_with(&self, row: &Row, text: &str) -> Result<Command, String> {
        let command = Command::parse(&format!("{} {text}", row.name)).map_err(|wrong| {
            let wrong = wrong.to_string();
            wrong.strip_prefix(&format!("'{}' ", row.name)).unwrap_or(&wrong).to_owned()
        })?;
        self.objection(&command).map_or(Ok(command), Err)
    }

    /// The same of what is being typed: nothing is said of an empty text.
    pub(super) fn argument_error(&self, row: &Row, text: &str) -> Option<String> {
        self.command_with(row, text).err().filter(|_| !text.trim().is_empty())
    }

    /// Why a command can't be done with its argument.
    fn objection(&self, command: &Command) -> Option<String> {
        match command {
            Command::FeatureScaleAdd(sigma) => self.scale_objection(*sigma, None),
            Command::FeatureScaleSet(sigma) if *sigma != 0.0 => {
                self.scale_objection(*sigma, Some(self.features.column))
            }
            Command::FeatureScaleSet(_) if self.shown_selection().scales.len() == 1 => Some(ONE_SCALE.into()),
            Command::BrushSize(diameter) if *diameter > LARGEST_BRUSH as usize => {
                Some(format!("the largest brush is {LARGEST_BRUSH} pixels wide"))
            }
            Command::ViewGoTo(position) => self.position(position).err().map(|problem| problem.why),
            Command::ContrastSet(range) => self.contrast_range(range).err().map(|problem| problem.why),
            Command::LabelRecolor(color)
            | Command::LabelRecolorProbability(color)
            | Command::ChannelRecolor(color)
                if parse_color(color).is_none() =>
            {
                Some("a colour is #rrggbb, such as #e6194b".into())
            }
            _ => None,
        }
    }
}
