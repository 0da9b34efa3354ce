//! Starts this test binary several times, as the ranks of a group.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longer than any of them takes on a loaded machine: a hang fails the test instead of holding it.
const END: Duration = Duration::from_mins(2);

/// The variable that makes a process of this binary play a role.
pub(crate) const ROLE: &str = "COLLECTIVE_TEST_ROLE";
/// The variable with the group's timeout in seconds.
pub(crate) const TIMEOUT: &str = "COLLECTIVE_TEST_TIMEOUT";
/// What the lines that a role tells begin with.
pub(crate) const TELL: &str = "TELL ";

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A process and what it tells.
pub(crate) struct Rank {
    child: Child,
    told: Receiver<String>,
}

impl Rank {
    /// A process of `world_size`, as `rank`.
    pub(crate) fn start(
        role: &str,
        rank: usize,
        world_size: usize,
        port: u16,
        timeout: u64,
    ) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["roles::play", "--exact", "--nocapture"])
            .env(ROLE, role)
            .env(TIMEOUT, timeout.to_string())
            .env("MASTER_ADDR", "127.0.0.1")
            .env("MASTER_PORT", port.to_string())
            .env("RANK", rank.to_string())
            .env("WORLD_SIZE", world_size.to_string())
            .env("OMP_NUM_THREADS", "1")
            .env_remove("TORCHELASTIC_USE_AGENT_STORE")
            .env_remove("GLOO_SOCKET_IFNAME")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (tell, told) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                // libtest's own words may stand before it in the line.
                if let Some((_, line)) = line.split_once(TELL)
                    && tell.send(line.to_owned()).is_err()
                {
                    return;
                }
            }
        });
        Self { child, told }
    }

    /// The next line it tells.
    pub(crate) fn hear(&mut self) -> String {
        match self.told.recv_timeout(END) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("nothing told within {END:?}"),
            Err(RecvTimeoutError::Disconnected) => {
                panic!("ended without a word: {:?}", self.child.wait())
            }
        }
    }

    /// A line, if it has told one by now.
    pub(crate) fn heard(&mut self) -> Option<String> {
        self.told.try_recv().ok()
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it, its connections left open, as a machine that has vanished from the network.
    pub(crate) fn freeze(&mut self) {
        let pid = self.child.id().to_string();
        let stopped = Command::new("kill").args(["-STOP", &pid]).status();
        assert!(stopped.unwrap().success());
    }

    /// Waits for its end, which must come and be a good one; all that it still tells.
    pub(crate) fn end(self) -> Vec<String> {
        let (good, told) = self.wait();
        assert!(good, "ended badly, told {told:?}");
        told
    }

    /// The same, however it ends.
    pub(crate) fn end_anyhow(self) -> Vec<String> {
        self.wait().1
    }

    fn wait(mut self) -> (bool, Vec<String>) {
        let since = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < END, "still running after {END:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let status = self.child.wait().unwrap();
        (status.success(), self.told.iter().collect())
    }
}

impl Drop for Rank {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All ranks of a group in one role; what each tells until its end.
pub(crate) fn play(role: &str, world_size: usize, timeout: u64) -> Vec<Vec<String>> {
    let port = free_port();
    let ranks: Vec<Rank> = (0..world_size)
        .map(|rank| Rank::start(role, rank, world_size, port, timeout))
        .collect();
    ranks.into_iter().map(Rank::end).collect()
}
