#include "tests/lib/claims_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "api/base/slice.h"
#include "api/nats/nkey.h"

/* An account that says everything there is, as issuing tools write it. */
static const char everything[] =
    "{\"jti\":\"J\",\"iat\":5,\"iss\":\"" OPER "\",\"name\":\"A\",\"sub\":\"" ACCOUNT
    "\",\"nats\":{"
    "\"imports\":[{\"name\":\"i\",\"subject\":\"in.a\",\"account\":\"" OTHER
    "\",\"local_subject\":\"here.a\",\"type\":\"stream\",\"allow_trace\":true},"
    "{\"subject\":\"svc\",\"account\":\"" OTHER
    "\",\"to\":\"s\",\"type\":\"service\",\"share\":true}],"
    "\"exports\":[{\"name\":\"e\",\"subject\":\"out.*\",\"type\":\"service\",\"token_req\":true,"
    "\"revocations\":{\"" KEY1 "\":7},\"response_type\":\"Stream\",\"response_threshold\":1000,"
    "\"service_latency\":{\"sampling\":\"headers\",\"results\":\"lat\"},"
    "\"account_token_position\":2,\"advertise\":true,\"allow_trace\":true,\"description\":\"d\","
    "\"info_url\":\"http://x\"},{\"subject\":\"str\",\"type\":\"stream\"}],"
    "\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,"
    "\"wildcards\":true,\"disallow_bearer\":true,\"conn\":10,\"leaf\":-1,"
    "\"tiered_limits\":{\"R1\":{\"mem_storage\":1,\"disk_storage\":2,\"streams\":3,\"consumer\":4,"
    "\"max_ack_pending\":5,\"mem_max_stream_bytes\":6,\"disk_max_stream_bytes\":7,"
    "\"max_bytes_required\":true}}},"
    "\"signing_keys\":[\"" KEY1 "\",{\"kind\":\"user_scope\",\"key\":\"" KEY2
    "\",\"role\":\"r\",\"template\":{\"pub\":{\"allow\":[\"x.{{name()}}.>\"]},\"sub\":{\"deny\":["
    "\"y\"]},"
    "\"resp\":{\"max\":1,\"ttl\":2},\"src\":[\"10.0.0.0/8\"],"
    "\"times\":[{\"start\":\"08:00:00\",\"end\":\"18:00:00\"}],\"times_location\":\"Europe/"
    "Berlin\","
    "\"subs\":5,\"data\":-1,\"payload\":100,\"bearer_token\":true,\"proxy_required\":true,"
    "\"allowed_connection_types\":[\"STANDARD\"]},\"description\":\"d\"}],"
    "\"revocations\":{\"*\":3,\"" USER "\":4},"
    "\"default_permissions\":{\"pub\":{\"allow\":[\"a\"]},\"sub\":{\"allow\":[\"b q\"]},"
    "\"resp\":{\"max\":1,\"ttl\":1}},"
    "\"mappings\":{\"m.*\":[{\"subject\":\"n.$1\",\"weight\":50},{\"subject\":\"o.{{wildcard(1)}}"
    "\","
    "\"weight\":50,\"cluster\":\"c\"}]},"
    "\"authorization\":{\"auth_users\":[\"" USER
    "\"],\"allowed_accounts\":[\"*\"],\"xkey\":\"@XKEY@\"},"
    "\"trace\":{\"dest\":\"t\",\"sampling\":50},\"cluster_traffic\":\"owner\","
    "\"description\":\"text\",\"info_url\":\"https://example.com\","
    "\"of_tomorrow\":{\"deep\":[1,{\"a\":null}]},"
    "\"tags\":[\"a\",\"b:c\"],\"type\":\"account\",\"version\":2}}";

enum result claims_text_decode(struct arena *arena, const char *text, struct claims *out)
{
    struct shape_error error;
    json_t *tree;
    enum result rc = shape_parse_lenient(slice_of(text), &tree, &error);

    if (rc != OK)
        fail_msg("%s: %s", text, error.message);
    rc = claims_decode(tree, arena, out, &error);
    json_decref(tree);
    return rc;
}

char *claims_text_replaced(struct arena *arena, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);

    if (at == NULL)
        fail_msg("no %s", from);
    return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

const char *claims_text_account(struct arena *arena)
{
    char key[NKEY_PUBLIC_MAX];
    struct nkey nkey;

    nkey_create(&nkey, NKEY_CURVE, random_system());
    nkey_public(&nkey, key);
    return claims_text_replaced(arena, everything, "@XKEY@", key);
}
