//! What must hold for every input.

use osteon_metrics::{
    Confusion, MetricsError, Platt, Summary, SummaryOptions, average_precision, delong,
    for_sensitivity, for_specificity, pr_curve, roc_auc, roc_curve, stratified, wilson, youden,
};
use proptest::prelude::*;

/// Labels and scores in [0, 1] on a coarse grid, so ties are common; 0 and 1 occur.
fn data() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), 0..=16_u8), 0..60).prop_map(|images| {
        images
            .into_iter()
            .map(|(label, score)| (label, f64::from(score) / 16.0))
            .unzip()
    })
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-12,
        (None, None) => true,
        _ => false,
    }
}

proptest! {
    #[test]
    fn counts_sum_to_the_images((labels, scores) in data(), threshold in 0.0..1.0_f64) {
        let counts = Confusion::at_threshold(&labels, &scores, threshold).unwrap();
        prop_assert_eq!(counts.total(), labels.len() as u64);
        prop_assert_eq!(counts.positives() as usize, labels.iter().filter(|label| **label).count());
        prop_assert_eq!(counts.tp + counts.fn_ + counts.fp + counts.tn, counts.total());
    }

    #[test]
    fn flipping_the_problem_swaps_the_recalls((labels, scores) in data(), threshold in 0.0..1.0_f64) {
        let decisions: Vec<bool> = scores.iter().map(|score| *score >= threshold).collect();
        let flip = |flags: &[bool]| flags.iter().map(|flag| !flag).collect::<Vec<_>>();
        let counts = Confusion::from_decisions(&labels, &decisions).unwrap();
        let flipped = Confusion::from_decisions(&flip(&labels), &flip(&decisions)).unwrap();
        prop_assert_eq!(counts.sensitivity(), flipped.specificity());
        prop_assert_eq!(counts.specificity(), flipped.sensitivity());
        prop_assert_eq!(counts.precision(), flipped.npv());
        prop_assert_eq!(counts.accuracy(), flipped.accuracy());
    }

    #[test]
    fn ranks_are_all_that_matters((labels, scores) in data()) {
        let mapped: Vec<f64> = scores.iter().map(|score| (3.0 * score).exp() - 7.0).collect();
        prop_assert_eq!(roc_auc(&labels, &scores).unwrap(), roc_auc(&labels, &mapped).unwrap());
        prop_assert_eq!(delong(&labels, &scores, 0.95).unwrap(), delong(&labels, &mapped, 0.95).unwrap());
        prop_assert_eq!(
            average_precision(&labels, &scores).unwrap(),
            average_precision(&labels, &mapped).unwrap()
        );
    }

    #[test]
    fn negated_scores_have_the_other_area((labels, scores) in data()) {
        let negated: Vec<f64> = scores.iter().map(|score| -score).collect();
        let area = roc_auc(&labels, &scores).unwrap();
        prop_assert!(close(roc_auc(&labels, &negated).unwrap(), area.map(|area| 1.0 - area)));
        // DeLong's interval turns with it.
        let (one, other) = (delong(&labels, &scores, 0.9).unwrap(), delong(&labels, &negated, 0.9).unwrap());
        prop_assert!(close(one.low, other.high.map(|high| 1.0 - high)));
    }

    #[test]
    fn the_area_is_under_the_curve((labels, scores) in data()) {
        let curve = roc_curve(&labels, &scores).unwrap();
        let under: f64 = curve
            .windows(2)
            .map(|step| {
                (step[1].false_positive_rate - step[0].false_positive_rate)
                    * f64::midpoint(step[1].true_positive_rate, step[0].true_positive_rate)
            })
            .sum();
        prop_assert!(close(roc_auc(&labels, &scores).unwrap(), (!curve.is_empty()).then_some(under)));
        let steps = pr_curve(&labels, &scores).unwrap();
        let mut recall = 0.0;
        let mut average = 0.0;
        for step in &steps {
            average += (step.recall - recall) * step.precision;
            recall = step.recall;
        }
        prop_assert!(close(average_precision(&labels, &scores).unwrap(), (!steps.is_empty()).then_some(average)));
    }

    #[test]
    fn wilson_encloses_the_point(
        (successes, trials) in (0..5000_u64).prop_flat_map(|trials| (0..=trials, Just(trials))),
        confidence in 0.001..0.999_f64,
    ) {
        let found = wilson(successes, trials, confidence).unwrap();
        if trials == 0 {
            prop_assert_eq!(found.value, None);
        } else {
            let (low, value, high) = (found.low.unwrap(), found.value.unwrap(), found.high.unwrap());
            prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
        }
    }

    #[test]
    fn intervals_are_ordered((labels, scores) in data(), seed in any::<u64>()) {
        let area = stratified(&labels, &scores, 30, 0.9, seed, |labels, scores| {
            roc_auc(labels, scores).unwrap()
        }).unwrap();
        prop_assert!(area.low <= area.high);
        let summary = Summary::new(&labels, &scores, 0.5, 0.9, SummaryOptions { replicates: 20, seed }).unwrap();
        for figure in [summary.f1, summary.average_precision, summary.roc_auc, summary.accuracy] {
            prop_assert!(figure.low <= figure.high);
            if let (Some(low), Some(high)) = (figure.low, figure.high) {
                prop_assert!(low >= 0.0 && high <= 1.0);
            }
        }
    }

    #[test]
    fn an_operating_point_does_what_it_says((labels, scores) in data(), target in 0.0..=1.0_f64, nudge in -0.02..0.02_f64) {
        let points = [
            youden(&labels, &scores).unwrap(),
            for_sensitivity(&labels, &scores, target).unwrap(),
            for_specificity(&labels, &scores, target).unwrap(),
        ];
        let both = labels.contains(&true) && labels.contains(&false);
        prop_assert!(points.iter().all(|point| point.is_some() == both));
        for point in points.into_iter().flatten() {
            // Distinct scores are 1/16 apart: a smaller nudge does not move an inner point.
            let inner = point.threshold > 0.03 && point.threshold < 0.97;
            let threshold = if inner { point.threshold + nudge } else { point.threshold };
            let counts = Confusion::at_threshold(&labels, &scores, threshold).unwrap();
            prop_assert_eq!(counts.sensitivity(), Some(point.sensitivity));
            prop_assert_eq!(counts.specificity(), Some(point.specificity));
        }
        if let (Some(best), Some(sensitive), Some(specific)) = (points[0], points[1], points[2]) {
            prop_assert!(sensitive.sensitivity >= target);
            prop_assert!(specific.specificity >= target);
            // Every distinct cut, tried one by one.
            for threshold in (0..=17).map(|step| f64::from(step) / 16.0) {
                let counts = Confusion::at_threshold(&labels, &scores, threshold).unwrap();
                let (sensitivity, specificity) = (counts.sensitivity().unwrap(), counts.specificity().unwrap());
                prop_assert!(best.sensitivity + best.specificity >= sensitivity + specificity - 1e-12);
                prop_assert!(sensitivity < target || specificity <= sensitive.specificity);
                prop_assert!(specificity < target || sensitivity <= specific.sensitivity);
            }
        }
    }

    #[test]
    fn a_calibration_keeps_the_ranking(
        images in prop::collection::vec((any::<bool>(), -20.0..20.0_f64), 2..40)
    ) {
        let (labels, logits): (Vec<bool>, Vec<f64>) = images.into_iter().unzip();
        let both = labels.contains(&true) && labels.contains(&false);
        for fit in [Platt::fit(&labels, &logits), Platt::fit_temperature(&labels, &logits)] {
            if both {
                let fit = fit.unwrap();
                prop_assert!(fit.slope > 0.0 && fit.slope.is_finite() && fit.intercept.is_finite());
                prop_assert!(fit.score(-1.0) < fit.score(1.0) || fit.slope > 30.0);
            } else {
                let refused = matches!(fit, Err(MetricsError::OneClass { .. }));
                prop_assert!(refused);
            }
        }
    }

    #[test]
    fn a_bad_score_is_refused_with_its_place((labels, mut scores) in data(), place in any::<prop::sample::Index>()) {
        prop_assume!(!scores.is_empty());
        let index = place.index(scores.len());
        scores[index] = f64::NAN;
        let errors = [
            Confusion::at_threshold(&labels, &scores, 0.5).err(),
            roc_auc(&labels, &scores).err(),
            average_precision(&labels, &scores).err(),
            osteon_metrics::brier(&labels, &scores).err(),
            youden(&labels, &scores).err(),
            Platt::fit(&labels, &scores).err(),
            stratified(&labels, &scores, 5, 0.95, 0, |_, _| None).err(),
        ];
        for error in errors {
            let named = matches!(error, Some(MetricsError::NonFiniteScore { index: found, .. }) if found == index);
            prop_assert!(named, "{:?}", error);
        }
    }
}
