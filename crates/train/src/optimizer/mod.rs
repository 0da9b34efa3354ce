//! SGD, Adam and AdamW over tensors of our own: tch cannot save an optimiser's state, and a run must be able to go on.

mod config;

use osteon_model::{Net, TensorRecord};
use tch::{Kind, TchError, Tensor};

pub use config::{OptimizerConfig, OptimizerName};

/// An optimiser with its state.
pub struct Optimizer {
    config: OptimizerConfig,
    slots: Vec<Slot>,
    steps: u64,
}

/// One weight tensor with what is remembered of its gradients.
struct Slot {
    name: String,
    weight: Tensor,
    /// By the names of [`memories`].
    memory: Vec<Tensor>,
    decays: bool,
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
                let zeros = |_: &&str| weight.f_zeros_like();
                let memory = memories(config.name).iter().map(zeros);
                slots.push(Slot {
                    name,
                    memory: memory.collect::<Result<_, _>>()?,
                    // Vectors are biases and the norms' gains; SGD and Adam as published spare nothing.
                    decays: config.name != OptimizerName::Adamw || weight.dim() > 1,
                    weight,
                });
            }
        }
        Ok(Self {
            config: config.clone(),
            slots,
            steps: 0,
        })
    }

    /// Forgets the gradients.
    pub fn zero_grad(&mut self) -> Result<(), TchError> {
        for slot in &mut self.slots {
            let mut grad = slot.weight.f_grad()?;
            if grad.defined() {
                let _ = grad.f_detach_()?.f_zero_()?;
            }
        }
        Ok(())
    }

    /// The gradients, in the order of the weights' names; undefined where a weight had no part in the loss.
    pub fn gradients(&self) -> Result<Vec<Tensor>, TchError> {
        self.slots.iter().map(|slot| slot.weight.f_grad()).collect()
    }

    /// Moves the weights by their gradients, at a learning rate of `factor` × `lr`, after shortening the gradient to `clip_norm`.
    pub fn step(&mut self, factor: f64) -> Result<(), TchError> {
        self.steps += 1;
        tch::no_grad(|| {
            if self.config.clip_norm > 0.0 {
                clip(&self.gradients()?, self.config.clip_norm)?;
            }
            self.update(factor * self.config.lr)
        })
    }

    fn update(&mut self, lr: f64) -> Result<(), TchError> {
        let config = &self.config;
        let t = self.steps as f64;
        let (bias1, bias2) = (1.0 - config.beta1.powf(t), 1.0 - config.beta2.powf(t));
        for slot in &mut self.slots {
            let mut grad = slot.weight.f_grad()?;
            if !grad.defined() {
                continue;
            }
            if slot.decays && config.weight_decay > 0.0 {
                if config.name == OptimizerName::Adamw {
                    let _ = slot.weight.f_mul_scalar_(1.0 - lr * config.weight_decay)?;
                } else {
                    grad = grad.f_add(&slot.weight.f_mul_scalar(config.weight_decay)?)?;
                }
            }
            let move_by = match slot.memory.as_mut_slice() {
                [momentum] => {
                    let _ = momentum.f_mul_scalar_(config.momentum)?.f_add_(&grad)?;
                    if config.nesterov {
                        grad.f_add(&momentum.f_mul_scalar(config.momentum)?)?
                    } else {
                        momentum.shallow_clone()
                    }
                    .f_mul_scalar(lr)?
                }
                [mean, square] => {
                    let _ = mean.f_lerp_(&grad, 1.0 - config.beta1)?;
                    let _ = square
                        .f_mul_scalar_(config.beta2)?
                        .f_add_(&grad.f_square()?.f_mul_scalar_(1.0 - config.beta2)?)?;
                    let root = square
                        .f_sqrt()?
                        .f_div_scalar_(bias2.sqrt())?
                        .f_add_scalar_(config.eps)?;
                    mean.f_div(&root)?.f_mul_scalar_(lr / bias1)?
                }
                _ => continue,
            };
            let _ = slot.weight.f_sub_(&move_by)?;
        }
        Ok(())
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What is remembered of the gradients, named `optimizer.mean.<weight>`, `optimizer.square.<weight>` or
    /// `optimizer.momentum.<weight>`.
    pub fn state(&self) -> impl Iterator<Item = (String, Tensor)> + '_ {
        let names = memories(self.config.name);
        self.slots.iter().flat_map(move |slot| {
            names
                .iter()
                .zip(&slot.memory)
                .map(|(memory, tensor)| (key(memory, &slot.name), tensor.shallow_clone()))
        })
    }

    /// Takes over what [`Optimizer::state`] gave. The name of the first tensor that is missing or of another shape is the inner error.
    pub fn restore(
        &mut self,
        state: &TensorRecord,
        steps: u64,
    ) -> Result<Result<(), String>, TchError> {
        let names = memories(self.config.name);
        for slot in &mut self.slots {
            for (memory, tensor) in names.iter().zip(&mut slot.memory) {
                let name = key(memory, &slot.name);
                match state.get(&name) {
                    Some(saved) if saved.size() == tensor.size() => {
                        tensor.f_copy_(&saved.f_to_kind(Kind::Float)?)?;
                    }
                    _ => return Ok(Err(name)),
                }
            }
        }
        self.steps = steps;
        Ok(Ok(()))
    }
}

/// Shortens gradients, taken as one long vector, to a length of at most `max_norm`, as `torch.nn.utils.clip_grad_norm_` does.
fn clip(gradients: &[Tensor], max_norm: f64) -> Result<(), TchError> {
    let defined: Vec<&Tensor> = gradients.iter().filter(|g| g.defined()).collect();
    let norms = defined
        .iter()
        .map(|g| g.f_norm())
        .collect::<Result<Vec<_>, _>>()?;
    let total = Tensor::f_stack(&norms, 0)?.f_norm()?;
    let factor = (total
        .f_add_scalar(1e-6)?
        .f_reciprocal()?
        .f_mul_scalar(max_norm)?)
    .f_clamp_max(1.0)?;
    for gradient in defined {
        let _ = gradient.shallow_clone().f_mul_(&factor)?;
    }
    Ok(())
}

fn key(memory: &str, weight: &str) -> String {
    format!("optimizer.{memory}.{weight}")
}
