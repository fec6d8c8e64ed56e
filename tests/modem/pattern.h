// SPDX-License-Identifier: GPL-2.0
// The checked byte stream (pattern_byte in ip_peer.h), a word at a time.
#pragma once

#include "bytes.h"

namespace vmodem {

// into[i] = pattern_byte(offset + i)
void fill_pattern(uint64_t offset, std::span<uint8_t> into);
// How many bytes[i] differ from pattern_byte(offset + i).
uint64_t pattern_mismatches(uint64_t offset, ByteView bytes);

} // namespace vmodem
