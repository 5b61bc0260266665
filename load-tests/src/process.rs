//! A system under test as a process: pinned to a core, its processor time and memory read from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::clock::now;

/// How long a system may take to listen.
const READY_MAX: Duration = Duration::from_secs(300);

/// How often another process's port is tried: there is no event to wait for.
const TRY_EVERY: Duration = Duration::from_millis(1);

/// How long a system may take to stop when asked, before it is killed.
const STOP_MAX: Duration = Duration::from_secs(20);

/// A process that ends with this value.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

/// What a process has used.
#[derive(Clone, Debug, Default)]
pub(crate) struct Usage {
    /// User and system time of all threads since the start.
    pub(crate) cpu: Duration,
    /// The same by name of thread; threads of one name are added up.
    pub(crate) threads: BTreeMap<String, Duration>,
    /// Resident memory, bytes.
    pub(crate) resident: u64,
}

impl Process {
    /// Starts `command` on one core, with its output in `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(name: &str, command: &Command, core: usize, log: &Path) -> Result<Self> {
        Self::start_on(name, command, &core.to_string(), log)
    }

    /// Starts `command` on `cores`, a list as `taskset` has it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start_on(name: &str, command: &Command, cores: &str, log: &Path) -> Result<Self> {
        let log = fs::File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut pinned = Command::new("taskset");
        pinned.arg("--cpu-list").arg(cores).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => pinned.env(key, value),
                None => pinned.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            pinned.current_dir(folder);
        }
        let child = pinned.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
        Ok(Self { name: name.to_owned(), child: child.with_context(|| format!("starting {name}"))? })
    }

    /// Waits until `address` accepts connections.
    ///
    /// # Errors
    /// When the process ends or the time is over first.
    pub(crate) fn wait_listening(&mut self, address: SocketAddr) -> Result<()> {
        self.wait_until(|| TcpStream::connect(address).is_ok())
    }

    /// Waits until `ready` says so.
    ///
    /// # Errors
    /// When the process ends or the time is over first.
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let end = now() + READY_MAX;
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready: {status}", self.name);
            }
            if now() > end {
                bail!("{} was not ready within {READY_MAX:?}", self.name);
            }
            thread::sleep(TRY_EVERY);
        }
        Ok(())
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn usage(&self) -> Result<Usage> {
        let folder = PathBuf::from(format!("/proc/{}", self.child.id()));
        let status = self.read(&folder.join("status"))?;
        let (_, cpu) = self.cpu(&folder)?;
        let mut threads: BTreeMap<String, Duration> = BTreeMap::new();
        for thread in fs::read_dir(folder.join("task")).with_context(|| format!("{} has ended", self.name))? {
            // One that ended between listing and reading is in the sum of its process, and no end of that.
            if let Ok((name, cpu)) = self.cpu(&thread?.path()) {
                *threads.entry(name).or_default() += cpu;
            }
        }
        let resident = resident_kib(&status).context("an unknown form of /proc/PID/status")? * 1024;
        Ok(Usage { cpu, threads, resident })
    }

    fn read(&self, path: &Path) -> Result<String> {
        fs::read_to_string(path).with_context(|| format!("{} has ended", self.name))
    }

    /// Name and processor time of a process or thread.
    fn cpu(&self, folder: &Path) -> Result<(String, Duration)> {
        let stat = self.read(&folder.join("stat"))?;
        let (name, ticks) = name_and_ticks(&stat).context("an unknown form of /proc/PID/stat")?;
        // In nanoseconds, because a tick need not be a whole number of milliseconds.
        let tick = Duration::from_secs(1) / u32::try_from(rustix::param::clock_ticks_per_second())?;
        Ok((name.to_owned(), tick * u32::try_from(ticks)?))
    }

    /// Asks it to stop and waits until it has.
    ///
    /// # Errors
    /// When it cannot be waited for, or had to be killed.
    pub(crate) fn stop(mut self) -> Result<()> {
        let pid = Pid::from_child(&self.child);
        if self.child.try_wait()?.is_some() {
            bail!("{} ended by itself", self.name);
        }
        kill_process(pid, Signal::TERM)?;
        let end = now() + STOP_MAX;
        while self.child.try_wait()?.is_none() {
            if now() > end {
                bail!("{} did not stop within {STOP_MAX:?}", self.name);
            }
            thread::sleep(TRY_EVERY);
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Name, and utime + stime. The name stands in parentheses and may hold spaces, so fields count from its end.
fn name_and_ticks(stat: &str) -> Option<(&str, u64)> {
    let (head, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some((head.split_once('(')?.1, ticks))
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Pins this thread, and the threads and processes that it starts, to one core.
///
/// # Errors
/// When there is no such core.
pub(crate) fn pin_here(core: usize) -> Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).with_context(|| format!("pinning to core {core}"))
}

/// A loopback address whose port was free a moment ago.
///
/// # Errors
/// When there is none.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_from_forms_with_awkward_names() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(name_and_ticks(stat), Some(("a b) c", 300)));
        assert_eq!(resident_kib("VmPeak:\t  9 kB\nVmRSS:\t    1024 kB\n"), Some(1024));
        assert_eq!(name_and_ticks("7 (x"), None);
    }

    #[test]
    fn a_process_is_measured_while_it_lives_and_missed_when_it_ends() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut busy = Command::new("sh");
        busy.args(["-c", "while :; do :; done"]);
        let mut process = Process::start("busy", &busy, 0, &folder.path().join("log")).expect("started");
        let used = || process.usage().expect("alive").cpu >= Duration::from_millis(30);
        let end = now() + READY_MAX;
        while !used() && now() < end {
            thread::yield_now();
        }
        assert!(used());
        let usage = process.usage().expect("alive");
        assert_eq!(usage.threads.keys().collect::<Vec<_>>(), ["sh"]);
        process.wait_until(|| true).expect("alive");
        process.stop().expect("stops when asked");

        let mut gone =
            Process::start("gone", &Command::new("false"), 0, &folder.path().join("log")).expect("started");
        assert!(gone.wait_until(|| false).is_err());
    }
}
