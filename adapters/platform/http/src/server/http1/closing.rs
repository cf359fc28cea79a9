//! The end of a connection.

use std::{future::poll_fn, io, pin::Pin};

use tokio::time::timeout;

use super::{
    super::{DISCONNECT, connection::Link},
    Connection,
};
use crate::Problem;

impl<T: Link> Connection<T> {
    /// The last answer, to what is no request.
    pub(super) async fn refuse(mut self, problem: Problem) -> io::Result<()> {
        self.outgoing.add(&self.refusals.answer(problem, self.peer));
        self.close().await
    }

    /// Closes. A client that has something on its way would lose the last answer if that was done at once.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.flush().await?;
        let end = async {
            poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx)).await?;
            poll_fn(|cx| self.incoming.poll_rest(Pin::new(&mut self.io), cx)).await;
            Ok(())
        };
        // Whatever comes of it, nobody is waited for any longer.
        timeout(DISCONNECT, end).await.unwrap_or(Ok(()))
    }

    /// Closes where there is nothing to say any more, but that.
    pub(super) async fn leave(mut self) -> io::Result<()> {
        let end = poll_fn(|cx| Pin::new(&mut self.io).poll_shutdown(cx));
        // A client that is gone already is not told.
        let _ = timeout(DISCONNECT, end).await;
        Ok(())
    }
}
