//! `shuzha serve`: runs the gateway until it is told to stop.
//!
//! SIGTERM drains: calls under way are answered, everything is on disk, then the process ends. SIGQUIT hands the
//! listening sockets to a new process started with `--upgrade`, then drains; the new one begins when the journal
//! is free, and no connection is refused in between. SIGHUP reads world files, keys and the TLS certificate again; what was
//! in force stays so when they have faults. SIGINT ends at once. Every other signal is reported and changes nothing.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::{Resource, Rlimit, setrlimit};
use shuzha_core::clock::ShiftedClock;
use shuzha_core::{Clock as _, SystemClock};
use shuzha_files::terminal::say;
use shuzha_node::config::{self, Config, LogFormat, Sources};
use shuzha_node::logging;
use shuzha_node::node::{Node, Setup};
use shuzha_node::signals;
use shuzha_node::world;
use shuzha_proxy::{Addresses, Sockets};
use toml::Value;

/// How long a new process waits for the old one to pass its sockets, and then to leave the journal.
const HANDOVER_WAIT: Duration = Duration::from_secs(60);
/// How long a fresh start waits for a process that is just ending.
const JOURNAL_WAIT: Duration = Duration::from_secs(2);

/// What `--help` says about signals and upgrades.
const SIGNALS_HELP: &str = "\
信号 Signals:
  SIGTERM  停止接收，完成在途调用后退出 stop accepting, answer what is under way, end
  SIGINT   立即退出 end at once
  SIGHUP   重新读取声明文件、密钥与 TLS 证书；有错则沿用原状 read world files, keys and the TLS certificate again
  SIGQUIT  把监听套接字交给等待中的新进程，完成在途调用后退出；无人等待则继续服务
           pass the listening sockets to the new process that waits for them, then end as by SIGTERM; serve on if none waits
  其余信号只记入日志 Every other signal is logged and changes nothing.

热升级 Upgrade without a refused connection:
  shuzha serve --upgrade …      # 新进程等待套接字 the new process waits up to 60 s
  kill -QUIT <旧进程 old process>";

/// Runs the gateway.
#[derive(clap::Args, Debug)]
#[command(after_help = SIGNALS_HELP)]
pub(crate) struct ServeArgs {
    /// World file or folder; may be given several times.
    #[arg(long)]
    world: Vec<PathBuf>,
    /// Address for callers.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Address of the control API.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// Address for operators.
    #[arg(long)]
    operations: Option<SocketAddr>,
    /// Take the listening sockets over from the running process: wait up to 60 s until that process gets SIGQUIT.
    #[arg(long)]
    pub(crate) upgrade: bool,
    /// The clock is right, however far it is from the journal's last record: more than 60 s behind or 90 days ahead.
    #[arg(long)]
    pub(crate) clock_is_right: bool,
}

impl ServeArgs {
    /// What the flags set.
    pub(crate) fn flags(&self, sources: &mut Sources) {
        if !self.world.is_empty() {
            // A path on the command line is relative to where the command is given, not to the configuration file.
            let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
            let files = self.world.iter().map(|path| Value::String(absolute(path).display().to_string()));
            sources.flags.push(("world", "files", Value::Array(files.collect())));
        }
        if let Some(address) = self.listen {
            let list = vec![Value::String(address.to_string())];
            sources.flags.push(("data_plane", "listen", Value::Array(list)));
        }
        if let Some(address) = self.control {
            sources.flags.push(("control", "listen", Value::String(address.to_string())));
        }
        if let Some(address) = self.operations {
            sources.flags.push(("operations", "listen", Value::String(address.to_string())));
        }
    }
}

/// Serves until stopped; `false` when it cannot.
///
/// # Errors
/// What keeps it from serving, unless the log is JSON: then that is its last line, for whoever collects them.
pub(crate) fn run(config: &Config, args: &ServeArgs) -> Result<bool> {
    // First of all: no signal may end the process by its default once anything has begun.
    let early = signals::receive()?;
    logging::start(config.log_level, config.log_format);
    leave_no_core();
    match serve(config, args, early) {
        Err(error) if config.log_format == LogFormat::Json => {
            tracing::error!(error = format!("{error:#}"), "not serving");
            Ok(false)
        }
        done => done.map(|()| true),
    }
}

/// A crash leaves no picture of the memory behind: it would hold the calls under way, identifiers and keys included.
fn leave_no_core() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps cannot be switched off: a crash would write persons' data to disk");
    }
}

fn serve(config: &Config, args: &ServeArgs, early: signals::Early) -> Result<()> {
    let (upgrade, clock_is_right) = (args.upgrade, args.clock_is_right);
    let files = if config.world.is_empty() { None } else { Some(world::load(&config.world)?.world) };
    let addresses = Addresses { data: config.listen.clone(), operations: Some(config.operations) };
    let sockets = if upgrade {
        let (socket, seconds) = (&config.upgrade_socket, HANDOVER_WAIT.as_secs());
        let waiting = || {
            let socket = socket.display().to_string();
            tracing::info!(socket, seconds, "waiting for the sockets: send SIGQUIT to the running process");
        };
        Sockets::take_over(socket, HANDOVER_WAIT, &addresses, waiting).context("taking the sockets over")?
    } else {
        Sockets::bind(&addresses).context("the listening sockets")?
    };
    let setup = Setup {
        files,
        clock: ShiftedClock::default(),
        sockets,
        control: None,
        endpoints: HashMap::new(),
        disk: None,
        journal_wait: if upgrade { HANDOVER_WAIT } else { JOURNAL_WAIT },
        clock_is_right,
    };
    let node = Node::build(config, setup)?;
    if let Some(unwatched) = config.unwatched() {
        tracing::warn!("{unwatched}");
    }
    if let Some(ending) = config::ending(&config.control.rules.jurisdiction, SystemClock.now()) {
        tracing::warn!("{ending}");
    }
    early.obey(&node);
    let addresses = node.handle.addresses();
    let data: Vec<String> = addresses.data.iter().map(SocketAddr::to_string).collect();
    let operations = addresses.operations.map(|address| address.to_string()).unwrap_or_default();
    let control = node.control_plane().map(|plane| plane.address().to_string());
    // Scripts and tests that asked for port 0 read the addresses from this line.
    tracing::info!(
        data = data.join(","),
        operations,
        control = control.as_deref().unwrap_or_default(),
        "ready"
    );
    if let Some(file) = node.control_plane().and_then(|plane| plane.first_token_file.as_ref()) {
        tell_first_token(control.as_deref().unwrap_or_default(), file);
    }
    // The JSON log stays JSON, line by line.
    if config.log_format == LogFormat::Text {
        for address in &data {
            say(&format!("数闸已就绪 Shuzha is ready: {address}"));
        }
    }
    node.run()
}

/// Says where the one-time token of the first administrator is, and never what it is: logs are kept and read by others.
fn tell_first_token(address: &str, file: &Path) {
    let file = file.display();
    say("还没有管理员账号。一次性令牌（24 小时内有效）存于仅所有者可读的文件：");
    say(
        "There is no administrator yet. The one-time token, good for 24 hours, is in a file for its owner only:",
    );
    say(&format!("  {file}"));
    say(&format!(
        "  shuzha account first admin --first-token {file} --person 姓名 --organisation … --api http://{address}"
    ));
}
