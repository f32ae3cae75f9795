//! Options of ilastik's command line that are not brushwood's: which change nothing, which can't be followed,
//! and which are written in a way of their own.

use std::ffi::OsString;

use super::error::Failure;

/// What follows an option's name.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    Nothing,
    /// A value, after `=` or as the next argument.
    Value,
    /// Maybe a truth value.
    Switch,
}

/// What is done about an option.
#[derive(Clone, Copy)]
enum Effect {
    /// It makes no difference here.
    Nothing,
    /// It is followed; a value becomes part of it.
    Kept,
    /// The results would not be what was asked for.
    Refused(&'static str, &'static str),
}

use Effect::{Kept, Refused};
use Takes::{Switch, Value};

/// What ilastik takes for false and true, in turn.
const SWITCHES: [&str; 8] = ["0", "1", "false", "true", "no", "yes", "off", "on"];

const PROGRAM: &str = "brushwood has no such setting";
const OTHER: &str = "it belongs to another workflow than Pixel Classification";

/// Name with dashes, what follows it, what is done.
const OPTIONS: &[(&str, Takes, Effect)] = &[
    ("readonly", Switch, Kept),
    ("preconvert-stacks", Takes::Nothing, Effect::Nothing),
    ("debug", Takes::Nothing, Effect::Nothing),
    ("exit-on-failure", Takes::Nothing, Effect::Nothing),
    ("exit-on-success", Takes::Nothing, Effect::Nothing),
    ("clean-paths", Takes::Nothing, Effect::Nothing),
    ("fullscreen", Takes::Nothing, Effect::Nothing),
    ("tiktorch-executable", Value, Effect::Nothing),
    ("nn-device", Value, Effect::Nothing),
    ("hbp", Takes::Nothing, Refused(PROGRAM, "Leave it out")),
    ("table-only", Takes::Nothing, Refused(OTHER, "Leave it out")),
    (
        "distributed",
        Takes::Nothing,
        Refused("brushwood does not run over MPI", "Leave it out, or give each machine its own images"),
    ),
    (
        "distributed-block-roi",
        Value,
        Refused("brushwood does not run over MPI", "Leave it out, or give each machine its own images"),
    ),
];

/// Whether `text` is what ilastik takes for true or false, and which.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    let place = SWITCHES.iter().position(|known| known.eq_ignore_ascii_case(text));
    place.map(|place| place % 2 == 1).ok_or_else(|| "write 1 or 0".to_owned())
}

/// The arguments without the options that make no difference, those that are kept with their values
/// after `=`.
///
/// # Errors
/// One that can't be followed.
pub(super) fn without(arguments: Vec<OsString>) -> Result<Vec<OsString>, Failure> {
    let mut kept = Vec::with_capacity(arguments.len());
    let mut rest = arguments.into_iter().peekable();
    while let Some(argument) = rest.next() {
        if argument == "--" {
            kept.push(argument);
            kept.extend(rest);
            break;
        }
        let text = argument.to_str().and_then(|text| text.strip_prefix("--")).unwrap_or("");
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let Some((name, takes, effect)) = OPTIONS.iter().find(|(known, ..)| *known == name) else {
            kept.push(argument);
            continue;
        };
        let is_switch = |next: &OsString| next.to_str().is_some_and(|next| switch(next).is_ok());
        let follows = match takes {
            Takes::Nothing => false,
            Value => value.is_none(),
            Switch => value.is_none() && rest.peek().is_some_and(is_switch),
        };
        let value = if follows { rest.next() } else { value.map(OsString::from) };
        match effect {
            Effect::Nothing => {}
            Kept => {
                let mut option = OsString::from(format!("--{name}"));
                if let Some(value) = value {
                    option.push("=");
                    option.push(value);
                }
                kept.push(option);
            }
            Refused(why, fix) => {
                let name = name.replace('-', "_");
                return Err(Failure::usage(format!("Can't follow ilastik's option --{name}"), *why, *fix));
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(arguments: &[&str]) -> Vec<String> {
        let arguments = arguments.iter().map(OsString::from).collect();
        let kept = without(arguments).expect("nothing is refused");
        kept.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn options_go_with_their_values() {
        assert_eq!(
            kept(&["b", "--headless", "--readonly", "1", "--nn-device", "cpu", "--debug", "a.png"]),
            ["b", "--headless", "--readonly=1", "a.png"]
        );
        assert_eq!(
            kept(&["--readonly", "a.png", "--readonly=off", "--nn-device=cpu", "b.png"]),
            ["--readonly", "a.png", "--readonly=off", "b.png"]
        );
        assert_eq!(kept(&["--project=p", "--", "--debug"]), ["--project=p", "--", "--debug"]);
    }

    #[test]
    fn truth_has_several_words() {
        assert!(["1", "True", "yes", "ON"].iter().all(|word| switch(word) == Ok(true)));
        assert!(["0", "false", "No", "off"].iter().all(|word| switch(word) == Ok(false)));
        assert!(switch("image.png").is_err());
    }

    #[test]
    fn what_cannot_be_followed_is_explained() {
        for (name, _, effect) in OPTIONS {
            let arguments = vec![OsString::from(format!("--{name}")), "1".into()];
            assert_eq!(without(arguments).is_err(), matches!(effect, Refused(..)), "{name}");
        }
    }
}
