//! The dashboard's curves: loss, and ROC-AUC on val.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, GraphType};

use super::view::View;

pub const TRAIN: Color = Color::LightBlue;
pub const VAL: Color = Color::Yellow;
pub const BEST: Color = Color::Green;

/// Points with their colour; a single point shows as a dot.
type Curve = (Vec<(f64, f64)>, Color);

/// Loss on train, the running epoch's included, and on val.
pub fn loss(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let of = |value: fn(&osteon_train::EpochRecord) -> f64| {
        view.records
            .iter()
            .map(|r| (r.epoch as f64, value(r)))
            .filter(|(_, loss)| loss.is_finite())
            .collect::<Vec<_>>()
    };
    let mut train = of(|r| r.train_loss);
    train.extend(&view.live);
    let key = Line::from(vec![
        Span::raw(" loss  "),
        Span::styled("━ train  ", TRAIN),
        Span::styled("━ val ", VAL),
    ]);
    let curves = [(train, TRAIN), (of(|r| r.val_loss), VAL)];
    chart(frame, area, key, &curves, view);
}

/// ROC-AUC on val, with a dot at the best epoch.
pub fn auc(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let points = |records: &mut dyn Iterator<Item = &osteon_train::EpochRecord>| {
        records
            .filter_map(|r| Some((r.epoch as f64, r.val_roc_auc?)))
            .collect::<Vec<_>>()
    };
    let curve = points(&mut view.records.iter());
    let best = points(&mut view.best().into_iter());
    let key = Line::from(vec![
        Span::raw(" val AUC  "),
        Span::styled("● best epoch ", BEST),
    ]);
    let curves = [(curve, VAL), (best, BEST)];
    chart(frame, area, key, &curves, view);
}

fn chart(frame: &mut Frame<'_>, area: Rect, key: Line<'_>, curves: &[Curve], view: &View) {
    let block = Block::bordered()
        .border_style(Style::new().dark_gray())
        .title(key);
    let values = curves.iter().flat_map(|(points, _)| points).map(|p| p.1);
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        let text = Line::from("after the first epoch").dark_gray().centered();
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let middle = Rect {
            y: inner.y + inner.height / 2,
            height: inner.height.min(1),
            ..inner
        };
        frame.render_widget(text, middle);
        return;
    }
    let room = ((high - low) * 0.05).max(high.abs() * 0.01).max(1e-9);
    let (low, high) = (low - room, high + room);
    // From the first epoch seen to the running one.
    let first = curves.iter().filter_map(|(points, _)| points.first());
    let first = first.map(|p| p.0).fold(f64::INFINITY, f64::min).floor();
    let last = view.step.map_or(1.0, |(epoch, ..)| epoch as f64);
    let last = view
        .records
        .last()
        .map_or(last, |r| last.max(r.epoch as f64));
    let (first, last) = (first.min(last - 1.0), last);
    let datasets = curves.iter().map(|(points, color)| {
        let single = points.len() == 1;
        Dataset::default()
            .data(points)
            .style(*color)
            .marker(if single { Marker::Dot } else { Marker::Braille })
            .graph_type(if single {
                GraphType::Scatter
            } else {
                GraphType::Line
            })
    });
    let number = |value: f64| Span::styled(format!("{value:.3}"), Style::new().gray());
    let epoch = |value: f64| Span::styled(format!("{value:.0}"), Style::new().gray());
    let mut y_labels = vec![number(low), number(high)];
    if area.height >= 10 {
        y_labels.insert(1, number(f64::midpoint(low, high)));
    }
    let chart = Chart::new(datasets.collect())
        .block(block)
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds([first, last])
                .labels([epoch(first), epoch(last)])
                .style(Style::new().dark_gray()),
        )
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .labels(y_labels)
                .style(Style::new().dark_gray()),
        );
    frame.render_widget(chart, area);
}
