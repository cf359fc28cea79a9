//! Requests, one after the other.

use super::*;

/// Bodies of all kinds, with others behind them.
const MANY: &str = "GET /below/1 HTTP/1.1\r\nhost: a\r\n\r\n\
    POST /below/2 HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello\
    POST /below/3?x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n\
    GET /app HTTP/1.1\r\n\r\n\
    HEAD /below/4 HTTP/1.1\r\nconnection: close\r\n\r\n";

fn answers_to_many() -> String {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\nconnection: close\r\n\r\n";
    [
        &*ok("GET /below/1 "),
        &*ok("POST /below/2 hello"),
        &*ok("POST /below/3?x hello"),
        &*ok("GET /app"),
        head,
    ]
    .concat()
}

#[tokio::test(start_paused = true)]
async fn requests_are_answered_in_order_whatever_takes_longest() {
    let server = Server::new(async |passing: Passing| {
        let path = passing.head.target.path().to_owned();
        let seconds: u32 = path.strip_prefix("/below/").unwrap().parse().unwrap();
        tokio::time::sleep(seconds * SECOND).await;
        whole(path)
    });
    let get = |seconds: u32| format!("GET /below/{seconds} HTTP/1.1\r\n\r\n");
    let answers = server.ask(&[get(3), get(1), get(2)].concat()).await;
    assert_eq!(answers, [ok("/below/3"), ok("/below/1"), ok("/below/2")].concat());
}

#[tokio::test(start_paused = true)]
async fn a_connection_goes_on_until_the_client_wants_no_more() {
    let (answers, outcome) = echo()
        .talk(ROOM, async |mut client| {
            for n in 1..4 {
                send(&mut client, &format!("GET /below/{n} HTTP/1.1\r\n\r\n")).await;
                assert_eq!(heard(&mut client).await, ok(&format!("GET /below/{n} ")));
            }
            let close = GET.replace("host: a", "connection: close");
            send(&mut client, &[&*close, GET].concat()).await;
            rest(&mut client).await
        })
        .await;
    assert_eq!(answers, last("GET /below/a "), "and what comes behind it is no request any more");
    outcome.unwrap();
}

#[tokio::test(start_paused = true)]
async fn requests_are_the_same_in_whatever_pieces_they_come() {
    let server = echo();
    for cut in 0..=MANY.len() {
        let (now, later) = MANY.split_at(cut);
        // The first piece is there before the connection is served, or comes over it.
        for (first, then) in [(now, ""), ("", now)] {
            let (mut client, io) = duplex(ROOM);
            let client = async {
                send(&mut client, then).await;
                quiet().await;
                // Where all has come, the server has closed by then.
                let _ = client.write_all(later.as_bytes()).await;
                rest(&mut client).await
            };
            let (answers, outcome) = within(async { join!(client, server.serve(io, first)) }).await;
            outcome.unwrap();
            assert_eq!(answers, answers_to_many(), "cut at {cut}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_the_same_where_single_bytes_come_and_go() {
    let (answers, outcome) = echo()
        .talk(1, async |client| {
            let (mut from, mut to) = tokio::io::split(client);
            join!(send(&mut to, MANY), rest(&mut from)).1
        })
        .await;
    outcome.unwrap();
    assert_eq!(answers, answers_to_many());
}

#[tokio::test(start_paused = true)]
async fn who_only_says_nothing_more_still_gets_the_answer() {
    let server = Server::new(async |_| {
        tokio::time::sleep(SECOND).await;
        slowly(BodySize::Stream, &["hello"])
    });
    let expected = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    assert_eq!(server.ask(GET).await, expected);
    assert_eq!(server.ask(&GET[..GET.len() - 1]).await, "", "what is no whole head is no request");
}
