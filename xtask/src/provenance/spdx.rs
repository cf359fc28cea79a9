//! SPDX licence expressions, as far as crates use them: identifiers, `WITH`, `AND`, `OR`, parentheses, and the old
//! `/`, which means `OR`.

/// Whether the expression can be met with licences that `allowed` takes; `A WITH B` is asked for as one.
pub(super) fn satisfied(expression: &str, allowed: impl Fn(&str) -> bool) -> Result<bool, String> {
    let mut reader = Reader { tokens: tokens(expression), place: 0, allowed };
    let verdict = reader.either()?;
    match reader.next() {
        None => Ok(verdict),
        Some(rest) => Err(format!("`{rest}` is unexpected")),
    }
}

/// By descent, `AND` before `OR`. Both sides are always read, so that every expression is checked to its end.
struct Reader<'a, F> {
    tokens: Vec<&'a str>,
    place: usize,
    allowed: F,
}

impl<'a, F: Fn(&str) -> bool> Reader<'a, F> {
    fn either(&mut self) -> Result<bool, String> {
        let mut verdict = self.both()?;
        while self.take("OR") || self.take("/") {
            verdict |= self.both()?;
        }
        Ok(verdict)
    }

    fn both(&mut self) -> Result<bool, String> {
        let mut verdict = self.one()?;
        while self.take("AND") {
            verdict &= self.one()?;
        }
        Ok(verdict)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.take("(") {
            let verdict = self.either()?;
            return if self.take(")") { Ok(verdict) } else { Err("a parenthesis is left open".to_owned()) };
        }
        let licence = self.identifier()?;
        if self.take("WITH") {
            let exception = self.identifier()?;
            return Ok((self.allowed)(&format!("{licence} WITH {exception}")));
        }
        Ok((self.allowed)(licence))
    }

    fn identifier(&mut self) -> Result<&'a str, String> {
        let token = self.next().ok_or("it ends too early")?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-.+:".contains(c);
        let operator = ["AND", "OR", "WITH"].contains(&token);
        if operator || !token.chars().all(fits) { Err(format!("`{token}` is unexpected")) } else { Ok(token) }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.tokens.get(self.place) == Some(&token);
        self.place += usize::from(found);
        found
    }

    fn next(&mut self) -> Option<&'a str> {
        let token = self.tokens.get(self.place).copied();
        self.place += 1;
        token
    }
}

fn tokens(expression: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in expression.split_whitespace() {
        let pieces = word.split_inclusive(['(', ')', '/']);
        for piece in pieces {
            let text = piece.trim_end_matches(['(', ')', '/']);
            tokens.extend([text, &piece[text.len()..]].into_iter().filter(|token| !token.is_empty()));
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(expression: &str) -> Result<bool, String> {
        let allowed = ["MIT", "Apache-2.0", "BSD-3-Clause", "Apache-2.0 WITH LLVM-exception"];
        satisfied(expression, |licence| allowed.contains(&licence))
    }

    #[test]
    fn expressions_are_met() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "GPL-3.0-only/MIT",
            "GPL-3.0-only / MIT",
            "(Apache-2.0 OR MIT) AND BSD-3-Clause",
            "GPL-3.0-only OR MIT AND Apache-2.0",
            "((MIT))",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(met(expression), Ok(true), "{expression}");
        }
    }

    #[test]
    fn expressions_are_not_met() {
        for expression in [
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "GPL-3.0-only OR GPL-2.0+",
            "(MIT OR GPL-3.0-only) AND GPL-3.0-only",
            "GPL-3.0-only AND MIT OR GPL-3.0-only",
            "MIT WITH LLVM-exception",
            "mit",
        ] {
            assert_eq!(met(expression), Ok(false), "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_licence() {
        for expression in [
            "",
            "MIT OR",
            "OR MIT",
            "(MIT",
            "MIT)",
            "MIT Apache-2.0",
            "MIT AND AND MIT",
            "MIT, Apache-2.0",
            "()",
        ] {
            assert!(met(expression).is_err(), "{expression}");
        }
    }
}
