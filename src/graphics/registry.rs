//! The encoders in order of preference, and the choice among them.

use super::ascii::Ascii;
use super::capabilities::{Brand, Capabilities};
use super::encoder::FrameEncoder;
use super::half_blocks::{Colors, HalfBlocks};
use super::iterm2::Iterm2;
use super::kitty::Kitty;
use super::kitty_tiles::KittyTiles;
use super::sixel::Sixel;

/// An entry of [`ENCODERS`].
pub struct EncoderKind {
    /// Its name, as `--graphics` takes it.
    pub id: &'static str,
    /// What it does, for `doctor` and help.
    pub title: &'static str,
    /// Why it cannot be used on a terminal, or nothing.
    pub obstacle: fn(&Capabilities) -> Option<&'static str>,
    /// Makes one for a terminal.
    pub create: fn(&Capabilities) -> Box<dyn FrameEncoder>,
}

/// Every encoder, the best first; the last works everywhere.
pub const ENCODERS: &[EncoderKind] = &[
    EncoderKind {
        id: "kitty",
        title: "kitty images, edited in place",
        obstacle: |t| match () {
            _ if t.tmux => Some("tmux stands between"),
            _ if !t.kitty => Some("no answer to kitty graphics"),
            _ if !t.kitty_edit => Some("the terminal does not edit images in place"),
            _ => unknown_cell(t),
        },
        create: |_| Box::new(Kitty::direct()),
    },
    EncoderKind {
        id: "kitty-placeholder",
        title: "kitty images through tmux",
        obstacle: |t| match () {
            _ if !t.tmux => Some("no tmux"),
            _ if !t.kitty => Some("no answer to kitty graphics through tmux (allow-passthrough off?)"),
            _ if !t.kitty_edit => Some("the terminal around tmux does not edit images in place"),
            _ if !t.kitty_placeholder => {
                Some("the terminal around tmux does not draw images by placeholders (kitty 0.28 does)")
            }
            _ => unknown_cell(t),
        },
        create: |_| Box::new(Kitty::in_tmux()),
    },
    EncoderKind {
        id: "iterm2",
        title: "iTerm2 inline images",
        obstacle: |t| match t.brand {
            _ if t.tmux => Some("tmux stands between"),
            Brand::Iterm2 | Brand::WezTerm => unknown_cell(t),
            _ => Some("not iTerm2 or WezTerm"),
        },
        create: |_| Box::new(Iterm2::new()),
    },
    EncoderKind {
        id: "kitty-tiles",
        title: "kitty images in tiles",
        obstacle: |t| match () {
            _ if t.tmux => Some("tmux stands between"),
            _ if !t.kitty => Some("no answer to kitty graphics"),
            _ => unknown_cell(t),
        },
        create: |_| Box::new(KittyTiles::new()),
    },
    EncoderKind {
        id: "sixel",
        title: "sixel",
        obstacle: |t| match () {
            _ if !t.sixel => Some("the terminal reported no sixel"),
            _ if t.tmux => Some("tmux keeps a few sixel pictures only and loses the others"),
            _ => unknown_cell(t),
        },
        create: |t| Box::new(Sixel::new(t.sixel_registers.unwrap_or(256), t.sixel_geometry, t.tmux)),
    },
    EncoderKind {
        id: "half",
        title: "half-block characters",
        obstacle: |t| match () {
            _ if t.colors == Colors::None => Some("no colours (NO_COLOR or TERM)"),
            _ if !t.utf8 => Some("the locale is not UTF-8"),
            _ => None,
        },
        create: |t| Box::new(HalfBlocks::new(t.colors)),
    },
    EncoderKind {
        id: "ascii",
        title: "ASCII characters",
        obstacle: |_| None,
        create: |t| Box::new(Ascii::new(t.colors)),
    },
];

fn unknown_cell(terminal: &Capabilities) -> Option<&'static str> {
    match terminal.cell_size() {
        Some(_) => None,
        None => Some("the size of a cell in pixels is unknown (--cell-size WxH tells it)"),
    }
}

/// Which encoder is used, and why.
pub struct Choice {
    /// The encoder.
    pub kind: &'static EncoderKind,
    /// Whether the user asked for it.
    pub asked: bool,
    /// What stands against the encoder itself, when the user asked for it all the same.
    pub obstacle: Option<&'static str>,
    /// The better ones, and why they were passed over.
    pub passed_over: Vec<(&'static str, &'static str)>,
}

/// The encoder called `wanted` (`auto` or a name), or none when no encoder has that name. `auto` takes
/// the first without an obstacle.
pub fn choose(wanted: &str, terminal: &Capabilities) -> Option<Choice> {
    let mut passed_over = Vec::new();
    for kind in ENCODERS {
        let obstacle = (kind.obstacle)(terminal);
        if wanted == kind.id {
            return Some(Choice { kind, asked: true, obstacle, passed_over: Vec::new() });
        }
        match obstacle {
            None if wanted == "auto" => {
                return Some(Choice { kind, asked: false, obstacle: None, passed_over });
            }
            None => {}
            Some(reason) => passed_over.push((kind.id, reason)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auto(change: impl Fn(&mut Capabilities)) -> &'static str {
        choose("auto", &Capabilities::sample(change)).expect("auto always finds one").kind.id
    }

    #[test]
    fn auto_takes_what_the_terminal_does_best() {
        assert_eq!(auto(|t| (t.kitty, t.kitty_edit) = (true, true)), "kitty");
        let in_tmux = |t: &mut Capabilities| (t.kitty, t.kitty_edit, t.tmux) = (true, true, true);
        assert_eq!(auto(in_tmux), "half", "without placeholders");
        let placing = |t: &mut Capabilities| (in_tmux(t), t.kitty_placeholder = true).0;
        assert_eq!(auto(placing), "kitty-placeholder");
        assert_eq!(auto(|t| (t.kitty, t.sixel) = (true, true)), "kitty-tiles");
        assert_eq!(auto(|t| (t.kitty, t.brand) = (true, Brand::WezTerm)), "iterm2");
        assert_eq!(auto(|t| t.sixel = true), "sixel");
        assert_eq!(auto(|t| (t.sixel, t.cell) = (true, None)), "half");
        assert_eq!(auto(|t| (t.sixel, t.tmux) = (true, true)), "half");
        assert_eq!(auto(|_| ()), "half");
        assert_eq!(auto(|t| t.colors = Colors::None), "ascii");
        assert_eq!(auto(|t| t.utf8 = false), "ascii");
    }

    #[test]
    fn a_name_is_obeyed_and_a_wrong_one_refused() {
        let choice = choose("sixel", &Capabilities::sample(|_| ())).expect("sixel exists");
        assert!(choice.asked && choice.obstacle.is_some());
        assert!(choose("sixl", &Capabilities::sample(|_| ())).is_none());
        for kind in ENCODERS {
            let made = (kind.create)(&Capabilities::sample(|_| ()));
            assert_eq!(made.id(), kind.id);
        }
    }
}
