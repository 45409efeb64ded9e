/* Other services, values that outlive requests or are made once, metrics: what of torana.h is not about the message. */

#include <string.h>

#include "lift.h"

/* `kind: reason`, or the kind alone. */
static torana_text refused(const char *kind, wit_string_t *reason) {
    torana_text word = torana_string(kind);
    if (reason == NULL) {
        return word;
    }
    torana_text why = lift(*reason);
    char *text = torana_alloc(word.size + 2 + why.size);
    memcpy(text, word.data, word.size);
    memcpy(text + word.size, ": ", 2);
    memcpy(text + word.size + 2, why.data, why.size);
    return (torana_text){text, word.size + 2 + why.size};
}

static wit_list_tuple2_string_string_t lower_fields(const torana_field *fields, size_t count) {
    wit_tuple2_string_string_t *lowered = torana_alloc(count * sizeof(*lowered));
    for (size_t i = 0; i < count; i++) {
        lowered[i] = (wit_tuple2_string_string_t){lower(fields[i].name), lower(fields[i].value)};
    }
    return (wit_list_tuple2_string_string_t){lowered, count};
}

static torana_plugin_http_request_t lower_request(const torana_http_request *request) {
    return (torana_plugin_http_request_t){
        .method = lower(request->method.size == 0 ? TORANA_TEXT("GET") : request->method),
        .url = lower(request->url),
        .headers = lower_fields(request->headers, request->header_count),
        .body = lower_bytes(request->body),
        .timeout_ms = {.is_some = request->timeout_ms != 0, .val = request->timeout_ms},
    };
}

static torana_http_response lift_response(torana_plugin_http_response_t *from) {
    size_t count = from->headers.len;
    torana_field *headers = torana_alloc(count * sizeof(*headers));
    for (size_t i = 0; i < count; i++) {
        headers[i] = (torana_field){lift(from->headers.ptr[i].f0), lift(from->headers.ptr[i].f1)};
    }
    own_list(from->headers.ptr, count);
    return (torana_http_response){
        .status = from->status,
        .headers = headers,
        .header_count = count,
        .body = lift_bytes(from->body.ptr, from->body.len),
    };
}

static torana_http_response no_response(torana_plugin_http_error_t *error) {
    torana_http_response response = {0};
    switch (error->tag) {
    case TORANA_PLUGIN_HTTP_ERROR_DENIED:
        response.refusal = refused("denied", &error->val.denied);
        break;
    case TORANA_PLUGIN_HTTP_ERROR_INVALID:
        response.refusal = refused("invalid", &error->val.invalid);
        break;
    case TORANA_PLUGIN_HTTP_ERROR_TOO_MANY:
        response.refusal = refused("too-many", NULL);
        break;
    case TORANA_PLUGIN_HTTP_ERROR_TIMEOUT:
        response.refusal = refused("timeout", NULL);
        break;
    case TORANA_PLUGIN_HTTP_ERROR_TOO_LARGE:
        response.refusal = refused("too-large", NULL);
        break;
    default:
        response.refusal = refused("failed", &error->val.failed);
    }
    return response;
}

bool torana_http_send(const torana_http_request *request, torana_http_response *response) {
    torana_plugin_http_request_t lowered = lower_request(request);
    torana_plugin_http_response_t reply;
    torana_plugin_http_error_t error;
    bool answered = torana_plugin_http_send(&lowered, &reply, &error);
    *response = answered ? lift_response(&reply) : no_response(&error);
    return torana_note(response->refusal);
}

void torana_http_send_all(const torana_http_request *requests, size_t count, torana_http_response *responses) {
    torana_plugin_http_request_t *lowered = torana_alloc(count * sizeof(*lowered));
    for (size_t i = 0; i < count; i++) {
        lowered[i] = lower_request(&requests[i]);
    }
    torana_plugin_http_list_request_t all = {lowered, count};
    torana_plugin_http_list_result_response_error_t results;
    torana_plugin_http_send_all(&all, &results);
    for (size_t i = 0; i < count; i++) {
        torana_plugin_http_result_response_error_t *result = &results.ptr[i];
        responses[i] = result->is_err ? no_response(&result->val.err) : lift_response(&result->val.ok);
    }
    own_list(results.ptr, results.len);
}

/* Notes whether and why the store has refused. */
static bool kept(bool fine, torana_plugin_kv_error_t *error) {
    if (fine) {
        return torana_note((torana_text){NULL, 0});
    }
    switch (error->tag) {
    case TORANA_PLUGIN_KV_ERROR_TOO_LARGE:
        return torana_note(refused("too-large", NULL));
    case TORANA_PLUGIN_KV_ERROR_QUOTA:
        return torana_note(refused("quota", NULL));
    case TORANA_PLUGIN_KV_ERROR_NOT_A_COUNTER:
        return torana_note(refused("not-a-counter", NULL));
    default:
        return torana_note(refused("unavailable", &error->val.unavailable));
    }
}

/* No time to live is none at all. */
static uint64_t *lower_ttl(uint64_t *ttl_ms) { return *ttl_ms == 0 ? NULL : ttl_ms; }

bool torana_kv_get(torana_text key, torana_text *value) {
    wit_string_t lowered = lower(key);
    wit_option_list_u8_t result;
    torana_plugin_kv_error_t error;
    bool fine = kept(torana_plugin_kv_get(&lowered, &result, &error), &error);
    return fine && found_bytes(result.is_some, &result.val, value);
}

bool torana_kv_set(torana_text key, torana_text value, uint64_t ttl_ms) {
    wit_string_t lowered = lower(key);
    wit_list_u8_t bytes = lower_bytes(value);
    torana_plugin_kv_error_t error;
    return kept(torana_plugin_kv_set(&lowered, &bytes, lower_ttl(&ttl_ms), &error), &error);
}

bool torana_kv_set_if_absent(torana_text key, torana_text value, uint64_t ttl_ms) {
    wit_string_t lowered = lower(key);
    wit_list_u8_t bytes = lower_bytes(value);
    torana_plugin_kv_error_t error;
    bool done = false;
    return kept(torana_plugin_kv_set_if_absent(&lowered, &bytes, lower_ttl(&ttl_ms), &done, &error), &error) && done;
}

bool torana_kv_delete(torana_text key) {
    wit_string_t lowered = lower(key);
    torana_plugin_kv_error_t error;
    bool there = false;
    return kept(torana_plugin_kv_delete(&lowered, &there, &error), &error) && there;
}

bool torana_kv_add(torana_text key, int64_t by, uint64_t ttl_ms, int64_t *sum) {
    wit_string_t lowered = lower(key);
    torana_plugin_kv_error_t error;
    return kept(torana_plugin_kv_add(&lowered, by, lower_ttl(&ttl_ms), sum, &error), &error);
}

/* Notes whether and why there is neither a value nor a claim. */
static bool made(bool fine, torana_plugin_cache_error_t *error) {
    if (fine) {
        return torana_note((torana_text){NULL, 0});
    }
    switch (error->tag) {
    case TORANA_PLUGIN_CACHE_ERROR_TOO_LARGE:
        return torana_note(refused("too-large", NULL));
    case TORANA_PLUGIN_CACHE_ERROR_QUOTA:
        return torana_note(refused("quota", NULL));
    case TORANA_PLUGIN_CACHE_ERROR_TOO_MANY:
        return torana_note(refused("too-many", NULL));
    case TORANA_PLUGIN_CACHE_ERROR_TIMEOUT:
        return torana_note(refused("timeout", NULL));
    default:
        return torana_note(refused("unavailable", &error->val.unavailable));
    }
}

torana_claimed torana_cache_claim(torana_text key, uint32_t wait_ms, torana_text *value) {
    wit_string_t lowered = lower(key);
    torana_plugin_cache_claimed_t claimed;
    torana_plugin_cache_error_t error;
    uint32_t *wait = wait_ms == 0 ? NULL : &wait_ms;
    if (!made(torana_plugin_cache_claim(&lowered, wait, &claimed, &error), &error)) {
        return TORANA_REFUSED;
    }
    bool found = claimed.tag == TORANA_PLUGIN_CACHE_CLAIMED_FOUND;
    return found_bytes(found, &claimed.val.found, value) ? TORANA_FOUND : TORANA_YOURS;
}

bool torana_cache_keep(torana_text key, torana_text value, uint64_t ttl_ms) {
    wit_string_t lowered = lower(key);
    wit_list_u8_t bytes = lower_bytes(value);
    torana_plugin_cache_error_t error;
    return made(torana_plugin_cache_keep(&lowered, &bytes, lower_ttl(&ttl_ms), &error), &error);
}

void torana_cache_release(torana_text key) {
    wit_string_t lowered = lower(key);
    torana_plugin_cache_release(&lowered);
}

void torana_metrics_count(torana_text name, uint64_t by, const torana_field *labels, size_t count) {
    wit_string_t lowered = lower(name);
    wit_list_tuple2_string_string_t fields = lower_fields(labels, count);
    torana_plugin_metrics_count(&lowered, by, &fields);
}

void torana_metrics_gauge(torana_text name, double value, const torana_field *labels, size_t count) {
    wit_string_t lowered = lower(name);
    wit_list_tuple2_string_string_t fields = lower_fields(labels, count);
    torana_plugin_metrics_gauge(&lowered, value, &fields);
}

void torana_metrics_observe(torana_text name, double value, const torana_field *labels, size_t count) {
    wit_string_t lowered = lower(name);
    wit_list_tuple2_string_string_t fields = lower_fields(labels, count);
    torana_plugin_metrics_observe(&lowered, value, &fields);
}
