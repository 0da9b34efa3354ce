//! A server under test: started, waited for, and ended with what started it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A server that ends with this.
pub struct Running {
    pub child: Child,
    pub port: u16,
}

impl Running {
    /// Starts what `command` makes of a free port, and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// If it cannot be started, ends at once, or takes no connection within two minutes.
    pub fn start(name: &str, command: impl FnOnce(u16) -> Command) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = command(port)
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("could not start {name}"))?;
        let mut server = Self { child, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if server.child.try_wait()?.is_some() || start.elapsed() > Duration::from_mins(2) {
                bail!("{name} did not start");
            }
            sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Ends as a supervisor would end it, and waits.
    pub fn end(&mut self) -> Result<()> {
        let mut kill = Command::new("kill");
        workspace::must_succeed(kill.args(["-TERM", &self.child.id().to_string()]))?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; an error means no more than that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
