//! How the processes find each other, before any of them talks to another.

use std::net::{IpAddr, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use crate::ffi::{self, Store};
use crate::heartbeat::{Heartbeat, Timing};
use crate::{Backend, CollectiveError, Environment};

/// What comes of the meeting.
pub(crate) struct Met {
    pub(crate) store: Store,
    pub(crate) heartbeat: Heartbeat,
    /// The local address for gloo, empty for c10d's own choice.
    pub(crate) bind_to: String,
}

/// Opens the store, announces this rank, and waits until all are there.
pub(crate) fn meet(
    environment: &Environment,
    backend: Backend,
    timeout: Duration,
) -> Result<Met, CollectiveError> {
    let name = backend.name();
    if let Some(reason) = ffi::Backend::ABSENT {
        let backend = name;
        return Err(CollectiveError::Unsupported { backend, reason });
    }
    if backend == Backend::Nccl && !ffi::Backend::HAS_NCCL {
        return Err(CollectiveError::Unsupported {
            backend: name,
            reason: "it was built without the feature nccl; use gloo, or build with --features nccl against a libtorch with CUDA",
        });
    }
    let rank = environment.rank;
    let failed = |action: &'static str| {
        move |message| CollectiveError::Store {
            rank,
            action,
            address: environment.address(),
            message,
        }
    };
    let serves = environment.serves();
    // Keys of a former attempt may still lie in the launcher's store, or those of a former world, which it does not count as one.
    let prefix = if environment.launcher_serves {
        format!("osteon/{}/{}", environment.attempt, environment.world_size)
    } else {
        format!("osteon/{}", environment.attempt)
    };
    let open = |serve: bool, timeout: Duration| {
        let (host, port) = (&environment.master_addr, environment.master_port);
        Store::open(host, port, serve, &prefix, timeout)
    };
    let store = open(serves, timeout).map_err(failed(if serves {
        "serve the store"
    } else {
        "reach the store"
    }))?;

    let announce = || -> Result<Option<CollectiveError>, String> {
        if store.add(&format!("joined/{rank}"), 1)? > 1 {
            let address = environment.address();
            return Ok(Some(CollectiveError::Twice { rank, address }));
        }
        let ours = format!(
            "collective {} with {name}, one of {} processes",
            env!("CARGO_PKG_VERSION"),
            environment.world_size
        );
        store.set_once("group", format!("{rank}|{ours}").as_bytes())?;
        let first = String::from_utf8_lossy(&store.get("group")?).into_owned();
        let (other, theirs) = first.split_once('|').unwrap_or(("", &first));
        if theirs != ours {
            return Ok(Some(CollectiveError::Mismatch {
                rank,
                other: other.parse().unwrap_or_default(),
                ours,
                theirs: theirs.to_owned(),
            }));
        }
        Ok(None)
    };
    if let Some(error) = announce().map_err(failed("announce itself"))? {
        return Err(error);
    }

    let timing = Timing::of(timeout);
    // A connection of its own, with a short timeout: a beat never waits behind another's request.
    let beating = open(false, timeout).map_err(failed("reach the store"))?;
    let heartbeat = Heartbeat::start(beating, rank, environment.world_size, timing, serves)
        .map_err(failed("announce itself"))??;
    let mut met = Met {
        bind_to: if backend == Backend::Gloo {
            bind_to(environment)
        } else {
            String::new()
        },
        store,
        heartbeat,
    };
    let missing = gather(&met.store, environment.world_size, timeout);
    match missing.map_err(failed("wait for the others")) {
        Ok(missing) if missing.is_empty() => Ok(met),
        Ok(missing) => {
            met.heartbeat.leave(None);
            Err(CollectiveError::Absent {
                present: environment.world_size - missing.len(),
                world_size: environment.world_size,
                missing,
                address: environment.address(),
                timeout,
            })
        }
        Err(error) => {
            met.heartbeat.leave(None);
            Err(error)
        }
    }
}

/// Waits until every rank has announced itself; gives those that have not.
fn gather(store: &Store, world_size: usize, timeout: Duration) -> Result<Vec<usize>, String> {
    let end = Instant::now() + timeout;
    let mut pause = Duration::from_millis(2);
    let mut here = store.add("here", 1)?;
    while (here as usize) < world_size {
        if Instant::now() >= end {
            let mut missing = Vec::new();
            for rank in 0..world_size {
                if !store.has(&format!("joined/{rank}"))? {
                    missing.push(rank);
                }
            }
            return Ok(missing);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
        here = store.add("here", 0)?;
    }
    Ok(Vec::new())
}

/// The local address from which the master is reached: what other machines can reach in turn.
///
/// c10d's own choice is what the machine's name resolves to, on Debian 127.0.1.1. It is left the choice where `GLOO_SOCKET_IFNAME` is
/// set, and on a master whose own name leads to loopback.
fn bind_to(environment: &Environment) -> String {
    if std::env::var_os("GLOO_SOCKET_IFNAME").is_some_and(|name| !name.is_empty()) {
        return String::new();
    }
    let master = (environment.master_addr.as_str(), environment.master_port);
    let Ok(addresses) = master.to_socket_addrs() else {
        return String::new();
    };
    let meant_loopback = environment.master_addr == "localhost"
        || (environment.master_addr.parse()).is_ok_and(|address: IpAddr| address.is_loopback());
    for address in addresses {
        let any: IpAddr = if address.is_ipv4() {
            [0, 0, 0, 0].into()
        } else {
            [0_u16; 8].into()
        };
        // A datagram socket's connect sends nothing: it asks the routing table.
        let local = UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect(address)?;
            socket.local_addr()
        });
        if let Ok(local) = local
            && (meant_loopback || !local.ip().is_loopback())
        {
            return local.ip().to_string();
        }
    }
    String::new()
}
