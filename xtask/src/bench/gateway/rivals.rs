//! The backend, and every proxy in front of it.
//!
//! Each has two workers, keeps its connections to the backend, strips `/api` and writes what its users get by default. The
//! gateway has everything switched on that a deployment has: tokens, limits (out of reach), breakers, probes, its access
//! log. `nginx-alike` is nginx with as much of that as a stock one can do; [`configs`] says what that is.

mod configs;
mod process;

use self::process::{Child, free_ports};
use super::cases::{Case, LARGE, Protocol};
use crate::failure::{Context, Failure, Outcome};
use crate::paint::{Colour, paint, say};
use crate::servers::Certificates;
use crate::{build, catalogue, identity, servers, shell, workspace};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// What clients send besides the request line, to every proxy.
static HEADERS: OnceLock<Vec<String>> = OnceLock::new();

pub(super) fn headers() -> &'static [String] {
    HEADERS.get().map(Vec::as_slice).unwrap_or_default()
}

/// One proxy at work.
pub(super) struct Rival {
    name: &'static str,
    plain: u16,
    tls: Option<u16>,
    http2: bool,
    /// The process for clients without TLS, and for those with it where that is another.
    process: Child,
    process_tls: Option<Child>,
    prefix: &'static str,
}

impl Rival {
    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    /// Where the case goes; `None` where the proxy does not speak it.
    pub(super) fn url(&self, case: Case) -> Option<String> {
        let path = format!("{}{}", self.prefix, case.path);
        match case.protocol {
            Protocol::Http1 => Some(format!("http://127.0.0.1:{}{path}", self.plain)),
            Protocol::Http2 if !self.http2 => None,
            Protocol::Tls | Protocol::Http2 => Some(format!("https://127.0.0.1:{}{path}", self.tls?)),
        }
    }

    /// The process that answers the case.
    pub(super) fn pid(&self, case: Case) -> u32 {
        match (case.protocol, &self.process_tls) {
            (Protocol::Tls | Protocol::Http2, Some(process)) => process.pid(),
            _ => self.process.pid(),
        }
    }
}

/// Backend and proxies; gone when dropped.
pub(super) struct Bench {
    rivals: Vec<Rival>,
    _backend: Child,
}

impl Bench {
    pub(super) fn start(folder: &Path, beside: Option<&[String]>) -> Outcome<Self> {
        let wanted = |name: &str| beside.is_none_or(|names| names.iter().any(|named| named == name));
        servers::tools(&[("nginx", "nginx-light"), ("haproxy", "haproxy")])?;
        let certificates = Certificates::provide(folder)?;
        let (backend, port) = backend(folder)?;
        let place = Place { folder, certificates: &certificates, backend: port };
        let mut rivals = vec![direct(port, &backend)];
        if wanted("nginx") {
            rivals.push(place.nginx()?);
        }
        if wanted("nginx-alike") {
            rivals.push(place.nginx_alike()?);
        }
        if wanted("haproxy") {
            rivals.push(place.haproxy()?);
        }
        if wanted("fiber") {
            rivals.extend(place.fiber()?);
        }
        rivals.push(place.gateway()?);
        Ok(Self { rivals, _backend: backend })
    }

    pub(super) fn rivals(&self) -> &[Rival] {
        &self.rivals
    }
}

/// The backend without anything before it: what the machine gives at most.
fn direct(port: u16, backend: &Child) -> Rival {
    Rival {
        name: "none",
        plain: port,
        tls: None,
        http2: false,
        process: backend.watched(),
        process_tls: None,
        prefix: "",
    }
}

fn backend(folder: &Path) -> Outcome<(Child, u16)> {
    let [port] = free_ports()?;
    let file = folder.join("large.bin");
    fs::write(&file, vec![b'x'; 1024 * 1024]).context(|| format!("writing {}", file.display()))?;
    let text = configs::backend(folder, port, &file);
    let child = nginx("backend", folder, &text)?;
    child.answers(port, LARGE, &[])?;
    Ok((child, port))
}

fn nginx(name: &'static str, folder: &Path, text: &str) -> Outcome<Child> {
    let file = folder.join(format!("{name}.conf"));
    fs::write(&file, text).context(|| format!("writing {}", file.display()))?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&file).arg("-p").arg(folder).args(["-e", "stderr"]);
    Child::start(name, folder, command)
}

/// Where proxies are set up.
struct Place<'a> {
    folder: &'a Path,
    certificates: &'a Certificates,
    backend: u16,
}

impl Place<'_> {
    fn nginx(&self) -> Outcome<Rival> {
        self.nginx_with("nginx", configs::nginx)
    }

    fn nginx_alike(&self) -> Outcome<Rival> {
        self.nginx_with("nginx-alike", configs::nginx_alike)
    }

    fn nginx_with(&self, name: &'static str, config: configs::Nginx) -> Outcome<Rival> {
        let [plain, tls] = free_ports()?;
        let text = config(self.folder, self.certificates, self.backend, plain, tls);
        let process = nginx(name, self.folder, &text)?;
        Self::ready(Rival {
            name,
            plain,
            tls: Some(tls),
            http2: true,
            process,
            process_tls: None,
            prefix: "/api",
        })
    }

    fn haproxy(&self) -> Outcome<Rival> {
        let [plain, tls] = free_ports()?;
        let pem = self.folder.join("haproxy.pem");
        let read = |path: &Path| fs::read_to_string(path).context(|| format!("reading {}", path.display()));
        let both = read(self.certificates.certificate())? + &read(self.certificates.key())?;
        fs::write(&pem, both).context(|| format!("writing {}", pem.display()))?;
        let file = self.folder.join("haproxy.cfg");
        let text = configs::haproxy(&pem, self.backend, plain, tls);
        fs::write(&file, text).context(|| format!("writing {}", file.display()))?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&file);
        let process = Child::start("haproxy", self.folder, command)?;
        Self::ready(Rival {
            name: "haproxy",
            plain,
            tls: Some(tls),
            http2: true,
            process,
            process_tls: None,
            prefix: "/api",
        })
    }

    /// None without Go.
    fn fiber(&self) -> Outcome<Option<Rival>> {
        if shell::which("go").is_none() {
            say!("{} no Fiber: Go is not installed", paint(Colour::Yellow, "–"));
            return Ok(None);
        }
        let program = self.folder.join("fiber");
        let source = workspace::root().join("xtask/src/bench/gateway/fiber");
        let mut build = Command::new("go");
        build.args(["build", "-o"]).arg(&program).arg(".").current_dir(source).env("CGO_ENABLED", "0");
        shell::output(&mut build)?;
        let [plain, tls] = free_ports()?;
        let mut command = Command::new(program);
        command
            .env("BACKEND", format!("http://127.0.0.1:{}", self.backend))
            .env("PLAIN", format!("127.0.0.1:{plain}"))
            .env("TLS", format!("127.0.0.1:{tls}"))
            .env("CERT", self.certificates.certificate())
            .env("KEY", self.certificates.key())
            .env("GOMAXPROCS", "2");
        let process = Child::start("fiber", self.folder, command)?;
        let rival = Rival {
            name: "fiber",
            plain,
            tls: Some(tls),
            http2: false,
            process,
            process_tls: None,
            prefix: "/api",
        };
        Self::ready(rival).map(Some)
    }

    fn gateway(&self) -> Outcome<Rival> {
        let mut addresses = catalogue::addresses(&[]);
        addresses.retain(|address| address.service.name == "gateway");
        build::services(&addresses, true, &crate::interrupt::Interrupt::default())?;
        let identity = identity::Development::provide(self.folder)?;
        let token = identity.token("bench", &[], Duration::from_hours(24))?;
        drop(HEADERS.set(vec![format!("Authorization: Bearer {token}")]));
        let [plain, tls, admin, admin_tls, grpc, grpc_tls] = free_ports()?;
        let process = self.gateway_at("gateway", &identity, [plain, admin, grpc], &[])?;
        let files =
            [("TLS_CERT_FILE", self.certificates.certificate()), ("TLS_KEY_FILE", self.certificates.key())];
        let process_tls = self.gateway_at("gateway-tls", &identity, [tls, admin_tls, grpc_tls], &files)?;
        Self::ready(Rival {
            name: "gateway",
            plain,
            tls: Some(tls),
            http2: true,
            process,
            process_tls: Some(process_tls),
            prefix: "/api",
        })
    }

    fn gateway_at(
        &self,
        name: &'static str,
        identity: &identity::Development,
        [port, admin, grpc]: [u16; 3],
        files: &[(&str, &Path)],
    ) -> Outcome<Child> {
        let mut command = Command::new(workspace::binaries(true).join("gateway-service"));
        let backend = format!("http://127.0.0.1:{}", self.backend);
        for service in ["PRODUCT", "BASKET", "PAYMENT", "NOTIFICATION"] {
            command.env(format!("{service}_SERVICE_URLS"), &backend);
        }
        command
            .envs(identity.variables())
            .envs(files.iter().copied())
            .envs(
                [("PORT", port), ("ADMIN_PORT", admin), ("GRPC_PORT", grpc)]
                    .map(|(name, port)| (name, port.to_string())),
            )
            .envs(configs::GATEWAY.iter().copied());
        Child::start(name, self.folder, command)
    }

    /// Waits until it answers as the backend does.
    fn ready(rival: Rival) -> Outcome<Rival> {
        let path = format!("{}{LARGE}", rival.prefix);
        rival.process.answers(rival.plain, &path, headers())?;
        match rival.tls {
            Some(port) => rival.process.listens(port)?,
            None => return Err(Failure::new(format!("{} has no TLS", rival.name))),
        }
        Ok(rival)
    }
}
