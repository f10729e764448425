#include "dataplane/monitor/report.h"

#include <string.h>

#include "api/base/check.h"
#include "dataplane/monitor/absent.h"
#include "dataplane/monitor/accountz.h"
#include "dataplane/monitor/accstatz.h"
#include "dataplane/monitor/connz.h"
#include "dataplane/monitor/healthz.h"
#include "dataplane/monitor/subsz.h"
#include "dataplane/monitor/varz.h"

static const struct report *const reports[] = {
    &varz_report,     &connz_report,    &subsz_report,        &accountz_report,
    &accstatz_report, &healthz_report,  &account_info_report, &jsz_report,
    &routez_report,   &gatewayz_report, &leafz_report,
};

const struct report *report_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(reports); i++)
        if (strcmp(reports[i]->name, name) == 0)
            return reports[i];
    CHECK_UNREACHABLE("no such report");
}
