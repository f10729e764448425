#include "dataplane/monitor/healthz.h"

#include "api/nats/sys_monitor.h"

struct complaint {
    int code;
    const char *status, *type, *text;
};

static const struct complaint no_account = {
    400, "error", "BAD_REQUEST", "\"account\" must not be empty when checking stream health"};
static const struct complaint no_stream = {
    400, "error", "BAD_REQUEST", "\"stream\" must not be empty when checking consumer health"};
static const struct complaint leaving = {500, "error", "CONNECTION",
                                         "the node leaves: lame duck mode"};

/* In detail: a list of errors with their types, and any failure is called "error". */
static void complain(struct report_call *call, struct sys_healthz *out,
                     const struct complaint *complaint)
{
    const struct sys_healthz_options *options = call->options;

    out->status = options->details ? "error" : complaint->status;
    out->status_code = call->code = complaint->code;
    if (!options->details) {
        out->error = complaint->text;
        return;
    }
    out->errors.items = arena_alloc(&call->arena, sizeof(out->errors.items[0]));
    out->errors.items[0] =
        (struct sys_healthz_error){.type = complaint->type, .error = complaint->text};
    out->errors.count = 1;
}

static void finish(struct report_call *call)
{
    const struct sys_healthz_options *options = call->options;
    struct sys_healthz *out = arena_alloc(&call->arena, sizeof(*out));

    out->status = "ok";
    out->status_code = call->code = 200;
    if (slice_given(options->stream) && !slice_given(options->account))
        complain(call, out, &no_account);
    else if (slice_given(options->consumer) && !slice_given(options->stream))
        complain(call, out, &no_stream);
    else if (atomic_load(&call->monitor->lame_duck))
        complain(call, out, &leaving);
    call->document = out;
}

const struct report healthz_report = {
    .name = "HEALTHZ",
    .options = &sys_healthz_options_shape,
    .filter = offsetof(struct sys_healthz_options, filter),
    .document_shape = &sys_healthz_shape,
    .finish = finish,
};
