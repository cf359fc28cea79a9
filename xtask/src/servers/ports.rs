//! Ports of servers: free ones below those that the system gives to clients, never the same one twice.

use super::secret;
use crate::failure::{Context, Failure, Outcome};
use crate::workspace;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Linux gives clients 32768 and up; a server there could find its port taken by a connection to somebody else.
const RANGE: Range<u16> = 20_000..32_000;

/// So many ports for the instance in that folder, for as long as the folder is there.
///
/// A file per port says who has it, because a server that is being set up does not listen yet.
pub(super) fn reserve(instance: &Path, count: usize) -> Outcome<Vec<u16>> {
    reserve_in(&registry(), instance, count)
}

/// What [`reserve`] gave to that instance is free again.
pub(super) fn release(instance: &Path) {
    let owned = |path: &PathBuf| owner(path).is_some_and(|owner| owner == instance);
    let entries = fs::read_dir(registry()).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(owned).for_each(|path| drop(fs::remove_file(path)));
}

fn reserve_in(registry: &Path, instance: &Path, count: usize) -> Outcome<Vec<u16>> {
    fs::create_dir_all(registry).context(|| format!("creating {}", registry.display()))?;
    let _turn = lock(&registry.join("lock"))?;
    let mut ports = Vec::new();
    for _ in 0..20_000 {
        if ports.len() == count {
            return Ok(ports);
        }
        let port = candidate()?;
        let file = registry.join(port.to_string());
        if !promised(&file) && free(port) {
            fs::write(&file, instance.as_os_str().as_encoded_bytes())
                .context(|| format!("writing {}", file.display()))?;
            ports.push(port);
        }
    }
    Err(Failure::new(format!("no {count} free ports from {} to {}", RANGE.start, RANGE.end)))
}

/// Held until the file is dropped.
pub(super) fn lock(path: &Path) -> Outcome<File> {
    let file = File::options().create(true).append(true).open(path);
    let file = file.context(|| format!("opening {}", path.display()))?;
    file.lock().context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

fn registry() -> PathBuf {
    workspace::target().join("servers/ports")
}

fn candidate() -> Outcome<u16> {
    let width = u64::from(RANGE.end - RANGE.start);
    let offset = u16::try_from(secret::number()? % width).unwrap_or_default();
    Ok(RANGE.start + offset)
}

/// An instance that is gone keeps no ports.
fn promised(file: &Path) -> bool {
    owner(file).is_some_and(|instance| instance.exists())
}

fn owner(file: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(file).ok()?;
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// Whether nobody listens and no connection holds it.
pub(super) fn free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::thread;

    #[test]
    fn nobody_gets_a_port_twice() {
        let folder = tempfile::tempdir().unwrap();
        let registry = folder.path().join("ports");
        let reserve = || reserve_in(&registry, folder.path(), 50).unwrap();
        let ports: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(reserve)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 200);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
    }

    #[test]
    fn a_port_of_an_instance_that_is_gone_may_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("20000");
        fs::write(&file, folder.path().as_os_str().as_encoded_bytes()).unwrap();
        assert!(promised(&file));
        fs::write(&file, "/no/such/folder").unwrap();
        assert!(!promised(&file));
    }
}
