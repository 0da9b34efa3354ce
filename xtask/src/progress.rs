//! How far a long step is: a bar on a terminal, a few plain lines elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// The state of one step that is counted in bytes.
pub struct Progress {
    label: String,
    total: Option<u64>,
    done: u64,
    next_line: u64,
    bar: Option<ProgressBar>,
}

/// Without a known total, a plain line is printed each time this much more is there.
const LINE_EVERY: u64 = 64 << 20;

impl Progress {
    /// Starts a step; `total` where it is known.
    pub fn new(label: impl Into<String>, total: Option<u64>) -> Self {
        let label = label.into();
        let bar = std::io::stderr().is_terminal().then(|| bar(&label, total));
        Self {
            label,
            total,
            done: 0,
            next_line: 0,
            bar,
        }
    }

    /// Nothing is shown.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self {
            label: String::new(),
            total: None,
            done: 0,
            next_line: u64::MAX,
            bar: None,
        }
    }

    /// The total became known, or changed.
    pub fn set_total(&mut self, total: u64) {
        self.total = Some(total);
        if let Some(bar) = &self.bar {
            bar.set_length(total);
        }
    }

    /// `done` bytes are there now.
    pub fn set(&mut self, done: u64) {
        self.done = done;
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        } else if done >= self.next_line {
            let step = self
                .total
                .map_or(LINE_EVERY, |total| (total / 5).max(LINE_EVERY));
            // The first call only finds out how far apart the lines are.
            if self.next_line > 0 {
                eprintln!("{}", self.line());
            }
            self.next_line = (done / step + 1) * step;
        }
    }

    /// `more` bytes came.
    pub fn add(&mut self, more: u64) {
        self.set(self.done + more);
    }

    fn line(&self) -> String {
        match self.total {
            Some(total) => format!("{}: {} of {}", self.label, size(self.done), size(total)),
            None => format!("{}: {}", self.label, size(self.done)),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &str, total: Option<u64>) -> ProgressBar {
    let bar = total.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let template =
        "{msg} {bar:30} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_message(label.to_owned())
}

/// A number of bytes as a person reads it.
pub fn size(bytes: u64) -> String {
    let value = bytes as f64;
    if bytes >= 1_000_000_000 {
        format!("{:.1} GB", value / 1e9)
    } else if bytes >= 1_000_000 {
        format!("{:.0} MB", value / 1e6)
    } else if bytes >= 1000 {
        format!("{:.0} kB", value / 1e3)
    } else {
        format!("{bytes} bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_500), "2 kB");
        assert_eq!(size(530_600_000), "531 MB");
        assert_eq!(size(2_340_000_000), "2.3 GB");
    }

    #[test]
    fn plain_lines_are_few() {
        let mut progress = Progress::silent();
        (progress.total, progress.next_line) = (Some(1 << 30), 0);
        let mut lines = 0;
        for _ in 0..(1 << 14) {
            let before = progress.next_line;
            progress.add(1 << 16);
            lines += u32::from(progress.next_line != before);
        }
        assert!(lines <= 6, "{lines}");
    }
}
