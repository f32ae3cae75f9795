//! The program behind a real sshd on the loopback address.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use brushwood::project::Project;
use rustix::process::{Pid, Signal, kill_process};

use crate::desktop::{Owned, wait_until};
use crate::emulator::{Profile, Screenshot};
use crate::session::Session;

/// An sshd of our own, with its key and ours in its folder.
struct Server {
    folder: tempfile::TempDir,
    port: u16,
    process: Owned,
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|e| panic!("{program}: {e}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Server {
    fn start() -> Server {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        for key in ["host", "user"] {
            run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file(key)]);
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             UsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n",
            file("host"),
            file("user.pub")
        );
        fs::write(file("settings"), settings).unwrap();
        // Where sshd, started by root, wants to have its empty folder.
        let _ = fs::create_dir_all("/run/sshd");
        let process = Owned::start(
            Command::new("/usr/sbin/sshd")
                .args(["-D", "-e", "-f", &file("settings")])
                .stderr(fs::File::create(file("complaints")).unwrap())
                .stdout(Stdio::null()),
        )
        .expect("sshd starts");
        wait_until("sshd", || {
            // It greets first.
            let mut greeting = [0; 4];
            TcpStream::connect(("127.0.0.1", port)).ok()?.read_exact(&mut greeting).ok()?;
            (&greeting == b"SSH-").then_some(())
        });
        Server { folder, port, process }
    }

    /// Runs brushwood in `home` at the other end of a connection.
    fn open(&self, home: &Path, image: &str) -> Session {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let command = format!(
            "cd '{}' && export HOME=$PWD COLORTERM=truecolor LANG=C.UTF-8 && exec '{}' {image}",
            home.display(),
            env!("CARGO_BIN_EXE_brushwood")
        );
        let port = self.port.to_string();
        let (key, known) = (file("user"), format!("UserKnownHostsFile={}", file("known")));
        let arguments = [
            "-F",
            "none",
            "-tt",
            "-p",
            &port,
            "-i",
            &key,
            "-o",
            &known,
            "-o",
            "StrictHostKeyChecking=no",
            "-o",
            "LogLevel=ERROR",
            "-l",
            &user(),
            "127.0.0.1",
            &command,
        ];
        let profile = Profile { columns: 100, rows: 30, ..Profile::kitty() };
        Session::start_program(None, profile, home, "/usr/bin/ssh", &arguments)
    }

    /// Ends the processes that serve connections, as a broken line does.
    fn break_connections(&self) {
        let id = self.process.id().to_string();
        run("pkill", &["-KILL", "-P", &id]);
    }
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The brushwood that runs in `home`.
fn process_in(home: &Path) -> Option<Pid> {
    let home = home.canonicalize().unwrap();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path = entry.ok()?.path();
        let number: i32 = path.file_name()?.to_str()?.parse().ok()?;
        let program = fs::read_link(path.join("exe")).ok()?;
        let ours = program.file_name()? == "brushwood" && fs::read_link(path.join("cwd")).ok()? == home;
        Pid::from_raw(number).filter(|_| ours)
    });
    processes.into_iter().next()
}

fn shows(shot: &Screenshot, at: [usize; 2], color: [u8; 3]) -> bool {
    shot.at(at[0], at[1]) == color
}

const YELLOW: [u8; 3] = [255, 225, 25];
const BLUE: [u8; 3] = [0, 130, 200];

fn home_with_image() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample_data/nuclei.tif");
    fs::copy(sample, home.path().join("nuclei.tif")).unwrap();
    let project = home.path().join("nuclei.ilp");
    (home, project)
}

#[test]
fn a_broken_connection_loses_no_stroke() {
    let server = Server::start();
    let (home, project) = home_with_image();
    let mut far = server.open(home.path(), "nuclei.tif");
    far.wait_text("live update off");
    far.wait_text("raw ");
    far.wait("the picture", |t| t.holds_images());
    far.drag(&[[400, 200], [440, 200], [480, 210]]);
    far.wait("the first stroke", |t| shows(&t.screenshot(), [440, 200], YELLOW));
    far.keys("\x13");
    far.wait_text("Saved");
    far.keys("2");
    far.drag(&[[420, 330], [450, 360]]);
    far.wait("the second stroke", |t| shows(&t.screenshot(), [420, 330], BLUE));
    far.wait_text("nuclei.ilp *");
    let saved = Project::load(&project).unwrap().lanes[0].labels.counts();
    assert!(saved[1] > 0 && saved.get(2).is_none_or(|&count| count == 0));

    server.break_connections();
    wait_until("the end of the program at the other end", || process_in(home.path()).is_none().then_some(()));
    drop(far);

    let mut again = server.open(home.path(), "nuclei.tif");
    again.wait_text("estore");
    again.keys("\r");
    again.wait("both strokes", |t| {
        let shot = t.screenshot();
        shows(&shot, [440, 200], YELLOW) && shows(&shot, [420, 330], BLUE)
    });
    again.keys("\x13");
    again.wait_text("Saved");
    again.keys("\x11");
    assert_eq!(again.wait_end(), 0);
    let counts = Project::load(&project).unwrap().lanes[0].labels.counts();
    assert!(counts[1] == saved[1] && counts[2] > 0, "{saved:?} saved before the end, {counts:?} after it");
}

#[test]
fn a_terminated_program_leaves_the_terminal_clean_over_ssh() {
    let server = Server::start();
    let (home, _) = home_with_image();
    let mut far = server.open(home.path(), "nuclei.tif");
    far.wait_text("live update off");
    far.wait_text("raw ");
    far.drag(&[[400, 200], [440, 200]]);
    far.wait("the stroke", |t| shows(&t.screenshot(), [420, 200], YELLOW));
    let process = process_in(home.path()).expect("brushwood at the other end");
    kill_process(process, Signal::TERM).unwrap();
    assert_eq!(far.wait_end(), 143);
}
