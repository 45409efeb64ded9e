/* A small gateway for tests: other services, the store, metrics and the clocks. Gauges and histograms are not kept. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest key and value that the gateway keeps. */
#define LONGEST_KEY 256
#define LONGEST_VALUE 65536

/* 2026-01-01, in milliseconds since 1970. */
#define BEGIN_MS UINT64_C(1767225600000)
/* The time of what does not expire. */
#define NEVER UINT64_MAX

/* A value or a counter under a name. */
typedef struct entry {
    torana_text name;
    torana_text value;
    bool counts;
    int64_t sum;
    /* When it is gone, as torana_now_ms has it. */
    uint64_t expires;
} entry;

typedef struct entries {
    entry at[64];
    size_t count;
} entries;

static entries store, counters;
static torana_http_response answers[16];
static const char *urls[16];
static size_t answer_count, calls;
static uint64_t passed_ms;

uint64_t torana_now_ms(void) { return BEGIN_MS + passed_ms; }

uint64_t torana_monotonic_ns(void) { return passed_ms * 1000000; }

static entry *find(entries *all, torana_text name) {
    for (size_t i = 0; i < all->count; i++) {
        if (torana_equal(all->at[i].name, name)) {
            return &all->at[i];
        }
    }
    return NULL;
}

static void drop(entries *all, entry *which) {
    free((char *)which->name.data);
    free((char *)which->value.data);
    *which = all->at[--all->count];
}

/* Keeps a copy of an entry; false if there is no room. */
static bool put(entries *all, entry made) {
    entry *found = find(all, made.name);
    if (found == NULL && all->count == sizeof(all->at) / sizeof(all->at[0])) {
        return false;
    }
    /* The new value may be a part of the old one. */
    made.name = torana_keep(made.name);
    made.value = torana_keep(made.value);
    if (found != NULL) {
        drop(all, found);
    }
    all->at[all->count++] = made;
    return true;
}

/* Removes what has expired. */
static void expire(void) {
    for (size_t i = store.count; i > 0; i--) {
        if (store.at[i - 1].expires <= torana_now_ms()) {
            drop(&store, &store.at[i - 1]);
        }
    }
}

void torana_test_advance(uint64_t ms) {
    passed_ms += ms;
    expire();
}

/* When something expires that is kept now. */
static uint64_t after(uint64_t ttl_ms) {
    bool ends = ttl_ms > 0 && ttl_ms < NEVER - torana_now_ms();
    return ends ? torana_now_ms() + ttl_ms : NEVER;
}

static void clear(entries *all) {
    while (all->count > 0) {
        drop(all, &all->at[0]);
    }
}

void torana_test_forget(void) {
    clear(&store);
    clear(&counters);
    answer_count = calls = 0;
    passed_ms = 0;
}

static bool allow(void) { return torana_test_refuse((torana_text){NULL, 0}); }

static torana_text until_end(torana_text text) {
    char *copy = torana_alloc(text.size);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (torana_text){copy, text.size};
}

static bool fits(torana_text key, torana_text value) {
    bool fine = key.size <= LONGEST_KEY && value.size <= LONGEST_VALUE;
    return fine ? allow() : torana_test_refuse(TORANA_TEXT("too-large"));
}

bool torana_kv_get(torana_text key, torana_text *value) {
    entry *found = fits(key, (torana_text){NULL, 0}) ? find(&store, key) : NULL;
    if (found == NULL) {
        return false;
    }
    char sum[32];
    snprintf(sum, sizeof(sum), "%lld", (long long)found->sum);
    *value = until_end(found->counts ? torana_string(sum) : found->value);
    return true;
}

bool torana_kv_set(torana_text key, torana_text value, uint64_t ttl_ms) {
    if (!fits(key, value)) {
        return false;
    }
    entry made = {.name = key, .value = value, .expires = after(ttl_ms)};
    return put(&store, made) || torana_test_refuse(TORANA_TEXT("quota"));
}

bool torana_kv_set_if_absent(torana_text key, torana_text value, uint64_t ttl_ms) {
    return fits(key, value) && find(&store, key) == NULL && torana_kv_set(key, value, ttl_ms);
}

bool torana_kv_delete(torana_text key) {
    entry *found = fits(key, (torana_text){NULL, 0}) ? find(&store, key) : NULL;
    if (found != NULL) {
        drop(&store, found);
    }
    return found != NULL;
}

/* A sum stops at the ends of its range. */
static int64_t plus(int64_t one, int64_t other) {
    if (other > 0 && one > INT64_MAX - other) {
        return INT64_MAX;
    }
    return other < 0 && one < INT64_MIN - other ? INT64_MIN : one + other;
}

/* Adds to a counter, which keeps the time that it expires at. */
static bool add(entries *all, torana_text name, int64_t by, uint64_t expires, int64_t *sum) {
    entry *found = find(all, name);
    if (found != NULL && !found->counts) {
        return torana_test_refuse(TORANA_TEXT("not-a-counter"));
    }
    *sum = plus(found == NULL ? 0 : found->sum, by);
    if (found != NULL) {
        found->sum = *sum;
        return allow();
    }
    entry made = {.name = name, .counts = true, .sum = by, .expires = expires};
    return put(all, made) ? allow() : torana_test_refuse(TORANA_TEXT("quota"));
}

bool torana_kv_add(torana_text key, int64_t by, uint64_t ttl_ms, int64_t *sum) {
    *sum = 0;
    return fits(key, (torana_text){NULL, 0}) && add(&store, key, by, after(ttl_ms), sum);
}

/* One hook runs at a time: there is nobody to wait for. */
torana_claimed torana_cache_claim(torana_text key, uint32_t wait_ms, torana_text *value) {
    (void)wait_ms;
    if (!fits(key, (torana_text){NULL, 0})) {
        return TORANA_REFUSED;
    }
    return torana_kv_get(key, value) ? TORANA_FOUND : TORANA_YOURS;
}

bool torana_cache_keep(torana_text key, torana_text value, uint64_t ttl_ms) { return torana_kv_set(key, value, ttl_ms); }

void torana_cache_release(torana_text key) { (void)key; }

void torana_test_answer(const char *url, uint16_t status, const char *body) {
    if (answer_count == sizeof(urls) / sizeof(urls[0])) {
        abort();
    }
    urls[answer_count] = url;
    answers[answer_count++] = (torana_http_response){.status = status, .body = torana_string(body)};
}

size_t torana_test_calls(void) { return calls; }

bool torana_http_send(const torana_http_request *request, torana_http_response *response) {
    for (size_t i = 0; i < answer_count; i++) {
        if (torana_equal(torana_string(urls[i]), request->url)) {
            calls++;
            *response = answers[i];
            return allow();
        }
    }
    *response = (torana_http_response){.refusal = TORANA_TEXT("denied: the test does not answer for this URL")};
    return torana_test_refuse(response->refusal);
}

void torana_http_send_all(const torana_http_request *requests, size_t count, torana_http_response *responses) {
    for (size_t i = 0; i < count; i++) {
        torana_http_send(&requests[i], &responses[i]);
    }
}

uint64_t torana_test_count(const char *name) {
    entry *found = find(&counters, torana_string(name));
    return found == NULL ? 0 : (uint64_t)found->sum;
}

void torana_metrics_count(torana_text name, uint64_t by, const torana_field *labels, size_t count) {
    (void)labels;
    (void)count;
    int64_t sum;
    add(&counters, name, by > INT64_MAX ? INT64_MAX : (int64_t)by, NEVER, &sum);
}

void torana_metrics_gauge(torana_text name, double value, const torana_field *labels, size_t count) {
    (void)name;
    (void)value;
    (void)labels;
    (void)count;
}

void torana_metrics_observe(torana_text name, double value, const torana_field *labels, size_t count) {
    torana_metrics_gauge(name, value, labels, count);
}
