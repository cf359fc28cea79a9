//! Colour, only where a person looks: on a terminal, and not when `NO_COLOR` is set.

use std::io::{IsTerminal, stdout};
use std::sync::OnceLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
    Magenta,
    Cyan,
    Dim,
    Bold,
}

/// The text in that colour, or as it is when nobody looks.
pub(crate) fn paint(colour: Colour, text: &str) -> String {
    if coloured() { wrap(colour, text) } else { text.to_owned() }
}

/// Whether standard output is a terminal.
pub(crate) fn terminal() -> bool {
    stdout().is_terminal()
}

/// Prints a line and goes on when nobody reads it any more: a closed pipe must not keep services from being
/// stopped.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        drop(writeln!(std::io::stdout(), $($argument)*));
    }};
}
pub(crate) use say;

fn coloured() -> bool {
    static COLOURED: OnceLock<bool> = OnceLock::new();
    *COLOURED.get_or_init(|| terminal() && std::env::var_os("NO_COLOR").is_none())
}

fn wrap(colour: Colour, text: &str) -> String {
    let code = match colour {
        Colour::Red => 31,
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Blue => 34,
        Colour::Magenta => 35,
        Colour::Cyan => 36,
        Colour::Dim => 2,
        Colour::Bold => 1,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_reset_after_the_text() {
        assert_eq!(wrap(Colour::Red, "x"), "\x1b[31mx\x1b[0m");
    }
}
