//! Settings that ilastik takes from its configuration file and from the environment, for `--headless`.
//!
//! The environment goes before the file; what the command line says goes before both, which is for the caller
//! to see to.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::{Failure, say};
use super::ini::{Entry, Ini};
use crate::io;
use crate::io::template;
use crate::project::ExportSettings;

/// Most bytes of a configuration file.
const LARGEST: u64 = 1 << 20;

/// What is set; `None` is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// Number of threads, at least 1; `Some(None)` is as many as there are processors.
    pub(super) threads: Option<Option<u16>>,
    /// Bytes of memory; `Some(None)` is no limit of ilastik's own.
    pub(super) memory: Option<Option<u64>>,
    /// Name of the output format.
    pub(super) format: Option<String>,
    /// Output name with placeholders.
    pub(super) filename_format: Option<String>,
}

impl Settings {
    /// Reads `config`, or else the user's own configuration file, and the environment. Names the file
    /// on stderr when it sets anything.
    ///
    /// # Errors
    /// The file can't be read or understood, or a value makes no sense.
    pub(super) fn read(config: Option<&Path>) -> Result<Settings, Failure> {
        let path = config.map(Path::to_owned).or_else(own_file);
        let of_file = path.as_deref().map(from_file).transpose()?.unwrap_or_default();
        if let Some(path) = path.filter(|_| of_file != Settings::default()) {
            say(&format!("note: '{}' sets {}", path.display(), of_file.names().join(", ")));
        }
        let of_environment = from_environment(&|name| std::env::var_os(name))?;
        Ok(Settings {
            threads: of_environment.threads.or(of_file.threads),
            memory: of_environment.memory.or(of_file.memory),
            ..of_file
        })
    }

    /// Lets the file say where outputs go and in what format, where the project says what ilastik says by
    /// itself: projects of ilastik always say something.
    pub(super) fn fill_in(self, export: &mut ExportSettings) {
        let default = ExportSettings::default();
        if let Some(format) = self.format.filter(|_| export.format == default.format) {
            export.format = format;
        }
        if let Some(name) = self.filename_format.filter(|_| export.filename_format == default.filename_format)
        {
            export.filename_format = name;
        }
    }

    /// Names of what is set, as in the file.
    fn names(&self) -> Vec<&'static str> {
        let all = [
            ("threads", self.threads.is_some()),
            ("total_ram_mb", self.memory.is_some()),
            ("output_format", self.format.is_some()),
            ("output_filename_format", self.filename_format.is_some()),
        ];
        all.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect()
    }
}

/// The user's configuration file: the old one, which goes first as in ilastik, or the new one.
fn own_file() -> Option<PathBuf> {
    let folders = directories::BaseDirs::new()?;
    let places =
        [folders.home_dir().join(".ilastikrc"), folders.config_dir().join("ilastik").join("ilastik.ini")];
    places.into_iter().find(|path| path.is_file())
}

fn from_file(path: &Path) -> Result<Settings, Failure> {
    let unreadable = |why: String| {
        Failure::usage(
            format!("Can't read ilastik's settings '{}'", path.display()),
            why,
            "Name another file with --configfile",
        )
    };
    if path.exists() && !path.is_file() {
        return Err(unreadable("it is not a file".into()));
    }
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text))
        .map_err(|error| unreadable(error.to_string()))?;
    if text.len() as u64 > LARGEST {
        return Err(unreadable("it is larger than 1 MB".into()));
    }
    let wrong = |line: usize, why: String| {
        Failure::usage(
            format!("Can't use ilastik's settings '{}'", path.display()),
            format!("line {line}: {why}"),
            "Mend that line, or name another file with --configfile",
        )
    };
    let ini = Ini::parse(&text).map_err(|mistake| wrong(mistake.line, mistake.why))?;
    let text = |key: &str| -> Result<Option<(String, usize)>, Failure> {
        let Some(Entry { value, line }) = ini.get("ilastik", key) else { return Ok(None) };
        let value = unescaped(value).map_err(|why| wrong(line, format!("{key}: {why}")))?;
        Ok((!value.is_empty()).then_some((value, line)))
    };
    let format = text("output_format")?;
    if let Some((name, line)) = &format {
        io::output_format(name).map_err(|error| wrong(*line, format!("output_format: {error}")))?;
    }
    let filename_format = text("output_filename_format")?;
    if let Some((name, line)) = &filename_format {
        template::outline(name).map_err(|error| wrong(*line, format!("output_filename_format: {error}")))?;
    }
    let number = |key: &str| -> Result<Option<(i64, usize)>, Failure> {
        let Some(Entry { value, line }) = ini.get("lazyflow", key) else { return Ok(None) };
        let number = whole_number(value).map_err(|why| wrong(line, format!("{key}: {why}")))?;
        Ok(Some((number, line)))
    };
    let threads = number("threads")?
        .map(|(count, line)| threads(count).map_err(|why| wrong(line, format!("threads: {why}"))))
        .transpose()?;
    let memory = number("total_ram_mb")?
        .map(|(count, line)| bytes(count).map_err(|why| wrong(line, format!("total_ram_mb: {why}"))))
        .transpose()?;
    let [format, filename_format] = [format, filename_format].map(|found| found.map(|(value, _)| value));
    Ok(Settings { threads, memory, format, filename_format })
}

fn from_environment(get: &dyn Fn(&str) -> Option<OsString>) -> Result<Settings, Failure> {
    fn read<T>(
        get: &dyn Fn(&str) -> Option<OsString>,
        name: &str,
        take: fn(i64) -> Result<Option<T>, String>,
    ) -> Result<Option<Option<T>>, Failure> {
        let Some(text) = get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let text = text.to_string_lossy();
        whole_number(&text).and_then(take).map(Some).map_err(|why| {
            Failure::usage(
                format!("Can't use {name}={text}"),
                why,
                format!("Set {name} to a number, or unset it"),
            )
        })
    }
    Ok(Settings {
        threads: read(get, "LAZYFLOW_THREADS", threads)?,
        memory: read(get, "LAZYFLOW_TOTAL_RAM_MB", bytes)?,
        ..Settings::default()
    })
}

fn whole_number(text: &str) -> Result<i64, String> {
    text.trim().parse().map_err(|_| format!("'{}' is not a whole number", text.trim().replace('\n', " ")))
}

/// A number of threads: of ilastik's, -1 is as many as there are processors, 0 no pool of threads at all.
fn threads(count: i64) -> Result<Option<u16>, String> {
    match count {
        -1 => Ok(None),
        0 => Ok(Some(1)),
        _ => u16::try_from(count)
            .map(Some)
            .map_err(|_| format!("{count} is no number of threads; that is from 0 to 65535, or -1 for all")),
    }
}

/// Megabytes in bytes; 0 is ilastik's word for no limit of its own.
fn bytes(megabytes: i64) -> Result<Option<u64>, String> {
    match u64::try_from(megabytes) {
        Ok(0) => Ok(None),
        Ok(megabytes) => Ok(Some(megabytes.saturating_mul(1 << 20))),
        Err(_) => Err(format!("{megabytes} is no amount of memory; that is in MB, or 0 for no limit")),
    }
}

/// A text in which, as in Python's files of this kind, `%%` stands for `%`.
fn unescaped(value: &str) -> Result<String, String> {
    if value.contains('\n') {
        return Err("it goes over several lines".into());
    }
    let plain = value.replace("%%", "");
    if plain.contains('%') {
        return Err(format!("'{value}' refers to another setting with '%'; write '%%' for a '%'"));
    }
    Ok(value.replace("%%", "%"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ilastik.ini");
        std::fs::write(&path, text).expect("written");
        from_file(&path).map_err(|failure| match failure {
            Failure::Usage(message) => format!("{}: {}", message.what, message.why),
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn a_file_sets_what_it_names() {
        let all = "[ilastik]\ndebug: true\noutput_format = multipage tiff\n\
            output_filename_format: {dataset_dir}/100%%_{nickname}\n[lazyflow]\nthreads: 4\ntotal_ram_mb=600\n";
        let expected = Settings {
            threads: Some(Some(4)),
            memory: Some(Some(600 << 20)),
            format: Some("multipage tiff".into()),
            filename_format: Some("{dataset_dir}/100%_{nickname}".into()),
        };
        assert_eq!(file(all), Ok(expected));
        let defaults = "[lazyflow]\nthreads = -1\ntotal_ram_mb = 0\n[ilastik]\nplugin_directories = a%b\n";
        let expected = Settings { threads: Some(None), memory: Some(None), ..Settings::default() };
        assert_eq!(file(defaults), Ok(expected));
        assert_eq!(file("[lazyflow]\nthreads: 0\n").expect("sound").threads, Some(Some(1)));
        assert_eq!(file("[lazyflow]\n"), Ok(Settings::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        for (text, why) in [
            ("[lazyflow]\nthreads = 4 # four\n", "line 2: threads: '4 # four' is not a whole number"),
            ("[lazyflow]\n\nthreads = -2\n", "line 3: threads: -2 is no number of threads"),
            ("[lazyflow]\ntotal_ram_mb = 2G\n", "line 2: total_ram_mb: '2G' is not"),
            ("[lazyflow]\ntotal_ram_mb = -1\n", "line 2: total_ram_mb: -1 is no amount"),
            ("[ilastik]\noutput_format = pngg\n", "line 2: output_format: "),
            ("[ilastik]\noutput_filename_format = {nick}\n", "line 2: output_filename_format: "),
            ("[ilastik]\noutput_format = %(x)s\n", "line 2: output_format: '%(x)s' refers to another"),
            ("[ilastik]\noutput_format = png\n  jpg\n", "line 2: output_format: it goes over several"),
            ("[ilastik]\nnonsense\n", "line 2: 'nonsense' is neither"),
        ] {
            let error = file(text).expect_err(text);
            assert!(error.contains(why) && error.contains("ilastik.ini"), "{error}");
        }
    }

    #[test]
    fn the_environment_is_read_or_explained() {
        let of = |threads: &'static str, memory: &'static str| {
            from_environment(&|name| Some(if name == "LAZYFLOW_THREADS" { threads } else { memory }.into()))
        };
        let settings = of("0", "1000").expect("sound");
        assert_eq!((settings.threads, settings.memory), (Some(Some(1)), Some(Some(1000 << 20))));
        assert_eq!(of("", "").expect("nothing"), Settings::default());
        let settings = of("-1", "0").expect("no limits");
        assert_eq!((settings.threads, settings.memory), (Some(None), Some(None)));
        for (threads, memory, name) in
            [("four", "", "LAZYFLOW_THREADS=four"), ("", "1.5", "LAZYFLOW_TOTAL_RAM_MB=1.5")]
        {
            let refused = of(threads, memory);
            assert!(
                matches!(&refused, Err(Failure::Usage(message)) if message.what.contains(name)),
                "{refused:?}"
            );
        }
    }
}
