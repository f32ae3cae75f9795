//! A terminal whose font changes its size while a picture with an overlay is shown.

use std::time::Instant;

use crate::desktop::{Desktop, wait_until};
use crate::terminal::{Canvas, Terminal, difference, pixel};
use crate::{Nuclei, likeness, run_of, stroke};

/// Makes the font larger and smaller by keys (X names), and compares the screen with the picture each time.
pub fn change_size(name: &str, terminal: &Terminal, larger: &str, smaller: &str) {
    let nuclei = Nuclei::prepare();
    let desktops = Desktop::several();
    let window =
        Desktop::open_on_one(&desktops, terminal.class, &nuclei.command(terminal), nuclei.folder.path());
    let canvas = wait_until("the image on screen", || {
        let canvas = Canvas::from_log(&nuclei.log, terminal)?;
        (likeness(&window.screenshot(), &canvas, &nuclei.raw) > 0.95).then_some(canvas)
    });
    let line = run_of(&nuclei.truth, &canvas, false, 1, 50);
    stroke(&window, &canvas, line);
    let middle = [line[0][0], (line[0][1] + line[1][1]) / 2];
    let label = [255.0, 225.0, 25.0];
    let (low, high) = nuclei.raw.iter().fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let (_, height, width) = nuclei.raw.dim();
    // The stroke and pixels away from it and from the cursor, as they should be and as they are seen.
    let is_right = |canvas: &Canvas| {
        let shot = window.screenshot();
        let off = |slice: [usize; 2], color: [f64; 3]| {
            let at = canvas.window_at(slice);
            let inside = [shot.width(), shot.height()].map(i64::from);
            if (0..2).all(|i| (0..inside[i]).contains(&at[i])) {
                difference(pixel(&shot, at), color)
            } else {
                f64::INFINITY
            }
        };
        let mut gray = Vec::new();
        for row in (0..height).step_by(5).filter(|row| row.abs_diff(middle[0]) > 12) {
            for column in (0..width).step_by(5).filter(|&column| canvas.shows([row, column])) {
                let level = (nuclei.raw[[0, row, column]] - low) / (high - low) * 255.0;
                gray.push(off([row, column], [f64::from(level); 3]));
            }
        }
        let mean = gray.iter().sum::<f64>() / gray.len() as f64;
        gray.len() > 500 && mean < terminal.tolerance && off(middle, label) < terminal.tolerance
    };
    wait_until("the stroke on screen", || is_right(&canvas).then_some(()));
    let mut before = canvas.cell;
    // One step: with more of them the canvas no longer holds the stroke.
    for (key, grows) in [(larger, true), (smaller, false)] {
        window.keys(&[key]);
        let began = Instant::now();
        before = wait_until("the picture in cells of another size", || {
            let mut canvas = Canvas::from_log(&nuclei.log, terminal)?;
            let changed = canvas.cell != before && (canvas.cell[1] > before[1]) == grows;
            // kitty centres the cells in a window that is not a whole number of them.
            let shot = window.screenshot();
            for (i, size) in [shot.width(), shot.height()].into_iter().enumerate() {
                let rest = f64::from(size) - f64::from(canvas.screen[i]) * canvas.cell[i];
                let border = terminal.border.unwrap_or_default()[i] as f64;
                canvas.origin[i] += (rest / 2.0 - border).floor().max(0.0);
            }
            (changed && is_right(&canvas)).then_some(canvas.cell)
        });
        println!("{name}: right {} ms after {key}, cells of {before:?}", began.elapsed().as_millis());
    }
    window.keys(&["ctrl+q"]);
    window.text("d");
    window.wait_closed();
}
