// SPDX-License-Identifier: GPL-2.0
#include "ip_checksum.h"

#include <cstring>

namespace vmodem::ip {

static uint64_t add_with_carry(uint64_t sum, uint64_t word) {
    sum += word;
    return sum + (sum < word);
}

uint64_t add_to_sum(uint64_t sum, ByteView bytes) {
    const uint8_t *p = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; left -= 8, p += 8) {
        uint64_t word;
        std::memcpy(&word, p, 8);
        sum = add_with_carry(sum, word);
    }
    uint64_t tail = 0;
    if (left)
        std::memcpy(&tail, p, left);
    return add_with_carry(sum, tail);
}

uint16_t finish_sum(uint64_t sum) {
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16 & 0xffff) + (sum >> 32) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return uint16_t(~sum);
}

void store_checksum(uint8_t *p, uint16_t checksum) {
    std::memcpy(p, &checksum, 2);
}

} // namespace vmodem::ip
