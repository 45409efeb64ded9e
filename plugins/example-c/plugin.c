/* Lets a request pass only if it names its tenant, and hands the name on in lower case. */

#include "torana.h"

/* What stands under `config` in the gateway's configuration; `config.schema.json` says what it may be. */
static torana_text header;
static torana_text tenants;

torana_result torana_init(torana_text config) {
    torana_text value;
    if (!torana_json_member(config, TORANA_TEXT("header"), &value) || !torana_json_text(value, &value)) {
        return torana_fail(TORANA_TEXT("`header` must be a text"));
    }
    header = torana_keep(value);
    tenants = (torana_text){NULL, 0};
    if (torana_json_member(config, TORANA_TEXT("tenants"), &value)) {
        tenants = torana_keep(value);
    }
    return torana_continue();
}

/* Everybody is known if the configuration names nobody. */
static bool is_known(torana_text tenant) {
    torana_text known;
    size_t count = 0;
    while (torana_json_element(tenants, count, &known)) {
        if (torana_json_text(known, &known) && torana_equal(known, tenant)) {
            return true;
        }
        count++;
    }
    return count == 0;
}

torana_result torana_on_request(void) {
    torana_text value = TORANA_TEXT("");
    torana_header(header, &value);
    torana_text tenant = torana_lower(torana_trim(value));
    if (tenant.size == 0) {
        return torana_respond(403, TORANA_TEXT("which tenant?"));
    }
    if (!is_known(tenant)) {
        return torana_respond(403, TORANA_TEXT("this tenant is not known"));
    }
    if (!torana_set_header(header, tenant)) {
        return torana_fail(torana_refusal());
    }
    return torana_continue();
}
