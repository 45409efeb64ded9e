

def on_backend_request(request: Request) -> Answer | None:
    """What a plugin may do wrong, one at a time."""
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
        case "interfaces":
            url = request.header("x-url")
            reply = http.send("GET", url, {"x-from": "plugin"})
            calls = [http.request("GET", url), http.request("GET", "http://192.0.2.1/")]
            _, refused = http.send_all(calls)
            context.set("seen", json.dumps({"status": reply.status, **reply.json()}))
            log.info(f"seen by {request.id}")
            try:
                http.send("GET", "http://192.0.2.1/")
            except http.HttpError as error:
                denied = error.kind
            seen = json.loads(context.get("seen"))
            others = {"denied": denied, "refused": str(refused), "env": environment.get("NO")}
            return Answer.json(200, {**seen, **others})
    return None


import datetime  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402

from torana import context, environment, http, log  # noqa: E402
