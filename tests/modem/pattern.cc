// SPDX-License-Identifier: GPL-2.0
#include "pattern.h"
#include "ip_peer.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace vmodem {

static_assert(std::endian::native == std::endian::little);

// One multiplication for eight bytes. The low bytes of the product repeat early; folding the
// high half onto them makes every byte depend on 35 bits or more of the offset.
static uint64_t pattern_word(uint64_t index) {
    uint64_t word = (index + 1) * 0x9e3779b97f4a7c15;
    return word ^ word >> 32;
}

uint8_t pattern_byte(uint64_t offset) {
    return uint8_t(pattern_word(offset / 8) >> offset % 8 * 8);
}

void fill_pattern(uint64_t offset, std::span<uint8_t> into) {
    size_t i = 0;
    for (; i < into.size() && (offset + i) % 8; ++i)
        into[i] = pattern_byte(offset + i);
    for (; i + 8 <= into.size(); i += 8) {
        uint64_t word = pattern_word((offset + i) / 8);
        std::memcpy(&into[i], &word, 8);
    }
    for (; i < into.size(); ++i)
        into[i] = pattern_byte(offset + i);
}

uint64_t pattern_mismatches(uint64_t offset, ByteView bytes) {
    uint64_t mismatches = 0;
    size_t i = 0;
    for (; i < bytes.size() && (offset + i) % 8; ++i)
        mismatches += bytes[i] != pattern_byte(offset + i);
    for (; i + 8 <= bytes.size(); i += 8) {
        uint64_t word;
        std::memcpy(&word, &bytes[i], 8);
        word ^= pattern_word((offset + i) / 8);
        for (; word; word >>= 8)
            mismatches += (word & 0xff) != 0;
    }
    for (; i < bytes.size(); ++i)
        mismatches += bytes[i] != pattern_byte(offset + i);
    return mismatches;
}

} // namespace vmodem
