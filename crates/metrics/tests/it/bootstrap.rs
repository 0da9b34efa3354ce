//! The bootstrap: the same bits on any number of threads, and the interval another implementation finds.

use osteon_metrics::{
    Confusion, Estimate, Summary, SummaryOptions, average_precision, brier, ece_equal_mass,
    grouped, roc_auc, sensitivity_at_specificity, stratified,
};

use crate::oracles::oracles;

fn in_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(work)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let case = &oracles().cases[1];
    let (labels, scores) = (&case.labels, &case.scores);
    let options = SummaryOptions {
        replicates: 101,
        seed: 9,
    };
    let run = || {
        let area = stratified(labels, scores, 101, 0.95, 9, |labels, scores| {
            average_precision(labels, scores).unwrap()
        });
        let summary = Summary::new(labels, scores, None, 0.5, 0.95, options);
        let groups: Vec<usize> = (0..labels.len()).map(|image| image % 40).collect();
        let films = Summary::new(labels, scores, Some(&groups), 0.5, 0.95, options);
        let of_films = grouped(labels, scores, &groups, 101, 0.95, 9, |labels, scores| {
            roc_auc(labels, scores).unwrap()
        });
        (
            area.unwrap(),
            summary.unwrap(),
            of_films.unwrap(),
            films.unwrap(),
        )
    };
    let one = in_threads(1, run);
    assert_eq!(one.0, one.1.average_precision);
    assert_eq!(one.2, one.3.roc_auc);
    assert_ne!(one.1.roc_auc, one.3.roc_auc);
    for threads in [2, 7] {
        assert!(in_threads(threads, run) == one, "{threads} threads");
    }
}

#[test]
fn the_seed_changes_the_interval_only() {
    let case = &oracles().cases[1];
    let run = |seed| -> Estimate {
        stratified(
            &case.labels,
            &case.scores,
            50,
            0.95,
            seed,
            |labels, scores| average_precision(labels, scores).unwrap(),
        )
        .unwrap()
    };
    assert_eq!(run(1), run(1));
    assert_eq!(run(1).value, run(2).value);
    assert_ne!(run(1).low, run(2).low);
}

#[test]
fn numpy_finds_the_same_interval() {
    let oracles = oracles();
    let case = &oracles.cases[oracles.bootstrap.case];
    let options = SummaryOptions {
        replicates: 20_000,
        seed: 3,
    };
    let summary = Summary::new(
        &case.labels,
        &case.scores,
        None,
        case.threshold,
        oracles.confidence,
        options,
    )
    .unwrap();
    // Monte Carlo error of a 2.5 % quantile of 20,000 replicates, twice: well below 0.003 here.
    for (found, (low, high)) in [
        (summary.f1, oracles.bootstrap.f1),
        (
            summary.average_precision,
            oracles.bootstrap.average_precision,
        ),
    ] {
        assert!((found.low.unwrap() - low).abs() < 0.003, "{found:?} {low}");
        assert!(
            (found.high.unwrap() - high).abs() < 0.003,
            "{found:?} {high}"
        );
    }
}

/// A figure of a replicate, and where a summary has it.
type Pair<'a> = (&'a Statistic, fn(&Summary) -> Estimate);
type Statistic = dyn Fn(&[bool], &[f64]) -> Option<f64> + Sync;

/// Counts of the sorted data give what judging every replicate anew gives.
#[test]
fn a_summary_is_many_bootstraps() {
    let oracle = oracles().grouped;
    let (labels, scores) = (&oracle.labels, &oracle.scores);
    let options = SummaryOptions {
        replicates: 300,
        seed: 4,
    };
    let summary = |groups| Summary::new(labels, scores, groups, 0.5, 0.9, options).unwrap();
    let (images, films) = (summary(None), summary(Some(&oracle.groups)));
    let near = |found: Estimate, expected: Estimate| {
        for (found, expected) in [
            (found.value, expected.value),
            (found.low, expected.low),
            (found.high, expected.high),
        ] {
            assert!((found.unwrap() - expected.unwrap()).abs() < 1e-12);
        }
    };
    let counts = |labels: &[bool], scores: &[f64]| {
        let counts = Confusion::at_threshold(labels, scores, 0.5).unwrap();
        counts.kappa()
    };
    let statistics: [Pair<'_>; 4] = [
        (&counts, |summary| summary.kappa),
        (
            &|labels, scores| sensitivity_at_specificity(labels, scores, 0.9).unwrap(),
            |summary| summary.sensitivity_at_90_specificity,
        ),
        (
            &|labels, scores| brier(labels, scores).unwrap(),
            |summary| summary.calibration.brier,
        ),
        (
            &|labels, scores| ece_equal_mass(labels, scores, Summary::ECE_BINS).unwrap(),
            |summary| summary.calibration.ece_equal_mass,
        ),
    ];
    for (statistic, figure) in statistics {
        let one = stratified(labels, scores, 300, 0.9, 4, statistic).unwrap();
        near(figure(&images), one);
        let one = grouped(labels, scores, &oracle.groups, 300, 0.9, 4, statistic).unwrap();
        near(figure(&films), one);
    }
}

#[test]
fn numpy_finds_the_same_intervals_over_groups() {
    let oracles = oracles();
    let oracle = &oracles.grouped;
    let options = SummaryOptions {
        replicates: 10_000,
        seed: 11,
    };
    let judged = |groups| {
        let (labels, scores) = (&oracle.labels, &oracle.scores);
        Summary::new(
            labels,
            scores,
            groups,
            oracle.threshold,
            oracles.confidence,
            options,
        )
        .unwrap()
    };
    let (films, images) = (judged(Some(&oracle.groups[..])), judged(None));
    assert_eq!(
        (films.resampled_groups, images.resampled_groups),
        (Some(60), None)
    );
    for (name, found, single) in [
        ("sensitivity", films.sensitivity, images.sensitivity),
        ("precision", films.precision, images.precision),
        ("kappa", films.kappa, images.kappa),
        ("roc_auc", films.roc_auc, images.roc_auc),
        (
            "average_precision",
            films.average_precision,
            images.average_precision,
        ),
        ("brier", films.calibration.brier, images.calibration.brier),
    ] {
        let (low, high) = oracle.intervals[name];
        let width = high - low;
        // Monte Carlo error of a 2.5 % quantile of 10,000 replicates is near 1 % of the width: here four of them, and steps.
        assert!((found.low.unwrap() - low).abs() < 0.05 * width, "{name}");
        assert!((found.high.unwrap() - high).abs() < 0.05 * width, "{name}");
        // Three copies of an image are no three images.
        assert!(single.high.unwrap() - single.low.unwrap() < 0.75 * width);
        assert_eq!(found.value, single.value);
    }
}

#[test]
fn groups_without_anything_to_vary_get_a_wide_interval() {
    // Perfect: ten images, each twice.
    let labels: Vec<bool> = (0..20).map(|image| image < 8).collect();
    let scores: Vec<f64> = labels
        .iter()
        .map(|label| f64::from(u8::from(*label)))
        .collect();
    let groups: Vec<usize> = (0..20).map(|image| image / 2).collect();
    let options = SummaryOptions {
        replicates: 500,
        seed: 0,
    };
    let perfect = Summary::new(&labels, &scores, Some(&groups), 0.5, 0.95, options).unwrap();
    // Wilson's interval of 4 of 4 fractured and 6 of 6 unfractured images, 10 of 10 images.
    let wilson = |n: u64| osteon_metrics::wilson(n, n, 0.95).unwrap();
    assert_eq!(perfect.sensitivity, wilson(4));
    assert_eq!(perfect.specificity, wilson(6));
    assert_eq!(perfect.accuracy, wilson(10));
    assert_eq!(perfect.roc_auc, wilson(4));
    assert_eq!(perfect.kappa.high, Some(1.0));
    assert!((perfect.kappa.low.unwrap() - (2.0 * wilson(4).low.unwrap() - 1.0)).abs() < 1e-15);
    let brier = perfect.calibration.brier;
    assert_eq!((brier.value, brier.low), (Some(0.0), Some(0.0)));
    assert!((brier.high.unwrap() - (1.0 - wilson(10).low.unwrap())).abs() < 1e-15);
    assert_eq!(perfect.calibration.log_loss.low, None);
    assert!(perfect.log_loss.is_some());
    // One image alone: half of nothing is still said.
    let lonely = Summary::new(
        &[true, true],
        &[0.9, 0.2],
        Some(&[5, 5]),
        0.5,
        0.95,
        options,
    )
    .unwrap();
    assert_eq!(lonely.sensitivity.value, Some(0.5));
    assert!(lonely.sensitivity.high.unwrap() - lonely.sensitivity.low.unwrap() > 0.8);
    assert_eq!(lonely.specificity, Estimate::UNDEFINED);
}
