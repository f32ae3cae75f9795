//! The presets hold, and mistakes in keymaps are named.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use brushwood::command::help::{
    ShownHint, check, help_for, help_lines, hint_command, hints, list, markdown, without_plain_alternative,
};
use brushwood::command::keymap::PRESETS;
use brushwood::command::{Action, Chord, Command, Keymap, Lookup, Mode, TABLE};

#[test]
fn presets_have_no_mistakes_and_plain_keys_for_everything() {
    for (name, text) in PRESETS {
        let (keymap, mistakes) = Keymap::read(name, text);
        assert_eq!(mistakes, [], "{name}");
        assert_eq!(without_plain_alternative(&keymap), [], "{name}");
        assert_eq!(check(name, text), Vec::<String>::new());
    }
}

/// Commands that a preset need not bind: they are for the palette, or a key of another name does them.
const PALETTE_ONLY: &[&str] = &[
    "app.suspend",
    "brush.size",
    "contrast.full",
    "file.open",
    "file.save_quit",
    "lane.show",
    "layer.opacity",
    "layer.reset",
    "live.update_once",
    "app.redraw",
];

#[test]
fn every_preset_reaches_every_command() {
    for (name, _) in PRESETS {
        let keymap = Keymap::preset(name).unwrap();
        for line in help_lines(&keymap) {
            assert!(
                !line.keys.is_empty() || PALETTE_ONLY.contains(&line.name),
                "{name} has no key for {}",
                line.name
            );
        }
    }
}

#[test]
fn ilastiks_own_keys_do_what_they_do_there() {
    let keymap = Keymap::preset("ilastik").unwrap();
    for (keys, command) in [
        ("a", "label.add"),
        ("b", "tool.brush"),
        ("n", "tool.navigate"),
        ("e", "tool.eraser"),
        ("t", "tool.contrast"),
        ("l", "live.toggle"),
        ("p", "layer.predictions"),
        ("s", "layer.segmentation"),
        ("u", "layer.uncertainty"),
        ("i", "layer.raw_top"),
        ("0", "layer.labels"),
        ("7", "label.select 7"),
        (",", "brush.by -1"),
        (".", "brush.by 1"),
        ("+", "view.zoom_in"),
        ("-", "view.zoom_out"),
        ("ctrl-z", "edit.undo"),
        ("ctrl-y", "edit.redo"),
        ("ctrl-s", "file.save"),
        ("ctrl-q", "app.quit"),
        ("ctrl-up", "view.slice_by 1"),
        ("ctrl-down", "view.slice_by -1"),
        ("pageup", "lane.by -1"),
        ("pagedown", "lane.by 1"),
        ("ctrl-wheel-up", "view.zoom_in"),
        ("alt-wheel-down", "view.slice_by -10"),
        ("f2", "applet.show 2"),
    ] {
        let chord: Chord = keys.parse().unwrap();
        assert_eq!(
            keymap.lookup(Mode::Canvas, &[chord]),
            Lookup::Action(Action::parse(command).unwrap()),
            "{keys}"
        );
    }
}

#[test]
fn the_undo_key_of_terminals_suspends_in_vim_and_emacs() {
    for name in ["vim", "emacs"] {
        let keymap = Keymap::preset(name).unwrap();
        assert_eq!(
            keymap.lookup(Mode::Canvas, &["ctrl-z".parse().unwrap()]),
            Lookup::Action(Action::Run(Command::AppSuspend))
        );
    }
}

#[test]
fn mistakes_are_named_with_their_line_and_the_rest_holds() {
    let cases = [
        (
            "[canvas]\n\"b\" = \"tool.brsh\"",
            "my.toml line 2: no command 'tool.brsh'; did you mean 'tool.brush'?",
        ),
        ("extends = \"ilastic\"", "my.toml line 1: no preset 'ilastic'; there are ilastik, vim, emacs"),
        ("\n[canvsa]\n", "my.toml line 2: no section '[canvsa]'; did you mean '[canvas]'?"),
        (
            "[global]\n\"hyper-b\" = \"tool.brush\"",
            "my.toml line 2: 'hyper-b' is not a key; write keys as 'b', 'ctrl-z', 'shift-left', 'f1', 'space' or 'mouse-left'",
        ),
        ("[global]\nb = 3", "my.toml line 2: 'b' needs a command in quotes"),
        ("[global]\nb = \"label.select 0\"", "my.toml line 2: 'label.select' '0' is not a number from 1"),
        ("keys = 3", "my.toml line 1: 'keys' is not a setting; keys stand below a section such as [canvas]"),
        (
            "[canvas]\n\"b b\" = \"tool.brush\"\nb = \"tool.eraser\"",
            "my.toml line 3: 'b' in [canvas] hides 'b b'; bind one of them to \"none\"",
        ),
    ];
    for (text, message) in cases {
        let (_, mistakes) = Keymap::read("my.toml", text);
        let messages: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(messages, [message], "{text}");
        let (keymap, _) = Keymap::read("my.toml", text);
        if text.contains("extends") {
            continue;
        }
        assert_eq!(
            keymap.lookup(Mode::Canvas, &["l".parse().unwrap()]),
            Lookup::Action(Action::Run(Command::LiveToggle))
        );
    }
}

#[test]
fn broken_toml_is_named_and_what_stands_before_it_holds() {
    let (keymap, mistakes) = Keymap::read("my.toml", "[canvas]\n\"B\" = \"tool.brush\"\n\"e\" = = 3\n");
    assert_eq!(mistakes.first().map(|m| m.line), Some(3), "{mistakes:?}");
    assert_eq!(
        keymap.lookup(Mode::Canvas, &["B".parse().unwrap()]),
        Lookup::Action(Action::Run(Command::ToolBrush))
    );
}

#[test]
fn a_keymap_from_nothing_has_nothing_else() {
    let (keymap, mistakes) = Keymap::read("my.toml", "extends = []\n[canvas]\nb = \"tool.brush\"\n");
    assert_eq!((keymap.bindings().count(), mistakes.len()), (1, 0));
}

#[test]
fn own_keymaps_extend_presets_and_unbind() {
    let text = "extends = [\"vim\"]\n[canvas]\n\"b\" = \"none\"\n\"w w\" = \"label.select 2\"\n";
    let (keymap, mistakes) = Keymap::read("my.toml", text);
    assert_eq!(mistakes, []);
    let lookup = |keys: &str| {
        let chords: Vec<Chord> = keys.split(' ').map(|k| k.parse().unwrap()).collect();
        keymap.lookup(Mode::Canvas, &chords)
    };
    assert_eq!(lookup("b"), Lookup::Unbound);
    assert_eq!(lookup("w"), Lookup::Prefix);
    assert_eq!(lookup("w w"), Lookup::Action(Action::Run(Command::LabelSelect(2))));
    assert_eq!(lookup("e"), Lookup::Action(Action::Run(Command::ToolEraser)));
}

#[test]
fn every_command_has_a_help_line_and_the_texts_are_whole() {
    let keymap = Keymap::preset("ilastik").unwrap();
    let lines = help_lines(&keymap);
    assert_eq!(
        lines.iter().map(|l| l.name).collect::<Vec<_>>(),
        TABLE.iter().map(|r| r.name).collect::<Vec<_>>()
    );
    assert_eq!(list(&keymap).lines().count(), keymap.bindings().count());
    assert!(markdown(&keymap).contains("| `U, ctrl-z` | `edit.undo` |"), "{}", markdown(&keymap));
    let undo = lines.iter().find(|line| line.name == "edit.undo").unwrap();
    assert!(undo.matches("UNDO last") && !undo.matches("redo"));
}

#[test]
fn the_documentation_lists_the_keys_there_are() {
    let text = include_str!("../docs/keys.md");
    let table = &text[text.find("| Keys").unwrap()..];
    let new = markdown(&Keymap::preset("ilastik").unwrap());
    assert!(table == new, "docs/keys.md is out of date: see `brushwood keymap list --markdown`");
}

#[test]
fn hints_fit_and_always_lead_to_the_help() {
    for (name, _) in PRESETS {
        let keymap = Keymap::preset(name).unwrap();
        for (mode, _) in Mode::ALL {
            for width in [40, 80, 120, 200] {
                let hints = hints(&keymap, mode, width, |_| true);
                let size: usize = hints.iter().map(ShownHint::width).sum();
                assert!(size <= width, "{name} {mode:?} {width}: {size}");
                assert!(hints.iter().any(|hint| hint.label == "help" && !hint.keys_text().is_empty()));
            }
        }
    }
    let keymap = Keymap::preset("ilastik").unwrap();
    let canvas = hints(&keymap, Mode::Canvas, 80, |_| true);
    let first: Vec<String> =
        canvas.iter().map(|hint| format!("{} {}", hint.keys_text(), hint.label)).collect();
    assert_eq!(first[..5], ["b brush", "e erase", "1-9 label", "l live", "p/s/u overlays"]);
}

#[test]
fn each_key_of_a_hint_can_be_clicked() {
    let hints = hints(&Keymap::preset("ilastik").unwrap(), Mode::Canvas, 80, |_| true);
    let line: String = hints.iter().map(|hint| format!("{} {}  ", hint.keys_text(), hint.label)).collect();
    let at = |text: &str| hint_command(&hints, line.find(text).unwrap());
    assert_eq!(at("b brush"), Some("tool.brush"));
    assert_eq!(at("rush"), Some("tool.brush"));
    assert_eq!(at("p/s/u"), Some("layer.predictions"));
    assert_eq!(at("s/u"), Some("layer.segmentation"));
    assert_eq!(at("u overlays"), Some("layer.uncertainty"));
    assert_eq!(at(": commands"), Some("palette.open"));
    assert_eq!(at("  e erase"), None, "between two hints");
    assert_eq!(hint_command(&hints, line.len()), None);
}

#[test]
fn help_begins_with_the_panel_it_is_asked_in() {
    let keymap = Keymap::default();
    let all = help_lines(&keymap);
    for (mode, areas) in
        [(Mode::Export, vec!["export", "run"]), (Mode::Batch, vec!["batch", "run", "export"])]
    {
        let lines = help_for(&keymap, mode);
        assert_eq!(lines.len(), all.len());
        let mut shown: Vec<&str> = lines.iter().map(|line| line.area).collect();
        shown.dedup();
        assert_eq!(shown[..areas.len()], areas[..]);
    }
    assert_eq!(help_for(&keymap, Mode::Canvas), all);
}
