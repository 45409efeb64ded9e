//! Calls of the hooks that are about a whole message: at once on the worker, or on a fiber.

use std::sync::Arc;

use torana_core::{Request, RequestContext, Response};
use tracing::Instrument;
use wasmtime::component::{Lift, TypedFunc};

use crate::{
    bindings::torana::plugin::types::{Action, Answer},
    call::Caller,
    component::Hook,
    fiber,
    instance::{CallError, Functions},
    pool::Lease,
    state::Exchange,
};

/// A hook's function without parameters: what it is about, it asks the host for.
pub(crate) type Function<T> = TypedFunc<(), (Result<T, String>,)>;

/// A kind of such a call.
///
/// The message moves into the instance for the time of the call and out again, whatever happens in between.
pub(crate) trait Invocation: 'static {
    /// What the call is about.
    type Message: Send + 'static;
    /// What the guest gives back.
    type Answer: Lift + Send + Sync + 'static;

    /// The guest's function.
    fn function(functions: &Functions) -> Option<Function<Self::Answer>>;

    /// Takes the message in.
    fn enter(exchange: &mut Exchange, cx: &RequestContext, message: Self::Message);

    /// Gives it back, as the guest has left it.
    fn leave(exchange: &mut Exchange) -> Option<Self::Message>;
}

/// `on-request` and `on-backend-request`.
pub(crate) enum OnRequest {}
/// `on-response` and `on-backend-response`.
pub(crate) enum OnResponse {}
/// `handle`.
pub(crate) enum Handle {}

impl Invocation for OnRequest {
    type Message = Request;
    type Answer = Action;

    fn function(functions: &Functions) -> Option<Function<Action>> {
        functions.request
    }

    fn enter(exchange: &mut Exchange, cx: &RequestContext, message: Request) {
        exchange.enter_request(cx, message);
    }

    fn leave(exchange: &mut Exchange) -> Option<Request> {
        exchange.leave_request()
    }
}

impl Invocation for OnResponse {
    type Message = Response;
    type Answer = ();

    fn function(functions: &Functions) -> Option<Function<()>> {
        functions.response
    }

    fn enter(exchange: &mut Exchange, cx: &RequestContext, message: Response) {
        exchange.enter_response(cx, message);
    }

    fn leave(exchange: &mut Exchange) -> Option<Response> {
        exchange.leave_response()
    }
}

impl Invocation for Handle {
    type Message = Request;
    type Answer = Answer;

    fn function(functions: &Functions) -> Option<Function<Answer>> {
        functions.handle
    }

    fn enter(exchange: &mut Exchange, cx: &RequestContext, message: Request) {
        exchange.enter_request(cx, message);
    }

    fn leave(exchange: &mut Exchange) -> Option<Request> {
        exchange.leave_request()
    }
}

/// The message as the guest has left it, and how the call ended.
pub(crate) type Called<I> =
    (<I as Invocation>::Message, Result<<I as Invocation>::Answer, CallError>);

impl Caller {
    /// Calls a hook on this thread.
    ///
    /// # Errors
    /// The untouched message, if the call must be able to wait: [`Caller::on_fiber`] does that.
    pub(crate) fn now<I: Invocation>(
        &self,
        cx: &RequestContext,
        hook: Hook,
        message: I::Message,
    ) -> Result<Called<I>, I::Message> {
        let mut lease = match self.lease_now() {
            Ok(Some(lease)) => lease,
            Ok(None) => return Err(message),
            Err(error) => return Ok((message, Err(error))),
        };
        let _span = self.span(cx, hook).entered();
        let (message, outcome) =
            lease.instance().invoke::<I>(self.plugin.pool.loaded(), cx, message);
        self.end(lease, hook, &outcome);
        Ok((message, outcome))
    }

    /// Calls a hook on a fiber, once there is an instance for it.
    pub(crate) async fn on_fiber<I: Invocation>(
        &self,
        cx: &RequestContext,
        hook: Hook,
        message: I::Message,
    ) -> Called<I> {
        let mut lease = match Lease::wait(Arc::clone(&self.plugin)).await {
            Ok(lease) => lease,
            Err(error) => return (message, Err(error)),
        };
        let instance = lease.instance();
        let alarm = instance.alarm();
        instance.enter::<I>(cx, message);
        let call = async move {
            let plugin = Arc::clone(lease.plugin());
            let outcome = lease.instance().invoke_on_fiber::<I>(&plugin).await;
            (lease, outcome)
        };
        let call = Box::pin(call.instrument(self.span(cx, hook)));
        let (mut lease, outcome) = fiber::run(&alarm, call).await;
        let message = lease.instance().leave::<I>();
        self.end(lease, hook, &outcome);
        (message, outcome)
    }
}
