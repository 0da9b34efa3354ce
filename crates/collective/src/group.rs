//! The processes that train together, and what they do together.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tch::{Device, Kind, Tensor};

use crate::ffi::{self, Progress};
use crate::heartbeat::{Finding, Heartbeat};
use crate::rendezvous::{self, Met};
use crate::work::{Operation, Work};
use crate::{Backend, CollectiveError, Environment};

/// The shortest timeout: below it a busy machine's hiccup would pass for a death.
const SHORTEST: Duration = Duration::from_secs(2);

/// This process's membership of a group. Every operation must be called by all ranks, in the same order, with the same sizes.
///
/// No operation hangs. With the timeout T given to [`Group::connect`]:
/// - A rank that is killed, crashes or is cut off ends the others with [`CollectiveError::Dead`], its number in it, within T/2 of their
///   waiting for it (its heartbeat may be silent for T/4, at most 30 s).
/// - A rank that ends by itself too early gives [`CollectiveError::Left`] within a second or two.
/// - A rank that is alive and does not come gives [`CollectiveError::Late`] after T. So T must be longer than anything that one rank
///   does alone while others wait, such as writing a checkpoint.
///
/// Sizes that differ between the ranks are a mistake that gloo answers by ending the process, with a message of its own.
///
/// After an error the group is of no more use; what is still under way in libtorch is left to itself, so dropping it does not hang.
///
/// Operations come from one thread (`Group` is not `Sync`), since c10d matches them by their order.
pub struct Group {
    shared: Arc<Shared>,
    one_thread: PhantomData<std::cell::Cell<()>>,
}

impl Group {
    /// Meets the other processes and connects with each of them.
    ///
    /// `timeout`, raised to 2 s where shorter, bounds the meeting and every operation.
    ///
    /// gloo binds to the address from which `MASTER_ADDR` is reached, or to the interface named by `GLOO_SOCKET_IFNAME`.
    ///
    /// # Errors
    /// [`CollectiveError::Unsupported`], [`Store`](CollectiveError::Store), [`Absent`](CollectiveError::Absent) with the missing ranks,
    /// [`Twice`](CollectiveError::Twice), [`Mismatch`](CollectiveError::Mismatch), and those of an operation.
    pub fn connect(
        environment: &Environment,
        backend: Backend,
        timeout: Duration,
    ) -> Result<Self, CollectiveError> {
        let timeout = timeout.max(SHORTEST);
        let Met {
            store,
            heartbeat,
            bind_to,
        } = rendezvous::meet(environment, backend, timeout)?;
        let mut shared = Shared {
            environment: environment.clone(),
            timeout,
            heartbeat,
            backend: None,
            store: Some(store),
            device: match backend {
                Backend::Gloo => Device::Cpu,
                Backend::Nccl => Device::Cuda(environment.local_rank),
            },
            broken: AtomicBool::new(false),
            found: Mutex::new(None),
        };
        let operation = shared.operation("connecting");
        let opened = match &shared.store {
            Some(store) => ffi::Backend::open(
                store,
                backend == Backend::Nccl,
                environment.rank,
                environment.world_size,
                &bind_to,
                timeout,
            ),
            None => Err("no store".to_owned()),
        };
        match opened {
            Ok(backend) => shared.backend = Some(backend),
            Err(message) => return Err(shared.failure(&operation, message, Vec::new())),
        }
        Ok(Self {
            shared: Arc::new(shared),
            one_thread: PhantomData,
        })
    }

    /// This process's number, 0 to `world_size` − 1.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.shared.environment.rank
    }

    /// How many processes there are.
    #[must_use]
    pub fn world_size(&self) -> usize {
        self.shared.environment.world_size
    }

    /// Whether this process writes files and talks to the user.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.shared.environment.is_main()
    }

    /// The timeout in use.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.shared.timeout
    }

    /// Adds the tensor up over all ranks, in place. Every rank gets the same bits.
    pub fn all_reduce_sum(&self, tensor: &mut Tensor) -> Result<(), CollectiveError> {
        let (part, packed) = packed(tensor)?;
        let sum = self.all_reduce_start(part)?.wait()?;
        unpack(tensor, &sum, packed)
    }

    /// Begins to add the tensor up over all ranks; [`Work::wait`] gives it back with the sum. Takes it, since nobody may touch it meanwhile.
    ///
    /// A tensor whose elements do not lie in order is copied first.
    pub fn all_reduce_start(&self, tensor: Tensor) -> Result<Work, CollectiveError> {
        let (part, _) = packed(&tensor)?;
        drop(tensor);
        Shared::all_reduce(&self.shared, part)
    }

    /// Gives every rank the tensor of rank `root`, in place.
    pub fn broadcast(&self, tensor: &mut Tensor, root: usize) -> Result<(), CollectiveError> {
        if root >= self.world_size() {
            return Err(CollectiveError::Root {
                root,
                world_size: self.world_size(),
            });
        }
        let (part, packed) = packed(tensor)?;
        let given = Shared::start(&self.shared, "broadcast", part, |backend, part| {
            backend.broadcast(part, root)
        })?;
        unpack(tensor, &given.wait()?, packed)
    }

    /// Returns when every rank has called it.
    pub fn barrier(&self) -> Result<(), CollectiveError> {
        let one = Tensor::f_ones([1], (Kind::Float, self.shared.device))?;
        let work = Shared::start(&self.shared, "barrier", one, |backend, part| {
            backend.all_reduce(part)
        })?;
        work.wait().map(drop)
    }

    /// What every rank gives, in order of rank, lengths as they come: configurations, hashes, metrics.
    pub fn all_gather_bytes(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>, CollectiveError> {
        let device = self.shared.device;
        let world = self.world_size() as i64;
        let mine = Tensor::f_from_slice(&[bytes.len() as i64])?.f_to_device(device)?;
        let lengths = Tensor::f_zeros([world], (Kind::Int64, device))?;
        let lengths: Vec<i64> = Vec::try_from(self.all_gather(lengths, &mine)?)?;
        let longest = lengths.iter().copied().max().unwrap_or(0);
        if longest == 0 {
            return Ok(vec![Vec::new(); self.world_size()]);
        }
        let mut padded = bytes.to_vec();
        padded.resize(longest as usize, 0);
        let mine = Tensor::f_from_slice(&padded)?.f_to_device(device)?;
        let whole = Tensor::f_zeros([world * longest], (Kind::Uint8, device))?;
        let whole: Vec<u8> = Vec::try_from(self.all_gather(whole, &mine)?)?;
        let parts = whole.chunks(longest as usize).zip(lengths);
        Ok(parts
            .map(|(part, length)| part[..length as usize].to_vec())
            .collect())
    }

    fn all_gather(&self, whole: Tensor, part: &Tensor) -> Result<Tensor, CollectiveError> {
        let work = Shared::start(&self.shared, "all_gather", whole, |backend, whole| {
            backend.all_gather(whole, part)
        })?;
        work.wait()
    }

    /// Waits for all ranks, then leaves in good order. Dropping the group leaves at once, which the others take for an early end if
    /// they are not through.
    pub fn close(self) -> Result<(), CollectiveError> {
        self.barrier()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

/// The tensor as c10d takes it, without its history: itself where its elements lie in order, else a copy (`true`).
fn packed(tensor: &Tensor) -> Result<(Tensor, bool), CollectiveError> {
    let plain = tensor.f_detach()?;
    if plain.is_contiguous() {
        Ok((plain, false))
    } else {
        Ok((plain.f_contiguous()?, true))
    }
}

/// Writes a copy's values back.
fn unpack(tensor: &Tensor, values: &Tensor, packed: bool) -> Result<(), CollectiveError> {
    if packed {
        // Detached: the same memory, and no gradient to follow it.
        tensor.f_detach()?.f_copy_(values)?;
    }
    Ok(())
}

/// What the group, its works and its gradient syncs hold together. The last to be dropped leaves.
pub(crate) struct Shared {
    environment: Environment,
    timeout: Duration,
    pub(crate) heartbeat: Heartbeat,
    backend: Option<ffi::Backend>,
    store: Option<ffi::Store>,
    device: Device,
    /// An operation has failed: others may still be under way for as long as gloo's timeout.
    broken: AtomicBool,
    /// Who is to blame, for the others.
    found: Mutex<Option<Finding>>,
}

impl Shared {
    pub(crate) fn operation(&self, name: &'static str) -> Operation {
        Operation {
            name,
            number: self.heartbeat.begin(),
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn all_reduce(this: &Arc<Self>, part: Tensor) -> Result<Work, CollectiveError> {
        Self::start(this, "all_reduce", part, ffi::Backend::all_reduce)
    }

    /// Starts an operation on `tensor`, which must be contiguous.
    fn start(
        this: &Arc<Self>,
        name: &'static str,
        tensor: Tensor,
        call: impl FnOnce(&ffi::Backend, &Tensor) -> Result<ffi::Work, String>,
    ) -> Result<Work, CollectiveError> {
        let operation = this.operation(name);
        if this.broken.load(Ordering::Relaxed) {
            let message = "an operation before it failed".to_owned();
            return Err(this.failure(&operation, message, Vec::new()));
        }
        let started = match &this.backend {
            Some(backend) => call(backend, &tensor),
            None => Err("not connected".to_owned()),
        };
        match started {
            Ok(work) => Ok(Work::new(Arc::clone(this), operation, work, tensor)),
            Err(message) => Err(this.failure(&operation, message, Vec::new())),
        }
    }

    /// What made an operation fail: waits until it is known who is to blame, if anyone is. `late`: those who had not begun it when its
    /// time was up.
    pub(crate) fn failure(
        &self,
        operation: &Operation,
        message: String,
        late: Vec<usize>,
    ) -> CollectiveError {
        let finding = self.heartbeat.diagnose();
        self.judge(operation, finding, |operation| {
            if late.is_empty() {
                CollectiveError::Failed { operation, message }
            } else {
                CollectiveError::Late {
                    late,
                    operation,
                    timeout: self.timeout,
                }
            }
        })
    }

    /// The error for what was found, which is kept for the others; `otherwise` where nothing was.
    pub(crate) fn judge(
        &self,
        operation: &Operation,
        finding: Option<Finding>,
        otherwise: impl FnOnce(String) -> CollectiveError,
    ) -> CollectiveError {
        self.broken.store(true, Ordering::Relaxed);
        if let Some(backend) = &self.backend {
            backend.abort();
        }
        let address = self.environment.address();
        let finding = match finding {
            Some(Finding::StoreGone { message }) if !self.environment.launcher_serves => {
                let why = format!("it serves the store at {address}, which is gone: {message}");
                Some(Finding::Dead {
                    ranks: vec![0],
                    why,
                })
            }
            other => other,
        };
        self.found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&finding);
        let operation = operation.to_string();
        match finding {
            Some(Finding::Dead { ranks: dead, why }) => CollectiveError::Dead {
                dead,
                operation,
                why,
            },
            Some(Finding::Left { ranks: left }) => CollectiveError::Left { left, operation },
            Some(Finding::StoreGone { message }) => CollectiveError::LauncherGone {
                address,
                operation,
                message,
            },
            None => otherwise(operation),
        }
    }

    /// Lets libtorch work for at most a beat.
    pub(crate) fn progress(&self, work: &ffi::Work, at_most: Duration) -> Progress {
        work.wait(at_most.min(self.heartbeat.timing().beat))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let found = self
            .found
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        self.heartbeat.leave(found);
        let (backend, store) = (self.backend.take(), self.store.take());
        if self.broken.load(Ordering::Relaxed) {
            // Taking gloo down would wait for what hangs in it until its timeout. Left to the process's end, which is near.
            std::mem::forget((backend, store));
        }
    }
}
