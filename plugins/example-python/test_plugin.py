import unittest

from torana_testing import load


class TenantGuard(unittest.TestCase):
    def setUp(self) -> None:
        self.plugin = load(config={"header": "x-tenant", "tenants": ["acme"]})

    def test_a_known_tenant_passes_in_lower_case(self) -> None:
        outcome = self.plugin.on_request(headers={"X-Tenant": " ACME "})
        self.assertIsNone(outcome.answer)
        self.assertEqual(outcome.headers["x-tenant"], "acme")

    def test_others_are_refused(self) -> None:
        for headers, text in [
            ({}, b"which tenant?"),
            ({"x-tenant": " "}, b"which tenant?"),
            ({"x-tenant": "other"}, b"this tenant is not known"),
        ]:
            outcome = self.plugin.on_request(headers=headers)
            self.assertEqual((outcome.answer.status, outcome.answer.body), (403, text))


if __name__ == "__main__":
    unittest.main()
