//! Cells that stand for parts of a kitty image, so that tmux moves and hides the picture like text.
//!
//! Each is U+10EEEE with two combining marks for its row and column in the image; the text colour names
//! the image and the underline colour its placement.

use super::diff::CellGrid;
use super::encoder::CellRect;
use super::escape::{move_to, push};
use super::kitty::BASE_ID;

/// Placement id of the image that the cells stand for.
pub(crate) const PLACEMENT: u32 = 7;

/// The character that stands for a part of an image.
const PLACEHOLDER: char = '\u{10eeee}';

/// Writes the placeholder cells whose flag is set. Every cell carries both marks: with marks in a row's
/// first cell alone, whatever stands right of overwritten cells is garbled.
pub(crate) fn draw(cells: &CellGrid, area: CellRect, out: &mut Vec<u8>) {
    let mut text = [0; 4];
    let mut any = false;
    for run in cells.boxes([u16::MAX, 1]) {
        move_to(out, area.x.saturating_add(run.x), area.y.saturating_add(run.y));
        if !any {
            push(out, format_args!("\x1b[0;38;5;{BASE_ID}m\x1b[58:2::0:0:{PLACEMENT}m"));
            any = true;
        }
        for column in run.x..run.x + run.width {
            // The protocol has marks for 297 rows and columns; cells beyond stay blank.
            match (mark(run.y), mark(column)) {
                (Some(row), Some(column)) => {
                    for c in [PLACEHOLDER, row, column] {
                        out.extend_from_slice(c.encode_utf8(&mut text).as_bytes());
                    }
                }
                _ => out.push(b' '),
            }
        }
    }
    if any {
        out.extend_from_slice(b"\x1b[0m");
    }
}

/// The combining mark that stands for the number `n`.
fn mark(n: u16) -> Option<char> {
    MARKS.iter().flat_map(|(first, last)| *first..=*last).nth(usize::from(n))
}

/// Ranges of combining marks of class 230 in code order, as the protocol's table lists them: the n-th
/// mark stands for n.
const MARKS: [(char, char); 86] = [
    ('\u{305}', '\u{305}'),
    ('\u{30d}', '\u{30e}'),
    ('\u{310}', '\u{310}'),
    ('\u{312}', '\u{312}'),
    ('\u{33d}', '\u{33f}'),
    ('\u{346}', '\u{346}'),
    ('\u{34a}', '\u{34c}'),
    ('\u{350}', '\u{352}'),
    ('\u{357}', '\u{357}'),
    ('\u{35b}', '\u{35b}'),
    ('\u{363}', '\u{36f}'),
    ('\u{483}', '\u{487}'),
    ('\u{592}', '\u{595}'),
    ('\u{597}', '\u{599}'),
    ('\u{59c}', '\u{5a1}'),
    ('\u{5a8}', '\u{5a9}'),
    ('\u{5ab}', '\u{5ac}'),
    ('\u{5af}', '\u{5af}'),
    ('\u{5c4}', '\u{5c4}'),
    ('\u{610}', '\u{617}'),
    ('\u{657}', '\u{65b}'),
    ('\u{65d}', '\u{65e}'),
    ('\u{6d6}', '\u{6dc}'),
    ('\u{6df}', '\u{6e2}'),
    ('\u{6e4}', '\u{6e4}'),
    ('\u{6e7}', '\u{6e8}'),
    ('\u{6eb}', '\u{6ec}'),
    ('\u{730}', '\u{730}'),
    ('\u{732}', '\u{733}'),
    ('\u{735}', '\u{736}'),
    ('\u{73a}', '\u{73a}'),
    ('\u{73d}', '\u{73d}'),
    ('\u{73f}', '\u{741}'),
    ('\u{743}', '\u{743}'),
    ('\u{745}', '\u{745}'),
    ('\u{747}', '\u{747}'),
    ('\u{749}', '\u{74a}'),
    ('\u{7eb}', '\u{7f1}'),
    ('\u{7f3}', '\u{7f3}'),
    ('\u{816}', '\u{819}'),
    ('\u{81b}', '\u{823}'),
    ('\u{825}', '\u{827}'),
    ('\u{829}', '\u{82d}'),
    ('\u{951}', '\u{951}'),
    ('\u{953}', '\u{954}'),
    ('\u{f82}', '\u{f83}'),
    ('\u{f86}', '\u{f87}'),
    ('\u{135d}', '\u{135f}'),
    ('\u{17dd}', '\u{17dd}'),
    ('\u{193a}', '\u{193a}'),
    ('\u{1a17}', '\u{1a17}'),
    ('\u{1a75}', '\u{1a7c}'),
    ('\u{1b6b}', '\u{1b6b}'),
    ('\u{1b6d}', '\u{1b73}'),
    ('\u{1cd0}', '\u{1cd2}'),
    ('\u{1cda}', '\u{1cdb}'),
    ('\u{1ce0}', '\u{1ce0}'),
    ('\u{1dc0}', '\u{1dc1}'),
    ('\u{1dc3}', '\u{1dc9}'),
    ('\u{1dcb}', '\u{1dcc}'),
    ('\u{1dd1}', '\u{1de6}'),
    ('\u{1dfe}', '\u{1dfe}'),
    ('\u{20d0}', '\u{20d1}'),
    ('\u{20d4}', '\u{20d7}'),
    ('\u{20db}', '\u{20dc}'),
    ('\u{20e1}', '\u{20e1}'),
    ('\u{20e7}', '\u{20e7}'),
    ('\u{20e9}', '\u{20e9}'),
    ('\u{20f0}', '\u{20f0}'),
    ('\u{2cef}', '\u{2cf1}'),
    ('\u{2de0}', '\u{2dff}'),
    ('\u{a66f}', '\u{a66f}'),
    ('\u{a67c}', '\u{a67d}'),
    ('\u{a6f0}', '\u{a6f1}'),
    ('\u{a8e0}', '\u{a8f1}'),
    ('\u{aab0}', '\u{aab0}'),
    ('\u{aab2}', '\u{aab3}'),
    ('\u{aab7}', '\u{aab8}'),
    ('\u{aabe}', '\u{aabf}'),
    ('\u{aac1}', '\u{aac1}'),
    ('\u{fe20}', '\u{fe26}'),
    ('\u{10a0f}', '\u{10a0f}'),
    ('\u{10a38}', '\u{10a38}'),
    ('\u{1d185}', '\u{1d189}'),
    ('\u{1d1aa}', '\u{1d1ad}'),
    ('\u{1d242}', '\u{1d244}'),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_297_marks() {
        assert_eq!(mark(0), Some('\u{305}'));
        assert_eq!(mark(1), Some('\u{30d}'));
        assert_eq!(mark(296), Some('\u{1d244}'));
        assert_eq!(mark(297), None);
    }
}
