//! The parser of what terminals send, fed with everything they do send and with garbage.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use brushwood::graphics::input::{
    ESCAPE_TIMEOUT, Event, Mouse, MouseUnit, Parser, Position, Reply, SEQUENCE_TIMEOUT,
};
use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind};
use proptest::prelude::*;

fn parse(bytes: &[u8]) -> Vec<Event> {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    parser.feed(bytes, &mut events);
    parser.flush(Duration::from_secs(5), &mut events);
    events
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn plain(code: KeyCode) -> Event {
    key(code, KeyModifiers::NONE)
}

fn character(c: char) -> Event {
    plain(KeyCode::Char(c))
}

fn mouse(kind: MouseEventKind, column: i32, row: i32) -> Event {
    let position = Position::Cell { column, row };
    Event::Mouse(Mouse { kind, position, modifiers: KeyModifiers::NONE })
}

/// Bytes and the one event that they are.
fn known() -> Vec<(&'static [u8], Event)> {
    use KeyModifiers as M;
    let repeated = |kind| Event::Key(KeyEvent::new_with_kind(KeyCode::Char(' '), M::NONE, kind));
    let graphics = |id, frame, message: &str| {
        Event::Reply(Reply::KittyGraphics { id, frame, message: message.to_owned() })
    };
    vec![
        (b"a".as_slice(), character('a')),
        (b"A", key(KeyCode::Char('A'), M::SHIFT)),
        ("\u{e9}".as_bytes(), character('\u{e9}')),
        ("\u{20ac}".as_bytes(), character('\u{20ac}')),
        ("\u{1f52c}".as_bytes(), character('\u{1f52c}')),
        (b"\r", plain(KeyCode::Enter)),
        (b"\t", plain(KeyCode::Tab)),
        (b"\x7f", plain(KeyCode::Backspace)),
        (b"\x00", key(KeyCode::Char(' '), M::CONTROL)),
        (b"\x1a", key(KeyCode::Char('z'), M::CONTROL)),
        (b"\x1bx", key(KeyCode::Char('x'), M::ALT)),
        (b"\x1bX", key(KeyCode::Char('X'), M::ALT | M::SHIFT)),
        ("\x1b\u{e9}".as_bytes(), key(KeyCode::Char('\u{e9}'), M::ALT)),
        (b"\x1b[A", plain(KeyCode::Up)),
        (b"\x1bOA", plain(KeyCode::Up)),
        (b"\x1b[1;5B", key(KeyCode::Down, M::CONTROL)),
        (b"\x1b[1;10D", key(KeyCode::Left, M::SHIFT | M::SUPER)),
        (b"\x1b[H", plain(KeyCode::Home)),
        (b"\x1b[4~", plain(KeyCode::End)),
        (b"\x1b[5;3~", key(KeyCode::PageUp, M::ALT)),
        (b"\x1b[Z", key(KeyCode::BackTab, M::SHIFT)),
        (b"\x1bOP", plain(KeyCode::F(1))),
        (b"\x1b[15~", plain(KeyCode::F(5))),
        (b"\x1b[24;2~", key(KeyCode::F(12), M::SHIFT)),
        (b"\x1b[[C", plain(KeyCode::F(3))),
        (b"\x1b[1;2R", key(KeyCode::F(3), M::SHIFT)),
        (b"\x1b[27;5;105~", key(KeyCode::Char('i'), M::CONTROL)),
        (b"\x1b[27u", plain(KeyCode::Esc)),
        (b"\x1b[105;5u", key(KeyCode::Char('i'), M::CONTROL)),
        (b"\x1b[97:65;6u", key(KeyCode::Char('A'), M::CONTROL | M::SHIFT)),
        (b"\x1b[97;6u", key(KeyCode::Char('A'), M::CONTROL | M::SHIFT)),
        (b"\x1b[32;1:3u", repeated(KeyEventKind::Release)),
        (b"\x1b[32;1:2u", repeated(KeyEventKind::Repeat)),
        (b"\x1b[<0;3;4M", mouse(MouseEventKind::Down(MouseButton::Left), 2, 3)),
        (b"\x1b[<2;3;4m", mouse(MouseEventKind::Up(MouseButton::Right), 2, 3)),
        (b"\x1b[<32;0;0M", mouse(MouseEventKind::Drag(MouseButton::Left), -1, -1)),
        (b"\x1b[<32;-5;300M", mouse(MouseEventKind::Drag(MouseButton::Left), -6, 299)),
        (b"\x1b[<35;9;9M", mouse(MouseEventKind::Moved, 8, 8)),
        (b"\x1b[<64;9;9M", mouse(MouseEventKind::ScrollUp, 8, 8)),
        (b"\x1b[<65;99999999999;9M", mouse(MouseEventKind::ScrollDown, (1 << 30) - 1, 8)),
        (b"\x1b[I", Event::Focus(true)),
        (b"\x1b[O", Event::Focus(false)),
        (b"\x1b[200~a\x1b[Ab\r\x1b[201~", Event::Paste("a\x1b[Ab\r".into())),
        (b"\x1b[5;21R", Event::Reply(Reply::CursorPosition { row: 5, column: 21 })),
        (b"\x1b[2;1R", Event::Reply(Reply::CursorPosition { row: 2, column: 1 })),
        (b"\x1b[?1;2R", Event::Reply(Reply::CursorPosition { row: 1, column: 2 })),
        (b"\x1b[0n", Event::Reply(Reply::StatusOk)),
        (b"\x1b[?62;4;22c", Event::Reply(Reply::DeviceAttributes(vec![62, 4, 22]))),
        (b"\x1b[>1;4000;0c", Event::Reply(Reply::SecondaryAttributes(vec![1, 4000, 0]))),
        (b"\x1b[6;18;9t", Event::Reply(Reply::CellSize { width: 9, height: 18 })),
        (b"\x1b[4;720;900t", Event::Reply(Reply::WindowSize { width: 900, height: 720 })),
        (
            b"\x1b[48;40;100;720;900t",
            Event::Reply(Reply::Resized { columns: 100, rows: 40, pixels: [900, 720] }),
        ),
        (b"\x1b[?1016;2$y", Event::Reply(Reply::ModeReport { mode: 1016, state: 2 })),
        (
            b"\x1b[?2;0;480;312S",
            Event::Reply(Reply::GraphicsAttribute { item: 2, status: 0, values: vec![480, 312] }),
        ),
        (b"\x1b[?3u", Event::Reply(Reply::KeyboardFlags(3))),
        (b"\x1bP>|XTerm(379)\x1b\\", Event::Reply(Reply::XtVersion("XTerm(379)".into()))),
        (b"\x1b_Gi=2;OK\x1b\\", graphics(2, None, "OK")),
        (b"\x1b_Gi=42,r=1;ENOENT:no\x1b\\", graphics(42, Some(1), "ENOENT:no")),
        // Terminals that were told to send 8-bit controls, plain or as characters.
        (b"\x9b1;5B", key(KeyCode::Down, M::CONTROL)),
        (b"\x9b1;3A", key(KeyCode::Up, M::ALT)),
        (b"\x8fP", plain(KeyCode::F(1))),
        (b"\x9b2;7R", Event::Reply(Reply::CursorPosition { row: 2, column: 7 })),
        (b"\xc2\x9b?64;4c", Event::Reply(Reply::DeviceAttributes(vec![64, 4]))),
        (b"\x90>|XTerm(379)\x9c", Event::Reply(Reply::XtVersion("XTerm(379)".into()))),
        (b"\xc2\x90>|a\xc2\x9c", Event::Reply(Reply::XtVersion("a".into()))),
        (b"\x9fGi=42;OK\x9c", graphics(42, None, "OK")),
        (b"\x9b200~a\xc3\xa9\x1b[201~b\x9b201~", Event::Paste("a\u{e9}\x1b[201~b".into())),
        (b"\x9b<0;3;4M", mouse(MouseEventKind::Down(MouseButton::Left), 2, 3)),
        // Terminals that do not know mode 1006.
        (b"\x1b[M !!", mouse(MouseEventKind::Down(MouseButton::Left), 0, 0)),
        (b"\x1b[MB\xff#", mouse(MouseEventKind::Drag(MouseButton::Right), 222, 2)),
        (b"\x1b[M#+,", mouse(MouseEventKind::Up(MouseButton::Left), 10, 11)),
        (b"\x1b[MC+,", mouse(MouseEventKind::Moved, 10, 11)),
        (b"\x9bMa+,", mouse(MouseEventKind::ScrollDown, 10, 11)),
    ]
}

#[test]
fn everything_known_is_understood() {
    for (bytes, event) in known() {
        assert_eq!(parse(bytes), vec![event], "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn pixels_count_from_the_terminals_own_origin() {
    for (origin, expected) in [(0, 0), (1, -1)] {
        let mut parser = Parser::new();
        parser.set_mouse_unit(MouseUnit::Pixels { origin });
        let mut events = Vec::new();
        parser.feed(b"\x1b[<0;0;5M", &mut events);
        let Event::Mouse(mouse) = &events[0] else { panic!("{events:?}") };
        assert_eq!(mouse.position, Position::Pixel { x: expected, y: 5 - origin });
    }
}

#[test]
fn a_report_of_the_mode_parts_cells_from_pixels() {
    let mut parser = Parser::new();
    parser.set_mouse_unit_after_report(MouseUnit::Pixels { origin: 0 });
    let mut events = Vec::new();
    parser.feed(b"\x1b[<0;7;5M\x1b[?2026;1$y\x1b[<32;8;5M\x1b[?1016;1$y\x1b[<32;80;50M", &mut events);
    let positions: Vec<Position> = events
        .iter()
        .filter_map(|event| if let Event::Mouse(mouse) = event { Some(mouse.position) } else { None })
        .collect();
    let cells = [6, 7].map(|column| Position::Cell { column, row: 4 });
    assert_eq!(positions, [cells[0], cells[1], Position::Pixel { x: 80, y: 50 }]);
}

#[test]
fn escape_waits_for_what_may_follow() {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    parser.feed(b"\x1b", &mut events);
    assert_eq!(parser.timeout(), Some(ESCAPE_TIMEOUT));
    parser.flush(ESCAPE_TIMEOUT / 2, &mut events);
    assert!(events.is_empty());
    parser.flush(ESCAPE_TIMEOUT, &mut events);
    assert_eq!(events, vec![plain(KeyCode::Esc)]);
    assert_eq!(parser.timeout(), None);
    parser.feed(b"[", &mut events);
    parser.flush(ESCAPE_TIMEOUT, &mut events);
    assert_eq!(events[1..], [character('[')], "a key typed after Escape");
}

#[test]
fn a_reply_torn_behind_its_escape_is_no_keys() {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    parser.feed(b"\x1b", &mut events);
    parser.flush(ESCAPE_TIMEOUT, &mut events);
    parser.feed(b"[5;21R", &mut events);
    parser.feed(b"q", &mut events);
    let reply = Event::Reply(Reply::CursorPosition { row: 5, column: 21 });
    assert_eq!(events, vec![plain(KeyCode::Esc), reply, character('q')]);
}

#[test]
fn escape_typed_twice_is_two_keys() {
    assert_eq!(parse(b"\x1b\x1b"), vec![plain(KeyCode::Esc); 2]);
    assert_eq!(parse(b"\x1b\x1b[A"), vec![plain(KeyCode::Esc), plain(KeyCode::Up)]);
    assert_eq!(parse(b"\x1b["), vec![key(KeyCode::Char('['), KeyModifiers::ALT)]);
    assert_eq!(parse(b"\x1bO"), vec![key(KeyCode::Char('O'), KeyModifiers::ALT | KeyModifiers::SHIFT)]);
}

#[test]
fn garbage_keeps_the_keys_behind_it() {
    let garbage: [&[u8]; 14] = [
        b"\x84",
        b"\x9b?1;2",
        b"\x9fGi=1;O",
        b"\x1b[M!",
        b"\xff\xfe",
        b"\x80",
        b"\xe2\x82",
        b"\x1b[999;999;999z",
        b"\x1b[?1;2;3",
        b"\x1b]11;rgb:00/00",
        b"\x1bP1$r",
        b"\x1b_Gi=1;O",
        b"\x1b[<1;2",
        b"\x1b\\",
    ];
    for bytes in garbage {
        let mut all = bytes.to_vec();
        // A control code and an escape sequence end whatever was begun.
        all.extend_from_slice(b"\r\x1b[Aq");
        let events = parse(&all);
        let tail = [plain(KeyCode::Enter), plain(KeyCode::Up), character('q')];
        assert_eq!(events, tail, "behind {:?}", String::from_utf8_lossy(bytes));
        // And a pause does.
        let mut parser = Parser::new();
        let mut events = Vec::new();
        parser.feed(bytes, &mut events);
        parser.flush(SEQUENCE_TIMEOUT, &mut events);
        parser.feed(b"q", &mut events);
        assert_eq!(events, [character('q')], "after a pause behind {:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_mode_report_does_not_swallow_keys() {
    let events = parse(b"\x1b[?1016;2$yxyq");
    assert_eq!(events[1..], ['x', 'y', 'q'].map(character));
}

#[test]
fn a_paste_without_end_is_bounded_in_size_and_time() {
    let mut parser = Parser::new();
    let mut events = Vec::new();
    parser.feed(b"\x1b[200~", &mut events);
    parser.feed(&vec![b'x'; 3 << 20], &mut events);
    assert_eq!(events.len(), 2, "two whole pieces of a megabyte");
    parser.flush(SEQUENCE_TIMEOUT, &mut events);
    parser.feed(b"q", &mut events);
    let length: usize =
        events.iter().filter_map(|e| if let Event::Paste(t) = e { Some(t.len()) } else { None }).sum();
    assert_eq!(length, 3 << 20);
    assert_eq!(events.last(), Some(&character('q')));
}

#[test]
fn a_graphics_reply_that_lost_its_start_in_tmux_is_no_keys() {
    let mut parser = Parser::new();
    parser.set_headless_replies(true);
    let mut events = Vec::new();
    parser.feed(b"Gi=42,r=1;OK\x1b\\q", &mut events);
    parser.feed(b"G", &mut events);
    parser.flush(ESCAPE_TIMEOUT, &mut events);
    let reply = Event::Reply(Reply::KittyGraphics { id: 42, frame: Some(1), message: "OK".into() });
    assert_eq!(events, vec![reply, character('q'), key(KeyCode::Char('G'), KeyModifiers::SHIFT)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Any mixture of keys, replies and pastes gives exactly its events, wherever it is cut.
    #[test]
    fn mixtures_are_understood_wherever_they_are_cut(picks in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
                                                     cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let known = known();
        let chosen: Vec<_> = picks.iter().map(|i| i.get(&known)).collect();
        let bytes: Vec<u8> = chosen.iter().flat_map(|(b, _)| b.iter().copied()).collect();
        let expected: Vec<Event> = chosen.iter().map(|(_, e)| e.clone()).collect();
        let mut parser = Parser::new();
        let mut events = Vec::new();
        let mut places: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).collect();
        places.sort_unstable();
        let mut start = 0;
        for place in places.into_iter().chain([bytes.len()]) {
            parser.feed(&bytes[start..place], &mut events);
            start = place;
        }
        prop_assert_eq!(events, expected);
        prop_assert_eq!(parser.timeout(), None);
    }

    /// Garbage of the bytes that matter: nothing panics, cuts make no difference, and after a pause the
    /// next key is a key.
    #[test]
    fn garbage_neither_panics_nor_blocks(bytes in prop::collection::vec(prop_oneof![
        3 => prop::sample::select(b"\x1b\x1b[[]<>?OPG_\\;:0123456789~uMmRctyhn$ \x07\r".to_vec()),
        1 => any::<u8>(),
    ], 0..200), cut in any::<prop::sample::Index>()) {
        let mut whole = Parser::new();
        let mut events = Vec::new();
        whole.feed(&bytes, &mut events);
        let mut parts = Parser::new();
        let mut same = Vec::new();
        let cut = cut.index(bytes.len() + 1);
        parts.feed(&bytes[..cut], &mut same);
        parts.feed(&bytes[cut..], &mut same);
        prop_assert_eq!(&events, &same);
        whole.flush(Duration::from_secs(9), &mut events);
        prop_assert_eq!(whole.timeout(), None);
        whole.feed(b"q", &mut events);
        prop_assert_eq!(events.last(), Some(&character('q')));
    }
}

/// Mixtures and garbage from a seed, as many rounds as the environment says; unset, a quick run:
/// `BRUSHWOOD_FUZZ_SEED=1 BRUSHWOOD_FUZZ_ROUNDS=1000000 cargo test --test graphics_input -- --nocapture`.
#[test]
#[allow(clippy::print_stdout)]
fn rounds_of_mixtures_and_garbage() {
    let number =
        |name: &str, usual: u64| std::env::var(name).map_or(usual, |text| text.parse().expect("a number"));
    let (seed, rounds) = (number("BRUSHWOOD_FUZZ_SEED", 1), number("BRUSHWOOD_FUZZ_ROUNDS", 20_000));
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = move |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    let known = known();
    let special = b"\x1b\x1b[[]<>?OPG_\\;:0123456789~uMmRctyhn$ \x07\r\x18\x9c\xc3\xe2\xf0";
    let (mut fed, mut seen) = (0_usize, 0_usize);
    for round in 0..rounds {
        // Known sequences, cut anywhere: exactly their events.
        let chosen: Vec<_> = (0..below(12)).map(|_| &known[below(known.len())]).collect();
        let bytes: Vec<u8> = chosen.iter().flat_map(|(b, _)| b.iter().copied()).collect();
        let mut parser = Parser::new();
        let mut events = Vec::new();
        let mut start = 0;
        while start < bytes.len() {
            let end = (start + 1 + below(9)).min(bytes.len());
            parser.feed(&bytes[start..end], &mut events);
            start = end;
        }
        let expected: Vec<&Event> = chosen.iter().map(|(_, event)| event).collect();
        assert!(events.iter().eq(expected), "seed {seed}, round {round}: {bytes:?} became {events:?}");
        seen += events.len();
        fed += bytes.len();

        // Garbage, and the keys behind it.
        let garbage: Vec<u8> = (0..below(120))
            .map(|_| if below(4) == 0 { below(256) as u8 } else { special[below(special.len())] })
            .collect();
        let mut parser = Parser::new();
        parser.set_headless_replies(below(2) == 0);
        let mut events = Vec::new();
        let cut = below(garbage.len() + 1);
        parser.feed(&garbage[..cut], &mut events);
        parser.feed(&garbage[cut..], &mut events);
        parser.flush(Duration::from_secs(9), &mut events);
        assert_eq!(parser.timeout(), None, "seed {seed}, round {round}: {garbage:?} blocks");
        parser.feed(b"q", &mut events);
        assert_eq!(events.last(), Some(&character('q')), "seed {seed}, round {round}: {garbage:?}");
        fed += garbage.len();
    }
    println!("seed {seed}: {rounds} rounds, {fed} bytes, {seen} events: every one as expected");
}
