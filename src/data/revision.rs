//! Counters that tell newer from older. Each kind is its own type, so that they cannot be mixed up.

macro_rules! revision {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// The revision after this one.
            pub fn next(self) -> Self {
                $name(self.0 + 1)
            }
        }
    )*};
}

revision! {
    /// Counts edits of labels or classes.
    LabelsRev,
    /// Counts changes after which label values stand for other classes.
    ClassesRev,
    /// Counts changes of the feature selection.
    SelectionRev,
    /// Counts forests; a partly trained forest and its completion are two revisions.
    ForestRev,
    /// Counts changes of what is on screen.
    ViewRev,
}
