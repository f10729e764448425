#include "dataplane/monitor/healthz.h"

#include "api/nats/sys_monitor.h"

static bool given(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static void fail(struct report_call *call, struct sys_healthz *out, int code, const char *status,
                 const char *error)
{
    out->status = status;
    out->status_code = call->code = code;
    out->error = error;
}

static void finish(struct report_call *call)
{
    const struct sys_healthz_options *options = call->options;
    struct sys_healthz *out = arena_alloc(&call->arena, sizeof(*out));

    out->status = "ok";
    out->status_code = call->code = 200;
    if (given(options->stream) && !given(options->account))
        fail(call, out, 400, "error", "\"account\" must not be empty when checking stream health");
    else if (given(options->consumer) && !given(options->stream))
        fail(call, out, 400, "error", "\"stream\" must not be empty when checking consumer health");
    else if (given(options->account))
        fail(call, out, 404, "unavailable",
             arena_printf(&call->arena, "JetStream account \"%s\" not found", options->account));
    else if (atomic_load(&call->monitor->lame_duck))
        fail(call, out, 503, "unavailable", "the node leaves: lame duck mode");
    call->document = out;
}

const struct report healthz_report = {
    .name = "HEALTHZ",
    .options = &sys_healthz_options_shape,
    .filter = offsetof(struct sys_healthz_options, filter),
    .document_shape = &sys_healthz_shape,
    .finish = finish,
};
