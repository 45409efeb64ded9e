

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
    return None


import datetime  # noqa: E402
import random  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402
