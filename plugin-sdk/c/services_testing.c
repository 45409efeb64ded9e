/* A small gateway for tests: other services, the store and metrics. Values do not expire; gauges and histograms are
 * not kept. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest key and value that the gateway keeps. */
#define LONGEST_KEY 256
#define LONGEST_VALUE 65536

/* A value under a name. */
typedef struct entry {
    torana_text name;
    torana_text value;
} entry;

typedef struct entries {
    entry at[64];
    size_t count;
} entries;

static entries store, counters;
static torana_http_response answers[16];
static const char *urls[16];
static size_t answer_count, calls;

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

static bool put(entries *all, torana_text name, torana_text value) {
    entry *found = find(all, name);
    if (found == NULL && all->count == sizeof(all->at) / sizeof(all->at[0])) {
        return false;
    }
    /* The new value may be a part of the old one. */
    entry kept = {torana_keep(name), torana_keep(value)};
    if (found != NULL) {
        drop(all, found);
    }
    all->at[all->count++] = kept;
    return true;
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
}

static bool allow(void) { return torana_test_refuse((torana_text){NULL, 0}); }

static torana_text until_end(torana_text text) {
    char *copy = torana_alloc(text.size);
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    return (torana_text){copy, text.size};
}

bool torana_kv_get(torana_text key, torana_text *value) {
    allow();
    entry *found = find(&store, key);
    if (found != NULL) {
        *value = until_end(found->value);
    }
    return found != NULL;
}

bool torana_kv_set(torana_text key, torana_text value, uint64_t ttl_ms) {
    (void)ttl_ms;
    if (key.size > LONGEST_KEY || value.size > LONGEST_VALUE) {
        return torana_test_refuse(TORANA_TEXT("too-large"));
    }
    return put(&store, key, value) ? allow() : torana_test_refuse(TORANA_TEXT("quota"));
}

bool torana_kv_set_if_absent(torana_text key, torana_text value, uint64_t ttl_ms) {
    allow();
    return find(&store, key) == NULL && torana_kv_set(key, value, ttl_ms);
}

bool torana_kv_delete(torana_text key) {
    allow();
    entry *found = find(&store, key);
    if (found != NULL) {
        drop(&store, found);
    }
    return found != NULL;
}

/* The number that a kept value is; nothing is zero. */
static bool number(entry *kept, long long *value) {
    char *end = NULL;
    *value = kept == NULL ? 0 : strtoll(kept->value.data, &end, 10);
    return kept == NULL || (kept->value.size > 0 && end == kept->value.data + kept->value.size);
}

static bool add(entries *all, torana_text name, long long by, long long *sum) {
    long long before;
    if (!number(find(all, name), &before)) {
        return torana_test_refuse(TORANA_TEXT("not-a-counter"));
    }
    char text[32];
    *sum = before + by;
    snprintf(text, sizeof(text), "%lld", *sum);
    return put(all, name, torana_string(text)) ? allow() : torana_test_refuse(TORANA_TEXT("quota"));
}

bool torana_kv_add(torana_text key, int64_t by, uint64_t ttl_ms, int64_t *sum) {
    (void)ttl_ms;
    long long added = 0;
    bool fine = key.size <= LONGEST_KEY ? add(&store, key, by, &added) : torana_test_refuse(TORANA_TEXT("too-large"));
    *sum = added;
    return fine;
}

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
    long long sum;
    number(find(&counters, torana_string(name)), &sum);
    return (uint64_t)sum;
}

void torana_metrics_count(torana_text name, uint64_t by, const torana_field *labels, size_t count) {
    (void)labels;
    (void)count;
    long long sum;
    add(&counters, name, (long long)by, &sum);
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
