//! Named worker threads whose panics become events: the worker is started again and goes on with the
//! next piece of work.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::Sender;
use std::thread;

/// Runs `body` on a thread of the given name until it returns. When it panics, `panicked` is told why
/// and `body` is called again with the same `seen`, so that it waits for newer work instead of repeating
/// what failed. `ended` is dropped when the thread ends.
///
/// # Errors
/// The system can't start a thread.
pub(super) fn spawn(
    name: &str,
    ended: Sender<()>,
    mut body: impl FnMut(&mut u64) + Send + 'static,
    panicked: impl Fn(String) + Send + 'static,
) -> std::io::Result<()> {
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ended = ended;
        let mut seen = 0;
        while let Err(cause) = catch_unwind(AssertUnwindSafe(|| body(&mut seen))) {
            panicked(reason(cause.as_ref()));
        }
    })?;
    Ok(())
}

fn reason(cause: &(dyn Any + Send)) -> String {
    let text = cause.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| cause.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown cause".to_owned())
}
