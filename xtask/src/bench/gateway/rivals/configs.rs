//! What each proxy is told.

mod alike;

pub(super) use self::alike::nginx as nginx_alike;
use crate::servers::Certificates;
use std::path::Path;

/// Writes what an nginx is told, from the run's folder, the certificates, the backend's port, and those for clients
/// without and with TLS.
pub(super) type Nginx = fn(&Path, &Certificates, u16, u16, u16) -> String;

/// As the shop shows a product.
const PRODUCT: &str = r#"{"id":7,"name":"Coffee grinder","description":"Conical burrs, forty settings, and a box for the beans","price":"129.90","stock_quantity":40,"available_quantity":38,"category":"kitchen","image_url":null,"created_at":"2026-01-02T10:15:30.123456Z","updated_at":"2026-01-02T10:15:30.123456Z","version":3}"#;

/// Out of reach: for an address in a second, at once for an address, under way to one backend, under way in all.
const REQUESTS: &str = "1000000";
const BURST: &str = "1000000";
const UPSTREAM_IN_FLIGHT: &str = "4096";
const IN_FLIGHT: &str = "8192";

/// Everything on, and nothing in the way of a load from one address.
pub(super) const GATEWAY: [(&str, &str); 8] = [
    ("LOG_FORMAT", "json"),
    ("RATE_LIMIT_REQUESTS", REQUESTS),
    ("RATE_LIMIT_WINDOW", "1s"),
    ("RATE_LIMIT_BURST", BURST),
    ("UPSTREAM_MAX_IN_FLIGHT", UPSTREAM_IN_FLIGHT),
    ("UPSTREAM_MAX_WAITING", "4096"),
    ("MAX_IN_FLIGHT", IN_FLIGHT),
    ("ENVIRONMENT", "development"),
];

pub(super) fn backend(folder: &Path, port: u16, large: &Path) -> String {
    let events = events(1);
    let (pid, large) = (folder.join("backend.pid"), large.display());
    format!(
        r"{events}
pid {};
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
    sendfile on;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location = /products/7 {{ default_type application/json; return 200 '{PRODUCT}'; }}
        location = /products/8 {{ default_type application/octet-stream; alias {large}; }}
        location /health {{ return 200 'ok'; }}
    }}
}}
",
        pid.display()
    )
}

pub(super) fn nginx(
    folder: &Path,
    certificates: &Certificates,
    backend: u16,
    plain: u16,
    tls: u16,
) -> String {
    let events = events(2);
    let (pid, log) = (folder.join("nginx.pid"), folder.join("nginx-access.log"));
    format!(
        r#"{events}
pid {};
http {{
    log_format line '$remote_addr "$request" $status $body_bytes_sent $request_time $upstream_response_time $request_id';
    access_log {} line buffer=64k;
    keepalive_requests 1000000000;
    upstream backend {{ server 127.0.0.1:{backend}; keepalive 2048; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{plain} backlog=8192;
        listen 127.0.0.1:{tls} ssl http2 backlog=8192;
        ssl_certificate {};
        ssl_certificate_key {};
        location /api/ {{
            proxy_pass http://backend/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Request-Id $request_id;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"#,
        pid.display(),
        log.display(),
        certificates.certificate().display(),
        certificates.key().display()
    )
}

pub(super) fn haproxy(pem: &Path, backend: u16, plain: u16, tls: u16) -> String {
    let pem = pem.display();
    format!(
        r"global
    nbthread 2
    maxconn 8192
defaults
    mode http
    option forwardfor
    http-reuse always
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend plain
    bind 127.0.0.1:{plain} backlog 8192
    bind 127.0.0.1:{tls} ssl crt {pem} alpn h2,http/1.1 backlog 8192
    http-request replace-path /api/(.*) /\1
    unique-id-format %[uuid]
    unique-id-header X-Request-Id
    default_backend shop
backend shop
    server one 127.0.0.1:{backend} pool-max-conn 4096
"
    )
}

/// As root, nginx's workers would not be allowed into the folder of the run.
fn events(workers: u32) -> String {
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    format!(
        "{user}daemon off;\nworker_processes {workers};\nworker_rlimit_nofile 16384;\nevents {{ worker_connections 8192; }}"
    )
}
