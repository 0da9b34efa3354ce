//! What must hold for every input.

use osteon_metrics::{
    Confusion, MetricsError, Platt, Summary, SummaryOptions, average_precision, clopper_pearson,
    delong, ece_equal_mass, for_sensitivity, for_specificity, grouped, partial_auc, pr_curve,
    reliability_equal_mass, roc_auc, roc_curve, sensitivity_at_specificity,
    specificity_at_sensitivity, stratified, wilson, youden,
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
        prop_assert_eq!(counts.kappa(), flipped.kappa());
        prop_assert!(close(counts.mcc(), flipped.mcc()));
        // Calling everything the other way turns the correlation round, but kappa only in its sign.
        let opposite = Confusion::from_decisions(&labels, &flip(&decisions)).unwrap();
        prop_assert!(close(opposite.mcc(), counts.mcc().map(|mcc| -mcc)));
        if let (Some(kappa), Some(other)) = (counts.kappa(), opposite.kappa()) {
            prop_assert!(kappa * other <= 0.0);
        }
        // Kappa is the smaller in size: its mean of margins is arithmetic, theirs geometric.
        if let (Some(kappa), Some(mcc)) = (counts.kappa(), counts.mcc()) {
            prop_assert!(kappa.abs() <= mcc.abs() + 1e-12 && mcc.abs() <= 1.0);
        }
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
        prop_assert_eq!(partial_auc(&labels, &scores, 0.1).unwrap(), partial_auc(&labels, &mapped, 0.1).unwrap());
        prop_assert_eq!(
            sensitivity_at_specificity(&labels, &scores, 0.9).unwrap(),
            sensitivity_at_specificity(&labels, &mapped, 0.9).unwrap()
        );
        prop_assert_eq!(
            specificity_at_sensitivity(&labels, &scores, 0.9).unwrap(),
            specificity_at_sensitivity(&labels, &mapped, 0.9).unwrap()
        );
    }

    #[test]
    fn a_partial_area_is_part_of_the_area((labels, scores) in data(), max_fpr in 0.01..1.0_f64) {
        prop_assert!(close(partial_auc(&labels, &scores, 1.0).unwrap(), roc_auc(&labels, &scores).unwrap()));
        if let Some(part) = partial_auc(&labels, &scores, max_fpr).unwrap() {
            prop_assert!((0.0..=1.0).contains(&part));
            prop_assert!(part >= (1.0 - max_fpr) / (2.0 - max_fpr) - 1e-12);
            // Undo the standardisation: areas up to a limit grow with the limit, by at most its growth.
            let area = |part: f64, limit: f64| {
                let chance = limit * limit / 2.0;
                (2.0 * part - 1.0) * (limit - chance) + chance
            };
            let (below, whole) = (area(part, max_fpr), area(roc_auc(&labels, &scores).unwrap().unwrap(), 1.0));
            prop_assert!(below <= whole + 1e-12 && whole <= below + (1.0 - max_fpr) + 1e-12);
        }
    }

    #[test]
    fn bins_of_equal_mass_divide_the_images((labels, scores) in data(), bins in 1..20_usize) {
        let found = reliability_equal_mass(&labels, &scores, bins).unwrap();
        prop_assert!(found.len() <= bins);
        prop_assert_eq!(found.iter().map(|bin| bin.count).sum::<u64>(), labels.len() as u64);
        for bin in &found {
            prop_assert!(bin.count > 0 && bin.low <= bin.high);
            let inside = scores.iter().filter(|score| (bin.low..=bin.high).contains(score)).count();
            prop_assert_eq!(inside as u64, bin.count);
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].high < pair[1].low));
        // No bin holds more than its mass and the two ties at its ends.
        let most = scores.iter().map(|score| scores.iter().filter(|other| other.to_bits() == score.to_bits()).count()).max().unwrap_or(0);
        for bin in &found {
            prop_assert!(bin.count as f64 <= labels.len() as f64 / bins as f64 + most as f64);
        }
        if let Some(error) = ece_equal_mass(&labels, &scores, bins).unwrap() {
            // Bins average misses away: no division sees more than the mean score's miss in each image, nor less than in all.
            let n = labels.len() as f64;
            let misses = || labels.iter().zip(&scores).map(|(label, score)| score - f64::from(u8::from(*label)));
            prop_assert!(error >= (misses().sum::<f64>() / n).abs() - 1e-12);
            prop_assert!(error <= misses().map(f64::abs).sum::<f64>() / n + 1e-12);
        }
    }

    #[test]
    fn the_exact_interval_encloses_the_point(
        (successes, trials) in (0..5000_u64).prop_flat_map(|trials| (0..=trials, Just(trials))),
        confidence in 0.001..0.999_f64,
    ) {
        let found = clopper_pearson(successes, trials, confidence).unwrap();
        if trials == 0 {
            prop_assert_eq!(found.value, None);
        } else {
            let (low, value, high) = (found.low.unwrap(), found.value.unwrap(), found.high.unwrap());
            prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
            let mirrored = clopper_pearson(trials - successes, trials, confidence).unwrap();
            prop_assert!(close(mirrored.low, Some(1.0 - high)));
            let wider = clopper_pearson(successes, trials, f64::midpoint(confidence, 1.0)).unwrap();
            prop_assert!(wider.low.unwrap() <= low && wider.high.unwrap() >= high);
        }
    }

    #[test]
    fn a_group_is_drawn_whole((labels, scores) in data(), size in 1..6_usize, seed in any::<u64>()) {
        let groups: Vec<usize> = (0..labels.len()).map(|image| 7 * (image / size)).collect();
        // Each replicate is made of whole groups: its length is a sum of as many group sizes as there are groups.
        let count = labels.len().div_ceil(size);
        let (least, most) = (labels.len() - (count.max(1) - 1) * size.min(labels.len()), size);
        let lengths = grouped(&labels, &scores, &groups, 20, 0.9, seed, |labels, _| {
            Some(labels.len() as f64)
        }).unwrap();
        prop_assert!(lengths.low.unwrap() >= (count * least.min(most)) as f64 - 1e-9);
        prop_assert!(lengths.high.unwrap() <= (count * most) as f64 + 1e-9);
        // Names of groups mean nothing.
        let renamed: Vec<usize> = groups.iter().map(|group| usize::MAX - group).collect();
        let area = |groups: &[usize]| grouped(&labels, &scores, groups, 20, 0.9, seed, |labels, scores| {
            roc_auc(labels, scores).unwrap()
        }).unwrap();
        prop_assert_eq!(area(&groups), area(&renamed));
    }

    #[test]
    fn single_images_are_no_groups((labels, scores) in data(), seed in any::<u64>()) {
        let options = SummaryOptions { replicates: 20, seed };
        let alone: Vec<usize> = (0..labels.len()).collect();
        prop_assert_eq!(
            Summary::new(&labels, &scores, Some(&alone), 0.5, 0.9, options).unwrap(),
            Summary::new(&labels, &scores, None, 0.5, 0.9, options).unwrap()
        );
    }

    #[test]
    fn the_order_of_images_means_nothing((labels, scores) in data(), seed in any::<u64>(), turn in 0..60_usize) {
        let options = SummaryOptions { replicates: 20, seed };
        let turn = turn.min(labels.len());
        let (mut turned_labels, mut turned_scores) = (labels.clone(), scores.clone());
        turned_labels.rotate_left(turn);
        turned_scores.rotate_left(turn);
        let summary = Summary::new(&labels, &scores, None, 0.5, 0.9, options).unwrap();
        let turned = Summary::new(&turned_labels, &turned_scores, None, 0.5, 0.9, options).unwrap();
        // Scores are sixteenths: their sum is exact in any order.
        prop_assert_eq!(summary, turned);
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
        let groups: Vec<usize> = (0..labels.len()).map(|image| image / 2).collect();
        for groups in [None, Some(&groups[..])] {
            let options = SummaryOptions { replicates: 20, seed };
            let summary = Summary::new(&labels, &scores, groups, 0.5, 0.9, options).unwrap();
            for figure in [
                summary.f1, summary.average_precision, summary.roc_auc, summary.accuracy, summary.sensitivity,
                summary.balanced_accuracy, summary.partial_auc, summary.sensitivity_at_90_specificity,
                summary.specificity_at_90_sensitivity, summary.calibration.brier, summary.calibration.ece,
                summary.calibration.ece_equal_mass,
            ] {
                prop_assert!(figure.low <= figure.high);
                if let (Some(low), Some(high)) = (figure.low, figure.high) {
                    prop_assert!(low >= 0.0 && high <= 1.0 && figure.value.is_some());
                }
                // With groups every figure has an interval with some width, but where it is undefined.
                prop_assert!(groups.is_none() || labels.len() < 2 || figure.value.is_none() || figure.low < figure.high);
            }
            for figure in [summary.kappa, summary.mcc] {
                prop_assert!(figure.low <= figure.high);
                prop_assert!(figure.low.is_none_or(|low| low >= -1.0) && figure.high.is_none_or(|high| high <= 1.0));
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
            prop_assert_eq!(specificity_at_sensitivity(&labels, &scores, target).unwrap(), Some(sensitive.specificity));
            prop_assert_eq!(sensitivity_at_specificity(&labels, &scores, target).unwrap(), Some(specific.sensitivity));
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
            partial_auc(&labels, &scores, 0.1).err(),
            ece_equal_mass(&labels, &scores, 10).err(),
            grouped(&labels, &scores, &vec![0; scores.len()], 5, 0.95, 0, |_, _| None).err(),
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
