/*
 * tenants: a control plane with what most tests of its REST API begin with: an operator, a system
 * and a default plan; two teams that must not see each other; an account of each.
 *
 * A test program has one, in the variables below: it starts with as much of it as it names.
 *
 * Ownership  the control plane lives from a start to tenants_stop.
 * Thread     the test's main thread.
 * Errors     none: what does not start is a failed test.
 */
#pragma once

#include "tests/lib/control_plane.h"

extern struct control_plane *control;
extern const char *admin; /* an operator admin's token */
extern struct control_team payments, games;
extern char account[40], other_account[40]; /* orders of payments, scores of games */

/* For cmocka_run_group_tests; each makes what the one before it makes, and more. */
int tenants_start_empty(void **state);
int tenants_start_world(void **state);
int tenants_start_team(void **state); /* payments */
int tenants_start_teams(void **state);
int tenants_start_accounts(void **state);
int tenants_stop(void **state);
