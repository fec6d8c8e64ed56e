// SPDX-License-Identifier: GPL-2.0
#include "usbip_header.h"

#include <algorithm>

namespace vmodem {

namespace {

enum Command : uint32_t { cmd_submit = 1, cmd_unlink = 2, ret_submit = 3, ret_unlink = 4 };

// Offsets of the 32-bit words.
constexpr size_t at_command = 0, at_sequence = 4, at_direction = 12, at_endpoint = 16;
constexpr size_t at_flags = 20, at_length = 24, at_packets = 32, at_setup = 40;
constexpr size_t at_status = 20, at_actual = 24, at_victim = 20;

// More than any driver puts in a URB; bounds what a broken host can make this side buffer.
constexpr uint32_t max_length = 4 << 20;

uint32_t get(std::span<const uint8_t, usbip_header_size> bytes, size_t at) {
    return uint32_t(bytes[at]) << 24 | bytes[at + 1] << 16 | bytes[at + 2] << 8 | bytes[at + 3];
}

void put(UsbipHeader &bytes, size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; i++)
        bytes[at + i] = value >> (24 - 8 * i);
}

UsbipHeader reply(Command command, uint32_t sequence, int status) {
    UsbipHeader bytes{};
    put(bytes, at_command, command);
    put(bytes, at_sequence, sequence);
    put(bytes, at_status, status);
    return bytes;
}

} // namespace

std::optional<UsbipCommand> parse_usbip_command(std::span<const uint8_t, usbip_header_size> bytes) {
    uint32_t sequence = get(bytes, at_sequence);
    switch (get(bytes, at_command)) {
    case cmd_submit: {
        uint32_t direction = get(bytes, at_direction), endpoint = get(bytes, at_endpoint);
        uint32_t packets = get(bytes, at_packets);
        UsbipSubmit s{sequence,
                      direction == 1,
                      uint8_t(endpoint),
                      get(bytes, at_flags),
                      get(bytes, at_length),
                      {}};
        // Isochronous URBs carry packet descriptors; this device has no use for any.
        bool isochronous = packets != 0 && packets != 0xffffffff;
        if (direction > 1 || endpoint > 15 || s.length > max_length || isochronous)
            return std::nullopt;
        std::ranges::copy(bytes.subspan<at_setup, 8>(), s.setup.begin());
        return UsbipCommand{s, {}};
    }
    case cmd_unlink:
        return UsbipCommand{{}, UsbipUnlink{sequence, get(bytes, at_victim)}};
    default:
        return std::nullopt;
    }
}

UsbipHeader usbip_ret_submit(uint32_t sequence, int status, uint32_t actual) {
    UsbipHeader bytes = reply(ret_submit, sequence, status);
    put(bytes, at_actual, actual);
    return bytes;
}

UsbipHeader usbip_ret_unlink(uint32_t sequence, int status) {
    return reply(ret_unlink, sequence, status);
}

} // namespace vmodem
