//! Processes as the operating system sees them: starting a server on its own core, its memory, its processor
//! time.
//!
//! Reads `/proc` and calls `taskset`, `prlimit` and `chrt`; where either is missing a figure is absent, nothing is pinned,
//! a limit stays as it is. It does not know what a server serves.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// What a server says on its standard output once it accepts connections, followed by its address.
pub(crate) const LISTENING: &str = "listening on ";

/// `/proc/<pid>/stat` counts in hundredths of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// The cores that the two sides run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: usize,
    pub(crate) load: usize,
}

impl Cores {
    /// Two of the cores this process may use, and this thread moved to one of them; `None` when there is one
    /// core only or no `taskset`.
    pub(crate) fn claim() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mut allowed = cores_in(field(&status, "Cpus_allowed_list:")?).into_iter();
        let cores = Self { server: allowed.next()?, load: allowed.next()? };
        let pinned = Command::new("taskset")
            .args(["-cp", &cores.load.to_string(), &std::process::id().to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        pinned.is_ok_and(|status| status.success()).then_some(cores)
    }
}

/// A list such as `0-3,8`.
fn cores_in(list: &str) -> Vec<usize> {
    let number = |text: &str| text.trim().parse::<usize>().ok();
    list.split(',')
        .filter_map(|part| match part.split_once('-') {
            Some((first, last)) => Some(number(first)?..=number(last)?),
            None => Some(number(part)?..=number(part)?),
        })
        .flatten()
        .collect()
}

/// A command line: what is to be started, with its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    words: Vec<OsString>,
}

impl Program {
    pub(crate) fn new(words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { words: words.into_iter().map(Into::into).collect() }
    }

    /// This program, started again with these arguments.
    pub(crate) fn own(arguments: &[&str]) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find this program's own file")?;
        Ok(Self::new([own]).followed_by(arguments))
    }

    /// The same, started by `wrapper`, which takes a command line as its last arguments.
    pub(crate) fn under(self, wrapper: &[&str]) -> Self {
        Self { words: wrapper.iter().map(OsString::from).chain(self.words).collect() }
    }

    fn followed_by(mut self, arguments: &[&str]) -> Self {
        self.words.extend(arguments.iter().map(OsString::from));
        self
    }

    fn command(&self) -> anyhow::Result<Command> {
        let (program, arguments) = self.words.split_first().context("nothing to start")?;
        let mut command = Command::new(program);
        command.args(arguments);
        Ok(command)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.words.iter().map(|word| word.to_string_lossy()).collect();
        out.write_str(&words.join(" "))
    }
}

/// A server that this process started; it ends when this is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Kept open: the server may write more.
    _stdout: BufReader<ChildStdout>,
}

impl Running {
    /// Starts a program and waits until it listens.
    pub(crate) fn start(program: Program, cores: Option<Cores>) -> anyhow::Result<Self> {
        let program = match cores {
            Some(cores) => program.under(&["taskset", "-c", &cores.server.to_string()]),
            None => program,
        };
        let mut child = program
            .command()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let mut stdout = BufReader::new(child.stdout.take().context("the server has no standard output")?);
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let Some(address) = line.trim().strip_prefix(LISTENING).and_then(|address| address.parse().ok())
        else {
            child.kill().ok();
            child.wait().ok();
            bail!("the server `{program}` did not say where it listens");
        };
        Ok(Self { child, address, _stdout: stdout })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to end, as one that is told by the end of its parent, and waits until it has.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }

    /// Resident memory in KiB, once it has stopped changing.
    pub(crate) fn settled_memory_kib(&self) -> Option<u64> {
        let mut last = memory_kib(self.id())?;
        let mut same = 0;
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(50));
            let now = memory_kib(self.id())?;
            same = if now == last { same + 1 } else { 0 };
            last = now;
            if same == 4 {
                break;
            }
        }
        Some(last)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Lets this thread run only when nobody else wants its core; as before when there is no `chrt`.
pub(crate) fn give_way() {
    let Ok(thread) = std::fs::read_link("/proc/thread-self") else { return };
    let Some(thread) = thread.file_name() else { return };
    // It is about the order on one core: without it the others only seem slower.
    Command::new("chrt")
        .args(["--idle", "--pid", "0"])
        .arg(thread)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok();
}

/// Ends this process when its parent is gone, so that a bench that is killed leaves no server behind.
pub(crate) fn end_with_parent() {
    std::thread::spawn(|| {
        let mut byte = [0];
        while std::io::stdin().read(&mut byte).is_ok_and(|read| read > 0) {}
        std::process::exit(0);
    });
}

pub(crate) fn memory_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    field(&status, "VmRSS:")?.trim_end_matches("kB").trim().parse().ok()
}

/// The most resident memory that it ever had.
pub(crate) fn peak_memory_kib(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    field(&status, "VmHWM:")?.trim_end_matches("kB").trim().parse().ok()
}

/// Sees to it that this process, and each that it starts, may open so many files; a socket is one.
pub(crate) fn allow_files(needed: usize) -> anyhow::Result<()> {
    let limits = || files_in(&std::fs::read_to_string("/proc/self/limits").ok()?);
    let Some((allowed, most)) = limits() else { return Ok(()) };
    if allowed >= needed {
        return Ok(());
    }
    if most >= needed {
        // The hard limit stays, and up to it anybody may go.
        let own = std::process::id().to_string();
        let raise = Command::new("prlimit").args(["--pid", &own, &format!("--nofile={needed}:")]).status();
        if raise.is_ok_and(|status| status.success()) && limits().is_some_and(|(now, _)| now >= needed) {
            return Ok(());
        }
    }
    bail!(
        "{needed} open files are needed and {allowed} are allowed (`ulimit -Sn`), {most} at most (`ulimit -Hn`): \
         raise them, or ask for fewer connections"
    );
}

/// The open files that a process may have, and those that it may allow itself.
fn files_in(limits: &str) -> Option<(usize, usize)> {
    let limit = |word: &str| if word == "unlimited" { Some(usize::MAX) } else { word.parse().ok() };
    let mut words = field(limits, "Max open files")?.split_ascii_whitespace();
    Some((limit(words.next()?)?, limit(words.next()?)?))
}

/// How many files, sockets among them, a process has open.
pub(crate) fn open_files(id: u32) -> Option<usize> {
    let folder = format!("/proc/{id}/fd");
    // Kernels before 6.2 do not tell at once, and then each is counted.
    match std::fs::metadata(&folder).ok()?.len() {
        0 => Some(std::fs::read_dir(&folder).ok()?.count()),
        files => Some(files as usize),
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// Processor time of all threads of a process.
pub(crate) fn cpu_of(id: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    ticks_in(&stat).map(|ticks| TICK * ticks)
}

/// User and system time; the name before them may hold spaces and parentheses.
fn ticks_in(stat: &str) -> Option<u32> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u32>().ok();
    Some(ticks()? + ticks()?)
}

/// Processor time of this thread.
pub(crate) fn own_cpu() -> Option<Duration> {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    schedstat.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores() {
        assert_eq!(cores_in("0-1"), [0, 1]);
        assert_eq!(cores_in("3"), [3]);
        assert_eq!(cores_in("0,4-6,9"), [0, 4, 5, 6, 9]);
        assert!(cores_in("").is_empty());
    }

    #[test]
    fn processor_time_is_found_behind_an_odd_name() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194304 100 0 0 0 17 5 0 0 20 0 3 0 999 1000 10";
        assert_eq!(ticks_in(stat), Some(22));
        assert_eq!(ticks_in("nonsense"), None);
    }

    #[test]
    fn the_limits_of_open_files() {
        let limits =
            |files: &str| format!("Max processes 1 2 processes\nMax open files    {files}   files\n");
        assert_eq!(files_in(&limits("1024    524288")), Some((1024, 524_288)));
        assert_eq!(files_in(&limits("20000 unlimited")), Some((20_000, usize::MAX)));
        assert_eq!(files_in("Max processes 1 2 processes\n"), None);
    }

    #[test]
    fn a_field_of_a_status_file() {
        assert_eq!(field("Name:\tx\nVmRSS:\t  120 kB\n", "VmRSS:"), Some("120 kB"));
        assert_eq!(field("Name:\tx\n", "VmRSS:"), None);
    }
}
