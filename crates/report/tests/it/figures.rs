//! What stands in the figures.

use osteon_report::{EpochPoint, LrPoint, learning_curves, lr_finder};

use crate::svg::{Drawn, read};

const TRAIN: &str = "#0072B2";
const AUC: &str = "#009E73";

fn epochs(count: u64) -> Vec<EpochPoint> {
    (1..=count)
        .map(|epoch| {
            let t = epoch as f64;
            EpochPoint {
                epoch,
                train_loss: Some(0.7 / t.sqrt()),
                val_loss: Some(0.7 / t.sqrt() + 0.002 * t),
                val_roc_auc: Some(1.0 - 0.5 / t),
                val_sensitivity: Some(0.5 + 0.4 * (t * 1.7).sin().abs()),
                val_specificity: Some(0.9 - 0.3 * (t * 2.3).cos().abs()),
                lr: Some(1e-3 * (1.0 - t / (count as f64 + 1.0))),
                best: epoch == count.div_ceil(2),
            }
        })
        .collect()
}

fn texts(svg: &str) -> Vec<String> {
    let texts = read(svg).into_iter().filter_map(|drawn| match drawn {
        Drawn::Text { text, .. } => Some(text),
        _ => None,
    });
    texts.collect()
}

/// Vertices of all lines in a colour, but for the swatch in the heading.
fn vertices(svg: &str, wanted: &str) -> usize {
    let lines = read(svg).into_iter().filter_map(|drawn| match drawn {
        Drawn::Line { color, points } if color == wanted => Some(points.len()),
        _ => None,
    });
    lines.sum::<usize>() - 2
}

fn lr_points() -> Vec<LrPoint> {
    (0..100)
        .map(|n| {
            let lr = 1e-7 * 10f64.powf(f64::from(n) * 0.07);
            let loss = 0.7 - 0.3 / (1.0 + (3e-3 / lr).powi(2)) + (lr / 0.05).powi(3);
            LrPoint {
                lr,
                loss: Some(loss + 0.02 * f64::from(n % 3)),
                smoothed: Some(loss),
            }
        })
        .collect()
}

#[test]
fn every_epoch_is_drawn_and_the_best_is_named() {
    let svg = learning_curves(&epochs(40));
    assert_eq!((vertices(&svg, TRAIN), vertices(&svg, AUC)), (40, 40));
    let texts = texts(&svg);
    for text in [
        "Loss",
        "train",
        "val",
        "ROC-AUC",
        "best: epoch 20",
        "AUC 0.975 at the best epoch",
        "epoch",
    ] {
        assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
    }
    assert!(svg.contains("<title>Learning curves of 40 epochs; the best was epoch 20</title>"));
}

/// Of any number of epochs: nothing leaves the picture, no two texts lie over each other.
#[test]
fn texts_keep_apart_and_lines_stay_inside() {
    let mut all = vec![lr_finder(&lr_points(), Some(1e-3)), lr_finder(&[], None)];
    all.extend(
        [0, 1, 2, 3, 7, 12, 13, 29, 30, 99, 100, 300, 5000].map(|n| learning_curves(&epochs(n))),
    );
    for svg in all {
        let mut boxes: Vec<(String, [f64; 4])> = Vec::new();
        for drawn in read(&svg) {
            match drawn {
                Drawn::Line { points, .. } => {
                    for (x, y) in points {
                        assert!(
                            (0.0..=900.0).contains(&x) && (0.0..=690.0).contains(&y),
                            "{x},{y}"
                        );
                    }
                }
                Drawn::Circle { at: (x, y), .. } => {
                    assert!(
                        (60.0..=900.0).contains(&x) && (0.0..=690.0).contains(&y),
                        "{x},{y}"
                    );
                }
                Drawn::Text {
                    text,
                    at: (x, y),
                    anchor,
                } => {
                    let wide = text.chars().count() as f64 * 7.0;
                    let left = match anchor.as_str() {
                        "middle" => x - wide / 2.0,
                        "end" => x - wide,
                        _ => x,
                    };
                    assert!(left >= 0.0 && left + wide <= 900.0, "{text} at {left}");
                    // The base line is somewhere in the twelve pixels below y.
                    boxes.push((text, [left, left + wide, y - 6.0, y + 6.0]));
                }
            }
        }
        for (n, (text, a)) in boxes.iter().enumerate() {
            for (other, b) in &boxes[n + 1..] {
                let apart = a[1] <= b[0] || b[1] <= a[0] || a[3] <= b[2] || b[3] <= a[2];
                assert!(apart, "{text:?} {a:?} lies over {other:?} {b:?}");
            }
        }
    }
}

#[test]
fn what_is_undefined_or_no_number_is_not_drawn() {
    let mut epochs = epochs(20);
    for epoch in &mut epochs {
        epoch.val_roc_auc = None;
    }
    epochs[4].train_loss = Some(f64::NAN);
    epochs[9].train_loss = Some(f64::INFINITY);
    epochs[10].train_loss = None;
    epochs[0].lr = Some(f64::NAN);
    let svg = learning_curves(&epochs);
    assert!(!svg.contains("NaN") && !svg.contains("inf"));
    assert_eq!((vertices(&svg, TRAIN), vertices(&svg, AUC)), (17, 0));
    assert!(!texts(&svg).iter().any(|t| t.starts_with("AUC ")));
    // The one defined epoch between two gaps is a dot.
    let mut gaps = self::epochs(20);
    (gaps[4].train_loss, gaps[6].train_loss) = (None, None);
    let dots = read(&learning_curves(&gaps))
        .into_iter()
        .filter(|drawn| matches!(drawn, Drawn::Circle { color, .. } if color == TRAIN));
    assert_eq!(dots.count(), 1);
}

#[test]
fn a_single_epoch_is_dots() {
    let svg = learning_curves(&epochs(1));
    let circles = read(&svg)
        .into_iter()
        .filter(|drawn| matches!(drawn, Drawn::Circle { .. }));
    // Two losses, three figures, a learning rate, and the ring of three.
    assert_eq!(circles.count(), 9);
}

#[test]
fn losses_far_apart_are_drawn_on_a_logarithmic_axis() {
    let mut epochs = epochs(20);
    epochs[1].val_loss = Some(90.0);
    let texts = texts(&learning_curves(&epochs));
    assert!(texts.contains(&"Loss (log)".to_owned()), "{texts:?}");
    assert!(texts.contains(&"10".to_owned()), "{texts:?}");
}

#[test]
fn the_finder_marks_what_it_suggests_and_cuts_off_what_runs_away() {
    let svg = lr_finder(&lr_points(), Some(1e-3));
    let texts = texts(&svg);
    for text in ["suggested: 1e-3", "1e-6", "learning rate", "smoothed"] {
        assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
    }
    let ring = read(&svg).into_iter().rev().find_map(|drawn| match drawn {
        Drawn::Circle { at, .. } => Some(at),
        _ => None,
    });
    let (x, y) = ring.expect("a ring");
    assert!((300.0..800.0).contains(&x) && (34.0..376.0).contains(&y));
    let none = lr_finder(&lr_points(), None);
    assert!(
        self::texts(&none)
            .iter()
            .any(|t| t.starts_with("no learning rate to suggest"))
    );
}
