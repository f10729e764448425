/*
 * zone: how far local time of an IANA zone is from UTC (RFC 8536 files of the system).
 *
 * Ownership  nothing is kept.
 * Thread     any; reads a file.
 * Errors     ERR_NOT_FOUND: no such zone; ERR_CORRUPT: not a zone file.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "api/base/result.h"

/* name: "Europe/Berlin"; NULL or "" or "Local": the machine's. */
enum result zone_offset(const char *name, int64_t at_s, int64_t *offset_s) MUST_CHECK;

/* The same from the bytes of a file; for zone_offset and its tests. */
enum result zone_offset_of(const unsigned char *data, size_t len, int64_t at_s,
                           int64_t *offset_s) MUST_CHECK;
