//! Adam and AdamW over tensors of our own: tch cannot save an optimiser's state, and a run must be able to go on.

use osteon_model::{Net, TensorRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, TchError, Tensor};

/// Section `optimizer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// Which.
    pub name: OptimizerName,
    /// Learning rate at its highest.
    pub lr: f64,
    /// Pull of weights towards 0. `adamw` spares norms and biases, as is usual.
    pub weight_decay: f64,
    /// Memory of the gradient.
    pub beta1: f64,
    /// Memory of its square.
    pub beta2: f64,
    /// Added to the root of the square.
    pub eps: f64,
}

/// The optimisers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerName {
    /// Kingma & Ba 2015; weight decay goes into the gradient.
    Adam,
    /// Loshchilov & Hutter 2019; weight decay beside the gradient.
    Adamw,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            name: OptimizerName::Adamw,
            lr: 2e-3,
            weight_decay: 0.02,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
        }
    }
}

impl OptimizerConfig {
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let rules = [
            (
                "lr",
                self.lr.is_finite() && self.lr > 0.0,
                "must be above 0",
            ),
            (
                "weight_decay",
                self.weight_decay.is_finite() && self.weight_decay >= 0.0,
                "must be 0 or more",
            ),
            (
                "beta1",
                (0.0..1.0).contains(&self.beta1),
                "must be from 0 to below 1",
            ),
            (
                "beta2",
                (0.0..1.0).contains(&self.beta2),
                "must be from 0 to below 1",
            ),
            (
                "eps",
                self.eps.is_finite() && self.eps > 0.0,
                "must be above 0",
            ),
        ];
        match rules.into_iter().find(|(_, fine, _)| !fine) {
            Some((key, _, must)) => Err((key, must)),
            None => Ok(()),
        }
    }
}

/// An optimiser with its state.
pub struct Optimizer {
    config: OptimizerConfig,
    slots: Vec<Slot>,
    steps: u64,
}

/// One weight tensor with its running moments.
struct Slot {
    name: String,
    weight: Tensor,
    mean: Tensor,
    square: Tensor,
    decays: bool,
}

impl Optimizer {
    /// Fresh state for every trainable tensor of a network.
    pub fn new(config: &OptimizerConfig, net: &Net) -> Result<Self, TchError> {
        let mut slots = Vec::new();
        for (name, weight) in net.tensors() {
            if weight.requires_grad() {
                let (mean, square) = (weight.f_zeros_like()?, weight.f_zeros_like()?);
                // Vectors are biases and the norms' gains; Adam as published spares nothing.
                let decays = config.name == OptimizerName::Adam || weight.dim() > 1;
                slots.push(Slot {
                    name,
                    weight,
                    mean,
                    square,
                    decays,
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

    /// Moves the weights by their gradients, at a learning rate of `factor` × `lr`.
    pub fn step(&mut self, factor: f64) -> Result<(), TchError> {
        self.steps += 1;
        tch::no_grad(|| self.update(factor * self.config.lr))
    }

    fn update(&mut self, lr: f64) -> Result<(), TchError> {
        let OptimizerConfig {
            name,
            weight_decay,
            beta1,
            beta2,
            eps,
            ..
        } = self.config;
        let t = self.steps as f64;
        let (bias1, bias2) = (1.0 - beta1.powf(t), 1.0 - beta2.powf(t));
        for slot in &mut self.slots {
            let mut grad = slot.weight.f_grad()?;
            if !grad.defined() {
                continue;
            }
            if slot.decays && weight_decay > 0.0 {
                match name {
                    OptimizerName::Adam => {
                        grad = grad.f_add(&slot.weight.f_mul_scalar(weight_decay)?)?;
                    }
                    OptimizerName::Adamw => {
                        let _ = slot.weight.f_mul_scalar_(1.0 - lr * weight_decay)?;
                    }
                }
            }
            let _ = slot.mean.f_lerp_(&grad, 1.0 - beta1)?;
            let _ = slot
                .square
                .f_mul_scalar_(beta2)?
                .f_add_(&grad.f_square()?.f_mul_scalar_(1.0 - beta2)?)?;
            let mut root = slot
                .square
                .f_sqrt()?
                .f_div_scalar_(bias2.sqrt())?
                .f_add_scalar_(eps)?;
            let mut move_by = slot.mean.f_div(&root.f_detach_()?)?;
            let _ = slot.weight.f_sub_(&move_by.f_mul_scalar_(lr / bias1)?)?;
        }
        Ok(())
    }

    /// Steps taken.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The moments, named `optimizer.mean.<weight>` and `optimizer.square.<weight>`.
    #[must_use]
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let mut state = Vec::new();
        for slot in &self.slots {
            state.push((format!("{MEAN}{}", slot.name), slot.mean.shallow_clone()));
            state.push((
                format!("{SQUARE}{}", slot.name),
                slot.square.shallow_clone(),
            ));
        }
        state
    }

    /// Takes over what [`Optimizer::state`] gave. The name of the first tensor that is missing or of another shape is the error.
    pub fn restore(
        &mut self,
        state: &TensorRecord,
        steps: u64,
    ) -> Result<Result<(), String>, TchError> {
        for slot in &mut self.slots {
            for (prefix, moment) in [(MEAN, &mut slot.mean), (SQUARE, &mut slot.square)] {
                let name = format!("{prefix}{}", slot.name);
                match state.get(&name) {
                    Some(saved) if saved.size() == moment.size() => {
                        moment.f_copy_(&saved.f_to_kind(Kind::Float)?)?;
                    }
                    _ => return Ok(Err(name)),
                }
            }
        }
        self.steps = steps;
        Ok(Ok(()))
    }
}

const MEAN: &str = "optimizer.mean.";
const SQUARE: &str = "optimizer.square.";
