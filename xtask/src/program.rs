//! Running other programs: each in a process group of its own, so that Ctrl-C ends it with all that it started.
//!
//! One program runs at a time, or several together that end together. What they are and whether a failure matters is
//! the caller's to know.

use std::{
    ffi::OsStr,
    fmt,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::workspace;

/// How long a program may take to stop once it has been asked to.
const GRACE: Duration = Duration::from_secs(15);

/// The process groups of the programs that run now. Held while one is started, so that no signal falls in between.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Passes Ctrl-C and other requests to end on to the program that runs: the first asks it to stop, a second one or
/// [`GRACE`] ends it.
/// With no program running, this process ends.
pub(crate) fn forward_interrupts() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot listen for Ctrl-C")?;
    thread::spawn(move || {
        for signal in signals.forever() {
            let groups = running();
            if groups.is_empty() {
                std::process::exit(128 + signal);
            }
            if INTERRUPTED.swap(true, Ordering::SeqCst) {
                groups.into_iter().for_each(end);
                continue;
            }
            let asked = if signal == SIGINT { Signal::INT } else { Signal::TERM };
            groups.iter().for_each(|&group| ask(group, asked));
            thread::spawn(move || end_in_time(&groups));
        }
    });
    Ok(())
}

/// Whether Ctrl-C, or a request to end, came while a program ran.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

fn running() -> Vec<Pid> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn ask(group: Pid, signal: Signal) {
    // It fails only when the group has ended meanwhile, which is what was wanted.
    let _ = kill_process_group(group, signal);
}

fn end(group: Pid) {
    ask(group, Signal::KILL);
}

/// Ends those of the groups that still run when their time to stop is over.
fn end_in_time(groups: &[Pid]) {
    thread::sleep(GRACE);
    running().into_iter().filter(|group| groups.contains(group)).for_each(end);
}

/// A program with its arguments. Its text is the line that a person types to repeat it.
pub(crate) struct Program {
    command: Command,
    shown: String,
}

impl Program {
    /// The program `path`, which people call `name`, run in the workspace's folder.
    pub(crate) fn new(path: impl AsRef<OsStr>, name: &str) -> Self {
        let mut command = Command::new(path);
        command.current_dir(workspace::root()).stdin(Stdio::null()).process_group(0);
        Self { command, shown: name.to_owned() }
    }

    /// A program that is found by its name.
    pub(crate) fn named(name: &str) -> Self {
        Self::new(name, name)
    }

    /// With these further arguments.
    pub(crate) fn arguments(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        for argument in arguments {
            let argument = argument.as_ref();
            self.shown = format!("{} {}", self.shown, argument.to_string_lossy());
            self.command.arg(argument);
        }
        self
    }

    /// In this folder of the workspace.
    pub(crate) fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        self.shown = format!("cd {} && {}", folder.display(), self.shown);
        self.command.current_dir(workspace::root().join(folder));
        self
    }

    /// With this variable in its environment.
    pub(crate) fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end with this process's output, and ends whatever it leaves behind.
    pub(crate) fn run(&mut self) -> anyhow::Result<ExitStatus> {
        self.start()?.wait()
    }

    fn start(&mut self) -> anyhow::Result<Started> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if interrupted() {
            bail!("interrupted");
        }
        let child = self.command.spawn().with_context(|| format!("cannot start `{}`", self.shown))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let group = group.with_context(|| format!("`{}` has no process group", self.shown))?;
        running.push(group);
        Ok(Started { child, group, shown: self.shown.clone() })
    }

    /// Runs it; anything but success is an error that names it.
    pub(crate) fn succeed(mut self) -> anyhow::Result<()> {
        let status = self.run()?;
        if interrupted() {
            bail!("interrupted");
        }
        if !status.success() {
            bail!("`{}` failed ({status})", self.shown);
        }
        Ok(())
    }

    /// Runs it without showing its output, and returns what it wrote to stdout; nothing if it is not there or
    /// fails.
    pub(crate) fn output(mut self) -> Option<String> {
        let output = self.command.stderr(Stdio::null()).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// A program that runs.
struct Started {
    child: Child,
    group: Pid,
    shown: String,
}

impl Started {
    /// Waits for its end, and ends whatever it leaves behind.
    fn wait(mut self) -> anyhow::Result<ExitStatus> {
        let status = self.child.wait();
        end(self.group);
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).retain(|&group| group != self.group);
        status.with_context(|| format!("cannot wait for `{}`", self.shown))
    }
}

/// Runs programs side by side, all with this process's output. When the first of them ends, the others are asked to
/// stop; its status is what is returned.
pub(crate) fn run_together(programs: impl IntoIterator<Item = Program>) -> anyhow::Result<ExitStatus> {
    let (ended, ends) = mpsc::channel();
    for mut program in programs {
        let started = match program.start() {
            Ok(started) => started,
            Err(error) => {
                stop_all();
                return Err(error);
            }
        };
        let ended = ended.clone();
        thread::spawn(move || {
            // Nobody listens any more when another one could not be started.
            let _ = ended.send(started.wait());
        });
    }
    drop(ended);
    let first = ends.recv().context("no program was given")?;
    stop_all();
    // The channel closes with the last one's end.
    ends.into_iter().for_each(drop);
    first
}

/// Asks all that run to stop, and sees to it that they do.
fn stop_all() {
    let groups = running();
    groups.iter().for_each(|&group| ask(group, Signal::TERM));
    thread::spawn(move || end_in_time(&groups));
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}
