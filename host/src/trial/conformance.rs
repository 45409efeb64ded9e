//! `torana plugin conformance`: whether a plugin stands what clients and backends may send.

use torana_core::{
    Error, Request, RequestContext,
    pipeline::{Backend, BoxFuture, Outcome},
};
use torana_wasm::{Summary, summary};

use super::{
    Stage, Subject,
    awkward::{BODIES, DATA, REQUESTS},
    request,
    script::{Message, Script},
    trace::Trace,
    world,
};

/// After so many calls the gateway replaces an instance.
const CALLS: u32 = 1_000;
/// What an instance may grow by in all of them: more is more than 16 KiB for each call.
const GROWTH: usize = 16 << 20;

/// The body of an ordinary message.
const BODY: &str = "an ordinary body";

/// What became of one message.
#[derive(Debug)]
pub struct Finding {
    /// The message.
    pub name: &'static str,
    /// What the plugin has done wrong, if anything.
    pub fault: Option<String>,
}

/// What an ordinary message has shown when it was sent many times.
#[derive(Debug)]
pub struct Soak {
    /// How many times.
    pub calls: u32,
    /// Which of them the plugin has failed, and how: it was the last one.
    pub fault: Option<String>,
    /// The most memory of an instance up to the first call, and up to the last one, in bytes.
    pub memory: (usize, usize),
}

/// Sends all awkward messages, and the ordinary one of the script many times.
///
/// # Errors
/// Why the plugin cannot be tried: it does not start.
pub fn run(subject: &Subject<'_>, script: &Script) -> Result<(Vec<Finding>, Soak), String> {
    let trial = Trial { subject, script, trace: Trace::of_process() };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async { Ok((trial.all().await?, trial.soak().await?)) })
}

struct Trial<'a> {
    subject: &'a Subject<'a>,
    script: &'a Script,
    trace: Trace,
}

impl Trial<'_> {
    async fn all(&self) -> Result<Vec<Finding>, String> {
        let mut findings = Vec::new();
        let decodes = self.subject.decodes(self.script);
        for message in REQUESTS {
            let answer = ordinary(self.script, decodes);
            findings.push(self.send(message.name, message.edit, answer, decodes).await?);
        }
        if self.subject.handles() {
            return Ok(findings);
        }
        for (decodes, answers) in [(false, BODIES), (true, DATA)] {
            for answer in answers {
                let make = answer.make;
                let answers = Answering::new(move || Ok(make()));
                findings.push(self.send(answer.name, |_| (), answers, decodes).await?);
            }
        }
        Ok(findings)
    }

    /// Each on a stage of its own: a plugin that has failed must not be switched off for the next one.
    async fn send(
        &self,
        name: &'static str,
        edit: impl FnOnce(&mut Request),
        backend: Answering,
        decodes: bool,
    ) -> Result<Finding, String> {
        let script = Script { decodes: Some(decodes), ..self.script.clone() };
        let mut request = request(&script)?;
        let stage = self.stage(&script, &request, backend)?;
        edit(&mut request);
        let outcome = end(&stage, request).await;
        Ok(Finding { name, fault: fault(&summary(&stage.resources), &outcome) })
    }

    async fn soak(&self) -> Result<Soak, String> {
        let script = self.with_bodies();
        let backend = ordinary(&script, self.subject.decodes(&script));
        let stage = self.stage(&script, &request(&script)?, backend)?;
        let mut soak = Soak { calls: 0, fault: None, memory: (0, 0) };
        while soak.calls < CALLS && soak.fault.is_none() {
            let outcome = end(&stage, request(&script)?).await;
            let summary = summary(&stage.resources);
            soak.calls += 1;
            soak.fault = fault(&summary, &outcome);
            soak.memory.1 = summary.memory_high;
            if soak.calls == 1 {
                soak.memory.0 = summary.memory_high;
            }
        }
        Ok(soak)
    }

    /// The script with a body in each message that has none, so that hooks for bodies have something to do.
    fn with_bodies(&self) -> Script {
        let has = |hook| self.subject.inspection.hooks.contains(&hook);
        let mut script = self.script.clone();
        if has("on-request-body") {
            let ask = || Message { first: "POST /".to_owned(), ..Message::default() };
            script.request.get_or_insert_with(ask).body.get_or_insert_with(|| BODY.to_owned());
        }
        if has("on-response-body") {
            let ok = || Message { first: "200".to_owned(), ..Message::default() };
            script.backend.get_or_insert_with(ok).body.get_or_insert_with(|| BODY.to_owned());
        }
        script
    }

    fn stage(
        &self,
        script: &Script,
        request: &Request,
        backend: Answering,
    ) -> Result<Stage, String> {
        Stage::new(self.subject, script, &request.path, &self.trace, Box::new(backend))
    }
}

impl Soak {
    /// The memory grows more than is good.
    #[must_use]
    pub fn leaks(&self) -> bool {
        self.memory.1 > self.memory.0 + GROWTH
    }
}

/// Runs a request, and the body of its answer.
async fn end(stage: &Stage, request: Request) -> Result<(), Error> {
    world::response_text(stage.run(request).await?).await.map(drop)
}

/// What the plugin has done wrong. That it answers or reports an error is no fault.
fn fault(summary: &Summary, outcome: &Result<(), Error>) -> Option<String> {
    let (hook, kind) = summary.failures.iter().find(|(_, kind)| *kind != "hook")?;
    Some(match outcome {
        Err(error) => error.in_full(),
        // The request has gone on without it.
        Ok(()) => format!("{hook}: {kind}"),
    })
}

/// The backend of the script, as often as it is asked.
fn ordinary(script: &Script, decodes: bool) -> Answering {
    let ok = Message { first: "200".to_owned(), ..Message::default() };
    let answer = script.backend.clone().unwrap_or(ok);
    Answering::new(move || world::answer(&answer, decodes))
}

/// A backend that reads the request to its end.
struct Answering(Box<dyn Fn() -> Outcome + Send + Sync>);

impl Answering {
    fn new(answer: impl Fn() -> Outcome + Send + Sync + 'static) -> Self {
        Self(Box::new(answer))
    }
}

impl Backend for Answering {
    fn call<'a>(&'a self, _: &'a RequestContext, mut request: Request) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            world::text(std::mem::take(&mut request.body)).await?;
            (self.0)()
        })
    }
}
