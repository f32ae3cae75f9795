//! Decodes sixel pictures.

/// A decoded picture; pixels that were not set stay as they were on the screen.
pub struct Sixel {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<Option<[u8; 3]>>,
}

pub fn decode(parameters: &[u8], data: &[u8]) -> Result<Sixel, String> {
    let parameters = String::from_utf8_lossy(parameters);
    if parameters.split(';').nth(1) != Some("1") {
        return Err(format!("sixel parameters '{parameters}' clear what is below"));
    }
    let mut colors = [None; 256];
    let (mut width, mut height) = (0, 0);
    let mut pixels = Vec::new();
    let (mut x, mut y, mut register) = (0, 0, 0);
    let mut i = 0;
    let numbers = |i: &mut usize| -> Vec<usize> {
        let start = *i;
        while data.get(*i).is_some_and(|b| b.is_ascii_digit() || *b == b';') {
            *i += 1;
        }
        let text = String::from_utf8_lossy(&data[start..*i]).into_owned();
        text.split(';').filter_map(|n| n.parse().ok()).collect()
    };
    while i < data.len() {
        let byte = data[i];
        i += 1;
        let mut count = 1;
        let sixel = match byte {
            b'"' => {
                let [1, 1, w, h] = numbers(&mut i)[..] else { return Err("bad raster attributes".into()) };
                (width, height) = (w, h);
                pixels = vec![None; width * height];
                continue;
            }
            b'#' => {
                match numbers(&mut i)[..] {
                    [n] if n < 256 => register = n,
                    [n, 2, r, g, b] if n < 256 && r.max(g).max(b) <= 100 => {
                        // As xterm does it: stating a colour does not select its register.
                        colors[n] = Some([r, g, b].map(|p| ((p * 255 + 50) / 100) as u8));
                    }
                    ref other => return Err(format!("bad colour {other:?}")),
                }
                continue;
            }
            b'$' => {
                x = 0;
                continue;
            }
            b'-' => {
                (x, y) = (0, y + 6);
                continue;
            }
            b'!' => {
                count = numbers(&mut i).first().copied().unwrap_or(1);
                i += 1;
                *data.get(i - 1).ok_or("a repeat without sixel")?
            }
            other => other,
        };
        if !(b'?'..=b'~').contains(&sixel) {
            return Err(format!("byte {sixel} is no sixel"));
        }
        for _ in 0..count {
            for bit in 0..6 {
                if (sixel - b'?') >> bit & 1 == 1 {
                    if x >= width || y + bit >= height {
                        return Err(format!("pixel ({x}, {}) is outside {width}x{height}", y + bit));
                    }
                    let color = colors[register].ok_or(format!("register {register} is not defined"))?;
                    pixels[(y + bit) * width + x] = Some(color);
                }
            }
            x += 1;
        }
    }
    Ok(Sixel { width, height, pixels })
}
