/*
 * rules: is this text a valid name, subject, address, ...: one question each.
 *
 * They stand in the `valid` column of shapes, beside the words that say what is wanted.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     false.
 */
#pragma once

#include <stdbool.h>

bool rule_name(const char *text);         /* [a-z0-9]([a-z0-9-]{0,61}[a-z0-9])? */
bool rule_nats_name(const char *text);    /* no blank, dot, wildcard, separator; up to 255 */
bool rule_member_name(const char *text);  /* a mail address or another name without blanks */
bool rule_display_name(const char *text); /* no control characters */
bool rule_description(const char *text);  /* line ends and tabs allowed */
bool rule_label_key(const char *text);
bool rule_cidr(const char *text);
bool rule_node_url(const char *text); /* nats, tls, ws, wss; no credentials, no path */
bool rule_http_url(const char *text);
bool rule_subject(const char *text);          /* wildcards allowed */
bool rule_queue_subject(const char *text);    /* "subject" or "subject queue" */
bool rule_template_subject(const char *text); /* rule_queue_subject, {{...}} in tokens */
bool rule_connection_type(const char *text);
bool rule_time_of_day(const char *text); /* HH:MM:SS */
bool rule_time_zone(const char *text);
bool rule_operator_key(const char *text);
bool rule_account_key(const char *text);
bool rule_user_key(const char *text);
bool rule_tag(const char *text);
bool rule_tier(const char *text); /* R1 ... R5 */
