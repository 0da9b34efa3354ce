//! What the launcher says: which process this is, of how many, and where they meet.

use crate::CollectiveError;

/// A process's place among those that train together, as `torchrun`, Slurm or Kubernetes' `PyTorchJob` give it.
///
/// | variable | field | absent |
/// |---|---|---|
/// | `MASTER_ADDR` | `master_addr` | no data-parallel training, unless others are set |
/// | `MASTER_PORT` | `master_port` | an error |
/// | `RANK`, else `SLURM_PROCID` | `rank` | an error |
/// | `WORLD_SIZE`, else `SLURM_NTASKS` | `world_size` | an error |
/// | `LOCAL_RANK`, else `SLURM_LOCALID` | `local_rank` | 0 |
/// | `TORCHELASTIC_USE_AGENT_STORE` | `launcher_serves` | false |
/// | `TORCHELASTIC_RESTART_COUNT` | `attempt` | 0 |
///
/// Slurm's variables count only where `MASTER_ADDR` is set and neither `RANK` nor `WORLD_SIZE` is: a job script's own single process
/// sees them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Host name or address of the process with rank 0, which serves the store (or of the launcher, see `launcher_serves`).
    pub master_addr: String,
    /// The store's TCP port, 1 to 65535.
    pub master_port: u16,
    /// This process, 0 to `world_size` − 1.
    pub rank: usize,
    /// How many processes train together, at least 1.
    pub world_size: usize,
    /// This process among those of its machine, from 0: the CUDA card to use.
    pub local_rank: usize,
    /// `torchrun`'s agent already serves the store on the port: rank 0 must not.
    pub launcher_serves: bool,
    /// How often the launcher has restarted the group. Keys of former attempts may still lie in its store.
    pub attempt: u32,
}

impl Environment {
    /// Reads the process's environment. `None` when no launcher's variable is set.
    ///
    /// # Errors
    /// [`CollectiveError::HalfSet`] and [`CollectiveError::Variable`], which name the variable.
    pub fn read() -> Result<Option<Self>, CollectiveError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`Environment::read`], from any source of variables. A variable that is set and empty counts as absent.
    pub fn from_variables(
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, CollectiveError> {
        let get = |name: &'static str| get(name).filter(|value| !value.trim().is_empty());
        let set = |name: &'static str| get(name).is_some();
        let slurm = set("MASTER_ADDR")
            && !set("RANK")
            && !set("WORLD_SIZE")
            && set("SLURM_PROCID")
            && set("SLURM_NTASKS");
        let (rank, world_size, local_rank) = if slurm {
            ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")
        } else {
            ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        };
        let needed = ["MASTER_ADDR", "MASTER_PORT", rank, world_size];
        let Some(present) = needed.into_iter().find(|&name| set(name)) else {
            return Ok(None);
        };
        if let Some(missing) = needed.into_iter().find(|&name| !set(name)) {
            return Err(CollectiveError::HalfSet { present, missing });
        }
        let number = |name: &'static str, least: u64, most: u64| {
            let value = get(name).unwrap_or_default();
            let number = value.trim().parse().ok();
            number
                .filter(|number| (least..=most).contains(number))
                .ok_or_else(|| CollectiveError::Variable {
                    name,
                    value,
                    expected: format!("expected a whole number from {least} to {most}"),
                })
        };
        let optional = |name: &'static str, most: u64| {
            if set(name) {
                number(name, 0, most)
            } else {
                Ok(0)
            }
        };
        // c10d counts ranks in an i32.
        let world = number(world_size, 1, i32::MAX as u64)?;
        let environment = Self {
            master_addr: get("MASTER_ADDR").unwrap_or_default().trim().to_owned(),
            master_port: number("MASTER_PORT", 1, u64::from(u16::MAX))? as u16,
            rank: number(rank, 0, world - 1)? as usize,
            world_size: world as usize,
            local_rank: optional(local_rank, world - 1)? as usize,
            launcher_serves: get("TORCHELASTIC_USE_AGENT_STORE")
                .is_some_and(|value| value.trim().eq_ignore_ascii_case("true")),
            attempt: optional("TORCHELASTIC_RESTART_COUNT", u64::from(u32::MAX))? as u32,
        };
        if environment
            .master_addr
            .contains(|c: char| c.is_whitespace() || c == '/')
        {
            return Err(CollectiveError::Variable {
                name: "MASTER_ADDR",
                value: environment.master_addr,
                expected: "expected a host name or address, without scheme or port".to_owned(),
            });
        }
        Ok(Some(environment))
    }

    /// Whether this process writes files and talks to the user.
    #[must_use]
    pub fn is_main(&self) -> bool {
        self.rank == 0
    }

    /// "host:port" of the store.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.master_addr, self.master_port)
    }

    /// Whether this process serves the store.
    pub(crate) fn serves(&self) -> bool {
        self.rank == 0 && !self.launcher_serves
    }
}
