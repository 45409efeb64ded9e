/* Runs on the machine that you work on, with a small gateway in place of the real one. */

#undef NDEBUG
#include <assert.h>

#include "testing.h"

static torana_result with_tenant(const char *tenant) {
    torana_test_start();
    if (tenant != NULL) {
        torana_test_header("X-Tenant", tenant);
    }
    return torana_on_request();
}

static void a_known_tenant_passes_in_lower_case(void) {
    assert(with_tenant(" ACME ").kind == TORANA_CONTINUE);
    assert(torana_test_has("x-tenant", "acme"));
    torana_test_end();
}

static void is_refused(const char *tenant, torana_text why) {
    torana_result result = with_tenant(tenant);
    assert(result.kind == TORANA_RESPOND && result.status == 403);
    assert(torana_equal(result.text, why));
    torana_test_end();
}

int main(void) {
    torana_text config = TORANA_TEXT("{\"header\": \"x-tenant\", \"tenants\": [\"acme\"]}");
    assert(torana_init(config).kind == TORANA_CONTINUE);
    a_known_tenant_passes_in_lower_case();
    is_refused(NULL, TORANA_TEXT("which tenant?"));
    is_refused(" ", TORANA_TEXT("which tenant?"));
    is_refused("other", TORANA_TEXT("this tenant is not known"));
    assert(torana_init(TORANA_TEXT("{}")).kind == TORANA_FAIL);
    return 0;
}
