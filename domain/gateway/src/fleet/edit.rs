//! A change to one setting that lies over a configured one.

/// What to do with a setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edit<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is as configured again.
    Reset,
    /// It is this from now on.
    Set(T),
}

impl<T> Edit<T> {
    /// What lies over the configured setting, where that was `current` before.
    pub fn over(self, current: Option<T>) -> Option<T> {
        match self {
            Self::Keep => current,
            Self::Reset => None,
            Self::Set(value) => Some(value),
        }
    }

    /// The same, with the value read by `read`.
    pub fn try_map<U, E>(self, read: impl FnOnce(T) -> Result<U, E>) -> Result<Edit<U>, E> {
        Ok(match self {
            Self::Keep => Edit::Keep,
            Self::Reset => Edit::Reset,
            Self::Set(value) => Edit::Set(read(value)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_kept_given_back_or_set() {
        assert_eq!(Edit::Keep.over(Some(1)), Some(1));
        assert_eq!(Edit::Reset.over(Some(1)), None);
        assert_eq!(Edit::Set(2).over(Some(1)), Some(2));
        assert_eq!(Edit::Set("7").try_map(str::parse), Ok(Edit::Set(7)));
        assert!(Edit::Set("x").try_map(str::parse::<u8>).is_err());
        assert_eq!(Edit::<&str>::Reset.try_map(str::parse::<u8>), Ok(Edit::Reset));
    }
}
