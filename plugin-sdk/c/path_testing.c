/* A small gateway for tests: JSONPath on decoded data: names, indices and wildcards of RFC 9535, also at any depth. */

#include <stdlib.h>

#include "json_testing.h"

/* Values that a query may find. */
#define MOST_MATCHES 10000
/* Bytes that a replacement may put into the data. */
#define MOST_BYTES (16u << 20)
/* Steps of a path: one bit less than a set of them has. */
#define MOST_STEPS 31

typedef struct step {
    enum { NAME, INDEX, ANY } kind;
    /* Also what is further below. */
    bool deep;
    torana_text name;
    long index;
} step;

typedef struct path {
    step steps[MOST_STEPS];
    size_t count;
} path;

static bool take_in_brackets(scanner *in, step *found) {
    char quote = sees(in, '\'') ? '\'' : '"';
    if (take(in, '*')) {
        found->kind = ANY;
    } else if (take(in, quote)) {
        found->name.data = in->at;
        while (in->at < in->end && *in->at != quote && *in->at != '\\') {
            in->at++;
        }
        found->name.size = (size_t)(in->at - found->name.data);
        if (!take(in, quote)) {
            return false;
        }
    } else {
        found->kind = INDEX;
        if (!torana_test_take_index(in, &found->index)) {
            return false;
        }
    }
    return take(in, ']');
}

static bool take_shorthand(scanner *in, step *found) {
    const char *from = in->at;
    if (take(in, '*')) {
        found->kind = ANY;
        return true;
    }
    while (in->at < in->end) {
        char c = *in->at;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 128;
        if (!letter && (in->at == from || c < '0' || c > '9')) {
            break;
        }
        in->at++;
    }
    found->name = (torana_text){from, (size_t)(in->at - from)};
    return found->name.size > 0;
}

static bool take_step(scanner *in, step *found) {
    *found = (step){.kind = NAME, .deep = take_word(in, "..")};
    if (take(in, '[')) {
        return take_in_brackets(in, found);
    }
    return (found->deep || take(in, '.')) && take_shorthand(in, found);
}

static bool parse(torana_text text, path *parsed) {
    scanner in = scan(text);
    bool fine = take(&in, '$');
    for (parsed->count = 0; fine && in.at < in.end; parsed->count++) {
        fine = parsed->count < MOST_STEPS && take_step(&in, &parsed->steps[parsed->count]);
    }
    return fine || torana_test_refuse_about("`", text, "` is no JSONPath that the test's gateway knows");
}

/* What a query has found so far. */
typedef struct search {
    const path *path;
    torana_match *matches;
    size_t count, capacity;
} search;

static void add_match(search *in, torana_text pointer, torana_text value) {
    if (in->count == in->capacity) {
        size_t capacity = in->capacity == 0 ? 16 : 2 * in->capacity;
        torana_match *matches = torana_alloc(capacity * sizeof(*matches));
        if (in->count > 0) {
            memcpy(matches, in->matches, in->count * sizeof(*matches));
        }
        in->matches = matches;
        in->capacity = capacity;
    }
    in->matches[in->count++] = (torana_match){pointer, value};
}

static int by_name(const void *one, const void *other) {
    torana_text a = ((const child *)one)->name, b = ((const child *)other)->name;
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

/* All children, members in the order of their names: decoded data has no other. */
static child *list(torana_text value, size_t *count) {
    child one;
    *count = 0;
    for (children all = torana_test_children(value); torana_test_next(&all, &one);) {
        ++*count;
    }
    child *listed = torana_alloc(*count * sizeof(*listed)), *to = listed;
    for (children all = torana_test_children(value); torana_test_next(&all, to);) {
        to++;
    }
    if (is_object(value)) {
        qsort(listed, *count, sizeof(*listed), by_name);
    }
    return listed;
}

static bool selects(const step *by, torana_text parent, const child *of, size_t index, size_t count) {
    bool named = is_object(parent);
    switch (by->kind) {
    case NAME:
        return named && torana_equal(by->name, of->name);
    case INDEX:
        return !named && by->index + (by->index < 0 ? (long)count : 0) == (long)index;
    default:
        return true;
    }
}

/* Finds in a value that the first steps of the path lead to: `taken` has a bit for each number of steps that do. */
static void look(search *in, torana_text pointer, torana_text value, uint32_t taken) {
    if (taken >> in->path->count & 1) {
        add_match(in, pointer, value);
    }
    size_t count;
    child *found = list(value, &count);
    for (size_t i = 0; i < count && in->count <= MOST_MATCHES; i++) {
        uint32_t further = 0;
        for (size_t at = 0; at < in->path->count; at++) {
            const step *by = &in->path->steps[at];
            bool here = taken >> at & 1;
            further |= here && by->deep ? UINT32_C(1) << at : 0;
            further |= here && selects(by, value, &found[i], i, count) ? UINT32_C(2) << at : 0;
        }
        if (further != 0) {
            look(in, torana_test_below(pointer, is_object(value) ? found[i].name : torana_test_decimal(i)), found[i].value, further);
        }
    }
}

bool torana_query_data(torana_text text, torana_match **matches, size_t *count) {
    torana_text data;
    path parsed;
    *matches = NULL;
    *count = 0;
    if (!torana_test_document(&data)) {
        return allow();
    }
    if (!parse(text, &parsed)) {
        return false;
    }
    search in = {.path = &parsed};
    look(&in, TORANA_TEXT(""), data, 1);
    if (in.count > MOST_MATCHES) {
        return refuse("the query finds more than 10000 values");
    }
    *matches = in.matches;
    *count = in.count;
    return allow();
}

static int by_place(const void *one, const void *other) {
    const char *a = ((const torana_match *)one)->json.data, *b = ((const torana_match *)other)->json.data;
    return (a > b) - (a < b);
}

/* The data with other values in the places of those that a query has found. */
static torana_text replaced(torana_text data, torana_match *matches, size_t count, torana_text json) {
    torana_text *parts = torana_alloc((2 * count + 1) * sizeof(*parts));
    const char *done = data.data;
    size_t made = 0;
    if (count > 0) {
        qsort(matches, count, sizeof(*matches), by_place);
    }
    for (size_t i = 0; i < count; i++) {
        torana_text value = matches[i].json;
        /* Else it was in a value that is gone. */
        if (value.data >= done) {
            parts[made++] = (torana_text){done, (size_t)(value.data - done)};
            parts[made++] = json;
            done = value.data + value.size;
        }
    }
    parts[made++] = (torana_text){done, (size_t)(data.data + data.size - done)};
    return torana_test_join(parts, made);
}

bool torana_replace_data(torana_text text, torana_text json, size_t *count) {
    torana_text data;
    torana_match *matches;
    size_t found;
    *count = 0;
    if (!torana_test_document_to_edit(&data) || !torana_query_data(text, &matches, &found)) {
        return false;
    }
    if (found > 0 && matches[0].pointer.size == 0) {
        return refuse("`$` cannot be replaced");
    }
    if (!torana_test_is_json(json)) {
        return torana_test_refuse_about("`", json, "` is not JSON");
    }
    if (found * json.size > MOST_BYTES) {
        return refuse("the query's values have more than 16 MiB together");
    }
    torana_message.data = replaced(data, matches, found, torana_trim(json));
    *count = found;
    return allow();
}
