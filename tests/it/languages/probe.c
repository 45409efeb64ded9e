
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the header `x-do` asks for is said in the header `x-out`; what is about data, later in the answer. */

#define WORDS 8

/* The verb, and the words behind it. */
typedef struct asked {
    torana_text all, verb, words[WORDS];
    size_t count;
} asked;

static asked split(torana_text all) {
    asked asked = {.all = all};
    torana_text *word = &asked.verb;
    *word = (torana_text){all.data, 0};
    for (size_t i = 0; i < all.size; i++) {
        if (all.data[i] == ' ' && asked.count < WORDS) {
            word = &asked.words[asked.count++];
            *word = (torana_text){all.data + i + 1, 0};
        } else {
            word->size++;
        }
    }
    return asked;
}

static bool is(const asked *asked, const char *verb) { return torana_equal(asked->verb, torana_string(verb)); }

/* At the end of texts is no zero. */
static char *terminated(torana_text text) {
    char *copy = memcpy(torana_alloc(text.size + 1), text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static int64_t integer(torana_text text) { return strtoll(terminated(text), NULL, 10); }
static double number(torana_text text) { return strtod(terminated(text), NULL); }

static torana_text join(torana_text one, const char *between, torana_text other) {
    size_t size = one.size + strlen(between) + other.size;
    char *text = torana_alloc(size);
    memcpy(text, one.data, one.size);
    memcpy(text + one.size, between, strlen(between));
    memcpy(text + size - other.size, other.data, other.size);
    return (torana_text){text, size};
}

static torana_text printed(long long value) {
    char *text = torana_alloc(32);
    return (torana_text){text, (size_t)snprintf(text, 32, "%lld", value)};
}

/* `error`, and of what kind it is. */
static torana_text refused(torana_text refusal) {
    static const char *kinds[] = {"denied", "invalid", "too-many", "timeout", "too-large", "failed", "quota",
                                  "not-a-counter", "unavailable"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (torana_is_kind(refusal, torana_string(kinds[i]))) {
            return join(TORANA_TEXT("error"), " ", torana_string(kinds[i]));
        }
    }
    return TORANA_TEXT("error");
}

static torana_text or_refused(torana_text text) {
    return torana_refusal().size == 0 ? text : refused(torana_refusal());
}

static torana_text done(bool fine) { return or_refused(fine ? TORANA_TEXT("done") : TORANA_TEXT("not done")); }
static torana_text truth(bool value) { return or_refused(value ? TORANA_TEXT("true") : TORANA_TEXT("false")); }

static torana_text replied(const torana_http_response *response) {
    if (response->status == 0) {
        return refused(response->refusal);
    }
    torana_text reply = TORANA_TEXT("");
    torana_http_header(response, TORANA_TEXT("X-Reply"), &reply);
    return join(join(printed(response->status), " ", reply), " ", response->body);
}

static torana_text send_one(torana_http_request request) {
    torana_field sent = {TORANA_TEXT("x-sent"), TORANA_TEXT("1")};
    request.headers = &sent;
    request.header_count = 1;
    torana_http_response response;
    bool answered = torana_http_send(&request, &response);
    return answered == (response.status != 0) ? replied(&response) : TORANA_TEXT("not done");
}

static torana_text send_all(const asked *asked) {
    torana_http_request requests[WORDS] = {0};
    torana_http_response responses[WORDS];
    for (size_t i = 0; i < asked->count; i++) {
        requests[i].url = asked->words[i];
    }
    torana_http_send_all(requests, asked->count, responses);
    torana_text all = replied(&responses[0]);
    for (size_t i = 1; i < asked->count; i++) {
        all = join(all, "|", replied(&responses[i]));
    }
    return all;
}

static torana_text said_of_kv(const asked *asked) {
    const torana_text *words = asked->words;
    if (is(asked, "kv-get")) {
        torana_text value = TORANA_TEXT("none");
        torana_kv_get(words[0], &value);
        return or_refused(value);
    }
    if (is(asked, "kv-set")) {
        return done(torana_kv_set(words[0], words[1], (uint64_t)integer(words[2])));
    }
    if (is(asked, "kv-set-if-absent")) {
        return truth(torana_kv_set_if_absent(words[0], words[1], (uint64_t)integer(words[2])));
    }
    if (is(asked, "kv-delete")) {
        return truth(torana_kv_delete(words[0]));
    }
    int64_t sum = 0;
    torana_kv_add(words[0], integer(words[1]), (uint64_t)integer(words[2]), &sum);
    return or_refused(printed(sum));
}

static torana_text make(const torana_text *words) {
    torana_text value = TORANA_TEXT("");
    torana_claimed claimed = torana_cache_claim(words[0], 0, &value);
    if (claimed != TORANA_YOURS) {
        return or_refused(value);
    }
    if (torana_equal(words[1], TORANA_TEXT("none"))) {
        torana_cache_release(words[0]);
        return TORANA_TEXT("error");
    }
    torana_cache_keep(words[0], words[1], (uint64_t)integer(words[2]));
    return or_refused(words[1]);
}

static torana_text said_of_cache(const asked *asked) {
    const torana_text *words = asked->words;
    if (is(asked, "cache-claim")) {
        torana_text value = TORANA_TEXT("yours");
        torana_claimed claimed = torana_cache_claim(words[0], (uint32_t)integer(words[1]), &value);
        return claimed == TORANA_REFUSED ? refused(torana_refusal()) : value;
    }
    if (is(asked, "cache-keep")) {
        return done(torana_cache_keep(words[0], words[1], (uint64_t)integer(words[2])));
    }
    if (is(asked, "cache-make")) {
        return make(words);
    }
    torana_cache_release(words[0]);
    return TORANA_TEXT("done");
}

static torana_text said_of_metrics(const asked *asked) {
    const torana_text *words = asked->words;
    if (is(asked, "count")) {
        torana_field region = {TORANA_TEXT("region"), words[2]};
        torana_metrics_count(words[0], (uint64_t)integer(words[1]), &region, 1);
    } else if (is(asked, "gauge")) {
        torana_metrics_gauge(words[0], number(words[1]), NULL, 0);
    } else {
        torana_metrics_observe(words[0], number(words[1]), NULL, 0);
    }
    return TORANA_TEXT("done");
}

static torana_text said(torana_text what) {
    asked asked = split(what);
    const torana_text *words = asked.words;
    if (is(&asked, "env")) {
        torana_text value = TORANA_TEXT("none");
        torana_env(words[0], &value);
        return value;
    }
    if (is(&asked, "log")) {
        torana_log(TORANA_INFO, words[0]);
        return TORANA_TEXT("done");
    }
    if (is(&asked, "send")) {
        return send_one((torana_http_request){.method = words[0], .url = words[1], .body = words[2]});
    }
    if (is(&asked, "send-in")) {
        return send_one((torana_http_request){.url = words[1], .timeout_ms = (uint32_t)integer(words[0])});
    }
    if (is(&asked, "send-all")) {
        return send_all(&asked);
    }
    if (memcmp(asked.all.data, "kv-", 3) == 0) {
        return said_of_kv(&asked);
    }
    if (asked.verb.size > 6 && memcmp(asked.verb.data, "cache-", 6) == 0) {
        return said_of_cache(&asked);
    }
    if (is(&asked, "count") || is(&asked, "gauge") || is(&asked, "observe")) {
        return said_of_metrics(&asked);
    }
    return done(torana_set_context(TORANA_TEXT("data"), what));
}

static torana_text found(torana_text path) {
    torana_match *matches;
    size_t count;
    if (!torana_query_data(path, &matches, &count)) {
        return refused(torana_refusal());
    }
    torana_text all = TORANA_TEXT("");
    for (size_t i = 0; i < count; i++) {
        all = join(all, i == 0 ? "" : ",", join(matches[i].pointer, "=", matches[i].json));
    }
    return all;
}

static torana_text said_of_data(torana_text what) {
    asked asked = split(what);
    const torana_text *words = asked.words;
    if (is(&asked, "query")) {
        return found(words[0]);
    }
    if (is(&asked, "replace")) {
        size_t count;
        torana_replace_data(words[0], words[1], &count);
        return or_refused(printed((long long)count));
    }
    if (is(&asked, "get")) {
        torana_text json = TORANA_TEXT("none");
        torana_data(words[0], &json);
        return json;
    }
    if (is(&asked, "set")) {
        return done(torana_set_data(words[0], words[1]));
    }
    return truth(torana_remove_data(words[0]));
}

/* As a JSON string. */
static torana_text quoted(torana_text text) {
    char *out = torana_alloc(2 * text.size + 2);
    size_t size = 0;
    out[size++] = '"';
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\') {
            out[size++] = '\\';
        }
        out[size++] = text.data[i];
    }
    out[size++] = '"';
    return (torana_text){out, size};
}

torana_result torana_on_backend_response(void) {
    torana_text what;
    if (torana_context(TORANA_TEXT("data"), &what)) {
        torana_set_data(TORANA_TEXT("/out"), quoted(said_of_data(what)));
    }
    return torana_continue();
}

/* What a plugin may do wrong, one at a time. */
torana_result torana_on_backend_request(void) {
    torana_text fault = TORANA_TEXT(""), what;
    if (torana_header(TORANA_TEXT("x-do"), &what)) {
        torana_set_header(TORANA_TEXT("x-out"), said(what));
    }
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
        bool printed = printf("asked\n") == 6 && fflush(stdout) == 0;
        bool fine = printed && torana_now_ms() > 0 && torana_random(8).size == 8;
        return torana_respond(200, fine ? TORANA_TEXT("{\"year\": 2000}") : TORANA_TEXT("{}"));
    }
    return torana_continue();
}
