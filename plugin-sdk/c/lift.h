/* Texts and lists on their way between the plugin and the gateway. For the files of the SDK only. */
#ifndef TORANA_LIFT_H
#define TORANA_LIFT_H

#include "torana.h"
#include "wit.h"

/* Frees it when the hook has returned. */
void *torana_own(void *pointer);
/* Notes what torana_refusal says; gives whether that is nothing. */
bool torana_note(torana_text why);

/* To the gateway: it only reads. */
static inline wit_string_t lower(torana_text text) { return (wit_string_t){(uint8_t *)text.data, text.size}; }

static inline wit_list_u8_t lower_bytes(torana_text bytes) {
    return (wit_list_u8_t){(uint8_t *)bytes.data, bytes.size};
}

/* From the gateway, which has allocated it; nothing is allocated for what is empty. */
static inline void own_list(void *list, size_t count) {
    if (count > 0) {
        torana_own(list);
    }
}

static inline torana_text lift_bytes(uint8_t *data, size_t size) {
    own_list(data, size);
    return (torana_text){size == 0 ? "" : (char *)data, size};
}

static inline torana_text lift(wit_string_t text) { return lift_bytes(text.ptr, text.len); }

static inline bool found_bytes(bool there, wit_list_u8_t *value, torana_text *to) {
    if (there) {
        *to = lift_bytes(value->ptr, value->len);
    }
    return there;
}

#endif
