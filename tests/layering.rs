//! The layers of ARCHITECTURE.md hold: a module imports only what its row of the table lists.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Rows `| level | module | responsibility | may import |` of the table headed "may import".
fn table(architecture: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    let lines = architecture.lines().skip_while(|line| !line.contains("| may import |")).skip(2);
    for line in lines.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let module = cells[1].trim_matches('`').to_owned();
        let imports = cells[3].split(',').map(|name| name.trim().trim_matches('`').to_owned());
        rows.insert(module, imports.filter(|name| name != "-").collect());
    }
    rows
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable source folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Names of the top-level modules that `text` refers to by `crate::name` or `crate::{a, b::c}`.
fn references(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let word = |s: &str| -> String { s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (i, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    names.push(word(group[start..i].trim()));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names.push(word(group[start..i].trim()));
                    start = i + 1;
                }
                _ => {}
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// How many levels a module at `path` (relative to src) may climb with `super::` and stay in its layer.
fn depth(path: &Path) -> usize {
    let parts = path.components().count();
    if path.ends_with("mod.rs") { parts - 2 } else { parts - 1 }
}

#[test]
fn modules_import_only_what_the_architecture_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let architecture = fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let table = table(&architecture);
    assert!(table.len() > 10, "the table was not found");
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    let mut wrong = Vec::new();
    for file in files {
        let path = file.strip_prefix(root.join("src")).expect("below src");
        let Some(module) = path.iter().next().and_then(|m| m.to_str()).map(|m| m.trim_end_matches(".rs"))
        else {
            continue;
        };
        if module == "lib" || module == "main" {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable source");
        let Some(allowed) = table.get(module) else {
            wrong.push(format!("{}: module '{module}' is missing from the table", path.display()));
            continue;
        };
        for name in references(&text) {
            let is_module = table.contains_key(&name);
            if is_module && name != module && !allowed.contains(&name) {
                wrong.push(format!("{}: '{module}' must not import '{name}'", path.display()));
            }
        }
        let outside_tests = text.split("#[cfg(test)]\n").next().unwrap_or_default();
        let climb = "super::".repeat(depth(path) + 1);
        if outside_tests.contains(&climb) {
            wrong.push(format!("{}: '{climb}' leaves the layer", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_no_cycle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = table(&fs::read_to_string(root.join("ARCHITECTURE.md")).expect("ARCHITECTURE.md"));
    let mut left: Vec<&String> = table.keys().collect();
    while !left.is_empty() {
        let before = left.len();
        let rest: Vec<&String> = left
            .iter()
            .copied()
            .filter(|module| table[*module].iter().any(|import| left.contains(&import)))
            .collect();
        left = rest;
        assert!(left.len() < before, "these import each other in a circle: {left:?}");
    }
}

#[test]
fn source_files_stay_readable_in_one_go() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let long: Vec<String> = files
        .iter()
        .map(|file| (file, fs::read_to_string(file).expect("readable source").lines().count()))
        .filter(|(_, lines)| *lines > 800)
        .map(|(file, lines)| format!("{}: {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "longer than 800 lines, split them:\n{}", long.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let text = "use crate::data::Roi;\nuse crate::{io::{self, open}, features};\n// crate::tui\nlet x = crate::app::App;";
    assert_eq!(references(text), ["data", "io", "features", "app"]);
}
