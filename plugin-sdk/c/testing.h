/* A small gateway for tests: compile it with the plugin for the machine that you work on. */
#ifndef TORANA_TESTING_H
#define TORANA_TESTING_H

#include "torana.h"

/* What the plugin acts on. Set what a test needs; edits of hooks are seen here. */
typedef struct torana_test {
    torana_text method, path, query, body;
    /* The decoded data of a response: an object as JSON. A response that has it has no body. */
    torana_text data;
    uint16_t status;
    bool complete;
    torana_field headers[32];
    size_t header_count;
    torana_field params[8];
    size_t param_count;
    /* What hooks have handed to each other. */
    torana_field context[64];
    size_t context_count;
} torana_test;

extern torana_test torana_message;

/* A new message: GET / without headers, status 200. */
void torana_test_start(void);
/* Frees what hooks have got and allocated: texts of results and of headers that they have set end here. */
void torana_test_end(void);
/* Adds a header to the message. */
void torana_test_header(const char *name, const char *value);
/* Whether the message has this header, with this value. */
bool torana_test_has(const char *name, const char *value);

/* What is not about the message lives until torana_test_forget: kept values, answers of other services, counters,
 * the time. */

void torana_test_forget(void);
/* Moves the clocks on, which stand still else; they begin with the year 2026. */
void torana_test_advance(uint64_t ms);
/* What another service answers. Up to 16; a request for any other URL is denied. The texts are not copied. */
void torana_test_answer(const char *url, uint16_t status, const char *body);
/* How many requests to other services were answered. */
size_t torana_test_calls(void);
/* The sum of a counter, over all labels. */
uint64_t torana_test_count(const char *name);

/* Notes what torana_refusal says; gives whether that is nothing. For the small gateway itself. */
bool torana_test_refuse(torana_text why);

#endif
