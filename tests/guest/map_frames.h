// SPDX-License-Identifier: GPL-2.0
// MAP frames as a module would send them, and as it should not: each field can be told.
#pragma once

#include "../modem/bytes.h"
#include "../modem/profile.h"
#include "../modem/qmap_wire.h"

#include <initializer_list>
#include <vector>

namespace guest {

using vmodem::Bytes;
using vmodem::ByteView;
using vmodem::Qmap;
namespace wire = vmodem::wire;

inline Bytes join(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes &part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

inline Bytes repeat(const Bytes &part, size_t times) {
    Bytes all;
    while (times--)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

// flags: with the pad length in its low bits.
inline Bytes map_header(uint8_t flags, uint8_t mux_id, size_t length) {
    return {flags, mux_id, uint8_t(length >> 8), uint8_t(length)};
}

inline Bytes v5_header(uint8_t type = 2, bool next = false, uint8_t flags = wire::checksum_flag) {
    return {uint8_t(type << 1 | next), flags, 0, 0};
}

// A good frame; v5: minimum_padding bytes before the packet, whose checksum the module vouches for.
inline Bytes data_frame(Qmap version, uint8_t mux_id, const Bytes &packet,
                        size_t minimum_padding = 0, bool vouched = true) {
    const size_t length = minimum_padding + packet.size(), pad = -length & 3;
    const bool v5 = version == Qmap::v5;
    return join({map_header(pad | (v5 ? wire::map_next_header : 0), mux_id, length + pad),
                 v5 ? v5_header(2, false, vouched ? wire::checksum_flag : 0) : Bytes{},
                 Bytes(minimum_padding), packet, Bytes(pad)});
}

// A transfer of good frames, one for each packet.
inline Bytes data_frames(Qmap version, uint8_t mux_id, const std::vector<Bytes> &packets,
                         bool vouched = true) {
    Bytes transfer;
    for (const Bytes &packet : packets) {
        const Bytes frame = data_frame(version, mux_id, packet, 0, vouched);
        transfer.insert(transfer.end(), frame.begin(), frame.end());
    }
    return transfer;
}

// size: of the command, from its name on.
inline Bytes command_frame(uint8_t mux_id, uint8_t name, uint8_t type = 0,
                           uint32_t transaction = 0x01020304, size_t size = 16) {
    Bytes body{name,
               type,
               0,
               0,
               uint8_t(transaction >> 24),
               uint8_t(transaction >> 16),
               uint8_t(transaction >> 8),
               uint8_t(transaction)};
    body.resize(size);
    const size_t pad = -size & 3;
    return join({map_header(wire::map_command | pad, mux_id, size + pad), body, Bytes(pad)});
}

} // namespace guest
