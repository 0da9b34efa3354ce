//! Fitting a gate: small networks by stochastic gradients (Adam, as Kingma and Ba have it), each on other four fifths of the pictures.
//!
//! Written out here, since it is a page and the layers are three: the crates that learn bring whole tensor libraries, and this one must do without libtorch.

use std::collections::{BTreeMap, BTreeSet};

use osteon_gate::network::{CLASSES, Networks, forward, weights_of};
use osteon_gate::{Class, FEATURES, Fitted, Gate, Verdict};
use rayon::prelude::*;

use crate::FitError;
use crate::collect::Example;
use crate::dice::Dice;

/// How a gate is fitted.
#[derive(Debug, Clone)]
pub struct FitOptions {
    /// Seed of all draws.
    pub seed: u64,
    /// Networks; each does without one of as many parts of the pictures.
    pub members: usize,
    /// Hidden units of each.
    pub hidden: usize,
    /// Times that as many examples are drawn as there are.
    pub epochs: usize,
    /// Step of Adam at the beginning; it falls to nothing along a cosine.
    pub rate: f32,
    /// Share of a weight that is taken off at each step of size 1.
    pub decay: f32,
    /// Deviation of noise on the scaled features.
    pub noise: f32,
    /// Share of the features that are left out of an example.
    pub dropout: f32,
    /// Share of examples that are of class other and made up of features of as many different radiographs: what looks like an image in every number, and in no
    /// two of them together.
    pub shuffled: f32,
    /// [`Gate::threshold`].
    pub threshold: f64,
}

impl Default for FitOptions {
    fn default() -> Self {
        Self {
            seed: 1,
            members: 5,
            hidden: 20,
            epochs: 30,
            rate: 2e-3,
            decay: 0.02,
            noise: 0.15,
            dropout: 0.1,
            shuffled: 0.0,
            threshold: 0.35,
        }
    }
}

/// Examples drawn for one step.
const BATCH: usize = 64;

/// Fits a gate. `tick` is told after each epoch of each network.
///
/// # Errors
/// If a class has no examples.
pub fn fit(
    examples: &[Example],
    options: &FitOptions,
    tick: &(dyn Fn() + Sync),
) -> Result<Gate, FitError> {
    // Regions outside training may be unknown: then none is flagged.
    for class in [Class::Radiograph, Class::CrossSection, Class::Other] {
        if !examples.iter().any(|e| e.class == class) {
            return Err(FitError::NoExamples {
                class: class.name(),
            });
        }
    }
    let (mean, scale) = scaling(examples);
    let scaler = Networks {
        hidden: 0,
        members: 0,
        weights: [mean, scale].concat(),
    };
    let inputs: Vec<Vec<f32>> = examples
        .par_iter()
        .map(|e| scaler.scaled(&e.features))
        .collect();
    let set = Set {
        examples,
        inputs: &inputs,
        parts: options.members.max(2) as u64,
    };
    let members: Vec<Vec<f32>> = (0..options.members)
        .into_par_iter()
        .map(|member| train(&set, member, options, tick))
        .collect();
    let mut counts: BTreeMap<(Class, String), u64> = BTreeMap::new();
    for e in examples {
        *counts.entry((e.class, e.source.clone())).or_default() += 1;
    }
    Ok(Gate {
        networks: Networks {
            hidden: options.hidden,
            members: options.members,
            weights: [scaler.weights, members.concat()].concat(),
        },
        threshold: options.threshold,
        cross_section_threshold: 0.3,
        outside_threshold: 0.5,
        fitted: Fitted {
            seed: options.seed,
            pictures: counts
                .into_iter()
                .map(|((class, source), count)| (class, source, count))
                .collect(),
        },
        measured: Vec::new(),
    })
}

/// What is said of each picture as it is by a gate that was fitted without its whole source, and without the other sources of its fold. Variations are left
/// out. `fold` says of a source which one it is in; sources without one are never left out.
///
/// # Errors
/// As [`fit`], of any fold.
pub fn held_out<'a>(
    examples: &'a [Example],
    options: &FitOptions,
    fold: &dyn Fn(&Example) -> Option<usize>,
    tick: &(dyn Fn() + Sync),
) -> Result<Vec<(&'a Example, Verdict)>, FitError> {
    let folds: Vec<Option<usize>> = examples.iter().map(fold).collect();
    let count = folds.iter().flatten().max().map_or(0, |&last| last + 1);
    let mut all = Vec::new();
    for number in 0..count {
        let kept: Vec<Example> = examples
            .iter()
            .zip(&folds)
            .filter(|(_, fold)| **fold != Some(number))
            .map(|(example, _)| example.clone())
            .collect();
        let gate = fit(&kept, options, tick)?;
        let mut met = BTreeSet::new();
        for (example, fold) in examples.iter().zip(&folds) {
            let mut first = || met.insert((example.source.as_str(), example.picture));
            if *fold == Some(number) && first() {
                all.push((example, gate.weigh(&example.features)));
            }
        }
    }
    Ok(all)
}

struct Set<'a> {
    examples: &'a [Example],
    inputs: &'a [Vec<f32>],
    parts: u64,
}

impl Set<'_> {
    /// The part that a picture belongs to: that of all its variations.
    fn part(&self, index: usize) -> usize {
        let e = &self.examples[index];
        let mut hash = e.picture.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for byte in e.source.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        ((hash >> 33) % self.parts) as usize
    }
}

/// Mean and deviation of each feature, radiographs counting as much as all else together.
fn scaling(examples: &[Example]) -> (Vec<f32>, Vec<f32>) {
    let films = examples
        .iter()
        .filter(|e| e.class == Class::Radiograph)
        .count()
        .max(1);
    let others = (examples.len() - films).max(1);
    let weight = |e: &Example| {
        let count = if e.class == Class::Radiograph {
            films
        } else {
            others
        };
        0.5 / count as f64
    };
    let mut mean = vec![0.0_f64; FEATURES];
    let mut square = vec![0.0_f64; FEATURES];
    for e in examples {
        for ((mean, square), &v) in mean.iter_mut().zip(&mut square).zip(&e.features) {
            *mean += weight(e) * f64::from(v);
            *square += weight(e) * f64::from(v) * f64::from(v);
        }
    }
    let scale = mean
        .iter()
        .zip(&square)
        .map(|(m, s)| ((s - m * m).max(0.0).sqrt() as f32).max(1e-3))
        .collect();
    (mean.into_iter().map(|m| m as f32).collect(), scale)
}

/// How often an example is drawn: radiographs half the time, cross-sections a tenth; of a class, each source by the root of its size.
fn chances(set: &Set<'_>, member: usize) -> Vec<(f64, usize)> {
    let mut sizes: BTreeMap<(Class, &str), f64> = BTreeMap::new();
    for e in set.examples {
        *sizes.entry((e.class, &e.source)).or_default() += 1.0;
    }
    let total = |class: Class| -> f64 {
        sizes
            .iter()
            .filter(|((c, _), _)| *c == class)
            .map(|(_, size)| size.sqrt())
            .sum()
    };
    let totals = Class::ALL.map(total);
    let mut sum = 0.0;
    let mut all = Vec::new();
    for (i, e) in set.examples.iter().enumerate() {
        if set.part(i) == member {
            continue;
        }
        let share = [0.45, 0.05, 0.1, 0.4][e.class as usize];
        let size = sizes[&(e.class, e.source.as_str())];
        sum += share * size.sqrt() / totals[e.class as usize] / size;
        all.push((sum, i));
    }
    all
}

fn train(set: &Set<'_>, member: usize, options: &FitOptions, tick: &(dyn Fn() + Sync)) -> Vec<f32> {
    let mut dice = Dice::new(options.seed, "fit", member as u64);
    let hidden = options.hidden;
    let mut weights: Vec<f32> = (0..weights_of(hidden))
        .map(|i| {
            if i < hidden * FEATURES {
                dice.bell() / (FEATURES as f32).sqrt()
            } else if i >= hidden * (FEATURES + 1) {
                dice.bell() / (hidden as f32).sqrt()
            } else {
                0.0
            }
        })
        .collect();
    let chances = chances(set, member);
    let films: Vec<usize> = chances
        .iter()
        .map(|&(_, i)| i)
        .filter(|&i| set.examples[i].class == Class::Radiograph)
        .collect();
    let highest = chances.last().map_or(0.0, |&(sum, _)| sum);
    let steps = options.epochs * chances.len() / BATCH;
    let mut adam = Adam::new(weights.len());
    let mut gradient = vec![0.0_f32; weights.len()];
    let mut input = vec![0.0_f32; FEATURES];
    for step in 0..steps {
        gradient.fill(0.0);
        for _ in 0..BATCH {
            let class = if dice.chance(options.shuffled) && !films.is_empty() {
                for (f, value) in input.iter_mut().enumerate() {
                    *value = set.inputs[*dice.pick(&films)][f];
                }
                Class::Other
            } else {
                let place = f64::from(dice.unit()) * highest;
                let at = chances.partition_point(|&(sum, _)| sum <= place);
                let i = chances[at.min(chances.len() - 1)].1;
                for (value, &from) in input.iter_mut().zip(&set.inputs[i]) {
                    let kept = f32::from(u8::from(!dice.chance(options.dropout)));
                    *value = from * kept + options.noise * (dice.unit() - 0.5) * 3.46;
                }
                set.examples[i].class
            };
            add_gradient(&weights, hidden, &input, class, &mut gradient);
        }
        let along = step as f32 / steps as f32;
        let rate = options.rate * 0.5 * (1.0 + (std::f32::consts::PI * along).cos());
        adam.step(&mut weights, &gradient, rate, options.decay);
        if (step + 1) % (steps / options.epochs).max(1) == 0 {
            tick();
        }
    }
    weights
}

/// Adds the gradient of the cross-entropy, the truth smoothed by a hundredth.
fn add_gradient(weights: &[f32], hidden: usize, input: &[f32], class: Class, gradient: &mut [f32]) {
    let (units, shares) = forward(weights, hidden, input);
    let second = &weights[hidden * (FEATURES + 1)..];
    let (first_g, rest) = gradient.split_at_mut(hidden * FEATURES);
    let (bias_g, rest) = rest.split_at_mut(hidden);
    let (second_g, bias2_g) = rest.split_at_mut(CLASSES * hidden);
    let mut back = vec![0.0_f32; hidden];
    for (c, share) in shares.into_iter().enumerate() {
        let truth = if c == class as usize { 0.98 } else { 0.01 };
        let error = (share - truth) / BATCH as f32;
        bias2_g[c] += error;
        let row = c * hidden..(c + 1) * hidden;
        for ((g, unit), (back, w)) in second_g[row.clone()]
            .iter_mut()
            .zip(&units)
            .zip(back.iter_mut().zip(&second[row]))
        {
            *g += error * unit;
            *back += error * w;
        }
    }
    for ((row, bias), (back, unit)) in first_g
        .chunks_exact_mut(FEATURES)
        .zip(bias_g)
        .zip(back.iter().zip(&units))
    {
        let slope = back * (1.0 - unit * unit);
        *bias += slope;
        for (g, v) in row.iter_mut().zip(input) {
            *g += slope * v;
        }
    }
}

struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    steps: i32,
}

impl Adam {
    fn new(count: usize) -> Self {
        Self {
            first: vec![0.0; count],
            second: vec![0.0; count],
            steps: 0,
        }
    }

    fn step(&mut self, weights: &mut [f32], gradient: &[f32], rate: f32, decay: f32) {
        self.steps += 1;
        let (a, b) = (0.9_f32, 0.999_f32);
        let (unbias_a, unbias_b) = (1.0 - a.powi(self.steps), 1.0 - b.powi(self.steps));
        for ((w, g), (m, v)) in weights
            .iter_mut()
            .zip(gradient)
            .zip(self.first.iter_mut().zip(&mut self.second))
        {
            *m = a * *m + (1.0 - a) * g;
            *v = b * *v + (1.0 - b) * g * g;
            let step = (*m / unbias_a) / ((*v / unbias_b).sqrt() + 1e-8);
            *w -= rate * (step + decay * *w);
        }
    }
}
