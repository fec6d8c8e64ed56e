// SPDX-License-Identifier: GPL-2.0
// Network byte order.
#pragma once

#include <cstdint>

namespace vmodem::ip {

inline uint16_t load16(const uint8_t *p) {
    return uint16_t(p[0] << 8 | p[1]);
}

inline uint32_t load32(const uint8_t *p) {
    return uint32_t(load16(p)) << 16 | load16(p + 2);
}

inline void store16(uint8_t *p, uint32_t value) {
    p[0] = uint8_t(value >> 8);
    p[1] = uint8_t(value);
}

inline void store32(uint8_t *p, uint32_t value) {
    store16(p, value >> 16);
    store16(p + 2, value);
}

inline void store64(uint8_t *p, uint64_t value) {
    store32(p, uint32_t(value >> 32));
    store32(p + 4, uint32_t(value));
}

} // namespace vmodem::ip
