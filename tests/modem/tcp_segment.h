// SPDX-License-Identifier: GPL-2.0
// TCP headers.
#pragma once

#include "ip_output.h"

#include <optional>

namespace vmodem::ip {

enum TcpFlag : uint8_t { fin = 1, syn = 2, rst = 4, psh = 8, ack = 16 };

struct TcpSegment {
    uint16_t local_port, remote_port;
    uint32_t sequence, acknowledgement;
    uint8_t flags;
    uint16_t window;
    std::optional<uint16_t> mss;
    std::optional<uint8_t> window_scale;
    ByteView payload;

    uint32_t length() const {
        return uint32_t(payload.size()) + ((flags & syn) != 0) + ((flags & fin) != 0);
    }
};

// Options that are malformed end the list; a header that is, the segment.
std::optional<TcpSegment> parse_tcp(ByteView bytes);

// A segment for the host. Its payload, of payload_size bytes, is put in by fill.
struct TcpHeader {
    uint16_t local_port, remote_port;
    uint32_t sequence, acknowledgement;
    uint8_t flags;
    uint16_t window;
    std::optional<uint16_t> mss;
    std::optional<uint8_t> window_scale;
};

// The packet with IP and TCP header; payload_size zeros at its end.
Bytes make_tcp(const Path &path, const TcpHeader &header, size_t payload_size);
inline constexpr size_t tcp_checksum_offset = 16;

} // namespace vmodem::ip
