//! Looking around: zoom, pan, slices, channels, layers, contrast, panels.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::float_cmp)]

mod sim;

use brushwood::app::{AppEvent, Applet, CanvasGeometry, ChannelView, Effect, Focus};
use brushwood::data::Axis;
use brushwood::render::LayerKind;
use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
use sim::{Sim, lane};

fn volume() -> Sim {
    Sim::with_lanes(vec![lane("v", [4, 20, 30, 40, 3])])
}

#[test]
fn the_whole_slice_fits_at_first() {
    for shape in [[1, 30, 40], [1, 3000, 2000], [50, 30, 7]] {
        let sim = Sim::new(shape);
        let viewport = sim.app.viewport().unwrap();
        let [rows, columns] = viewport.visible(sim.app.extent());
        assert_eq!((rows, columns), ([0, shape[1]], [0, shape[2]]));
    }
}

#[test]
fn zooming_keeps_the_pixel_under_the_cursor_in_place() {
    let mut sim = Sim::new([1, 600, 800]);
    sim.at(150, 200);
    for keys in ["+", "+", "+", "-", "+", "+"] {
        let before = sim.app.viewport().unwrap().picture_at([150.5, 200.5]);
        sim.keys(keys);
        let after = sim.app.viewport().unwrap().picture_at([150.5, 200.5]);
        assert!((0..2).all(|i| (before[i] - after[i]).abs() < 1e-6), "{before:?} {after:?}");
    }
    let zoom = sim.app.view().unwrap().pane().zoom.unwrap();
    sim.mouse(MouseEventKind::ScrollUp, KeyModifiers::CONTROL, [140, 210]);
    assert!(sim.app.view().unwrap().pane().zoom.unwrap() > zoom);
    assert_eq!(sim.app.view().unwrap().cursor, [0, 0, 140, 210], "the cursor goes with the mouse");
    sim.keys("F");
    assert_eq!(sim.app.viewport().unwrap().visible([600, 800]), [[0, 600], [0, 800]]);
    sim.keys("O");
    assert_eq!(sim.app.view().unwrap().pane().zoom, Some(1.0));
}

#[test]
fn the_cursor_stays_on_the_image_and_in_view() {
    let mut sim = Sim::new([1, 600, 800]);
    sim.command("view.actual_size").at(300, 400).keys("+ + + +");
    for (keys, expected) in [("L L L right", [300, 431]), ("K up", [289, 431]), ("shift-down H", [299, 421])]
    {
        sim.keys(keys);
        assert_eq!(sim.app.view().unwrap().cursor[2..], expected);
        let at = sim.app.viewport().unwrap().picture_at(expected.map(|p| p as f64 + 0.5));
        let size = sim.app.canvas.picture;
        assert!((0..2).all(|i| (0.0..size[i] as f64).contains(&at[i])), "{at:?} in {size:?}");
    }
    for _ in 0..100 {
        sim.keys("H K");
    }
    assert_eq!(sim.app.view().unwrap().cursor, [0, 0, 0, 0]);
}

#[test]
fn slices_times_and_axes() {
    let mut sim = volume();
    assert_eq!(sim.app.view().unwrap().cursor, [0, 10, 15, 20]);
    sim.keys("ctrl-up ] }");
    assert_eq!(sim.app.view().unwrap().cursor[1], 19, "it ends at the last slice");
    sim.keys("[ ctrl-down");
    assert_eq!(sim.app.plane().unwrap().position, 17);
    sim.keys("home");
    assert_eq!(sim.app.plane().unwrap().position, 0);
    sim.keys("> > <");
    assert_eq!(sim.app.plane().unwrap().t, 1);
    sim.mouse(MouseEventKind::ScrollUp, KeyModifiers::NONE, [15, 20]);
    sim.mouse(MouseEventKind::ScrollUp, KeyModifiers::ALT, [15, 20]);
    assert_eq!(sim.app.plane().unwrap().position, 11);
    sim.keys("x");
    let plane = sim.app.plane().unwrap();
    assert_eq!((plane.axis, plane.position, plane.t), (Axis::X, 20, 1));
    assert_eq!(sim.app.extent(), [20, 30]);
    sim.keys("y end");
    assert_eq!(sim.app.plane().unwrap().position, 29);
    sim.command("view.go_to 3 4 5 2");
    assert_eq!(sim.app.view().unwrap().cursor, [2, 5, 4, 3]);
    sim.command("view.go_to 3 400");
    assert!(sim.message().contains("There is no pixel 3 400"), "{}", sim.message());
}

#[test]
fn what_is_said_of_a_channel_is_how_it_is_shown() {
    let shown = |mode: &str, channels: usize| {
        let mut lane = lane("stains", [1, 1, 30, 40, channels]);
        lane.lane.raw.display_mode = mode.into();
        Sim::with_lanes(vec![lane])
    };
    for (mode, words) in [
        ("grayscale", "in gray"),
        ("alpha-modulated", "in its colour"),
        ("binary-mask", "as a mask"),
        ("random-colortable", "with a colour for each value"),
    ] {
        let mut sim = shown(mode, 3);
        sim.keys("ctrl-n");
        assert_eq!(sim.message(), format!("Showing channel 2 of 3 {words}"), "{mode}");
    }
    let display = |sim: &Sim| sim.app.view().unwrap().display.clone();
    assert_eq!(display(&shown("rgba", 4)).shown(), [0, 1, 2], "a fourth channel is no light");
    assert_eq!(display(&shown("alpha-modulated", 1)).tints[0].color, [0, 255, 255]);
}

#[test]
fn channels_are_shown_together_and_one_by_one() {
    let mut sim = volume();
    let shown = |sim: &Sim| {
        let display = &sim.app.view().unwrap().display;
        (display.view, display.shown())
    };
    assert_eq!(shown(&sim), (ChannelView::Composite, vec![0, 1, 2]));
    sim.keys("ctrl-n");
    assert_eq!(shown(&sim), (ChannelView::Gray, vec![0]));
    sim.keys("ctrl-p ctrl-p");
    assert_eq!(shown(&sim), (ChannelView::Gray, vec![2]));
    sim.keys("ctrl-n");
    assert_eq!(shown(&sim), (ChannelView::Composite, vec![0, 1, 2]));
}

#[test]
fn half_blocks_have_pixels_that_are_not_square() {
    let mut sim = Sim::new([1, 40, 40]);
    let area = sim.app.canvas.area;
    let picture = [usize::from(area.height), usize::from(area.width)];
    sim.event(AppEvent::Canvas(CanvasGeometry { area, picture, pixel_aspect: 2.0 })).keys("F");
    let viewport = sim.app.viewport().unwrap();
    assert_eq!(viewport.zoom[1], 2.0 * viewport.zoom[0]);
    assert_eq!(viewport.visible([40, 40]), [[0, 40], [0, 40]]);
}

#[test]
fn better_graphics_show_the_same_part_of_the_slice() {
    let mut sim = Sim::new([1, 400, 400]);
    sim.command("view.actual_size").at(100, 120).keys("c +");
    let area = sim.app.canvas.area;
    let seen = |sim: &Sim| sim.app.viewport().unwrap().visible([400, 400]);
    let before = seen(&sim);
    let picture = [usize::from(area.height) * 2, usize::from(area.width)];
    sim.event(AppEvent::Canvas(CanvasGeometry { area, picture, pixel_aspect: 1.0 }));
    assert_eq!(seen(&sim), before);
    sim.fit_canvas();
    assert_eq!(seen(&sim), before);
}

#[test]
fn layers_have_ilastiks_defaults_and_keys() {
    let mut sim = Sim::new([1, 30, 40]);
    let kinds: Vec<LayerKind> = sim.app.layers.layers.iter().map(|layer| layer.kind).collect();
    assert_eq!(
        kinds,
        [
            LayerKind::Labels,
            LayerKind::Uncertainty,
            LayerKind::Segmentation(1),
            LayerKind::Segmentation(2),
            LayerKind::Prediction(1),
            LayerKind::Prediction(2),
            LayerKind::RawInput
        ]
    );
    let shown = |sim: &Sim| -> Vec<LayerKind> {
        sim.app.layers.layers.iter().filter(|l| l.visible).map(|l| l.kind).collect()
    };
    assert_eq!(shown(&sim), [LayerKind::Labels, LayerKind::RawInput]);
    sim.keys("p s u 0");
    assert_eq!(shown(&sim).len(), 6);
    assert!(sim.app.engine_goal().unwrap().predict);
    sim.keys("p s u 0 l");
    assert!(sim.app.layers.shows(LayerKind::Prediction(2)), "live update shows the probabilities");
    sim.keys("a");
    let added = sim.app.layers.layers.iter().find(|l| l.kind == LayerKind::Prediction(3)).unwrap();
    assert!(added.visible && added.opacity == 0.25, "a new class is shown as its group is");
    sim.keys("i");
    assert_eq!(sim.app.layers.layers[0].kind, LayerKind::RawInput);
    sim.keys("i");
    assert_eq!(sim.app.layers.layers.last().unwrap().kind, LayerKind::RawInput);
}

#[test]
fn the_panel_of_layers_sets_opacity_order_and_solo() {
    let mut sim = Sim::new([1, 30, 40]);
    sim.keys("tab tab");
    assert_eq!(sim.app.screen.focus, Focus::Layers);
    sim.keys("down space left left L H H");
    let layer = sim.app.layers.layers[1];
    assert_eq!((layer.kind, layer.visible), (LayerKind::Uncertainty, true));
    assert!((layer.opacity - 0.8).abs() < 1e-6, "{}", layer.opacity);
    sim.keys("K");
    assert_eq!(sim.app.layers.layers[0].kind, LayerKind::Uncertainty);
    sim.keys("o");
    let visible = sim.app.layers.layers.iter().filter(|l| l.visible).count();
    assert_eq!(visible, 2, "it and the image");
    sim.keys("o b");
    assert!(sim.app.layers.shows(LayerKind::Labels));
    sim.keys("backspace");
    assert_eq!(sim.app.layers.layers[0].kind, LayerKind::Labels);
}

#[test]
fn contrast_follows_the_slice_keys_numbers_and_the_mouse() {
    let mut sim = Sim::new([20, 30, 40]);
    assert_eq!(sim.app.display_range(0), (0.0, 65535.0), "until something is loaded");
    sim.load();
    assert_eq!(sim.app.display_range(0), (1000.0, 1329.0));
    sim.keys("]").load();
    assert_eq!(sim.app.display_range(0), (1000.0, 1429.0), "all that was seen");
    sim.keys("T");
    assert_eq!(sim.app.display_range(0), (1100.0, 1429.0), "this slice alone");
    sim.command("contrast.percentile 10");
    let (low, high) = sim.app.display_range(0);
    assert!(low > 1110.0 && high < 1420.0, "{low} {high}");
    sim.command("contrast.set 100 300");
    assert_eq!(sim.app.display_range(0), (100.0, 300.0));
    sim.keys("t right");
    assert_eq!(sim.app.display_range(0), (110.0, 310.0));
    sim.keys("left up");
    let (low, high) = sim.app.display_range(0);
    assert!((low - 90.0).abs() < 1e-9 && (high - 310.0).abs() < 1e-9, "{low} {high}");
    sim.command("contrast.set 100 300").drag(MouseButton::Left, &[[10, 10], [10, 20]]);
    let (low, high) = sim.app.display_range(0);
    assert!((high - low - 200.0).abs() < 1e-6 && low > 100.0, "across moves the level: {low} {high}");
    sim.command("contrast.set 100 300").drag(MouseButton::Left, &[[10, 10], [5, 10]]);
    let (low, high) = sim.app.display_range(0);
    assert!(high - low > 200.0 && (low + high - 400.0).abs() < 1e-6, "up widens: {low} {high}");
    sim.drag(MouseButton::Right, &[[10, 10]]);
    assert_eq!(sim.app.display_range(0), (1100.0, 1429.0));
    assert_eq!(sim.app.edits.depth(), 0, "display only");
    assert!(!sim.app.is_dirty());
}

#[test]
fn panels_fold_and_the_canvas_can_have_the_screen() {
    let mut sim = Sim::new([1, 30, 40]);
    let width = |sim: &Sim| brushwood::app::Layout::of(&sim.app).canvas.unwrap().width;
    let before = width(&sim);
    sim.keys("g l g r");
    assert!(width(&sim) > before + 40);
    sim.keys("\\");
    assert_eq!(width(&sim), 120);
    sim.keys("esc");
    assert!(width(&sim) < 120);
    sim.keys("g l f4");
    assert_eq!(sim.app.screen.applet, Applet::Export);
    sim.keys("g 3 tab");
    assert_eq!(sim.app.screen.focus, Focus::Labels);
    sim.keys("esc");
    assert_eq!(sim.app.screen.focus, Focus::Canvas);
}

#[test]
fn the_engine_hears_of_every_move() {
    let mut sim = volume();
    for keys in ["]", "right", "+", "W", "x", "p", "l"] {
        sim.take_effects();
        sim.keys(keys);
        let goals = sim.take_effects().iter().filter(|e| matches!(e, Effect::Goal)).count();
        assert_eq!(goals, 1, "{keys}");
    }
    sim.take_effects();
    sim.keys("? esc , b");
    assert!(sim.take_effects().is_empty());
}
