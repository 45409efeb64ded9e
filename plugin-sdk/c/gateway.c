/* The functions of torana.h on what the gateway offers, and the exports that call the plugin's hooks. Uses the bindings
 * that `torana plugin build` makes of wit/; TORANA_HAS_... say which hooks the plugin defines. */

#include <stdlib.h>
#include <string.h>

#include "lift.h"

/* Everything that lives until the hook returns. */
static void **owned;
static size_t owned_count;
static size_t owned_capacity;
static torana_text refusal;

void *torana_own(void *pointer) {
    if (owned_count == owned_capacity) {
        owned_capacity = owned_capacity == 0 ? 32 : 2 * owned_capacity;
        owned = realloc(owned, owned_capacity * sizeof(*owned));
        if (owned == NULL) {
            abort();
        }
    }
    owned[owned_count++] = pointer;
    return pointer;
}

static void free_all(void) {
    while (owned_count > 0) {
        free(owned[--owned_count]);
    }
    refusal = (torana_text){NULL, 0};
}

void *torana_alloc(size_t size) {
    void *memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL) {
        abort();
    }
    return torana_own(memory);
}

torana_text torana_refusal(void) { return refusal; }

bool torana_note(torana_text why) {
    refusal = why;
    return why.size == 0;
}

static size_t lift_list(wit_list_string_t list, torana_text **texts) {
    torana_text *lifted = torana_alloc(list.len * sizeof(torana_text));
    for (size_t i = 0; i < list.len; i++) {
        lifted[i] = lift(list.ptr[i]);
    }
    own_list(list.ptr, list.len);
    *texts = lifted;
    return list.len;
}

/* Notes whether and why the gateway has refused. */
static bool done(bool fine, wit_string_t *error) { return torana_note(fine ? (torana_text){NULL, 0} : lift(*error)); }

static bool found(bool there, wit_string_t *value, torana_text *to) {
    if (there) {
        *to = lift(*value);
    }
    return there;
}

uint64_t torana_request_id(void) { return torana_plugin_exchange_request_id(); }

#define GET_TEXT(name, function)     \
    torana_text torana_##name(void) { \
        wit_string_t value;          \
        function(&value);            \
        return lift(value);          \
    }

GET_TEXT(client_ip, torana_plugin_exchange_client_ip)
GET_TEXT(method, torana_plugin_exchange_method)
GET_TEXT(path, torana_plugin_exchange_path)
GET_TEXT(query, torana_plugin_exchange_query)

bool torana_route(torana_text *route) {
    wit_string_t value;
    return found(torana_plugin_exchange_route(&value), &value, route);
}

#define FIND_TEXT(name, function)                             \
    bool torana_##name(torana_text key, torana_text *value) { \
        wit_string_t lowered = lower(key), result;            \
        return found(function(&lowered, &result), &result, value); \
    }

FIND_TEXT(param, torana_plugin_exchange_param)
FIND_TEXT(header, torana_plugin_exchange_get_header)
FIND_TEXT(data, torana_plugin_data_get)
FIND_TEXT(env, torana_plugin_config_env)

#define SET_TEXT(name, function)                       \
    bool torana_##name(torana_text value) {            \
        wit_string_t lowered = lower(value), error;    \
        return done(function(&lowered, &error), &error); \
    }

SET_TEXT(set_method, torana_plugin_exchange_set_method)
SET_TEXT(set_path, torana_plugin_exchange_set_path)
SET_TEXT(set_query, torana_plugin_exchange_set_query)
SET_TEXT(remove_header, torana_plugin_exchange_remove_header)

#define SET_PAIR(name, function)                                             \
    bool torana_##name(torana_text key, torana_text value) {                 \
        wit_string_t lowered_key = lower(key), lowered = lower(value), error; \
        return done(function(&lowered_key, &lowered, &error), &error);       \
    }

SET_PAIR(set_header, torana_plugin_exchange_set_header)
SET_PAIR(add_header, torana_plugin_exchange_add_header)
SET_PAIR(set_data, torana_plugin_data_set)

size_t torana_header_all(torana_text name, torana_text **values) {
    wit_string_t lowered = lower(name);
    wit_list_string_t list;
    torana_plugin_exchange_get_header_all(&lowered, &list);
    return lift_list(list, values);
}

size_t torana_header_names(torana_text **names) {
    wit_list_string_t list;
    torana_plugin_exchange_header_names(&list);
    return lift_list(list, names);
}

bool torana_body(torana_text *body) {
    wit_list_u8_t value;
    return found_bytes(torana_plugin_exchange_body(&value), &value, body);
}

bool torana_set_body(torana_text body) {
    wit_list_u8_t lowered = lower_bytes(body);
    wit_string_t error;
    return done(torana_plugin_exchange_set_body(&lowered, &error), &error);
}

uint16_t torana_status(void) { return torana_plugin_exchange_status(); }

bool torana_set_status(uint16_t status) {
    wit_string_t error;
    return done(torana_plugin_exchange_set_status(status, &error), &error);
}

bool torana_complete(void) { return torana_plugin_exchange_complete(); }

bool torana_remove_data(torana_text pointer) {
    wit_string_t lowered = lower(pointer), error;
    bool removed = false;
    return done(torana_plugin_data_remove(&lowered, &removed, &error), &error) && removed;
}

bool torana_query_data(torana_text path, torana_match **matches, size_t *count) {
    wit_string_t lowered = lower(path), error;
    torana_plugin_data_list_match_t list;
    if (!done(torana_plugin_data_query(&lowered, &list, &error), &error)) {
        return false;
    }
    *matches = torana_alloc(list.len * sizeof(torana_match));
    for (size_t i = 0; i < list.len; i++) {
        (*matches)[i] = (torana_match){lift(list.ptr[i].pointer), lift(list.ptr[i].json)};
    }
    own_list(list.ptr, list.len);
    *count = list.len;
    return true;
}

bool torana_replace_data(torana_text path, torana_text json, size_t *count) {
    wit_string_t lowered_path = lower(path), lowered = lower(json), error;
    uint32_t replaced = 0;
    bool fine = done(torana_plugin_data_replace(&lowered_path, &lowered, &replaced, &error), &error);
    *count = replaced;
    return fine;
}

bool torana_context(torana_text key, torana_text *value) {
    wit_string_t lowered = lower(key);
    wit_list_u8_t result;
    return found_bytes(torana_plugin_context_get(&lowered, &result), &result, value);
}

bool torana_set_context(torana_text key, torana_text value) {
    wit_string_t lowered = lower(key), error;
    wit_list_u8_t bytes = lower_bytes(value);
    return done(torana_plugin_context_set(&lowered, &bytes, &error), &error);
}

void torana_log(enum torana_level level, torana_text message) {
    wit_string_t lowered = lower(message);
    torana_plugin_log_write((torana_plugin_log_level_t)level, &lowered);
}

uint64_t torana_now_ms(void) { return torana_plugin_clock_now_ms(); }

uint64_t torana_monotonic_ns(void) { return torana_plugin_clock_monotonic_ns(); }

torana_text torana_random(uint32_t size) {
    wit_list_u8_t bytes;
    torana_plugin_random_get_bytes(size, &bytes);
    return lift_bytes(bytes.ptr, bytes.len);
}

/* Not every plugin has every hook. */
#define MAYBE static __attribute__((unused))

/* Results of hooks. They are freed behind the call, so that they are copies. */

static uint8_t *copy(torana_text text) {
    if (text.size == 0) {
        return (uint8_t *)"";
    }
    uint8_t *memory = malloc(text.size);
    if (memory == NULL) {
        abort();
    }
    return memcpy(memory, text.data, text.size);
}

static wit_string_t raise(torana_text text) { return (wit_string_t){copy(text), text.size}; }

static bool failed(wit_string_t *error, torana_text why) {
    *error = raise(why);
    free_all();
    return false;
}

MAYBE bool answered(torana_result result, torana_plugin_types_answer_t *answer) {
    size_t count = result.header_count;
    wit_tuple2_string_string_t *headers = count == 0 ? NULL : malloc(count * sizeof(*headers));
    if (count > 0 && headers == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        headers[i].f0 = raise(result.headers[i].name);
        headers[i].f1 = raise(result.headers[i].value);
    }
    answer->status = result.status;
    answer->headers.ptr = headers;
    answer->headers.len = count;
    answer->body.ptr = copy(result.text);
    answer->body.len = result.text.size;
    free_all();
    return true;
}

MAYBE bool of_request(torana_result result, torana_plugin_types_action_t *action, wit_string_t *error) {
    switch (result.kind) {
    case TORANA_CONTINUE:
        action->tag = TORANA_PLUGIN_TYPES_ACTION_CONTINUE;
        free_all();
        return true;
    case TORANA_RESPOND:
        action->tag = TORANA_PLUGIN_TYPES_ACTION_RESPOND;
        return answered(result, &action->val.respond);
    default:
        return failed(error, result.text);
    }
}

MAYBE bool of_response(torana_result result, wit_string_t *error) {
    switch (result.kind) {
    case TORANA_CONTINUE:
        free_all();
        return true;
    case TORANA_RESPOND:
        return failed(error, TORANA_TEXT("only hooks of requests answer"));
    default:
        return failed(error, result.text);
    }
}

MAYBE bool of_body(torana_result result, torana_text chunk, wit_list_u8_t *to, wit_string_t *error) {
    if (result.kind == TORANA_CONTINUE) {
        to->ptr = copy(chunk);
        to->len = chunk.size;
    }
    return of_response(result, error);
}

#ifdef TORANA_HAS_INIT
bool exports_torana_plugin_init_init(torana_plugin_types_hooks_t *hooks, wit_string_t *error) {
    wit_string_t config;
    torana_plugin_config_get(&config);
    *hooks = 0xf;
    return of_response(torana_init(lift(config)), error);
}
#endif

#ifdef TORANA_HAS_ON_REQUEST
bool exports_torana_plugin_on_request_handle(torana_plugin_types_action_t *action, wit_string_t *error) {
    return of_request(torana_on_request(), action, error);
}
#endif

#ifdef TORANA_HAS_ON_BACKEND_REQUEST
bool exports_torana_plugin_on_backend_request_handle(torana_plugin_types_action_t *action, wit_string_t *error) {
    return of_request(torana_on_backend_request(), action, error);
}
#endif

#ifdef TORANA_HAS_ON_BACKEND_RESPONSE
bool exports_torana_plugin_on_backend_response_handle(wit_string_t *error) {
    return of_response(torana_on_backend_response(), error);
}
#endif

#ifdef TORANA_HAS_ON_RESPONSE
bool exports_torana_plugin_on_response_handle(wit_string_t *error) {
    return of_response(torana_on_response(), error);
}
#endif

#ifdef TORANA_HAS_ON_REQUEST_BODY
bool exports_torana_plugin_on_request_body_chunk(wit_list_u8_t *data, bool last, wit_list_u8_t *to, wit_string_t *error) {
    torana_text chunk = lift_bytes(data->ptr, data->len);
    torana_result result = torana_on_request_body(&chunk, last);
    return of_body(result, chunk, to, error);
}
#endif

#ifdef TORANA_HAS_ON_RESPONSE_BODY
bool exports_torana_plugin_on_response_body_chunk(wit_list_u8_t *data, bool last, wit_list_u8_t *to, wit_string_t *error) {
    torana_text chunk = lift_bytes(data->ptr, data->len);
    torana_result result = torana_on_response_body(&chunk, last);
    return of_body(result, chunk, to, error);
}
#endif

#ifdef TORANA_HAS_HANDLE
bool exports_torana_plugin_handle_handle(torana_plugin_types_answer_t *answer, wit_string_t *error) {
    torana_result result = torana_handle();
    if (result.kind != TORANA_RESPOND) {
        return failed(error, result.kind == TORANA_FAIL ? result.text : TORANA_TEXT("the hook must respond"));
    }
    return answered(result, answer);
}
#endif
