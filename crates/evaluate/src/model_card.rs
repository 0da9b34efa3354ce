//! The model card: what the header of a model file says, as a page that a person reads before using it. Nothing in it is typed by hand.

use std::fmt::Write;

use osteon_data::Fit;
use osteon_gate::{Class, FEATURES, Gate};
use osteon_metrics::{DetectionSummary, Estimate, Summary};
use osteon_model::{CalibrationMethod, FittedSource, ModelInfo, Subset};

use crate::words::{fitted_on, index, promises, where_fitted};

/// The model card as Markdown: what a model file says of itself, for who has to decide whether to use it. `parameters`: trainable numbers of its
/// network; `bytes`: how large its file is.
#[must_use]
pub fn model_card(info: &ModelInfo, parameters: u64, bytes: u64) -> String {
    let title = info
        .name
        .as_ref()
        .map_or(String::new(), |name| format!(": {name}"));
    let mut page = format!(
        "# Model card{title}\n\n<!-- Made by `osteon info --card` from the header of the model file. Not to be edited. -->\n\n"
    );
    page += "**Not a medical device: for research and teaching, never for a decision about a patient.** It tells images that show a fractured bone from those that do \
             not, and gives a score, the calibrated probability of a fracture.\n\n";
    page += &file_table(info, parameters, bytes);
    page += &use_and_data(info);
    page += &figures(info);
    page += &points(info);
    page += &doubt(info);
    page += &gate(info);
    page += &limits(info);
    page += &made(info);
    page
}

fn file_table(info: &ModelInfo, parameters: u64, bytes: u64) -> String {
    let pre = &info.preprocess;
    let fit = match pre.fit {
        Fit::Letterbox => "letterboxed",
        Fit::Stretch => "stretched",
        Fit::Crop => "cropped to the middle",
    };
    let calibration = match info.calibration.method {
        CalibrationMethod::None => "none: the sigmoid of the logit".to_owned(),
        CalibrationMethod::Isotonic => format!("isotonic, fitted on {}", fitted_on(info)),
        CalibrationMethod::Temperature | CalibrationMethod::Platt => format!(
            "sigmoid({:.4} · logit + {:.4}), fitted on {}",
            info.calibration.slope,
            info.calibration.intercept,
            fitted_on(info)
        ),
    };
    format!(
        "| | |\n|---|---|\n\
         | network | `{}`, {parameters} parameters |\n\
         | input | gray, {}×{} pixels, {fit} |\n\
         | score | {calibration} |\n\
         | file | {:.2} MiB, model format {} |\n\
         | SHA-256 of the weights | `{}` |\n\
         | written by | {} {} |\n\
         | licence | {} |\n\
         | attribution | {} |\n\n",
        info.architecture.name,
        pre.size,
        pre.size,
        bytes as f64 / f64::from(1 << 20),
        info.format_version,
        info.weights_sha256,
        info.program.name,
        info.program.version,
        stated(info.licence.as_deref()),
        stated(info.attribution.as_deref()),
    )
}

fn use_and_data(info: &ModelInfo) -> String {
    let data = &info.training_data;
    format!(
        "## Intended use\n\n\
         To study how such networks learn and fail; as the baseline that a better model has to beat; for trying the program out. It is made for plain radiographs of \
         the kind it was trained on, one image at a time.\n\n\
         Not for: diagnosis, triage or second reading of patients; images of children, of body regions or from machines that its data do not hold; \
         CT, MRI, photographs or drawings.\n\n\
         ## Data\n\n\
         | | images | fractured | fingerprint |\n|---|---|---|---|\n\
         | train | {} | {} | `{}` |\n\
         | val | {} | {} | `{}` |\n\n\
         The data set is `{}` ({}). {} {} The file holds a hash and a fingerprint of every image that it was trained or chosen on, copies included: `osteon evaluate` says when it is \
         asked about one.\n\n",
        data.train_images,
        data.train_fractured,
        short(&data.train_fingerprint),
        data.val_images,
        data.val_fractured,
        short(&data.val_fingerprint),
        data.name,
        stated(info.licence.as_deref()),
        info.attribution
            .as_ref()
            .map_or(String::new(), |whom| format!("{whom}.")),
        chosen(info),
    )
}

/// What epoch, calibration and thresholds were chosen on.
fn chosen(info: &ModelInfo) -> String {
    if let (true, Some(on)) = (info.training_data.val_apart, info.fitted_on) {
        return format!(
            "No epoch was chosen: the last one was kept. Calibration, operating points and promises were fitted on {on}, of models trained by the same recipe. Val was kept apart from all of it."
        );
    }
    match info.fitted_on {
        Some(on) if on.source == FittedSource::OutOfFold => format!(
            "The epoch was chosen on val; calibration, operating points and promises were fitted on {on}, of models trained by the same recipe."
        ),
        _ => "Epoch, calibration and thresholds were chosen on val and nowhere else.".to_owned(),
    }
}

fn figures(info: &ModelInfo) -> String {
    let mut text = "## How well it does\n\n".to_owned();
    match &info.metrics.val {
        Some(val) => {
            text += if info.training_data.val_apart {
                "On val, from which nothing was learned and on which nothing was chosen. In brackets: 95 % intervals.\n\n"
            } else {
                "On val, **where it was chosen: these figures flatter**. In brackets: 95 % intervals.\n\n"
            };
            text += &table(val);
        }
        None => text += "It was not judged on val.\n\n",
    }
    if let Some(found) = &info.metrics.boxes {
        text += &boxes(found);
    }
    if let Some(found) = &info.metrics.out_of_fold {
        text += "Out of fold, by models of the same recipe that had not seen the image, which calibration, operating points and promises were fitted to:\n\n";
        text += &table(found);
    }
    match &info.metrics.test {
        Some(test) => {
            text += "On test, which it was not chosen on:\n\n";
            text += &table(test);
        }
        None => text += "No figures on test are in the file.\n\n",
    }
    if info.metrics.subsets.is_empty() {
        text += "Figures by body region, view, sex or age are not in the file: that it does as well in each is not known. `osteon evaluate --annotations` gives those that \
                 a table of the images allows.\n\n";
    } else {
        text += &subsets(&info.metrics.subsets);
    }
    text
}

/// How well its boxes fit those that are known.
fn boxes(found: &DetectionSummary) -> String {
    let mut text = format!(
        "Where: around the hot places of its map it gives boxes, {} on these images, on which {} are known. A box is right where it and a known one share at least half of \
         what they cover together.\n\n| boxes | |\n|---|---|\n| AP50 | {} |\n| AP, the mean over overlaps of 0.5 to 0.95 | {} |\n",
        found.found,
        found.known,
        index(found.ap50),
        index(found.ap)
    );
    for point in &found.froc {
        let _ = writeln!(
            text,
            "| known boxes found with at most {} false boxes an image | {} |",
            point.false_boxes,
            percent(point.sensitivity)
        );
    }
    text + "\n"
}

/// Figures by source, region and view, and what is decided there.
fn subsets(found: &[Subset]) -> String {
    let mut text = "Out of fold, by what else is known of the images, and what would be decided of them by the thresholds below. Sources are never pooled: source and \
                    class hang together.\n\n\
                    | | images | fractured | ROC-AUC | average precision | called fractured | of them wrong | fractures called not fractured | left to a person |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    let share = |count: u64, of: u64| match of {
        0 => "–".to_owned(),
        of => format!("{:.0} %", 100.0 * count as f64 / of as f64),
    };
    for subset in found {
        let decided = subset.decisions.unwrap_or_default();
        let called = decided.found + decided.false_alarms;
        let _ = writeln!(
            text,
            "| {} {} | {} | {} | {} | {} | {called} ({} of the fractures) | {} | {} ({}) | {} |",
            subset.field,
            subset.value,
            subset.images,
            subset.fractured,
            index(subset.roc_auc),
            index(subset.average_precision),
            share(decided.found, subset.fractured),
            decided.false_alarms,
            decided.missed,
            share(decided.missed, subset.fractured),
            share(decided.doubt, subset.images),
        );
    }
    text + "\n"
}

fn table(found: &Summary) -> String {
    let mut text = format!(
        "| {} images, {} fractured | |\n|---|---|\n",
        found.images,
        found.confusion.tp + found.confusion.fn_
    );
    let mut row = |name: &str, value: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name} | {value} |");
    };
    row("ROC-AUC", index(found.roc_auc));
    row("average precision", index(found.average_precision));
    let at = |name: &str| format!("{name} at the threshold {:.3}", found.threshold);
    row(&at("sensitivity"), percent(found.sensitivity));
    row(&at("specificity"), percent(found.specificity));
    row(&at("precision"), percent(found.precision));
    row(
        "sensitivity at 90 % specificity",
        percent(found.sensitivity_at_90_specificity),
    );
    row("Brier score", index(found.calibration.brier));
    row("calibration error (ECE)", index(found.calibration.ece));
    text + "\n"
}

fn points(info: &ModelInfo) -> String {
    let mut text = "## Operating points\n\nThe first is used where none is asked for.\n\n\
                    | | threshold | sensitivity {0} | specificity {0} |\n|---|---|---|---|\n"
        .replace("{0}", where_fitted(info));
    let share = |value: Option<f64>| {
        value.map_or_else(|| "–".to_owned(), |v| format!("{:.1} %", v * 100.0))
    };
    for point in &info.operating_points {
        let _ = writeln!(
            text,
            "| {} | {:.4} | {} | {} |",
            point.name,
            point.threshold,
            share(point.sensitivity),
            share(point.specificity)
        );
    }
    text + "\n"
}

fn doubt(info: &ModelInfo) -> String {
    if let (Some(band), Some(made)) = (&info.doubt_band, &info.promises) {
        let [fractured, missed] = promises(made).map(|said| capitalised(&said));
        return format!(
            "## Doubt\n\nScores from {:.4} to {:.4} are left to a person. Made on {}; true for images like those, with as many fractures among them:\n\n\
             - {fractured}\n- {missed}\n\n",
            band.low,
            band.high,
            fitted_on(info)
        );
    }
    let said = match (&info.doubt_band, &info.doubt_refusal) {
        (Some(band), _) => {
            let promise = match (band.error, band.confidence) {
                (Some(error), Some(confidence)) => format!(
                    " Of the images that are decided, at most {:.0} % are decided wrongly; this holds with probability {:.0} % for images from where val came from.",
                    error * 100.0,
                    confidence * 100.0
                ),
                _ => String::new(),
            };
            format!(
                "Scores from {:.4} to {:.4} are left to a person.{promise}",
                band.low, band.high
            )
        }
        (None, Some(refusal)) => format!("There is no doubt band. {refusal}"),
        (None, None) => "There is no doubt band: every image is decided.".to_owned(),
    };
    format!("## Doubt\n\n{said}\n\n")
}

/// What is let through to the network at all, as measured when the gate was fitted.
fn gate(info: &ModelInfo) -> String {
    let Some(gate) = &info.gate else {
        return "## Input gate\n\nThere is none: whatever picture it is given, it judges.\n\n"
            .to_owned();
    };
    let count = |class| -> u64 { of_class(gate, class).map(|(_, n)| n).sum() };
    let others = count(Class::CrossSection) + count(Class::Other);
    let mut text = format!(
        "## Input gate\n\n\
         Before the network a gate looks at the picture: {} numbers (texture, gray levels, border, symmetry, shape, colour) and small networks on them, {} parameters. \
         Below an X-ray score of {:.3} the decision is `not_an_xray`. It flags slices of CT and MR scans (`cross_section`), radiographs of a region that the model did not learn from, such as \
         chest, skull and spine (`outside_training`), and what is drawn on an image in colour (`annotated`). It was fitted on {} radiographs of limbs, {} of other \
         regions, and {others} other pictures, drawn by the program or found; variations are counted. Sources and licences: docs/GATE.md.\n\n",
        FEATURES,
        gate.parameters(),
        gate.threshold,
        count(Class::Radiograph),
        count(Class::Outside),
    );
    if gate.measured.is_empty() {
        return text + "What it refuses was not measured.\n\n";
    }
    text += "Measured on pictures that it was not fitted on:\n\n| what | source | pictures | refused | flagged cross-section | outside training | annotated |\n|---|---|---|---|---|---|---|\n";
    for rate in &gate.measured {
        let share = 100.0 * rate.refused as f64 / rate.pictures.max(1) as f64;
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} ({share:.1} %) | {} | {} | {} |",
            rate.class.name().replace('_', " "),
            rate.source.replace('_', " "),
            rate.pictures,
            rate.refused,
            rate.cross_section,
            rate.outside_training,
            rate.annotated
        );
    }
    text + "\n"
}

fn of_class(gate: &Gate, class: Class) -> impl Iterator<Item = (&str, u64)> {
    let rows = gate.fitted.pictures.iter();
    rows.filter(move |(c, ..)| *c == class)
        .map(|(_, source, n)| (source.as_str(), *n))
}

fn limits(info: &ModelInfo) -> String {
    let fractured = info
        .metrics
        .val
        .as_ref()
        .map_or(0, |val| val.confusion.tp + val.confusion.fn_);
    let evidence = if info.training_data.val_apart {
        format!("Val has {fractured} fractured images: the intervals above are wide.")
    } else {
        format!(
            "It was chosen on {fractured} fractured images: the intervals above are wide, and the figures on other images are likely lower."
        )
    };
    let sources = info
        .metrics
        .subsets
        .iter()
        .filter(|part| part.field == "source")
        .count();
    let known = match sources {
        0 | 1 => "It knows one data set.".to_owned(),
        several => format!("It knows {several} data sets."),
    };
    let mut text = format!(
        "## Limits\n\n\
         - {evidence}\n\
         - {known} On images of other hospitals, machines and populations it may do much worse; this was not measured.\n\
         - Precision holds for the share of fractures among these images alone.\n\
         - It gives a score for the image as a whole. It knows of no earlier image, no other view and no complaint.\n"
    );
    if info.metrics.out_of_fold.is_some() {
        text += "- Where a data set names no patients, images of one person may lie in several folds: figures out of fold then flatter, and so does what is promised by them. The figures on val are the check.\n";
    }
    if info.architecture.map_cell().is_some() {
        text += "- Its map says what raised the score, not where all fractures are.\n";
    }
    text + "\n"
}

fn made(info: &ModelInfo) -> String {
    let data = &info.training_data;
    format!(
        "## How it was made\n\n\
         From {}, by `osteon train` (for the model that ships: `cargo xtask train-shipped`), seed {}; kept is epoch {} of the last \
         stage{}. The command `osteon info --json` prints the whole header.\n",
        data.begun_from
            .as_deref()
            .unwrap_or("random weights, without downloaded ones"),
        data.seed,
        data.epochs,
        data.averaged.map_or(String::new(), |models| format!(
            ", of {models} models whose weights are averaged"
        ))
    )
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn stated(text: Option<&str>) -> &str {
    text.unwrap_or("not stated")
}

/// The first digits of a fingerprint tell it from others.
fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

fn percent(e: Estimate) -> String {
    match (e.value, e.low, e.high) {
        (Some(v), Some(l), Some(h)) => {
            format!("{:.1} % ({:.1} to {:.1})", v * 100.0, l * 100.0, h * 100.0)
        }
        (Some(v), ..) => format!("{:.1} %", v * 100.0),
        (None, ..) => "–".to_owned(),
    }
}
