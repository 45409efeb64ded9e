
#include <stdio.h>
#include <string.h>

#include "wit.h"

static wit_string_t wit(torana_text text) { return (wit_string_t){(uint8_t *)text.data, text.size}; }

/* Two calls to other services with the bindings themselves: one is answered, one is refused. */
static torana_result interfaces(void) {
    torana_text url;
    torana_header(TORANA_TEXT("x-url"), &url);
    torana_plugin_http_request_t request = {.method = wit(TORANA_TEXT("GET")), .url = wit(url)};
    torana_plugin_http_response_t reply;
    torana_plugin_http_error_t error;
    if (!torana_plugin_http_send(&request, &reply, &error)) {
        return torana_fail(TORANA_TEXT("no answer"));
    }
    torana_set_context(TORANA_TEXT("seen"), (torana_text){(char *)reply.body.ptr, reply.body.len});
    torana_plugin_http_response_free(&reply);
    request.url = wit(TORANA_TEXT("http://192.0.2.1/"));
    bool sent = torana_plugin_http_send(&request, &reply, &error);
    torana_log(TORANA_INFO, TORANA_TEXT("seen"));
    torana_text seen = TORANA_TEXT("{}");
    torana_context(TORANA_TEXT("seen"), &seen);
    if (seen.size < 2 || sent || error.tag != TORANA_PLUGIN_HTTP_ERROR_DENIED) {
        return torana_fail(TORANA_TEXT("it is not denied"));
    }
    torana_plugin_http_error_free(&error);
    char *body = torana_alloc(seen.size + 64);
    int size = sprintf(body, "{\"status\":200,\"denied\":\"denied\",\"refused\":\"denied\",%.*s", (int)seen.size - 1, seen.data + 1);
    return torana_respond(200, (torana_text){body, (size_t)size});
}

/* What a plugin may do wrong, one at a time. */
torana_result torana_on_backend_request(void) {
    torana_text fault = TORANA_TEXT("");
    torana_header(TORANA_TEXT("x-fault"), &fault);
    if (torana_equal(fault, TORANA_TEXT("throw"))) {
        return torana_fail(TORANA_TEXT("boom"));
    }
    if (torana_equal(fault, TORANA_TEXT("name")) && !torana_set_header(TORANA_TEXT("bad name"), TORANA_TEXT("1"))) {
        return torana_fail(torana_refusal());
    }
    if (torana_equal(fault, TORANA_TEXT("text"))) {
        torana_set_header(TORANA_TEXT("x-text"), TORANA_TEXT("\xff"));
    }
    if (torana_equal(fault, TORANA_TEXT("status"))) {
        return torana_respond(99, TORANA_TEXT("no status"));
    }
    if (torana_equal(fault, TORANA_TEXT("type"))) {
        __builtin_trap();
    }
    if (torana_equal(fault, TORANA_TEXT("caught")) &&
        !torana_set_header(TORANA_TEXT("content-length"), TORANA_TEXT("1"))) {
        torana_set_header(TORANA_TEXT("x-caught"), torana_refusal());
    }
    if (torana_equal(fault, TORANA_TEXT("interfaces"))) {
        return interfaces();
    }
    if (torana_equal(fault, TORANA_TEXT("time"))) {
        bool fine = torana_now_ms() > 0 && torana_random(8).size == 8;
        return torana_respond(200, fine ? TORANA_TEXT("{\"year\": 2000}") : TORANA_TEXT("{}"));
    }
    return torana_continue();
}
