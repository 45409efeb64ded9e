/* The small gateway that plugins in C are tested with: it keeps, counts, answers and refuses as the real one does. */

#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "testing.h"

#define IS(text, literal) assert(torana_equal((text), TORANA_TEXT(literal)))

static bool refused_as(const char *kind) { return torana_is_kind(torana_refusal(), torana_string(kind)); }

static void values_are_kept_until_they_are_forgotten(void) {
    torana_text value;
    torana_test_start();
    assert(!torana_kv_get(TORANA_TEXT("a"), &value) && torana_refusal().size == 0);
    assert(torana_kv_set(TORANA_TEXT("a"), TORANA_TEXT("one"), 0));
    torana_test_end();
    torana_test_start();
    assert(torana_kv_get(TORANA_TEXT("a"), &value));
    IS(value, "one");
    assert(!torana_kv_set_if_absent(TORANA_TEXT("a"), TORANA_TEXT("two"), 0));
    assert(torana_kv_set_if_absent(TORANA_TEXT("b"), TORANA_TEXT(""), 0));
    assert(torana_kv_delete(TORANA_TEXT("b")) && !torana_kv_delete(TORANA_TEXT("b")));
    torana_test_forget();
    assert(!torana_kv_get(TORANA_TEXT("a"), &value));
    torana_test_end();
}

static void values_expire(void) {
    torana_text value;
    int64_t sum;
    torana_test_start();
    assert(torana_kv_set(TORANA_TEXT("a"), TORANA_TEXT("one"), 1000));
    assert(torana_kv_set(TORANA_TEXT("b"), TORANA_TEXT("two"), 0));
    assert(torana_kv_add(TORANA_TEXT("n"), 1, 1500, &sum));
    torana_test_advance(999);
    assert(torana_kv_get(TORANA_TEXT("a"), &value));
    assert(torana_kv_add(TORANA_TEXT("n"), 1, 60000, &sum) && sum == 2);
    assert(!torana_kv_set_if_absent(TORANA_TEXT("a"), TORANA_TEXT("two"), 0));
    torana_test_advance(1);
    assert(!torana_kv_get(TORANA_TEXT("a"), &value) && torana_refusal().size == 0);
    assert(!torana_kv_delete(TORANA_TEXT("a")) && torana_kv_get(TORANA_TEXT("b"), &value));
    assert(torana_kv_set_if_absent(TORANA_TEXT("a"), TORANA_TEXT("three"), 0));
    /* A counter's time runs from its first use. */
    torana_test_advance(500);
    assert(torana_kv_add(TORANA_TEXT("n"), 1, 1500, &sum) && sum == 1);
    /* A new value has a time of its own; one that is too long is for ever. */
    assert(torana_kv_set(TORANA_TEXT("b"), TORANA_TEXT(""), 1) && torana_kv_set(TORANA_TEXT("a"), TORANA_TEXT(""), UINT64_MAX));
    torana_test_advance(3600000);
    assert(torana_kv_get(TORANA_TEXT("a"), &value) && !torana_kv_get(TORANA_TEXT("b"), &value));
    torana_test_forget();
    torana_test_end();
}

static void what_has_expired_makes_room(void) {
    char key[2] = "!";
    torana_test_start();
    while (torana_kv_set(torana_string(key), TORANA_TEXT(""), 1000)) {
        key[0]++;
    }
    assert(refused_as("quota"));
    torana_test_advance(1000);
    assert(torana_kv_set(torana_string(key), TORANA_TEXT(""), 0));
    torana_test_forget();
    torana_test_end();
}

static void time_moves_when_the_test_says_so(void) {
    torana_test_start();
    uint64_t now = torana_now_ms(), monotonic = torana_monotonic_ns();
    assert(now == UINT64_C(1767225600000));
    torana_test_advance(1500);
    assert(torana_now_ms() == now + 1500 && torana_monotonic_ns() == monotonic + UINT64_C(1500000000));
    torana_test_forget();
    assert(torana_now_ms() == now);
    torana_test_end();
}

static void variables_are_those_of_the_test(void) {
    torana_text value;
    torana_test_start();
    assert(torana_env(TORANA_TEXT("PATH"), &value) && value.size > 0);
    assert(!torana_env(TORANA_TEXT("TORANA_NOT_THERE"), &value));
    torana_test_end();
}

static void numbers_are_added(void) {
    torana_text value;
    int64_t sum;
    torana_test_start();
    assert(torana_kv_add(TORANA_TEXT("n"), 2, 0, &sum) && sum == 2);
    assert(torana_kv_add(TORANA_TEXT("n"), -5, 60000, &sum) && sum == -3);
    assert(torana_kv_get(TORANA_TEXT("n"), &value));
    IS(value, "-3");
    assert(torana_kv_add(TORANA_TEXT("most"), INT64_MAX, 0, &sum) && torana_kv_add(TORANA_TEXT("most"), 1, 0, &sum));
    assert(sum == INT64_MAX && torana_kv_add(TORANA_TEXT("least"), INT64_MIN, 0, &sum));
    assert(torana_kv_add(TORANA_TEXT("least"), -1, 0, &sum) && sum == INT64_MIN);
    /* What was set is no counter, also if it is a number. */
    assert(torana_kv_set(TORANA_TEXT("a"), TORANA_TEXT("1"), 0));
    assert(!torana_kv_add(TORANA_TEXT("a"), 1, 0, &sum) && refused_as("not-a-counter"));
    assert(torana_kv_set(TORANA_TEXT("a"), TORANA_TEXT("x"), 0) && torana_refusal().size == 0);
    torana_test_forget();
    torana_test_end();
}

static void values_are_made_once(void) {
    torana_text value;
    torana_test_start();
    assert(torana_cache_claim(TORANA_TEXT("k"), 0, &value) == TORANA_YOURS && torana_refusal().size == 0);
    torana_cache_release(TORANA_TEXT("k"));
    assert(torana_cache_claim(TORANA_TEXT("k"), 5, &value) == TORANA_YOURS);
    assert(torana_cache_keep(TORANA_TEXT("k"), TORANA_TEXT("made"), 1000));
    assert(torana_cache_claim(TORANA_TEXT("k"), 0, &value) == TORANA_FOUND);
    IS(value, "made");
    torana_test_advance(1000);
    assert(torana_cache_claim(TORANA_TEXT("k"), 0, &value) == TORANA_YOURS);
    torana_test_forget();
    torana_test_end();
}

static void too_much_is_refused(void) {
    static char long_text[65537];
    char key[2] = "A";
    torana_text long_key = {long_text, 257}, value;
    int64_t sum;
    torana_test_start();
    assert(torana_cache_claim(long_key, 0, &value) == TORANA_REFUSED && refused_as("too-large"));
    assert(!torana_kv_get(long_key, &value) && refused_as("too-large"));
    assert(!torana_kv_delete(long_key) && refused_as("too-large"));
    assert(!torana_kv_add(long_key, 1, 0, &sum) && refused_as("too-large"));
    assert(!torana_kv_set((torana_text){long_text, 257}, TORANA_TEXT(""), 0) && refused_as("too-large"));
    assert(!torana_kv_set(TORANA_TEXT("a"), (torana_text){long_text, 65537}, 0) && refused_as("too-large"));
    while (torana_kv_set(torana_string(key), (torana_text){long_text, 65536}, 0)) {
        key[0]++;
    }
    assert(refused_as("quota"));
    torana_test_forget();
    torana_test_end();
}

static void services_answer(void) {
    torana_test_start();
    torana_test_answer("http://auth/check", 401, "no");
    torana_http_request requests[] = {{.url = TORANA_TEXT("http://auth/check")}, {.url = TORANA_TEXT("http://auth/")}};
    torana_http_response responses[2];
    assert(torana_http_send(&requests[0], &responses[0]) && responses[0].status == 401);
    IS(responses[0].body, "no");
    torana_http_send_all(requests, 2, responses);
    assert(responses[0].status == 401 && responses[0].refusal.size == 0 && responses[1].status == 0);
    assert(torana_is_kind(responses[1].refusal, TORANA_TEXT("denied")));
    assert(!torana_http_send(&requests[1], &responses[0]) && refused_as("denied"));
    assert(torana_test_calls() == 2);
    torana_test_forget();
    assert(torana_test_calls() == 0 && !torana_http_send(&requests[0], &responses[0]));
    torana_test_end();
}

static void headers_of_answers_are_found(void) {
    torana_test_start();
    torana_field fields[] = {{TORANA_TEXT("X-One"), TORANA_TEXT("1")}, {TORANA_TEXT("x-one"), TORANA_TEXT("2")}};
    torana_http_response response = {.headers = fields, .header_count = 2};
    torana_text value;
    assert(torana_http_header(&response, TORANA_TEXT("x-ONE"), &value));
    IS(value, "1");
    assert(!torana_http_header(&response, TORANA_TEXT("x-on"), &value));
    torana_test_end();
}

static void kinds_are_whole_words(void) {
    assert(torana_is_kind(TORANA_TEXT("denied"), TORANA_TEXT("denied")));
    assert(torana_is_kind(TORANA_TEXT("denied: http://a"), TORANA_TEXT("denied")));
    assert(!torana_is_kind(TORANA_TEXT("denied: http://a"), TORANA_TEXT("deny")));
    assert(!torana_is_kind(TORANA_TEXT("denied"), TORANA_TEXT("den")));
    assert(!torana_is_kind(TORANA_TEXT(""), TORANA_TEXT("")));
}

static void counters_count(void) {
    torana_field region = {TORANA_TEXT("region"), TORANA_TEXT("eu")};
    torana_test_start();
    torana_metrics_count(TORANA_TEXT("calls"), 2, &region, 1);
    torana_metrics_count(TORANA_TEXT("calls"), 3, NULL, 0);
    torana_metrics_gauge(TORANA_TEXT("calls"), 9, NULL, 0);
    assert(torana_test_count("calls") == 5 && torana_test_count("other") == 0);
    torana_test_forget();
    assert(torana_test_count("calls") == 0);
    torana_test_end();
}

int main(void) {
    values_are_kept_until_they_are_forgotten();
    values_expire();
    what_has_expired_makes_room();
    time_moves_when_the_test_says_so();
    variables_are_those_of_the_test();
    numbers_are_added();
    values_are_made_once();
    too_much_is_refused();
    services_answer();
    headers_of_answers_are_found();
    kinds_are_whole_words();
    counters_count();
    return 0;
}
