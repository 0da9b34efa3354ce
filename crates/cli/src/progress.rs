//! What a person sees while it works: a bar on a terminal, plain lines elsewhere, all on stderr.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use osteon_data::{Packed, Unreadable};
use osteon_train::{EpochRecord, Event, Observer};

/// A bar that counts to `total`; draws nothing where stderr is no terminal.
pub fn bar(what: &str, total: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>12} {wide_bar:.cyan/dim} {pos}/{len}  {msg}  {eta:>4}",
    );
    let bar = ProgressBar::new(total as u64).with_prefix(what.to_owned());
    // Invariant: the template is a constant, and right.
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Names what did not read: the first ten, then a count.
pub fn list_unreadable(split: &str, unreadable: &[Unreadable]) {
    if unreadable.is_empty() {
        return;
    }
    eprintln!("{} films of {split} do not read:", unreadable.len());
    for film in unreadable.iter().take(10) {
        eprintln!("  {}: {}", film.id, film.reason);
    }
    if unreadable.len() > 10 {
        eprintln!("  and {} more", unreadable.len() - 10);
    }
}

/// Names the damaged films that are shown in part: the first ten, then a count.
pub fn list_repaired(split: &str, repaired: &[String]) {
    if repaired.is_empty() {
        return;
    }
    eprintln!(
        "{} films of {split} are damaged; what decodes of them is kept:",
        repaired.len()
    );
    for id in repaired.iter().take(10) {
        eprintln!("  {id}");
    }
    if repaired.len() > 10 {
        eprintln!("  and {} more", repaired.len() - 10);
    }
}

/// Draws a training run.
pub struct TrainProgress {
    bar: ProgressBar,
    epochs: u64,
}

impl TrainProgress {
    pub fn new(epochs: u64) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            epochs,
        }
    }

    fn say(&self, text: &str) {
        // Above the bar on a terminal, plainly elsewhere.
        self.bar.suspend(|| eprintln!("{text}"));
    }
}

impl Observer for TrainProgress {
    fn on(&mut self, event: &Event<'_>) {
        match event {
            Event::Reading { split, films } => self.bar = bar(&format!("reading {split}"), *films),
            Event::Read {
                split,
                films,
                fractured,
                unreadable,
                repaired,
            } => {
                self.bar.finish_and_clear();
                let rest = films - fractured;
                self.say(&format!(
                    "{split:>5}: {films} films, {fractured} fractured, {rest} not"
                ));
                list_unreadable(split.name(), unreadable);
                list_repaired(split.name(), repaired);
            }
            Event::Packed { split, packed } => match packed {
                Packed::Found => {}
                Packed::Made => self.say(&format!("{split:>5}: decoded films kept in the cache")),
                Packed::Mended(why) => self.say(&format!(
                    "{split:>5}: the cache was damaged ({why}) and was made anew"
                )),
            },
            Event::Built {
                architecture,
                parameters,
                device,
                batch_size,
                processes,
                films_on_device,
            } => {
                let parameters = thousands(*parameters);
                let mut text = format!(
                    "model: {architecture}, {parameters} parameters, on {device}, {batch_size} films a step"
                );
                if *processes > 1 {
                    text = format!("{text}, {processes} processes");
                }
                if *films_on_device {
                    text.push_str(", films in its memory");
                }
                self.say(&text);
            }
            Event::Fold { fold, folds } => self.say(&format!("\nfold {fold} of {folds}")),
            Event::Tried {
                step,
                steps,
                lr,
                loss,
            } => {
                if *step == 1 {
                    self.bar = bar("steps", *steps);
                }
                self.bar.set_position(*step as u64);
                self.bar.set_message(format!("lr {lr:.1e}  loss {loss:.4}"));
            }
            Event::Computes(plan) => self.say(&plan.to_string()),
            Event::Resumed {
                epoch,
                step,
                damaged,
                differences,
            } => {
                for error in *damaged {
                    self.say(&format!("warning: {error}; an older one is used"));
                }
                for difference in *differences {
                    self.say(&format!("forced: {difference}"));
                }
                self.say(&format!("going on after step {step}, in epoch {epoch}"));
            }
            Event::Step {
                epoch,
                epochs,
                step,
                steps,
                loss,
                images_per_second,
            } => {
                if *step == 1 {
                    self.bar = bar(&format!("epoch {epoch}/{epochs}"), *steps as usize);
                    self.bar.enable_steady_tick(Duration::from_millis(500));
                }
                self.bar.set_position(*step);
                self.bar
                    .set_message(format!("loss {loss:.4}  {images_per_second:.0} img/s"));
            }
            Event::Epoch(record) => {
                self.bar.finish_and_clear();
                self.say(&epoch_line(record, self.epochs));
            }
            _ => {}
        }
    }

    fn film_read(&self) {
        self.bar.inc(1);
    }
}

fn epoch_line(r: &EpochRecord, epochs: u64) -> String {
    let figure = |v: Option<f64>| v.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"));
    format!(
        "epoch {:>3}/{epochs}  loss {:.4}  val loss {:.4}  AUC {}  sensitivity {}  specificity {}  {:.0} img/s{}",
        r.epoch,
        r.train_loss,
        r.val_loss,
        figure(r.val_roc_auc),
        figure(r.val_sensitivity),
        figure(r.val_specificity),
        r.images_per_second,
        if r.best { "  best" } else { "" },
    )
}

fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(",")
}
