"""The double of the gateway in the Python SDK does what the gateway does."""

import sys
import unittest
from unittest import mock

from torana_testing import load


class Double(unittest.TestCase):
    def started(self, work=None, **options):
        plugin = load(**options)
        # Loading made it anew.
        self.plugin = sys.modules["plugin"]
        self.plugin.work = work
        return plugin

    def in_request(self, work, **options):
        return self.started(work, **options).on_request()

    def in_response(self, work, **response):
        return self.started(work).on_response(**response)

    def refuses(self, call, *arguments, kind=None, word=""):
        with self.assertRaisesRegex(Exception, word) as caught:
            call(*arguments)
        self.assertNotIsInstance(caught.exception, (LookupError, AttributeError), arguments)
        if kind is not None:
            self.assertEqual(caught.exception.kind, kind)

    def test_numbers_that_the_gateway_has_not_are_refused_with_a_word_about_why(self):
        def work(_):
            p = self.plugin
            word = "is no whole number from 0 to"
            for wrong in [-1, 1.5, 1.0, "5", 2**64, True, {}]:
                self.refuses(p.kv.set, "a", "1", wrong, word=word)
                self.refuses(p.kv.set_if_absent, "a", "1", wrong, word=word)
                self.refuses(p.kv.add, "n", 1, wrong, word=word)
                self.refuses(p.metrics.count, "c", wrong, word=word)
                self.refuses(p.http.send, "GET", "http://a/", (), b"", wrong, word=word)
            self.refuses(p.kv.add, "n", 1.5, word="1.5 is no whole number")
            self.refuses(p.kv.add, "n", 2**63, word="is no whole number")
            self.refuses(p.http.send, "GET", "http://a/", (), b"", 2**32, word="is no whole number")
            self.refuses(p.http.send_all, [5], word="torana.http.request")
            self.assertEqual(p.kv.add("n", -3), -3)

        self.in_request(work)

    def test_init_names_hooks_that_are_there(self):
        for fine in [None, [], ["on_request"], ["on_request", "on_request_body", "handle"]]:
            self.started(config=fine)
        for wrong in [["onRequest"], ["on_backend_request"], [None], [[]], "on_request", True, {}]:
            self.refuses(lambda: self.started(config=wrong), word="`init` (must return|returns)")

    def test_what_hooks_return_is_held_against_what_they_may(self):
        for wrong in ["text", {"status": 200}, 5]:
            self.refuses(lambda: self.in_request(lambda _: wrong), word="must return an Answer")

        async def waits(_):
            """Nobody waits for it."""

        with self.assertRaisesRegex(TypeError, "coroutine"):
            self.in_response(waits)
        self.refuses(self.started(lambda _: None).handle, word="must return an Answer, not None")
        plugin = self.started(lambda _: self.plugin.Answer.text(200, "hi"))
        self.assertEqual(plugin.handle().answer.body, b"hi")

    def test_edits_that_the_gateway_refuses_are_refused(self):
        def request(request):
            for path in ["", "a", "/a?b", "/a b", "/ä", "/a#b"]:
                self.refuses(setattr, request, "path", path, word="is not a path")
            for query in ["a b", "ä", "a#b"]:
                self.refuses(setattr, request, "query", query, word="is not a query")
            for method in ["", "A B", "CONNECT"]:
                self.refuses(setattr, request, "method", method, word="is not a method")
            request.path, request.query, request.method = "/a%20b;c=1", "a=b?c", "PUT"

        def response(response):
            self.refuses(response.set_body, "x", word="decoded")
            self.refuses(setattr, response, "status", 99, word="99")
            response.status = 404

        self.in_request(request)
        self.in_response(response, data={})

    def test_data_is_found_and_edited_as_in_the_gateway(self):
        def work(_):
            data = self.plugin.data
            self.assertEqual(data.get("/a~1b"), 1)
            for nowhere in ["/list/2", "/list/-1", "/list/01", "/list/x", "/no/where"]:
                self.assertIsNone(data.get(nowhere), nowhere)
                self.assertFalse(data.remove(nowhere), nowhere)
            for wrong in ["/list/2", "/list/-1", "/list/x", "/no/where", "/list/0/x", "list"]:
                self.refuses(data.set, wrong, 1, word="there is no place|no JSON Pointer")
            self.refuses(data.set, "", [1], word="the data is an object")
            self.refuses(data.set, "/a", float("nan"), word="NaN")
            data.set("/list/-", 3)
            data.set("/new", {"a": 1})
            self.assertTrue(data.remove("/list/0"))

        outcome = self.in_response(work, data={"list": [1, None], "a/b": 1})
        self.assertEqual(outcome.message["data"], {"list": [None, 3], "a/b": 1, "new": {"a": 1}})

    def test_a_response_with_a_body_has_no_data(self):
        def work(_):
            self.assertIsNone(self.plugin.data.get("/a"))
            self.refuses(self.plugin.data.set, "/a", 1, word="not decoded")
            self.refuses(self.plugin.data.remove, "/a", word="not decoded")

        self.in_response(work, body=b"x")
        with self.assertRaisesRegex(RuntimeError, "not there in this hook"):
            self.in_request(lambda _: self.plugin.data.get("/a"))

    def test_values_expire_and_counters_are_text(self):
        def work(_):
            kv = self.plugin.kv
            kv.set("a", "one", 100)
            self.assertFalse(kv.set_if_absent("a", "two"))
            self.assertEqual(kv.add("n", 2, 100), 2)
            clock.return_value += 0.06
            self.assertEqual((kv.add("n", 3, 100), kv.get("n")), (5, b"5"))
            clock.return_value += 0.06
            self.assertEqual((kv.get("a"), kv.delete("a"), kv.add("n", 1)), (None, False, 1))
            self.assertTrue(kv.set_if_absent("a", "two"))
            self.refuses(kv.add, "a", kind="not-a-counter")
            self.refuses(kv.set, "k" * 257, "", kind="too-large")
            self.refuses(kv.set, "a", "x" * 65_537, kind="too-large")

        with mock.patch("time.time", return_value=1000.0) as clock:
            self.in_request(work)

    def test_values_are_made_once(self):
        def fail():
            raise KeyError("no value")

        def work(_):
            cache, kv = self.plugin.cache, self.plugin.kv
            self.assertRaises(KeyError, cache.get_or_make, "k", fail)
            self.assertEqual(cache.get_or_make("k", lambda: ("made", 60_000)), b"made")
            self.assertEqual((cache.get_or_make("k", fail), kv.get("k")), (b"made", b"made"))
            self.assertEqual((cache.claim("x"), cache.claim("x", 5)), (None, None))
            cache.release("x")
            cache.keep("x", "kept")
            self.assertEqual(cache.claim("x"), b"kept")
            self.refuses(cache.claim, "k" * 257, kind="too-large")
            self.refuses(cache.keep, "a", "x" * 65_537, kind="too-large")
            self.refuses(cache.claim, "a", 2**32, word="is no whole number")
            self.refuses(cache.get_or_make, "a", lambda: "text")

        self.in_request(work)

    def test_services_answer_fail_and_are_denied(self):
        class Late(Exception):
            kind = "timeout"

        def answers(request):
            if request.url.endswith("/late"):
                raise Late
            return 200, {"X-A": "1"}, b"hi"

        def denied(_):
            http = self.plugin.http
            self.refuses(http.send, "GET", "http://a/", kind="denied")
            self.assertEqual(http.send_all([http.request("GET", "http://a/")])[0].kind, "denied")

        def work(_):
            http = self.plugin.http
            self.refuses(http.send, "GET", "http://a/late", kind="timeout")
            urls = ["http://a/late", "http://a/"]
            late, reply = http.send_all([http.request("GET", url) for url in urls])
            self.assertEqual((late.kind, reply.header("x-a"), reply.body), ("timeout", "1", b"hi"))

        self.in_request(denied)
        self.in_request(work, http=answers)

    def test_bodies_stream_through_their_hook(self):
        seen = []

        def work(chunk, last):
            seen.append((chunk, last))
            return b"!" if last else None if len(seen) == 1 else chunk[1:]

        plugin = self.started(work)
        self.assertEqual(plugin.on_request_body(b"ab", b"cd"), [b"ab", b"d", b"!"])
        self.assertEqual(seen, [(b"ab", False), (b"cd", False), (b"", True)])
        self.plugin.work = lambda chunk, last: "text"
        self.refuses(plugin.on_request_body, word="must return bytes, not str")
