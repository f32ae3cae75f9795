//! Progress on stderr: a bar on a terminal, a line for each image otherwise.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::error::say;
use crate::batch::{Event, InputReport, TrainingReport};

/// Shows what a run does.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    is_terminal: bool,
    /// Names files that are replaced.
    names_replaced: bool,
    class_names: Vec<String>,
    /// Problems that were named before the work began.
    named: Vec<String>,
    /// The image at work, and when something was last said of it.
    at_work: Option<(String, Instant)>,
}

/// How often a line tells how far a long image is.
const PACE: Duration = Duration::from_secs(10);

impl Progress {
    /// Progress of a run over a project with classes of these names.
    pub(super) fn new(class_names: Vec<String>, names_replaced: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Progress { bar: None, is_terminal, names_replaced, class_names, named: Vec::new(), at_work: None }
    }

    /// Names what stands in the way of some images.
    pub(super) fn name_problems(&mut self, problems: impl Iterator<Item = String>) {
        self.named = problems.collect();
        self.named.iter().for_each(|problem| say(&format!("error: {problem}")));
    }

    /// Shows `event`.
    pub(super) fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Training => self.line("Training from the project's labels"),
            Event::Trained(report) => {
                training_lines(report, &self.class_names).iter().for_each(|l| self.line(l))
            }
            Event::Started { index, count, input, pixels } if self.is_terminal => {
                let bar = ProgressBar::new(*pixels);
                let style = ProgressStyle::with_template("{prefix} {msg} [{bar:30}] {percent:>3}% {eta}");
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
                bar.set_prefix(format!("{}/{count}", index + 1));
                bar.set_message((*input).to_owned());
                self.bar = Some(bar);
            }
            Event::Started { input, .. } => self.at_work = Some(((*input).to_owned(), Instant::now())),
            Event::Advanced { done, pixels, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_position(*done);
                }
                if let Some((input, last)) = &mut self.at_work
                    && last.elapsed() >= PACE
                {
                    *last = Instant::now();
                    say(&format!("{input}: {} %", 100 * done / (*pixels).max(1)));
                }
            }
            Event::Replacing(path) if self.names_replaced => {
                self.line(&format!("replacing {}", path.display()))
            }
            Event::Finished { report, .. } => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.at_work = None;
                finished_lines(report, &self.named).iter().for_each(|l| self.line(l));
            }
            _ => {}
        }
    }

    fn line(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }
}

/// Rows of each class, OOB error and seconds.
pub(super) fn training_lines(report: &TrainingReport, class_names: &[String]) -> Vec<String> {
    let rows: u64 = report.rows.iter().sum();
    let mut lines: Vec<String> = report
        .rows
        .iter()
        .enumerate()
        .map(|(class, count)| {
            let name = class_names.get(class).map_or("", String::as_str);
            format!(
                "  class {} {name}: {count} pixels{}",
                class + 1,
                if *count == 0 { " (none: never predicted)" } else { "" }
            )
        })
        .collect();
    let oob = report.oob_error.map_or("unknown".to_owned(), |error| format!("{:.2} %", 100.0 * error));
    lines.push(format!(
        "Trained on {rows} pixels and {} feature channels in {:.2} s; out-of-bag error {oob}",
        report.features, report.seconds
    ));
    lines
}

/// What became of an image; errors that were `named` before are not repeated.
fn finished_lines(report: &InputReport, named: &[String]) -> Vec<String> {
    if !report.errors.is_empty() {
        let new = report.errors.iter().filter(|error| !named.contains(error));
        return new.map(|error| format!("error: {error}")).collect();
    }
    report
        .outputs
        .iter()
        .map(|output| {
            let Some(first) = output.paths.first() else { return String::new() };
            let count = output.paths.len();
            let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
            format!("{} -> {}{more} ({:.2} s)", report.input, first.display(), report.seconds)
        })
        .collect()
}
