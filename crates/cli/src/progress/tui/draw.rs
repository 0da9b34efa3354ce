//! The dashboard's picture of a [`View`], for terminals of any size.

use std::time::Duration;

use osteon_train::EpochRecord;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table};

use super::charts::{self, BEST};
use super::view::{Phase, View};
use crate::progress::pace::clock;
use crate::progress::words::figure;

/// Draws everything. Below 16 rows or 60 columns there are figures and the table alone.
pub fn draw(frame: &mut Frame<'_>, view: &mut View, now: Duration) {
    let area = frame.area();
    let small = area.height < 16 || area.width < 60;
    let [head, bar, now_row, middle, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(1),
    ])
    .areas(area);
    header(frame, head, view, now);
    progress(frame, bar, view, now);
    figures(frame, now_row, view);
    if small {
        epochs(frame, middle, view);
    } else {
        let [curves, below] =
            Layout::vertical([Constraint::Percentage(50), Constraint::Fill(1)]).areas(middle);
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(50), Constraint::Fill(1)]).areas(curves);
        charts::loss(frame, left, view);
        charts::auc(frame, right, view);
        let [table, beside] =
            Layout::horizontal([Constraint::Length(49), Constraint::Fill(1)]).areas(below);
        epochs(frame, table, view);
        // Where there is room the throughput is a curve, too.
        let speed = if below.height >= 14 { 5 } else { 0 };
        let [speeds, text] =
            Layout::vertical([Constraint::Length(speed), Constraint::Fill(1)]).areas(beside);
        if speed > 0 {
            throughput(frame, speeds, view);
        }
        log(frame, text, view);
    }
    let keys = if small {
        "q stop"
    } else {
        "q stop, twice at once   v stop and judge   ↑↓ log   Ctrl-L redraw"
    };
    frame.render_widget(Line::from(keys).dark_gray(), foot);
}

fn header(frame: &mut Frame<'_>, area: Rect, view: &View, now: Duration) {
    let state = if view.stopping {
        Span::from("stopping after this step").yellow().bold()
    } else {
        match &view.phase {
            Phase::Starting => "starting".into(),
            Phase::Reading { what, .. } => format!("reading {what}").into(),
            Phase::Training => "training".green(),
            Phase::Judging => "judging on val".cyan(),
        }
    };
    let right = Line::from(vec![state, format!("  {}", clock(now)).into()]).right_aligned();
    let room = area.width.saturating_sub(right.width() as u16 + 1);
    let [left_area, right_area] =
        Layout::horizontal([Constraint::Length(room), Constraint::Fill(1)]).areas(area);
    let left = vec![
        Span::from(view.run.clone()).bold(),
        format!("  {}", view.model).dark_gray(),
    ];
    frame.render_widget(Line::from(left), left_area);
    frame.render_widget(right, right_area);
}

fn progress(frame: &mut Frame<'_>, area: Rect, view: &View, now: Duration) {
    let (ratio, label) = match (&view.phase, view.step) {
        (Phase::Reading { films, done, .. }, _) => (
            *done as f64 / (*films).max(1) as f64,
            format!("{done} of {films} images"),
        ),
        (_, Some((epoch, step, steps))) => {
            let left = view.left(now).map_or_else(String::new, |left| {
                format!("  {} left, run {}", clock(left.epoch), clock(left.run))
            });
            let epochs = view.epochs;
            let long = format!("epoch {epoch}/{epochs}  step {step}/{steps}{left}");
            let short = format!("epoch {epoch}/{epochs}{left}");
            let fits = long.chars().count() <= area.width as usize;
            (view.done(), if fits { long } else { short })
        }
        _ => (0.0, String::new()),
    };
    let gauge = Gauge::default()
        .gauge_style(Style::new().blue().on_black())
        .use_unicode(true)
        .ratio(ratio.clamp(0.0, 1.0))
        .label(label.white().bold());
    frame.render_widget(gauge, area);
}

/// The figures of the moment in a line, the most wanted first.
fn figures(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let mut spans = Vec::new();
    let mut add = |name: &'static str, value: String| {
        spans.push(Span::from(name).dark_gray());
        spans.push(Span::from(format!(" {value}   ")));
    };
    if let Some(loss) = view.loss {
        add("loss", format!("{loss:.4}"));
    }
    if let Some(speed) = view.speeds.last() {
        add("img/s", format!("{speed:.0}"));
    }
    if let Some(best) = view.best() {
        let auc = figure(best.val_roc_auc);
        add("best", format!("epoch {}, AUC {auc}", best.epoch));
    }
    if let Some(last) = view.records.last() {
        add("lr", format!("{:.2e}", last.lr));
    }
    frame.render_widget(Line::from(spans), area);
}

fn epochs(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = block("epochs");
    let rows = block.inner(area).height.saturating_sub(1) as usize;
    let best = view.best().map(|best| best.epoch);
    let from = view.records.len().saturating_sub(rows);
    let shown = view.records[from..].iter().map(|record| {
        let row = row(record);
        if Some(record.epoch) == best {
            row.style(Style::new().fg(BEST).bold())
        } else {
            row
        }
    });
    // Where not all columns fit whole, the last ones go.
    let names = ["epoch", "loss", "val", "AUC", "sens", "spec", "time"];
    let mut room = area.width.saturating_sub(2);
    let widths = [5, 7, 7, 6, 5, 5, 6].into_iter().take_while(|width| {
        let fits = *width <= room;
        room = room.saturating_sub(width + 1);
        fits
    });
    let widths: Vec<_> = widths.map(Constraint::Length).collect();
    let header = Row::new(names.into_iter().take(widths.len()));
    let table = Table::new(shown, widths)
        .header(header.style(Style::new().dark_gray()))
        .block(block);
    frame.render_widget(table, area);
}

fn row(r: &EpochRecord) -> Row<'static> {
    let short = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |v| format!("{v:.2}"));
    Row::new([
        format!("{:>5}", r.epoch),
        format!("{:.4}", r.train_loss),
        format!("{:.4}", r.val_loss),
        figure(r.val_roc_auc),
        short(r.val_sensitivity),
        short(r.val_specificity),
        clock(Duration::try_from_secs_f64(r.seconds).unwrap_or_default()),
    ])
}

fn throughput(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = block("images a second");
    let wide = block.inner(area).width as usize;
    let from = view.speeds.len().saturating_sub(wide);
    let bars = view.speeds[from..]
        .iter()
        .map(|speed| (speed * 10.0) as u64);
    let bars: Vec<u64> = bars.collect();
    let line = Sparkline::default()
        .block(block)
        .data(&bars)
        .style(Style::new().cyan());
    frame.render_widget(line, area);
}

/// The log's end, or what lies `scroll` lines above it.
fn log(frame: &mut Frame<'_>, area: Rect, view: &mut View) {
    let block = block(if view.scroll > 0 {
        "log (scrolled)"
    } else {
        "log"
    });
    let inner = block.inner(area);
    let lines: Vec<Line<'static>> = view
        .pane()
        .flat_map(|entry| {
            let text_width = (inner.width as usize).saturating_sub(8).max(8);
            let pieces = wrap(&entry.text, text_width);
            let time = clock(entry.at);
            pieces.into_iter().enumerate().map(move |(n, piece)| {
                let time = if n == 0 { time.clone() } else { String::new() };
                Line::from(vec![format!("{time:>7} ").dark_gray(), piece.into()])
            })
        })
        .collect();
    let most = lines.len().saturating_sub(inner.height as usize);
    view.scroll = view.scroll.min(most);
    let from = most - view.scroll;
    let shown: Vec<_> = lines.into_iter().skip(from).collect();
    frame.render_widget(Paragraph::new(shown).block(block), area);
}

/// Pieces of at most so many characters, broken at spaces where there are any.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if used > 0 && used + length > width {
            pieces.push(String::new());
            used = 0;
        }
        for letter in word.chars() {
            if used == width {
                pieces.push(String::new());
                used = 0;
            }
            if let Some(piece) = pieces.last_mut() {
                piece.push(letter);
                used += 1;
            }
        }
    }
    pieces
}

fn block(title: &'static str) -> Block<'static> {
    Block::bordered()
        .border_style(Style::new().dark_gray())
        .title(format!(" {title} "))
}
