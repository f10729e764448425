/*
 * auth_password: user and password, token: plain or bcrypt.
 *
 * Ownership  see auth_attempt.h.
 * Thread     password_is_bcrypt, password_bcrypt_meets: any.
 * Errors     none.
 */
#pragma once

#include <stdbool.h>

/* "$2a$..", "$2b$..", "$2x$..", "$2y$..": a hash; anything else is the password itself. */
bool password_is_bcrypt(const char *stored);
/* In constant time for passwords of any length. */
bool password_plain_meets(const char *stored, const char *given);
/* Takes tens to hundreds of milliseconds. */
bool password_bcrypt_meets(const char *stored, const char *given);
