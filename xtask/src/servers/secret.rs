//! Passwords and chance, from the system.

use crate::failure::{Context, Outcome};
use std::fs::{self, File, Permissions};
use std::io::{Read, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Hexadecimal, so that it needs no quoting in URLs, files or SQL.
pub(super) fn password() -> Outcome<String> {
    Ok(format!("{:016x}{:016x}", number()?, number()?))
}

pub(super) fn number() -> Outcome<u64> {
    let mut bytes = [0; 8];
    let read = File::open("/dev/urandom").and_then(|mut source| source.read_exact(&mut bytes));
    read.context(|| "reading /dev/urandom".to_owned())?;
    Ok(u64::from_ne_bytes(bytes))
}

/// Writes a file that only its owner may read.
pub(crate) fn write(path: &Path, text: &str) -> Outcome {
    let doing = || format!("writing {}", path.display());
    let mut file = File::options();
    let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(path).context(doing)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).context(doing)?;
    file.write_all(text.as_bytes()).context(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_differ() {
        let (one, two) = (password().unwrap(), password().unwrap());
        assert_ne!(one, two);
        assert!(one.len() == 32 && one.chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn secrets_are_for_the_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, "old and longer").unwrap();
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
