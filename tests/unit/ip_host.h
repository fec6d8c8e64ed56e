// SPDX-License-Identifier: GPL-2.0
// A host in front of an IpPeer, for unit tests: builds its packets and collects the answers.
#pragma once

#include "ip_packet.h"
#include "ip_peer.h"
#include "ip_wire.h"

#include <gtest/gtest.h>

#include <deque>
#include <initializer_list>
#include <string_view>

namespace vmodem::ip {

inline Address ipv6_address(uint16_t first, uint16_t last) {
    Address address;
    store16(&address.bytes[0], first);
    store16(&address.bytes[14], last);
    return address;
}

class Host {
  public:
    static constexpr uint32_t address = 0x0a650002, gateway = 0x0a650001;

    explicit Host(IpPeer::Options changes = {})
        : peer(with_addresses(changes),
               [this](Bytes packet) { out.push_back(std::move(packet)); }) {}

    static IpPeer::Options with_addresses(IpPeer::Options options) {
        options.addressing.ipv4_host = address;
        options.addressing.ipv4_gateway = gateway;
        options.addressing.ipv4_netmask = 0xfffffffc;
        options.addressing.ipv4_dns1 = options.addressing.ipv4_dns2 = gateway;
        options.addressing.ipv6_host = ipv6_address(0x2001, 2).bytes;
        options.addressing.ipv6_gateway = ipv6_address(0x2001, 1).bytes;
        options.addressing.ipv6_dns1 = options.addressing.ipv6_gateway;
        options.addressing.ipv6_dns2 = ipv6_address(0x2001, 3).bytes;
        return options;
    }

    // From the host's own address to some place on the Internet. (For a packet of the host the
    // 'local' address is the host's.)
    static Path path(bool v6) {
        if (v6)
            return {true, ipv6_address(0x2001, 2), ipv6_address(0x2a00, 0x99)};
        return {false, ipv4_address(address), ipv4_address(0x08080808)};
    }

    static Bytes udp(const Path &path, uint16_t from, uint16_t to, ByteView payload) {
        Bytes packet = make_packet(path, Protocol::udp, 8 + payload.size());
        std::span<uint8_t> udp = payload_of(packet);
        store16(&udp[0], from);
        store16(&udp[2], to);
        store16(&udp[4], uint32_t(udp.size()));
        std::copy(payload.begin(), payload.end(), udp.begin() + 8);
        return finish(std::move(packet), 6);
    }
    static Bytes icmp(const Path &path, ByteView message, uint8_t hop_limit = 64) {
        Bytes packet = make_packet(path, path.v6 ? Protocol::icmpv6 : Protocol::icmp,
                                   message.size(), hop_limit);
        std::copy(message.begin(), message.end(), payload_of(packet).begin());
        return finish(std::move(packet), 2);
    }
    static Bytes finish(Bytes packet, size_t checksum_offset) {
        store16(&payload_of(packet)[checksum_offset], 0);
        fill_payload_checksum(packet, checksum_offset);
        if (packet[0] >> 4 == 4)
            fill_header_checksum(packet);
        return packet;
    }
    static Bytes text(std::string_view text) { return Bytes(text.begin(), text.end()); }

    void send(const Bytes &packet) { peer.receive(packet, now); }
    // The next packet from the peer, which must be a sound one.
    Bytes take() {
        if (out.empty()) {
            ADD_FAILURE() << "no packet from the peer";
            return {};
        }
        Bytes packet = std::move(out.front());
        out.pop_front();
        auto parsed = parse(packet);
        EXPECT_TRUE(parsed);
        EXPECT_TRUE(!parsed || parsed->fragment || payload_checksum_right(*parsed));
        return packet;
    }
    // All timers until then.
    void run_for(Clock::duration duration) {
        Clock::time_point end = now + duration;
        for (auto next = peer.advance(now); next && *next <= end; next = peer.advance(now))
            now = std::max(*next, now + std::chrono::microseconds(10));
        now = end;
        peer.advance(now);
    }

    Clock::time_point now{std::chrono::hours(1)};
    std::deque<Bytes> out;
    IpPeer peer;
};

} // namespace vmodem::ip
