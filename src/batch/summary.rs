//! A plan for people: what would be written, what stands in the way.

use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::problem::{PlanError, Problem};
use super::report::OutputReport;

/// What a plan would do.
#[derive(Clone, Debug, Default)]
pub struct PlanSummary {
    /// The images, in the order given; empty when nothing can be run at all.
    pub inputs: Vec<InputSummary>,
    /// What is wrong with the settings or the project as a whole.
    pub problems: Vec<String>,
    /// What the user should know although it is no problem.
    pub notes: Vec<String>,
    /// The command lines that do the same.
    pub commands: Vec<String>,
}

/// An image of a plan.
#[derive(Clone, Debug, Default)]
pub struct InputSummary {
    /// The image.
    pub name: String,
    /// Pixels to be computed.
    pub pixels: u64,
    /// The files to be written.
    pub outputs: Vec<OutputReport>,
    /// Those that exist and may not be replaced.
    pub existing: Vec<PathBuf>,
    /// What else stands in its way.
    pub problems: Vec<String>,
}

impl PlanSummary {
    /// A plan, and where its project is or will be saved.
    pub fn of(plan: &Plan, project: Option<&Path>) -> Self {
        let inputs = plan.inputs.iter().map(|input| {
            let existing = input.problems.iter().filter_map(|problem| match problem {
                Problem::Exists { path } => Some(path.clone()),
                _ => None,
            });
            let others = input.problems.iter().filter(|problem| !matches!(problem, Problem::Exists { .. }));
            InputSummary {
                name: input.name.clone(),
                pixels: input.region.len() as u64,
                outputs: input.outputs.iter().map(super::PlannedOutput::report).collect(),
                existing: existing.collect(),
                problems: others.map(Problem::in_panel).collect(),
            }
        });
        PlanSummary {
            inputs: inputs.collect(),
            problems: Vec::new(),
            notes: plan.notes.clone(),
            commands: project.map_or(Vec::new(), |project| plan.command_lines(project)),
        }
    }

    /// Nothing can be run.
    pub fn refused(error: &PlanError) -> Self {
        PlanSummary { problems: error.problems().iter().map(Problem::in_panel).collect(), ..Self::default() }
    }
}
