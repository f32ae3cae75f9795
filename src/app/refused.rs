//! Images that do not come in: what was typed for them comes back with the reason, to be mended.

use super::dialogs::AddAnswers;
use super::jobs::JobId;
use super::messages::{Level, Problem};
use super::screen::Applet;
use super::state::App;
use crate::command::Row;

/// What was typed for images that are being opened.
#[derive(Clone, Debug)]
pub(super) enum Asked {
    /// In the dialog that adds images.
    Add(AddAnswers),
    /// A path for a command.
    Path(&'static Row, String),
}

/// An image that does not come in, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it is.
    pub location: String,
    /// Why.
    pub problem: Problem,
    /// Whether other axes may help.
    pub axes: bool,
}

impl Refused {
    /// An image that can't be opened.
    pub fn unreadable(location: impl Into<String>, problem: Problem) -> Self {
        Refused { location: location.into(), problem, axes: false }
    }
}

/// What is to be mended in the dialog that adds images.
#[derive(Clone, Debug)]
pub(super) struct Mending {
    /// What was typed.
    pub answers: AddAnswers,
    /// What is wrong with it.
    pub refused: Vec<Refused>,
}

/// Several files in one field, as in a project.
const SEPARATOR: &str = ":";

impl App {
    /// Remembers what was typed for the images that a job opens.
    pub(super) fn remember_asked(&mut self, job: JobId, asked: Asked) {
        self.asked.insert(job, asked);
    }

    /// Images did not come in, although `joined` others did: tells it, and offers what was typed again. Whoever works
    /// in another applet meanwhile is not disturbed: there it is offered when images are to be added next.
    pub(super) fn images_refused(&mut self, asked: Option<Asked>, refused: Vec<Refused>, joined: usize) {
        for refused in &refused {
            self.messages.push(Level::Error, refused.problem.clone(), self.now);
        }
        let here = self.screen.applet == Applet::Data;
        let Some(first) = refused.first() else { return };
        match asked {
            Some(Asked::Add(mut answers)) => {
                if joined > 0 {
                    let locations: Vec<&str> =
                        refused.iter().map(|refused| refused.location.as_str()).collect();
                    answers.path = locations.join(SEPARATOR);
                    answers.dataset.clear();
                }
                self.mending = Some(Mending { answers, refused });
                if here {
                    self.add_images_dialog("");
                    // Whatever is open already comes first.
                    self.popups.rotate_right(1);
                }
            }
            Some(Asked::Path(row, path)) if here => {
                let why = first.problem.why.clone();
                self.ask_for_path_again(row, path, why);
                self.popups.rotate_right(1);
            }
            _ => {}
        }
    }
}
