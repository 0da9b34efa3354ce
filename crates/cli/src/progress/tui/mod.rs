//! The dashboard of `train --tui`: a thread of its own draws what the run's events have told, and hears the keys.

mod charts;
mod draw;
#[cfg(test)]
mod drawn;
mod view;

use std::io::{self, BufWriter, Stderr, stderr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Context;
use osteon_train::{EpochRecord, Event, Observer};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use self::draw::draw;
use self::view::{Phase, View};
use crate::stop::Stop;

/// The dashboard of a run; `history` are epochs that a resumed run has behind it.
pub fn start(
    run: &Path,
    epochs: u64,
    history: Vec<EpochRecord>,
    stop: Stop,
) -> anyhow::Result<Dashboard> {
    let view = View::new(&run.display().to_string(), epochs, history);
    Dashboard::start(view, stop)
}

type Screen = Terminal<CrosstermBackend<BufWriter<Stderr>>>;

/// Between two looks at the keys, and two pictures.
const TICK: Duration = Duration::from_millis(150);

/// Whether the terminal is ours: in raw mode and on its alternate screen.
static UP: AtomicBool = AtomicBool::new(false);
/// Held while a picture is drawn, so that none is drawn onto the terminal given back.
static DRAWING: Mutex<()> = Mutex::new(());

/// Whether a dashboard has the terminal.
pub fn is_up() -> bool {
    UP.load(Ordering::SeqCst)
}

/// Gives the terminal back as it was, if a dashboard has it. Safe to call from anywhere, a panic included.
pub fn restore() {
    if !UP.swap(false, Ordering::SeqCst) {
        return;
    }
    // Waits for a picture being drawn, but not for ever: it may be that drawing which panicked.
    for _ in 0..50 {
        let Err(std::sync::TryLockError::WouldBlock) = DRAWING.try_lock() else {
            break;
        };
        std::thread::sleep(Duration::from_millis(4));
    }
    // Nothing is left to be done about an error here.
    let _ = execute!(
        stderr(),
        LeaveAlternateScreen,
        ratatui::crossterm::cursor::Show
    );
    let _ = disable_raw_mode();
}

/// A panic is read on the terminal as it was, not on a screen that vanishes.
fn restore_on_panic() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            before(info);
        }));
    });
}

/// What the thread and the observer share.
struct Shared {
    view: Mutex<View>,
    films_read: AtomicU64,
    start: Instant,
    over: AtomicBool,
    stop: Stop,
}

impl Shared {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An observer that draws a dashboard; dropped, it gives the terminal back and leaves the run's lines on it.
pub struct Dashboard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Dashboard {
    /// Takes the terminal.
    pub fn start(view: View, stop: Stop) -> anyhow::Result<Self> {
        restore_on_panic();
        enable_raw_mode().context("the terminal refuses the dashboard; leave out --tui")?;
        UP.store(true, Ordering::SeqCst);
        let shared = Arc::new(Shared {
            view: Mutex::new(view),
            films_read: AtomicU64::new(0),
            start: Instant::now(),
            over: AtomicBool::new(false),
            stop,
        });
        // From here on dropping it gives the terminal back, whatever fails.
        let mut dashboard = Self {
            shared,
            thread: None,
        };
        execute!(stderr(), EnterAlternateScreen)?;
        let mut screen = blank()?;
        let shared = Arc::clone(&dashboard.shared);
        let thread = std::thread::Builder::new().name("dashboard".to_owned());
        dashboard.thread = Some(thread.spawn(move || look(&shared, &mut screen))?);
        Ok(dashboard)
    }
}

impl Observer for Dashboard {
    fn on(&mut self, event: &Event<'_>) {
        if matches!(event, Event::Reading { .. }) {
            self.shared.films_read.store(0, Ordering::Relaxed);
        }
        let now = self.shared.start.elapsed();
        self.shared.view().take(event, now);
    }

    fn film_read(&self) {
        self.shared.films_read.fetch_add(1, Ordering::Relaxed);
    }

    fn is_in_haste(&self) -> bool {
        self.shared.stop.is_in_haste()
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of it was told when it happened.
            let _ = thread.join();
        }
        restore();
        for line in self.shared.view().lines() {
            eprintln!("{line}");
        }
    }
}

/// An empty screen, all of which is drawn next. `Terminal::clear` would ask where the cursor is, and fail where nobody answers.
fn blank() -> io::Result<Screen> {
    execute!(stderr(), Clear(ClearType::All))?;
    Terminal::new(CrosstermBackend::new(BufWriter::new(stderr())))
}

/// Draws and hears keys until the run is over or the terminal is given back.
fn look(shared: &Shared, screen: &mut Screen) {
    while !shared.over.load(Ordering::Relaxed) {
        {
            let _drawing = DRAWING.lock().unwrap_or_else(PoisonError::into_inner);
            if !is_up() {
                return;
            }
            let now = shared.start.elapsed();
            let mut view = shared.view();
            view.stopping = shared.stop.is_asked();
            if let Phase::Reading { done, .. } = &mut view.phase {
                *done = shared.films_read.load(Ordering::Relaxed) as usize;
            }
            // A terminal that cannot be drawn to now may be there again in the next tick.
            let _ = screen.draw(|frame| draw(frame, &mut view, now));
        }
        match event::poll(TICK) {
            Ok(true) => {
                if let Ok(event::Event::Key(key)) = event::read()
                    && key.kind == KeyEventKind::Press
                {
                    press(shared, key, screen);
                }
            }
            Ok(false) => {}
            // No keys to be had: the picture goes on without.
            Err(_) => std::thread::sleep(TICK),
        }
    }
}

fn press(shared: &Shared, key: KeyEvent, screen: &mut Screen) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => shared.stop.ask_in_haste(),
        KeyCode::Char('q') => shared.stop.ask_in_haste(),
        // Not a second time: that would end it without the judgement that is asked for.
        KeyCode::Char('v') if !shared.stop.is_asked() => shared.stop.ask(),
        // Something else wrote onto the screen.
        KeyCode::Char('l') if control => {
            if let Ok(fresh) = blank() {
                *screen = fresh;
            }
        }
        KeyCode::Up | KeyCode::Char('k') => shared.view().scroll_by(1),
        KeyCode::Down | KeyCode::Char('j') => shared.view().scroll_by(-1),
        KeyCode::PageUp => shared.view().scroll_by(10),
        KeyCode::PageDown => shared.view().scroll_by(-10),
        KeyCode::End => shared.view().scroll = 0,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Not for itself: what [`a_panic_is_read_on_the_terminal_as_it_was`] runs on a terminal.
    #[test]
    #[ignore = "panics; another test runs it on a terminal"]
    fn panics() {
        let view = View::new("runs/none", 1, Vec::new());
        let _dashboard = Dashboard::start(view, Stop::default()).expect("takes the terminal");
        std::thread::sleep(2 * TICK);
        panic!("in the middle of a step");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_panic_is_read_on_the_terminal_as_it_was() {
        let program = std::env::current_exe().expect("is there");
        let name = "progress::tui::tests::panics";
        let line = format!(
            "'{}' --exact {name} --ignored --nocapture; stty -a",
            program.display()
        );
        let script = Command::new("script")
            .args(["--quiet", "--flush", "--command", &line, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("TERM", "xterm-256color")
            .stdin(Stdio::null())
            .output();
        let Ok(script) = script else {
            println!("skipped: there is no `script`");
            return;
        };
        let shown = String::from_utf8_lossy(&script.stdout);
        let leave = shown
            .find("\u{1b}[?1049l")
            .unwrap_or_else(|| panic!("gives it back: {shown}"));
        let (before, after) = shown.split_at(leave);
        assert!(before.contains("\u{1b}[?1049h"), "{shown}");
        assert!(!before.contains("in the middle of a step"), "{shown}");
        assert!(after.contains("in the middle of a step"), "{shown}");
        assert!(
            after.contains(" icanon") && after.contains(" echo "),
            "{shown}"
        );
    }
}
