/* Decoded data in the small gateway that plugins in C are tested with: found, edited and refused as by the real one. */

#undef NDEBUG
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "testing.h"

#define IS(text, literal) assert(torana_equal((text), TORANA_TEXT(literal)))
#define DOCUMENT "{\"a\":{\"b\":[1,{\"c\":2}],\"x/y\":3,\"~\":4},\"n\":1.50,\"z\":null}"

static void with(const char *json) {
    torana_test_start();
    torana_message.data = torana_string(json);
}

static void refused(const char *part) {
    torana_text why = torana_refusal();
    size_t size = strlen(part);
    for (size_t i = 0; i + size <= why.size; i++) {
        if (memcmp(why.data + i, part, size) == 0) {
            return;
        }
    }
    assert(!"the refusal has another text");
}

static void is_at(const char *pointer, const char *json) {
    torana_text found;
    bool there = torana_data(torana_string(pointer), &found);
    assert(there == (json != NULL));
    assert(!there || torana_equal(found, torana_string(json)));
}

static void gets_by_pointer(void) {
    with(DOCUMENT);
    is_at("", DOCUMENT);
    is_at("/n", "1.50");
    is_at("/a/b/1/c", "2");
    is_at("/a/b/0", "1");
    is_at("/a/x~1y", "3");
    is_at("/a/~0", "4");
    is_at("/z", "null");
    const char *missing[] = {"/a/b/01", "/a/b/+1", "/a/b/-0", "/a/b/-1", "/a/b/2", "/a/b/-", "/a/b/99999999999999999999",
                             "/n/x",    "/missing/x", "n",    "/",       "/a/",    "/a/b/"};
    for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
        is_at(missing[i], NULL);
    }
    torana_test_end();
    with(" { \"a b\" : [ 1 , \"x\\\"]\" ] , \"\\u00e4\" : { } } ");
    is_at("/a b", "[ 1 , \"x\\\"]\" ]");
    is_at("/a b/1", "\"x\\\"]\"");
    is_at("/\xc3\xa4", "{ }");
    torana_test_end();
}

static bool sets(const char *pointer, const char *json) {
    return torana_set_data(torana_string(pointer), torana_string(json));
}

static void sets_and_removes_by_pointer(void) {
    with(DOCUMENT);
    assert(sets("/a/b/-", " true ") && sets("/a/b/0", "[]") && sets("/new", "{\"k\":1.0}"));
    assert(!sets("/a/b/9", "1") && !sets("/missing/x", "1") && !sets("/n/x", "1"));
    refused("there is no place `/n/x` in the data");
    assert(!sets("n", "1"));
    refused("`n` is no JSON Pointer");
    assert(torana_remove_data(TORANA_TEXT("/a/x~1y")) && torana_refusal().size == 0);
    assert(!torana_remove_data(TORANA_TEXT("/a/x~1y")) && torana_refusal().size == 0);
    assert(torana_remove_data(TORANA_TEXT("/z")) && torana_remove_data(TORANA_TEXT("/a/~0")));
    assert(!torana_remove_data(TORANA_TEXT("z")) && torana_refusal().size > 0);
    IS(torana_message.data, "{\"a\":{\"b\":[[],{\"c\":2},true]},\"n\":1.50,\"new\":{\"k\":1.0}}");
    assert(torana_remove_data(TORANA_TEXT("/a/b/0")) && torana_remove_data(TORANA_TEXT("/a/b/1")));
    assert(torana_remove_data(TORANA_TEXT("/a/b/0")) && torana_remove_data(TORANA_TEXT("/n")));
    assert(sets("/a/b/-", "0") && sets("/a/\"\\\n~1~0", "\"\\ud83d\\ude00\""));
    IS(torana_message.data, "{\"a\":{\"b\":[0],\"\\\"\\\\\\u000a/~\":\"\\ud83d\\ude00\"},\"new\":{\"k\":1.0}}");
    is_at("/a/\"\\\n~1~0", "\"\\ud83d\\ude00\"");
    assert(sets("", "{\"only\":1}"));
    IS(torana_message.data, "{\"only\":1}");
    assert(!sets("", "[]"));
    refused("the data is an object");
    assert(torana_remove_data(TORANA_TEXT("")) && !torana_remove_data(TORANA_TEXT("")));
    IS(torana_message.data, "{}");
    assert(sets("/a", "1") && sets("/b", "2"));
    IS(torana_message.data, "{\"a\":1,\"b\":2}");
    torana_test_end();
}

static void what_is_not_json_is_refused(void) {
    const char *wrong[] = {"",     "{",       "hello",       "01",     "1.",      ".5",      "1e",     "+1",
                           "tru",  "truex",   "'a'",         "\"a",    "\"\\x\"", "\"\\ud800\"", "\"\n\"", "1 2",
                           "[1,]", "[1 2]",   "{\"a\":1,}",  "{a:1}",  "{\"a\"}", "[}",      "{]",     "nul",
                           "\"\\", "{\"a\":", "[1]]",        "-",      "{,}",     "[,1]",    "\"a\\\"", "1e+"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t count;
        with("{\"a\":0}");
        assert(!sets("/a", wrong[i]));
        refused("is not JSON");
        assert(!torana_replace_data(TORANA_TEXT("$.a"), torana_string(wrong[i]), &count));
        IS(torana_message.data, "{\"a\":0}");
        torana_test_end();
    }
    const char *right[] = {"0", "-0.5e-3", "1E+2", "10", "\"\"", "\"\\\"\\u00e4\\n\"", "[ ]", "{ }", "[[1],{\"a\":[]}, true]"};
    for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        with("{\"a\":0}");
        assert(sets("/a", right[i]));
        is_at("/a", right[i]);
        torana_test_end();
    }
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = '\0';
    with("{}");
    assert(!sets("/a", deep));
    torana_test_end();
}

static void finds(const char *path, const char *const *pointers) {
    torana_match *matches;
    size_t count;
    assert(torana_query_data(torana_string(path), &matches, &count) && torana_refusal().size == 0);
    for (size_t i = 0; i < count; i++) {
        assert(pointers[i] != NULL && torana_equal(matches[i].pointer, torana_string(pointers[i])));
        torana_text there;
        assert(torana_data(matches[i].pointer, &there) && torana_equal(there, matches[i].json));
    }
    assert(pointers[count] == NULL);
}

#define FINDS(path, ...) finds(path, (const char *[]){__VA_ARGS__, NULL})

static void finds_by_path(void) {
    with("{\"users\":[{\"email\":\"x\",\"age\":17},{\"tags\":[\"a\"],\"email\":\"y\"}],\"a/b\":{\"~\":1},\"email\":{\"email\":0}}");
    FINDS("$", "");
    FINDS("$.users[*].email", "/users/0/email", "/users/1/email");
    FINDS("$..email", "/email", "/email/email", "/users/0/email", "/users/1/email");
    FINDS("$..[0]", "/users/0", "/users/1/tags/0");
    FINDS("$.users[-1]['tags'][0]", "/users/1/tags/0");
    FINDS("$[\"a/b\"][*]", "/a~1b/~0");
    FINDS("$.*", "/a~1b", "/email", "/users");
    FINDS("$..users..email..*", NULL);
    FINDS("$.users..*", "/users/0", "/users/0/age", "/users/0/email", "/users/1", "/users/1/email", "/users/1/tags",
          "/users/1/tags/0");
    FINDS("$.missing..a", NULL);
    FINDS("$.users.email", NULL);
    FINDS("$.users[2]", NULL);
    FINDS("$.users[-3]", NULL);
    FINDS("$.email[0]", NULL);
    const char *unknown[] = {"",       "a",         "$.",           "$[",     "$a",      "$.users[?@.age > 1]", "$..",  "$[']",
                             "$['a\"", "$[0,1]",    "$[0:1]",       "$[01]",  "$[-0]",   "$.a-b",  "$.0",  "$['a'",
                             "$.a ",   "$['\\'']",  "$[1234567890]", "$...a", "$.[0]"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        torana_match *matches;
        size_t count = 1;
        assert(!torana_query_data(torana_string(unknown[i]), &matches, &count) && count == 0);
        refused("is no JSONPath that the test's gateway knows");
    }
    char long_path[1 + 32 * 2 + 1] = "$";
    for (int i = 0; i < 31; i++) {
        strcat(long_path, ".a");
    }
    FINDS(long_path, NULL);
    torana_match *matches;
    size_t count;
    assert(!torana_query_data(torana_string(strcat(long_path, ".a")), &matches, &count));
    torana_test_end();
}

static size_t replaces(const char *path, const char *json) {
    size_t count;
    assert(torana_replace_data(torana_string(path), torana_string(json), &count) && torana_refusal().size == 0);
    return count;
}

static void replaces_by_path(void) {
    size_t count;
    with("{\"b\":[1,{\"c\":2}],\"a\":{\"c\":{\"c\":3}}}");
    assert(replaces("$.b[0]", "\"x\"") == 1 && replaces("$..c", " 0 ") == 3);
    IS(torana_message.data, "{\"b\":[\"x\",{\"c\":0}],\"a\":{\"c\":0}}");
    assert(replaces("$.none", "1") == 0);
    assert(!torana_replace_data(TORANA_TEXT("$"), TORANA_TEXT("{}"), &count) && count == 0);
    refused("`$` cannot be replaced");
    assert(replaces("$..*", "null") == 6);
    IS(torana_message.data, "{\"b\":null,\"a\":null}");
    torana_test_end();
}

static void there_is_data_or_a_body(void) {
    torana_match *matches;
    torana_text text;
    size_t count;
    torana_test_start();
    assert(!torana_data(TORANA_TEXT(""), &text) && !sets("/a", "1"));
    refused("it has a body, no data");
    assert(!torana_remove_data(TORANA_TEXT("/a")) && torana_refusal().size > 0);
    assert(!torana_replace_data(TORANA_TEXT("$.a"), TORANA_TEXT("1"), &count) && torana_refusal().size > 0);
    assert(torana_query_data(TORANA_TEXT("$.a"), &matches, &count) && count == 0 && torana_refusal().size == 0);
    assert(torana_set_body(TORANA_TEXT("x")));
    torana_test_end();
    with("{}");
    assert(!torana_body(&text) && !torana_set_body(TORANA_TEXT("x")));
    refused("it has data, no body");
    torana_test_end();
    torana_test_start();
    assert(torana_message.data.data == NULL);
    torana_test_end();
}

/* As many as the gateway finds, and one more. */
static void finding_has_a_bound(void) {
    static char many[] = "{\"a\":[0";
    size_t count, size = sizeof(many) - 1;
    torana_match *matches;
    torana_test_start();
    char *data = torana_alloc(size + 2 * 10000 + 2);
    memcpy(data, many, size);
    for (int i = 1; i < 10000; i++) {
        memcpy(data + size, ",0", 2);
        size += 2;
    }
    memcpy(data + size, "]}", 2);
    torana_message.data = (torana_text){data, size + 2};
    assert(torana_query_data(TORANA_TEXT("$.a[*]"), &matches, &count) && count == 10000);
    IS(matches[9999].pointer, "/a/9999");
    char *large = torana_alloc(2000);
    memset(large, '1', 2000);
    assert(!torana_replace_data(TORANA_TEXT("$.a[*]"), (torana_text){large, 2000}, &count) && count == 0);
    refused("more than 16 MiB");
    assert(replaces("$.a[*]", "12") == 10000 && sets("/a/-", "1"));
    assert(!torana_query_data(TORANA_TEXT("$.a[*]"), &matches, &count) && count == 0);
    refused("more than 10000 values");
    torana_test_end();
}

/* Texts by chance, in blocks of just their size, which a checked build watches. */
static void nothing_breaks_it(void) {
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        size_t size = (size_t)round % 16;
        char *pointer = malloc(size + 1), *path = malloc(size + 1), *json = malloc(size + 1);
        for (size_t i = 0; i < size; i++) {
            seed = seed * 1664525 + 1013904223;
            pointer[i] = "//ab01~-x\xff"[(seed >> 8) % 10];
            path[i] = "$.*[]'a0-\"b"[(seed >> 14) % 11];
            json[i] = "{}[]\",:\\1ae-.0 \xff"[(seed >> 20) % 17];
        }
        pointer = realloc(pointer, size == 0 ? 1 : size);
        path[0] = '$';
        path = realloc(path, size == 0 ? 1 : size);
        json = realloc(json, size == 0 ? 1 : size);
        torana_text where = {pointer, size}, value = {json, size}, found;
        torana_match *matches;
        size_t count;
        with("{\"a\":{\"b\":[1,{\"a\":2}],\"/\":3},\"0\":[[]],\"~\":{}}");
        if (torana_set_data(where, value) && size > 0 && pointer[size - 1] != '-') {
            assert(torana_data(where, &found) && torana_equal(found, torana_trim(value)));
        }
        torana_remove_data(where);
        if (torana_query_data((torana_text){path, size}, &matches, &count)) {
            for (size_t i = 0; i < count; i++) {
                assert(torana_data(matches[i].pointer, &found) && torana_equal(found, matches[i].json));
            }
            torana_replace_data((torana_text){path, size}, TORANA_TEXT("0"), &count);
        }
        assert(torana_data(TORANA_TEXT(""), &found) && found.data[0] == '{');
        torana_test_end();
        free(pointer);
        free(path);
        free(json);
    }
}

int main(void) {
    gets_by_pointer();
    sets_and_removes_by_pointer();
    what_is_not_json_is_refused();
    finds_by_path();
    replaces_by_path();
    there_is_data_or_a_body();
    finding_has_a_bound();
    nothing_breaks_it();
    return 0;
}
