// SPDX-License-Identifier: GPL-2.0
// MAP frames on the wire (QMAP v1 and v5), network byte order.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vmodem::wire {

constexpr size_t map_header_size = 4; // flags and pad, mux id, length
constexpr uint8_t map_command = 0x80;
constexpr uint8_t map_next_header = 0x40; // v5; v1 has it reserved
constexpr uint8_t map_pad_mask = 0x3f;

constexpr size_t checksum_header_size = 4;       // v5
constexpr uint8_t checksum_header_type = 2 << 1; // bit 0: one more header follows
constexpr uint8_t checksum_flag = 0x80;          // DL: is valid. UL: is wanted

constexpr size_t command_header_size = 8; // name, type, reserved, transaction
constexpr size_t flow_command_size = 16;
constexpr uint8_t command_type_mask = 0x03;

} // namespace vmodem::wire
