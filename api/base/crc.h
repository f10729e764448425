/*
 * crc: CRC-16/XMODEM for nkeys.
 *
 * Ownership  none.
 * Thread     any.
 * Errors     none.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Polynomial 0x1021, begins with 0. */
uint16_t crc16(const void *data, size_t len);
