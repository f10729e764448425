/*
 * claims_text: claims as text for tests: one account that says everything there is.
 *
 * Ownership  texts and claims live in the arena given.
 * Thread     any.
 * Errors     a wrong text fails the test that runs.
 */
#pragma once

#include "api/base/arena.h"
#include "api/base/result.h"
#include "api/nats/claims.h"

#define ACCOUNT "ACD7B7NVJ4WYIS5MGF2OEHEWVZKVC6WHJBMGZPQ4LNFAFJNVGFWJ4SGN"
#define KEY1 "AAGI5YOSOVH6A6KHO5FKX4NW7U3W4H2OXZLVCJZJWBR7ZQX3AUCTDILS"
#define KEY2 "ACK3NRMWR67FJVAPNF5Z6ZBRIBWTMKQHKTEZLYN3C3Y7WBVRACNDF3E6"
#define OTHER "AB6DIQQ63KQ2FTBLTR2B6WSKKJUXI4KQH4BJ4BCW6KJAFKKO4SLJH47O"
#define USER "UD5M2IIXNPVRN7XDJI7F6ZLVPOGCKT5PJJDJILVGPODXB5XX5HEFPAXF"
#define OPER "OCCFALX5RHN5ODVHXKAJSME6UNMPU7ISY5U5KIXO7JFHWNM3BZGF3BG5"
#define OKEY "OD4DXEDIM4JQZ2DLLLBT3YWL7HRZV6WAQIXUEPPXTJYHLV3QPPVXVUZ7"

/* As issuing tools write it; valid at any time. */
const char *claims_text_account(struct arena *arena);
/* The text with the first `from` replaced; it must be there. */
char *claims_text_replaced(struct arena *arena, const char *text, const char *from, const char *to);
/* The payload of a token, parsed and decoded. */
enum result claims_text_decode(struct arena *arena, const char *text, struct claims *out);
