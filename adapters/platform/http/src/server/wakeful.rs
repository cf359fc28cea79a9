//! Workers that stay awake for a moment.
//!
//! A worker that has done all there is sleeps until something comes, and what comes next comes soon: the answer of a
//! backend, the next request of a client. To be sent to sleep and woken again costs more than a few looks at the sockets,
//! and while everybody sleeps and is being woken, processors have nothing to do. So a worker that has just had a request
//! looks a few times more, and lets others run before each look.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::{Rc, Weak},
    task::{Poll, Waker},
    thread,
};

/// So many looks that find nothing, and the worker sleeps.
const LOOKS: u32 = 5;

/// Keeps the worker awake that it was made on.
#[derive(Default)]
pub(super) struct Wakeful {
    /// How many looks are left.
    left: Cell<u32>,
    /// Wakes what looks, where it sleeps.
    sleeping: RefCell<Option<Waker>>,
}

impl Wakeful {
    /// Needs actix's runtime around it.
    pub(super) fn start() -> Rc<Self> {
        let wakeful = Rc::<Self>::default();
        actix_web::rt::spawn(look(Rc::downgrade(&wakeful)));
        wakeful
    }

    /// There is something to do.
    pub(super) fn stir(&self) {
        self.left.set(LOOKS);
        if let Some(sleeping) = self.sleeping.take() {
            sleeping.wake();
        }
    }

    /// Takes one of the looks that are left; pending where there are none.
    fn poll_look(&self, waker: &Waker) -> Poll<()> {
        let Some(left) = self.left.get().checked_sub(1) else {
            self.sleeping.replace(Some(waker.clone()));
            return Poll::Pending;
        };
        self.left.set(left);
        Poll::Ready(())
    }
}

impl Drop for Wakeful {
    fn drop(&mut self) {
        if let Some(sleeping) = self.sleeping.take() {
            sleeping.wake();
        }
    }
}

async fn look(wakeful: Weak<Wakeful>) {
    let next = async || {
        poll_fn(|cx| match wakeful.upgrade() {
            Some(wakeful) => wakeful.poll_look(cx.waker()).map(|()| true),
            None => Poll::Ready(false),
        })
        .await
    };
    while next().await {
        thread::yield_now();
        // The runtime looks at its sockets, and runs whoever has waited for them, before it comes back here.
        tokio::task::yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_looks_a_few_times_and_sleeps() {
        let wakeful = Wakeful::default();
        let looks = || (0..100).take_while(|_| wakeful.poll_look(Waker::noop()).is_ready()).count();
        assert_eq!(looks(), 0, "nobody has asked for anything yet");
        for _ in 0..3 {
            wakeful.stir();
            wakeful.stir();
            assert_eq!(looks(), LOOKS as usize);
        }
    }

    #[actix_web::test]
    async fn who_sleeps_is_woken_and_ends_with_its_worker() {
        let wakeful = Rc::<Wakeful>::default();
        let looking = actix_web::rt::spawn(look(Rc::downgrade(&wakeful)));
        for _ in 0..3 {
            while wakeful.sleeping.borrow().is_none() {
                tokio::task::yield_now().await;
            }
            wakeful.stir();
            assert!(wakeful.sleeping.borrow().is_none());
        }
        drop(wakeful);
        looking.await.unwrap();
    }
}
