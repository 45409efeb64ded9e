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

torana_text torana_refusal(void);
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

/* State that the hooks of one request hand to each other. */
bool torana_context(torana_text key, torana_text *value);
bool torana_set_context(torana_text key, torana_text value);

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
