// SPDX-License-Identifier: GPL-2.0
#include "packets.h"

#include "../modem/file_descriptor.h"
#include "../modem/ip_wire.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

namespace guest {

namespace {

using namespace vmodem::ip;

constexpr size_t ipv4_size = 20, ipv6_size = 40, udp_size = 8, fragment_size = 8;

// virtio_net_hdr; linux/virtio_net.h is for C alone.
struct VirtioHeader {
    uint8_t flags = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM
    uint8_t gso_type = 0;
    uint16_t hdr_len = 0, gso_size = 0, csum_start, csum_offset;
};

bool is_v6(const Bytes &packet) {
    return packet[0] >> 4 == 6;
}

// The length in the IP header, and what depends on it.
void finish(Bytes &packet) {
    if (is_v6(packet)) {
        store16(&packet[4], packet.size() - ipv6_size);
        return;
    }
    store16(&packet[2], packet.size());
    fill_header_checksum(packet);
}

} // namespace

Path path_from(const Pdn &pdn, bool v6) {
    const vmodem::PdnAddressing of = vmodem::addressing_of(pdn.number);
    if (v6)
        return {true, {of.ipv6_gateway}, {of.ipv6_host}};
    return {false, ipv4_address(of.ipv4_gateway), ipv4_address(of.ipv4_host)};
}

void set_traffic_class(Bytes &packet, uint8_t traffic_class) {
    if (is_v6(packet)) {
        packet[0] |= traffic_class >> 4;
        packet[1] |= traffic_class << 4;
    } else {
        packet[1] = traffic_class;
    }
}

Bytes udp_packet(const Path &path, ByteView payload, uint16_t port, uint8_t hop_limit) {
    Bytes packet = make_packet(path, Protocol::udp, udp_size + payload.size(), hop_limit);
    const auto datagram = payload_of(packet);
    store16(&datagram[0], 7);
    store16(&datagram[2], port);
    store16(&datagram[4], datagram.size());
    std::ranges::copy(payload, datagram.begin() + udp_size);
    fill_payload_checksum(packet, 6);
    return packet;
}

Bytes udp_packet(const Pdn &pdn, bool v6, ByteView payload, uint16_t port) {
    Bytes packet = udp_packet(path_from(pdn, v6), payload, port);
    if (!v6) {
        packet[6] = 0x40; // don't fragment: else GRO wants IDs that count up
        fill_header_checksum(packet);
    }
    return packet;
}

ExtensionHeader experimental_header(uint8_t type, size_t size) {
    constexpr uint8_t experimental = 0x1e; // RFC 4727; who does not know it skips it
    constexpr size_t option_header = 2, longest = option_header + 255;
    ExtensionHeader header{type, Bytes(size - 1)};
    header.bytes[0] = size / 8 - 1;
    for (size_t at = 1; at + option_header <= header.bytes.size();) {
        const size_t length = std::min(header.bytes.size() - at, longest);
        header.bytes[at] = experimental;
        header.bytes[at + 1] = length - option_header;
        at += length;
    }
    return header;
}

Bytes with_extension_headers(const Bytes &packet, const std::vector<ExtensionHeader> &headers) {
    Bytes result(packet.begin(), packet.begin() + ipv6_size);
    size_t next = 6; // where the type of the header to come is told
    for (const ExtensionHeader &header : headers) {
        result[next] = header.type;
        next = result.size();
        result.push_back(0);
        result.insert(result.end(), header.bytes.begin(), header.bytes.end());
    }
    result[next] = packet[6];
    result.insert(result.end(), packet.begin() + ipv6_size, packet.end());
    finish(result);
    return result;
}

Bytes with_options(const Bytes &packet, const Bytes &options) {
    Bytes result = packet;
    result.insert(result.begin() + ipv4_size, options.begin(), options.end());
    result[0] += options.size() / 4;
    finish(result);
    return result;
}

std::vector<Bytes> in_fragments(const Bytes &packet, size_t first) {
    const bool v6 = is_v6(packet);
    const size_t header = v6 ? ipv6_size : ipv4_size;
    std::vector<Bytes> fragments;
    for (const bool more : {true, false}) {
        const auto begin = packet.begin() + header + (more ? 0 : first);
        const uint16_t offset = more ? 0 : first;
        Bytes fragment(packet.begin(), packet.begin() + header);
        fragment.insert(fragment.end(), begin, more ? begin + first : packet.end());
        if (v6) {
            const Bytes numbers = {0, uint8_t(offset >> 8), uint8_t(offset | more), 0, 0, 0, 77};
            fragment = with_extension_headers(fragment, {{fragment_header, numbers}});
        } else {
            store16(&fragment[6], offset / 8 | (more ? 0x2000 : 0));
            finish(fragment);
        }
        fragments.push_back(std::move(fragment));
    }
    return fragments;
}

int send_raw(const std::string &netdev, const Bytes &payload,
             std::optional<LeftChecksum> checksum) {
    const vmodem::FileDescriptor fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const uint16_t type = !payload.empty() && is_v6(payload) ? ETH_P_IPV6 : ETH_P_IP;
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htobe16(type);
    to.sll_ifindex = int(if_nametoindex(netdev.c_str()));
    Bytes frame;
    if (checksum) {
        const int on = 1;
        if (setsockopt(fd.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)))
            return errno;
        const VirtioHeader header{.csum_start = checksum->start, .csum_offset = checksum->field};
        frame.resize(sizeof(header));
        std::memcpy(frame.data(), &header, sizeof(header));
    }
    for (const uint8_t byte : {2, 0x50, 0xf3, 0, 0, 0, 2, 0, 0, 0, 0, 1, type >> 8, type & 0xff})
        frame.push_back(byte);
    frame.insert(frame.end(), payload.begin(), payload.end());
    const ssize_t sent = sendto(fd.get(), frame.data(), frame.size(), 0,
                                reinterpret_cast<sockaddr *>(&to), sizeof(to));
    return sent < 0 ? errno : 0;
}

} // namespace guest
