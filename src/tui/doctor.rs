//! `brushwood doctor`: what the terminal was asked, what it answered, and what brushwood will use.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, Instant};

use super::probing::Asked;
use crate::graphics::{Capabilities, ENCODERS, Probe, choose};

/// Asks the terminal and reports, as text for standard output. `graphics` and `cell` are the options
/// `--graphics` and `--cell-size`.
///
/// # Errors
/// There is no terminal, or it went away.
pub fn doctor(graphics: &str, cell: Option<[f64; 2]>) -> io::Result<String> {
    let begun = Instant::now();
    let Asked { tty, probe, environment, answering, .. } = Asked::of_terminal(cell, begun)?;
    tty.restore();
    let mut report = String::new();
    let variable = |value: &str| if value.is_empty() { "-".to_owned() } else { value.to_owned() };
    let cells = environment.cells;
    // Writing to a string does not fail.
    let _ = writeln!(report, "Environment");
    let _ = writeln!(report, "  TERM             {}", variable(&environment.term));
    let _ = writeln!(report, "  COLORTERM        {}", variable(&environment.colorterm));
    let _ = writeln!(report, "  program          {}", variable(&environment.program));
    let _ = writeln!(report, "  size             {} x {} cells", cells[0], cells[1]);
    report.push_str(&questions(&probe, answering));
    report.push_str(&answers(&probe, begun));
    report.push_str(&decision(graphics, &probe.capabilities()));
    Ok(report)
}

/// What was asked, byte by byte, and what came back.
fn questions(probe: &Probe, answering: Option<Duration>) -> String {
    let mut text = match answering {
        Some(time) => format!("Asked (first answer after {} ms)\n", time.as_millis()),
        None => "Asked\n".to_owned(),
    };
    for question in probe.questions() {
        let answers = match question.answers.as_slice() {
            [] => "no answer".to_owned(),
            answers => answers.join(", "),
        };
        let _ = writeln!(text, "  {:<32} {answers}", question.purpose);
        let _ = writeln!(text, "      {}", question.bytes.replace('\x1b', "ESC "));
    }
    text
}

fn answers(probe: &Probe, begun: Instant) -> String {
    let terminal = probe.capabilities();
    let yes = |answer: bool| if answer { "yes" } else { "no" };
    let mut text = format!("Found (after {} ms)\n", begun.elapsed().as_millis());
    let version = if terminal.version.is_empty() { "no answer" } else { &terminal.version };
    let cell = match &terminal.cell {
        Some(([width, height], source)) => format!("{width:.2} x {height:.2} pixels, {source}"),
        None => "unknown; --cell-size WxH tells it".to_owned(),
    };
    let registers = terminal.sixel_registers.map_or(String::new(), |n| format!(", {n} colour registers"));
    for (name, value) in [
        ("terminal", version.to_owned()),
        ("cell", cell),
        ("kitty graphics", yes(terminal.kitty).to_owned()),
        ("edits in place", yes(terminal.kitty_edit).to_owned()),
        ("placeholders", yes(terminal.kitty_placeholder).to_owned()),
        ("sixel", format!("{}{registers}", yes(terminal.sixel))),
        ("pixel mouse", yes(terminal.pixel_mouse).to_owned()),
        ("whole updates", yes(terminal.sync_2026).to_owned()),
        ("kitty keyboard", yes(terminal.kitty_keyboard).to_owned()),
        ("tmux", yes(terminal.tmux).to_owned()),
        ("UTF-8", yes(terminal.utf8).to_owned()),
    ] {
        let _ = writeln!(text, "  {name:<16} {value}");
    }
    text
}

fn decision(graphics: &str, terminal: &Capabilities) -> String {
    let mut text = String::from("Graphics\n");
    let Some(choice) = choose(graphics, terminal) else {
        let names: Vec<&str> = ENCODERS.iter().map(|kind| kind.id).collect();
        let _ = writeln!(text, "  there is no '{graphics}'; use auto, {}", names.join(", "));
        return text;
    };
    let _ = writeln!(text, "  uses             {}: {}", choice.kind.id, choice.kind.title);
    if let Some(obstacle) = choice.obstacle {
        let _ = writeln!(text, "  but              {obstacle}");
    }
    for (name, reason) in choice.passed_over {
        let _ = writeln!(text, "  not {name:<12} {reason}");
    }
    text
}
