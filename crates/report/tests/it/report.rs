//! The report as a page.

use std::collections::BTreeSet;

use osteon_report::judgement::{JudgedImage, Seen, SharedGroup, Thumbnail};
use osteon_report::{Report, ReportError, notices, summary_text, worst};

use crate::page::{Element, read};
use crate::sample::{Sample, of_labels, poor, rich, summary};

fn html(sample: &Sample) -> String {
    sample.report().html().expect("a report")
}

fn samples() -> Vec<(&'static str, Sample)> {
    vec![
        ("rich", rich()),
        ("poor", poor()),
        ("healthy", of_labels(&[false; 40])),
        ("broken", of_labels(&[true; 12])),
        ("nothing", of_labels(&[])),
    ]
}

#[test]
fn every_page_is_well_formed_asks_for_nothing_and_runs_nothing() {
    for (name, sample) in samples() {
        let html = html(&sample);
        assert!(html.starts_with("<!DOCTYPE html><html lang=\"en\">"));
        assert!(
            !html.contains("@import") && !html.contains("url("),
            "{name}"
        );
        let elements = read(&html);
        let ids: Vec<&str> = elements.iter().filter_map(|e| e.get("id")).collect();
        assert_eq!(
            ids.iter().collect::<BTreeSet<_>>().len(),
            ids.len(),
            "{name}: ids twice"
        );
        for e in &elements {
            let banned = [
                "script",
                "link",
                "iframe",
                "object",
                "embed",
                "base",
                "form",
                "foreignObject",
                "use",
            ];
            assert!(!banned.contains(&e.name.as_str()), "{name}: {e:?}");
            for (key, value) in &e.attributes {
                assert!(
                    !key.starts_with("on") && key != "style",
                    "{name}: {key} of {}",
                    e.name
                );
                match key.as_str() {
                    "src" => assert!(
                        value.starts_with("data:image/jpeg;base64,"),
                        "{name}: {value}"
                    ),
                    "href" => assert!(
                        ids.contains(&value.trim_start_matches('#')),
                        "{name}: {value}"
                    ),
                    _ => assert!(!value.contains("://"), "{name}: {key}={value}"),
                }
            }
        }
        let policy = elements
            .iter()
            .find(|e| e.get("http-equiv") == Some("Content-Security-Policy"));
        let policy = policy.and_then(|e| e.get("content")).expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-")
                && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}

#[test]
fn headings_are_in_order_and_pictures_are_described() {
    for (name, sample) in samples() {
        let elements = read(&html(&sample));
        let level = |e: &Element| match e.name.as_str() {
            "h1" => Some(1),
            "h2" => Some(2),
            "h3" => Some(3),
            "h4" | "h5" | "h6" => panic!("{name}: too deep"),
            _ => None,
        };
        let levels: Vec<i32> = elements.iter().filter_map(level).collect();
        assert_eq!(levels.first(), Some(&1));
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
        assert!(
            levels.windows(2).all(|w| w[1] <= w[0] + 1),
            "{name}: {levels:?}"
        );
        for (n, svg) in elements.iter().enumerate().filter(|(_, e)| e.name == "svg") {
            let hidden = svg.get("aria-hidden") == Some("true");
            let titled = elements[n + 1].name == "title" && !elements[n + 1].text.is_empty();
            assert!(
                hidden || (titled && svg.get("role") == Some("img")),
                "{name}: {svg:?}"
            );
        }
        for img in elements.iter().filter(|e| e.name == "img") {
            assert!(img.get("alt").is_some_and(|alt| !alt.is_empty()), "{name}");
        }
    }
}

#[test]
fn everything_is_there() {
    let sample = rich();
    let elements = read(&html(&sample));
    let titles: Vec<&str> = elements
        .iter()
        .filter(|e| e.name == "title" && e.within.last().is_some_and(|parent| parent == "svg"))
        .map(|e| e.text.as_str())
        .collect();
    for figure in [
        "Confusion matrix: of 57 fractured images",
        "ROC curve of 406 images, 57 fractured; area 0.",
        "Precision–recall curve of 406 images",
        "Reliability diagram of 406 images",
        "Histogram of the scores of 57 fractured and 349 unfractured",
        "Learning curves of 40 epochs",
        "364 never seen, 14 seen, in a changed copy, 28 seen",
    ] {
        assert!(
            titles.iter().any(|title| title.starts_with(figure)),
            "{figure}: {titles:?}"
        );
    }
    assert_eq!(
        elements.iter().filter(|e| e.name == "img").count(),
        12 + sample
            .thumbnails
            .iter()
            .filter(|t| t.heatmap.is_some())
            .count()
    );
    let text = &elements[0].text;
    for said in [
        "false alarms: 1 − specificity (%)",
        "right among the called: precision (%)",
        "truly fractured (%)",
        "share of the class (%)",
        "by region",
        "shoulder",
        "screening",
        "at most 8.0 % of the decided are wrong",
        "Does it look at the fracture?",
        "55 fractured images have boxes",
        "the hottest place lies in a box, or beside one by at most 1.0 %",
        "84.1 %",
        "Every group counting once",
        "12 images are labelled both",
        "judgement number 3",
        "Not a medical device.",
        "clean only (n = 364)",
        "test/fractured/a.jpg",
    ] {
        assert!(text.contains(said), "{said}");
    }
    // Every row of the checklist, and an answer or "not known" in each.
    let answers: Vec<&Element> = elements
        .iter()
        .filter(|e| e.get("class") == Some("answer"))
        .collect();
    assert_eq!(answers.len(), 44);
    assert!(answers.iter().all(|answer| !answer.text.trim().is_empty()));
    assert_eq!(answers[42].text.trim(), "in part Model: CC BY 4.0.");
    assert_eq!(answers[43].text.trim(), "not known");
}

#[test]
fn hostile_names_stay_text() {
    let bad = "<script>alert(1)</script>\"'><img src=x onerror=y>&amp;";
    let mut sample = rich();
    let j = &mut sample.judgement;
    j.data.name = bad.to_owned();
    j.data.path = bad.to_owned();
    j.data.caveat = Some(bad.to_owned());
    j.data
        .columns
        .entry(bad.to_owned())
        .or_default()
        .insert(bad.to_owned(), 3);
    j.model.file = bad.to_owned();
    j.model.architecture = bad.to_owned();
    j.model.licence = Some(bad.to_owned());
    j.doubt.refusal = Some(bad.to_owned());
    j.intervals = bad.to_owned();
    j.judged_at = "\"é<é".repeat(5);
    j.warnings = vec![bad.to_owned()];
    j.unreadable_files[0].id = bad.to_owned();
    j.unreadable_files[0].reason = bad.to_owned();
    j.operating_points[0].name = bad.to_owned();
    for subgroup in &mut j.subgroups {
        subgroup.column = bad.to_owned();
        subgroup.value = bad.to_owned();
    }
    for film in &mut sample.films {
        film.id = bad.to_owned();
        film.decision = bad.to_owned();
    }
    let with_pictures = html(&sample);
    sample.thumbnails.clear();
    for html in [with_pictures, html(&sample)] {
        assert!(!html.contains("<script") && !html.contains("<img src=x"));
        let elements = read(&html);
        assert!(elements.iter().all(|e| e.get("onerror").is_none()));
        assert!(elements[0].text.matches(bad).count() > 20);
    }
}

#[test]
fn what_is_undefined_is_a_dash_with_its_reason() {
    let elements = read(&html(&of_labels(&[false; 40])));
    let cell = |name: &str| {
        let row = elements
            .iter()
            .position(|e| e.name == "th" && e.text == name)
            .expect("a row");
        elements[row + 1].text.trim().to_owned()
    };
    assert_eq!(cell("Sensitivity"), "– no fractured image");
    assert_eq!(cell("ROC-AUC"), "– needs images of both classes");
    assert_eq!(cell("F1"), "– neither a fracture nor a call of one");
    assert!(cell("Specificity").starts_with("100.0 % "));
    for (name, sample) in samples() {
        let text = &read(&html(&sample))[0].text;
        assert!(!text.contains("NaN") && !text.contains("inf "), "{name}");
    }
    // No interval of no width is passed off as certainty.
    assert!(html(&poor()).contains("no interval: all resamples are alike"));
}

#[test]
fn pages_stay_small() {
    let mut sample = rich();
    sample.thumbnails.clear();
    let small = html(&sample).len();
    assert!(small < 200_000, "{small}");
    // Sixty times the images, every score another.
    let films: Vec<JudgedImage> = (0..60_u32)
        .flat_map(|n| {
            sample.films.iter().map(move |film| JudgedImage {
                score: (film.score + f64::from(n) * 1e-5).min(1.0),
                ..film.clone()
            })
        })
        .collect();
    sample.judgement.summary = summary(&films, 0.31);
    sample.films = films;
    let large = html(&sample).len();
    assert!(large < small + 60_000, "{large}");
}

#[test]
fn a_judgement_without_its_films_still_has_a_page() {
    let mut sample = rich();
    sample.films.clear();
    sample.thumbnails.clear();
    let text = &read(&html(&sample))[0].text;
    assert!(
        text.contains("the scores of the single images were not given") && text.contains("84.2 %")
    );
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let mut sample = rich();
    sample.films[0].fractured = false;
    assert!(matches!(
        sample.report().html(),
        Err(ReportError::OtherFilms { films: 406, .. })
    ));
    let mut sample = rich();
    sample.thumbnails.push(Thumbnail {
        film: 406,
        jpeg: Vec::new(),
        heatmap: None,
    });
    let error = sample.report().html().expect_err("no such image");
    assert_eq!(
        error.to_string(),
        "thumbnail 12 is of image 406, but there are 406 images"
    );
    let mut sample = rich();
    sample.films[0].score = f64::NAN;
    assert!(matches!(
        sample.report().html(),
        Err(ReportError::Metrics { .. })
    ));
    let mut sample = rich();
    let high = sample
        .films
        .iter()
        .position(|film| film.score > 0.5)
        .expect("one");
    sample.films[high].score = 1.5;
    let error = sample.report().html().expect_err("no probability");
    assert_eq!(error.to_string(), "the reliability diagram cannot be drawn");
}

#[test]
fn the_worst_errors_come_first() {
    let films: Vec<JudgedImage> = [
        (true, 0.9),
        (true, 0.2),
        (false, 0.7),
        (true, 0.1),
        (false, 0.5),
        (false, 0.9),
        (true, 0.1),
    ]
    .map(|(fractured, score)| JudgedImage {
        fractured,
        score,
        ..rich().films[0].clone()
    })
    .to_vec();
    assert_eq!(worst(&films, 0.5, 10), (vec![3, 6, 1], vec![5, 2, 4]));
    assert_eq!(worst(&films, 0.5, 1), (vec![3], vec![5]));
    assert_eq!(worst(&[], 0.5, 3), (vec![], vec![]));
}

#[test]
fn notices_say_what_the_numbers_show() {
    let titles = |sample: &Sample| {
        notices(&sample.judgement)
            .into_iter()
            .map(|n| (n.serious, n.title))
            .collect::<Vec<_>>()
    };
    let said = titles(&rich());
    assert_eq!(
        said[0],
        (true, "The model has seen some of these images".to_owned())
    );
    assert_eq!(
        said[1],
        (true, "This test set has been looked at before".to_owned())
    );
    assert_eq!(said[2], (false, "Some files do not read".to_owned()));
    assert_eq!(said[3].1, "Groups of both labels");
    assert_eq!(said.len(), 4);
    let said = titles(&poor());
    assert_eq!(said[0], (true, "Few fractured images".to_owned()));
    assert!(
        said.contains(&(false, "Patients are not known".to_owned())),
        "{said:?}"
    );
    // A split of that name says nothing by itself: what counts is which images the model has seen.
    let mut val = rich();
    val.judgement.split = "val".to_owned();
    assert_eq!(titles(&val)[0].1, "The model has seen some of these images");
    val.judgement.leak.own_val = true;
    assert_eq!(titles(&val)[0].1, "The model was chosen on these images");
    assert_eq!(titles(&val)[1].1, "The model has seen some of these images");
    val.judgement.leak.own_val = false;
    val.judgement.leak.known = false;
    assert_eq!(
        titles(&val)[0].1,
        "The model may have been made with these images"
    );
    // A warning that says the same is not shown twice.
    let mut twice = rich();
    twice.judgement.warnings = notices(&twice.judgement)
        .into_iter()
        .map(|notice| notice.text)
        .collect();
    let text = html(&twice);
    assert_eq!(text.matches("Whoever chooses between models").count(), 1);
}

/// Of the images that a model was chosen on none is new to it, whatever an older judgement counted as clean.
#[test]
fn on_the_images_it_was_chosen_on_nothing_is_clean() {
    let mut val = rich();
    val.judgement.split = "val".to_owned();
    val.judgement.leak.own_val = true;
    assert!(val.judgement.leak.clean_summary.is_some());
    for film in &mut val.films {
        if film.seen == Seen::No {
            film.seen = Seen::Chosen;
        }
    }
    let page = html(&val);
    for said in [
        "figures to believe",
        "Clean images only",
        "clean only",
        "never seen",
        "that are new to it",
        "believe the figures on the clean images",
    ] {
        assert!(!page.contains(said), "{said}");
    }
    assert!(page.contains("None of them is new to it"));
    let titles: Vec<String> = read(&page)
        .iter()
        .filter(|e| e.name == "title")
        .map(|e| e.text.clone())
        .collect();
    assert!(
        titles
            .iter()
            .any(|t| t.starts_with("364 chosen on, 14 trained on, in a changed copy")),
        "{titles:?}"
    );
    assert!(!summary_text(&val.judgement).contains("new to it"));
    assert!(!osteon_report::figures_csv(&val.judgement).contains("clean."));
    let scores = osteon_report::scores_csv(&val.films);
    assert!(
        scores.contains(",chosen,") || scores.contains(",chosen\n"),
        "{scores}"
    );
}

#[test]
fn a_patient_in_two_splits_is_a_serious_notice() {
    let mut sample = rich();
    let group = |value: &str, here, there| SharedGroup {
        column: "patient".to_owned(),
        value: value.to_owned(),
        images: [("test".to_owned(), here), ("train".to_owned(), there)].into(),
    };
    sample.judgement.shared_groups = vec![group("p0", 3, 2), group("p1", 1, 5)];
    let said = notices(&sample.judgement);
    let notice = said
        .iter()
        .find(|n| n.title == "A patient is in more than one split");
    let notice = notice.expect("said");
    assert!(notice.serious);
    assert!(
        notice.text.contains("2 patients or groups with 4 images of this split have images in other splits, too (patient p0: 2 in train, 3 in test; patient p1: 5 in train, 1 in test)"),
        "{}",
        notice.text
    );
}

#[test]
fn a_calibration_error_outside_its_interval_is_explained() {
    let mut sample = rich();
    let titled = |sample: &Sample| {
        let said = notices(&sample.judgement).into_iter();
        said.filter(|n| n.title.contains("outside its own interval"))
            .map(|n| n.text)
            .collect::<Vec<_>>()
    };
    let ece = &mut sample.judgement.summary.calibration.ece;
    (ece.value, ece.low, ece.high) = (Some(0.031), Some(0.034), Some(0.071));
    let said = titled(&sample);
    assert!(
        said[0].starts_with("ECE is 0.031, its 95 % interval 0.034 to 0.071."),
        "{said:?}"
    );
    sample.judgement.summary.calibration.ece.low = Some(0.02);
    assert!(titled(&sample).is_empty());
}

#[test]
fn the_summary_in_plain_words() {
    let mut all: Vec<(&str, Sample)> = samples();
    let mut seen = rich();
    for film in &mut seen.films {
        film.seen = Seen::Exact;
    }
    (
        seen.judgement.leak.exact,
        seen.judgement.leak.near,
        seen.judgement.leak.clean,
    ) = (406, 0, 0);
    seen.judgement.leak.clean_summary = None;
    all.push(("seen", seen));
    let mut clean = rich();
    (
        clean.judgement.leak.exact,
        clean.judgement.leak.near,
        clean.judgement.leak.clean,
    ) = (0, 0, 406);
    clean.judgement.leak.clean_summary = None;
    all.push(("clean", clean));
    for (name, sample) in all {
        insta::assert_snapshot!(format!("summary_{name}"), summary_text(&sample.judgement));
    }
}

#[test]
fn a_report_can_be_drawn_of_what_was_written_as_json() {
    let sample = rich();
    let json = serde_json::to_string(&sample.judgement).expect("JSON");
    let judgement = serde_json::from_str(&json).expect("the same");
    let again = Report {
        judgement: &judgement,
        ..sample.report()
    };
    assert_eq!(again.html().expect("a report"), html(&sample));
}
