//! A model on a split.

use std::path::Path;
use std::sync::Mutex;

use osteon_data::{Catalog, Split, Unreadable};
use osteon_evaluate::{EvaluateError, Observer, Request, Stage, evaluate, model_card};
use osteon_report::judgement::{Judgement, Seen};

use crate::{drawn, info, on, opened, written};

/// Notes what it is told.
#[derive(Default)]
struct Notes {
    stages: Mutex<Vec<(Stage, usize, usize)>>,
    said: Mutex<Vec<String>>,
}

impl Notes {
    fn say(&self, text: String) {
        self.said.lock().expect("whole").push(text);
    }
}

impl Observer for Notes {
    fn begin(&self, stage: Stage, total: usize) {
        self.stages.lock().expect("whole").push((stage, total, 0));
    }

    fn advance(&self, done: usize) {
        let mut stages = self.stages.lock().expect("whole");
        stages.last_mut().expect("a stage has begun").2 += done;
    }

    fn finish(&self) {
        self.say("finished".to_owned());
    }

    fn unreadable(&self, split: Split, files: &[Unreadable]) {
        self.say(format!("unreadable in {split}: {}", files[0].id));
    }

    fn repaired(&self, split: Split, ids: &[String]) {
        self.say(format!("repaired in {split}: {}", ids[0]));
    }

    fn look_not_recorded(&self, file: &Path, _: &std::io::Error) {
        self.say(format!("not recorded: {}", file.display()));
    }
}

#[test]
fn each_image_is_scored_as_it_is_alone_and_counted_once() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    let found = on(&file, &predictor, &catalog, Split::Test);
    let entries = catalog.split(Split::Test).expect("test");
    assert_eq!(found.images.len(), entries.len());
    for (image, entry) in found.images.iter().zip(entries) {
        let alone = predictor.predict_path(&entry.path).expect("predicts");
        assert_eq!(image.id, entry.id);
        assert!((image.score - alone.score).abs() < 1e-6, "{}", entry.id);
        assert_eq!(image.decision, alone.decision.to_string());
        assert_eq!(image.seen, Seen::No);
    }
    let summary = &found.judgement.summary;
    let fractured = entries.iter().filter(|e| e.label.is_fractured()).count();
    assert_eq!(summary.images, entries.len() as u64);
    assert_eq!(summary.confusion.positives(), fractured as u64);
    let explanation = found.judgement.explanation.expect("drawn sets have boxes");
    assert_eq!(explanation.boxed, fractured as u64);
}

#[test]
fn an_observer_is_told_every_stage_and_what_does_not_read() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    let entries = catalog.split(Split::Test).expect("test");
    let whole = std::fs::read(&entries[0].path).expect("reads");
    std::fs::write(&entries[0].path, &whole[..whole.len() / 2]).expect("cuts");
    let notes = Notes::default();
    let request = Request {
        model: Some(&file),
        ..Request::new(&predictor, &catalog, Split::Test)
    };
    let found = evaluate(&request, &notes).expect("evaluates");
    assert!(!found.is_whole());
    assert_eq!(found.judgement.unreadable_files[0].id, entries[0].id);
    found
        .write(&dir.path().join("out"), &predictor, &notes)
        .expect("writes");
    let stages = notes.stages.into_inner().expect("whole");
    let (all, read) = (entries.len(), entries.len() - 1);
    for (stage, count) in [
        (Stage::Reading(Split::Test), all),
        (Stage::Scoring(Split::Test), read),
        (Stage::Drawing, 1),
    ] {
        assert!(stages.contains(&(stage, count, count)), "{stages:?}");
    }
    let said = notes.said.into_inner().expect("whole");
    let unreadable = format!("unreadable in test: {}", entries[0].id);
    assert!(said.contains(&unreadable), "{said:?}");
    let finished = said.iter().filter(|said| *said == "finished").count();
    assert_eq!(finished, stages.len());
}

#[test]
fn a_damaged_image_is_judged_by_what_decodes_of_it_if_that_is_asked_for() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    let entry = &catalog.split(Split::Val).expect("val")[0];
    let image = image::open(&entry.path).expect("opens");
    // A file is known by its first bytes, whatever its name ends in.
    image
        .save_with_format(&entry.path, image::ImageFormat::Jpeg)
        .expect("writes");
    let whole = std::fs::read(&entry.path).expect("reads");
    std::fs::write(&entry.path, &whole[..whole.len() / 2]).expect("cuts");
    let notes = Notes::default();
    let request = Request {
        repair: true,
        ..Request::new(&predictor, &catalog, Split::Val)
    };
    let found = evaluate(&request, &notes).expect("evaluates");
    assert!(found.is_whole());
    assert_eq!(found.judgement.repaired, 1);
    let said = notes.said.into_inner().expect("whole");
    let repaired = format!("repaired in val: {}", entry.id);
    assert!(said.contains(&repaired), "{said:?}");
}

#[test]
fn what_the_model_learned_from_is_known_again() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let digests = || {
        let entries = catalog.split(Split::Test).expect("test");
        entries.iter().map(|entry| {
            let bytes = std::fs::read(&entry.path).expect("reads");
            osteon_files::hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)[..8])
        })
    };
    let mut knowing = info();
    knowing.training_data.train_films = digests().take(2).collect();
    let other = written(dir.path(), "other", &knowing);
    let clean = on(&file, &opened(&file), &catalog, Split::Test).judgement;
    let leaky = on(&other, &opened(&other), &catalog, Split::Test);
    assert!(!clean.leak.known && clean.leak.clean_summary.is_none());
    let leak = &leaky.judgement.leak;
    assert_eq!((leak.exact, leak.near), (2, 0));
    let figures = leak.clean_figures().expect("some are clean");
    assert_eq!(figures.images, clean.summary.images - 2);
    let seen = leaky.images.iter().map(|image| image.seen);
    assert_eq!(seen.filter(|seen| *seen == Seen::Exact).count(), 2);
}

#[test]
fn looks_at_test_are_counted_in_the_run_and_nowhere_else() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    let look = |split| on(&file, &predictor, &catalog, split).judgement.looks;
    assert_eq!(look(Split::Val), None);
    assert_eq!(look(Split::Test), Some(1));
    assert_eq!(look(Split::Test), Some(2));
    // A model without a run: nothing is written, and that is said.
    let request = Request::new(&predictor, &catalog, Split::Test);
    let alone = evaluate(&request, &()).expect("evaluates").judgement;
    assert_eq!(alone.looks, None);
    assert!(
        alone
            .warnings
            .iter()
            .any(|w| w.contains("not written down"))
    );
    // A run that cannot be written to: the observer is told, and the evaluation holds.
    let run = dir.path().join("closed");
    let closed = written(dir.path(), "closed", &info());
    std::fs::create_dir(run.join("judgements.jsonl")).expect("makes");
    let notes = Notes::default();
    let request = Request {
        model: Some(&closed),
        ..request
    };
    let found = evaluate(&request, &notes).expect("evaluates").judgement;
    assert_eq!(found.looks, None);
    let said = notes.said.into_inner().expect("whole");
    assert!(said.iter().any(|said| said.starts_with("not recorded")));
}

#[test]
fn a_report_holds_what_was_found() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    let found = on(&file, &predictor, &catalog, Split::Val);
    let out = dir.path().join("a/report");
    found.write(&out, &predictor, &()).expect("writes");
    let read = |name: &str| std::fs::read_to_string(out.join(name)).expect(name);
    let back: Judgement = serde_json::from_str(&read("judgement.json")).expect("JSON");
    assert_eq!(back.summary.confusion, found.judgement.summary.confusion);
    assert_eq!(back.warnings, found.judgement.warnings);
    assert_eq!(read("scores.csv").lines().count(), found.images.len() + 1);
    assert!(read("index.html").contains("<svg"));
    assert!(read("figures.csv").contains("roc_auc"));
    // Where a file lies no folder can be made.
    let error = found.write(&file, &predictor, &()).expect_err("a file");
    assert!(matches!(error, EvaluateError::File(_)), "{error}");
}

#[test]
fn a_split_that_is_not_there_is_a_matter_of_the_call() {
    let (dir, catalog) = drawn();
    let file = written(dir.path(), "run", &info());
    let predictor = opened(&file);
    std::fs::remove_dir_all(catalog.root().join("val")).expect("removes");
    let catalog = Catalog::open(catalog.root()).expect("opens");
    let request = Request::new(&predictor, &catalog, Split::Val);
    let error = evaluate(&request, &()).expect_err("no val");
    assert!(error.is_usage(), "{error}");
}

#[test]
fn a_card_says_what_is_not_known() {
    let mut info = info();
    info.name = Some("small".to_owned());
    let card = model_card(&info, 1234, 3 << 20);
    for part in [
        "# Model card: small",
        "1234 parameters",
        "3.00 MiB",
        "| licence | not stated |",
        "It was not judged on val.",
        "There is no doubt band",
        "| balanced | 0.5000 | – | – |",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
}
