//! The kitty graphics protocol: images, edits, placements, placeholders.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use base64::Engine;

use super::Screenshot;

pub const PLACEHOLDER: char = '\u{10eeee}';

#[derive(Clone, Debug)]
struct Image {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 4]>,
    /// Sent without alpha: it cannot become transparent.
    opaque: bool,
}

#[derive(Clone, Debug)]
struct Placed {
    image: u32,
    id: u32,
    at: [usize; 2],
    /// The part of the image shown: x, y, width, height; all of it without.
    part: Option<[usize; 4]>,
    z: i32,
    /// Drawn by placeholder cells.
    is_virtual: bool,
    /// Hangs on another placement.
    parent: Option<(u32, u32)>,
}

/// What of the protocol a terminal knows.
#[derive(Clone, Copy)]
pub struct Knows {
    pub edits: bool,
    pub placeholders: bool,
}

#[derive(Default)]
pub struct Images {
    images: BTreeMap<u32, Image>,
    placed: Vec<Placed>,
    loading: Option<(HashMap<String, String>, Vec<u8>)>,
}

impl Images {
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    pub fn clear_screen(&mut self) {
        self.placed.retain(|p| p.is_virtual);
    }

    pub fn command(
        &mut self,
        body: &[u8],
        (at, cell): ([usize; 2], [f64; 2]),
        knows: Knows,
        replies: &mut Vec<u8>,
        problems: &mut Vec<String>,
    ) {
        let end = body.iter().position(|b| *b == b';').unwrap_or(body.len());
        let payload = body.get(end + 1..).unwrap_or(&[]);
        if payload.len() > 4096 {
            problems.push(format!("a chunk of {} bytes", payload.len()));
        }
        let keys: HashMap<String, String> = String::from_utf8_lossy(&body[..end])
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect();
        if keys.contains_key("U") && !knows.placeholders {
            // A command with an unknown key is refused without an answer.
            if keys.get("a").is_none_or(|a| a != "q") {
                problems.push(format!("placeholders, which are unknown: {keys:?}"));
            }
            return;
        }
        if keys.get("a").is_some_and(|a| a == "d") {
            // Deleting gives up an image that was being sent.
            self.loading = None;
        }
        let more = keys.get("m").is_some_and(|m| m == "1");
        let (keys, data) = match self.loading.take() {
            Some((first, mut data)) => {
                let is_edit = first.get("a").is_some_and(|a| a == "f");
                let named = ["a", "i", "r"].iter().all(|k| keys.get(*k) == first.get(*k));
                if is_edit && !named {
                    problems.push(format!("a further chunk of an edit lacks a, i or r: {keys:?}"));
                }
                if !is_edit && keys.contains_key("a") {
                    problems.push(format!("a further chunk begins a command: {keys:?}"));
                }
                data.extend_from_slice(payload);
                (first, data)
            }
            None => (keys, payload.to_vec()),
        };
        if more {
            self.loading = Some((keys, data));
            return;
        }
        let get = |key: &str| keys.get(key).map_or("", String::as_str);
        let number = |key: &str| get(key).parse::<i64>().unwrap_or(0);
        let (id, p) = (number("i") as u32, number("p") as u32);
        let (outcome, frame) = match get("a") {
            action @ ("t" | "T" | "") => {
                let mut outcome = self.transmit(id, &keys, &data);
                if outcome.is_ok() && action == "T" {
                    outcome = self.place(id, p, &keys, at, cell);
                }
                (outcome, None)
            }
            "p" => (self.place(id, p, &keys, at, cell), None),
            "f" if !knows.edits => return,
            "f" => (self.edit(id, &keys, &data), Some(1)),
            "d" => {
                self.delete(get("d"), id, p, problems);
                return;
            }
            "q" => (Ok(()), None),
            other => (Err(format!("EINVAL:action {other}")), None),
        };
        let quiet = number("q");
        if let Err(message) = &outcome
            && !message.starts_with("ENOENT")
        {
            problems.push(format!("{message} for {keys:?}"));
        }
        let say = match &outcome {
            Ok(()) if quiet == 0 => "OK",
            Err(message) if quiet < 2 => message,
            _ => return,
        };
        let frame = frame.map_or(String::new(), |f| format!(",r={f}"));
        replies.extend_from_slice(format!("\x1b_Gi={id}{frame};{say}\x1b\\").as_bytes());
    }

    fn transmit(&mut self, id: u32, keys: &HashMap<String, String>, data: &[u8]) -> Result<(), String> {
        let image = decode(keys, data)?;
        self.forget(id);
        self.images.insert(id, image);
        Ok(())
    }

    fn forget(&mut self, id: u32) {
        self.images.remove(&id);
        self.placed.retain(|p| p.image != id);
        // What hangs on a placement goes with it, and its image with its last placement.
        let placed: Vec<_> = self.placed.iter().map(|p| (p.image, p.id)).collect();
        let orphans: Vec<u32> = self
            .placed
            .iter()
            .filter(|p| p.parent.is_some_and(|q| !placed.contains(&q)))
            .map(|p| p.image)
            .collect();
        for orphan in orphans {
            self.images.remove(&orphan);
            self.placed.retain(|p| p.image != orphan);
        }
    }

    fn place(
        &mut self,
        id: u32,
        p: u32,
        keys: &HashMap<String, String>,
        at: [usize; 2],
        cell: [f64; 2],
    ) -> Result<(), String> {
        if !self.images.contains_key(&id) {
            return Err("ENOENT:no such image".into());
        }
        let number = |key: &str| keys.get(key).and_then(|v| v.parse::<i64>().ok());
        let parent = number("P").map(|image| (image as u32, number("Q").unwrap_or(0) as u32));
        if let Some(parent) = parent
            && !self.placed.iter().any(|q| (q.image, q.id) == parent)
        {
            return Err("ENOPARENT:no such placement".into());
        }
        let is_virtual = number("U") == Some(1);
        if !is_virtual && number("C") != Some(1) {
            return Err("EINVAL:this placement moves the cursor".into());
        }
        let image = &self.images[&id];
        let part = [number("x"), number("y"), number("w"), number("h")];
        let part = part.iter().any(Option::is_some).then(|| {
            let at = |i: usize| part[i].unwrap_or(0).max(0) as usize;
            let rest = |size: usize, from: usize, count: usize| if count == 0 { size - from } else { count };
            [at(0), at(1), rest(image.width, at(0), at(2)), rest(image.height, at(1), at(3))]
        });
        if let Some([x, y, width, height]) = part
            && (x + width > image.width || y + height > image.height)
        {
            return Err("EINVAL:the part is outside the image".into());
        }
        let offset = |key: &str| number(key).unwrap_or(0).max(0) as usize;
        if offset("X") >= cell[0].ceil() as usize || offset("Y") >= cell[1].ceil() as usize {
            return Err("EINVAL:the offset is larger than a cell".into());
        }
        let at = [at[0] + offset("X"), at[1] + offset("Y")];
        self.placed.retain(|q| (q.image, q.id) != (id, p));
        let z = number("z").unwrap_or(0) as i32;
        self.placed.push(Placed { image: id, id: p, at, part, z, is_virtual, parent });
        Ok(())
    }

    fn edit(&mut self, id: u32, keys: &HashMap<String, String>, data: &[u8]) -> Result<(), String> {
        let number = |key: &str| keys.get(key).and_then(|v| v.parse::<usize>().ok()).unwrap_or(0);
        let Some(image) = self.images.get_mut(&id) else { return Err("ENOENT:no such image".into()) };
        if number("r") != 1 {
            return Err("EINVAL:the edit adds a frame".into());
        }
        let patch = decode(keys, data)?;
        let (x, y) = (number("x"), number("y"));
        if keys.contains_key("X") && number("X") != 1
            || x + patch.width > image.width
            || y + patch.height > image.height
        {
            return Err("EINVAL:the rectangle is outside the image, or blends".into());
        }
        for row in 0..patch.height {
            for column in 0..patch.width {
                let mut pixel = patch.pixels[row * patch.width + column];
                if image.opaque {
                    pixel[3] = 255;
                }
                image.pixels[(y + row) * image.width + x + column] = pixel;
            }
        }
        Ok(())
    }

    fn delete(&mut self, what: &str, id: u32, p: u32, problems: &mut Vec<String>) {
        match what {
            "I" => self.forget(id),
            "i" => self.placed.retain(|q| q.image != id || (p != 0 && q.id != p)),
            "A" => *self = Images::default(),
            other => problems.push(format!("delete by '{other}'")),
        }
    }

    /// Draws the direct placements whose z is wanted, the lowest first.
    pub fn draw(&self, shot: &mut Screenshot, wanted: impl Fn(i32) -> bool) {
        let mut placed: Vec<&Placed> =
            self.placed.iter().filter(|p| !p.is_virtual && p.parent.is_none() && wanted(p.z)).collect();
        placed.sort_by_key(|p| (p.z, p.image));
        for p in placed {
            let image = &self.images[&p.image];
            let [left, top, width, height] = p.part.unwrap_or([0, 0, image.width, image.height]);
            for y in 0..height {
                for x in 0..width {
                    let pixel = image.pixels[(top + y) * image.width + left + x];
                    blend(shot, p.at[0] + x, p.at[1] + y, pixel);
                }
            }
        }
    }

    /// The colour of the direct placements at a pixel, over black.
    pub fn at(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let mut placed: Vec<&Placed> =
            self.placed.iter().filter(|p| !p.is_virtual && p.parent.is_none()).collect();
        placed.sort_by_key(|p| (p.z, p.image));
        let mut shot = Screenshot { width: 1, height: 1, pixels: vec![[0; 3]] };
        let mut any = false;
        for p in placed {
            let image = &self.images[&p.image];
            let [left, top, width, height] = p.part.unwrap_or([0, 0, image.width, image.height]);
            if (p.at[0]..p.at[0] + width).contains(&x) && (p.at[1]..p.at[1] + height).contains(&y) {
                let (column, row) = (left + x - p.at[0], top + y - p.at[1]);
                blend(&mut shot, 0, 0, image.pixels[row * image.width + column]);
                any = true;
            }
        }
        any.then(|| shot.pixels[0])
    }

    /// Draws the parts that placeholder cells stand for (screen position, image position, size), and what
    /// hangs on them, at the place that the first cell implies.
    pub fn draw_placeholders(&self, shot: &mut Screenshot, parts: Vec<([usize; 2], [usize; 2], [usize; 2])>) {
        let Some(base) = self.placed.iter().find(|p| p.is_virtual) else { return };
        let image = &self.images[&base.image];
        for (at, from, size) in &parts {
            for y in 0..size[1] {
                for x in 0..size[0] {
                    let (column, row) = (from[0] + x, from[1] + y);
                    if column < image.width && row < image.height {
                        blend(shot, at[0] + x, at[1] + y, image.pixels[row * image.width + column]);
                    }
                }
            }
        }
        let Some((at, from, _)) = parts.first() else { return };
        for p in self.placed.iter().filter(|p| p.parent == Some((base.image, base.id))) {
            let above = &self.images[&p.image];
            for y in 0..above.height {
                for x in 0..above.width {
                    blend(shot, at[0] + x - from[0], at[1] + y - from[1], above.pixels[y * above.width + x]);
                }
            }
        }
    }
}

fn blend(shot: &mut Screenshot, x: usize, y: usize, [r, g, b, a]: [u8; 4]) {
    if x < shot.width && y < shot.height {
        let below = &mut shot.pixels[y * shot.width + x];
        let mix = |above: u8, below: u8| {
            ((u32::from(above) * u32::from(a) + u32::from(below) * (255 - u32::from(a)) + 127) / 255) as u8
        };
        *below = [mix(r, below[0]), mix(g, below[1]), mix(b, below[2])];
    }
}

/// Row and column that a placeholder cell stands for; without marks it continues what the cell to its left stands
/// for.
pub fn placeholder(text: &str, left: Option<(usize, usize)>) -> Option<(usize, usize)> {
    let mut characters = text.chars();
    if characters.next()? != PLACEHOLDER {
        return None;
    }
    // The first marks of the protocol's table, enough for the tests' screens.
    let marks = "\u{305}\u{30d}\u{30e}\u{310}\u{312}\u{33d}\u{33e}\u{33f}\u{346}\u{34a}\u{34b}\u{34c}\u{350}\
                 \u{351}\u{352}\u{357}\u{35b}\u{363}\u{364}\u{365}\u{366}\u{367}\u{368}\u{369}\u{36a}\u{36b}\
                 \u{36c}\u{36d}\u{36e}\u{36f}\u{483}\u{484}\u{485}\u{486}\u{487}\u{592}\u{593}\u{594}\u{595}\
                 \u{597}\u{598}\u{599}\u{59c}\u{59d}\u{59e}\u{59f}\u{5a0}\u{5a1}\u{5a8}\u{5a9}\u{5ab}\u{5ac}\
                 \u{5af}\u{5c4}";
    let mut index = || characters.next().and_then(|c| marks.chars().position(|m| m == c));
    match (index(), index()) {
        (Some(row), Some(column)) => Some((row, column)),
        _ => left.map(|(row, column)| (row, column + 1)),
    }
}

pub fn base64(text: &[u8]) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
}

/// Width, height and RGBA pixels of a PNG.
pub fn png(data: &[u8]) -> Option<(usize, usize, Vec<[u8; 4]>)> {
    let image = image::load_from_memory(data).ok()?.to_rgba8();
    Some((image.width() as usize, image.height() as usize, image.pixels().map(|p| p.0).collect()))
}

fn decode(keys: &HashMap<String, String>, data: &[u8]) -> Result<Image, String> {
    let mut data = base64(data);
    if keys.get("o").is_some_and(|o| o == "z") {
        let mut plain = Vec::new();
        flate2::read::ZlibDecoder::new(&data[..])
            .read_to_end(&mut plain)
            .map_err(|e| format!("EINVAL:bad zlib data: {e}"))?;
        data = plain;
    }
    let number = |key: &str| keys.get(key).and_then(|v| v.parse::<usize>().ok()).unwrap_or(0);
    let (mut width, mut height) = (number("s"), number("v"));
    let format = number("f");
    let pixels: Vec<[u8; 4]> = match format {
        100 => {
            let (w, h, pixels) = png(&data).ok_or("EBADPNG")?;
            if (width, height) != (0, 0) && (width, height) != (w, h) {
                return Err("EINVAL:the PNG has another size".into());
            }
            (width, height) = (w, h);
            pixels
        }
        24 => data.chunks_exact(3).map(|p| [p[0], p[1], p[2], 255]).collect(),
        _ => data.chunks_exact(4).map(|p| [p[0], p[1], p[2], p[3]]).collect(),
    };
    if pixels.len() != width * height || pixels.is_empty() {
        return Err(format!("ENODATA:{} pixels for {width}x{height}", pixels.len()));
    }
    Ok(Image { width, height, pixels, opaque: format == 24 })
}
