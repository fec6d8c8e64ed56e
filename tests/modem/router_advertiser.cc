// SPDX-License-Identifier: GPL-2.0
#include "router_advertiser.h"
#include "ip_wire.h"

#include <algorithm>

namespace vmodem::ip {

static constexpr uint8_t router_advertisement = 134, neighbour_advertisement = 136;
static constexpr uint8_t source_link_address = 1, target_link_address = 2, prefix_information = 3,
                         mtu_option = 5, rdnss_option = 25;
static constexpr uint32_t lifetime = 7200, router_lifetime = 1800; // seconds
static constexpr size_t checksum_offset = 2;
static constexpr Address all_nodes{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
// Goes into advertisements only where the host has a link address, i.e. on Ethernet.
static constexpr std::array<uint8_t, 6> link_address{0x02, 0x50, 0xf3, 0, 0, 0};

RouterAdvertiser::RouterAdvertiser(const PdnAddressing &addressing, Output &output)
    : addressing_(addressing), output_(output) {
    link_local_.bytes = {0xfe, 0x80};
    std::copy_n(&addressing.ipv6_gateway[8], 8, &link_local_.bytes[8]);
}

// Options of a solicitation; none if they are malformed.
struct SolicitationOptions {
    bool link_address = false;
};

static std::optional<SolicitationOptions> parse_options(ByteView bytes) {
    SolicitationOptions options;
    while (!bytes.empty()) {
        if (bytes.size() < 2 || bytes[1] == 0 || bytes[1] * 8u > bytes.size())
            return std::nullopt;
        options.link_address |= bytes[0] == source_link_address;
        bytes = bytes.subspan(bytes[1] * 8u);
    }
    return options;
}

static uint8_t *put_link_address(uint8_t *p, uint8_t type) {
    p[0] = type;
    p[1] = 1;
    return std::copy(link_address.begin(), link_address.end(), p + 2);
}

void RouterAdvertiser::advertise() {
    advertise_to(all_nodes, false);
}

void RouterAdvertiser::advertise_to(const Address &destination, bool ethernet) {
    bool second_dns = addressing_.ipv6_dns2 != addressing_.ipv6_dns1;
    size_t rdnss = 8 + 16 * (second_dns ? 2u : 1u);
    Path path{true, link_local_, destination};
    Bytes packet =
        make_packet(path, Protocol::icmpv6, 16 + 32 + 8 + rdnss + (ethernet ? 8 : 0), 255);
    uint8_t *p = payload_of(packet).data();
    p[0] = router_advertisement;
    p[4] = 64; // hop limit for the host
    store16(p + 6, router_lifetime);
    p += 16;

    p[0] = prefix_information;
    p[1] = 4;
    p[2] = addressing_.ipv6_prefix_length;
    p[3] = 0x40; // autonomous, but not on-link: each host of a PDN has the link for itself
    store32(p + 4, lifetime);
    store32(p + 8, lifetime);
    for (size_t bit = 0; bit < std::min<size_t>(addressing_.ipv6_prefix_length, 128); ++bit)
        p[16 + bit / 8] |= uint8_t(addressing_.ipv6_host[bit / 8] & 0x80 >> bit % 8);
    p += 32;

    p[0] = mtu_option;
    p[1] = 1;
    store32(p + 4, addressing_.mtu);
    p += 8;

    p[0] = rdnss_option;
    p[1] = uint8_t(rdnss / 8);
    store32(p + 4, lifetime);
    p = std::copy(addressing_.ipv6_dns1.begin(), addressing_.ipv6_dns1.end(), p + 8);
    if (second_dns)
        p = std::copy(addressing_.ipv6_dns2.begin(), addressing_.ipv6_dns2.end(), p);

    if (ethernet)
        put_link_address(p, source_link_address);
    output_.send(std::move(packet), checksum_offset);
}

bool RouterAdvertiser::receive_router_solicitation(const Packet &packet) {
    if (packet.hop_limit != 255 || packet.payload.size() < 8 || packet.payload[1] != 0)
        return false;
    auto options = parse_options(packet.payload.subspan(8));
    bool unspecified = packet.path.remote == Address();
    if (!options || (unspecified && options->link_address))
        return false;
    advertise_to(unspecified ? all_nodes : packet.path.remote, options->link_address);
    return true;
}

bool RouterAdvertiser::receive_neighbour_solicitation(const Packet &packet) {
    if (packet.hop_limit != 255 || packet.payload.size() < 24 || packet.payload[1] != 0)
        return false;
    auto options = parse_options(packet.payload.subspan(24));
    Address target;
    std::copy_n(&packet.payload[8], 16, target.bytes.begin());
    bool detection = packet.path.remote == Address(); // of duplicate addresses
    bool router = target == link_local_ || target.bytes == addressing_.ipv6_gateway;
    if (!options || !packet.path.unicast(target) || (detection && options->link_address))
        return false;
    if (detection && !router)
        return false; // the address is the host's to take

    Path path{true, target, detection ? all_nodes : packet.path.remote};
    Bytes reply = make_packet(path, Protocol::icmpv6, 24 + (options->link_address ? 8 : 0), 255);
    std::span<uint8_t> payload = payload_of(reply);
    payload[0] = neighbour_advertisement;
    payload[4] = uint8_t((router ? 0x80 : 0) | (detection ? 0 : 0x40) | 0x20);
    std::copy(target.bytes.begin(), target.bytes.end(), &payload[8]);
    if (options->link_address)
        put_link_address(&payload[24], target_link_address);
    output_.send(std::move(reply), checksum_offset);
    return true;
}

} // namespace vmodem::ip
