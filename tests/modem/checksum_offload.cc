// SPDX-License-Identifier: GPL-2.0
#include "checksum_offload.h"

namespace vmodem {

namespace {

constexpr uint8_t protocol_tcp = 6, protocol_udp = 17;
constexpr size_t ipv4_header = 20, ipv6_header = 40;

uint16_t u16(ByteView bytes, size_t at) {
    return bytes[at] << 8 | bytes[at + 1];
}

uint32_t sum(ByteView bytes, uint32_t start) {
    uint64_t total = start;
    for (size_t i = 0; i + 1 < bytes.size(); i += 2)
        total += u16(bytes, i);
    if (bytes.size() % 2)
        total += bytes.back() << 8;
    while (total >> 16)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

} // namespace

size_t ip_total_length(ByteView packet) {
    if (packet.size() >= ipv4_header && packet[0] >> 4 == 4)
        return u16(packet, 2);
    if (packet.size() >= ipv6_header && packet[0] >> 4 == 6)
        return ipv6_header + u16(packet, 4);
    return 0;
}

bool fill_transport_checksum(std::span<uint8_t> packet) {
    if (packet.empty() || ip_total_length(packet) != packet.size())
        return false;
    bool v4 = packet[0] >> 4 == 4;
    size_t header = v4 ? (packet[0] & 0x0f) * 4 : ipv6_header;
    uint8_t protocol = packet[v4 ? 9 : 6];
    bool fragment = v4 && (u16(packet, 6) & 0x3fff);
    size_t field = protocol == protocol_tcp ? 16 : 6, minimum = protocol == protocol_tcp ? 20 : 8;
    if ((protocol != protocol_tcp && protocol != protocol_udp) || fragment ||
        header < ipv4_header || packet.size() < header + minimum)
        return false;

    auto segment = packet.subspan(header);
    segment[field] = segment[field + 1] = 0;
    ByteView addresses = v4 ? packet.subspan(12, 8) : packet.subspan(8, 32);
    uint16_t checksum = ~sum(segment, sum(addresses, protocol + segment.size()));
    if (!checksum && protocol == protocol_udp)
        checksum = 0xffff; // 0 means that there is none
    segment[field] = checksum >> 8;
    segment[field + 1] = checksum & 0xff;
    return true;
}

} // namespace vmodem
