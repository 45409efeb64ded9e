
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
    if (torana_equal(fault, TORANA_TEXT("time"))) {
        bool fine = torana_now_ms() > 0 && torana_random(8).size == 8;
        return torana_respond(200, fine ? TORANA_TEXT("{\"year\": 2000}") : TORANA_TEXT("{}"));
    }
    return torana_continue();
}
