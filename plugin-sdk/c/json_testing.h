/* JSON as text: what the files of the small gateway for tests share. For them only. */
#ifndef TORANA_JSON_TESTING_H
#define TORANA_JSON_TESTING_H

#include <string.h>

#include "testing.h"

static inline bool refuse(const char *why) { return torana_test_refuse(torana_string(why)); }

/* The call is not refused. */
static inline bool allow(void) { return torana_test_refuse((torana_text){NULL, 0}); }

/* What of a text is still to be read. */
typedef struct scanner {
    const char *at, *end;
} scanner;

static inline scanner scan(torana_text text) {
    return text.size == 0 ? (scanner){"", ""} : (scanner){text.data, text.data + text.size};
}

static inline bool sees(const scanner *in, char c) { return in->at < in->end && *in->at == c; }

static inline bool take(scanner *in, char c) {
    bool there = sees(in, c);
    in->at += there;
    return there;
}

static inline bool take_any(scanner *in, const char *of) {
    bool there = in->at < in->end && *in->at != '\0' && strchr(of, *in->at) != NULL;
    in->at += there;
    return there;
}

static inline bool take_word(scanner *in, const char *word) {
    size_t size = strlen(word);
    bool there = (size_t)(in->end - in->at) >= size && memcmp(in->at, word, size) == 0;
    in->at += there ? size : 0;
    return there;
}

static inline void skip_space(scanner *in) {
    while (take_any(in, " \t\r\n")) {
    }
}

static inline bool take_digits(scanner *in) {
    const char *from = in->at;
    while (take_any(in, "0123456789")) {
    }
    return in->at > from;
}

static inline bool is_object(torana_text json) { return json.size > 0 && json.data[0] == '{'; }

/* A value that stands in another one. */
typedef struct child {
    /* Its name, or the empty text in an array. */
    torana_text name;
    torana_text value;
    /* Where it begins, and where what is before it ends: with a comma, unless it is the first. */
    const char *begin, *before;
} child;

/* Goes through the children of a value, which may have none. */
typedef struct children {
    scanner rest;
    bool named;
    char separator;
} children;

torana_text torana_test_join(const torana_text *parts, size_t count);
bool torana_test_refuse_about(const char *before, torana_text what, const char *after);
torana_text torana_test_decimal(size_t number);
/* An index has one spelling: no zeros before it. */
bool torana_test_take_index(scanner *in, long *index);

bool torana_test_is_json(torana_text text);
children torana_test_children(torana_text value);
bool torana_test_next(children *all, child *found);

/* The decoded data; none if the message has a body, which is a refusal for who edits. */
bool torana_test_document(torana_text *data);
bool torana_test_document_to_edit(torana_text *data);
/* A JSON Pointer with one more token. */
torana_text torana_test_below(torana_text pointer, torana_text name);

#endif
