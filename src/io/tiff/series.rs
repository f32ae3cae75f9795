//! Which array the pages of a file make: their order, the dimensions they count, and the axes.

use crate::data::{Axis, AxisOrder};
use crate::io::error::Error;
use crate::io::format::PixelSize;

use super::ifd::Directories;
use super::metadata::{ImageJ, Resolution, Shaped, description};
use super::ome::{self, several_series};
use super::page::{Page, PageKind};

/// The array that a file's pages make.
#[derive(Debug)]
pub(super) struct Series {
    /// Page of each plane, in C order of `outer`; one page when the planes follow it without
    /// directories of their own.
    pub(super) pages: Vec<Page>,
    /// Extents of the dimensions that count planes, none of them 1.
    pub(super) outer: Vec<usize>,
    /// Extents as presented: those of planes and of a page, and any of 1 the file insists on.
    pub(super) shape: Vec<usize>,
    /// Axes of `shape`; `None` when they are to be guessed.
    pub(super) axes: Option<AxisOrder>,
    /// Pixel sizes in canonical order.
    pub(super) pixel_size: [Option<PixelSize>; 5],
}

impl Series {
    /// Number of planes.
    pub(super) fn planes(&self) -> usize {
        self.outer.iter().product()
    }

    /// Reads all pages and finds the one image they make.
    pub(super) fn read(directories: &Directories) -> Result<Series, Error> {
        let path = directories.file.path();
        let (first, mut decoder) = Page::read(directories, 0)?;
        let text = description(&mut decoder);
        let resolution = Resolution::read(&mut decoder);
        drop(decoder);
        let kind = first.kind.clone();
        let mut pages = vec![first];
        let mut kinds = vec![kind.clone()];
        for number in 1..directories.offsets.len() {
            let page = Page::read(directories, number)?.0;
            if page.reduced {
                continue;
            }
            if !kinds.contains(&page.kind) {
                kinds.push(page.kind.clone());
            }
            pages.push(page);
        }
        if kinds.len() > 1 {
            return Err(several_series(path, kinds.len()));
        }
        let text = text.as_deref().unwrap_or_default();
        // ImageJ stores measured values together with the table that it shows them by.
        if pages[0].palette && ImageJ::parse(text).is_none() {
            return Err(Error::unsupported(
                path,
                "a palette image (its samples are places in a table of colours)",
                "convert it to grayscale or RGB, in Fiji by Image > Type",
            ));
        }
        if ome::is_ome(text) {
            let ome = ome::parse(path, text, kind.samples, pages.len())?;
            let pages = ome.pages.iter().map(|&page| pages[page].clone()).collect();
            return Series::of_planes(directories, pages, &ome.planes, ome.pixel_size);
        }
        if let Some(imagej) = ImageJ::parse(text) {
            let pixel_size = imagej.pixel_size(resolution);
            let contiguous = pages.len() == 1 && pages[0].raw.is_some();
            let planes = if contiguous { imagej.images() } else { pages.len() };
            let counted = imagej.planes();
            let product = counted.iter().try_fold(1_usize, |n, (_, extent)| n.checked_mul(*extent));
            let counted = if product == Some(planes) { counted.to_vec() } else { vec![(Axis::Z, planes)] };
            return Series::of_planes(directories, pages, &counted, pixel_size);
        }
        let pixel_size = resolution.pixel_size();
        if let Some(series) =
            Shaped::parse(text).and_then(|shaped| Series::shaped(&pages, shaped, &pixel_size))
        {
            return Ok(series);
        }
        // As ilastik: pages that nothing is said of are points in time.
        let planes = [(Axis::T, pages.len())];
        Series::of_planes(directories, pages, &planes, pixel_size)
    }

    /// A series whose planes are counted by named axes; extents of 1 are dropped.
    fn of_planes(
        directories: &Directories,
        pages: Vec<Page>,
        planes: &[(Axis, usize)],
        pixel_size: [Option<PixelSize>; 5],
    ) -> Result<Series, Error> {
        let counted: Vec<(Axis, usize)> = planes.iter().copied().filter(|(_, extent)| *extent > 1).collect();
        let kind = &pages[0].kind;
        let outer: Vec<usize> = counted.iter().map(|(_, extent)| *extent).collect();
        let keys: String = counted.iter().map(|(axis, _)| axis.key()).chain(kind.axes().chars()).collect();
        let axes = keys.parse().map_err(|_| {
            let what = format!("an image of {} samples per pixel and a stack of channels", kind.samples);
            Error::unsupported(directories.file.path(), what, "save the colours as a stack of channels too")
        })?;
        let shape = [outer.clone(), kind.shape()].concat();
        Ok(Series { pages, outer, shape, axes: Some(axes), pixel_size })
    }

    /// The array that tifffile says it wrote; `None` when the pages do not make it.
    fn shaped(pages: &[Page], shaped: Shaped, pixel_size: &[Option<PixelSize>; 5]) -> Option<Series> {
        let kind = &pages[0].kind;
        let squeezed =
            |shape: &[usize]| -> Vec<usize> { shape.iter().copied().filter(|&n| n != 1).collect() };
        let whole = squeezed(&shaped.shape);
        let page = squeezed(&kind.shape());
        let outer = whole.strip_suffix(&page[..])?.to_vec();
        let planes = outer.iter().try_fold(1_usize, |n, &extent| n.checked_mul(extent))?;
        let contiguous = pages.len() == 1 && pages[0].raw.is_some();
        if planes != pages.len() && !contiguous {
            return None;
        }
        // Without axes, samples of a colour page are channels and the rest is for the guess.
        let keys = shaped.axes.or_else(|| (shaped.shape == kind.shape()).then(|| kind.axes().to_owned()));
        let axes = keys.and_then(|keys| {
            let keys: String = keys.chars().map(|key| if key == 'S' { 'C' } else { key }).collect();
            keys.parse::<AxisOrder>().ok()?.fitting(shaped.shape.len()).ok()
        });
        Some(Series {
            pages: pages.to_vec(),
            outer,
            shape: shaped.shape,
            axes,
            pixel_size: pixel_size.clone(),
        })
    }
}

/// What the storage's dimensions are: those that count planes, then those of a page.
pub(super) fn storage_shape(outer: &[usize], kind: &PageKind) -> Vec<usize> {
    [outer, &kind.shape()].concat()
}
