/* A small gateway for tests: JSON as text. */

#include "json_testing.h"

#include <stdio.h>

/* How deep values may lie in each other. */
#define DEPTH 128

torana_text torana_test_join(const torana_text *parts, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += parts[i].size;
    }
    char *text = torana_alloc(size), *to = text;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) {
            memcpy(to, parts[i].data, parts[i].size);
        }
        to += parts[i].size;
    }
    return (torana_text){text, size};
}

bool torana_test_refuse_about(const char *before, torana_text what, const char *after) {
    torana_text parts[] = {torana_string(before), what, torana_string(after)};
    return torana_test_refuse(torana_test_join(parts, 3));
}

torana_text torana_test_decimal(size_t number) {
    char *text = torana_alloc(24);
    return (torana_text){text, (size_t)snprintf(text, 24, "%zu", number)};
}

bool torana_test_take_index(scanner *in, long *index) {
    bool negative = take(in, '-');
    const char *from = in->at;
    if (!take_digits(in) || in->at - from > 9 || (*from == '0' && (negative || in->at - from > 1))) {
        return false;
    }
    *index = 0;
    for (; from < in->at; from++) {
        *index = 10 * *index + (*from - '0');
    }
    *index = negative ? -*index : *index;
    return true;
}

/* JSON: RFC 8259. What plugins set is checked by the gateway, and so it is here. */

static bool take_number(scanner *in) {
    take(in, '-');
    if (!take(in, '0') && !take_digits(in)) {
        return false;
    }
    if (take(in, '.') && !take_digits(in)) {
        return false;
    }
    if (!take_any(in, "eE")) {
        return true;
    }
    take_any(in, "+-");
    return take_digits(in);
}

/* Gives what the string means, too. */
static bool take_string(scanner *in, torana_text *meaning) {
    const char *from = in->at;
    if (!take(in, '"')) {
        return false;
    }
    while (in->at < in->end && *in->at != '"' && (unsigned char)*in->at >= ' ') {
        /* Behind a backslash a quote does not end the string. */
        in->at += *in->at == '\\' && in->end - in->at > 1 ? 2 : 1;
    }
    return take(in, '"') && torana_json_text((torana_text){from, (size_t)(in->at - from)}, meaning);
}

static bool take_name(scanner *in, torana_text *name) {
    skip_space(in);
    if (!take_string(in, name)) {
        return false;
    }
    skip_space(in);
    return take(in, ':');
}

static bool take_value(scanner *in, int depth);

static bool take_container(scanner *in, int depth) {
    bool named = take(in, '{');
    char close = named ? '}' : ']';
    in->at += !named;
    skip_space(in);
    if (take(in, close)) {
        return true;
    }
    torana_text name;
    do {
        if ((named && !take_name(in, &name)) || !take_value(in, depth + 1)) {
            return false;
        }
    } while (take(in, ','));
    return take(in, close);
}

/* With the white space around it. */
static bool take_value(scanner *in, int depth) {
    torana_text meaning;
    skip_space(in);
    bool fine;
    if (sees(in, '{') || sees(in, '[')) {
        fine = depth < DEPTH && take_container(in, depth);
    } else if (sees(in, '"')) {
        fine = take_string(in, &meaning);
    } else {
        fine = take_word(in, "true") || take_word(in, "false") || take_word(in, "null") || take_number(in);
    }
    skip_space(in);
    return fine;
}

bool torana_test_is_json(torana_text text) {
    scanner in = scan(text);
    return take_value(&in, 0) && in.at == in.end;
}

children torana_test_children(torana_text value) {
    bool named = is_object(value);
    return (children){scan(value), named, named ? '{' : '['};
}

bool torana_test_next(children *all, child *found) {
    child one = {.before = all->rest.at};
    if (!take(&all->rest, all->separator)) {
        return false;
    }
    skip_space(&all->rest);
    one.begin = all->rest.at;
    if (all->named && !take_name(&all->rest, &one.name)) {
        return false;
    }
    const char *from = all->rest.at;
    if (!take_value(&all->rest, 0)) {
        return false;
    }
    one.value = torana_trim((torana_text){from, (size_t)(all->rest.at - from)});
    all->separator = ',';
    *found = one;
    return true;
}
