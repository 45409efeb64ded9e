"""What the component exports: each hook of `plugin.py` in the shape that the gateway calls.

`torana plugin build` exports those that the plugin has.
"""

import datetime
import json
import os
import sys
import time

from componentize_py_types import Err
from wit_world.imports import clock, config, types
from wit_world.imports import random as host_random

# Without these Python would ask an operating system, which is not there.
time.time = lambda: clock.now_ms() / 1e3
time.time_ns = lambda: clock.now_ms() * 1_000_000
time.monotonic = time.perf_counter = lambda: clock.monotonic_ns() / 1e9
time.monotonic_ns = time.perf_counter_ns = clock.monotonic_ns
os.urandom = host_random.get_bytes


class DateTime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)


datetime.datetime = DateTime

import plugin  # noqa: E402
from torana import Answer, Request, Response, results  # noqa: E402


class Output:
    """What is printed: in the log if the plugin imports that, else nowhere."""

    def write(self, text: str) -> int:
        log = sys.modules.get("torana.log")
        if log is not None and not text.isspace():
            log.info(text.rstrip("\n"))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


sys.stdout = sys.stderr = Output()

REQUEST = Request()
RESPONSE = Response()
CONTINUE = types.Action_Continue()


def described(error: BaseException) -> Err:
    """What goes to the gateway's log when a hook raises: the error, and the line of the plugin where it happened."""
    place, at = "", error.__traceback__
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        if "torana" not in file.split("/"):
            place = f" ({file.rpartition('/')[2]}:{at.tb_lineno})"
        at = at.tb_next
    text = f"{type(error).__name__}: {error}{place}"
    return Err(text.encode(errors="replace").decode())


def lowered(answer: Answer) -> types.Answer:
    return types.Answer(answer.status, answer.headers, answer.body)


class Init:
    def init(self) -> types.Hooks:
        try:
            if "random" in sys.modules:
                # Its state was made when the component was built: every instance would draw the same numbers.
                sys.modules["random"].seed(host_random.get_bytes(32))
            start = getattr(plugin, "init", lambda config: None)
            hooks = types.Hooks(0)
            for hook in results.wanted(start(json.loads(config.get())), plugin):
                hooks |= types.Hooks[hook.upper()]
            return hooks
        except BaseException as error:
            raise described(error) from None


class OnRequest:
    def handle(self) -> types.Action:
        try:
            answer = results.action(plugin.on_request(REQUEST))
            return CONTINUE if answer is None else types.Action_Respond(lowered(answer))
        except BaseException as error:
            raise described(error) from None


class OnBackendRequest:
    def handle(self) -> types.Action:
        try:
            answer = results.action(plugin.on_backend_request(REQUEST))
            return CONTINUE if answer is None else types.Action_Respond(lowered(answer))
        except BaseException as error:
            raise described(error) from None


class OnBackendResponse:
    def handle(self) -> None:
        try:
            results.nothing(plugin.on_backend_response(RESPONSE))
        except BaseException as error:
            raise described(error) from None


class OnResponse:
    def handle(self) -> None:
        try:
            results.nothing(plugin.on_response(RESPONSE))
        except BaseException as error:
            raise described(error) from None


def chunk(hook, data: bytes, last: bool) -> bytes:
    try:
        return results.chunk(hook(data, last), data)
    except BaseException as error:
        raise described(error) from None


class OnRequestBody:
    def chunk(self, data: bytes, last: bool) -> bytes:
        return chunk(plugin.on_request_body, data, last)


class OnResponseBody:
    def chunk(self, data: bytes, last: bool) -> bytes:
        return chunk(plugin.on_response_body, data, last)


class Handle:
    def handle(self) -> types.Answer:
        try:
            return lowered(results.answer(plugin.handle(REQUEST)))
        except BaseException as error:
            raise described(error) from None
