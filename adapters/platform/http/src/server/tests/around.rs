//! What stands around all routes, and what is below a prefix instead of them.

use std::sync::mpsc::{Receiver, Sender, channel};

use actix_web::{
    body::BodyStream,
    http::{StatusCode, header::FROM},
};
use futures_util::future::LocalBoxFuture;
use kernel_application::Fields;
use platform_telemetry::{LogFormat, logger_to};
use platform_testkit::PATIENCE;

use super::{reader::Reader, *};
use crate::{AnswerHeaders, Asked};

/// Answers what ends in `/early` itself, and marks every answer with the path that was asked.
struct Marking;

impl Around for Marking {
    fn begin(&self, asked: Asked<'_>) -> Begun {
        let path = asked.path.to_owned();
        let early = || Instead { route: "early", answer: Ok(StatusCode::IM_A_TEAPOT) };
        Begun {
            answer: path.ends_with("/early").then(early),
            complete: Box::new(move |headers: &mut dyn AnswerHeaders| headers.insert(&FROM, path.as_bytes())),
        }
    }
}

#[test]
fn every_answer_is_completed_whoever_makes_it() {
    let rig = Rig::start(|server| server.around(Marking).max_in_flight(1));
    for (method, path, status) in [
        ("GET", "/things", 200),
        ("GET", "/nothing", 404),
        ("PATCH", "/things", 405),
        ("PUT", "/things/1", 500),
        ("PUT", "/things/2", 503),
        ("GET", "/health/live", 200),
        ("GET", "/early", 418),
    ] {
        let answer = rig.send(method, path, &[], "");
        assert_eq!(answer.status(), status, "{method} {path}");
        let marks: Vec<_> = answer.headers().get_all("from").iter().collect();
        assert_eq!(marks, [path], "{method} {path}");
    }
    let addr = rig.server.addr();
    let waiting =
        std::thread::spawn(move || ureq::get(format!("http://{addr}/slow")).call().unwrap().status());
    rig.runtime.block_on(rig.gate.entered.notified());
    let refused = rig.get("/things");
    assert_eq!((failure(&refused), header(&refused, "from")), ((503, "overloaded".into()), "/things"));
    rig.gate.go_on.notify_one();
    assert_eq!(waiting.join().unwrap(), 200);
    let figure = r#"http_server_requests_total{method="GET",route="early",status="418"} 1"#;
    assert!(rig.get("/metrics").body().contains(figure), "{}", rig.get("/metrics").body());
}

/// Answers in two pieces and tells the test what went out, or fails in the way that is asked for.
#[derive(Clone)]
struct Told(Sender<Sent>);

impl Passage for Told {
    fn pass(&self, passing: Passing) -> LocalBoxFuture<'_, Passed> {
        Box::pin(async move {
            match passing.head.target.path() {
                "/below/panic" => panic!("on purpose"),
                "/below/refused" => {
                    let problem = Problem::new(StatusCode::CONFLICT, "refused", "not now");
                    return Passed { answer: Err(problem), line: None };
                }
                _ => {}
            }
            let pieces = [passing.head.method.as_str(), "three"].map(str::to_owned);
            let pieces = pieces.map(|piece| Ok::<_, actix_web::Error>(web::Bytes::from(piece)));
            let body = PassedBody::stream(BodyStream::new(stream::iter(pieces)));
            let answer = PassedAnswer { status: StatusCode::ACCEPTED, fields: Fields::default(), body };
            let sender = self.0.clone();
            let line = AccessLine::new(move |sent| sender.send(sent).unwrap());
            Passed { answer: Ok(answer), line: Some(line) }
        })
    }
}

#[test]
fn a_passage_writes_its_line_when_the_last_byte_is_gone_and_the_server_writes_none() {
    let (sender, told_of): (_, Receiver<Sent>) = channel();
    let log = Log::default();
    let (logger, flushed) = logger_to(log.clone(), "things", "1", slog::Level::Info, LogFormat::Json);
    let rig = Rig::start(|server| {
        let told = Told(sender);
        let routes = |cfg: &mut ServiceConfig<'_>| {
            cfg.service(list);
        };
        server.logger(&logger).routes(routes).passage("/below", move || told.clone(), Reader::default)
    });
    assert_eq!(rig.get("/below/a").body(), "GETthree");
    let sent = told_of.recv_timeout(PATIENCE).unwrap();
    assert_eq!((sent.status, sent.bytes), (202, 8));
    assert!(told_of.try_recv().is_err(), "once");
    assert_eq!(rig.get("/things").status(), 200);
    rig.runtime.block_on(rig.server.stop(PATIENCE));
    drop((logger, flushed));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let routes: Vec<_> = log.lines().filter(|line| line.contains(r#""request_id""#)).collect();
    assert!(routes.len() == 1 && routes[0].contains("/things"), "{log}");
}

#[test]
fn everything_below_its_prefix_is_a_passage_s_and_is_treated_as_any_route_s() {
    let (sender, _told_of) = channel();
    let rig = Rig::start(|server| {
        let told = Told(sender);
        server.around(Marking).passage("/below", move || told.clone(), Reader::default)
    });
    for (method, path, answer) in [
        ("GET", "/below/refused", Some((409, "refused"))),
        ("GET", "/below/panic", Some((500, "internal"))),
        ("GET", "/below/early", Some((418, "request_failed"))),
        ("GET", "/below", Some((404, "no_such_route"))),
        ("GET", "/belowX", Some((404, "no_such_route"))),
        ("PATCH", "/below/a", None),
    ] {
        let answered = rig.send(method, path, &[], "");
        assert_eq!(header(&answered, "from"), path, "{method} {path}");
        assert_eq!(header(&answered, "x-content-type-options"), "nosniff");
        match answer {
            Some((status, code)) => assert_eq!(failure(&answered), (status, code.into()), "{method} {path}"),
            None => assert_eq!(answered.status(), 202),
        }
    }
    let figures = rig.get("/metrics").body().clone();
    for figure in [
        r#"http_server_requests_total{method="GET",route="/below/{path:.*}",status="409"} 1"#,
        r#"http_server_requests_total{method="GET",route="/below/{path:.*}",status="500"} 1"#,
        r#"http_server_requests_total{method="PATCH",route="/below/{path:.*}",status="202"} 1"#,
    ] {
        assert!(figures.contains(figure), "{figure} is missing in {figures}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
