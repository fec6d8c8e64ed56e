// SPDX-License-Identifier: GPL-2.0
// The four messages of USB/IP's URB phase: 48 bytes each, big endian.
#pragma once

#include "bytes.h"

#include <array>
#include <optional>

namespace vmodem {

constexpr size_t usbip_header_size = 48;

struct UsbipSubmit {
    uint32_t sequence;
    bool in;
    uint8_t endpoint; // number
    uint32_t flags;   // URB_* of the host
    uint32_t length;  // of the buffer; OUT: as many bytes follow the header
    std::array<uint8_t, 8> setup;

    static constexpr uint32_t flag_zero_packet = 0x40;
};

struct UsbipUnlink {
    uint32_t sequence;
    uint32_t victim; // the sequence number of the URB
};

struct UsbipCommand {
    std::optional<UsbipSubmit> submit;
    std::optional<UsbipUnlink> unlink;
};

using UsbipHeader = std::array<uint8_t, usbip_header_size>;

// nullopt for a command that hosts don't send, or lengths and endpoints that can't be.
std::optional<UsbipCommand> parse_usbip_command(std::span<const uint8_t, usbip_header_size> bytes);

UsbipHeader usbip_ret_submit(uint32_t sequence, int status, uint32_t actual);
UsbipHeader usbip_ret_unlink(uint32_t sequence, int status);

} // namespace vmodem
