//! What one service says: a coloured prefix on the terminal, a file to read later, the last lines for messages.

use crate::catalogue::{Address, SERVICES};
use crate::failure::{Context, Outcome};
use crate::paint::{Colour, paint, say};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

pub(super) struct Journal {
    prefix: String,
    file: File,
    last: VecDeque<String>,
}

impl Journal {
    const KEPT: usize = 20;

    /// Starts the log file of that process in `folder` anew.
    pub(super) fn open(address: &Address, folder: &Path) -> Outcome<Self> {
        let (service, name) = (address.service.name, address.name());
        let path = folder.join(format!("{name}.log"));
        let file = File::create(&path).context(|| format!("creating {}", path.display()))?;
        Ok(Self { prefix: prefix(service, &name), file, last: VecDeque::new() })
    }

    /// Keeps the line, and shows it when somebody watches.
    pub(super) fn add(&mut self, line: String, show: bool) {
        drop(writeln!(self.file, "{line}"));
        if show {
            say!("{}{line}", self.prefix);
        }
        self.last.push_back(line);
        if self.last.len() > Self::KEPT {
            self.last.pop_front();
        }
    }

    /// What we have to say about the service, between its own lines.
    pub(super) fn note(&self, colour: Colour, text: &str) {
        say!("{}{}", self.prefix, paint(colour, text));
    }

    pub(super) fn last_lines(&self) -> String {
        self.last.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
    }
}

fn prefix(service: &str, name: &str) -> String {
    paint(colour(service), &format!("{name:<14} │ "))
}

/// Each service keeps its colour from run to run.
pub(super) fn colour(service: &str) -> Colour {
    const WHEEL: [Colour; 6] =
        [Colour::Yellow, Colour::Green, Colour::Cyan, Colour::Magenta, Colour::Blue, Colour::Bold];
    let place = SERVICES.iter().position(|known| known.name == service).unwrap_or_default();
    WHEEL[place % WHEEL.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn lines_go_to_the_file_and_the_last_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let all = catalogue::replicated(&catalogue::addresses(&[]), &["product=2".parse().unwrap()]).unwrap();
        let second = all.iter().find(|address| address.name() == "product-2").unwrap();
        let mut journal = Journal::open(second, folder.path()).unwrap();
        (0..30).for_each(|number| journal.add(format!("line {number}"), false));
        let file = std::fs::read_to_string(folder.path().join("product-2.log")).unwrap();
        assert_eq!(file.lines().count(), 30);
        assert!(journal.last_lines().starts_with("    line 10\n"));
        assert!(journal.last_lines().ends_with("line 29"));
    }

    #[test]
    fn prefixes_line_up_and_colours_differ() {
        let widths = SERVICES.each_ref().map(|service| prefix(service.name, service.name).chars().count());
        assert!(widths.iter().all(|width| *width == widths[0]));
        let mut colours = SERVICES.each_ref().map(|service| format!("{:?}", colour(service.name)));
        colours.sort();
        assert!(colours.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
