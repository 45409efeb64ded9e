/* The JSON reader of the C SDK: what it finds, and that it stays inside of what it reads, whatever that is. */

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

static torana_text member(torana_text json, const char *key) {
    torana_text value;
    assert(torana_json_member(json, torana_string(key), &value));
    return value;
}

static void is_text(torana_text json, const char *expected) {
    torana_text text;
    assert(torana_json_text(json, &text));
    assert(torana_equal(text, torana_string(expected)));
}

static void finds(void) {
    torana_text json = TORANA_TEXT(
        " { \"a\" : \"one\" , \"n\\u00e4\":[1, {\"x\":[\"]\"]} ,\"\\ud83d\\ude00\\n\"],\"b\":{\"c\":true},\"d\":-1.5e3} ");
    is_text(member(json, "a"), "one");
    torana_text list = member(json, "n\xc3\xa4"), value;
    assert(torana_json_element(list, 0, &value) && torana_equal(value, TORANA_TEXT("1")));
    assert(torana_json_element(list, 1, &value) && torana_equal(value, TORANA_TEXT("{\"x\":[\"]\"]}")));
    assert(torana_json_element(list, 2, &value));
    is_text(value, "\xf0\x9f\x98\x80\n");
    assert(!torana_json_element(list, 3, &value));
    assert(torana_equal(member(member(json, "b"), "c"), TORANA_TEXT("true")));
    assert(torana_equal(member(json, "d"), TORANA_TEXT("-1.5e3")));
    assert(!torana_json_member(json, TORANA_TEXT("e"), &value));
    assert(!torana_json_text(TORANA_TEXT("\"\\ud800\""), &value));
    assert(!torana_json_text(TORANA_TEXT("\"\\x\""), &value));
    assert(!torana_json_text(TORANA_TEXT("1"), &value));
    torana_test_end();
}

/* Reads in a block of just that size, which a checked build watches. */
static void reads(const char *bytes, size_t size) {
    char *block = malloc(size + 1);
    memcpy(block, bytes, size);
    char *exact = size == 0 ? block : realloc(block, size);
    torana_text json = {exact, size}, value, text;
    if (torana_json_member(json, TORANA_TEXT("b"), &value)) {
        assert(value.data >= exact && value.data + value.size <= exact + size);
        torana_json_text(value, &text);
    }
    for (size_t i = 0; torana_json_element(json, i, &value); i++) {
        assert(value.size > 0 && value.data >= exact && value.data + value.size <= exact + size);
    }
    torana_json_text(json, &text);
    torana_test_end();
    free(exact);
}

int main(void) {
    finds();
    const char *documents[] = {"{\"a\":[1,\"\\u00e4\",{}],\"b\":\"\\ud83d\\ude00\\\\\"}", "[[],{\"x\":null},\"a\\\"b\", 1 , -2]",
                               "\"\\ud83d\\ude00 \\\" \\n\""};
    unsigned seed = 1;
    for (size_t d = 0; d < sizeof(documents) / sizeof(documents[0]); d++) {
        size_t size = strlen(documents[d]);
        for (size_t cut = 0; cut <= size; cut++) {
            reads(documents[d], cut);
        }
        for (int round = 0; round < 20000; round++) {
            char changed[128];
            memcpy(changed, documents[d], size);
            for (int i = 0; i < 3; i++) {
                seed = seed * 1664525 + 1013904223;
                changed[(seed >> 8) % size] = "{}[]\",:\\u0dD8 \0\xff"[(seed >> 24) % 16];
            }
            reads(changed, size);
        }
    }
    return 0;
}
