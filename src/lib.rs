//! Interactive pixel classification in the terminal, compatible with ilastik's Pixel Classification.
//!
//! An image is read by region ([`io`]), filtered at several scales ([`features`]), and each pixel's feature
//! channels go down a random forest ([`classify`]) that was trained on a few labelled pixels. [`pipeline`]
//! joins these for one block and is the only place where an image becomes probabilities; [`batch`] runs it
//! over files, [`engine`] over what is on screen. [`project`] keeps it all in an `.ilp` file.
//!
//! In the interface keys and mouse become commands ([`command`]), which change the state ([`app`]); the
//! state is drawn as text and as a picture ([`render`]), which [`graphics`] turns into what the terminal
//! understands; [`tui`] owns the terminal and the threads. [`cli`] is the command line over all of it, and
//! [`data`] the vocabulary that everything shares.
//!
//! Arrays have the axis order `tzyxc`, regions are half open, and a module imports only from the layers
//! below it (see `ARCHITECTURE.md`).

pub mod app;
pub mod batch;
pub mod classify;
pub mod cli;
pub mod command;
pub mod data;
pub mod engine;
pub mod features;
pub mod graphics;
pub mod io;
pub mod pipeline;
pub mod project;
pub mod render;
pub mod tui;
