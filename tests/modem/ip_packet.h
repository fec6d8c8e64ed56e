// SPDX-License-Identifier: GPL-2.0
// IPv4 and IPv6 headers: taking packets apart and putting them together.
#pragma once

#include "bytes.h"

#include <array>
#include <optional>

namespace vmodem::ip {

enum class Protocol : uint8_t { icmp = 1, tcp = 6, udp = 17, icmpv6 = 58 };

// An IPv4 address is in the first four bytes, the rest 0.
struct Address {
    std::array<uint8_t, 16> bytes{};
    bool operator==(const Address &) const = default;
};

Address ipv4_address(uint32_t host_order);

// Between whom a packet travels, as the peer sees it.
struct Path {
    bool v6 = false;
    Address local, remote;
    bool operator==(const Path &) const = default;

    size_t header_size() const { return v6 ? 40 : 20; }
    ByteView address_bytes(const Address &address) const {
        return ByteView(address.bytes).first(v6 ? 16 : 4);
    }
    // One that a unicast packet may come from or go to.
    bool unicast(const Address &address) const;
};

struct Fragment {
    uint32_t id;
    uint16_t offset; // bytes
    bool more;
};

// A packet from the host.
struct Packet {
    Path path; // to the last destination, where the packet names some on the way
    uint8_t protocol;
    uint8_t hop_limit;
    ByteView payload; // after all IP headers; of a fragment: what it carries
    std::optional<Fragment> fragment;
};

// None if the packet is not one that a router would forward: version, lengths, IPv4 header
// checksum. The length in the header must be that of the packet.
std::optional<Packet> parse(ByteView bytes);
// Steps over hop-by-hop, routing and destination options headers, up to a fragment header or the
// upper protocol. False if they are cut short.
bool skip_extension_headers(Packet &packet);
// Whether the payload's own checksum, over the pseudo header where the protocol has one, is right.
bool payload_checksum_right(const Packet &packet);

// A packet for the host with its IP header, and zeros for a payload.
Bytes make_packet(const Path &path, Protocol protocol, size_t payload, uint8_t hop_limit = 64);
std::span<uint8_t> payload_of(Bytes &packet);
// Puts the payload's checksum at that offset of the payload, where it is 0 now.
void fill_payload_checksum(Bytes &packet, size_t checksum_offset);
void fill_header_checksum(Bytes &ipv4_packet);

} // namespace vmodem::ip
