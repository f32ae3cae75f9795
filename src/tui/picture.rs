//! What the canvas shows, as a PNG file.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::thread;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use super::message::Message;
use super::scene::SceneParts;
use crate::app::{AppEvent, Problem, SaveFailure};
use crate::io;

/// Writes the picture on a thread of its own and answers with an event.
pub(super) fn save(
    scene: SceneParts,
    path: PathBuf,
    overwrite: bool,
    sender: Sender<Message>,
) -> std::io::Result<()> {
    thread::Builder::new().name("picture".into()).spawn(move || {
        let result = if path.exists() && !overwrite {
            Err(SaveFailure::Exists)
        } else {
            write(scene, &path).map_err(|why| {
                let what = format!("Can't write '{}'", path.display());
                SaveFailure::Failed(Problem::new(what, why, "Name another file"))
            })
        };
        let _ = sender.send(Message::App(Box::new(AppEvent::PictureSaved { path, result })));
    })?;
    Ok(())
}

fn write(scene: SceneParts, path: &std::path::Path) -> Result<(), String> {
    let picture = scene.picture();
    let pixels: Vec<u8> = (0..picture.width * picture.height).flat_map(|i| picture.color(i)).collect();
    let mut png = Vec::new();
    let [width, height] = [picture.width, picture.height].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    PngEncoder::new(&mut png)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| error.to_string())?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    }
    io::atomic::replace_file::<io::Error>(path, |file| {
        file.write_all(&png).map_err(|error| io::Error::io(path, error))
    })
    .map_err(|error| error.to_string())
}
