// SPDX-License-Identifier: GPL-2.0
// Traffic from this machine to the network behind a PDN, each byte of it checked.
#pragma once

#include "host.h"

#include <cstdint>
#include <string>

namespace guest {

// A peer address ("10.101.0.1", "2001:db8:1::1") reached through that netdev and no other.
struct Target {
    std::string netdev;
    std::string address;
    // What else is set on its sockets, before they are connected.
    std::function<void(int socket)> prepare = {};
};

// Each returns an empty string, or what went wrong.
// From the peer's TCP source; compares each byte.
std::string tcp_download(const Target &target, uint64_t bytes,
                         std::chrono::milliseconds timeout = 10 * patience);
// To the peer's TCP sink, which compares each byte.
std::string tcp_upload(const Target &target, uint64_t bytes,
                       std::chrono::milliseconds timeout = 10 * patience);
// TCP segments that this machine has received before one that precedes them, since boot. None
// as long as nothing is lost or reordered on its way here; unlike retransmissions, which a slow
// machine causes too.
uint64_t segments_out_of_order();
// One datagram of that payload to the peer's UDP echo and back.
std::string udp_echo(const Target &target, size_t payload,
                     std::chrono::milliseconds timeout = patience);
// That many bytes, handed to the kernel at once to be sent as datagrams of 'segment' bytes
// (UDP_SEGMENT), to the peer's UDP echo and back.
std::string udp_echo_segmented(const Target &target, size_t bytes, uint16_t segment,
                               std::chrono::milliseconds timeout = patience);
// That many datagrams to the peer's UDP sink, as fast as they go; each begins with its number
// (8 bytes, big endian) if there is room.
std::string udp_flood(const Target &target, unsigned count, size_t payload);
// One ICMP echo with that payload.
std::string ping(const Target &target, size_t payload = 56,
                 std::chrono::milliseconds timeout = patience);

} // namespace guest
