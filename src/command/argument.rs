//! Arguments of commands: how they are read from a keymap or the palette, and printed.

use std::fmt;

/// Why a text is not the argument a command takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// Nothing given.
    #[error("needs {0}")]
    Missing(&'static str),
    /// Something given that can't be read.
    #[error("'{found}' is not {expected}")]
    Wrong {
        /// What was given.
        found: String,
        /// What is taken.
        expected: &'static str,
    },
    /// Something given to a command that takes nothing.
    #[error("takes nothing, found '{0}'")]
    Unexpected(String),
}

/// A type of argument.
pub trait Argument: Sized + fmt::Display {
    /// What it is, in words with an article.
    const WHAT: &'static str;

    /// Reads it from a text that is not blank.
    fn read(text: &str) -> Option<Self>;
}

impl Argument for i32 {
    const WHAT: &'static str = "a whole number";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Argument for usize {
    const WHAT: &'static str = "a number from 1";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|&n| n > 0)
    }
}

impl Argument for f64 {
    const WHAT: &'static str = "a number";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|n: &f64| n.is_finite())
    }
}

impl Argument for String {
    const WHAT: &'static str = "a text";

    fn read(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($variant:ident = $word:literal),*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum $name { $($variant),* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word),* })
            }
        }

        impl Argument for $name {
            const WHAT: &'static str = $what;

            fn read(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// The axis a slice is normal to.
    SliceAxis, "one of x, y, z": X = "x", Y = "y", Z = "z"
}

words! {
    /// A direction on the screen.
    Direction, "one of up, down, left, right": Up = "up", Down = "down", Left = "left", Right = "right"
}

/// Reads the argument of a command: `text` is trimmed, blank means the default.
///
/// # Errors
/// A text that is not such an argument, or none where there is no default.
pub fn read<T: Argument>(text: &str, default: Option<T>) -> Result<T, ArgumentError> {
    if text.is_empty() {
        return default.ok_or(ArgumentError::Missing(T::WHAT));
    }
    T::read(text).ok_or_else(|| ArgumentError::Wrong { found: text.to_owned(), expected: T::WHAT })
}
