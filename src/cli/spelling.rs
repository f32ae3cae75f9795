//! How arguments may be spelt: underscores in option names (`--export_source` is `--export-source`), names in UTF-8.

use std::ffi::OsString;

use super::error::Failure;

/// The arguments with the underscores of long options' names turned into dashes. Values stay, and so
/// does everything after `--`.
pub(super) fn dashed(arguments: Vec<OsString>) -> Vec<OsString> {
    let mut is_over = false;
    arguments
        .into_iter()
        .map(|argument| {
            is_over |= argument == "--";
            match argument.to_str() {
                Some(text) if !is_over && text.starts_with("--") => {
                    let (name, value) = text.split_once('=').map_or((text, None), |(n, v)| (n, Some(v)));
                    let name = name.replace('_', "-");
                    value.map_or_else(|| name.clone(), |value| format!("{name}={value}")).into()
                }
                _ => argument,
            }
        })
        .collect()
}

/// Refuses names that are not UTF-8, which neither projects nor placeholders can hold.
pub(super) fn readable(arguments: &[OsString]) -> Result<(), Failure> {
    match arguments.iter().find(|argument| argument.to_str().is_none()) {
        None => Ok(()),
        Some(name) => Err(Failure::usage(
            format!("Can't use the name '{}'", name.to_string_lossy()),
            "it is not UTF-8, as names in projects have to be",
            "Rename it, or the folder that it is in",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_options_change() {
        let arguments = ["b", "--raw_data", "my_image.png", "--a_b=c_d", "--", "--x_y"].map(OsString::from);
        let expect = ["b", "--raw-data", "my_image.png", "--a-b=c_d", "--", "--x_y"].map(OsString::from);
        assert_eq!(dashed(arguments.to_vec()), expect);
    }
}
