//! What a stock nginx is told that is to do what the gateway does.
//!
//! It limits clients, ids and trace contexts go on, backend and client get the headers that they get from the gateway,
//! and each request is a line of JSON. What a stock nginx has no means for, it does not do: tokens, breakers with
//! half-open, probes, outlier ejection (`max_fails` does not count where there is one backend), metrics by route and
//! backend. Its `RateLimit-*` never change, and `Server` is only shorter. Simpler than it could be: one quota for all
//! requests of an address, and headers that are added without a look at those that a service has set.

use super::{BURST, IN_FLIGHT, REQUESTS, UPSTREAM_IN_FLIGHT, events};
use crate::servers::Certificates;
use std::fmt::Write as _;
use std::path::Path;

/// Services, and their routes below `/api`.
const SERVICES: [(&str, &str); 4] = [
    ("product", "/products"),
    ("basket", "/baskets"),
    ("payment", "/payments"),
    ("notification", "/notifications"),
];

/// Ids and lists that clients may have begun. An empty text is found without a regular expression.
const MAPS: &str = r#"
    map $http_x_request_id $id { "" $request_id; "~^[!-~]{1,128}$" $http_x_request_id; default $request_id; }
    map $http_traceparent $trace { "" $request_id; "~^00-(?<theirs>[0-9a-f]{32})-[0-9a-f]{16}-" $theirs; default $request_id; }
    map $request_id $span { "~^.{16}(?<half>.{16})$" $half; }
    map $http_via $via { "" "1.1 gateway"; default "$http_via, 1.1 gateway"; }
    map $http_upgrade $upgrade { "" ""; default upgrade; }
    map $https $hsts { on "max-age=31536000"; default ""; }
"#;

/// What the gateway has by default, where it is not out of reach in this bench.
const LIMITS: &str = "
        limit_req_status 429;
        limit_conn_status 503;
        client_max_body_size 1048576;
        client_header_timeout 10s;
        client_body_timeout 10s;
        send_timeout 20s;
        large_client_header_buffers 4 16k;
        proxy_connect_timeout 2s;
        proxy_send_timeout 20s;
        proxy_read_timeout 20s;
        proxy_next_upstream error timeout http_502 http_503 http_504;
        proxy_next_upstream_tries 3;
        proxy_next_upstream_timeout 25s;
";

const TO_BACKEND: &str = r#"
        proxy_http_version 1.1;
        proxy_set_header Connection $upgrade;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Prefix /api;
        proxy_set_header Forwarded 'for=$remote_addr;host="$http_host";proto=$scheme';
        proxy_set_header Via $via;
        proxy_set_header X-Request-Id $id;
        proxy_set_header traceparent 00-$trace-$span-01;
        proxy_set_header X-Request-Timeout-Ms 19990;
"#;

const TO_CLIENT: &str = r#"
        server_tokens off;
        proxy_hide_header X-Powered-By;
        proxy_hide_header X-Request-Id;
        proxy_hide_header Strict-Transport-Security;
        add_header X-Request-Id $id always;
        add_header traceparent 00-$trace-$span-01 always;
        add_header Via "1.1 gateway" always;
        add_header RateLimit-Limit 1000000 always;
        add_header RateLimit-Remaining 999999 always;
        add_header RateLimit-Reset 1 always;
        add_header Cache-Control no-store always;
        add_header Content-Security-Policy "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'" always;
        add_header X-Content-Type-Options nosniff always;
        add_header X-Frame-Options DENY always;
        add_header Referrer-Policy no-referrer always;
        add_header Strict-Transport-Security $hsts always;
"#;

pub(in super::super) fn nginx(
    folder: &Path,
    certificates: &Certificates,
    backend: u16,
    plain: u16,
    tls: u16,
) -> String {
    let events = events(2);
    let (pid, log) = (folder.join("nginx-alike.pid"), folder.join("nginx-alike-access.log"));
    let (shared, locations) = (shared(backend), locations(&log));
    format!(
        r"{events}
pid {};
http {{
    keepalive_requests 1000000000;
    limit_req_zone $binary_remote_addr zone=requests:10m rate={REQUESTS}r/s;
    limit_conn_zone $binary_remote_addr zone=places:10m;
{MAPS}{shared}
    server {{
        listen 127.0.0.1:{plain} backlog=8192;
        listen 127.0.0.1:{tls} ssl http2 backlog=8192;
        ssl_certificate {};
        ssl_certificate_key {};
        access_log off;
        limit_req zone=requests burst={BURST} nodelay;
        limit_conn places {IN_FLIGHT};
{LIMITS}{TO_BACKEND}        proxy_set_header Host 127.0.0.1:{backend};
{TO_CLIENT}{locations}    }}
}}
",
        pid.display(),
        certificates.certificate().display(),
        certificates.key().display()
    )
}

/// Each service's backends, known to both workers, and the line of its requests in the log.
fn shared(backend: u16) -> String {
    SERVICES.iter().fold(String::new(), |mut text, (service, path)| {
        let _ = write!(
            text,
            r#"
    log_format {service} escape=json '{{"ts":"$time_iso8601","level":"info","msg":"request","method":"$request_method",'
        '"service":"{service}","route":"{path}/*","backend":"$upstream_addr","status":$status,'
        '"upstream_s":"$upstream_response_time","duration_s":$request_time,"bytes":$body_bytes_sent,'
        '"request_id":"$id","trace_id":"$trace","peer":"$remote_addr"}}';
    upstream {service} {{
        zone {service} 256k;
        server 127.0.0.1:{backend} max_conns={UPSTREAM_IN_FLIGHT} max_fails=5 fail_timeout=30s;
        keepalive 2048;
        keepalive_requests 1000000000;
    }}
"#
        );
        text
    })
}

/// Everything else is 404.
fn locations(log: &Path) -> String {
    let log = log.display();
    let mut text = String::from("        location / { return 404; }\n");
    for (service, path) in SERVICES {
        let _ = writeln!(
            text,
            "        location /api{path} {{ access_log {log} {service} buffer=64k; proxy_pass http://{service}{path}; }}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::GATEWAY;
    use super::*;

    fn config() -> String {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::provide(folder.path()).unwrap();
        nginx(folder.path(), &certificates, 9_000, 9_001, 9_002)
    }

    #[test]
    fn backends_and_clients_get_the_headers_of_the_gateway() {
        let config = config();
        for name in [
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded-Prefix",
            "Forwarded",
            "Via",
            "X-Request-Id",
            "traceparent",
            "X-Request-Timeout-Ms",
        ] {
            assert!(config.contains(&format!("proxy_set_header {name} ")), "{name}");
        }
        for name in [
            "X-Request-Id",
            "traceparent",
            "Via",
            "RateLimit-Limit",
            "RateLimit-Remaining",
            "RateLimit-Reset",
            "Cache-Control",
            "Content-Security-Policy",
            "X-Content-Type-Options",
            "X-Frame-Options",
            "Referrer-Policy",
        ] {
            let added = config.lines().filter(|line| line.contains(&format!("add_header {name} ")));
            assert_eq!(added.filter(|line| line.ends_with(" always;")).count(), 1, "{name}");
        }
    }

    #[test]
    fn no_map_has_a_name_that_nginx_keeps_for_itself() {
        let named = MAPS.lines().filter_map(|line| line.split_whitespace().nth(2));
        let kept = ["$connection", "$host", "$https", "$request", "$request_id", "$scheme", "$status"];
        for name in named {
            assert!(name.starts_with('$') && !kept.contains(&name), "{name}");
        }
    }

    /// A location with headers of its own would have none of the server's.
    #[test]
    fn all_headers_are_those_of_the_server() {
        let config = config();
        let locations: Vec<_> = config.lines().filter(|line| line.contains("location ")).collect();
        assert_eq!(locations.len(), SERVICES.len() + 1);
        for location in locations {
            assert!(location.ends_with('}') && !location.contains("_header"), "{location}");
        }
    }

    #[test]
    fn each_service_has_its_line_in_the_log_and_its_backends() {
        let config = config();
        for (service, path) in SERVICES {
            let route = format!(r#""service":"{service}","route":"{path}/*""#);
            let line = format!("log_format {service} escape=json '{{");
            let backends = format!("zone {service} ");
            let asked = format!("{service} buffer=64k; proxy_pass http://{service}{path};");
            for part in [route, line, backends, asked] {
                assert_eq!(config.matches(&part).count(), 1, "{part}");
            }
        }
    }

    #[test]
    fn limits_are_as_far_away_as_those_of_the_gateway() {
        let config = config();
        let told = |name: &str| GATEWAY.into_iter().find(|(known, _)| *known == name).unwrap().1;
        for part in [
            format!("rate={}r/s;", told("RATE_LIMIT_REQUESTS")),
            format!("burst={} nodelay;", told("RATE_LIMIT_BURST")),
            format!("RateLimit-Limit {} always;", told("RATE_LIMIT_BURST")),
            format!("limit_conn places {};", told("MAX_IN_FLIGHT")),
            format!("max_conns={} ", told("UPSTREAM_MAX_IN_FLIGHT")),
        ] {
            assert!(config.contains(&part), "{part}");
        }
    }
}
