//! `proxy.max_payload` and `proxy.decompress_gzip`: what `router` says of request bodies, for one endpoint (reference
//! 5.5). Paid elsewhere.

use http_body::Body as _;
use torana_config::{At, ByteSize, Diagnostics, Object};
use torana_core::{
    Body, Error, Request, RequestContext,
    pipeline::{
        BoxFuture, BuildContext, Built, Filter, Flow, Level, Middleware, Next, Outcome, Step,
        StepFactory,
    },
};

use crate::{
    body::{Limited, too_large},
    gzip,
};

/// The namespace, which has other keys besides.
const NAMESPACE: &str = "proxy";

/// Makes the step that limits and unpacks an endpoint's request bodies.
pub struct Payload;

impl StepFactory for Payload {
    fn name(&self) -> &'static str {
        "payload"
    }

    fn namespaces(&self) -> &'static [&'static str] {
        &[NAMESPACE]
    }

    fn build(&self, cx: &mut BuildContext<'_>) -> Option<Built> {
        let Level::Endpoint(_) = cx.level else { return None };
        let component = cx.component(NAMESPACE)?;
        // Wrong values are reported where all keys of the namespace are read.
        let mut reported = Diagnostics::default();
        let at = At::Root(&component.at);
        let mut proxy = Object::open(&component.value, at, &mut reported)?;
        let limit = proxy.field::<ByteSize>("max_payload").map(|size| size.0).filter(|&l| l > 0);
        let unpack = proxy.field::<bool>("decompress_gzip").unwrap_or_default();
        let limited = limit.map(|limit| format!("at most {limit} bytes"));
        let unpacked = unpack.then(|| "gzip unpacked".to_owned());
        let detail: Vec<_> = limited.into_iter().chain(unpacked).collect();
        let key = if limit.is_some() { "max_payload" } else { "decompress_gzip" };
        let at = Some(component.at.key(key));
        let step = match (limit, unpack) {
            (None, false) => return None,
            (Some(limit), false) => Step::Filter(Box::new(Limit(limit))),
            (limit, true) => {
                // Unpacked, a body may be no larger than the router allows either.
                let most = limit.into_iter().chain(cx.gateway.router.max_payload).min();
                Step::Around(Box::new(Unpack { limit: limit.map(Limit), most }))
            }
        };
        Some(Built { step, detail: detail.join(", "), at })
    }
}

/// Largest body in bytes.
struct Limit(u64);

impl Limit {
    /// Refuses a body that is known to be too large, and watches one of which nothing is known.
    fn apply(&self, request: &mut Request) -> Result<(), Error> {
        let least = match &request.body {
            Body::Empty => return Ok(()),
            Body::Full(bytes) => bytes.len() as u64,
            Body::Stream(stream) => stream.size_hint().lower(),
        };
        if least > self.0 {
            return Err(too_large());
        }
        request.body = match std::mem::take(&mut request.body) {
            Body::Stream(stream) if stream.size_hint().upper().is_none_or(|most| most > self.0) => {
                Limited::wrap(stream, self.0)
            }
            known => known,
        };
        Ok(())
    }
}

impl Filter for Limit {
    fn on_request(&self, _: &RequestContext, request: &mut Request) -> Result<Flow, Error> {
        self.apply(request)?;
        Ok(Flow::Continue)
    }
}

struct Unpack {
    limit: Option<Limit>,
    most: Option<u64>,
}

impl Middleware for Unpack {
    fn call<'a>(
        &'a self,
        cx: &'a RequestContext,
        mut request: Request,
        next: Next<'a>,
    ) -> BoxFuture<'a, Outcome> {
        if let Some(limit) = &self.limit
            && let Err(error) = limit.apply(&mut request)
        {
            return Box::pin(std::future::ready(Err(error)));
        }
        if !gzip::is_packed(&request.headers) {
            return next.run(cx, request);
        }
        Box::pin(async move {
            gzip::unpack(&mut request, self.most).await?;
            next.run(cx, request).await
        })
    }
}

#[cfg(test)]
mod tests;
