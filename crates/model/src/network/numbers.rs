//! How many numbers a network has, before it is built: a header may ask for more than any machine has memory for.

use super::efficientnet_lite::{INPUTS, LAST, STEM};
use super::{
    Architecture, ArchitectureName, EfficientNetLiteOptions, FractureMapOptions, ResidualOptions,
};

impl Architecture {
    /// Weights, biases and running statistics of the network for side×side images. The options must have passed [`Architecture::check`].
    #[must_use]
    pub fn numbers(&self, side: usize) -> u64 {
        match self.name {
            ArchitectureName::SeedCnn => {
                let pooled = (side / 4) as u64;
                conv(1, 64, 3)
                    + 64
                    + conv(64, 32, 3)
                    + 32
                    + linear(32 * pooled * pooled, 64)
                    + linear(64, 1)
            }
            ArchitectureName::Residual => residual(&self.residual),
            ArchitectureName::FractureMap => fracture_map(&self.fracture_map),
            ArchitectureName::EfficientnetLite => efficientnet_lite(&self.efficientnet_lite),
        }
    }
}

fn residual(options: &ResidualOptions) -> u64 {
    let (widths, blocks) = options.stages();
    let first = widths.first().map_or(0, |&width| u64::from(width));
    let (mut sum, mut input) = (conv_norm(1, first, 3), first);
    for (&width, &count) in widths.iter().zip(&blocks) {
        let width = u64::from(width);
        sum += stage(input, width, count, input != width);
        input = width;
    }
    sum + linear(2 * input, 1)
}

fn fracture_map(options: &FractureMapOptions) -> u64 {
    let widths = options.widths.map(u64::from);
    let pyramid = u64::from(options.pyramid);
    let mut sum = conv_norm(8, widths[0], 3);
    for (number, &count) in options.blocks.iter().enumerate() {
        // The first block halves the image, beside which there is always a convolution.
        sum += stage(widths[number], widths[number + 1], count, true);
    }
    sum + map_head([widths[2], widths[3], widths[4]], pyramid, widths[4])
}

fn efficientnet_lite(options: &EfficientNetLiteOptions) -> u64 {
    let [inputs, stem, last] = [INPUTS, STEM, LAST].map(u64::from);
    let mut sum = conv_norm(inputs, stem, 3);
    let mut outputs = [0; 7];
    for (stage, plan) in options.variant.blocks() {
        let [input, output, expanded, kernel] =
            [plan.input, plan.output, plan.expanded, plan.kernel].map(u64::from);
        if expanded != input {
            sum += conv_norm(input, expanded, 1);
        }
        // Each channel by itself.
        sum += expanded * kernel * kernel + 4 * expanded + conv_norm(expanded, output, 1);
        outputs[stage] = output;
    }
    sum += conv_norm(outputs[6], last, 1);
    let levels = [outputs[2], outputs[4], outputs[6]];
    sum + map_head(levels, u64::from(options.pyramid), last)
}

fn map_head(levels: [u64; 3], pyramid: u64, whole: u64) -> u64 {
    let laterals: u64 = levels
        .iter()
        .map(|&level| conv(level, pyramid, 1) + pyramid)
        .sum();
    laterals
        + conv_norm(pyramid, pyramid, 3)
        + conv(pyramid, 1, 1)
        + 1
        + linear(2 * whole, 64)
        + linear(64, 1)
}

/// Blocks behind each other; the first has a convolution beside it where sizes differ.
fn stage(input: u64, output: u64, blocks: u32, shortcut: bool) -> u64 {
    let beside = if shortcut {
        conv_norm(input, output, 1)
    } else {
        0
    };
    let first = conv_norm(input, output, 3) + conv_norm(output, output, 3) + beside;
    first + u64::from(blocks - 1) * 2 * conv_norm(output, output, 3)
}

/// A convolution and the norm after it: gain, bias, mean and variance.
fn conv_norm(input: u64, output: u64, kernel: u64) -> u64 {
    conv(input, output, kernel) + 4 * output
}

/// Without a bias.
fn conv(input: u64, output: u64, kernel: u64) -> u64 {
    input * output * kernel * kernel
}

/// With a bias.
fn linear(inputs: u64, outputs: u64) -> u64 {
    (inputs + 1) * outputs
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::{LiteVariant, ResidualSize};

    #[test]
    fn as_many_as_are_built() {
        let residual = |size, widths: &[u32], blocks: &[u32]| Architecture {
            name: ArchitectureName::Residual,
            residual: ResidualOptions {
                size,
                widths: widths.to_vec(),
                blocks: blocks.to_vec(),
                ..ResidualOptions::default()
            },
            ..Architecture::default()
        };
        let map = |widths, blocks, pyramid| Architecture {
            name: ArchitectureName::FractureMap,
            fracture_map: FractureMapOptions {
                widths,
                blocks,
                pyramid,
                ..FractureMapOptions::default()
            },
            ..Architecture::default()
        };
        let lite = |variant, pyramid| Architecture {
            name: ArchitectureName::EfficientnetLite,
            efficientnet_lite: EfficientNetLiteOptions {
                variant,
                pyramid,
                ..EfficientNetLiteOptions::default()
            },
            ..Architecture::default()
        };
        let all = [
            Architecture {
                name: ArchitectureName::SeedCnn,
                ..Architecture::default()
            },
            Architecture::default(),
            residual(ResidualSize::Small, &[], &[]),
            residual(ResidualSize::Large, &[1], &[1]),
            residual(ResidualSize::Custom, &[8], &[3]),
            residual(ResidualSize::Custom, &[8, 8, 4, 16], &[1, 2, 3, 1]),
            map([24, 32, 64, 128, 256], [2; 4], 64),
            map([4, 4, 8, 8, 12], [1, 3, 2, 1], 5),
            lite(LiteVariant::Lite0, 96),
            lite(LiteVariant::Lite1, 8),
            lite(LiteVariant::Lite2, 96),
        ];
        for architecture in all {
            for side in [32, 64] {
                let net = architecture.build(side, Device::Cpu).expect("builds");
                let built: usize = net.tensors().iter().map(|(_, t)| t.numel()).sum();
                assert_eq!(architecture.numbers(side), built as u64, "{architecture:?}");
            }
        }
        // All that the options allow fits the type.
        let largest = map([2048; 5], [64; 4], 2048).numbers(2048);
        assert!(largest > 1 << 34, "{largest}");
    }
}
