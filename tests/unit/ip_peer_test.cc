// SPDX-License-Identifier: GPL-2.0
// Everything of the IP peer but DHCP and TCP.
#include "ip_host.h"
#include "ip_reassembly.h"
#include "pattern.h"
#include "tcp_segment.h"

#include <random>

using namespace vmodem;
using namespace vmodem::ip;
using namespace std::chrono_literals;

static Bytes echo_request(bool v6, size_t size) {
    Bytes message(8 + size);
    message[0] = v6 ? 128 : 8;
    store32(&message[4], 0x12340001);
    fill_pattern(0, std::span(message).subspan(8));
    return message;
}

TEST(IpPeer, AnswersPing) {
    for (bool v6 : {false, true}) {
        Host host;
        Bytes request = echo_request(v6, 56);
        host.send(Host::icmp(Host::path(v6), request));
        Bytes reply = host.take();
        auto packet = parse(reply);
        ASSERT_TRUE(packet);
        EXPECT_EQ(packet->path.local, Host::path(v6).local);
        EXPECT_EQ(packet->path.remote, Host::path(v6).remote);
        EXPECT_EQ(packet->payload[0], v6 ? 129 : 0);
        EXPECT_TRUE(std::equal(request.begin() + 4, request.end(), packet->payload.begin() + 4,
                               packet->payload.end()));
        EXPECT_EQ(host.peer.statistics().echo_replies, 1u);
    }
}

TEST(IpPeer, AnswersNoOtherIcmp) {
    Host host;
    for (unsigned type = 0; type < 256; ++type) {
        Bytes message(8);
        message[0] = uint8_t(type);
        if (type != 8)
            host.send(Host::icmp(Host::path(false), message));
        if (type != 128)
            host.send(Host::icmp(Host::path(true), message));
    }
    EXPECT_TRUE(host.out.empty());
    EXPECT_EQ(host.peer.statistics().bad_packets, 0u);
}

TEST(IpPeer, DropsAndCountsWrongChecksums) {
    for (bool v6 : {false, true}) {
        Host host;
        for (Bytes packet : {Host::icmp(Host::path(v6), echo_request(v6, 8)),
                             Host::udp(Host::path(v6), 1000, 7, Bytes(8))}) {
            packet.back() ^= 1;
            host.send(packet);
        }
        EXPECT_TRUE(host.out.empty());
        EXPECT_EQ(host.peer.statistics().bad_packets, 2u);
    }
}

TEST(IpPeer, UdpWithoutChecksumIsForIpv4Only) {
    for (bool v6 : {false, true}) {
        Host host;
        Bytes packet = Host::udp(Host::path(v6), 1000, 7, Bytes(8));
        store16(&payload_of(packet)[6], 0);
        host.send(packet);
        EXPECT_EQ(host.out.size(), v6 ? 0u : 1u);
    }
}

TEST(IpPeer, FragmentsGoInAndOut) {
    for (bool v6 : {false, true}) {
        Host host;
        // The peer's own fragments, sent back to it, are what a host would send.
        IpPeer::Options small;
        small.addressing.mtu = 1280;
        Host fragmenter(small);
        Bytes request = echo_request(v6, 9000);
        Path swapped{v6, Host::path(v6).remote, Host::path(v6).local};
        request[0] = v6 ? 128 : 8;
        Bytes whole = Host::icmp(swapped, request);
        fragmenter.send(whole);
        ASSERT_GT(fragmenter.out.size(), 7u);
        Reassembly reassembly;
        for (Bytes &fragment : fragmenter.out) {
            EXPECT_LE(fragment.size(), 1280u);
            auto packet = parse(fragment);
            ASSERT_TRUE(packet && packet->fragment);
            auto result = reassembly.add(*packet, host.now);
            if (&fragment != &fragmenter.out.back()) {
                EXPECT_EQ(result, Reassembly::Result::incomplete);
                continue;
            }
            ASSERT_EQ(result, Reassembly::Result::complete);
            EXPECT_TRUE(payload_checksum_right(*packet));
            EXPECT_EQ(pattern_mismatches(0, packet->payload.subspan(8)), 0u);
        }
        // A UDP echo of 4000 bytes in three fragments of the host's.
        Bytes datagram = Host::udp(Host::path(v6), 1000, 7, Bytes(4000, 0x5a));
        std::span<uint8_t> payload = payload_of(datagram);
        for (size_t offset : {1400u, 0u, 2800u}) {
            size_t length = std::min<size_t>(1400, payload.size() - offset);
            bool more = offset < 2800;
            Bytes fragment = make_packet(Host::path(v6), Protocol::udp, length + (v6 ? 8 : 0));
            uint8_t *p = payload_of(fragment).data();
            if (v6) {
                fragment[6] = 44;
                p[0] = 17;
                store16(p + 2, uint32_t(offset | more));
                p += 8;
            } else {
                store16(&fragment[6], uint32_t(offset / 8 | (more ? 0x2000 : 0)));
                fill_header_checksum(fragment);
            }
            std::copy_n(&payload[offset], length, p);
            host.send(fragment);
        }
        EXPECT_EQ(host.out.size(), 3u);
        EXPECT_EQ(host.peer.statistics().bad_packets, 0u);
    }
}

TEST(IpPeer, UdpEchoAndSink) {
    for (bool v6 : {false, true}) {
        Host host;
        host.send(Host::udp(Host::path(v6), 1000, 7, Host::text("hello")));
        Bytes reply = host.take();
        auto packet = parse(reply);
        ASSERT_TRUE(packet);
        EXPECT_EQ(load16(&packet->payload[0]), 7);
        EXPECT_EQ(load16(&packet->payload[2]), 1000);
        EXPECT_EQ(std::string(packet->payload.begin() + 8, packet->payload.end()), "hello");
        host.send(Host::udp(Host::path(v6), 1000, 9, Bytes(123)));
        host.send(Host::udp(Host::path(v6), 1000, 12345, Bytes(123)));
        EXPECT_TRUE(host.out.empty());
        EXPECT_EQ(host.peer.statistics().udp_sunk_packets, 1u);
        EXPECT_EQ(host.peer.statistics().udp_sunk_bytes, 123u);
    }
}

TEST(IpPeer, UdpSourceKeepsItsPace) {
    Host host;
    host.send(Host::udp(Host::path(true), 1000, 19, Host::text("100 200 1000\n")));
    host.run_for(50ms - 100us);
    EXPECT_EQ(host.out.size(), 50u);
    host.run_for(1s);
    ASSERT_EQ(host.out.size(), 100u);
    EXPECT_FALSE(host.peer.advance(host.now));
    for (uint64_t sequence = 0; sequence < 100; ++sequence) {
        Bytes bytes = host.take();
        auto packet = parse(bytes);
        ByteView payload = packet->payload.subspan(8);
        ASSERT_EQ(payload.size(), 200u);
        EXPECT_EQ(load32(&payload[4]), sequence);
        EXPECT_EQ(pattern_mismatches(sequence * 200 + 8, payload.subspan(8)), 0u);
    }
}

TEST(IpPeer, UdpStartsAFlowOfTcpSegments) {
    Host host;
    host.send(Host::udp(Host::path(false), 1000, 20, Host::text("3 1460 0")));
    host.peer.advance(host.now);
    ASSERT_EQ(host.out.size(), 3u);
    for (uint64_t i = 0; i < 3; ++i) {
        Bytes bytes = host.take();
        auto packet = parse(bytes);
        auto segment = parse_tcp(packet->payload);
        ASSERT_TRUE(segment);
        EXPECT_EQ(segment->remote_port, 20); // as the host sees it
        EXPECT_EQ(segment->local_port, 1000);
        EXPECT_EQ(segment->sequence, i * 1460);
        EXPECT_EQ(segment->flags, ack);
        ASSERT_EQ(segment->payload.size(), 1460u);
        EXPECT_EQ(pattern_mismatches(i * 1460, segment->payload), 0u);
    }
}

TEST(IpPeer, UdpSourceWaitsForRoom) {
    Host host;
    host.peer.set_room([&] { return host.out.size() < 10 ? 10 - host.out.size() : 0; });
    host.send(Host::udp(Host::path(false), 1000, 19, Host::text("25 8 0")));
    EXPECT_TRUE(host.peer.advance(host.now));
    EXPECT_EQ(host.out.size(), 10u);
    host.out.clear();
    host.peer.advance(host.now);
    EXPECT_EQ(host.out.size(), 10u);
    host.out.clear();
    EXPECT_FALSE(host.peer.advance(host.now));
    EXPECT_EQ(host.out.size(), 5u);
}

TEST(IpPeer, UdpSourceRefusesNonsense) {
    Host host;
    for (const char *text : {"", "1", "1 2", "1 8", "x 8 0", "1 7 0", "1 65508 0", "-1 8 0",
                             "1 8 0 5", "99999999999999999999 8 0", "1 8 2000000"})
        host.send(Host::udp(Host::path(false), 1000, 19, Host::text(text)));
    EXPECT_FALSE(host.peer.advance(host.now));
    EXPECT_TRUE(host.out.empty());
}

static const Address all_nodes = ipv6_address(0xff02, 1), all_routers = ipv6_address(0xff02, 2);

static void expect_advertisement(const Bytes &bytes, const Address &to) {
    auto packet = parse(bytes);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->hop_limit, 255);
    EXPECT_EQ(packet->path.remote, ipv6_address(0xfe80, 1));
    EXPECT_EQ(packet->path.local, to);
    ByteView p = packet->payload;
    ASSERT_EQ(p.size(), 16u + 32 + 8 + 40);
    EXPECT_EQ(p[0], 134);
    EXPECT_GT(load16(&p[6]), 0);
    EXPECT_EQ(p[16], 3); // prefix
    EXPECT_EQ(p[18], 64);
    EXPECT_EQ(p[19] & 0x40, 0x40);
    EXPECT_EQ(load16(&p[32]), 0x2001);
    EXPECT_EQ(p[47], 0);
    EXPECT_EQ(p[48], 5); // MTU
    EXPECT_EQ(load32(&p[52]), 1500u);
    EXPECT_EQ(p[56], 25); // RDNSS
    EXPECT_EQ(p[57], 5);
    EXPECT_EQ(p[79], 1);
    EXPECT_EQ(p[95], 3);
}

TEST(IpPeer, AdvertisesTheRouter) {
    Host host;
    host.peer.advertise();
    expect_advertisement(host.take(), all_nodes);
    Bytes solicitation(8);
    solicitation[0] = 133;
    host.send(Host::icmp({true, Address(), all_routers}, solicitation, 255));
    expect_advertisement(host.take(), all_nodes);
    Address link_local = ipv6_address(0xfe80, 77);
    host.send(Host::icmp({true, link_local, all_routers}, solicitation, 255));
    expect_advertisement(host.take(), link_local);
    host.send(Host::icmp({true, link_local, all_routers}, solicitation, 64)); // from afar
    solicitation.resize(16);                                                  // option of length 0
    host.send(Host::icmp({true, link_local, all_routers}, solicitation, 255));
    EXPECT_TRUE(host.out.empty());
    EXPECT_EQ(host.peer.statistics().router_advertisements, 3u);
}

TEST(IpPeer, AnswersNeighbourSolicitations) {
    Host host;
    Address link_local = ipv6_address(0xfe80, 77), gateway = ipv6_address(0x2001, 1);
    auto solicit = [&](const Address &from, const Address &target, bool ethernet) {
        Bytes message(ethernet ? 32 : 24);
        message[0] = 135;
        std::copy(target.bytes.begin(), target.bytes.end(), &message[8]);
        if (ethernet)
            message[24] = message[25] = 1;
        host.send(Host::icmp({true, from, ipv6_address(0xff02, 0x1234)}, message, 255));
    };
    solicit(link_local, gateway, false);
    Bytes bytes = host.take();
    auto packet = parse(bytes);
    EXPECT_EQ(packet->path.local, link_local);
    EXPECT_EQ(packet->payload[0], 136);
    EXPECT_EQ(packet->payload[4], 0xe0); // router, solicited, override
    EXPECT_EQ(packet->payload.size(), 24u);

    solicit(link_local, ipv6_address(0x2001, 0x55), true);
    bytes = host.take();
    packet = parse(bytes);
    EXPECT_EQ(packet->payload[4], 0x60);
    ASSERT_EQ(packet->payload.size(), 32u);
    EXPECT_EQ(packet->payload[24], 2);

    solicit(Address(), ipv6_address(0x2001, 2), false); // duplicate address detection
    EXPECT_TRUE(host.out.empty());
    solicit(Address(), gateway, false);
    bytes = host.take();
    EXPECT_EQ(parse(bytes)->path.local, all_nodes);
}

TEST(IpPeer, SpeaksOnlyTheFamiliesOfItsPdn) {
    IpPeer::Options options;
    options.ipv4 = false;
    Host host(options);
    host.send(Host::icmp(Host::path(false), echo_request(false, 8)));
    EXPECT_TRUE(host.out.empty());
    host.send(Host::icmp(Host::path(true), echo_request(true, 8)));
    EXPECT_EQ(host.out.size(), 1u);
}
