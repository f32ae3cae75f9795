//! The composed picture that the graphics encoders send.

/// A picture in two layers, which some terminals blend themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// The slice, row by row, RGB.
    pub base: Vec<[u8; 3]>,
    /// Everything above it, row by row, RGBA with straight alpha.
    pub overlay: Vec<[u8; 4]>,
}

impl Picture {
    /// A black picture with nothing above it.
    pub fn new(width: usize, height: usize) -> Self {
        Picture { width, height, base: vec![[0; 3]; width * height], overlay: vec![[0; 4]; width * height] }
    }

    /// The colour seen at pixel `i`: the overlay over the base, rounded to nearest.
    pub fn color(&self, i: usize) -> [u8; 3] {
        let [r, g, b, a] = self.overlay[i].map(u32::from);
        let over = |above: u32, below: u8| ((above * a + u32::from(below) * (255 - a) + 127) / 255) as u8;
        let [x, y, z] = self.base[i];
        [over(r, x), over(g, y), over(b, z)]
    }
}
