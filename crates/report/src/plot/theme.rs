//! A figure by plotters in the colours of the page.

use plotters::style::RGBColor;

use crate::panel::{BACKGROUND, BLUE, FAINT, GREEN, GRID, INK, PURPLE, SKY, VERMILLION};

/// What each fixed colour is in the page's stylesheet.
const VARIABLES: [(RGBColor, &str); 9] = [
    (BACKGROUND, "var(--card)"),
    (INK, "var(--ink)"),
    (FAINT, "var(--soft)"),
    (GRID, "var(--line)"),
    (BLUE, "var(--blue)"),
    (VERMILLION, "var(--vermillion)"),
    (GREEN, "var(--green)"),
    (PURPLE, "var(--purple)"),
    (SKY, "var(--sky)"),
];

/// The figure with variables in place of its colours, for use within a page.
pub(crate) fn themed(svg: &str) -> String {
    // Within HTML the namespace goes without saying.
    let mut svg = svg.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    for (RGBColor(r, g, b), variable) in VARIABLES {
        svg = svg.replace(
            &format!("\"#{r:02X}{g:02X}{b:02X}\""),
            &format!("\"{variable}\""),
        );
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EpochPoint, learning_curves};

    #[test]
    fn no_fixed_colour_is_left() {
        let epochs: Vec<EpochPoint> = (1..=5)
            .map(|epoch| EpochPoint {
                epoch,
                train_loss: Some(0.5),
                val_loss: Some(0.6),
                val_roc_auc: Some(0.8),
                val_sensitivity: Some(0.7),
                val_specificity: Some(0.9),
                lr: Some(1e-3),
                best: epoch == 3,
            })
            .collect();
        let svg = themed(&learning_curves(&epochs));
        assert!(!svg.contains("\"#") && !svg.contains("http"), "{svg}");
        assert!(svg.contains("var(--ink)") && svg.contains("var(--blue)"));
    }
}
