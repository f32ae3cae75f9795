//! A look at an image that is none of the project's: it is shown on the canvas with the predictions, can't
//! be labelled, and leaves nothing behind.

use super::event::NewLane;
use super::screen::Applet;
use super::state::App;
use crate::render::LayerKind;

impl App {
    /// Shows an image after the project's own.
    pub(super) fn visit(&mut self, lane: NewLane) {
        self.end_visit();
        let own = self.views.len();
        // Lanes whose images could not be opened have no view: then there is no place for another.
        if self.project.lanes.len() != own {
            return self.inform("Can't show it: an image of the project is missing");
        }
        let fits = self.project.check(&lane.lane.raw);
        if let Err(error) = fits {
            return self.problem(super::Problem::new("Can't show the image", error.to_string(), ""));
        }
        let name = lane.lane.raw.nickname.clone();
        self.visit_from = Some(self.lane);
        self.insert_lane(own, lane);
        self.forget_goal_labels();
        self.layers.show(LayerKind::Prediction(1), true);
        self.show_applet(3);
        self.inform(format!(
            "'{name}' with its predictions; it can't be labelled here. Esc goes back to the batch"
        ));
    }

    /// Whether the image shown is only looked at.
    pub fn is_visiting(&self) -> bool {
        self.visit_from.is_some()
    }

    /// Takes the image away again, if there is one; whether there was.
    pub(super) fn end_visit(&mut self) -> bool {
        let Some(from) = self.visit_from.take() else { return false };
        self.take_lane(self.views.len().saturating_sub(1));
        self.forget_goal_labels();
        self.show_lane(from);
        true
    }

    /// Ends the visit and goes back to the list it came from.
    pub(super) fn leave_visit(&mut self) -> bool {
        let was = self.end_visit();
        if was {
            self.show_applet(Applet::ALL.len());
        }
        was
    }
}
