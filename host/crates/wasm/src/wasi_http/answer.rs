//! What a guest answers: a head, and a body that may still be made while it leaves.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body::{Body as _, Frame, SizeHint};
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep, sleep},
};
use torana_core::{Body, Error, Response};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;

use super::{
    guest::{Guest, Head},
    outbound::{clean, length},
};
use crate::{host::final_status, instance::CallError};

/// How long a guest may keep everybody waiting for the next piece of its body.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets a guest run until it has answered.
///
/// # Errors
/// It fails, answers with an error, or with what is no answer.
pub(super) async fn answer(
    mut guest: Guest,
    mut head: oneshot::Receiver<Head>,
) -> Result<Response, CallError> {
    // A guest that lets its outparam go says nothing any more, but may run on.
    let mut silent = false;
    let head = poll_fn(|task| {
        let ended = guest.poll(task).is_ready();
        if !silent {
            match Pin::new(&mut head).poll(task) {
                Poll::Ready(Ok(head)) => return Poll::Ready(Some(head)),
                Poll::Ready(Err(_)) => silent = true,
                Poll::Pending => {}
            }
        }
        if ended { Poll::Ready(None) } else { Poll::Pending }
    });
    let head = head.await;
    if let Some(error) = guest.failure() {
        return Err(error);
    }
    let nothing = || CallError::Answer("it ended without an answer".to_owned());
    let answer = head.ok_or_else(nothing)?;
    let answer = answer.map_err(|code| CallError::Hook(format!("it answers with {code:?}")))?;
    let (parts, body) = answer.into_parts();
    let status = final_status(parts.status.as_u16()).ok_or_else(|| {
        let status = parts.status.as_u16();
        CallError::Answer(format!("{status} is not a status between 200 and 599"))
    })?;
    let mut headers = parts.headers;
    let left = length(&headers);
    clean(&mut headers);
    let body = if guest.has_ended() {
        whole(body)?
    } else {
        let patience = Box::pin(sleep(PATIENCE));
        Body::Stream(Box::pin(Pieces { guest: Some(guest), body, left, patience }))
    };
    Ok(Response::from_body(status, headers, body))
}

/// The body of a guest that has ended: all of it is there.
fn whole(mut body: HyperOutgoingBody) -> Result<Body, CallError> {
    let mut task = Context::from_waker(Waker::noop());
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Poll::Ready(Some(frame)) = Pin::new(&mut body).poll_frame(&mut task) {
        let Ok(piece) = frame.map_err(|_| broken())?.into_data() else { continue };
        if first.is_empty() {
            first = piece;
            continue;
        }
        if all.is_empty() {
            all.extend_from_slice(&first);
        }
        all.extend_from_slice(&piece);
    }
    Ok(Body::from_bytes(if all.is_empty() { first } else { all.freeze() }))
}

fn broken() -> CallError {
    CallError::Answer("it broke its answer's body off".to_owned())
}

/// A body whose guest is still at work. It runs while somebody reads, and ends when nobody does any more.
struct Pieces {
    /// `None` when the body has come to its end.
    guest: Option<Guest>,
    body: HyperOutgoingBody,
    /// Bytes that are to come, if the guest has announced a length.
    left: Option<u64>,
    patience: Pin<Box<Sleep>>,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Error>>>;

impl Pieces {
    /// A piece that is there; ready with `None` at the end.
    fn piece(&mut self, task: &mut Context<'_>) -> Poll<Option<Result<Bytes, CallError>>> {
        loop {
            let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(task));
            return Poll::Ready(match frame.map(|frame| frame.map(Frame::into_data)) {
                None => None,
                Some(Ok(Ok(piece))) => Some(Ok(piece)),
                // Trailers, which the gateway passes on nowhere.
                Some(Ok(Err(_))) => continue,
                Some(Err(_)) => Some(Err(broken())),
            });
        }
    }

    fn pass(&mut self, piece: Bytes) -> Polled {
        if let Some(guest) = &self.guest {
            guest.renew();
        }
        self.left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
        self.patience.as_mut().reset(Instant::now() + PATIENCE);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn end(&mut self, error: Option<CallError>) -> Polled {
        let Some(mut guest) = self.guest.take() else { return Poll::Ready(None) };
        // That the guest failed says more than that its body broke off.
        match guest.failure().or(error) {
            Some(error) => Poll::Ready(Some(Err(guest.failed(&error)))),
            None => {
                if !guest.has_ended() {
                    guest.detach();
                }
                Poll::Ready(None)
            }
        }
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if this.guest.is_none() {
            return Poll::Ready(None);
        }
        // What is there goes first; only when there is nothing the guest runs, so it is never far ahead.
        for turn in 0..2 {
            match this.piece(task) {
                Poll::Ready(Some(Ok(piece))) => return this.pass(piece),
                Poll::Ready(Some(Err(error))) => return this.end(Some(error)),
                Poll::Ready(None) => return this.end(None),
                Poll::Pending => {}
            }
            if turn == 0
                && let Some(guest) = &mut this.guest
            {
                let _ = guest.poll(task);
            }
        }
        if this.patience.as_mut().poll(task).is_ready() {
            let message = format!("it kept its answer waiting for {PATIENCE:?}");
            return this.end(Some(CallError::Answer(message)));
        }
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Pieces {
    /// Nobody reads after the announced length: then it is complete, else the client has gone and the guest goes too.
    fn drop(&mut self) {
        if self.left == Some(0)
            && let Some(guest) = self.guest.take()
        {
            guest.detach();
        }
    }
}
