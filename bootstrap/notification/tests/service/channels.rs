use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use notification_channels::sign;
use platform_testkit::{PATIENCE, eventually};
use serde_json::Value;

use crate::support::{Service, completed};

const SECRET: &str = "s3cret";
const FAST: [(&str, &str); 2] = [("DELIVERY_BACKOFF", "1ms"), ("DELIVERY_ATTEMPTS", "3")];

#[tokio::test]
async fn the_webhook_is_tried_until_it_answers_and_called_once_after() {
    let (url, requests) = webhook(vec![500, 500]);
    let service =
        Service::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_SECRET", SECRET), FAST[0], FAST[1]]).await;
    service.append(&completed(1, "ada"), 2).await;
    let sent = service.with_status("ada", "webhook", "sent").await;
    assert_eq!((&sent["attempts"], &sent["last_error"]), (&3.into(), &Value::Null));
    // One row per channel that is on, and no more.
    assert_eq!(service.notifications("ada", 2).await.len(), 2);
    service.stop().await;
    let requests: Vec<Request> = requests.try_iter().collect();
    assert_eq!(requests.len(), 3);
    for Request { head, body } in requests {
        let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let timestamp = header("x-timestamp: ").parse().unwrap();
        assert_eq!(header("x-signature: "), sign(SECRET.as_bytes(), timestamp, &body));
        assert_eq!(header("x-event-id: "), completed(1, "ada").id.to_string());
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["amount"], "129.90");
    }
}

#[tokio::test]
async fn two_replicas_send_each_message_once() {
    let (url, requests) = webhook(vec![]);
    let pairs = [("WEBHOOK_URL", &*url), ("WEBHOOK_SECRET", SECRET)];
    let one = Service::start(&pairs).await;
    let two = Service::start_in(one.dir.clone(), &pairs).await;
    for n in 1..=20 {
        one.append(&completed(n, "ada"), 1).await;
    }
    let path = "/notifications?user_id=ada&channel=webhook&limit=100";
    let probe = || async {
        let (_, page) = two.get(path).await;
        let sent = page["items"].as_array()?.iter().filter(|item| item["status"] == "sent").count();
        (sent == 20).then_some(page)
    };
    let page = eventually(PATIENCE, probe).await.unwrap();
    assert!(page["items"].as_array().unwrap().iter().all(|item| item["attempts"] == 1), "{page}");
    one.stop().await;
    two.stop().await;
    assert_eq!(requests.try_iter().count(), 20);
}

#[tokio::test]
async fn slack_fails_for_good_after_the_last_attempt() {
    let (url, requests) = webhook(vec![503; 9]);
    let service = Service::start(&[("SLACK_WEBHOOK_URL", &url), FAST[0], FAST[1]]).await;
    service.append(&completed(1, "ada"), 1).await;
    let failed = service.with_status("ada", "slack", "failed").await;
    assert_eq!((&failed["attempts"], &failed["last_error"]), (&3.into(), &"Slack answered 503".into()));
    service.stop().await;
    assert_eq!(requests.try_iter().count(), 3);
}

#[tokio::test]
async fn what_was_not_sent_before_a_restart_is_sent_after_it() {
    let away = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/hook", away.local_addr().unwrap());
    drop(away);
    let slow = ("DELIVERY_BACKOFF", "200ms");
    let service = Service::start(&[("WEBHOOK_URL", &dead), ("WEBHOOK_SECRET", SECRET), slow]).await;
    service.append(&completed(1, "ada"), 1).await;
    service.with_status("ada", "webhook", "pending").await;
    let dir = service.stop().await;
    let (url, requests) = webhook(vec![]);
    let service = Service::start_in(dir, &[("WEBHOOK_URL", &url), ("WEBHOOK_SECRET", SECRET)]).await;
    service.with_status("ada", "webhook", "sent").await;
    service.stop().await;
    assert_eq!(requests.recv_timeout(PATIENCE).unwrap().body.matches("\"user_id\":\"ada\"").count(), 1);
}

#[tokio::test]
async fn a_receiver_that_never_answers_does_not_hold_up_a_stop() {
    let (url, begun) = silent_webhook();
    let service = Service::start(&[("WEBHOOK_URL", &url), ("WEBHOOK_SECRET", SECRET)]).await;
    for n in 1..=20 {
        service.append(&completed(n, "ada"), 1).await;
    }
    eventually(PATIENCE, || async { begun.try_recv().ok() }).await.unwrap();
    let start = Instant::now();
    let dir = service.stop().await;
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    // What was under way was recorded, and what was not begun was left alone: nothing waits for a claim to run out.
    let (url, requests) = webhook(vec![]);
    let service = Service::start_in(dir, &[("WEBHOOK_URL", &url), ("WEBHOOK_SECRET", SECRET)]).await;
    let path = "/notifications?user_id=ada&channel=webhook&limit=100";
    let probe = || async {
        let (_, page) = service.get(path).await;
        let sent = page["items"].as_array()?.iter().filter(|item| item["status"] == "sent").count();
        (sent == 20).then_some(())
    };
    eventually(PATIENCE, probe).await.unwrap();
    service.stop().await;
    assert_eq!(requests.try_iter().count(), 20);
}

#[tokio::test]
async fn a_mail_goes_out() {
    let (url, mails) = mail_server();
    let service = Service::start(&[("SMTP_URL", &url), ("EMAIL_DOMAIN", "example.org")]).await;
    service.append(&completed(1, "ada"), 1).await;
    service.with_status("ada", "email", "sent").await;
    service.stop().await;
    let mail = mails.recv_timeout(PATIENCE).unwrap();
    assert!(mail.contains("To: ada@example.org\r\n"), "{mail}");
    assert!(mail.contains("Subject: Payment completed: 129.90 USD\r\n"), "{mail}");
}

struct Request {
    head: String,
    body: String,
}

/// Answers with these statuses, then with 200.
fn webhook(statuses: Vec<u16>) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (seen, requests) = channel();
    thread::spawn(move || {
        let mut statuses = statuses.into_iter();
        for stream in listener.incoming().flatten() {
            let _ = answer(&stream, statuses.next().unwrap_or(200), &seen);
        }
    });
    (url, requests)
}

/// Takes every connection, tells of it, and never says a word.
fn silent_webhook() -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (seen, begun) = channel();
    thread::spawn(move || {
        let mut held = Vec::new();
        for stream in listener.incoming().flatten() {
            held.push(stream);
            let _ = seen.send(());
        }
    });
    (url, begun)
}

fn answer(mut stream: &TcpStream, status: u16, seen: &Sender<Request>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {}
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    let _ = seen.send(Request { head, body: String::from_utf8_lossy(&body).into_owned() });
    write!(stream, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// Takes every mail.
fn mail_server() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let (seen, mails) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = receive(&stream, &seen);
        }
    });
    (url, mails)
}

fn receive(mut stream: &TcpStream, seen: &Sender<String>) -> std::io::Result<()> {
    stream.write_all(b"220 test\r\n")?;
    let mut mail = None::<String>;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        match &mut mail {
            Some(text) if line == "." => {
                let _ = seen.send(std::mem::take(text));
                mail = None;
                stream.write_all(b"250 queued\r\n")?;
            }
            Some(text) => text.extend([line.as_str(), "\r\n"]),
            None if line == "DATA" => {
                mail = Some(String::new());
                stream.write_all(b"354 go on\r\n")?;
            }
            None => stream.write_all(b"250 ok\r\n")?,
        }
    }
    Ok(())
}
