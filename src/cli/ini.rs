//! Settings in sections, in the dialect of Python's `configparser`, which ilastik reads its own with.
//!
//! Knows which line a value stands in, so that what is wrong with it can be shown there.

/// A value and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    /// The value, as written.
    pub(super) value: &'a str,
    /// Number of its line, from 1.
    pub(super) line: usize,
}

/// What can't be understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Number of the line, from 1.
    pub(super) line: usize,
    /// What is wrong with it.
    pub(super) why: String,
}

/// Sections with their settings.
#[derive(Debug, Default)]
pub(super) struct Ini {
    settings: Vec<Setting>,
}

#[derive(Debug)]
struct Setting {
    section: String,
    key: String,
    value: String,
    line: usize,
}

/// The section whose settings hold in all others.
const DEFAULTS: &str = "DEFAULT";

impl Ini {
    /// Reads `text`.
    ///
    /// # Errors
    /// A line outside any section, or one that is neither a section nor a setting, or what is there twice.
    pub(super) fn parse(text: &str) -> Result<Ini, Mistake> {
        let mut ini = Ini::default();
        let mut sections: Vec<&str> = Vec::new();
        // How far the last setting is indented: what is indented further continues it.
        let mut indent = None;
        for (line, raw) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
            let refuse = |why: String| Err(Mistake { line, why });
            let content = raw.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            let depth = raw.len() - raw.trim_start().len();
            if let (Some(above), Some(setting)) = (indent, ini.settings.last_mut())
                && depth > above
            {
                setting.value = format!("{}\n{content}", setting.value);
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let name = name.0;
                if sections.contains(&name) && name != DEFAULTS {
                    return refuse(format!("the section [{name}] is there twice"));
                }
                sections.push(name);
                indent = None;
                continue;
            }
            let Some(&section) = sections.last() else {
                return refuse(format!("'{content}' stands before any section, such as [ilastik]"));
            };
            let Some((key, value)) = content.split_once(['=', ':']).filter(|(key, _)| !key.trim().is_empty())
            else {
                return refuse(format!("'{content}' is neither a [section] nor a setting 'name = value'"));
            };
            let key = key.trim().to_lowercase();
            if ini.settings.iter().any(|old| old.section == section && old.key == key) {
                return refuse(format!("'{key}' is there twice in [{section}]"));
            }
            let value = value.trim().to_owned();
            ini.settings.push(Setting { section: section.to_owned(), key, value, line });
            indent = Some(depth);
        }
        Ok(ini)
    }

    /// The setting `key` of `section`, or of the section `DEFAULT`.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<Entry<'_>> {
        let of = |section: &str| self.settings.iter().find(|s| s.section == section && s.key == key);
        of(section).or_else(|| of(DEFAULTS)).map(|s| Entry { value: &s.value, line: s.line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_settings_comments_and_continuations() {
        let text = "\u{feff}# first\n[DEFAULT]\nthreads: 3\n[ilastik]\nDebug = false\n; a comment\n\n\
            plugin_directories: ~/a,\n  ~/b\n  # within\noutput_format = compressed hdf5\n[lazyflow]\n\
            total_ram_mb=512\n    [indented]\nname with spaces = a=b:c\n";
        let ini = Ini::parse(text).expect("sound");
        let get = |section: &str, key: &str| ini.get(section, key).map(|entry| (entry.value, entry.line));
        assert_eq!(get("ilastik", "debug"), Some(("false", 5)));
        assert_eq!(get("ilastik", "plugin_directories"), Some(("~/a,\n~/b", 8)));
        assert_eq!(get("ilastik", "output_format"), Some(("compressed hdf5", 11)));
        assert_eq!(get("lazyflow", "threads"), Some(("3", 3)));
        assert_eq!(get("lazyflow", "total_ram_mb"), Some(("512\n[indented]", 13)));
        assert_eq!(get("lazyflow", "name with spaces"), Some(("a=b:c", 15)));
        assert_eq!(get("ilastik", "total_ram_mb"), None);
        assert!(Ini::parse("").expect("empty").get("ilastik", "debug").is_none());
    }

    #[test]
    fn mistakes_are_named_with_their_lines() {
        for (text, line, why) in [
            ("threads = 4", 1, "before any section"),
            ("[a]\n\nnonsense\n", 3, "neither a [section] nor a setting"),
            ("[a]\n= 4\n", 2, "neither"),
            ("[a]\nx=1\nX: 2\n", 3, "'x' is there twice in [a]"),
            ("[a]\n[b]\n[a]\n", 3, "the section [a] is there twice"),
            ("[a\n", 1, "before any section"),
        ] {
            let mistake = Ini::parse(text).expect_err(text);
            assert_eq!(mistake.line, line, "{text}");
            assert!(mistake.why.contains(why), "{}", mistake.why);
        }
    }
}
