/*
 * authz: who may do what: one matrix, one function, default deny.
 *
 * The router calls authz_check with the permission its route declares, and with the team and
 * account that the path names, before a handler runs.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     none; the verdict says it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/base/shape.h"

enum principal_role {
    ROLE_NOBODY,
    ROLE_BOOTSTRAP,       /* may exchange itself for an operator admin, nothing else */
    ROLE_OPERATOR_ADMIN,  /* OA */
    ROLE_OPERATOR_VIEWER, /* OV */
    ROLE_TEAM_ADMIN,      /* TA */
    ROLE_TEAM_VIEWER,     /* TV */
    ROLE_SERVICE,         /* ST: only its scopes */
    ROLE_MACHINE,         /* jobs of the control plane itself */
    ROLE_COUNT
};

extern const char *const principal_role_words[]; /* "nobody", "bootstrap", ... for KIND_ENUM */

struct principal {
    enum principal_role role;
    const char *token_id, *name;
    const char *member_id;   /* NULL: the token stands for itself */
    const char *team_id;     /* NULL: not of a team */
    struct strings scopes;   /* ROLE_SERVICE */
    bool all_accounts;       /* else only `accounts` */
    struct strings accounts; /* ids */
    struct strings cidrs;    /* where it may come from; empty: anywhere */
    const char *request_id, *source_ip, *user_agent;
};

/* The control plane acting by itself. */
const struct principal *principal_machine(void);

enum verdict {
    VERDICT_ALLOW,
    VERDICT_DENY, /* 403: the caller may know that it is there */
    VERDICT_HIDE, /* 404: outside of the caller's scope */
};

struct authz_target {
    const char *team_id;    /* NULL: none in the path */
    const char *account_id; /* NULL: none in the path */
};

/* permission is one of authz_permissions(), else a CHECK fails. */
enum verdict authz_check(const struct principal *who, const char *permission,
                         const struct authz_target *target);
bool authz_known(const char *permission);

bool principal_is_operator(const struct principal *who);
bool principal_sees_account(const struct principal *who, const char *team_id,
                            const char *account_id);
/* All that somebody bound to these accounts may see (none: the whole team) the principal may see
 * too: who is bound can make, change and end only what is bound at least as he is. */
bool principal_covers(const struct principal *who, const struct strings *accounts);
bool principal_has_scope(const struct principal *who, const char *scope);

/* AUZ-03: the words of scopes[], NULL-terminated. */
extern const char *const authz_scopes[];
bool rule_scope(const char *text);

/* The rows of the matrix, for tests and for documents. */
struct authz_row {
    const char *permission;
    const char *scope;              /* that ROLE_SERVICE needs; NULL: never */
    unsigned char cell[ROLE_COUNT]; /* '-' no, 'y' yes, 'o' own team and accounts, 's' by scope */
};
const struct authz_row *authz_rows(size_t *count);
