//! The capability query against scripted terminals: what is found, what is chosen, and that what the
//! user types meanwhile arrives.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use std::time::Duration;

use brushwood::graphics::input::{Event, Parser, Reply};
use brushwood::graphics::session::FenceAnswer;
use brushwood::graphics::{Brand, Capabilities, Colors, Environment, Probe, choose, session};
use crossterm::event::KeyCode;
use support::emulator::{Profile, Terminal};

/// Runs the query against a terminal, with keys typed into its answers at every place where they can be.
fn query(profile: Profile, typed: &str) -> (Probe, Capabilities, Terminal) {
    let environment = Environment {
        term: "xterm-256color".into(),
        utf8: true,
        cells: [profile.columns, profile.rows],
        ..Environment::default()
    };
    let mut probe = Probe::new(environment);
    let mut parser = Parser::new();
    let mut terminal = Terminal::new(profile);
    let mut events = Vec::new();
    terminal.feed(&probe.query_bytes());
    let mut characters = typed.chars();
    let at = Duration::from_millis(20);
    loop {
        let replies = terminal.take_replies();
        if replies.is_empty() {
            break;
        }
        // Keys arrive between whole replies: a terminal writes each at once.
        for reply in replies.split_inclusive(|b| matches!(b, b'c' | b't' | b'\\')) {
            parser.feed(reply, &mut events);
        }
        let mut text = [0; 4];
        if let Some(c) = characters.next() {
            parser.feed(c.encode_utf8(&mut text).as_bytes(), &mut events);
        }
        for event in
            events.iter().filter_map(|e| if let Event::Reply(r) = e { Some(r.clone()) } else { None })
        {
            if let Some(more) = probe.feed(&event, at) {
                terminal.feed(&more);
            }
        }
        events.retain(|e| !matches!(e, Event::Reply(_)));
    }
    parser.feed(characters.as_str().as_bytes(), &mut events);
    let keys: String = events
        .iter()
        .map(|e| match e {
            Event::Key(key) => match key.code {
                KeyCode::Char(c) => c,
                other => panic!("a key that nobody typed: {other:?}"),
            },
            other => panic!("unexpected {other:?}"),
        })
        .collect();
    assert_eq!(keys, typed, "what was typed is lost or has company");
    assert_eq!(terminal.problems, Vec::<String>::new());
    let found = probe.capabilities();
    (probe, found, terminal)
}

fn chosen(found: &Capabilities) -> &'static str {
    choose("auto", found).unwrap().kind.id
}

#[test]
fn each_terminal_gets_what_it_does_best() {
    let cases = [
        (Profile::kitty(), Brand::Kitty, "kitty", Some([10.0, 20.0])),
        (Profile::konsole(), Brand::Konsole, "kitty-tiles", Some([10.0, 20.0])),
        (Profile::xterm(), Brand::Xterm, "sixel", Some([10.0, 20.0])),
        (Profile { sixel: false, attributes: Some("64;1"), ..Profile::xterm() }, Brand::Xterm, "half", None),
        (Profile::iterm2(), Brand::Iterm2, "iterm2", Some([9.025, 17.0])),
        (Profile::xterm_js(), Brand::XtermJs, "sixel", Some([9.025, 17.0])),
        (Profile::tmux_in_kitty(), Brand::Tmux, "kitty-placeholder", Some([10.0, 20.0])),
        (Profile::tmux_in_old_kitty(), Brand::Tmux, "half", Some([10.0, 20.0])),
        (Profile::mute(), Brand::Unknown, "half", None),
    ];
    for (profile, brand, encoder, cell) in cases {
        let (_, found, _) = query(profile, "abq");
        assert_eq!(found.brand, brand);
        assert_eq!(chosen(&found), encoder, "{found:?}");
        assert_eq!(found.cell_size(), cell, "{found:?}");
    }
}

#[test]
fn terminals_known_by_name_have_all_colours() {
    for profile in [Profile::xterm(), Profile::tmux_in_old_kitty(), Profile::konsole()] {
        assert_eq!(query(profile, "").1.colors, Colors::True);
    }
    assert_eq!(query(Profile::mute(), "").1.colors, Colors::Indexed);
}

#[test]
fn modes_are_taken_only_from_the_terminals_word() {
    let (_, kitty, _) = query(Profile::kitty(), "");
    assert!(kitty.pixel_mouse && kitty.sync_2026 && kitty.kitty_keyboard && kitty.in_band_resize);
    let (_, konsole, _) = query(Profile::konsole(), "");
    assert!(!konsole.pixel_mouse && !konsole.sync_2026 && !konsole.kitty_keyboard);
}

#[test]
fn the_query_leaves_no_image_and_ends_when_answered() {
    let (probe, _, terminal) = query(Profile::kitty(), "");
    assert!(!terminal.holds_images());
    assert!(probe.is_over(Duration::from_millis(20)));
    let (probe, _, _) = query(Profile::mute(), "xyz");
    assert!(!probe.is_over(Duration::from_millis(999)));
    assert!(probe.is_over(Duration::from_secs(1)));
}

#[test]
fn a_session_leaves_no_mode_and_no_image() {
    for profile in [Profile::kitty(), Profile::xterm(), Profile::tmux_in_kitty(), Profile::mute()] {
        let (_, found, mut terminal) = query(profile, "");
        terminal.feed(&session::enter(&found, true));
        assert!(terminal.modes.contains(&1049) && terminal.modes.contains(&1006));
        // A program that dies in the middle of an update, of an image and of an escape.
        terminal.feed(b"\x1b[?2026h");
        if found.kitty && !found.tmux {
            terminal.feed(b"\x1b_Ga=t,i=42,f=100,q=2,m=1;AAAA\x1b\\\x1b_Gm=1;AA");
            assert!(terminal.is_torn());
        }
        terminal.feed(&session::leave(&found));
        let left: Vec<u32> = terminal.modes.iter().copied().filter(|m| *m != 25).collect();
        assert_eq!(left, Vec::<u32>::new());
        assert!(terminal.modes.contains(&25), "the cursor stays hidden");
        assert!(!terminal.is_torn());
    }
}

#[test]
fn the_fence_is_answered_by_its_number_and_never_by_a_key() {
    let tmux_without_kitty = Profile { kitty: false, ..Profile::tmux_in_kitty() };
    for profile in [Profile::kitty(), Profile::xterm(), Profile::tmux_in_kitty(), tmux_without_kitty] {
        let has_numbers = profile.around.is_none() || profile.kitty;
        let (_, found, mut terminal) = query(profile, "");
        for number in 0..session::FENCES {
            terminal.feed(&session::fence(&found, number));
            let mut events = Vec::new();
            Parser::new().feed(&terminal.take_replies(), &mut events);
            let [Event::Reply(reply)] = &events[..] else { panic!("{events:?}") };
            let answer = if has_numbers { FenceAnswer::Number(number) } else { FenceAnswer::Oldest };
            assert_eq!(session::fence_answer(reply), Some(answer));
        }
    }
    let other = Reply::CursorPosition { row: 5, column: 21 };
    assert_eq!(session::fence_answer(&other), None);
}
