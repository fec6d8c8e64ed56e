// SPDX-License-Identifier: GPL-2.0
// Byte buffers and the time base that every part of the virtual modem shares.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

namespace vmodem {

using Bytes = std::vector<uint8_t>;
using ByteView = std::span<const uint8_t>;
using Clock = std::chrono::steady_clock;

} // namespace vmodem
