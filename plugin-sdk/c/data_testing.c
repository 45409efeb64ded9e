/* A small gateway for tests: decoded data. It stays a text: an edit changes the place that it is about, no other. */

#include <stdio.h>
#include <stdlib.h>

#include "json_testing.h"

static bool is_empty(torana_text value) {
    children all = torana_test_children(value);
    child first;
    return !torana_test_next(&all, &first);
}

bool torana_test_document(torana_text *data) {
    *data = torana_trim(torana_message.data);
    if (data->data != NULL && !(is_object(*data) && torana_test_is_json(*data))) {
        fprintf(stderr, "torana_message.data is no JSON object: %.*s\n", (int)data->size, data->data);
        abort();
    }
    return data->data != NULL;
}

bool torana_test_document_to_edit(torana_text *data) {
    return torana_test_document(data) || refuse("the response is not decoded (`no-op`): it has a body, no data");
}

/* Puts texts in the place of a part of the data. */
static bool splice(torana_text data, const char *from, const char *to, const torana_text *parts, size_t count) {
    torana_text before = {data.data, (size_t)(from - data.data)};
    torana_text after = {to, (size_t)(data.data + data.size - to)};
    torana_text all[] = {before, torana_test_join(parts, count), after};
    torana_message.data = torana_test_join(all, 3);
    return allow();
}

/* JSON Pointers: RFC 6901. */

static bool is_pointer(torana_text pointer) {
    if (pointer.size == 0 || pointer.data[0] == '/') {
        return true;
    }
    return torana_test_refuse_about("`", pointer, "` is no JSON Pointer: it must be empty or begin with a slash");
}

/* Takes the first token, as the name that it means. */
static bool take_token(scanner *in, torana_text *token) {
    if (!take(in, '/')) {
        return false;
    }
    char *name = torana_alloc((size_t)(in->end - in->at));
    size_t size = 0;
    while (in->at < in->end && *in->at != '/') {
        name[size++] = take_word(in, "~0") ? '~' : take_word(in, "~1") ? '/' : *in->at++;
    }
    *token = (torana_text){name, size};
    return true;
}

torana_text torana_test_below(torana_text pointer, torana_text name) {
    char *text = torana_alloc(pointer.size + 1 + 2 * name.size);
    size_t size = pointer.size;
    if (size > 0) {
        memcpy(text, pointer.data, size);
    }
    text[size++] = '/';
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool escaped = c == '~' || c == '/';
        if (escaped) {
            text[size++] = '~';
        }
        text[size++] = !escaped ? c : c == '~' ? '0' : '1';
    }
    return (torana_text){text, size};
}

static bool find_child(torana_text parent, torana_text token, child *found) {
    children all = torana_test_children(parent);
    scanner in = scan(token);
    long index = -1;
    bool is_index = torana_test_take_index(&in, &index) && in.at == in.end;
    for (long i = 0; torana_test_next(&all, found); i++) {
        if (all.named ? torana_equal(found->name, token) : is_index && i == index) {
            return true;
        }
    }
    return false;
}

static bool find(torana_text data, torana_text pointer, child *found) {
    *found = (child){.value = data};
    scanner in = scan(pointer);
    torana_text token;
    while (take_token(&in, &token)) {
        if (!find_child(found->value, token, found)) {
            return false;
        }
    }
    return in.at == in.end;
}

bool torana_data(torana_text pointer, torana_text *json) {
    torana_text data;
    child found;
    if (!torana_test_document(&data) || !find(data, pointer, &found)) {
        return false;
    }
    *json = found.value;
    return true;
}

/* A name as a JSON string. */
static torana_text quoted(torana_text name) {
    char *text = torana_alloc(6 * name.size + 3);
    size_t size = 0;
    text[size++] = '"';
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c < ' ') {
            size += (size_t)snprintf(text + size, 7, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\') {
            text[size++] = '\\';
        }
        text[size++] = name.data[i];
    }
    text[size++] = '"';
    return (torana_text){text, size};
}

/* Puts a member or an element behind those that are there. */
static bool append(torana_text data, torana_text parent, torana_text name, torana_text json) {
    const char *close = parent.data + parent.size - 1;
    torana_text comma = is_empty(parent) ? TORANA_TEXT("") : TORANA_TEXT(",");
    torana_text member[] = {comma, quoted(name), TORANA_TEXT(":"), json}, element[] = {comma, json};
    return is_object(parent) ? splice(data, close, close, member, 4) : splice(data, close, close, element, 2);
}

static bool set(torana_text data, torana_text pointer, torana_text json) {
    size_t above = pointer.size;
    while (pointer.data[above - 1] != '/') {
        above--;
    }
    scanner rest = scan((torana_text){pointer.data + above - 1, pointer.size - above + 1});
    torana_text last;
    child parent, place;
    bool there = take_token(&rest, &last) && find(data, (torana_text){pointer.data, above - 1}, &parent);
    if (there && find_child(parent.value, last, &place)) {
        return splice(data, place.value.data, place.value.data + place.value.size, &json, 1);
    }
    bool is_array = there && parent.value.data[0] == '[';
    if (there && (is_object(parent.value) || (is_array && torana_equal(last, TORANA_TEXT("-"))))) {
        return append(data, parent.value, last, json);
    }
    return torana_test_refuse_about("there is no place `", pointer, "` in the data");
}

bool torana_set_data(torana_text pointer, torana_text json) {
    torana_text data;
    if (!torana_test_document_to_edit(&data) || !is_pointer(pointer)) {
        return false;
    }
    json = torana_trim(json);
    if (!torana_test_is_json(json)) {
        return torana_test_refuse_about("`", json, "` is not JSON");
    }
    if (pointer.size > 0) {
        return set(data, pointer, json);
    }
    if (!is_object(json)) {
        return refuse("the data is an object");
    }
    return splice(data, data.data, data.data + data.size, &json, 1);
}

bool torana_remove_data(torana_text pointer) {
    torana_text data, none = TORANA_TEXT("{}");
    child found;
    if (!torana_test_document_to_edit(&data) || !is_pointer(pointer)) {
        return false;
    }
    if (pointer.size == 0) {
        return splice(data, data.data, data.data + data.size, &none, 1) && !is_empty(data);
    }
    if (!find(data, pointer, &found)) {
        allow();
        return false;
    }
    scanner rest = {found.value.data + found.value.size, data.data + data.size};
    skip_space(&rest);
    if (*found.before == ',') {
        return splice(data, found.before, found.value.data + found.value.size, NULL, 0);
    }
    take(&rest, ',');
    return splice(data, found.begin, rest.at, NULL, 0);
}
