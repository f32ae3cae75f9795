//! A person who labels an image: strokes, keys, pans and zooms from a seed, played into a session.

use std::path::Path;
use std::time::{Duration, Instant};

use brushwood::project::Project;

use super::session::Session;

/// Something the person does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Drags along pixels of the terminal.
    Stroke(Vec<[i32; 2]>),
    /// Types.
    Keys(&'static str),
    /// Makes the brush larger or smaller and waits for the screen to say so.
    Brush(&'static str),
}

/// `count` actions on a canvas whose pixels, on the terminal, start at `origin` and are `size` many.
pub fn actions(seed: u64, count: usize, origin: [i32; 2], size: [i32; 2]) -> Vec<Action> {
    let mut state = seed | 1;
    let mut below = move |n: i32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n as u64) as i32
    };
    let mut larger = false;
    let mut actions = Vec::new();
    for i in 0..count {
        if i % 3 == 2 {
            larger = !larger;
            actions.push(Action::Brush(if larger { "." } else { "," }));
            continue;
        }
        if below(3) == 0 {
            let keys = ["1", "2", "U", "+", "-", "W", "S", "A", "D", "%", "T", "F"];
            actions.push(Action::Keys(keys[below(keys.len() as i32) as usize]));
            continue;
        }
        let mut at = [0, 1].map(|i| origin[i] + below(size[i]));
        let step = [below(9) - 4, below(9) - 4];
        let mut path = vec![at];
        for _ in 0..10 + below(30) {
            at = [0, 1].map(|i| (at[i] + step[i] + below(3) - 1).clamp(origin[i], origin[i] + size[i] - 1));
            path.push(at);
        }
        actions.push(Action::Stroke(path));
    }
    actions
}

/// The brush's size as the screen tells it.
fn brush(screen: &str) -> Option<u32> {
    let (_, rest) = screen.split_once(" brush ")?;
    rest.split_whitespace().next()?.parse().ok()
}

/// Plays actions, one pointer event every `pace`; how long each change of the brush took to be seen.
pub fn play(session: &mut Session, actions: &[Action], pace: Duration) -> Vec<Duration> {
    let mut answers = Vec::new();
    for action in actions {
        match action {
            Action::Keys(keys) => {
                session.keys(keys);
                session.pump(Instant::now() + 10 * pace);
            }
            Action::Stroke(path) => {
                session.press(path[0]);
                for at in &path[1..] {
                    session.pump(Instant::now() + pace);
                    session.drag_to(*at);
                }
                session.release(path[path.len() - 1]);
                session.pump(Instant::now() + 5 * pace);
            }
            Action::Brush(key) => {
                let before = brush(&session.screen()).unwrap();
                let typed = Instant::now();
                session.keys(key);
                session.wait("the brush's new size", |t| {
                    brush(&t.text.screen().contents()).is_some_and(|size| size != before)
                });
                answers.push(typed.elapsed());
            }
        }
    }
    answers
}

/// Saves by key and ends the program; the project.
pub fn save(mut session: Session, project: &Path) -> Project {
    session.keys("\x13");
    session.wait_text("Saved");
    session.keys("\x11");
    assert_eq!(session.wait_end(), 0);
    Project::load(project).unwrap()
}

/// Whether the labels, classes and features of two projects are the same.
pub fn assert_same(a: &Project, b: &Project) {
    let labels = |project: &Project| project.lanes[0].labels.iter().collect::<Vec<_>>();
    assert_eq!(a.classes, b.classes);
    assert_eq!(a.selection, b.selection);
    assert!(!labels(a).is_empty(), "nothing was labelled");
    assert!(labels(a) == labels(b), "the labels differ");
}
