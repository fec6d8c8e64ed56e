// SPDX-License-Identifier: GPL-2.0
// The Internet checksum (RFC 1071), eight bytes at a time. Sums are in the machine's byte order,
// which the algorithm allows: only the finished checksum is stored, as it is.
#pragma once

#include "bytes.h"

namespace vmodem::ip {

// Pieces may be added in any order, but each must start at an even offset.
uint64_t add_to_sum(uint64_t sum, ByteView bytes);
// The complement of the folded sum: 0 over a packet whose checksum is right.
uint16_t finish_sum(uint64_t sum);
void store_checksum(uint8_t *p, uint16_t checksum);

} // namespace vmodem::ip
