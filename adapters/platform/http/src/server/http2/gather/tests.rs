//! What goes out, and when.

use std::{future::poll_fn, pin::pin, time::Duration};

use tokio::{
    io::{AsyncWriteExt, duplex},
    time::{Instant, timeout},
};

use super::*;
use crate::server::{load::Load, stall::Stall, unread::Unread};

/// Keeps each write apart, takes so much of it, and lets it go when it is flushed.
#[derive(Default)]
struct Writes {
    texts: Vec<String>,
    most: usize,
    full: bool,
    kept: bool,
    /// So many times it cannot be flushed yet.
    busy: usize,
    is_shut: bool,
}

impl AsyncWrite for Writes {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.full {
            return Poll::Pending;
        }
        let mut text = parts.iter().map(|part| std::str::from_utf8(part).unwrap()).collect::<String>();
        text.truncate(self.most);
        let taken = text.len();
        self.texts.push(text);
        self.kept = true;
        Poll::Ready(Ok(taken))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(busy) = self.busy.checked_sub(1) {
            self.busy = busy;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.kept = false;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_shut = true;
        Poll::Ready(Ok(()))
    }
}

fn gathering(most: usize) -> (Gathering<Writes>, Outlet<Writes>) {
    gather(Writes { most, ..Writes::default() })
}

fn written(outlet: &Outlet<Writes>) -> Vec<String> {
    outlet.0.borrow().io.texts.clone()
}

async fn send(outlet: &Outlet<Writes>) -> io::Result<()> {
    poll_fn(|cx| outlet.poll_send(cx)).await
}

#[tokio::test]
async fn what_is_flushed_in_between_goes_out_at_once_in_the_end() {
    let (mut library, outlet) = gathering(usize::MAX);
    for text in ["head,", "data,", "head,", "data"] {
        library.write_all(text.as_bytes()).await.unwrap();
        library.flush().await.unwrap();
    }
    assert!(written(&outlet).is_empty());
    send(&outlet).await.unwrap();
    assert_eq!(written(&outlet), ["head,data,head,data"]);
    assert_eq!(outlet.0.borrow().held.capacity(), 0, "who waits holds nothing");
    send(&outlet).await.unwrap();
    assert_eq!(written(&outlet).len(), 1);
}

#[tokio::test]
async fn a_large_piece_goes_at_once_behind_what_was_held() {
    let (mut library, outlet) = gathering(usize::MAX);
    let large = "x".repeat(LARGE);
    library.write_all(b"held").await.unwrap();
    library.write_all(large.as_bytes()).await.unwrap();
    assert_eq!(written(&outlet), ["held", &*large]);
}

#[tokio::test]
async fn what_is_taken_piece_by_piece_comes_whole() {
    let (mut library, outlet) = gathering(3);
    library.write_all(b"gathered").await.unwrap();
    send(&outlet).await.unwrap();
    assert_eq!(written(&outlet), ["gat", "her", "ed"]);
}

#[tokio::test]
async fn nothing_is_kept_back_once_all_is_sent() {
    // The end is held, or went at once.
    for texts in [[LARGE, 1], [1, LARGE]] {
        let (mut library, outlet) = gathering(usize::MAX);
        for length in texts {
            library.write_all(&vec![b'x'; length]).await.unwrap();
            library.flush().await.unwrap();
        }
        outlet.0.borrow_mut().io.busy = 2;
        send(&outlet).await.unwrap();
        assert!(!outlet.0.borrow().io.kept, "{texts:?}");
    }
}

#[tokio::test]
async fn nothing_is_written_behind_what_the_client_does_not_take() {
    let (mut library, outlet) = gathering(usize::MAX);
    library.write_all(b"tail").await.unwrap();
    outlet.0.borrow_mut().io.busy = usize::MAX;
    let sent = poll_fn(|cx| Poll::Ready(outlet.poll_send(cx))).await;
    assert!(sent.is_pending());
    library.write_all(b"ping").await.unwrap();
    let sent = poll_fn(|cx| Poll::Ready(outlet.poll_send(cx))).await;
    assert!(sent.is_pending() && written(&outlet) == ["tail"]);
    outlet.0.borrow_mut().io.busy = 0;
    send(&outlet).await.unwrap();
    assert_eq!(written(&outlet), ["tail", "ping"]);
    assert!(!outlet.0.borrow().io.kept);
}

#[tokio::test]
async fn head_and_data_that_are_taken_in_part_come_whole() {
    let (mut library, outlet) = gathering(LARGE - 1);
    let data = "x".repeat(LARGE);
    let parts = [IoSlice::new(b"head,"), IoSlice::new(data.as_bytes())];
    let taken = poll_fn(|cx| Pin::new(&mut library).poll_write_vectored(cx, &parts)).await.unwrap();
    assert_eq!(taken, LARGE - 1);
    library.write_all(&data.as_bytes()[taken - 5..]).await.unwrap();
    send(&outlet).await.unwrap();
    assert_eq!(written(&outlet).concat(), format!("head,{data}"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up_in_time() {
    const PATIENCE: Duration = Duration::from_secs(20);
    let (_client, io) = duplex(64);
    let stall = Stall::new(PATIENCE, Load::new(1));
    let (mut library, outlet) = gather(Unread::new(io, Vec::new(), stall));
    let start = Instant::now();
    let long = [b'x'; MOST];
    let mut writing = pin!(library.write_all(&long));
    // As a turn of the connection goes.
    let turn = poll_fn(|cx| {
        let written = writing.as_mut().poll(cx);
        if written.is_pending() {
            let _ = outlet.poll_send(cx);
        }
        written
    });
    let failure = timeout(2 * PATIENCE, turn).await.unwrap().unwrap_err();
    assert_eq!(failure.kind(), io::ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), PATIENCE);
}

#[tokio::test]
async fn no_more_is_gathered_than_there_is_room_for() {
    let (mut library, outlet) = gathering(usize::MAX);
    outlet.0.borrow_mut().io.full = true;
    let piece = vec![b'x'; LARGE - 1];
    let mut taken = 0;
    let all = poll_fn(|cx| {
        while Pin::new(&mut library).poll_write(cx, &piece).is_ready() {
            taken += piece.len();
        }
        Poll::Ready(taken)
    });
    assert!((MOST - LARGE..=MOST).contains(&all.await));
    outlet.0.borrow_mut().io.full = false;
    library.write_all(b"end").await.unwrap();
    send(&outlet).await.unwrap();
    let written = written(&outlet).concat();
    assert_eq!(written.len(), taken + 3);
    assert!(written.ends_with("xend"));
}

#[tokio::test]
async fn a_connection_that_ends_says_all_it_has_to_say() {
    let (mut library, outlet) = gathering(usize::MAX);
    library.write_all(b"goodbye").await.unwrap();
    library.shutdown().await.unwrap();
    assert_eq!(written(&outlet), ["goodbye"]);
    assert!(outlet.0.borrow().io.is_shut);
}

#[tokio::test]
async fn an_end_that_takes_nothing_is_broken() {
    let (mut library, outlet) = gathering(0);
    library.write_all(b"text").await.unwrap();
    assert_eq!(send(&outlet).await.unwrap_err().kind(), io::ErrorKind::WriteZero);
}
