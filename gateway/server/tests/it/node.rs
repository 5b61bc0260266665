//! A running `shuzha serve`: its process, its addresses, its log.

use std::io::{BufRead as _, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shuzha_core::{Clock as _, SystemClock};

use crate::home::Home;

/// Longer than anything here takes; the end of it fails the test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer: for what comes about in its own time, however busy the machine is.
pub(crate) fn patiently<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = SystemClock.now().plus(PATIENCE);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(SystemClock.now() < until, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process. Killed if the test ends before it.
pub(crate) struct Node {
    child: Child,
    lines: Receiver<String>,
    /// Every line it wrote, to either output, as far as read.
    pub(crate) log: Vec<String>,
    pub(crate) data: SocketAddr,
    pub(crate) operations: SocketAddr,
}

impl Node {
    /// Starts a gateway on free ports and waits until it is ready.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(home, &[])
    }

    /// The same, with more arguments.
    pub(crate) fn start_with(home: &Home, arguments: &[&str]) -> Self {
        let mut node = Self::spawn(home, arguments);
        node.wait_ready();
        node
    }

    /// Starts a gateway and waits for nothing.
    pub(crate) fn spawn(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(&["serve"]);
        command.arg("--world").arg(home.world());
        for listener in ["--listen", "--operations"] {
            if !arguments.contains(&listener) {
                command.args([listener, "127.0.0.1:0"]);
            }
        }
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (say, lines) = channel();
        read(child.stdout.take().expect("it is piped"), say.clone());
        read(child.stderr.take().expect("it is piped"), say);
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { child, lines, log: Vec::new(), data: nowhere, operations: nowhere }
    }

    /// Waits for the line that says where it listens.
    pub(crate) fn wait_ready(&mut self) {
        let ready = self.wait_line("ready");
        let address = |name: &str| ready[name].as_str().and_then(|text| text.parse().ok());
        self.data = address("data").expect("the line names the address for callers");
        self.operations = address("operations").expect("the line names the address for operators");
    }

    /// Waits for a line of the log with this message.
    pub(crate) fn wait_line(&mut self, message: &str) -> Value {
        match self.wait_line_or_end(message) {
            Some(line) => line,
            None => panic!("it ended before it said {message}: {:#?}", self.log),
        }
    }

    /// The same; none when the process ends without such a line.
    pub(crate) fn wait_line_or_end(&mut self, message: &str) -> Option<Value> {
        loop {
            let line = match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => panic!("no line says {message}: {:#?}", self.log),
                Err(RecvTimeoutError::Disconnected) => return None,
            };
            let read: Value = serde_json::from_str(&line).unwrap_or_default();
            self.log.push(line);
            if read["message"] == message {
                return Some(read);
            }
        }
    }

    /// Sends any signal by its number, as `kill` does.
    pub(crate) fn kill_with(&self, number: i32) {
        let mut kill = std::process::Command::new("kill");
        let sent = kill.arg(format!("-{number}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("`kill` is there").success());
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it is our process and not yet waited for");
    }

    /// The most bytes of its memory that a crash would leave in a file, as the kernel has it.
    pub(crate) fn core_bytes_max(&self) -> String {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).expect("it runs");
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
        line.split_whitespace().nth(5).expect("the hard limit").to_owned()
    }

    /// Ends it as a power switch would; the whole log.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().expect("it is our process");
        self.child.wait().expect("it ends");
        self.log.extend(self.lines.iter());
        std::mem::take(&mut self.log)
    }

    /// Asks it to drain, and waits for its end.
    pub(crate) fn drain(mut self) -> (ExitStatus, Vec<String>) {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Waits for its end; status and the whole log.
    pub(crate) fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        // The log ends with the process.
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => self.log.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:#?}", self.log),
            }
        }
        (self.child.wait().expect("it ended"), std::mem::take(&mut self.log))
    }
}

/// Passes lines on until the process closes its end.
fn read(output: impl Read + Send + 'static, say: Sender<String>) {
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        // A test that is over does not listen.
        lines.map(|line| say.send(line)).all(|sent| sent.is_ok())
    });
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
