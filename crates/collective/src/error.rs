//! What can go wrong between processes.

use std::time::Duration;

use thiserror::Error;

/// Errors of communication between processes. Ranks are counted from 0.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CollectiveError {
    /// An environment variable that says nothing usable.
    #[error("{name}={value:?} in the environment: {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: String,
    },
    /// Some of the launcher's variables are set and others are not.
    #[error(
        "{present} is set in the environment but {missing} is not: a launcher sets MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE together. Set {missing}, or unset {present} to train in one process"
    )]
    HalfSet {
        /// One that is set.
        present: &'static str,
        /// The first that is not.
        missing: &'static str,
    },
    /// The backend is not in this build.
    #[error("this build cannot communicate by {backend}: {reason}")]
    Unsupported {
        /// The backend asked for.
        backend: &'static str,
        /// What is missing and what fixes it.
        reason: &'static str,
    },
    /// The store cannot be served or reached.
    #[error("rank {rank} cannot {action} at {address}: {message}")]
    Store {
        /// This process.
        rank: usize,
        /// What was tried.
        action: &'static str,
        /// Host and port.
        address: String,
        /// libtorch's own word.
        message: String,
    },
    /// Ranks that never came.
    #[error("{} did not come to {address} within {} s: {present} of {world_size} processes are there", ranks(missing), timeout.as_secs_f64())]
    Absent {
        /// Who is missing.
        missing: Vec<usize>,
        /// How many came.
        present: usize,
        /// How many should.
        world_size: usize,
        /// Host and port where they were to meet.
        address: String,
        /// How long they were waited for.
        timeout: Duration,
    },
    /// Two processes say that they are the same rank.
    #[error(
        "more than one process at {address} has RANK={rank}: it was started twice, or again before the others had ended"
    )]
    Twice {
        /// The rank.
        rank: usize,
        /// Host and port where they met.
        address: String,
    },
    /// A rank was started for another number of processes, or is another version of this program.
    #[error("rank {other} does not fit rank {rank}: it is \"{theirs}\", this is \"{ours}\"")]
    Mismatch {
        /// This process.
        rank: usize,
        /// The one that differs.
        other: usize,
        /// What this process is.
        ours: String,
        /// What the other is.
        theirs: String,
    },
    /// Ranks that died: killed, crashed, or cut off.
    #[error("{} died during {operation}: {why}", ranks(dead))]
    Dead {
        /// Their numbers, ascending.
        dead: Vec<usize>,
        /// What this process was doing.
        operation: String,
        /// How that was seen.
        why: String,
    },
    /// Ranks that ended by themselves while others still needed them.
    #[error(
        "{} ended before {operation} was done; what they printed last says why",
        ranks(left)
    )]
    Left {
        /// Their numbers, ascending.
        left: Vec<usize>,
        /// What this process was doing.
        operation: String,
    },
    /// Ranks that are alive and do not come to an operation.
    #[error("{} did not come to {operation} within {} s, though alive", ranks(late), timeout.as_secs_f64())]
    Late {
        /// Their numbers, ascending.
        late: Vec<usize>,
        /// What this process was doing.
        operation: String,
        /// How long it waited.
        timeout: Duration,
    },
    /// The launcher's store is gone.
    #[error("the launcher's store at {address} no longer answers during {operation}: {message}")]
    LauncherGone {
        /// Host and port.
        address: String,
        /// What this process was doing.
        operation: String,
        /// libtorch's own word.
        message: String,
    },
    /// libtorch says that the operation failed, and every rank is alive.
    #[error("{operation} failed with every rank alive: {message}")]
    Failed {
        /// What this process was doing.
        operation: String,
        /// libtorch's own word.
        message: String,
    },
    /// What should be the same on all ranks is not.
    #[error(
        "{what} differs between the ranks, first in {item:?}: {} differ from rank 0",
        ranks(differ)
    )]
    Unequal {
        /// What was compared.
        what: String,
        /// The first item that differs.
        item: String,
        /// The ranks that differ from rank 0, ascending.
        differ: Vec<usize>,
    },
    /// A root that is no rank.
    #[error("rank {root} cannot be the root among {world_size} processes")]
    Root {
        /// The rank given.
        root: usize,
        /// How many there are.
        world_size: usize,
    },
    /// A gradient that does not fit the parameter it was announced for.
    #[error("gradient of {name:?}: {problem}")]
    Gradient {
        /// The parameter.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// libtorch refused.
    #[error("libtorch: {}", source.to_string().lines().next().unwrap_or_default())]
    Torch {
        /// libtorch's own word; its first line is shown, the rest is its C++ stack.
        #[from]
        source: tch::TchError,
    },
    /// A thread could not be started.
    #[error("cannot start the heartbeat's thread: {source}")]
    Thread {
        /// The system's own word.
        #[source]
        source: std::io::Error,
    },
}

/// "rank 1", "ranks 1, 2 and 5".
fn ranks(list: &[usize]) -> String {
    match list {
        [] => "a rank that cannot be told".to_owned(),
        [one] => format!("rank {one}"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(ToString::to_string).collect();
            format!("ranks {} and {last}", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn ranks_read_as_a_sentence_says_them() {
        assert_eq!(ranks(&[3]), "rank 3");
        assert_eq!(ranks(&[0, 2]), "ranks 0 and 2");
        assert_eq!(ranks(&[0, 2, 11]), "ranks 0, 2 and 11");
    }
}
