//! A slow link between a program and its terminal: so many bytes per second, a delay each way, and a buffer
//! that takes a megabyte before the program notices, as through sshd.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How slow the link is.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// What it carries to the terminal.
    pub bytes_per_second: f64,
    /// How long every byte takes, each way.
    pub delay: Duration,
}

impl Link {
    /// 1 Mbit/s and 50 ms each way.
    pub const SLOW: Link = Link { bytes_per_second: 125e3, delay: Duration::from_millis(50) };
}

/// Bytes that wait in the link before it takes no more.
const BUFFER: f64 = 1e6;
/// Bytes that arrive together.
const PACKET: usize = 1024;

/// What arrives of what the program writes; ends with it.
pub fn to_terminal(mut program: impl Read + Send + 'static, link: Option<Link>) -> Receiver<Vec<u8>> {
    let (arrivals, arriving) = channel::<(Instant, Vec<u8>)>();
    let (sender, bytes) = channel();
    thread::spawn(move || {
        let mut buffer = vec![0; if link.is_some() { PACKET } else { 1 << 16 }];
        let mut free = Instant::now();
        while let Ok(count @ 1..) = program.read(&mut buffer) {
            let mut at = Instant::now();
            if let Some(link) = link {
                free = free.max(at) + Duration::from_secs_f64(count as f64 / link.bytes_per_second);
                let waiting = free.saturating_duration_since(at);
                let most = Duration::from_secs_f64(BUFFER / link.bytes_per_second);
                thread::sleep(waiting.saturating_sub(most));
                at = free + link.delay;
            }
            if arrivals.send((at, buffer[..count].to_vec())).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (at, packet) in arriving {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if sender.send(packet).is_err() {
                return;
            }
        }
    });
    bytes
}

/// A writer whose bytes reach the program after the link's delay.
pub fn to_program(mut program: Box<dyn Write + Send>, link: Option<Link>) -> Box<dyn Write + Send> {
    let Some(link) = link else { return program };
    let (sender, packets) = channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        for (at, packet) in packets {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if program.write_all(&packet).is_err() {
                return;
            }
        }
    });
    Box::new(Delayed { sender, delay: link.delay })
}

struct Delayed {
    sender: Sender<(Instant, Vec<u8>)>,
    delay: Duration,
}

impl Write for Delayed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let packet = (Instant::now() + self.delay, bytes.to_vec());
        self.sender.send(packet).map_err(|_| std::io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
