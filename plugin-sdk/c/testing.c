/* A small gateway for tests: the message without its decoded data. Logs go to standard error. */

#include "testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

torana_test torana_message;

/* What lives until the end of the test: blocks in a list. */
typedef struct block {
    struct block *next;
    max_align_t memory[];
} block;

static block *blocks;
static torana_text refusal;

void *torana_alloc(size_t size) {
    block *made = malloc(sizeof(block) + size);
    if (made == NULL) {
        abort();
    }
    made->next = blocks;
    blocks = made;
    return made->memory;
}

void torana_test_start(void) {
    torana_message = (torana_test){
        .method = TORANA_TEXT("GET"), .path = TORANA_TEXT("/"), .query = TORANA_TEXT(""), .status = 200, .complete = true};
}

void torana_test_end(void) {
    while (blocks != NULL) {
        block *next = blocks->next;
        free(blocks);
        blocks = next;
    }
    refusal = (torana_text){NULL, 0};
}

static torana_text copy(torana_text text) {
    char *memory = torana_alloc(text.size);
    if (text.size > 0) {
        memcpy(memory, text.data, text.size);
    }
    return (torana_text){memory, text.size};
}

bool torana_test_refuse(torana_text why) {
    refusal = why;
    return why.size == 0;
}

static bool refuse(const char *why) { return torana_test_refuse(torana_string(why)); }

/* The call is not refused. */
static bool allow(void) { return torana_test_refuse((torana_text){NULL, 0}); }

torana_text torana_refusal(void) { return refusal; }

static bool is_name(torana_text one, torana_text other) {
    return torana_equal(torana_lower(one), torana_lower(other));
}

static bool editable(torana_text name, torana_text value) {
    static const char *framing[] = {"connection",        "keep-alive",         "proxy-connection",
                                    "proxy-authenticate", "te",                 "trailer",
                                    "transfer-encoding", "upgrade",            "content-length",
                                    "host"};
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c >= 127 || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
            return refuse("this is not a header name");
        }
    }
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 127) {
            return refuse("the value is not valid");
        }
    }
    for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++) {
        if (is_name(name, torana_string(framing[i]))) {
            return refuse("this header belongs to the gateway");
        }
    }
    return name.size > 0 || refuse("this is not a header name");
}

bool torana_header(torana_text name, torana_text *value) {
    for (size_t i = 0; i < torana_message.header_count; i++) {
        if (is_name(torana_message.headers[i].name, name)) {
            *value = torana_message.headers[i].value;
            return true;
        }
    }
    return false;
}

size_t torana_header_all(torana_text name, torana_text **values) {
    size_t count = 0;
    *values = torana_alloc(sizeof(torana_message.headers));
    for (size_t i = 0; i < torana_message.header_count; i++) {
        if (is_name(torana_message.headers[i].name, name)) {
            (*values)[count++] = torana_message.headers[i].value;
        }
    }
    return count;
}

size_t torana_header_names(torana_text **names) {
    size_t count = 0;
    *names = torana_alloc(sizeof(torana_message.headers));
    for (size_t i = 0; i < torana_message.header_count; i++) {
        torana_text name = torana_lower(torana_message.headers[i].name);
        size_t known = 0;
        while (known < count && !torana_equal((*names)[known], name)) {
            known++;
        }
        (*names)[known] = name;
        count += known == count;
    }
    return count;
}

bool torana_add_header(torana_text name, torana_text value) {
    if (!editable(name, value)) {
        return false;
    }
    if (torana_message.header_count == sizeof(torana_message.headers) / sizeof(torana_message.headers[0])) {
        return refuse("the test's message is full");
    }
    torana_message.headers[torana_message.header_count++] = (torana_field){copy(name), copy(value)};
    return allow();
}

bool torana_remove_header(torana_text name) {
    if (!editable(name, TORANA_TEXT(""))) {
        return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < torana_message.header_count; i++) {
        if (!is_name(torana_message.headers[i].name, name)) {
            torana_message.headers[kept++] = torana_message.headers[i];
        }
    }
    torana_message.header_count = kept;
    return allow();
}

bool torana_set_header(torana_text name, torana_text value) {
    return editable(name, value) && torana_remove_header(name) && torana_add_header(name, value);
}

void torana_test_header(const char *name, const char *value) {
    torana_add_header(torana_string(name), torana_string(value));
}

bool torana_test_has(const char *name, const char *value) {
    torana_text *values;
    size_t count = torana_header_all(torana_string(name), &values);
    for (size_t i = 0; i < count; i++) {
        if (torana_equal(values[i], torana_string(value))) {
            return true;
        }
    }
    return false;
}

uint64_t torana_request_id(void) { return 1; }
torana_text torana_client_ip(void) { return TORANA_TEXT("192.0.2.1"); }

bool torana_route(torana_text *route) {
    *route = TORANA_TEXT("/route");
    return true;
}

#define MEMBER(name)                                                  \
    torana_text torana_##name(void) { return torana_message.name; }   \
    bool torana_set_##name(torana_text value) {                       \
        torana_message.name = copy(value);                            \
        return allow();                                               \
    }

MEMBER(method)
MEMBER(path)
MEMBER(query)

bool torana_param(torana_text name, torana_text *value) {
    for (size_t i = 0; i < torana_message.param_count; i++) {
        if (torana_equal(torana_message.params[i].name, name)) {
            *value = torana_message.params[i].value;
            return true;
        }
    }
    return false;
}

bool torana_body(torana_text *body) {
    *body = torana_message.body;
    return torana_message.body.data != NULL;
}

bool torana_set_body(torana_text body) {
    if (torana_message.data.data != NULL) {
        return refuse("the response is decoded: it has data, no body");
    }
    torana_message.body = copy(body);
    return allow();
}

uint16_t torana_status(void) { return torana_message.status; }

bool torana_set_status(uint16_t status) {
    if (status < 200 || status > 599) {
        return refuse("this is no status from 200 to 599");
    }
    torana_message.status = status;
    return allow();
}

bool torana_complete(void) { return torana_message.complete; }

bool torana_context(torana_text key, torana_text *value) {
    for (size_t i = 0; i < torana_message.context_count; i++) {
        if (torana_equal(torana_message.context[i].name, key)) {
            *value = torana_message.context[i].value;
            return true;
        }
    }
    return false;
}

bool torana_set_context(torana_text key, torana_text value) {
    size_t at = 0;
    while (at < torana_message.context_count && !torana_equal(torana_message.context[at].name, key)) {
        at++;
    }
    if (at == sizeof(torana_message.context) / sizeof(torana_message.context[0])) {
        return refuse("more than 64 keys");
    }
    torana_message.context[at] = (torana_field){copy(key), copy(value)};
    torana_message.context_count += at == torana_message.context_count;
    return allow();
}

void torana_log(enum torana_level level, torana_text message) {
    fprintf(stderr, "level %d: %.*s\n", (int)level, (int)message.size, message.data);
}

bool torana_env(torana_text name, torana_text *value) {
    /* With a zero at its end. */
    char *string = memset(torana_alloc(name.size + 1), 0, name.size + 1);
    for (size_t i = 0; i < name.size; i++) {
        string[i] = name.data[i];
    }
    char *found = getenv(string);
    if (found != NULL) {
        *value = torana_string(found);
    }
    return found != NULL;
}

torana_text torana_random(uint32_t size) {
    char *bytes = torana_alloc(size);
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = (char)rand();
    }
    return (torana_text){bytes, size};
}
