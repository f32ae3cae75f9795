//! Finds out what images a location names, while it is being typed.

use std::path::Path;
use std::sync::mpsc::Sender;
use std::thread;

use super::files::images_at;
use super::message::Message;
use crate::app::AppEvent;
use crate::app::cautions::why_slow;
use crate::app::inspect::Inspection;
use crate::io::template::expand_home;
use crate::io::{self, Error, OpenOptions};

/// Looks at what `location` names, on a thread of its own.
pub(super) fn start(location: String, sender: Sender<Message>) -> std::io::Result<()> {
    thread::Builder::new().name("inspect".into()).spawn(move || {
        let found = inspect(location);
        let _ = sender.send(Message::App(Box::new(AppEvent::Inspected(Box::new(found)))));
    })?;
    Ok(())
}

fn inspect(location: String) -> Inspection {
    let expanded = expand_home(&location);
    let text = expanded.to_string_lossy();
    let files = if expanded.is_dir() {
        images_at(&text).map_err(|problem| problem.why)
    } else if expanded.exists() {
        Ok(vec![text.clone().into_owned()])
    } else {
        io::expand(&text).map_err(|error| error.to_string())
    };
    let (mut datasets, mut slow) = (Vec::new(), None);
    let first = files.as_ref().ok().and_then(|files| files.first()).and_then(|first| {
        match io::open(first, &OpenOptions::default()) {
            Ok(image) => {
                slow = why_slow(image.as_ref());
                Some(Ok(image.info().clone()))
            }
            Err(Error::ManyDatasets { names, .. }) => {
                datasets = names;
                None
            }
            Err(error) => Some(Err(error.to_string())),
        }
    });
    // A single location that can't be opened names nothing.
    let files = match (files, &first) {
        (Ok(files), Some(Err(why))) if files.len() == 1 && !Path::new(&files[0]).exists() => Err(why.clone()),
        (files, _) => files,
    };
    Inspection { location, files, first, datasets, slow }
}
