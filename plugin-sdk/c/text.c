/* Texts, JSON and results: what needs no gateway. */

#include <stdlib.h>
#include <string.h>

#include "torana.h"

torana_text torana_string(const char *string) { return (torana_text){string, strlen(string)}; }

bool torana_equal(torana_text one, torana_text other) {
    return one.size == other.size && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

torana_text torana_trim(torana_text text) {
    while (text.size > 0 && is_space(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_space(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

torana_text torana_lower(torana_text text) {
    char *lower = torana_alloc(text.size);
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return (torana_text){lower, text.size};
}

bool torana_is_kind(torana_text refusal, torana_text kind) {
    bool begins = refusal.size >= kind.size && memcmp(refusal.data, kind.data, kind.size) == 0;
    return kind.size > 0 && begins && (refusal.size == kind.size || refusal.data[kind.size] == ':');
}

bool torana_http_header(const torana_http_response *response, torana_text name, torana_text *value) {
    for (size_t i = 0; i < response->header_count; i++) {
        if (torana_equal(torana_lower(response->headers[i].name), torana_lower(name))) {
            *value = response->headers[i].value;
            return true;
        }
    }
    return false;
}

torana_text torana_keep(torana_text text) {
    char *copy = malloc(text.size + 1);
    if (copy == NULL) {
        abort();
    }
    if (text.size > 0) {
        memcpy(copy, text.data, text.size);
    }
    copy[text.size] = '\0';
    return (torana_text){copy, text.size};
}

torana_result torana_continue(void) { return (torana_result){.kind = TORANA_CONTINUE}; }

torana_result torana_respond(uint16_t status, torana_text body) {
    torana_field type = {TORANA_TEXT("content-type"), TORANA_TEXT("text/plain; charset=utf-8")};
    return torana_respond_with(status, body, &type, 1);
}

torana_result torana_respond_with(uint16_t status, torana_text body, const torana_field *headers, size_t count) {
    torana_result result = {.kind = TORANA_RESPOND, .status = status, .text = body, .header_count = count};
    if (count > sizeof(result.headers) / sizeof(result.headers[0])) {
        return torana_fail(TORANA_TEXT("an answer has at most 8 header fields"));
    }
    for (size_t i = 0; i < count; i++) {
        result.headers[i] = headers[i];
    }
    return result;
}

torana_result torana_fail(torana_text why) { return (torana_result){.kind = TORANA_FAIL, .text = why}; }

/* How deep values may lie in each other: the stack is small. */
#define DEPTH 64

static torana_text after(torana_text json, size_t count) {
    return (torana_text){json.data + count, json.size - count};
}

static torana_text skip_space(torana_text json) {
    while (json.size > 0 && is_space(json.data[0])) {
        json = after(json, 1);
    }
    return json;
}

static bool begins(torana_text json, char c) { return json.size > 0 && json.data[0] == c; }

/* The size of the string at the beginning, with its quotes; 0 if there is none. */
static size_t string_size(torana_text json) {
    if (!begins(json, '"')) {
        return 0;
    }
    for (size_t i = 1; i < json.size; i++) {
        if (json.data[i] == '\\') {
            i++;
        } else if (json.data[i] == '"') {
            return i + 1;
        }
    }
    return 0;
}

/* The size of the value at the beginning; 0 if there is none. Brackets are counted, not matched by kind: what the
 * gateway hands over is valid. */
static size_t value_size(torana_text json) {
    size_t depth = 0;
    for (size_t i = 0; i < json.size;) {
        char c = json.data[i];
        size_t step = 1;
        if (c == '"') {
            step = string_size(after(json, i));
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return 0;
            }
            depth--;
        } else if (depth == 0) {
            while (i + step < json.size && strchr(",}] \t\n\r", json.data[i + step]) == NULL) {
                step++;
            }
            return i + step;
        }
        if (step == 0 || depth > DEPTH) {
            return 0;
        }
        i += step;
        if (depth == 0) {
            return i;
        }
    }
    return 0;
}

/* Takes a value from the beginning, and the comma behind it. */
static bool take(torana_text *rest, torana_text *value) {
    torana_text json = skip_space(*rest);
    size_t size = value_size(json);
    if (size == 0) {
        return false;
    }
    *value = (torana_text){json.data, size};
    json = skip_space(after(json, size));
    *rest = begins(json, ',') ? after(json, 1) : json;
    return true;
}

bool torana_json_member(torana_text json, torana_text key, torana_text *value) {
    json = skip_space(json);
    if (!begins(json, '{')) {
        return false;
    }
    json = skip_space(after(json, 1));
    for (size_t size; (size = string_size(json)) > 0; json = skip_space(json)) {
        torana_text name = {json.data, size};
        json = skip_space(after(json, size));
        if (!begins(json, ':')) {
            return false;
        }
        json = after(json, 1);
        torana_text found;
        if (!take(&json, &found) || !torana_json_text(name, &name)) {
            return false;
        }
        if (torana_equal(name, key)) {
            *value = found;
            return true;
        }
    }
    return false;
}

bool torana_json_element(torana_text json, size_t index, torana_text *value) {
    json = skip_space(json);
    if (!begins(json, '[')) {
        return false;
    }
    json = after(json, 1);
    torana_text found;
    for (size_t i = 0; take(&json, &found); i++) {
        if (i == index) {
            *value = found;
            return true;
        }
    }
    return false;
}

/* The number that four hexadecimal digits make, or -1. */
static long hex(torana_text digits) {
    if (digits.size < 4) {
        return -1;
    }
    long number = 0;
    for (size_t i = 0; i < 4; i++) {
        const char *all = "0123456789abcdef";
        char digit = digits.data[i] >= 'A' && digits.data[i] <= 'F' ? (char)(digits.data[i] + 32) : digits.data[i];
        const char *place = digit == '\0' ? NULL : strchr(all, digit);
        if (place == NULL) {
            return -1;
        }
        number = number * 16 + (place - all);
    }
    return number;
}

/* Writes a code point as UTF-8; gives the number of bytes. */
static size_t utf8(long point, char *to) {
    static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size; i > 1; i--) {
        to[i - 1] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    to[0] = (char)(first[size == 1 ? 0 : size] | point);
    return size;
}

/* Reads the digits behind `\u`, of two escapes if it takes both for a code point; gives the number of bytes read. */
static size_t escaped(torana_text digits, long *point) {
    *point = hex(digits);
    if (*point < 0xd800 || *point > 0xdfff) {
        return *point < 0 ? 0 : 4;
    }
    bool pair = digits.size >= 10 && digits.data[4] == '\\' && digits.data[5] == 'u';
    long low = pair ? hex(after(digits, 6)) : -1;
    if (*point > 0xdbff || low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

bool torana_json_text(torana_text json, torana_text *text) {
    json = torana_trim(json);
    if (json.size < 2 || string_size(json) != json.size) {
        return false;
    }
    torana_text in = {json.data + 1, json.size - 2};
    if (in.size == 0 || memchr(in.data, '\\', in.size) == NULL) {
        *text = in;
        return true;
    }
    /* No escape is shorter than what it means. */
    char *out = torana_alloc(in.size);
    size_t size = 0;
    while (in.size > 0) {
        if (!begins(in, '\\')) {
            out[size++] = in.data[0];
            in = after(in, 1);
            continue;
        }
        const char *names = "\"\\/bfnrt";
        const char *meanings = "\"\\/\b\f\n\r\t";
        char kind = in.size > 1 ? in.data[1] : '\0';
        const char *name = kind == '\0' ? NULL : strchr(names, kind);
        if (name != NULL) {
            out[size++] = meanings[name - names];
            in = after(in, 2);
            continue;
        }
        long point = 0;
        size_t used = kind == 'u' ? escaped(after(in, 2), &point) : 0;
        if (used == 0) {
            return false;
        }
        size += utf8(point, out + size);
        in = after(in, 2 + used);
    }
    *text = (torana_text){out, size};
    return true;
}
