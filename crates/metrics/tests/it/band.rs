//! The doubt band: that its promise is kept, by simulation from known populations, and laws.

use osteon_metrics::{
    BandOptions, BandOutcome, BandRefusal, DoubtBand, MetricsError, doubt_band, one_per_group,
    youden,
};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use statrs::function::erf::erf_inv;

/// Scores with their probability and the share of fractures among images that carry them.
struct Population {
    name: &'static str,
    atoms: Vec<(f64, f64, f64)>,
    /// Sums of the probabilities.
    sums: Vec<f64>,
}

impl Population {
    fn new(name: &'static str, atoms: impl Iterator<Item = (f64, f64, f64)>) -> Self {
        let mut atoms: Vec<_> = atoms.collect();
        let all: f64 = atoms.iter().map(|atom| atom.1).sum();
        let mut sum = 0.0;
        let sums = atoms
            .iter_mut()
            .map(|atom| {
                atom.1 /= all;
                sum += atom.1;
                sum
            })
            .collect();
        Self { name, atoms, sums }
    }

    /// Normal scores of variance 1 in each class, `gap` apart, on a grid.
    fn normal(name: &'static str, prevalence: f64, gap: f64, step: f64) -> Self {
        let steps = (14.0 / step) as i32;
        Self::new(
            name,
            (0..=steps).map(|index| {
                let score = f64::from(index) * step - 5.0;
                let fractured = prevalence * (-(score - gap).powi(2) / 2.0).exp();
                let unfractured = (1.0 - prevalence) * (-score * score / 2.0).exp();
                let mass = fractured + unfractured;
                (score, mass, fractured / mass)
            }),
        )
    }

    /// The two halves of the scores are wrong equally often everywhere: each decided image adds `wrong`.
    fn even(name: &'static str, wrong: f64) -> Self {
        Self::new(
            name,
            (0..5000).map(|index| {
                let share = if index < 2500 { wrong } else { 1.0 - wrong };
                (f64::from(index) / 5000.0, 1.0, share)
            }),
        )
    }

    fn draw(&self, images: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        (0..images)
            .map(|_| {
                let at = generator.random::<f64>();
                let atom = self.sums.partition_point(|sum| *sum < at);
                let (score, _, share) = self.atoms[atom.min(self.atoms.len() - 1)];
                (generator.random::<f64>() < share, score)
            })
            .unzip()
    }

    /// (share decided, share wrong among the decided) of the whole population.
    fn judge(&self, outcome: &BandOutcome) -> Option<(f64, f64)> {
        let (mut decided, mut wrong) = (0.0, 0.0);
        for (score, mass, fractured) in &self.atoms {
            let call = match outcome {
                BandOutcome::Band(band) => band.decide(*score),
                BandOutcome::NotNeeded { threshold, .. } => Some(score >= threshold),
                BandOutcome::Refused { .. } => return None,
            };
            if let Some(call) = call {
                decided += mass;
                wrong += mass * if call { 1.0 - fractured } else { *fractured };
            }
        }
        (decided > 0.0).then(|| (decided, wrong / decided))
    }

    /// (share of draws that break the promise, mean share decided) over `draws` validation sets.
    fn simulate(
        &self,
        images: usize,
        draws: u64,
        error: f64,
        chosen_threshold: bool,
    ) -> (f64, f64) {
        let found: Vec<(f64, f64)> = (0..draws)
            .into_par_iter()
            .map(|seed| {
                let (labels, scores) = self.draw(images, seed);
                let options = BandOptions {
                    error,
                    // As in use: chosen on the same images.
                    threshold: youden(&labels, &scores)
                        .unwrap()
                        .filter(|_| chosen_threshold)
                        .map(|point| point.threshold),
                    ..BandOptions::default()
                };
                let outcome = doubt_band(&labels, &scores, options).unwrap();
                let (decided, wrong) = self.judge(&outcome).unwrap_or_default();
                (f64::from(u8::from(wrong > error)), decided)
            })
            .collect();
        let mean =
            |part: fn(&(f64, f64)) -> f64| found.iter().map(part).sum::<f64>() / draws as f64;
        (mean(|one| one.0), mean(|one| one.1))
    }
}

#[test]
fn the_promise_is_kept() {
    let draws = 1000;
    // Three standard errors of a share of 5 % in so many draws.
    let limit = 0.05 + 3.0 * (0.05_f64 * 0.95 / 1000.0).sqrt();
    let mut decided = Vec::new();
    for population in [
        Population::normal("separable", 0.3, 7.0, 0.01),
        Population::normal("good", 0.13, 1.812, 0.01),
        Population::normal("hard", 0.4, 0.36, 0.01),
        Population::normal("many ties", 0.3, 2.0, 0.8),
        Population::new("constant scores", std::iter::once((0.5, 1.0, 0.04))),
        // Every band breaks the promise by a hair: the hardest for the test.
        Population::even("just too much everywhere", 0.0501),
        // Only one side can be decided.
        Population::new(
            "useless above",
            (0..1000).map(|index| {
                let score = f64::from(index) / 1000.0;
                (score, 1.0, if score < 0.6 { 0.01 } else { 0.5 })
            }),
        ),
    ] {
        for images in [200, 600] {
            for chosen_threshold in [false, true] {
                let (broken, share) = population.simulate(images, draws, 0.05, chosen_threshold);
                assert!(
                    broken <= limit,
                    "{}, {images} images: the promise is broken in {broken} of the draws",
                    population.name
                );
                decided.push((population.name, images, share));
            }
        }
    }
    // It is no use to keep a promise by refusing.
    for (name, images, share) in decided {
        let least = match (name, images) {
            ("separable", 200) => 0.6,
            ("separable", _) => 0.85,
            ("good", 600) => 0.5,
            ("useless above", 600) => 0.3,
            _ => 0.0,
        };
        assert!(share >= least, "{name}, {images} images: {share} decided");
    }
}

/// `cargo test -p metrics --test it how_much -- --ignored --nocapture` prints what validation sets of several sizes buy.
#[test]
#[ignore = "a table for the documentation"]
fn how_much_is_decided() {
    for error in [0.05, 0.1] {
        for prevalence in [0.13, 0.4] {
            for auc in [0.8, 0.9, 0.95, 0.99] {
                let gap = 2.0 * erf_inv(2.0 * auc - 1.0);
                let population = Population::normal("", prevalence, gap, 0.005);
                print!("error {error} prevalence {prevalence} AUC {auc}:");
                for images in [200, 436, 1000, 3000] {
                    for chosen in [false, true] {
                        let (broken, share) = population.simulate(images, 1000, error, chosen);
                        print!(" {images} {share:.2} ({broken:.3})");
                    }
                }
                println!();
            }
        }
    }
}

#[test]
fn small_sets_are_refused_with_the_number_it_takes() {
    let (labels, scores) = Population::normal("", 0.3, 9.0, 0.01).draw(172, 1);
    let found = |images: usize, error| {
        let options = BandOptions {
            error,
            ..BandOptions::default()
        };
        doubt_band(&labels[..images], &scores[..images], options).unwrap()
    };
    for (images, error, needed) in [(171, 0.05, 172), (83, 0.1, 84), (0, 0.1, 84)] {
        let BandOutcome::Refused { reason, .. } = found(images, error) else {
            panic!("{images} images are enough");
        };
        assert_eq!(
            reason,
            BandRefusal::TooFewImages {
                images: images as u64,
                needed
            }
        );
    }
    // With no error at all the number suffices.
    assert!(matches!(found(172, 0.05), BandOutcome::Band(_)));
    assert!(!matches!(found(84, 0.1), BandOutcome::Refused { .. }));
}

#[test]
fn outcomes_are_told_in_plain_words() {
    let options = |threshold| BandOptions {
        threshold,
        ..BandOptions::default()
    };
    let told = |population: &Population, images, threshold| {
        let (labels, scores) = population.draw(images, 7);
        doubt_band(&labels, &scores, options(threshold))
            .unwrap()
            .to_string()
    };
    let separable = Population::normal("", 0.3, 9.0, 0.01);
    assert_eq!(
        told(&separable, 50, None),
        "No promise that at most 5 % of the decided images are wrong can be made with 95 % confidence: there are 50 validation \
         images, and it takes at least 172, however good the model."
    );
    let needless = told(&separable, 1000, Some(4.5));
    assert!(
        needless.starts_with(
            "No image need be left to a person: the threshold 4.5 decides 0 of 1000 images wrongly, and with 95 % confidence"
        ),
        "{needless}"
    );
    let hopeless = told(&Population::normal("", 0.4, 0.0, 0.01), 1000, Some(0.0));
    assert!(
        hopeless.contains("surest of 1000 validation images"),
        "{hopeless}"
    );
    let good = told(&Population::normal("", 0.13, 1.812, 0.01), 1000, Some(1.0));
    assert!(
        good.starts_with("Scores from ") && good.contains("of 1000 images here."),
        "{good}"
    );
    let outside = told(&Population::normal("", 0.13, 1.812, 0.01), 1000, Some(-3.0));
    assert!(
        outside.contains("do not contain the threshold -3"),
        "{outside}"
    );
}

#[test]
fn open_ends_are_finite_and_decide_nothing() {
    // Every second image above 0.6 is fractured, and what is wrong below uses the promise up.
    let scores: Vec<f64> = (0..1000).map(|index| f64::from(index) / 1000.0).collect();
    let labels: Vec<bool> = (0..1000)
        .map(|index| {
            if index < 600 {
                index % 42 == 41
            } else {
                index % 2 == 0
            }
        })
        .collect();
    let options = BandOptions {
        threshold: Some(0.6),
        ..BandOptions::default()
    };
    let BandOutcome::Band(band) = doubt_band(&labels, &scores, options).unwrap() else {
        panic!("there is a band");
    };
    assert_eq!(band.high.to_bits(), 1.0_f64.to_bits());
    assert_eq!(band.decide(1.0), None);
    let logits: Vec<f64> = scores.iter().map(|score| 10.0 * score - 5.0).collect();
    let options = BandOptions {
        threshold: None,
        ..options
    };
    let outcome = doubt_band(&labels, &logits, options).unwrap();
    let BandOutcome::Band(band) = outcome else {
        panic!("{outcome}");
    };
    assert_eq!(band.high.to_bits(), f64::MAX.to_bits());
    let stored = serde_json::to_string(&outcome).unwrap();
    assert_eq!(
        serde_json::from_str::<BandOutcome>(&stored).unwrap(),
        outcome
    );
}

#[test]
fn one_image_a_group() {
    let groups = [5, 5, 9, 1, 9, 5];
    let chosen = one_per_group(&groups, 3);
    let mut found: Vec<usize> = chosen.iter().map(|image| groups[*image]).collect();
    found.sort_unstable();
    assert_eq!(found, [1, 5, 9]);
    assert!(chosen.is_sorted());
    let renumbered: Vec<usize> = groups.iter().map(|group| 100 - group).collect();
    assert_eq!(one_per_group(&renumbered, 3), chosen);
    // Every image has its chance.
    let seen: std::collections::BTreeSet<usize> = (0..100)
        .flat_map(|seed| one_per_group(&groups, seed))
        .collect();
    assert_eq!(seen.len(), 6);
    assert!(one_per_group(&[], 0).is_empty());
}

#[test]
fn bad_input_is_named() {
    let with = |change: fn(&mut BandOptions)| {
        let mut options = BandOptions::default();
        change(&mut options);
        doubt_band(&[true, false], &[0.1, 0.2], options)
    };
    for error in [
        with(|options| options.error = 0.0),
        with(|options| options.error = f64::NAN),
    ] {
        assert!(matches!(error, Err(MetricsError::BadAllowedError { .. })));
    }
    assert!(matches!(
        with(|options| options.confidence = 1.0),
        Err(MetricsError::BadConfidence { .. })
    ));
    assert!(matches!(
        with(|options| options.threshold = Some(f64::INFINITY)),
        Err(MetricsError::BadThreshold { .. })
    ));
    assert!(matches!(
        doubt_band(&[true], &[f64::NAN], BandOptions::default()),
        Err(MetricsError::NonFiniteScore { index: 0, .. })
    ));
}

/// Validation images left undecided, by an outcome of `images` in all.
fn deferred(outcome: &BandOutcome, images: u64) -> u64 {
    match outcome {
        BandOutcome::Band(band) => band.images - band.decided,
        BandOutcome::NotNeeded { .. } => 0,
        BandOutcome::Refused { .. } => images,
    }
}

fn near(band: &DoubtBand, labels: &[bool], scores: &[f64]) -> (u64, u64) {
    let calls: Vec<(bool, bool)> = labels
        .iter()
        .zip(scores)
        .filter_map(|(label, score)| Some((*label, band.decide(*score)?)))
        .collect();
    let wrong = calls.iter().filter(|(label, call)| label != call).count();
    (calls.len() as u64, wrong as u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_band_lies_around_the_threshold_and_counts_right(
        seed in any::<u64>(), images in 0..900_usize, gap in 0.0..5.0_f64, coarse in any::<bool>(),
        threshold in -1.0..5.0_f64, error in 0.01..0.3_f64,
    ) {
        let step = if coarse { 0.7 } else { 0.01 };
        let (labels, scores) = Population::normal("", 0.3, gap, step).draw(images, seed);
        let options = BandOptions { error, threshold: Some(threshold), ..BandOptions::default() };
        let outcome = doubt_band(&labels, &scores, options).unwrap();
        if let BandOutcome::Band(band) = &outcome {
            prop_assert!(band.low <= threshold && threshold <= band.high);
            prop_assert_eq!((band.decided, band.wrong), near(band, &labels, &scores));
            // What is decided is decided as the threshold does.
            prop_assert!(scores.iter().all(|score| band.decide(*score).is_none_or(|call| call == (*score >= threshold))));
            prop_assert!(band.wrong as f64 <= error * band.decided as f64);
        }
        // Order of the images and scale of the scores do not matter.
        let turned: (Vec<bool>, Vec<f64>) = labels.iter().rev().zip(scores.iter().rev().map(|score| 3.0 * score - 1.0)).unzip();
        let moved = BandOptions { threshold: Some(3.0 * threshold - 1.0), ..options };
        let again = doubt_band(&turned.0, &turned.1, moved).unwrap();
        prop_assert_eq!(deferred(&again, images as u64), deferred(&outcome, images as u64));
    }

    #[test]
    fn a_laxer_promise_never_defers_more(
        seed in any::<u64>(), images in 84..900_usize, gap in 0.5..5.0_f64, error in 0.01..0.2_f64, more in 0.0..0.1_f64,
        with_threshold in any::<bool>(),
    ) {
        let (labels, scores) = Population::normal("", 0.3, gap, 0.01).draw(images, seed);
        let strict = BandOptions { error, threshold: with_threshold.then_some(gap / 2.0), ..BandOptions::default() };
        let left = |options| deferred(&doubt_band(&labels, &scores, options).unwrap(), images as u64);
        let laxer = left(BandOptions { error: error + more, ..strict });
        prop_assert!(laxer <= left(strict));
        let less_sure = left(BandOptions { confidence: 0.8, ..strict });
        prop_assert!(less_sure <= left(strict));
    }
}
