//! The `counter` example as a child process.

use std::{
    env,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{LazyLock, Mutex, PoisonError},
};

/// The example, built as this test was. Cargo builds it with the tests unless a test is chosen by name.
static COUNTER: LazyLock<PathBuf> = LazyLock::new(|| {
    let test = env::current_exe().expect("the test knows where it is");
    let folder = test.ancestors().nth(2).expect("it is `<target>/<profile>/deps/crash-<hash>`");
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", "counter", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the example `counter` cannot be built");
    folder.join("examples").join(format!("counter{}", env::consts::EXE_SUFFIX))
});

/// Held while a child runs: one process at a time, so that none is slowed down by the others.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What `counter --resume` says when the last run is over.
const NOTHING_TO_RESUME: &str = "there is no unfinished run";

/// What `counter` did when it was left to end by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Requires success; returns what went to stdout.
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.status, Some(0), "counter failed: {}", self.stderr);
        self.stdout
    }

    /// Requires this exit status and this text in the message.
    pub(crate) fn failed(self, status: i32, message: &str) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stderr.contains(message), "`{message}` is not in: {}", self.stderr);
    }
}

/// Runs `counter` to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Ended {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let output = command(data, arguments).output().expect("counter can be started");
    Ended {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("counter writes UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("counter writes UTF-8"),
    }
}

/// How a process ended that was to be killed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By SIGKILL, when so many words were acknowledged.
    Killed { acknowledged: u64 },
    /// By itself: the run was over before the signal arrived.
    Finished,
}

/// Runs `counter --json` and kills it after it has written `lines` lines about acknowledgements.
pub(crate) fn kill_after(lines: u64, data: &Path, arguments: &[&str]) -> End {
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = command(data, arguments);
    command.arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("counter can be started");
    let stdout = child.stdout.take().expect("stdout is piped");
    let mut told = BufReader::new(stdout).lines().map_while(acknowledged);
    let lines = usize::try_from(lines).expect("it is the number of lines of a file");
    let before = told.by_ref().take(lines).last();
    child.kill().expect("a child can be killed");
    // What is still in the pipe was told before the end.
    let acknowledged = told.last().or(before).unwrap_or(0);
    let output = child.wait_with_output().expect("a child can be waited for");
    match output.status.code() {
        None => End::Killed { acknowledged },
        Some(0) => End::Finished,
        Some(code) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(stderr.contains(NOTHING_TO_RESUME), "counter exited with {code}: {stderr}");
            End::Finished
        }
    }
}

/// Resumes a run and lets it finish, unless it has finished already: it may be killed between that and its exit.
pub(crate) fn finish(data: &Path) {
    let ended = run(data, &["--resume"]);
    if !ended.stderr.contains(NOTHING_TO_RESUME) {
        ended.succeeded();
    }
}

/// How many words this line tells to be acknowledged; `None` when it tells something else.
fn acknowledged(line: io::Result<String>) -> Option<u64> {
    let line: serde_json::Value = serde_json::from_str(&line.ok()?).ok()?;
    line["acknowledged"].as_u64()
}

fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(&*COUNTER);
    command.arg("--data").arg(data).args(arguments).stdin(Stdio::null());
    command
}
