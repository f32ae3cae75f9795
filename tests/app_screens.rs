//! What the screen says, at three sizes.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

mod sim;

use brushwood::app::inspect::Inspection;
use brushwood::app::lost::LostImage;
use brushwood::app::runs::{CheckFor, RunEvent, RunKind};
use brushwood::app::{AppEvent, Effect, JobEvent, JobOutput, Layout, Link, Opened, Problem};
use brushwood::batch::{InputSummary, OutputReport, PlanSummary};
use brushwood::classify::Forest;
use brushwood::data::revision::ForestRev;
use brushwood::engine::Event;
use brushwood::graphics::CellRect;
use brushwood::pipeline::ExportSource;
use brushwood::project::{DataRole, DatasetInfo, DatasetLocation};
use brushwood::tui::panels::{Drawn, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use sim::training::{explored, importing, label_image, measured, suggested};
use sim::{Sim, lane};
use std::sync::Arc;
use std::time::Duration;

fn render(sim: &Sim, theme: Theme) -> (Terminal<TestBackend>, Drawn) {
    let [columns, rows] = sim.app.screen.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    let mut drawn = Drawn::default();
    terminal.draw(|frame| drawn = draw(frame, &sim.app, &theme)).unwrap();
    (terminal, drawn)
}

fn volume() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("nuclei", [1, 21, 64, 80, 1])]);
    sim.load();
    sim
}

fn painted() -> Sim {
    let mut sim = volume();
    sim.keys("1 space 2 L space").command("label.rename nucleus").keys("right esc");
    sim.time(20_000);
    sim
}

fn live() -> Sim {
    let mut sim = painted();
    sim.keys("l");
    let forest = Arc::new(Forest { trees: Vec::new(), classes: vec![1, 2], feature_count: 61 });
    let trained_on = sim.app.edits.labels_rev;
    for (n, complete) in [(1, false), (2, true)] {
        sim.event(AppEvent::Engine(Event::ForestReady {
            forest: Arc::clone(&forest),
            revision: ForestRev(n),
            trained_on,
            complete,
            oob_error: complete.then_some(0.012),
        }));
    }
    sim.event(AppEvent::Engine(Event::TilesReady { done: 12, total: 40 }));
    let at = sim.app.view().unwrap().cursor;
    sim.event(AppEvent::Probabilities { lane: 0, at, values: vec![0.02, 0.98] });
    sim.event(AppEvent::Link(Link { rate: Some(2e6), round_trip: Some(Duration::from_millis(104)) }));
    sim.time(40_000);
    sim
}

fn with_keys(keys: &str) -> Sim {
    let mut sim = painted();
    sim.keys(keys);
    sim
}

fn quit() -> Sim {
    with_keys("ctrl-q")
}

fn error() -> Sim {
    let mut sim = painted();
    sim.event(AppEvent::Problem(Problem::new(
        "Can't add 'b.tif'",
        "it has 3 channels, the project's images have 1",
        "Convert it, or start a new project for it",
    )));
    sim
}

fn typing_path() -> Sim {
    let mut sim = with_keys("f1 R");
    sim.listing("", &["cells/", "nuclei.tif", "nuclei_2.tif"]).text("nu");
    sim
}

fn browsing() -> Sim {
    let mut sim = with_keys("f1 R");
    sim.text("images/").keys("ctrl-o");
    sim.listing("images/", &["cells/", ".hidden", "nuclei.tif", "nuclei_2.tif"]);
    sim.keys("down space down");
    sim
}

fn working() -> Sim {
    let mut sim = painted();
    sim.command("lane.add folder").time(25_000);
    let job = sim.app.jobs.running()[0].id;
    sim.event(AppEvent::Job(job, JobEvent::Progress(0.25)));
    sim
}

fn volume_with(keys: &str) -> Sim {
    let mut sim = volume();
    sim.keys(keys).time(20_000);
    sim
}

/// Five channels, of which the second is off and the third is chosen.
fn stained() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("stained", [1, 1, 30, 40, 5])]);
    sim.load().keys("C tab tab tab down space down").time(20_000);
    sim
}

fn features() -> Sim {
    with_keys("f2 down down right right right right right right space")
}

/// The features with their cost known.
fn costed() -> Sim {
    let mut sim = features();
    let asked = sim.take_effects().into_iter().rev().find_map(|effect| match effect {
        Effect::MeasureFeatures(request) => Some(request.revision),
        _ => None,
    });
    sim.event(AppEvent::FeatureCost(asked.unwrap(), 61.4));
    sim
}

/// Three images of three channels, one of them with a mask and one of them copied into the project.
fn images() -> Sim {
    let mut lanes = ["nuclei", "b", "c"].map(|name| lane(name, [1, 1, 64, 80, 3])).to_vec();
    lanes[1].lane.mask = Some(DatasetInfo { nickname: "b_mask".into(), ..lanes[1].lane.raw.clone() });
    lanes[1].source.mask = Some(Arc::clone(&lanes[1].source.raw));
    lanes[2].lane.raw.location = DatasetLocation::Internal("c".into());
    let mut sim = Sim::with_lanes(lanes);
    sim.load().keys("space f1").time(20_000);
    sim
}

fn images_then(keys: &str) -> Sim {
    let mut sim = images();
    sim.keys(keys);
    sim
}

fn adding(typed: &str, files: Result<Vec<String>, String>, datasets: &[&str]) -> Sim {
    let mut sim = images();
    sim.keys("a").text(typed);
    let first = files.is_ok().then(|| Ok(sim::info([1, 1, 64, 80, 3]))).filter(|_| datasets.is_empty());
    let datasets = datasets.iter().map(|name| (*name).to_owned()).collect();
    sim.event(AppEvent::Inspected(Box::new(Inspection {
        location: typed.into(),
        files,
        first,
        datasets,
        slow: None,
    })));
    sim
}

fn stack_to_add() -> Sim {
    let files = (0..12).map(|i| format!("scan/z{i:02}.png")).collect();
    let mut sim = adding("scan/*.png", Ok(files), &[]);
    sim.keys("tab right");
    sim
}

fn opening_images() -> Sim {
    let mut sim = images();
    sim.command("lane.add folder").keys("f1").time(25_000);
    let job = sim.app.jobs.running()[0].id;
    sim.event(AppEvent::Job(job, JobEvent::Progress(0.25)));
    sim
}

fn misfit() -> Sim {
    let mut sim = images();
    sim.lanes_opened(vec![lane("gray", [1, 1, 64, 80, 1])]).keys("f1");
    sim
}

/// An image of other channels was refused, and what was typed for it is there again.
fn refused() -> Sim {
    let mut sim = images();
    sim.keys("a").text("gray.tif");
    let found = || Inspection {
        location: "gray.tif".into(),
        files: Ok(vec!["gray.tif".into()]),
        first: Some(Ok(sim::info([1, 1, 64, 80, 1]))),
        datasets: Vec::new(),
        slow: None,
    };
    sim.event(AppEvent::Inspected(Box::new(found()))).keys("enter");
    sim.job_done(JobOutput::Lanes(vec![lane("gray", [1, 1, 64, 80, 1])], Vec::new()));
    sim.event(AppEvent::Inspected(Box::new(found())));
    sim
}

/// One image is slow to read, and the mask of another has other pixels.
fn cautious() -> Sim {
    let mut masked = sim::masked_lane("masked", [1, 1, 64, 80, 1], [0.5, 0.25]);
    masked.lane.mask.as_mut().unwrap().location = DatasetLocation::Absolute("/data/mask.tif".into());
    let mut sim = Sim::with_lanes(vec![sim::lane_in_one_piece("slide", [1, 1, 9000, 9000, 1]), masked]);
    sim.keys("f1 down").time(40_000);
    sim
}

fn browsing_with_a_picture() -> Sim {
    let mut sim = browsing();
    let location = "images/nuclei_2.tif";
    sim.event(AppEvent::Inspected(Box::new(Inspection {
        location: location.into(),
        files: Ok(vec![location.into()]),
        first: Some(Ok(sim::info([1, 1, 30, 40, 1]))),
        datasets: Vec::new(),
        slow: None,
    })));
    sim.event(AppEvent::ThumbnailMade(location.into(), Some(Ok(sim::thumbnail([30, 40])))));
    sim
}

fn lost() -> Sim {
    let lanes = ["a", "b"].map(|name| lane(name, [1, 1, 30, 40, 1]));
    let info = |i: usize| lanes[i].lane.raw.clone();
    let image = |i: usize, why: &str, changed| LostImage {
        lane: i,
        role: DataRole::RawData,
        info: info(i),
        location: format!("/data/{}.tif", ["a", "b"][i]),
        why: why.into(),
        changed,
    };
    let lost = vec![
        image(0, "there is no file '/data/a.tif'", false),
        image(1, "this is another image than the one that was labelled: its content differs", true),
    ];
    let mut project = brushwood::app::state::empty_project();
    project.path = Some("/data/p.ilp".into());
    project.lanes.extend(lanes.into_iter().map(|lane| lane.lane));
    let mut sim = Sim::with_lanes(Vec::new());
    sim.event(AppEvent::Opened(Ok(Box::new(Opened {
        project,
        sources: Vec::new(),
        save_to: None,
        journal: Vec::new(),
        journal_lanes: Vec::new(),
        lost,
        changed: false,
        problems: Vec::new(),
        access: Default::default(),
    }))));
    sim
}

fn data() -> Sim {
    let mut sim = Sim::with_lanes(vec![
        lane("nuclei", [1, 21, 64, 80, 1]),
        lane("a stack with a long name", [1, 30, 128, 128, 1]),
    ]);
    sim.load().keys("space 2 right space pagedown space f1").time(20_000);
    sim
}

/// After some keys on an image with labels of two classes, and the answer to what they started.
fn training(keys: &str, answered: impl Fn(&mut Sim)) -> Sim {
    let mut sim = sim::training::trainable();
    sim.load();
    sim.keys(keys);
    answered(&mut sim);
    sim.time(20_000);
    sim
}

/// What would be written of images: `b` exists, `c` can't be.
fn would_be(names: &[&str]) -> PlanSummary {
    let input = |name: &&str| InputSummary {
        name: (*name).into(),
        pixels: 1000,
        outputs: vec![OutputReport {
            source: ExportSource::Probabilities,
            paths: vec![format!("/data/{name}_Probabilities.h5").into()],
            axes: "zyxc".into(),
            shape: vec![21, 64, 80, 2],
            dtype: "float32",
        }],
        existing: (*name == "b")
            .then(|| format!("/data/{name}_Probabilities.h5").into())
            .into_iter()
            .collect(),
        problems: (*name == "c").then(|| "'c' has 3 channels, not 1".into()).into_iter().collect(),
    };
    PlanSummary {
        inputs: names.iter().map(input).collect(),
        commands: vec![
            "brushwood predict --project /data/nuclei.ilp --export-source Probabilities a b".into(),
        ],
        ..PlanSummary::default()
    }
}

/// Answers the newest check of a purpose.
fn answer(sim: &mut Sim, purpose: CheckFor, names: &[&str]) -> u64 {
    let checks = sim.take_effects().into_iter().filter_map(|effect| match effect {
        Effect::CheckRun(check) if check.purpose == purpose => Some(check.id),
        _ => None,
    });
    let id = checks.last().unwrap();
    sim.event(AppEvent::Run(id, RunEvent::Checked(purpose, Box::new(would_be(names)))));
    id
}

fn export() -> Sim {
    let mut sim = Sim::with_lanes(vec![lane("a", [1, 21, 64, 80, 1]), lane("b", [1, 21, 64, 80, 1])]);
    sim.load().keys("f4 down");
    answer(&mut sim, CheckFor::Panel(RunKind::Export), &["a", "b"]);
    sim.time(20_000);
    sim
}

fn settings_open() -> Sim {
    let mut sim = export();
    sim.keys("s tab tab ctrl-a ctrl-k").text("{nickname}_{result_type}");
    answer(&mut sim, CheckFor::Dialog, &["a", "b"]);
    sim
}

fn asked() -> Sim {
    let mut sim = export();
    sim.keys("a");
    answer(&mut sim, CheckFor::Run, &["a", "b"]);
    sim
}

macro_rules! screens {
    ($($name:ident: $sim:expr;)*) => {$(
        #[test]
        fn $name() {
            for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
                let sim = $sim.size(columns, rows);
                let (terminal, drawn) = render(&sim, Theme { color: true });
                insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                    insta::assert_snapshot!(
                        format!("{}_{columns}x{rows}", stringify!($name)),
                        format!("{}\ncanvas {:?}\nholes {:?}", terminal.backend(), drawn.canvas, drawn.holes)
                    );
                });
            }
        }
    )*};
}

screens! {
    fresh: volume();
    labels_painted: painted();
    live_updating: live();
    help: with_keys("?");
    palette: with_keys(": l i v e");
    quit_question: quit();
    error_message: error();
    features_panel: costed();
    features_busy: features();
    features_empty: with_keys("f2 0");
    features_error: with_keys("f2 left left down down space");
    features_none: { let mut sim = Sim::with_lanes(Vec::new()); sim.keys("f2"); sim };
    feature_list: images_then("f2 V");
    feature_presets: images_then("f2 P down down");
    channels_used: images_then("f2 c space");
    channels_used_error: images_then("f2 c space down space down space enter");
    data_panel: data();
    data_filled: images_then("down space down");
    data_empty: { let mut sim = Sim::with_lanes(Vec::new()); sim.keys("f1"); sim };
    data_busy: opening_images();
    data_error: misfit();
    add_images: stack_to_add();
    add_images_error: { let mut sim = adding("x.tif", Err("no file 'x.tif'".into()), &[]); sim.keys("enter"); sim };
    add_images_refused: refused();
    data_cautions: cautious();
    add_images_datasets: adding("v.h5", Ok(vec!["v.h5".into()]), &["raw", "volume/data"]);
    add_images_help: { let mut sim = adding("", Ok(Vec::new()), &[]); sim.keys("tab ?"); sim };
    properties: images_then("down p");
    properties_several: images_then("space down space p");
    properties_error: images_then("p tab ctrl-u y x enter");
    images_lost: lost();
    prompt: with_keys("tab enter");
    label_explorer: training("", explored);
    variable_importance: training("g v", measured);
    suggested_features: training("g f tab tab enter", suggested);
    label_dialog: training(": l a b e l . e d i t enter", |_| {});
    training_report: training("g n", |_| {});
    classifier: training("g t", |_| {});
    bookmarks: training(": b o o k m a r k . a d d space v enter g j", |_| {});
    path_dialog: typing_path();
    file_browser: browsing();
    file_browser_picture: browsing_with_a_picture();
    busy: working();
    messages: with_keys("f 9 ctrl-y n space g m");
    export_settings: settings_open();
    export_question: asked();
    batch_empty: with_keys("f5");
    import_labels: training("", |sim| importing(sim, label_image()));
    three_slices: volume_with("q");
    zoom_box: volume_with("Z right right down");
    pen_down: volume_with("v right right");
    channels: stained();
    one_class: volume_with("space l");
    fullscreen: with_keys("\\");
    fullscreen_message: with_keys("\\ 9");
    no_image: Sim::with_lanes(Vec::new());
}

#[test]
fn questions_show_all_their_choices_and_files() {
    for (width, height) in [(80, 24), (60, 20), (120, 40)] {
        let sim = asked().size(width, height);
        let text = render(&sim, Theme::default()).0.backend().to_string();
        for part in ["One of the files exists. Replace it?", "Cancel (c)", "Keep them (k)", "Replace (r)"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[test]
fn which_key_shows_what_may_follow() {
    let mut sim = painted();
    sim.keys("g").time(25_000);
    let sim = sim.size(80, 24);
    let (terminal, drawn) = render(&sim, Theme::default());
    let text = terminal.backend().to_string();
    assert!(
        text.contains("Fold or unfold the panel of") && text.contains("Show the messages so far"),
        "{text}"
    );
    assert_eq!(drawn.holes.len(), 1);
}

#[test]
fn without_colour_there_is_no_colour() {
    for color in [true, false] {
        let sim = live().size(80, 24);
        let (terminal, _) = render(&sim, Theme { color });
        let cells = &terminal.backend().buffer().content;
        let coloured = cells.iter().filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset).count();
        assert_eq!(coloured > 0, color, "{coloured} coloured cells");
        assert!(cells.iter().all(|cell| cell.bg == Color::Reset), "text stands on the terminal's own ground");
    }
    assert!(!Theme::for_no_color(Some("1")).color && Theme::for_no_color(Some("")).color);
}

#[test]
fn a_small_picture_has_a_place_of_its_own_in_the_browser() {
    for (columns, rows) in [(80, 24), (120, 40), (200, 60)] {
        let sim = browsing_with_a_picture().size(columns, rows);
        let (terminal, drawn) = render(&sim, Theme::default());
        let small = drawn.small.unwrap();
        assert!(small.width >= 16 && small.height >= 5, "{small:?}");
        for (x, y) in [(small.x, small.y), (small.x + small.width - 1, small.y + small.height - 1)] {
            assert_eq!(terminal.backend().buffer()[(x, y)].symbol(), " ", "no text below the picture");
        }
        // Under the explanation there is none, and none on a screen without room.
        let mut sim = sim;
        sim.keys("f1");
        assert_eq!(render(&sim, Theme::default()).1.small, None);
    }
    let sim = browsing_with_a_picture().size(48, 16);
    let (terminal, drawn) = render(&sim, Theme::default());
    assert_eq!(drawn.small, None);
    assert!(terminal.backend().to_string().contains("nuclei.tif"));
}

#[test]
fn any_size_is_drawn() {
    for columns in [1, 19, 20, 47, 80, 300] {
        for rows in [1, 6, 9, 24, 100] {
            for keys in
                ["", "?", ":", "ctrl-q", "f1", "f2", "f4", "f1 a", "f1 a ctrl-o", "tab enter", "g m", "\\"]
            {
                let sim = with_keys(keys).size(columns, rows);
                let (_, drawn) = render(&sim, Theme::default());
                let screen = CellRect { x: 0, y: 0, width: columns, height: rows };
                for area in drawn.canvas.iter().chain(&drawn.holes) {
                    assert!(area.x + area.width <= screen.width && area.y + area.height <= screen.height);
                }
            }
        }
    }
}

#[test]
fn clicks_reach_what_is_drawn() {
    let mut sim = painted();
    let layout = Layout::of(&sim.app);
    let (labels, layers) = (layout.labels.unwrap(), layout.layers.unwrap());
    let find = |sim: &Sim, text: &str| -> [i32; 2] {
        let (terminal, _) = render(sim, Theme::default());
        let screen = terminal.backend().to_string();
        let (row, line) = screen.lines().enumerate().find(|(_, line)| line.contains(text)).unwrap();
        let before = &line[..line.find(text).unwrap()];
        // Lines are printed in quotes.
        [before.chars().count() as i32 - 1, row as i32]
    };
    let [x, y] = find(&sim, "Label 1");
    assert!(Layout::holds(labels, [x, y]));
    sim.click(x, y);
    assert_eq!(sim.app.paint.label, 1);
    let [x, y] = find(&sim, "+ add");
    sim.click(x, y);
    assert_eq!(sim.app.project.classes.len(), 3);
    let [x, y] = find(&sim, "live update off");
    sim.click(x, y);
    assert!(sim.app.training.live);
    let [x, y] = find(&sim, "Uncertainty");
    assert!(Layout::holds(layers, [x, y]));
    sim.click(x, y);
    assert!(sim.app.layers.shows(brushwood::render::LayerKind::Uncertainty));
    let [x, y] = find(&sim, "2 Features");
    sim.click(x, y);
    let [_, y] = find(&sim, "Difference of Gaussians");
    let [x, _] = find(&sim, "1.6");
    let before = sim.app.shown_selection().selected[3][3];
    sim.click(x, y);
    assert_eq!(sim.app.shown_selection().selected[3][3], !before);
}
