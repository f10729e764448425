#include "api/base/crc.h"

uint16_t crc16(const void *data, size_t len)
{
    const unsigned char *in = data;
    unsigned crc = 0;

    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)in[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ ((crc & 0x8000) != 0 ? 0x1021u : 0)) & 0xffff;
    }
    return (uint16_t)crc;
}
