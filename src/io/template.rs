//! Output names with placeholders: `{dataset_dir}/{nickname}_{result_type}`.
//!
//! Placeholders may carry a Python format specification, such as `{slice_index:05d}`.

use std::path::{Path, PathBuf};

use super::format::FORMATS;
use super::write::OUTPUT_FORMATS;
use crate::data::{AxisOrder, Roi5};

/// Why an output name can't be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// A placeholder that nothing fills.
    #[error(
        "'{{{name}}}' in the output name '{template}' is not known; there are {known}; write {{{{ and }}}} for braces"
    )]
    Unknown {
        /// The placeholder.
        name: String,
        /// The output name.
        template: String,
        /// The placeholders there are.
        known: String,
    },
    /// A placeholder without its other brace.
    #[error("a brace is left open in the output name '{template}'; write {{{{ and }}}} for braces")]
    Unbalanced {
        /// The output name.
        template: String,
    },
    /// A format specification that does not fit the value.
    #[error("'{spec}' in the output name '{template}' is not a format for {name}; try ':05d'")]
    BadFormat {
        /// The placeholder.
        name: String,
        /// Its format specification.
        spec: String,
        /// The output name.
        template: String,
    },
    /// A folder where a file's name is due.
    #[error(
        "the output name '{template}' names no file; add a name, such as {template}{{nickname}}_{{result_type}}"
    )]
    NoFileName {
        /// The output name.
        template: String,
    },
    /// A sequence of files whose names would all be the same.
    #[error(
        "the output name '{template}' must hold {{slice_index}}, since the format '{format}' writes one file per slice"
    )]
    NoSliceIndex {
        /// The output name.
        template: String,
        /// The format.
        format: String,
    },
    /// A number of a slice where there is one file.
    #[error(
        "the output name '{template}' holds {{slice_index}}, but the format '{format}' writes a single file; leave it out or use a sequence"
    )]
    SliceIndex {
        /// The output name.
        template: String,
        /// The format.
        format: String,
    },
}

/// What the placeholders stand for.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    /// Folder of the input file.
    pub dataset_dir: &'a Path,
    /// The input's name.
    pub nickname: &'a str,
    /// What is exported, such as `Probabilities`.
    pub result_type: &'a str,
    /// Axes of the output.
    pub axes: &'a AxisOrder,
    /// The exported region, `tzyxc`.
    pub roi: Roi5,
}

enum Value<'a> {
    Text(std::borrow::Cow<'a, str>),
    Number(usize),
}

const SLICE_INDEX: &str = "slice_index";

/// Fills in every placeholder of `template` but `{slice_index}`, which is left for
/// [`slice_path`]; `~` at the start becomes the home folder.
///
/// # Errors
/// Unknown placeholders, open braces, unfit format specifications, no name of a file.
pub fn fill(template: &str, names: &Names<'_>) -> Result<PathBuf, TemplateError> {
    if template.trim().is_empty() || template.ends_with(std::path::is_separator) || template == "~" {
        return Err(TemplateError::NoFileName { template: template.to_owned() });
    }
    let text = substitute(template, |name| match name {
        SLICE_INDEX => Some(None),
        name => names.value(name).map(Some),
    })?;
    Ok(expand_home(&text))
}

/// What `template` gives where everything it names is empty: for what is wrong with it whatever the image is.
///
/// # Errors
/// As [`fill`].
pub fn outline(template: &str) -> Result<PathBuf, TemplateError> {
    let (dataset_dir, axes) = (Path::new(""), &AxisOrder::canonical());
    fill(template, &Names { dataset_dir, nickname: "", result_type: "", axes, roi: Roi5::whole([1; 5]) })
}

/// Whether a name tells the files of a sequence apart.
pub fn has_slice_index(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("{slice_index}") || text.contains("{slice_index:")
}

/// The name of slice `index` of a sequence; without a format specification it is padded with zeros to
/// `digits`.
///
/// # Errors
/// An unfit format specification.
pub fn slice_path(path: &Path, index: usize, digits: usize) -> Result<PathBuf, TemplateError> {
    let text = path.to_string_lossy();
    let mut out = String::new();
    let mut rest = &*text;
    while let Some(at) = rest.find("{slice_index") {
        let (before, from) = rest.split_at(at);
        let Some(end) = from.find('}') else { break };
        let spec = &from[1 + SLICE_INDEX.len()..end];
        out.push_str(before);
        match spec.strip_prefix(':') {
            None if spec.is_empty() => out.push_str(&format!("{index:0digits$}")),
            Some(spec) => {
                out.push_str(&format_value(&Value::Number(index), spec).ok_or_else(|| {
                    TemplateError::BadFormat {
                        name: SLICE_INDEX.into(),
                        spec: spec.into(),
                        template: text.to_string(),
                    }
                })?);
            }
            None => out.push_str(&from[..=end]),
        }
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    Ok(PathBuf::from(out))
}

impl Names<'_> {
    fn value(&self, name: &str) -> Option<Value<'_>> {
        Some(match name {
            "dataset_dir" => Value::Text(self.dataset_dir.to_string_lossy()),
            "nickname" => Value::Text(self.nickname.into()),
            "result_type" => Value::Text(self.result_type.into()),
            "roi" => {
                let tuple = |at: &[usize; 5]| {
                    let numbers: Vec<String> = self.axes.pick(at).iter().map(usize::to_string).collect();
                    format!("({})", numbers.join(", "))
                };
                Value::Text(format!("[{}, {}]", tuple(&self.roi.start), tuple(&self.roi.stop)).into())
            }
            _ => {
                let (key, end) = name.split_once('_')?;
                let mut keys = key.chars();
                let axis =
                    keys.next().filter(|_| keys.next().is_none()).and_then(crate::data::Axis::from_key)?;
                match end {
                    "start" => Value::Number(self.roi.start[axis as usize]),
                    "stop" => Value::Number(self.roi.stop[axis as usize]),
                    _ => return None,
                }
            }
        })
    }
}

/// Replaces placeholders by what `lookup` gives: `None` for an unknown one, `Some(None)` for one to keep.
fn substitute<'a>(
    template: &str,
    lookup: impl Fn(&str) -> Option<Option<Value<'a>>>,
) -> Result<String, TemplateError> {
    let unbalanced = || TemplateError::Unbalanced { template: template.into() };
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let doubled = rest.as_bytes().get(at + 1) == Some(&rest.as_bytes()[at]);
        if doubled {
            out.push_str(&rest[at..=at]);
            rest = &rest[at + 2..];
            continue;
        }
        let inner = rest[at..].strip_prefix('{').ok_or_else(unbalanced)?;
        let end = inner.find('}').ok_or_else(unbalanced)?;
        let field = &inner[..end];
        let (name, spec) = field.split_once(':').unwrap_or((field, ""));
        match lookup(name) {
            None => {
                return Err(TemplateError::Unknown {
                    name: name.into(),
                    template: template.into(),
                    known: "{dataset_dir}, {nickname}, {result_type}, {roi}, {x_start}, {x_stop} (also y, z, t, c) and {slice_index}"
                        .into(),
                });
            }
            Some(None) => out.push_str(&rest[at..at + end + 2]),
            Some(Some(value)) => out.push_str(&format_value(&value, spec).ok_or_else(|| {
                TemplateError::BadFormat { name: name.into(), spec: spec.into(), template: template.into() }
            })?),
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Python's `format(value, spec)` for whole numbers and texts: `[[fill]align][0][width][type]`.
fn format_value(value: &Value<'_>, spec: &str) -> Option<String> {
    let chars: Vec<char> = spec.chars().collect();
    let is_align = |c: char| matches!(c, '<' | '>' | '^' | '=');
    let (fill, align, mut rest) = match chars[..] {
        [fill, align, ..] if is_align(align) => (Some(fill), Some(align), &chars[2..]),
        [align, ..] if is_align(align) => (None, Some(align), &chars[1..]),
        _ => (None, None, &chars[..]),
    };
    let zero = rest.first() == Some(&'0');
    if zero {
        rest = &rest[1..];
    }
    let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
    let width: usize = match digits {
        0 => 0,
        n => rest[..n].iter().collect::<String>().parse().ok().filter(|&width| width <= 255)?,
    };
    let body = match (value, &rest[digits..]) {
        (Value::Number(n), [] | ['d' | 'n']) => n.to_string(),
        (Value::Number(n), ['x']) => format!("{n:x}"),
        (Value::Number(n), ['X']) => format!("{n:X}"),
        (Value::Number(n), ['o']) => format!("{n:o}"),
        (Value::Number(n), ['b']) => format!("{n:b}"),
        (Value::Text(text), [] | ['s']) if align != Some('=') => text.to_string(),
        _ => return None,
    };
    let fill = fill.unwrap_or(if zero { '0' } else { ' ' });
    let numeric = matches!(value, Value::Number(_));
    let missing = width.saturating_sub(body.chars().count());
    let left = match align.unwrap_or(if numeric { '>' } else { '<' }) {
        '<' => 0,
        '^' => missing / 2,
        _ => missing,
    };
    let pad = |n: usize| fill.to_string().repeat(n);
    Some(format!("{}{body}{}", pad(left), pad(missing - left)))
}

/// `~` and `~/...` in the home folder, everything else as it is.
pub fn expand_home(text: &str) -> PathBuf {
    match (text.strip_prefix('~'), directories::BaseDirs::new()) {
        (Some(""), Some(dirs)) => dirs.home_dir().to_owned(),
        (Some(rest), Some(dirs)) if rest.starts_with('/') => dirs.home_dir().join(&rest[1..]),
        _ => PathBuf::from(text),
    }
}

/// `path` with the extension of an output format in place of an image extension it may have.
pub fn with_extension(path: &Path, extension: &str) -> PathBuf {
    let known = path.extension().is_some_and(|named| {
        let named = &*named.to_string_lossy().to_ascii_lowercase();
        FORMATS.iter().any(|format| format.extensions().contains(&named))
            || OUTPUT_FORMATS.iter().any(|format| format.extension == named)
    });
    let mut name = if known { path.with_extension("") } else { path.to_owned() }.into_os_string();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Result<String, TemplateError> {
        let axes = "zyx".parse().expect("axes");
        let names = Names {
            dataset_dir: Path::new("/data"),
            nickname: "nuclei",
            result_type: "Simple Segmentation",
            axes: &axes,
            roi: Roi5::new([0, 1, 20, 300, 0], [1, 5, 60, 700, 1]),
        };
        fill(template, &names).map(|path| path.to_string_lossy().into_owned())
    }

    #[test]
    fn fills_placeholders() {
        for (template, expected) in [
            ("{dataset_dir}/{nickname}_{result_type}", "/data/nuclei_Simple Segmentation"),
            ("a{x_start:04d}-{x_stop}_{z_stop:>3}", "a0300-700_  5"),
            ("{roi}", "[(1, 20, 300), (5, 60, 700)]"),
            ("{{{nickname}}}", "{nuclei}"),
            ("{nickname:_^10s}{slice_index:05d}", "__nuclei__{slice_index:05d}"),
        ] {
            assert_eq!(filled(template).as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn names_the_mistake() {
        assert_eq!(
            filled("{nick}").map_err(|e| e.to_string()),
            Err("'{nick}' in the output name '{nick}' is not known; there are {dataset_dir}, {nickname}, \
                {result_type}, {roi}, {x_start}, {x_stop} (also y, z, t, c) and {slice_index}; write {{ and }} for braces"
                .to_owned())
        );
        assert_eq!(
            filled("a{nickname").map_err(|e| e.to_string()),
            Err("a brace is left open in the output name 'a{nickname'; write {{ and }} for braces".to_owned())
        );
        assert!(matches!(filled("a}b"), Err(TemplateError::Unbalanced { .. })));
        assert_eq!(
            filled("out/").map_err(|e| e.to_string()),
            Err("the output name 'out/' names no file; add a name, such as out/{nickname}_{result_type}"
                .to_owned())
        );
        assert!(matches!(filled(" "), Err(TemplateError::NoFileName { .. })));
        assert_eq!(
            filled("{x_start:5q}").map_err(|e| e.to_string()),
            Err("'5q' in the output name '{x_start:5q}' is not a format for x_start; try ':05d'".to_owned())
        );
    }

    #[test]
    fn numbers_slices() {
        for (pattern, expected) in [
            ("s{slice_index}.png", "s007.png"),
            ("s{slice_index:05d}.png", "s00007.png"),
            ("{slice_index}/{slice_index:x}", "007/7"),
        ] {
            assert_eq!(slice_path(Path::new(pattern), 7, 3), Ok(PathBuf::from(expected)));
            assert!(has_slice_index(Path::new(pattern)));
        }
        assert!(!has_slice_index(Path::new("a{slice}")));
    }

    #[test]
    fn replaces_image_extensions_only() {
        for (path, expected) in [
            ("a/b.png", "a/b.h5"),
            ("a/b.VIFF", "a/b.h5"),
            ("a/b.zarr", "a/b.h5"),
            ("a/b.v2_seg", "a/b.v2_seg.h5"),
            ("b", "b.h5"),
        ] {
            assert_eq!(with_extension(Path::new(path), "h5"), Path::new(expected));
        }
    }
}
