//! Bodies that stream through a plugin, chunk by chunk: whatever their size, one chunk is in memory.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Frame;
use torana_core::{Body, Error, RequestContext, body::Stream};

use crate::{
    call::Caller,
    component::Hook,
    fiber::{self, Call},
    instance::{CallError, Side},
    plugin::Plugin,
    pool::Lease,
};

impl Side {
    fn hook(self) -> Hook {
        match self {
            Self::Request => Hook::OnRequestBody,
            Self::Response => Hook::OnResponseBody,
        }
    }
}

/// A body behind the plugin's body hook. One that is whole goes through at once.
pub(crate) async fn through(
    caller: &Caller,
    cx: &RequestContext,
    side: Side,
    body: Body,
) -> Result<Body, Error> {
    let guest = match Guest::start(caller, cx, side).await {
        Ok(guest) => guest,
        Err(error) => return caller.failed(cx, side.hook(), &error).map(|()| body),
    };
    match body {
        Body::Empty => Ok(Body::Empty),
        Body::Full(bytes) => {
            let (guest, outcome) = guest.call(&bytes, true).await;
            match outcome {
                Ok(bytes) => {
                    guest.end();
                    Ok(Body::from_bytes(Bytes::from(bytes)))
                }
                Err(error) => caller.failed(cx, side.hook(), &error).map(|()| Body::Full(bytes)),
            }
        }
        Body::Stream(source) => {
            let context = Failed { caller: caller.clone(), cx: cx.clone() };
            Ok(Body::Stream(Box::pin(Chunks { source, side, context, state: State::Idle(guest) })))
        }
    }
}

/// What is needed to report a failed call.
struct Failed {
    caller: Caller,
    cx: RequestContext,
}

/// The instance that serves a body.
struct Guest {
    lease: Lease<Arc<Plugin>>,
    caller: Caller,
    side: Side,
}

impl Guest {
    async fn start(caller: &Caller, cx: &RequestContext, side: Side) -> Result<Self, CallError> {
        if caller.plugin.trip.is_off() {
            return Err(CallError::Tripped);
        }
        let mut lease = Lease::wait(Arc::clone(&caller.plugin)).await?;
        lease.instance().enter_body(cx);
        Ok(Self { lease, caller: caller.clone(), side })
    }

    /// The body is over, and the instance fit for the next one.
    fn end(mut self) {
        self.lease.instance().leave_body();
        self.lease.give_back();
    }

    async fn call(mut self, chunk: &[u8], last: bool) -> (Self, Result<Vec<u8>, CallError>) {
        let alarm = self.lease.instance().alarm();
        let chunk = chunk.to_vec();
        let call = Box::pin(async move {
            let plugin = Arc::clone(self.lease.plugin());
            let instance = self.lease.instance();
            let outcome = instance.on_chunk(&plugin, self.side, chunk, last).await;
            self.caller.judge(&outcome);
            self.lease.count(self.side.hook());
            (self, outcome)
        });
        fiber::run(&alarm, call).await
    }
}

/// A body whose chunks go through a guest.
struct Chunks {
    source: Stream,
    side: Side,
    context: Failed,
    state: State,
}

enum State {
    /// The next chunk is awaited.
    Idle(Guest),
    /// The guest works on a chunk; its bytes go on as they are if the guest fails and may be passed over.
    Calling { call: Call<(Guest, Result<Vec<u8>, CallError>)>, chunk: Bytes, last: bool },
    /// The guest failed and is passed over.
    Bypassed,
    /// The end, good or bad.
    Done,
}

type Polled = Poll<Option<Result<Frame<Bytes>, Error>>>;

impl Chunks {
    fn called(
        &mut self,
        guest: Guest,
        outcome: Result<Vec<u8>, CallError>,
        chunk: Bytes,
        last: bool,
    ) -> Result<Bytes, Error> {
        match outcome {
            Ok(bytes) if last => {
                guest.end();
                Ok(Bytes::from(bytes))
            }
            Ok(bytes) => {
                self.state = State::Idle(guest);
                Ok(Bytes::from(bytes))
            }
            Err(error) => {
                let Failed { caller, cx } = &self.context;
                caller.failed(cx, self.side.hook(), &error)?;
                self.state = if last { State::Done } else { State::Bypassed };
                Ok(chunk)
            }
        }
    }

    fn begin(&mut self, guest: Guest, chunk: Bytes, last: bool) {
        let bytes = chunk.clone();
        let call = Box::pin(async move { guest.call(&bytes, last).await });
        self.state = State::Calling { call, chunk, last };
    }
}

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Bypassed => {
                    this.state = State::Bypassed;
                    return this.source.as_mut().poll_frame(task);
                }
                State::Idle(guest) => {
                    let Poll::Ready(frame) = this.source.as_mut().poll_frame(task) else {
                        this.state = State::Idle(guest);
                        return Poll::Pending;
                    };
                    match frame.transpose()?.map(Frame::into_data) {
                        None => this.begin(guest, Bytes::new(), true),
                        Some(Ok(chunk)) if !chunk.is_empty() => this.begin(guest, chunk, false),
                        // Trailers, which the gateway passes on nowhere.
                        Some(_) => this.state = State::Idle(guest),
                    }
                }
                State::Calling { mut call, chunk, last } => {
                    let Poll::Ready((guest, outcome)) = call.as_mut().poll(task) else {
                        this.state = State::Calling { call, chunk, last };
                        return Poll::Pending;
                    };
                    let bytes = this.called(guest, outcome, chunk, last)?;
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.state, State::Done)
    }
}
