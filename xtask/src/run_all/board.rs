//! One line per service while we wait: redrawn in place on a terminal, printed at each change elsewhere.

use super::journal;
use crate::paint::{Colour, paint, say, terminal};
use std::io::{Write as _, stdout};

/// A line on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) service: &'static str,
    /// Of the process, which may be one of several.
    pub(crate) name: String,
    pub(crate) ready: bool,
    pub(crate) text: String,
}

#[derive(Default)]
pub(crate) struct Board {
    shown: Vec<Row>,
    frame: usize,
}

impl Board {
    pub(crate) fn draw(&mut self, rows: Vec<Row>) {
        if terminal() {
            self.redraw(&rows);
        } else {
            changed(&self.shown, &rows)
                .for_each(|row| say!("{}", line(row, if row.ready { "✓" } else { "…" })));
        }
        self.shown = rows;
    }

    /// Other lines got in between: the next drawing starts below them.
    pub(crate) fn start_over(&mut self) {
        self.shown.clear();
    }

    fn redraw(&mut self, rows: &[Row]) {
        const WHEEL: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
        self.frame = (self.frame + 1) % WHEEL.len();
        if !self.shown.is_empty() {
            drop(write!(stdout(), "\x1b[{}A", self.shown.len()));
        }
        for row in rows {
            let mark = if row.ready {
                paint(Colour::Green, "✓")
            } else {
                paint(Colour::Yellow, WHEEL[self.frame])
            };
            say!("\r\x1b[2K{}", line(row, &mark));
        }
    }
}

/// The rows that are not as they were.
fn changed<'a>(before: &'a [Row], now: &'a [Row]) -> impl Iterator<Item = &'a Row> {
    now.iter().enumerate().filter(|(place, row)| before.get(*place) != Some(row)).map(|(_, row)| row)
}

fn line(row: &Row, mark: &str) -> String {
    let name = paint(journal::colour(row.service), &format!("{:<16}", row.name));
    format!("  {mark} {name}{}", row.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &'static str, text: &str) -> Row {
        Row { service: name, name: name.to_owned(), ready: false, text: text.to_owned() }
    }

    #[test]
    fn only_changes_are_printed_without_a_terminal() {
        let before = [row("product", "starting"), row("basket", "starting")];
        let now = [row("product", "starting"), row("basket", "ready")];
        assert_eq!(changed(&before, &now).collect::<Vec<_>>(), [&now[1]]);
        assert_eq!(changed(&[], &now).count(), 2);
    }
}
