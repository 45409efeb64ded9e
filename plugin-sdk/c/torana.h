/* Plugins of the Torana gateway in C.
 *
 * Define the hooks you need, such as torana_on_request; `torana plugin build` exports those that are there and imports
 * what you call. A hook acts on the message that it is about: there is no handle to pass.
 *
 * Texts and bytes that the gateway gives, and memory from torana_alloc, live until the hook returns. What must live
 * longer is copied with torana_keep. Texts that you hand over are only read. */
#ifndef TORANA_H
#define TORANA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* UTF-8 text, or any bytes; no zero at the end. */
typedef struct torana_text {
    const char *data;
    size_t size;
} torana_text;

/* A literal as a text. */
#define TORANA_TEXT(literal) ((torana_text){(literal), sizeof(literal) - 1})

/* A string with a zero at its end as a text. */
torana_text torana_string(const char *string);
bool torana_equal(torana_text one, torana_text other);
/* Without white space around it. */
torana_text torana_trim(torana_text text);
/* ASCII letters in lower case. */
torana_text torana_lower(torana_text text);

/* Memory until the hook returns. */
void *torana_alloc(size_t size);
/* A copy that is never freed: for what init reads. */
torana_text torana_keep(torana_text text);

/* A header field. */
typedef struct torana_field {
    torana_text name;
    torana_text value;
} torana_field;

/* What a hook returns. Make it with one of the functions below. */
typedef struct torana_result {
    enum { TORANA_CONTINUE, TORANA_RESPOND, TORANA_FAIL } kind;
    uint16_t status;
    torana_field headers[8];
    size_t header_count;
    /* The answer's body, or why the hook fails. */
    torana_text text;
} torana_result;

/* The message goes on, with the edits made. */
torana_result torana_continue(void);
/* An answer of plain text, without asking any backend. Hooks of requests only. */
torana_result torana_respond(uint16_t status, torana_text body);
/* An answer with up to 8 header fields. */
torana_result torana_respond_with(uint16_t status, torana_text body, const torana_field *headers, size_t count);
/* The hook fails, and with it the request, as `on_error` says. */
torana_result torana_fail(torana_text why);

/* Hooks: define those you need. */

/* Called once in every new instance with the plugin's `config` as JSON. A failure refuses the configuration. */
torana_result torana_init(torana_text config);
torana_result torana_on_request(void);
torana_result torana_on_backend_request(void);
torana_result torana_on_backend_response(void);
torana_result torana_on_response(void);
/* A chunk of a body as it streams past; `*chunk` may be changed for another one. */
torana_result torana_on_request_body(torana_text *chunk, bool last);
torana_result torana_on_response_body(torana_text *chunk, bool last);
/* The component is the backend: it must respond. */
torana_result torana_handle(void);

/* The message. Functions that give a bool return false where there is no such thing, or where the gateway refuses;
 * torana_refusal says why it did. */

/* Why the gateway has refused the last call that it may refuse; empty if it has not. */
torana_text torana_refusal(void);
/* Whether a refusal of another service or of the store is of this kind: `denied`, or `denied: and why`. */
bool torana_is_kind(torana_text refusal, torana_text kind);
uint64_t torana_request_id(void);
torana_text torana_client_ip(void);
/* The endpoint as configured; none before routing. */
bool torana_route(torana_text *route);

/* Hooks of requests. */
torana_text torana_method(void);
bool torana_set_method(torana_text method);
torana_text torana_path(void);
bool torana_set_path(torana_text path);
torana_text torana_query(void);
bool torana_set_query(torana_text query);
bool torana_param(torana_text name, torana_text *value);

/* The first field with that name, which is case-insensitive. */
bool torana_header(torana_text name, torana_text *value);
/* All fields with that name: their number, and where they are. */
size_t torana_header_all(torana_text name, torana_text **values);
/* Names that occur, each once, in lower case. */
size_t torana_header_names(torana_text **names);
bool torana_set_header(torana_text name, torana_text value);
bool torana_add_header(torana_text name, torana_text value);
bool torana_remove_header(torana_text name);
/* The body, if it is there as a whole. */
bool torana_body(torana_text *body);
bool torana_set_body(torana_text body);

/* Hooks of responses. */
uint16_t torana_status(void);
bool torana_set_status(uint16_t status);
bool torana_complete(void);

/* The decoded data of a response, by JSON Pointer; values are JSON. */
bool torana_data(torana_text pointer, torana_text *json);
bool torana_set_data(torana_text pointer, torana_text json);
bool torana_remove_data(torana_text pointer);

/* A value that a query has found: where it is, and what. */
typedef struct torana_match {
    torana_text pointer;
    torana_text json;
} torana_match;

/* The values that a JSONPath finds, in the order of the document. */
bool torana_query_data(torana_text path, torana_match **matches, size_t *count);
/* Puts the same value at every place that a JSONPath finds; says how many there were. */
bool torana_replace_data(torana_text path, torana_text json, size_t *count);

/* State that the hooks of one request hand to each other. */
bool torana_context(torana_text key, torana_text *value);
bool torana_set_context(torana_text key, torana_text value);

/* Requests to other services, through the gateway's own client: needs their origins in the grant `http`. */

typedef struct torana_http_request {
    /* GET if it is empty. */
    torana_text method;
    /* Absolute: `https://auth.internal/check?x=1`. */
    torana_text url;
    const torana_field *headers;
    size_t header_count;
    torana_text body;
    /* Time for the whole exchange; a second if it is 0. */
    uint32_t timeout_ms;
} torana_http_request;

typedef struct torana_http_response {
    /* 0 if there is no answer. */
    uint16_t status;
    torana_field *headers;
    size_t header_count;
    torana_text body;
    /* Why there is no answer, of the kind `denied`, `invalid`, `too-many`, `timeout`, `too-large` or `failed`; empty if
     * there is one. */
    torana_text refusal;
} torana_http_response;

/* Sends a request and waits for the answer. False if there is none. */
bool torana_http_send(const torana_http_request *request, torana_http_response *response);
/* Sends requests at the same time and waits for all answers, which come in the order of the requests. */
void torana_http_send_all(const torana_http_request *requests, size_t count, torana_http_response *responses);
/* The first header field of an answer with that name, which is case-insensitive. */
bool torana_http_header(const torana_http_response *response, torana_text name, torana_text *value);

/* Values that outlive requests, shared by all instances: needs the grant `kv`. A time to live of 0 is for ever. Refusals
 * are of the kind `too-large`, `quota`, `not-a-counter` or `unavailable`. */

bool torana_kv_get(torana_text key, torana_text *value);
bool torana_kv_set(torana_text key, torana_text value, uint64_t ttl_ms);
/* Keeps a value only if there is none; says whether it did. */
bool torana_kv_set_if_absent(torana_text key, torana_text value, uint64_t ttl_ms);
/* Says whether there was one. */
bool torana_kv_delete(torana_text key);
/* Adds to a counter, which begins at zero. The time to live counts from its first use. */
bool torana_kv_add(torana_text key, int64_t by, uint64_t ttl_ms, int64_t *sum);

/* Values of the same store that are costly to make: one hook makes the value while all others wait for it. Refusals are of
 * the kind `too-large`, `quota`, `too-many`, `timeout` or `unavailable`. */

typedef enum torana_claimed {
    /* There is neither a value nor a claim. */
    TORANA_REFUSED,
    /* The value was there, or came while the hook waited. */
    TORANA_FOUND,
    /* There is none, and this hook is the one that makes it, until it keeps or releases it, or is over. */
    TORANA_YOURS,
} torana_claimed;

/* The value of a key, or the claim to make it. Waits while another hook has the claim; a second if `wait_ms` is 0. */
torana_claimed torana_cache_claim(torana_text key, uint32_t wait_ms, torana_text *value);
/* Keeps a value and ends the claim: all that wait get the value. The claim also ends with a refusal. */
bool torana_cache_keep(torana_text key, torana_text value, uint64_t ttl_ms);
/* Gives the claim up: the next one that waits gets it. */
void torana_cache_release(torana_text key);

/* Metrics of the plugin, beside the gateway's own: needs the grant `metrics`. `labels` may be NULL if there are none. */

/* Adds to a counter. */
void torana_metrics_count(torana_text name, uint64_t by, const torana_field *labels, size_t count);
/* Sets a gauge. */
void torana_metrics_gauge(torana_text name, double value, const torana_field *labels, size_t count);
/* Puts a value into a histogram, whose buckets fit seconds from 1 ms to 10 s. */
void torana_metrics_observe(torana_text name, double value, const torana_field *labels, size_t count);

/* Lines in the gateway's log: needs the grant `log`. */
enum torana_level { TORANA_TRACE, TORANA_DEBUG, TORANA_INFO, TORANA_WARN, TORANA_ERROR };
void torana_log(enum torana_level level, torana_text message);

/* A variable of the gateway's environment: needs its name in the grant `env`. */
bool torana_env(torana_text name, torana_text *value);
/* Milliseconds since 1970. */
uint64_t torana_now_ms(void);
/* Nanoseconds from an arbitrary point. */
uint64_t torana_monotonic_ns(void);
/* Random bytes fit for keys and tokens; at most 4,096. */
torana_text torana_random(uint32_t size);

/* JSON, read in place: a value is the text of it. */

/* The member of an object. */
bool torana_json_member(torana_text json, torana_text key, torana_text *value);
/* The element of an array. */
bool torana_json_element(torana_text json, size_t index, torana_text *value);
/* The text that a JSON string means. */
bool torana_json_text(torana_text json, torana_text *text);

#ifdef __cplusplus
}
#endif
#endif
