// SPDX-License-Identifier: GPL-2.0
#include "ip_packet.h"
#include "ip_checksum.h"
#include "ip_wire.h"

#include <algorithm>

namespace vmodem::ip {

static constexpr uint8_t hop_by_hop = 0, routing = 43, fragment_header = 44,
                         destination_options = 60;

Address ipv4_address(uint32_t host_order) {
    Address address;
    store32(address.bytes.data(), host_order);
    return address;
}

bool Path::unicast(const Address &address) const {
    if (v6)
        return address.bytes[0] != 0xff && address != Address();
    return address.bytes[0] != 0 && address.bytes[0] != 127 && address.bytes[0] < 224;
}

// As follow_route().
static void follow_source_route(Packet &packet, ByteView options) {
    constexpr uint8_t end = 0, no_operation = 1, loose = 131, strict = 137;
    while (!options.empty() && options[0] != end) {
        size_t length = options[0] == no_operation ? 1 : options.size() > 1 ? options[1] : 0;
        if (length == 0 || length > options.size())
            return;
        // The third byte, counted from 1, is where the rest of the route begins.
        if ((options[0] == loose || options[0] == strict) && length >= 7 && options[2] <= length)
            std::copy_n(&options[length - 4], 4, packet.path.local.bytes.begin());
        options = options.subspan(length);
    }
}

static std::optional<Packet> parse_v4(ByteView bytes) {
    if (bytes.size() < 20)
        return std::nullopt;
    size_t header = (bytes[0] & 15) * 4u;
    if (header < 20 || header > bytes.size() || load16(&bytes[2]) != bytes.size() ||
        finish_sum(add_to_sum(0, bytes.first(header))) != 0 || bytes[8] == 0)
        return std::nullopt;
    Packet packet{};
    std::copy_n(&bytes[12], 4, packet.path.remote.bytes.begin());
    std::copy_n(&bytes[16], 4, packet.path.local.bytes.begin());
    packet.hop_limit = bytes[8];
    packet.protocol = bytes[9];
    packet.payload = bytes.subspan(header);
    follow_source_route(packet, bytes.subspan(20, header - 20));
    uint16_t fragment = load16(&bytes[6]);
    if (fragment & 0x3fff)
        packet.fragment = Fragment{load16(&bytes[4]), uint16_t((fragment & 0x1fff) * 8),
                                   (fragment & 0x2000) != 0};
    return packet;
}

// Whoever is named on the way is this peer too, so it is at the last destination at once: that of a
// route through home addresses (RFC 6275), the only one that hosts still send.
static void follow_route(Packet &packet, ByteView header) {
    constexpr uint8_t through_home_address = 2;
    if (header[2] == through_home_address && header[3] == 1 && header.size() == 24)
        std::copy_n(&header[8], 16, packet.path.local.bytes.begin());
}

bool skip_extension_headers(Packet &packet) {
    uint8_t &protocol = packet.protocol;
    ByteView &payload = packet.payload;
    while (protocol == hop_by_hop || protocol == routing || protocol == destination_options) {
        if (payload.size() < 8)
            return false;
        size_t length = (payload[1] + 1u) * 8;
        if (length > payload.size())
            return false;
        if (protocol == routing)
            follow_route(packet, payload.first(length));
        protocol = payload[0];
        payload = payload.subspan(length);
    }
    return true;
}

static std::optional<Packet> parse_v6(ByteView bytes) {
    if (bytes.size() < 40 || load16(&bytes[4]) != bytes.size() - 40 || bytes[7] == 0)
        return std::nullopt;
    Packet packet{};
    packet.path.v6 = true;
    std::copy_n(&bytes[8], 16, packet.path.remote.bytes.begin());
    std::copy_n(&bytes[24], 16, packet.path.local.bytes.begin());
    packet.hop_limit = bytes[7];
    packet.protocol = bytes[6];
    packet.payload = bytes.subspan(40);
    if (!skip_extension_headers(packet))
        return std::nullopt;
    if (packet.protocol != fragment_header)
        return packet;

    if (packet.payload.size() < 8)
        return std::nullopt;
    uint16_t offset = load16(&packet.payload[2]);
    packet.protocol = packet.payload[0];
    packet.fragment =
        Fragment{load32(&packet.payload[4]), uint16_t(offset & 0xfff8), (offset & 1) != 0};
    packet.payload = packet.payload.subspan(8);
    if (packet.fragment->offset == 0 && !packet.fragment->more) {
        packet.fragment.reset(); // an 'atomic' fragment is a whole datagram
        if (!skip_extension_headers(packet))
            return std::nullopt;
    }
    return packet;
}

std::optional<Packet> parse(ByteView bytes) {
    if (bytes.empty())
        return std::nullopt;
    switch (bytes[0] >> 4) {
    case 4:
        return parse_v4(bytes);
    case 6:
        return parse_v6(bytes);
    default:
        return std::nullopt;
    }
}

// IPv4 and IPv6 pseudo headers sum to the same form: the zero words do not count.
static uint64_t payload_sum(ByteView addresses, uint8_t protocol, ByteView payload) {
    uint64_t sum = add_to_sum(0, payload);
    if (Protocol(protocol) == Protocol::icmp)
        return sum;
    const uint8_t rest[] = {0, protocol, uint8_t(payload.size() >> 8), uint8_t(payload.size())};
    return add_to_sum(add_to_sum(sum, addresses), rest);
}

bool payload_checksum_right(const Packet &packet) {
    std::array<uint8_t, 32> addresses;
    ByteView local = packet.path.address_bytes(packet.path.local);
    ByteView remote = packet.path.address_bytes(packet.path.remote);
    std::copy(remote.begin(), remote.end(), addresses.begin());
    std::copy(local.begin(), local.end(), addresses.begin() + remote.size());
    return finish_sum(payload_sum(ByteView(addresses).first(2 * local.size()), packet.protocol,
                                  packet.payload)) == 0;
}

Bytes make_packet(const Path &path, Protocol protocol, size_t payload, uint8_t hop_limit) {
    Bytes packet(path.header_size() + payload);
    if (path.v6) {
        packet[0] = 0x60;
        store16(&packet[4], uint32_t(payload));
        packet[6] = uint8_t(protocol);
        packet[7] = hop_limit;
        std::copy_n(path.local.bytes.begin(), 16, &packet[8]);
        std::copy_n(path.remote.bytes.begin(), 16, &packet[24]);
        return packet;
    }
    packet[0] = 0x45;
    store16(&packet[2], uint32_t(packet.size()));
    packet[8] = hop_limit;
    packet[9] = uint8_t(protocol);
    std::copy_n(path.local.bytes.begin(), 4, &packet[12]);
    std::copy_n(path.remote.bytes.begin(), 4, &packet[16]);
    return packet;
}

std::span<uint8_t> payload_of(Bytes &packet) {
    return std::span(packet).subspan(packet[0] >> 4 == 6 ? 40 : 20);
}

void fill_payload_checksum(Bytes &packet, size_t checksum_offset) {
    bool v6 = packet[0] >> 4 == 6;
    uint8_t protocol = packet[v6 ? 6 : 9];
    ByteView addresses = v6 ? ByteView(packet).subspan(8, 32) : ByteView(packet).subspan(12, 8);
    std::span<uint8_t> payload = payload_of(packet);
    uint16_t checksum = finish_sum(payload_sum(addresses, protocol, payload));
    if (checksum == 0 && Protocol(protocol) == Protocol::udp)
        checksum = 0xffff; // 0 says that there is none
    store_checksum(&payload[checksum_offset], checksum);
}

void fill_header_checksum(Bytes &packet) {
    store16(&packet[10], 0);
    store_checksum(&packet[10],
                   finish_sum(add_to_sum(0, ByteView(packet).first((packet[0] & 15) * 4u))));
}

} // namespace vmodem::ip
