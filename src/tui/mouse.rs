//! From the terminal's mouse reports to places on the canvas.

use crate::app::{CanvasGeometry, MouseInput};
use crate::graphics::input::{Mouse, Position};
use crate::graphics::{CellRect, Placement};

/// The place of a mouse event, with cells of `cell` pixels (width, height).
pub(super) fn locate(mouse: &Mouse, cell: [f64; 2], canvas: &CanvasGeometry) -> MouseInput {
    let (at_cell, picture) = match mouse.position {
        Position::Cell { column, row } => ([column, row], None),
        Position::Pixel { x, y } => {
            let at = [f64::from(x) + 0.5, f64::from(y) + 0.5];
            let at_cell: [i32; 2] = std::array::from_fn(|i| (at[i] / cell[i]).floor() as i32);
            let area = canvas.area;
            let cells = CellRect { x: area.x, y: area.y, width: area.width, height: area.height };
            let size = Placement { area: cells, holes: Vec::new(), cell }.pixel_size();
            // Row and column: the picture's pixels may be larger than the terminal's. Where cells have no whole
            // size, terminals draw from a whole pixel on.
            let pixels = |i: usize, start: u16| {
                let origin = (f64::from(start) * cell[i]).floor();
                (at[i] - origin) * canvas.picture[1 - i] as f64 / size[i].max(1) as f64 - 0.5
            };
            (at_cell, Some([pixels(1, area.y), pixels(0, area.x)]))
        }
    };
    MouseInput { kind: mouse.kind, modifiers: mouse.modifiers, cell: at_cell, picture }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossterm::event::{KeyModifiers, MouseEventKind};
    use ratatui::layout::Rect;

    fn at(position: Position, picture: [usize; 2]) -> MouseInput {
        let mouse = Mouse { kind: MouseEventKind::Moved, position, modifiers: KeyModifiers::empty() };
        let canvas = CanvasGeometry { area: Rect::new(10, 2, 40, 20), picture, pixel_aspect: 1.0 };
        locate(&mouse, [9.0, 18.0], &canvas)
    }

    #[test]
    fn pixels_of_the_terminal_are_pixels_of_the_picture() {
        let place = at(Position::Pixel { x: 90 + 7, y: 36 + 20 }, [360, 360]);
        assert_eq!(place.cell, [10, 3]);
        assert_eq!(place.picture, Some([20.0, 7.0]));
    }

    #[test]
    fn cells_without_a_whole_size_move_nothing() {
        let mouse = |x, y| Mouse {
            kind: MouseEventKind::Moved,
            position: Position::Pixel { x, y },
            modifiers: KeyModifiers::empty(),
        };
        let canvas =
            CanvasGeometry { area: Rect::new(23, 2, 69, 37), picture: [592, 582], pixel_aspect: 1.0 };
        for (x, y) in [(0, 0), (1, 7), (300, 200), (580, 591)] {
            let place = locate(&mouse(193 + x, 32 + y), [8.426, 16.0], &canvas);
            assert_eq!(place.picture, Some([f64::from(y), f64::from(x)]));
        }
    }

    #[test]
    fn half_blocks_are_coarser() {
        let place = at(Position::Pixel { x: 90 + 13, y: 36 + 10 }, [40, 40]);
        let [row, column] = place.picture.expect("pixels");
        assert_eq!([row.round(), column.round()], [1.0, 1.0]);
        let outside = at(Position::Pixel { x: -5, y: 0 }, [40, 40]);
        assert_eq!(outside.cell, [-1, 0]);
    }

    #[test]
    fn cells_are_left_to_the_state() {
        assert_eq!(at(Position::Cell { column: 3, row: -1 }, [1, 1]).picture, None);
    }
}
