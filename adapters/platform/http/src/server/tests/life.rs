//! What happens under load and at the end.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Instant,
};

use platform_testkit::{PATIENCE, eventually};

use super::*;

#[test]
fn too_many_requests_are_turned_away() {
    let rig = Rig::start(|server| server.max_in_flight(1));
    let addr = rig.server.addr();
    let waiting =
        std::thread::spawn(move || ureq::get(format!("http://{addr}/slow")).call().unwrap().status());
    rig.runtime.block_on(rig.gate.entered.notified());
    let refused = rig.get("/things");
    assert_eq!(failure(&refused), (503, "overloaded".into()));
    assert_eq!(header(&refused, "retry-after"), "1");
    for probe in ["/health", "/health/live", "/health/ready", "/metrics"] {
        assert_eq!(rig.get(probe).status(), 200, "{probe} gets through");
    }
    for other in ["/health/else", "/health/live/", "/metrics/x"] {
        assert_eq!(failure(&rig.get(other)), (503, "overloaded".into()), "{other} is no probe");
    }
    rig.gate.go_on.notify_one();
    assert_eq!(waiting.join().unwrap(), 200);
    assert_eq!(rig.get("/things").status(), 200);
}

#[test]
fn a_stop_finishes_what_is_in_flight() {
    let rig = Rig::start(|server| server);
    let addr = rig.server.addr();
    // A connection that idles must not hold the stop up.
    let mut idle = TcpStream::connect(addr).unwrap();
    idle.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(idle.read(&mut [0; 512]).unwrap() > 0);
    let waiting = std::thread::spawn(move || {
        ureq::get(format!("http://{addr}/slow")).call().unwrap().body_mut().read_to_string()
    });
    rig.runtime.block_on(rig.gate.entered.notified());
    let (start, gate) = (Instant::now(), Arc::clone(&rig.gate));
    rig.runtime.block_on(async {
        let stop = tokio::spawn(rig.server.stop(PATIENCE));
        eventually(PATIENCE, async || TcpStream::connect(addr).is_err().then_some(())).await.unwrap();
        assert!(!stop.is_finished(), "a request is in flight");
        gate.go_on.notify_one();
        stop.await.unwrap();
    });
    assert_eq!(waiting.join().unwrap().unwrap(), "finished");
    assert!(start.elapsed() < KEEP_ALIVE, "the idle connection was not waited for");
}

#[test]
fn a_stop_waits_for_handlers_that_take_their_time() {
    let rig = Rig::start(|server| server);
    let (addr, gate) = (rig.server.addr(), Arc::clone(&rig.gate));
    let waiting = std::thread::spawn(move || {
        ureq::get(format!("http://{addr}/slow")).call().unwrap().body_mut().read_to_string()
    });
    rig.runtime.block_on(async {
        rig.gate.entered.notified().await;
        let mut stop = tokio::spawn(rig.server.stop(PATIENCE));
        let early = tokio::time::timeout(Duration::from_millis(400), &mut stop).await;
        assert!(early.is_err(), "a handler still runs");
        gate.go_on.notify_one();
        stop.await.unwrap();
    });
    assert_eq!(waiting.join().unwrap().unwrap(), "finished");
}

#[test]
fn endless_answers_end_with_the_server() {
    let rig = Rig::start(|server| server);
    let mut answer =
        ureq::get(format!("http://{}/events", rig.server.addr())).call().unwrap().into_body().into_reader();
    let mut hello = [0; 5];
    answer.read_exact(&mut hello).unwrap();
    let start = Instant::now();
    rig.runtime.block_on(rig.server.stop(PATIENCE));
    let mut rest = String::new();
    answer.read_to_string(&mut rest).unwrap();
    assert_eq!((hello.as_slice(), rest.as_str()), (b"hello".as_slice(), " goodbye"));
    assert!(start.elapsed() < PATIENCE);
}
