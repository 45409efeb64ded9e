//! One request and the head of its response on one connection.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Method;
use tokio::time::{Instant, Sleep};
use torana_core::Error;

use super::{
    connection::{Connection, ROOM},
    response_head::{Head, HeadError, HeadReader},
    upload::{Upload, UploadError},
};

/// Most interim responses in front of a final one.
const MAX_INTERIM: u8 = 16;

/// Why there is no response.
pub(super) enum Failure {
    /// The connection ended before the first byte of a response.
    Silent(io::Error),
    /// The connection ended inside the head.
    Cut(io::Error),
    /// The peer broke the protocol.
    Protocol(HeadError),
    /// Too many interim responses.
    Interim,
    /// The request's body broke off.
    Body(Error),
    /// No head in time.
    Timeout,
}

/// See the module.
pub(super) struct Exchange {
    pub(super) connection: Connection,
    pub(super) upload: Upload,
    /// Whether all of the request has been sent.
    pub(super) sent: bool,
    /// Whether the connection stopped taking the request. It may still deliver a response (`413`, then close).
    pub(super) refused: bool,
    reader: HeadReader,
    interim: u8,
    limit: Option<Duration>,
    /// Started when the request has been sent. Boxed, as it is rare and large.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Exchange {
    pub(super) fn new(connection: Connection, upload: Upload, limit: Option<Duration>) -> Self {
        Self {
            connection,
            upload,
            sent: false,
            refused: false,
            reader: HeadReader::default(),
            interim: 0,
            limit,
            timer: None,
        }
    }

    /// Sends the request and waits for the head of the final response, which may come before all is sent.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
    ) -> Poll<Result<Head, Failure>> {
        loop {
            if !self.sent && !self.refused {
                match self.upload.poll(cx, &mut self.connection.transport) {
                    Poll::Pending => {}
                    Poll::Ready(Ok(())) => self.sent = true,
                    Poll::Ready(Err(UploadError::Body(error))) => {
                        return Poll::Ready(Err(Failure::Body(error)));
                    }
                    Poll::Ready(Err(UploadError::Connection(error))) => {
                        if self.upload.is_untouched() {
                            return Poll::Ready(Err(Failure::Silent(error)));
                        }
                        self.refused = true;
                    }
                }
            }
            match self.connection.poll_fill(cx, ROOM) {
                Poll::Pending if self.is_late(cx) => return Poll::Ready(Err(Failure::Timeout)),
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.ended(closed()))),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.ended(error))),
                Poll::Ready(Ok(_)) => {}
            }
            if let Some(outcome) = self.read_head(method) {
                return Poll::Ready(outcome);
            }
        }
    }

    fn read_head(&mut self, method: &Method) -> Option<Result<Head, Failure>> {
        loop {
            match self.reader.read(&mut self.connection.buffer, method) {
                Ok(None) => return None,
                Ok(Some(head)) if !head.status.is_informational() => return Some(Ok(head)),
                Ok(Some(_)) if self.interim == MAX_INTERIM => return Some(Err(Failure::Interim)),
                Ok(Some(_)) => self.interim += 1,
                Err(error) => return Some(Err(Failure::Protocol(error))),
            }
        }
    }

    fn ended(&self, error: io::Error) -> Failure {
        if self.connection.buffer.is_empty() && self.interim == 0 {
            Failure::Silent(error)
        } else {
            Failure::Cut(error)
        }
    }

    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(limit) = self.limit else { return false };
        if !self.sent && !self.refused {
            return false;
        }
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + limit)));
        std::future::Future::poll(timer.as_mut(), cx).is_ready()
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "connection closed")
}
