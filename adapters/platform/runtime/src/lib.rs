//! What every binary does: configuration, command line, logger, clock, ids, start and ordered stop.
//!
//! A `bootstrap/<context>` declares its variables once; help, schema, defaults and checks come from there:
//!
//! ```text
//! pub struct Config { pub common: CommonConfig, pub home: HomeConfig, pub grpc_port: u16 }
//!
//! impl Configuration for Config {
//!     fn declare(settings: &mut Settings) -> Self {
//!         let common = CommonConfig::declare(settings, 8080);
//!         let home = HomeConfig::declare(settings);
//!         Self { common, home, grpc_port: settings.number("GRPC_PORT", 50050, "gRPC port") }
//!     }
//!     fn common(&self) -> &CommonConfig { &self.common }
//! }
//! ```
//!
//! Its `main.rs` is one call, and `server.rs` builds what runs:
//!
//! ```text
//! const ABOUT: About = About { name: "product-service", version: env!("CARGO_PKG_VERSION"), description: "Products and stock" };
//!
//! fn main() -> ExitCode { Program::new(ABOUT, server::start).main() }
//!
//! pub async fn start(config: Config, logger: Logger) -> Result<Running, BoxError> {
//!     let http = HttpServer::new(..).routes(..).health(health.clone()).bind(listen(config.common.port)?)?;
//!     let (stop, stopped) = tokio::sync::oneshot::channel::<()>();       // resolves when `stop` is dropped
//!     let grpc = GrpcServer::new(..).start(listen(config.grpc_port)?, health.ready(), stopped.map(drop)).await?;
//!     Ok(Running::new()
//!         .not_ready(move || health.stop())
//!         .server("http", http.addr(), move |within| http.stop(within))
//!         .server("grpc", grpc.local_addr(), move |_| async move { drop(stop); let _ = grpc.stopped().await; })
//!         .worker("relay", move |stop| relay.run(stop)))
//! }
//! ```
//!
//! A test calls `start` with `Settings::from_pairs` and port 0, then `running.launch(..)`, `addr("http")` and `stop()`.
//!
//! The runtime is a multi-threaded Tokio one, built here. actix needs no system of its own in it: its server starts
//! worker threads, each with a current-thread runtime.

mod clock;
mod command_line;
mod common;
mod running;
mod service;
mod settings;
mod signals;

pub use clock::{SystemClock, UuidV7Generator};
pub use command_line::JobArgument;
pub use common::{CommonConfig, Environment, EventsHome, HomeConfig, StorageHome};
pub use running::{Launched, Outcome, Running, StopSignal};
pub use service::{About, Configuration, Program, listen};
pub use settings::{Secret, Settings, SettingsError, Variable, duration};
