//! SGD, Adam and AdamW over tensors of our own: tch cannot save an optimiser's state, and a run must be able to go on.

mod config;

use osteon_kernels::{
    AdamState, AdamStep, Scaled, SgdStep, clear_grads, clip_grad_norm, fused_adam, fused_sgd,
};
use osteon_model::{Net, TensorRecord};
use tch::{Kind, TchError, Tensor};

pub use config::{OptimizerConfig, OptimizerName};

/// An optimiser with its state.
pub struct Optimizer {
    config: OptimizerConfig,
    slots: Vec<Slot>,
    /// Steps taken, one f32 on the device: those that a loss scaler called off are not among them.
    count: Tensor,
}

/// One weight tensor with what is remembered of its gradients.
struct Slot {
    name: String,
    weight: Tensor,
    /// By the names of [`memories`].
    memory: Vec<Tensor>,
    manner: Manner,
}

/// How a weight is moved: weights of one manner are moved together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Manner {
    decays: bool,
    backbone: bool,
}

impl Manner {
    const ALL: [Self; 4] = [
        Self::of(true, false),
        Self::of(false, false),
        Self::of(true, true),
        Self::of(false, true),
    ];

    const fn of(decays: bool, backbone: bool) -> Self {
        Self { decays, backbone }
    }
}

/// What an optimiser remembers of each weight.
fn memories(name: OptimizerName) -> &'static [&'static str] {
    match name {
        OptimizerName::Sgd => &["momentum"],
        OptimizerName::Adam | OptimizerName::Adamw => &["mean", "square"],
    }
}

impl Optimizer {
    /// Fresh state for every trainable tensor of a network.
    pub fn new(config: &OptimizerConfig, net: &Net) -> Result<Self, TchError> {
        let mut slots = Vec::new();
        for (name, weight) in net.tensors() {
            if weight.requires_grad() {
                let zeros = |_: &&str| weight.f_detach()?.f_zeros_like();
                let memory = memories(config.name).iter().map(zeros);
                slots.push(Slot {
                    memory: memory.collect::<Result<_, _>>()?,
                    // Vectors are biases and the norms' gains; SGD and Adam as published spare nothing.
                    manner: Manner {
                        decays: config.name != OptimizerName::Adamw || weight.dim() > 1,
                        backbone: net.architecture.is_of_backbone(&name),
                    },
                    weight,
                    name,
                });
            }
        }
        Ok(Self {
            config: config.clone(),
            slots,
            count: Tensor::f_zeros([1], (Kind::Float, net.store.device()))?,
        })
    }

    /// Forgets the gradients.
    pub fn zero_grad(&mut self) -> Result<(), TchError> {
        let weights: Vec<Tensor> = self
            .slots
            .iter()
            .map(|s| s.weight.shallow_clone())
            .collect();
        Ok(clear_grads(&weights)?)
    }

    /// The gradients, in the order of the weights' names; undefined where a weight had no part in the loss.
    pub fn gradients(&self) -> Result<Vec<Tensor>, TchError> {
        self.slots.iter().map(|slot| slot.weight.f_grad()).collect()
    }

    /// The weights, in the order of their names.
    #[must_use]
    pub fn weights(&self) -> Vec<(&str, &Tensor)> {
        let slots = self.slots.iter();
        slots
            .map(|slot| (slot.name.as_str(), &slot.weight))
            .collect()
    }

    /// Names of weights that the last backward pass did not reach, or reached with nothing but zeros.
    pub fn untouched(&self) -> Result<Vec<String>, TchError> {
        let mut names = Vec::new();
        for slot in &self.slots {
            let grad = slot.weight.f_grad()?;
            if !grad.defined() || grad.f_count_nonzero(None)?.f_int64_value(&[])? == 0 {
                names.push(slot.name.clone());
            }
        }
        Ok(names)
    }

    /// Moves the weights by their gradients, at a learning rate of `factor` × `lr`, after shortening the gradient to `clip_norm`.
    pub fn step(&mut self, factor: f64) -> Result<(), TchError> {
        self.step_unless(factor, None)
    }

    /// As [`Optimizer::step`]; nothing moves where `overflow`, one f32 on the device, is 1.
    pub fn step_unless(&mut self, factor: f64, overflow: Option<&Tensor>) -> Result<(), TchError> {
        let mut moved = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            let grad = slot.weight.f_grad()?;
            if grad.defined() {
                moved.push((index, grad));
            }
        }
        if self.config.clip_norm > 0.0 {
            let grads: Vec<Tensor> = moved.iter().map(|(_, g)| g.shallow_clone()).collect();
            let _ = clip_grad_norm(&grads, self.config.clip_norm)?;
        }
        tch::no_grad(|| {
            let _ = self.count.f_add_scalar_(1.0)?;
            for manner in Manner::ALL {
                let part: Vec<_> = moved
                    .iter()
                    .filter(|(index, _)| self.slots[*index].manner == manner)
                    .collect();
                if !part.is_empty() {
                    self.move_by(&part, manner, factor, overflow)?;
                }
            }
            if let Some(overflow) = overflow {
                let _ = self.count.f_sub_(overflow)?;
            }
            Ok(())
        })
    }

    /// Moves weights of one manner, by libtorch's fused kernels.
    fn move_by(
        &self,
        part: &[&(usize, Tensor)],
        manner: Manner,
        factor: f64,
        overflow: Option<&Tensor>,
    ) -> Result<(), TchError> {
        let config = &self.config;
        let weight_decay = if manner.decays {
            config.weight_decay
        } else {
            0.0
        };
        let rate = if manner.backbone {
            config.backbone_rate
        } else {
            1.0
        };
        let lr = factor * config.lr * rate;
        let all = |take: &dyn Fn(&(usize, Tensor)) -> Tensor| -> Vec<Tensor> {
            part.iter().map(|slot| take(slot)).collect()
        };
        let memory =
            |which: usize| all(&|(index, _)| self.slots[*index].memory[which].shallow_clone());
        let params = all(&|(index, _)| self.slots[*index].weight.shallow_clone());
        let grads = all(&|(_, grad)| grad.shallow_clone());
        let scaled = Scaled {
            grad_scale: None,
            found_inf: overflow,
        };
        if config.name == OptimizerName::Sgd {
            let step = SgdStep {
                lr,
                momentum: config.momentum,
                dampening: 0.0,
                weight_decay,
                nesterov: config.nesterov,
                // A memory that begins at 0 holds the first gradient after the first step, as PyTorch's does.
                first: false,
            };
            return Ok(fused_sgd(&params, &grads, &memory(0), step, scaled)?);
        }
        let step = AdamStep {
            lr,
            beta1: config.beta1,
            beta2: config.beta2,
            weight_decay,
            eps: config.eps,
            decoupled: config.name == OptimizerName::Adamw,
        };
        let state = AdamState {
            params: &params,
            grads: &grads,
            exp_avgs: &memory(0),
            exp_avg_sqs: &memory(1),
            steps: &all(&|_| self.count.shallow_clone()),
        };
        Ok(fused_adam(state, step, scaled)?)
    }

    /// What is remembered of the gradients, named `optimizer.mean.<weight>`, `optimizer.square.<weight>` or
    /// `optimizer.momentum.<weight>`, and `optimizer.count`.
    pub fn state(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        let names = memories(self.config.name);
        let memory = self.slots.iter().flat_map(move |slot| {
            names
                .iter()
                .zip(&slot.memory)
                .map(|(memory, tensor)| (key(memory, &slot.name), tensor.shallow_clone()))
        });
        memory.chain([(COUNT.to_owned(), self.count.shallow_clone())])
    }

    /// Takes over what [`Optimizer::state`] gave. The name of the first tensor that is missing or of another shape is the inner error.
    pub fn restore(&mut self, state: &TensorRecord) -> Result<Result<(), String>, TchError> {
        let names = memories(self.config.name);
        let memory = self.slots.iter_mut().flat_map(|slot| {
            let (name, tensors) = (&slot.name, slot.memory.iter_mut());
            names
                .iter()
                .map(move |memory| key(memory, name))
                .zip(tensors)
        });
        for (name, tensor) in memory.chain([(COUNT.to_owned(), &mut self.count)]) {
            match state.get(&name) {
                Some(saved) if saved.size() == tensor.size() => {
                    tensor.f_copy_(&saved.f_to_kind(Kind::Float)?)?;
                }
                _ => return Ok(Err(name)),
            }
        }
        Ok(Ok(()))
    }
}

const COUNT: &str = "optimizer.count";

fn key(memory: &str, weight: &str) -> String {
    format!("optimizer.{memory}.{weight}")
}
