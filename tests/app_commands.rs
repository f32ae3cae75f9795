//! Every command of the table does something, or says why not, and never fails.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::{Applet, Level, available};
use brushwood::command::TABLE;
use sim::{Sim, lane};

/// Arguments for the commands that take one.
fn argument(name: &str) -> &'static str {
    match name {
        "file.open" | "file.save_as" | "lane.add" => "other.ilp",
        "lane.show" | "label.select" => "2",
        "label.merge" => "1",
        "applet.show" => "3",
        "view.pan" | "cursor.move" | "cursor.leap" | "cursor.page" | "feature.move" => "right",
        "view.axis" => "x",
        "view.go_to" => "1 2 3 1",
        "brush.size" => "5",
        "bookmark.add" => "a vessel",
        "label.rename" => "nucleus membrane",
        "label.recolor" | "label.recolor_probability" | "channel.recolor" => "#102030",
        "layer.opacity" => "50",
        "contrast.set" => "10 200",
        "feature.scale_add" => "2.5",
        "feature.scale_set" => "0.8",
        _ => "",
    }
}

/// A state in which nearly everything can be done.
fn busy() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("a", [3, 20, 50, 60, 2]), lane("b", [3, 20, 50, 60, 2])]);
    sim.load().keys("a space 2 right right space U");
    sim.command("layer.select_by 1");
    sim
}

#[test]
fn every_command_has_a_handler_a_help_line_and_a_palette_entry() {
    for row in TABLE {
        let mut sim = busy();
        if row.name == "paint.fill" {
            // With the eraser, filling takes the patch under the cursor.
            sim.keys("space e");
        }
        let entries = sim.app.palette_entries(row.name);
        assert_eq!(entries[0].line.name, row.name, "the palette does not find {}", row.name);
        let before = sim.app.messages.entries().len();
        sim.keys("esc esc :").text(&format!("{} {}", row.name, argument(row.name))).keys("enter");
        let refused = sim.app.messages.entries()[before..].iter().any(|m| m.level != Level::Info);
        let expected = available(row.name, &busy().app).is_err();
        assert_eq!(refused, expected, "{}: {}", row.name, sim.message());
    }
}

#[test]
fn without_an_image_every_command_is_refused_or_harmless() {
    for row in TABLE {
        let mut sim = Sim::with_lanes(Vec::new());
        assert!(!sim.app.has_image());
        sim.command(&format!("{} {}", row.name, argument(row.name)));
        if let Err(reason) = available(row.name, &Sim::with_lanes(Vec::new()).app) {
            assert!(sim.message().contains(&reason.0), "{}: {}", row.name, sim.message());
        }
        assert!(sim.app.engine_goal().is_none());
    }
}

#[test]
fn commands_that_need_an_argument_ask_for_it() {
    let mut sim = busy();
    sim.keys("tab enter");
    sim.keys("ctrl-u").text("nucleus").keys("enter");
    assert_eq!(sim.app.selected_class().unwrap().name, "nucleus");
    sim.command("brush.size").keys("ctrl-u").text("many").keys("enter");
    assert_eq!(sim.app.popups.len(), 1, "a wrong argument keeps the line open");
    sim.keys("ctrl-u").text("9").keys("enter");
    assert_eq!(sim.app.paint.brush.diameter, 9);
}

#[test]
fn unavailable_keys_say_why() {
    let mut sim = Sim::new([1, 30, 30]);
    sim.keys("]");
    assert!(sim.message().contains("single slice"), "{}", sim.message());
    sim.keys("n space");
    assert!(sim.message().contains("take the brush"), "{}", sim.message());
    sim.keys("r");
    assert!(sim.message().contains("labels of 2 classes are needed, found 0"), "{}", sim.message());
}

#[test]
fn the_palette_completes_and_takes_short_names() {
    let mut sim = busy();
    sim.keys(":").text("dab").keys("enter");
    assert_eq!(sim.app.edits.depth(), 3, "the best entry is run");
    sim.keys(":").text("undo the").keys("tab enter");
    assert_eq!(sim.app.edits.depth(), 2);
    sim.take_effects();
    sim.keys(":").text("w").keys("enter");
    assert!(sim.take_effects().iter().any(|e| matches!(e, brushwood::app::Effect::Save(_))));
}

#[test]
fn sequences_wait_show_their_choices_and_end() {
    let mut sim = busy();
    sim.time(1000).keys("g");
    assert_eq!(sim.app.next_deadline().map(|d| d.as_millis()), Some(1400));
    assert!(!sim.app.screen.shows_which_key(sim.app.now));
    sim.time(1400);
    assert!(sim.app.screen.shows_which_key(sim.app.now));
    sim.keys("2");
    assert_eq!(sim.app.screen.applet, Applet::Features);
    sim.keys("g esc f3");
    assert_eq!(sim.app.screen.applet, Applet::Training);
    sim.keys("g w");
    assert!(sim.message().contains("No command on 'g w'"));
}

#[test]
fn the_help_filters_by_typing() {
    let mut sim = busy();
    sim.keys("?").text("undo");
    assert_eq!(sim.app.popups.len(), 1);
    sim.keys("esc");
    assert!(sim.app.popups.is_empty());
    assert_eq!(sim.app.edits.depth(), 2, "what was typed did nothing else");
}
