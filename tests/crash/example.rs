//! The examples as child processes.

use std::{
    env,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};

/// One of the examples.
pub(crate) struct Example {
    name: &'static str,
    progress: Progress,
    /// What it says, with exit status 2, when there is nothing left to go on with.
    over: Option<&'static str>,
}

/// How an example tells how far it has come.
enum Progress {
    /// With `--json`, on stdout, by objects with this field.
    Field(&'static str),
    /// On stderr, by lines with this beginning.
    Line(&'static str),
}

pub(crate) const COUNTER: Example = Example {
    name: "counter",
    progress: Progress::Field("acknowledged"),
    over: Some("there is no unfinished run"),
};

pub(crate) const AGGREGATOR: Example =
    Example { name: "aggregator", progress: Progress::Field("sent"), over: None };

pub(crate) const APPROVAL: Example =
    Example { name: "approval", progress: Progress::Field("decided"), over: None };

pub(crate) const BOOKING: Example = Example { name: "booking", progress: Progress::Line("now "), over: None };

pub(crate) const CIRCUIT_BREAKER: Example =
    Example { name: "circuit_breaker", progress: Progress::Field("charged"), over: None };

pub(crate) const DEVICE_CACHE: Example =
    Example { name: "device_cache", progress: Progress::Field("reported"), over: None };

pub(crate) const FAN_OUT: Example =
    Example { name: "fan_out", progress: Progress::Field("done"), over: None };

pub(crate) const HELLO: Example =
    Example { name: "hello", progress: Progress::Line("greeting "), over: None };

pub(crate) const MATCHMAKING: Example =
    Example { name: "matchmaking", progress: Progress::Field("finished"), over: None };

pub(crate) const MONITOR: Example =
    Example { name: "monitor", progress: Progress::Field("round"), over: None };

pub(crate) const RIDE_SHARING: Example =
    Example { name: "ride_sharing", progress: Progress::Field("arrived"), over: None };

pub(crate) const TRANSFER: Example =
    Example { name: "transfer", progress: Progress::Field("done"), over: None };

/// Where the examples are, built as this test was. Cargo builds them with the tests unless a test is chosen by name.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = env::current_exe().expect("the test knows where it is");
    let folder = test.ancestors().nth(2).expect("it is `<target>/<profile>/deps/crash-<hash>`");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--examples", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the examples cannot be built");
    folder.join("examples")
});

/// Held while a child runs: one process at a time, so that none is slowed down by the others.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Waits until no other child runs, and keeps it so until what is returned is dropped.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an example did when it was left to end by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Requires success; returns what went to stdout.
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.status, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Requires this exit status and this text in the message.
    pub(crate) fn failed(self, status: i32, message: &str) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stderr.contains(message), "`{message}` is not in: {}", self.stderr);
    }
}

/// How a process ended that was to be killed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By SIGKILL, when it had come so far.
    Killed { progress: u64 },
    /// By itself: it was over before the signal arrived.
    Finished,
}

impl Example {
    /// Runs it to its end.
    pub(crate) fn run(&self, data: &Path, arguments: &[&str]) -> Ended {
        let _alone = alone();
        let output = self.command(data, arguments).output().expect("the example can be started");
        Ended {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("it writes UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("it writes UTF-8"),
        }
    }

    /// Runs it and kills it after it has written `lines` lines about its progress.
    pub(crate) fn kill_after(&self, lines: u64, data: &Path, arguments: &[&str]) -> End {
        let _alone = alone();
        let mut command = self.command(data, arguments);
        command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the example can be started");
        let mut told = self.told_by(&mut child);
        let lines = usize::try_from(lines).expect("it is the number of lines of a file");
        let before = told.by_ref().take(lines).last();
        child.kill().expect("a child can be killed");
        // What is still in the pipe was told before the end.
        let progress = told.last().or(before).unwrap_or(0);
        let output = child.wait_with_output().expect("a child can be waited for");
        match (output.status.code(), self.over) {
            (None, _) => End::Killed { progress },
            (Some(0), _) => End::Finished,
            (Some(code), over) => {
                let stderr = String::from_utf8_lossy(&output.stderr);
                let over = over.is_some_and(|over| stderr.contains(over));
                assert!(over, "{} exited with {code}: {stderr}", self.name);
                End::Finished
            }
        }
    }

    /// What a child tells about its progress, line by line.
    fn told_by<'a>(&'a self, child: &mut Child) -> impl Iterator<Item = u64> + use<'a> {
        let stream: Box<dyn Read> = match self.progress {
            Progress::Field(_) => Box::new(child.stdout.take().expect("stdout is piped")),
            Progress::Line(_) => Box::new(child.stderr.take().expect("stderr is piped")),
        };
        let lines = BufReader::new(stream).lines().map_while(io::Result::ok);
        let mut told = 0;
        lines.filter_map(move |line| {
            let progress = self.progress.in_line(&line, told + 1);
            told += u64::from(progress.is_some());
            progress
        })
    }

    fn command(&self, data: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(FOLDER.join(format!("{}{}", self.name, env::consts::EXE_SUFFIX)));
        command.arg("--data").arg(data).args(arguments).stdin(Stdio::null());
        command
    }
}

impl Progress {
    /// How far this line says that the example has come, if it is one that tells of that, then the `number`-th.
    fn in_line(&self, line: &str, number: u64) -> Option<u64> {
        match self {
            Self::Field(name) => serde_json::from_str::<serde_json::Value>(line).ok()?[name].as_u64(),
            Self::Line(beginning) => line.starts_with(beginning).then_some(number),
        }
    }
}
