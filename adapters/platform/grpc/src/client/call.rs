//! Which method is called, and whether it may be repeated.

/// One method of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    method: &'static str,
    repeatable: bool,
}

impl Call {
    /// A method that may be repeated: a read, or one that recognises the repeat.
    pub const fn safe(method: &'static str) -> Self {
        Self { method, repeatable: true }
    }

    /// A method that must be sent once only.
    pub const fn once(method: &'static str) -> Self {
        Self { method, repeatable: false }
    }

    /// The method's name, for metrics and errors.
    pub const fn method(self) -> &'static str {
        self.method
    }

    /// Whether it may be repeated.
    pub const fn is_repeatable(self) -> bool {
        self.repeatable
    }
}
