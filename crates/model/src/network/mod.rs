//! The networks: plain structs with named weights behind one trait.

mod block;
mod efficientnet_lite;
mod fracture_map;
pub(crate) mod graph;
mod layers;
mod local_contrast;
mod map_head;
mod numbers;
mod residual;
mod seed_cnn;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::nn::VarStore;
use tch::{Device, TchError, Tensor};

pub(crate) use efficientnet_lite::BODY;
pub use efficientnet_lite::{EfficientNetLite, EfficientNetLiteOptions, LiteVariant};
pub use fracture_map::{FractureMap, FractureMapOptions};
pub(crate) use layers::{NormRule, Padding};
pub use residual::{Residual, ResidualOptions, ResidualSize};
pub use seed_cnn::SeedCnn;

use crate::{Compute, Mode, ModelError};
use graph::Graph;

/// What a network says of N images.
pub struct Answer {
    /// N logits of *fractured* (f32, no sigmoid).
    pub logits: Tensor,
    /// N×h×w logits of a fracture at each place, row by row (f32), where the network has a map.
    pub map: Option<Tensor>,
    /// N logits from the image as a whole (f32), where `logits` have parts.
    pub whole: Option<Tensor>,
}

impl Answer {
    /// An answer without parts.
    #[must_use]
    pub fn of(logits: Tensor) -> Self {
        Self {
            logits,
            map: None,
            whole: None,
        }
    }
}

/// A network that turns images into logits, by way of feature maps.
pub trait Network: Send {
    /// N×1×H×W, normalised → the feature maps that the answer is read from, N×C×h×w each, the finest first.
    fn features(&self, films: &Tensor, mode: Mode) -> Result<Vec<Tensor>, TchError>;

    /// What the feature maps, all that [`Network::features`] gave, say.
    fn answer(&self, features: &[Tensor], mode: Mode) -> Result<Answer, TchError>;

    /// N×1×H×W, normalised → the answer.
    fn forward(&self, films: &Tensor, mode: Mode) -> Result<Answer, TchError> {
        self.answer(&self.features(films, mode)?, mode)
    }

    /// Holds the backbone as it is while training goes on, or lets go of it: its norms compute by their running statistics, and it has no
    /// gradient. `false` where the network has no backbone apart from its head.
    fn hold_backbone(&mut self, held: bool) -> bool {
        let _ = held;
        false
    }

    /// Prepares for judging with the weights as they are now: what can be computed once is, in this precision and memory order.
    fn freeze(&mut self, compute: Compute) -> Result<(), TchError> {
        let _ = compute;
        Ok(())
    }
}

/// The networks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArchitectureName {
    /// The seed project's CNN, [`SeedCnn`].
    SeedCnn,
    /// The compact residual CNN, [`Residual`].
    Residual,
    /// The network with a map of where, [`FractureMap`].
    FractureMap,
    /// A backbone that may begin from ImageNet's weights below a map of where, [`EfficientNetLite`].
    EfficientnetLite,
}

impl fmt::Display for ArchitectureName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SeedCnn => "seed_cnn",
            Self::Residual => "residual",
            Self::FractureMap => "fracture_map",
            Self::EfficientnetLite => "efficientnet_lite",
        })
    }
}

/// Which network, with its options. Stored in the model file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Architecture {
    /// The network's name.
    pub name: ArchitectureName,
    /// Options of `residual`; `seed_cnn` has none.
    pub residual: ResidualOptions,
    /// Options of `fracture_map`.
    pub fracture_map: FractureMapOptions,
    /// Options of `efficientnet_lite`.
    pub efficientnet_lite: EfficientNetLiteOptions,
}

impl Default for Architecture {
    fn default() -> Self {
        Self {
            name: ArchitectureName::Residual,
            residual: ResidualOptions::default(),
            fracture_map: FractureMapOptions::default(),
            efficientnet_lite: EfficientNetLiteOptions::default(),
        }
    }
}

/// A network with its weights.
pub struct Net {
    /// Every weight and running statistic by name.
    pub store: VarStore,
    /// What computes.
    pub network: Box<dyn Network>,
    /// What it is.
    pub architecture: Architecture,
    /// How it computes; changed by [`Net::set_compute`].
    compute: Compute,
}

/// A backbone whose weights are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backbone(LiteVariant);

impl Backbone {
    /// All, the smallest first.
    #[must_use]
    pub fn all() -> [Self; 3] {
        LiteVariant::ALL.map(Self)
    }

    /// The name of the file that holds the published weights.
    #[must_use]
    pub fn file(self) -> String {
        format!("{self}.pth")
    }
}

impl fmt::Display for Backbone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "efficientnet_{}", self.0.name())
    }
}

impl Architecture {
    /// The backbone, if the network has one whose weights are published.
    #[must_use]
    pub fn backbone(&self) -> Option<Backbone> {
        (self.name == ArchitectureName::EfficientnetLite)
            .then_some(Backbone(self.efficientnet_lite.variant))
    }

    /// Whether a tensor of this name is part of the backbone.
    #[must_use]
    pub fn is_of_backbone(&self, tensor: &str) -> bool {
        let below = |rest: &str| rest.starts_with('.');
        self.backbone().is_some() && tensor.strip_prefix(BODY).is_some_and(below)
    }

    /// The options of the network as JSON; `None` where it has none.
    #[must_use]
    pub fn options(&self) -> Option<String> {
        let options = match self.name {
            ArchitectureName::SeedCnn => return None,
            ArchitectureName::Residual => serde_json::to_string(&self.residual),
            ArchitectureName::FractureMap => serde_json::to_string(&self.fracture_map),
            ArchitectureName::EfficientnetLite => serde_json::to_string(&self.efficientnet_lite),
        };
        // Invariant: options are numbers and words, which JSON holds.
        options.ok()
    }

    /// Side of a cell of the network's map in pixels, if it has one.
    #[must_use]
    pub fn map_cell(&self) -> Option<usize> {
        match self.name {
            ArchitectureName::SeedCnn | ArchitectureName::Residual => None,
            ArchitectureName::FractureMap | ArchitectureName::EfficientnetLite => {
                Some(map_head::CELL)
            }
        }
    }

    /// The first option that makes no sense for side×side images, as (key, what it must be).
    pub fn check(&self, side: usize) -> Result<(), (&'static str, &'static str)> {
        match self.name {
            ArchitectureName::SeedCnn if side < 4 => {
                Err(("name", "seed_cnn needs images of 4 pixels or more"))
            }
            ArchitectureName::SeedCnn => Ok(()),
            ArchitectureName::Residual => self.residual.check(side),
            ArchitectureName::FractureMap => self.fracture_map.check(side),
            ArchitectureName::EfficientnetLite => self.efficientnet_lite.check(side),
        }
    }

    /// What the network computes on side×side images, for export. The options must have passed [`Architecture::check`].
    pub(crate) fn graph(&self, side: usize) -> Graph {
        match self.name {
            ArchitectureName::SeedCnn => seed_cnn::graph(),
            ArchitectureName::Residual => residual::graph(&self.residual),
            ArchitectureName::FractureMap => fracture_map::graph(&self.fracture_map, side),
            ArchitectureName::EfficientnetLite => efficientnet_lite::graph(&self.efficientnet_lite),
        }
    }

    /// Builds the network for side×side images with fresh random weights (seed them by [`tch::manual_seed`]).
    pub fn build(&self, side: usize, device: Device) -> Result<Net, ModelError> {
        self.check(side)
            .map_err(|(key, must)| ModelError::Architecture { key, must })?;
        let store = VarStore::new(device);
        let network: Box<dyn Network> = match self.name {
            ArchitectureName::SeedCnn => Box::new(SeedCnn::new(&store.root(), side)?),
            ArchitectureName::Residual => Box::new(Residual::new(&store.root(), &self.residual)?),
            ArchitectureName::FractureMap => {
                Box::new(FractureMap::new(&store.root(), &self.fracture_map)?)
            }
            ArchitectureName::EfficientnetLite => Box::new(EfficientNetLite::new(
                &store.root(),
                &self.efficientnet_lite,
            )?),
        };
        Ok(Net {
            store,
            network,
            architecture: self.clone(),
            compute: Compute::default(),
        })
    }
}

impl Net {
    /// How it computes.
    #[must_use]
    pub fn compute(&self) -> Compute {
        self.compute
    }

    /// Changes how it computes. The weights keep their names, their values and their place in an optimiser; their gradients are lost.
    pub fn set_compute(&mut self, compute: Compute) -> Result<(), ModelError> {
        for (_, mut tensor) in self.tensors() {
            if tensor.dim() == 4 {
                let data = compute.memory_format.apply(&tensor.f_detach()?)?;
                // In place, behind every handle to it: a new variable would not be the one that the layers and the optimiser hold.
                tensor.f_set_data(&data)?;
            }
        }
        osteon_kernels::clear_grads(&self.store.trainable_variables())?;
        self.compute = compute;
        Ok(())
    }

    /// Prepares for judging: norms go into the convolutions before them, so the logits differ in their last digits. From here on, a change
    /// of weights is not seen until the next call.
    pub fn freeze(&mut self) -> Result<(), ModelError> {
        let compute = self.compute;
        Ok(tch::no_grad(|| self.network.freeze(compute))?)
    }

    /// A forward pass as [`Net::compute`] says: N×1×H×W → N logits, f32.
    pub fn forward(&self, films: &Tensor, train: bool) -> Result<Tensor, TchError> {
        Ok(self.answer(films, train)?.logits)
    }

    /// A forward pass as [`Net::compute`] says, with all its parts.
    pub fn answer(&self, films: &Tensor, train: bool) -> Result<Answer, TchError> {
        let Compute { precision, .. } = self.compute;
        self.network.forward(films, Mode { train, precision })
    }

    /// Normalised pixels, row by row, as N×1×side×side on the network's device, in the memory order of [`Net::compute`].
    pub fn input(&self, pixels: &[f32], count: usize, side: usize) -> Result<Tensor, TchError> {
        let (count, side) = (count as i64, side as i64);
        let films = Tensor::f_from_slice(pixels)?
            .f_reshape([count, 1, side, side])?
            .f_to_device(self.store.device())?;
        self.arrange(&films)
    }

    /// N×1×H×W images on the network's device, in the memory order of [`Net::compute`].
    pub fn arrange(&self, films: &Tensor) -> Result<Tensor, TchError> {
        self.compute.memory_format.apply(films)
    }

    /// Trainable parameters (running statistics are not among them).
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.store
            .trainable_variables()
            .iter()
            .map(Tensor::numel)
            .sum()
    }

    /// All weights and statistics, sorted by name.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut named: Vec<_> = self.store.variables().into_iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named
    }
}
