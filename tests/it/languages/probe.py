

def on_backend_request(request: Request) -> Answer | None:
    """What a plugin may do wrong, one at a time."""
    what = request.header("x-do")
    if what is not None:
        request.set_header("x-out", said(REQUESTS, what))
    match request.header("x-fault"):
        case "throw":
            raise RuntimeError("boom")
        case "name":
            request.set_header("bad name", "1")
        case "text":
            request.set_header("x-text", "\ud800")
        case "status":
            return Answer.text(99, "no status")
        case "type":
            return "no answer"  # type: ignore
        case "caught":
            try:
                request.set_header("content-length", "1")
            except Exception as error:
                request.set_header("x-caught", str(error))
        case "time":
            print("asked")
            year = datetime.datetime.now(datetime.UTC).year
            assert year == time.gmtime(time.time()).tm_year == datetime.date.today().year
            return Answer.json(200, {"year": year, "random": random.random(), "id": str(uuid.uuid4())})
    return None


import datetime  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402
from collections.abc import Callable  # noqa: E402

from torana import PluginError, Response, cache, context, data, environment, http, kv, log, metrics  # noqa: E402


# What the header `x-do` asks for is said in the header `x-out`; what is about data, later in the answer.
def done(nothing: None) -> str:
    return "done" if nothing is None else "not done"


def ttl(text: str) -> int | None:
    return int(text) or None


def text(value: bytes | None) -> str:
    return "none" if value is None else value.decode()


def truth(value: bool) -> str:
    return {True: "true", False: "false"}[value]


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def later(verb: str) -> Callable[..., str]:
    return lambda *words: done(context.set("data", " ".join([verb, *words])))


def replied(reply: http.Reply | http.HttpError) -> str:
    if isinstance(reply, http.HttpError):
        return f"error {reply.kind}"
    return f"{reply.status} {reply.header('X-Reply')} {reply.body.decode()}"


def made(value: str, ttl_ms: int | None) -> tuple[str, int | None]:
    if value == "none":
        raise PluginError("there is none")
    return value, ttl_ms


REQUESTS: dict[str, Callable[..., object]] = {
    "env": lambda name: environment.get(name) or "none",
    "log": lambda text: done(log.info(text)),
    "kv-get": lambda key: text(kv.get(key)),
    "kv-set": lambda key, value, time: done(kv.set(key, value, ttl(time))),
    "kv-set-if-absent": lambda key, value, time: truth(kv.set_if_absent(key, value, ttl(time))),
    "kv-delete": lambda key: truth(kv.delete(key)),
    "kv-add": lambda key, by, time: kv.add(key, int(by), ttl(time)),
    "cache-claim": lambda key, wait: "yours" if (value := cache.claim(key, ttl(wait))) is None else text(value),
    "cache-keep": lambda key, value, time: done(cache.keep(key, value, ttl(time))),
    "cache-release": lambda key: done(cache.release(key)),
    "cache-make": lambda key, value, time: text(cache.get_or_make(key, lambda: made(value, ttl(time)))),
    "count": lambda name, by, region: done(metrics.count(name, int(by), {"region": region})),
    "gauge": lambda name, value: done(metrics.gauge(name, float(value))),
    "observe": lambda name, value: done(metrics.observe(name, float(value))),
    "send": lambda method, url, body: replied(http.send(method, url, {"x-sent": "1"}, body)),
    "send-in": lambda time, url: replied(http.send("GET", url, timeout_ms=int(time))),
    "send-all": lambda *urls: "|".join(map(replied, http.send_all([http.request("GET", url) for url in urls]))),
    **{verb: later(verb) for verb in ["query", "replace", "get", "set", "remove"]},
}

RESPONSES: dict[str, Callable[..., object]] = {
    "query": lambda path: ",".join(f"{pointer}={written(value)}" for pointer, value in data.query(path)),
    "replace": lambda path, value: data.replace(path, json.loads(value)),
    "get": lambda pointer: "none" if (value := data.get(pointer)) is None else written(value),
    "set": lambda pointer, value: done(data.set(pointer, json.loads(value))),
    "remove": lambda pointer: truth(data.remove(pointer)),
}


def said(all: dict[str, Callable[..., object]], what: str) -> str:
    verb, *words = what.split(" ")
    try:
        return str(all[verb](*words))
    except PluginError as error:
        return f"error {getattr(error, 'kind', '')}".strip()


def on_backend_response(response: Response) -> None:
    what = context.get("data")
    if what is not None:
        data.set("/out", said(RESPONSES, what.decode()))
