//! Options of ilastik's command line that are not brushwood's: which change nothing, and which can't be
//! followed.

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
    /// It makes none either, but its user may wait for something.
    Note(&'static str),
    /// The results would not be what was asked for.
    Refused(&'static str, &'static str),
}

use Effect::{Note, Refused};
use Takes::{Switch, Value};

/// What ilastik takes for true or false.
const SWITCHES: [&str; 12] = ["0", "1", "true", "false", "yes", "no", "y", "n", "on", "off", "t", "f"];

const PROGRAM: &str = "brushwood has no such setting";
const OTHER: &str = "it belongs to another workflow than Pixel Classification";
const LABELS: &str = "brushwood makes no labels of its own";

/// Name with dashes, what follows it, what is done.
const OPTIONS: &[(&str, Takes, Effect)] = &[
    ("readonly", Switch, Effect::Nothing),
    ("preconvert-stacks", Takes::Nothing, Effect::Nothing),
    ("debug", Takes::Nothing, Effect::Nothing),
    ("exit-on-failure", Takes::Nothing, Effect::Nothing),
    ("exit-on-success", Takes::Nothing, Effect::Nothing),
    ("clean-paths", Takes::Nothing, Effect::Nothing),
    ("fullscreen", Takes::Nothing, Effect::Nothing),
    ("process-name", Value, Effect::Nothing),
    ("tiktorch-executable", Value, Effect::Nothing),
    ("nn-device", Value, Effect::Nothing),
    ("logfile", Value, Note("--logfile is not used, messages go to stderr")),
    ("configfile", Value, Note("--configfile is not used: brushwood takes --threads and --memory")),
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
    ("generate-random-labels", Takes::Nothing, Refused(LABELS, "Leave it out")),
    ("random-label-value", Value, Refused(LABELS, "Leave it out")),
    ("random-label-count", Value, Refused(LABELS, "Leave it out")),
];

/// The arguments without these options, and what their user should know.
///
/// # Errors
/// One that can't be followed.
pub(super) fn without(arguments: Vec<OsString>) -> Result<(Vec<OsString>, Vec<&'static str>), Failure> {
    let mut kept = Vec::with_capacity(arguments.len());
    let mut notes = Vec::new();
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
        let is_switch = |next: &OsString| {
            next.to_str().is_some_and(|next| SWITCHES.iter().any(|known| known.eq_ignore_ascii_case(next)))
        };
        let follows = match takes {
            Takes::Nothing => false,
            Value => value.is_none(),
            Switch => value.is_none() && rest.peek().is_some_and(is_switch),
        };
        if follows {
            rest.next();
        }
        match effect {
            Effect::Nothing => {}
            Note(note) => notes.push(*note),
            Refused(why, fix) => {
                let name = name.replace('-', "_");
                return Err(Failure::usage(format!("Can't follow ilastik's option --{name}"), *why, *fix));
            }
        }
    }
    Ok((kept, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(arguments: &[&str]) -> Vec<String> {
        let arguments = arguments.iter().map(OsString::from).collect();
        let (kept, _) = without(arguments).expect("nothing is refused");
        kept.into_iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn options_go_with_their_values() {
        assert_eq!(
            kept(&["b", "--headless", "--readonly", "1", "--logfile", "l.txt", "--debug", "a.png"]),
            ["b", "--headless", "a.png"]
        );
        assert_eq!(
            kept(&["--readonly", "a.png", "--readonly=0", "--logfile=l", "b.png"]),
            ["a.png", "b.png"]
        );
        assert_eq!(kept(&["--project=p", "--", "--debug"]), ["--project=p", "--", "--debug"]);
    }

    #[test]
    fn what_cannot_be_followed_is_explained() {
        for (name, _, effect) in OPTIONS {
            let arguments = vec![OsString::from(format!("--{name}")), "1".into()];
            assert_eq!(without(arguments).is_err(), matches!(effect, Refused(..)), "{name}");
        }
    }
}
