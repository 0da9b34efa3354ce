//! `osteon info`.

use std::fmt::Write;

use osteon_evaluate::model_card;
use osteon_evaluate::words::{fitted_on, promises, where_fitted};
use osteon_model::{CalibrationMethod, Device, ModelInfo, OperatingPoint, TrainingData};

use crate::args::InfoArgs;
use crate::chosen::Chosen;
use crate::exit::Ending;
use crate::output;

pub fn run(args: &InfoArgs) -> anyhow::Result<Ending> {
    let chosen = Chosen::new(args.model.as_deref());
    if args.card {
        let predictor = chosen.open(Device::Cpu)?;
        let card = model_card(predictor.info(), predictor.parameters(), chosen.bytes()?);
        output::text(&card)?;
        return Ok(Ending::Done);
    }
    let info = chosen.info()?;
    if args.json {
        output::json(&info)?;
    } else {
        output::line(&text(&info))?;
    }
    Ok(Ending::Done)
}

fn text(info: &ModelInfo) -> String {
    let pre = &info.preprocess;
    let fit = match pre.fit {
        osteon_data::Fit::Letterbox => "letterboxed",
        osteon_data::Fit::Stretch => "stretched",
        osteon_data::Fit::Crop => "cropped to the middle",
    };
    let mut text = format!(
        "\
{}architecture   {}
input          {}×{} pixels, {fit}, (v/255 − {}) / {}
calibration    {}
{}
written by     {} {}, format {}",
        info.name
            .as_ref()
            .map_or(String::new(), |name| format!("model          {name}\n")),
        info.architecture.name,
        pre.size,
        pre.size,
        pre.mean,
        pre.std,
        calibration(info),
        origin(&info.training_data),
        info.program.name,
        info.program.version,
        info.format_version,
    );
    for OperatingPoint {
        name,
        threshold,
        sensitivity,
        specificity,
    } in &info.operating_points
    {
        let percent =
            |v: &Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{:.1} %", v * 100.0));
        let (sensitivity, specificity) = (percent(sensitivity), percent(specificity));
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\nthreshold      {threshold:.3} ({name}): sensitivity {sensitivity}, specificity {specificity} {}",
            where_fitted(info)
        );
    }
    text += &doubt(info);
    text += &info.gate.as_ref().map_or_else(
        || "\ninput gate     none: every picture is judged".to_owned(),
        |gate| {
            format!(
                "\ninput gate     refuses below an X-ray score of {:.3}",
                gate.threshold
            )
        },
    );
    let stated = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    let _ = write!(
        text,
        "\nlicence        {}\nattribution    {}",
        stated(&info.licence),
        stated(&info.attribution)
    );
    for (split, figures) in [("val", &info.metrics.val), ("test", &info.metrics.test)] {
        if let Some(figures) = figures {
            let _ = write!(text, "\n\non {split}:\n\n{}", output::summary(figures));
        }
    }
    text
}

fn calibration(info: &ModelInfo) -> String {
    match info.calibration.method {
        CalibrationMethod::None => "none: score = sigmoid(logit)".to_owned(),
        CalibrationMethod::Isotonic => format!("isotonic, fitted on {}", fitted_on(info)),
        CalibrationMethod::Temperature | CalibrationMethod::Platt => format!(
            "score = sigmoid({:.4} · logit + {:.4}), fitted on {}",
            info.calibration.slope,
            info.calibration.intercept,
            fitted_on(info)
        ),
    }
}

/// What the weights were fitted and chosen on; of imported ones nothing is known.
fn origin(data: &TrainingData) -> String {
    if data.train_images == 0 {
        return "trained on     not known: the weights were imported".to_owned();
    }
    format!(
        "\
trained on     {}: {} images, {} fractured; {} epochs, seed {}
chosen on      {} images, {} fractured",
        data.name,
        data.train_images,
        data.train_fractured,
        data.epochs,
        data.seed,
        data.val_images,
        data.val_fractured,
    )
}

/// The doubt band with what it promises, or why there is none.
fn doubt(info: &ModelInfo) -> String {
    if let (Some(band), Some(made)) = (info.doubt_band, &info.promises) {
        let [fractured, missed] = promises(made);
        return format!(
            "\ndoubt band     {:.3} to {:.3}\n               {fractured}\n               {missed}",
            band.low, band.high
        );
    }
    match (info.doubt_band, &info.doubt_refusal) {
        (Some(band), _) => {
            let promise = match (band.error, band.confidence) {
                (Some(error), Some(confidence)) => format!(
                    ": of the images decided, at most {:.1} % wrong, with probability {:.0} %",
                    error * 100.0,
                    confidence * 100.0
                ),
                _ => ", without a promise".to_owned(),
            };
            format!(
                "\ndoubt band     {:.3} to {:.3}{promise}",
                band.low, band.high
            )
        }
        (None, Some(refusal)) => format!("\ndoubt band     none: {refusal}"),
        (None, None) => "\ndoubt band     none was asked for".to_owned(),
    }
}
