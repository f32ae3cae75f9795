//! Completion of paths from the entries of a folder.

use crate::app::folders::FolderEntry;

/// What is known of a path that is being typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completion {
    /// The path as far as it is certain.
    pub text: String,
    /// The names that it may go on with; folders end in `/`.
    pub candidates: Vec<String>,
}

/// The part of a path that is a folder: all up to the last `/`.
pub fn folder_of(text: &str) -> &str {
    text.rfind('/').map_or("", |at| &text[..=at])
}

/// Completes `text` from the entries of [its folder](folder_of). Names that begin with a dot are left out
/// unless a dot is typed; case counts unless nothing matches otherwise.
pub fn complete(text: &str, entries: &[FolderEntry]) -> Completion {
    let folder = folder_of(text);
    let prefix = &text[folder.len()..];
    let hidden = |name: &str| name.starts_with('.') && !prefix.starts_with('.');
    let shown = |entry: &&FolderEntry| !hidden(&entry.name);
    let mut found: Vec<&FolderEntry> =
        entries.iter().filter(shown).filter(|entry| entry.name.starts_with(prefix)).collect();
    if found.is_empty() {
        let prefix = prefix.to_lowercase();
        let matches = |entry: &&FolderEntry| entry.name.to_lowercase().starts_with(&prefix);
        found = entries.iter().filter(shown).filter(matches).collect();
    }
    let names: Vec<String> = found.iter().map(|entry| entry.shown_name()).collect();
    let common = common_start(&names);
    let text = if common.chars().count() >= prefix.chars().count() && !names.is_empty() {
        format!("{folder}{common}")
    } else {
        text.to_owned()
    };
    Completion { text, candidates: names }
}

/// The longest start that all names share.
fn common_start(names: &[String]) -> String {
    let Some(first) = names.first() else { return String::new() };
    let mut common: Vec<char> = first.chars().collect();
    for name in &names[1..] {
        let same = common.iter().zip(name.chars()).take_while(|(a, b)| **a == *b).count();
        common.truncate(same);
    }
    common.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(names: &[&str]) -> Vec<FolderEntry> {
        names
            .iter()
            .map(|name| FolderEntry {
                name: name.trim_end_matches('/').to_owned(),
                is_folder: name.ends_with('/'),
                bytes: 0,
            })
            .collect()
    }

    #[test]
    fn a_path_goes_on_as_far_as_it_is_certain() {
        let entries = entries(&["cells/", "cell_1.png", "cell_2.png", "nuclei.tif", ".hidden", "Übung.tif"]);
        let text = |typed: &str| complete(typed, &entries).text;
        assert_eq!(text("/data/n"), "/data/nuclei.tif");
        assert_eq!(text("/data/c"), "/data/cell");
        assert_eq!(text("/data/cells"), "/data/cells/", "a folder goes on");
        assert_eq!(text("/data/NUC"), "/data/nuclei.tif", "case does not count when nothing matches");
        assert_eq!(text("/data/."), "/data/.hidden");
        assert_eq!(text("Ü"), "Übung.tif");
        assert_eq!(text("/data/x"), "/data/x");
        assert_eq!(complete("", &entries).candidates.len(), 5, "hidden files are left out");
        assert_eq!(complete("/data/cell_", &entries).candidates, ["cell_1.png", "cell_2.png"]);
    }

    #[test]
    fn the_folder_is_all_up_to_the_last_slash() {
        assert_eq!(folder_of("/a/b"), "/a/");
        assert_eq!(folder_of("a"), "");
        assert_eq!(folder_of("~/a/"), "~/a/");
    }
}
