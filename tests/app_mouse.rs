//! What the mouse can do beside the canvas: hints, the palette, questions, messages.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::layout::{Spot, choice_areas};
use brushwood::app::popups::Popup;
use brushwood::app::{Effect, Layout, Tool};
use brushwood::render::LayerKind;
use sim::Sim;

/// A cell of the screen where `spot` lies.
fn cell_of(sim: &Sim, spot: &Spot) -> [i32; 2] {
    let layout = Layout::of(&sim.app);
    let [columns, rows] = sim.app.screen.size.map(i32::from);
    let mut cells = (0..rows).flat_map(|row| (0..columns).map(move |column| [column, row]));
    cells
        .find(|&cell| layout.spot(&sim.app, cell) == *spot)
        .unwrap_or_else(|| panic!("no {spot:?} on screen"))
}

fn click_on(sim: &mut Sim, spot: &Spot) {
    let [column, row] = cell_of(sim, spot);
    sim.click(column, row);
}

#[test]
fn a_click_on_a_hint_does_what_its_key_does() {
    let mut sim = Sim::new([1, 30, 40]);
    click_on(&mut sim, &Spot::Hint("tool.eraser"));
    assert_eq!(sim.app.paint.tool, Tool::Eraser);
    click_on(&mut sim, &Spot::Hint("layer.uncertainty"));
    let uncertainty = sim.app.layers.layers.iter().find(|layer| layer.kind == LayerKind::Uncertainty);
    assert!(uncertainty.unwrap().visible, "the third key of 'p/s/u overlays'");
    click_on(&mut sim, &Spot::Hint("help.open"));
    assert!(matches!(sim.app.popups.last(), Some(Popup::Help { .. })));
}

#[test]
fn a_click_on_a_message_puts_it_away_and_the_hints_are_back() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("]");
    assert!(sim.app.messages.current(sim.app.now).is_some());
    click_on(&mut sim, &Spot::Message);
    assert!(sim.app.messages.current(sim.app.now).is_none());
    click_on(&mut sim, &Spot::Hint("tool.brush"));
}

#[test]
fn saving_and_leaving_need_no_key() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space");
    sim.take_effects();
    click_on(&mut sim, &Spot::ProjectName);
    let area = Layout::of(&sim.app).popup.unwrap();
    let entries = sim.app.palette_entries("file.");
    let save = entries.iter().position(|entry| entry.line.name == "file.save").unwrap();
    sim.click(i32::from(area.x) + 3, i32::from(area.y) + 2 + save as i32);
    assert!(sim.app.popups.is_empty());
    assert!(sim.take_effects().iter().any(|effect| matches!(effect, Effect::Save(_))));
    click_on(&mut sim, &Spot::ProjectName);
    sim.click(0, 30);
    assert!(sim.app.popups.is_empty(), "a click beside the palette leaves it");
}

#[test]
fn questions_are_answered_by_their_buttons_only() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("space ctrl-q");
    let area = Layout::of(&sim.app).popup.unwrap();
    let Some(Popup::Question(question)) = sim.app.popups.last() else { panic!("a question") };
    let cancel = choice_areas(area, question)[2];
    assert_eq!(question.choices()[2].0, "Cancel");
    sim.click(0, 0).click(i32::from(area.x) + 2, i32::from(area.y) + 1);
    assert_eq!(sim.app.popups.len(), 1, "a question stays until it is answered");
    sim.click(i32::from(cancel.x), i32::from(cancel.y));
    assert!(sim.app.popups.is_empty());
    assert!(!sim.take_effects().iter().any(|effect| matches!(effect, Effect::Quit)));
    sim.keys("ctrl-q");
    let Some(Popup::Question(question)) = sim.app.popups.last() else { panic!("a question") };
    let discard = choice_areas(area, question)[1];
    sim.click(i32::from(discard.right()) - 1, i32::from(discard.y));
    assert!(sim.take_effects().iter().any(|effect| matches!(effect, Effect::Quit)));
}
