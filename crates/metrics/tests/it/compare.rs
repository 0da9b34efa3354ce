//! Two models on the same images, and isotonic calibration: against `tests/oracles/make_compare_oracles.py`, and laws.

use osteon_metrics::{
    Isotonic, McNemar, MetricsError, Pair, PairedAuc, delong_paired, mcnemar, paired_bootstrap,
    roc_auc,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::json;

const EXACT: f64 = 1e-12;

#[derive(Deserialize)]
struct Oracles {
    mcnemar: Vec<Table>,
    delong: Vec<Paired>,
    isotonic: Vec<Fit>,
    bootstrap: Bootstrap,
}

#[derive(Deserialize)]
struct Table {
    counts: [u64; 4],
    confidence: f64,
    exact: f64,
    mid_p: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Paired {
    name: String,
    labels: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
    found: Areas,
}

#[derive(Deserialize)]
struct Areas {
    a: f64,
    b: f64,
    z: Option<f64>,
    p: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
}

#[derive(Deserialize)]
struct Fit {
    name: String,
    labels: Vec<bool>,
    logits: Vec<f64>,
    at: Vec<f64>,
    scores: Vec<f64>,
    knots: usize,
}

#[derive(Deserialize)]
struct Bootstrap {
    labels: Vec<bool>,
    a: Vec<f64>,
    b: Vec<f64>,
    groups: Vec<usize>,
    by_group: (f64, f64),
    by_image: (f64, f64),
}

fn oracles() -> Oracles {
    serde_json::from_str(include_str!("../oracles/compare.json")).unwrap()
}

#[track_caller]
fn same(what: &str, found: Option<f64>, expected: Option<f64>) {
    let agree = match (found, expected) {
        (None, None) => true,
        (Some(a), Some(b)) => (a - b).abs() <= EXACT * b.abs().max(1.0),
        _ => false,
    };
    assert!(agree, "{what}: found {found:?}, expected {expected:?}");
}

fn area(labels: &[bool], scores: &[f64]) -> Option<f64> {
    roc_auc(labels, scores).unwrap()
}

#[test]
fn tables_of_decisions() {
    for row in oracles().mcnemar {
        let [both, only_a, only_b, neither] = row.counts;
        let found = McNemar::from_counts(both, only_a, only_b, neither, row.confidence).unwrap();
        let what = format!("{:?}", row.counts);
        same(&what, found.exact, Some(row.exact));
        same(&what, found.mid_p, Some(row.mid_p));
        same(&what, found.difference.low, Some(row.low));
        same(&what, found.difference.high, Some(row.high));
    }
}

#[test]
fn paired_areas() {
    let mut undefined = 0;
    for case in oracles().delong {
        let found = delong_paired(&case.labels, &case.a, &case.b, 0.95).unwrap();
        same(&case.name, found.a, Some(case.found.a));
        same(&case.name, found.b, Some(case.found.b));
        same(&case.name, found.z, case.found.z);
        same(&case.name, found.p, case.found.p);
        same(&case.name, found.difference.low, case.found.low);
        same(&case.name, found.difference.high, case.found.high);
        undefined += usize::from(found.p.is_none());
    }
    assert!(undefined > 0, "no case with models that rank alike");
}

#[test]
fn isotonic_fits() {
    for case in oracles().isotonic {
        let fit = Isotonic::fit(&case.labels, &case.logits).unwrap();
        for (at, expected) in case.at.iter().zip(&case.scores) {
            same(&case.name, Some(fit.score(*at)), Some(*expected));
        }
        assert!(fit.knots().len() <= case.knots, "{}", case.name);
    }
}

#[test]
fn an_isotonic_fit_is_read_back_checked() {
    let fit = Isotonic::fit(&[false, true, false, true], &[-1.0, 0.0, 1.0, 2.0]).unwrap();
    let value = serde_json::to_value(&fit).unwrap();
    assert_eq!(
        value,
        json!({"knots": [[-1.0, 0.0], [0.0, 0.5], [1.0, 0.5], [2.0, 1.0]]})
    );
    let back: Isotonic = serde_json::from_value(value).unwrap();
    assert_eq!(back, fit);
    for bad in [
        json!({"knots": []}),
        json!({"knots": [[0.0, 0.7], [1.0, 0.6]]}),
        json!({"knots": [[1.0, 0.7], [1.0, 0.8]]}),
        json!({"knots": [[0.0, 1.5]]}),
        json!({"knots": [[0.0, 0.5]], "y": 1}),
    ] {
        let read: Result<Isotonic, _> = serde_json::from_value(bad.clone());
        assert!(read.is_err(), "{bad}");
    }
}

#[test]
fn numpy_finds_the_same_paired_intervals() {
    let case = oracles().bootstrap;
    for (groups, (low, high)) in [
        (Some(case.groups.as_slice()), case.by_group),
        (None, case.by_image),
    ] {
        let pair = Pair {
            labels: &case.labels,
            a: &case.a,
            b: &case.b,
            groups,
        };
        let found = paired_bootstrap(&pair, 50_000, 0.95, 4, area).unwrap();
        // Three standard errors of 2.5 % quantiles of 50,000 replicates here and 100,000 there.
        assert!((found.low.unwrap() - low).abs() < 0.004, "{found:?} {low}");
        assert!(
            (found.high.unwrap() - high).abs() < 0.004,
            "{found:?} {high}"
        );
    }
    // Here images of a group are so alike that drawing them one by one would feign certainty.
    let width = |(low, high): (f64, f64)| high - low;
    assert!(width(case.by_group) > 1.2 * width(case.by_image));
}

#[test]
fn threads_and_group_numbers_change_nothing() {
    let case = oracles().bootstrap;
    let renumbered: Vec<usize> = case.groups.iter().map(|group| 1000 - 7 * group).collect();
    let run = |groups: Option<&[usize]>, threads: usize| {
        let pair = Pair {
            labels: &case.labels,
            a: &case.a,
            b: &case.b,
            groups,
        };
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| paired_bootstrap(&pair, 101, 0.95, 9, area).unwrap())
    };
    assert_eq!(run(None, 1), run(None, 5));
    assert_eq!(run(Some(&case.groups), 1), run(Some(&case.groups), 3));
    assert_eq!(run(Some(&case.groups), 2), run(Some(&renumbered), 2));
    assert_ne!(run(Some(&case.groups), 2).low, run(None, 2).low);
}

#[test]
fn bad_input_is_named() {
    let pair = |groups| Pair {
        labels: &[true, false],
        a: &[0.5, 0.1],
        b: &[0.4, f64::NAN],
        groups,
    };
    assert!(matches!(
        paired_bootstrap(&pair(None), 10, 0.95, 0, area),
        Err(MetricsError::NonFiniteScore { index: 1, .. })
    ));
    let groups = Pair {
        b: &[0.4, 0.3],
        ..pair(Some(&[1]))
    };
    assert_eq!(
        paired_bootstrap(&groups, 10, 0.95, 0, area),
        Err(MetricsError::GroupsMismatch {
            images: 2,
            groups: 1
        })
    );
    assert!(matches!(
        delong_paired(&[true], &[0.5], &[], 0.95),
        Err(MetricsError::LengthMismatch { .. })
    ));
    assert!(mcnemar(&[true], &[true], &[], 0.95).is_err());
    assert!(mcnemar(&[true], &[true], &[false], 1.0).is_err());
    assert!(Isotonic::fit(&[true, true], &[0.0, 1.0]).is_err());
}

/// Labels and two models' scores on a coarse grid, so ties are common.
fn images() -> impl Strategy<Value = (Vec<bool>, Vec<f64>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), 0..=16_u8, 0..=16_u8), 0..60).prop_map(|images| {
        let grid = |score: u8| f64::from(score) / 16.0;
        (
            images.iter().map(|image| image.0).collect(),
            images.iter().map(|image| grid(image.1)).collect(),
            images.iter().map(|image| grid(image.2)).collect(),
        )
    })
}

fn negated(found: Option<f64>) -> Option<f64> {
    found.map(|value| -value)
}

fn close(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() < EXACT,
        (None, None) => true,
        _ => false,
    }
}

proptest! {
    #[test]
    fn swapping_the_models_turns_the_difference_round((labels, a, b) in images(), seed in any::<u64>()) {
        let one = delong_paired(&labels, &a, &b, 0.9).unwrap();
        let other = delong_paired(&labels, &b, &a, 0.9).unwrap();
        prop_assert!(close(one.difference.value, negated(other.difference.value)));
        prop_assert!(close(one.difference.low, negated(other.difference.high)));
        prop_assert!(close(one.z, negated(other.z)) && close(one.p, other.p));

        let decide = |scores: &[f64]| scores.iter().map(|score| *score >= 0.5).collect::<Vec<_>>();
        let one = mcnemar(&labels, &decide(&a), &decide(&b), 0.9).unwrap();
        let other = mcnemar(&labels, &decide(&b), &decide(&a), 0.9).unwrap();
        for (one, other) in [
            (one.accuracy, other.accuracy),
            (one.sensitivity, other.sensitivity),
            (one.specificity, other.specificity),
        ] {
            prop_assert_eq!((one.exact, one.mid_p), (other.exact, other.mid_p));
            prop_assert!(close(one.difference.low, negated(other.difference.high)));
            prop_assert!(one.mid_p <= one.exact);
            prop_assert!(one.difference.low <= one.difference.value && one.difference.value <= one.difference.high);
        }
        prop_assert_eq!(one.accuracy.images, one.sensitivity.images + one.specificity.images);
        prop_assert_eq!(one.accuracy.only_a, one.sensitivity.only_a + one.specificity.only_a);

        let pair = Pair { labels: &labels, a: &a, b: &b, groups: None };
        let swapped = Pair { a: &b, b: &a, ..pair };
        let one = paired_bootstrap(&pair, 20, 0.9, seed, area).unwrap();
        let other = paired_bootstrap(&swapped, 20, 0.9, seed, area).unwrap();
        prop_assert!(close(one.low, negated(other.high)));
        prop_assert!(one.low <= one.high);
    }

    #[test]
    fn a_model_does_not_differ_from_itself((labels, a, _) in images()) {
        let PairedAuc { a: one, b: other, difference, z, p } = delong_paired(&labels, &a, &a, 0.95).unwrap();
        prop_assert_eq!(one, area(&labels, &a));
        prop_assert_eq!(other, one);
        prop_assert_eq!(difference.value, one.map(|_| 0.0));
        prop_assert_eq!((z, p, difference.low), (None, None, None));
        let pair = Pair { labels: &labels, a: &a, b: &a, groups: None };
        let found = paired_bootstrap(&pair, 10, 0.9, 0, area).unwrap();
        prop_assert!(close(found.low, found.value) && close(found.high, found.value));
    }

    #[test]
    fn only_ranks_matter((labels, a, b) in images()) {
        let mapped: Vec<f64> = b.iter().map(|score| (3.0 * score).exp() - 7.0).collect();
        let found = delong_paired(&labels, &a, &b, 0.95).unwrap();
        prop_assert_eq!(found.b, area(&labels, &b));
        prop_assert_eq!(found, delong_paired(&labels, &a, &mapped, 0.95).unwrap());
    }

    #[test]
    fn an_isotonic_fit_rises_and_is_its_own_fit((labels, a, _) in images(), at in prop::collection::vec(-1.0..2.0_f64, 2..20)) {
        let both = labels.contains(&true) && labels.contains(&false);
        prop_assume!(both);
        let fit = Isotonic::fit(&labels, &a).unwrap();
        let mut at = at;
        at.sort_by(f64::total_cmp);
        prop_assert!(at.windows(2).all(|pair| fit.score(pair[0]) <= fit.score(pair[1])));
        prop_assert!(at.iter().all(|logit| (0.0..=1.0).contains(&fit.score(*logit))));
        // The mean score is the prevalence, and fitting to the scores changes nothing.
        let scores: Vec<f64> = a.iter().map(|logit| fit.score(*logit)).collect();
        let positives = labels.iter().filter(|label| **label).count() as f64;
        prop_assert!((scores.iter().sum::<f64>() - positives).abs() < 1e-9);
        let again = Isotonic::fit(&labels, &scores).unwrap();
        prop_assert!(scores.iter().all(|score| (again.score(*score) - score).abs() < EXACT));
        // Those of one score stay together, and none of the ranking is turned round.
        prop_assert!(area(&labels, &scores) >= area(&labels, &a).map(|area| area - EXACT));
    }
}
