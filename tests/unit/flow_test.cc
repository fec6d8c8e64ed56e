// SPDX-License-Identifier: GPL-2.0
// Which packets the driver may put together, from the source that the module is built from.
#include "../../driver/flow.h"
#include "ip_packet.h"
#include "ip_wire.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>

namespace {

using vmodem::Bytes;

constexpr size_t ipv4 = 20, ipv6 = 40, tcp = 20, udp = 8;

// The length and the checksum of the IP header made right for what the packet is now.
Bytes &finish(Bytes &packet) {
    if (packet[0] >> 4 == 6) {
        vmodem::ip::store16(&packet[4], packet.size() - ipv6);
    } else {
        vmodem::ip::store16(&packet[2], packet.size());
        vmodem::ip::fill_header_checksum(packet);
    }
    return packet;
}

// Every byte of addresses, ports, window and options is another.
Bytes segment(unsigned version, size_t payload, size_t options = 12) {
    const size_t ip = version == 4 ? ipv4 : ipv6;
    Bytes packet(ip + tcp + options + payload);
    for (size_t at = 0; at < packet.size(); at++)
        packet[at] = at + 1;
    if (version == 4) {
        packet[0] = 0x45;
        packet[6] = 0x40; // don't fragment
        packet[7] = 0;
        packet[9] = 6;
    } else {
        packet[0] = 0x60;
        packet[6] = 6;
    }
    packet[ip + 12] = (tcp + options) / 4 << 4;
    packet[ip + 13] = 0x10; // ACK
    return finish(packet);
}

size_t ip_of(const Bytes &packet) {
    return packet[0] >> 4 == 4 ? ipv4 : ipv6;
}

// In a buffer of exactly its size, so that ASan sees a read past it.
template <typename Parsed>
bool parse(const Bytes &packet, Parsed &out, bool (*parser)(const uint8_t *, size_t, Parsed *)) {
    const std::unique_ptr<uint8_t[]> copy(new uint8_t[packet.size()]);
    std::copy(packet.begin(), packet.end(), copy.get());
    return parser(copy.get(), packet.size(), &out);
}

bool parse(const Bytes &packet, qmiq_tcp_segment &out) {
    return parse(packet, out, qmiq_tcp_parse);
}

bool accepted(const Bytes &packet) {
    qmiq_tcp_segment ignored;
    return parse(packet, ignored);
}

class TcpStream : public testing::TestWithParam<unsigned> {
  protected:
    Bytes packet = segment(GetParam(), 100);
    size_t ip = ip_of(packet);
};

TEST_P(TcpStream, SaysWhatASegmentIs) {
    for (size_t options : {0, 4, 12, 40}) {
        packet = segment(GetParam(), 100, options);
        const uint8_t sequence[] = {0x81, 2, 3, 4};
        std::memcpy(&packet[ip + 4], sequence, 4);
        qmiq_tcp_segment s;
        ASSERT_TRUE(parse(packet, s));
        EXPECT_EQ(s.headers, ip + tcp + options);
        EXPECT_EQ(s.payload, 100);
        EXPECT_EQ(s.ports, qmiq_ports(packet.data(), packet.size()));
        EXPECT_EQ(s.seq, 0x81020304u);
        EXPECT_EQ(s.id, GetParam() == 4 ? 0x0506 : 0);
        EXPECT_FALSE(s.push);
        packet[ip + 13] |= 8;
        ASSERT_TRUE(parse(packet, s));
        EXPECT_TRUE(s.push);
    }
    EXPECT_TRUE(accepted(segment(GetParam(), 1)));
    EXPECT_TRUE(accepted(segment(GetParam(), 9000)));
}

TEST_P(TcpStream, LeavesAllElseAlone) {
    EXPECT_FALSE(accepted(segment(GetParam(), 0)));
    for (unsigned flag : {0x01, 0x02, 0x04, 0x20, 0x40, 0x80}) { // FIN, SYN, RST, URG, ECE, CWR
        Bytes other = packet;
        other[ip + 13] |= flag;
        EXPECT_FALSE(accepted(other)) << flag;
    }
    Bytes other = packet;
    other[ip + 13] = 0; // no ACK
    EXPECT_FALSE(accepted(other));
    for (unsigned reserved : {1, 2, 4, 8}) {
        other = packet;
        other[ip + 12] |= reserved;
        EXPECT_FALSE(accepted(other)) << reserved;
    }
    for (unsigned words = 0; words < 5; words++) {
        other = packet;
        other[ip + 12] = words << 4;
        EXPECT_FALSE(accepted(other)) << words;
    }
    other = segment(GetParam(), 7); // the TCP header would end at the packet's end or behind it
    for (unsigned words : {10, 15}) {
        other[ip + 12] = words << 4;
        EXPECT_EQ(accepted(other), tcp + 12 + 7 > words * 4) << words;
    }
    for (int extra : {-1, 1}) { // than IP says
        other = packet;
        other.resize(packet.size() + extra);
        EXPECT_FALSE(accepted(other)) << extra;
    }
    for (size_t length = ip; length < packet.size(); length++) {
        other.assign(packet.begin(), packet.begin() + length);
        EXPECT_FALSE(accepted(other)) << length;
    }
}

TEST_P(TcpStream, PortsTellConnections) {
    const uint32_t ports = qmiq_ports(packet.data(), packet.size());
    EXPECT_NE(ports, 0u);
    for (size_t at = ip; at < ip + 4; at++) {
        Bytes other = packet;
        other[at] ^= 0x80;
        EXPECT_NE(qmiq_ports(other.data(), other.size()), ports) << at;
    }
    EXPECT_EQ(qmiq_ports(packet.data(), ip + udp - 1), 0u);
}

// Each bit of the headers in turn.
TEST_P(TcpStream, WhatMayDiffer) {
    const size_t headers = ip + tcp + 12;
    for (size_t bit = 8; bit < headers * 8; bit++) {
        const size_t at = bit / 8;
        Bytes other = packet;
        other[at] ^= 1 << bit % 8;
        const bool length = GetParam() == 4 ? at == 2 || at == 3 : at == 4 || at == 5;
        const bool id_or_checksum = GetParam() == 4 && (at == 4 || at == 5 || at == 10 || at == 11);
        const bool tcp_field = (at >= ip + 4 && at < ip + 8) || at == ip + 16 || at == ip + 17 ||
                               (at == ip + 13 && bit % 8 == 3);
        EXPECT_EQ(qmiq_tcp_same_headers(packet.data(), other.data(), headers),
                  length || id_or_checksum || tcp_field)
            << "byte " << at << ", bit " << bit % 8;
    }
}

INSTANTIATE_TEST_SUITE_P(Ip, TcpStream, testing::Values(4u, 6u),
                         [](const auto &info) { return "v" + std::to_string(info.param); });

TEST(TcpStreamIpv4, OptionsFragmentsAndWrongChecksumsStayAlone) {
    const Bytes packet = segment(4, 100);
    Bytes other = packet;
    other.insert(other.begin() + ipv4, 4, 1); // no-operation
    other[0] = 0x46;
    EXPECT_FALSE(accepted(finish(other)));
    EXPECT_EQ(qmiq_ports(other.data(), other.size()), 0u);

    for (unsigned bit = 0; bit < 16; bit++) {
        other = packet;
        other[6 + bit / 8] ^= 1 << bit % 8;
        const bool dont_fragment = bit == 6;
        EXPECT_EQ(accepted(finish(other)), dont_fragment) << bit;
        EXPECT_EQ(qmiq_ports(other.data(), other.size()) != 0, dont_fragment) << bit;
    }
    for (size_t bit = 0; bit < ipv4 * 8; bit++) {
        other = packet;
        other[bit / 8] ^= 1 << bit % 8;
        if (other[0] >> 4 == 4) {
            EXPECT_FALSE(accepted(other)) << bit;
        }
    }
    // Sums with every carry.
    std::mt19937 random(1);
    for (unsigned i = 0; i < 10000; i++) {
        other = packet;
        for (size_t at : {1, 4, 5, 8, 12, 13, 14, 15, 16, 17, 18, 19})
            other[at] = random() % 3 ? random() : random() % 2 ? 0xff : 0;
        EXPECT_TRUE(accepted(finish(other)));
    }
}

// ---- UDP

Bytes datagram(unsigned version, size_t payload) {
    const size_t ip = version == 4 ? ipv4 : ipv6;
    Bytes packet = segment(version, 0, 0);
    packet.resize(ip + udp + payload);
    packet[version == 4 ? 9 : 6] = 17;
    vmodem::ip::store16(&packet[ip + 4], udp + payload);
    return finish(packet);
}

bool parse(const Bytes &packet, qmiq_udp_datagram &out) {
    return parse(packet, out, qmiq_udp_parse);
}

bool is_datagram(const Bytes &packet) {
    qmiq_udp_datagram ignored;
    return parse(packet, ignored);
}

class UdpFlow : public testing::TestWithParam<unsigned> {
  protected:
    Bytes packet = datagram(GetParam(), 100);
    size_t ip = ip_of(packet);
};

TEST_P(UdpFlow, SaysWhatADatagramIs) {
    for (size_t payload : {1, 100, 9000}) {
        const Bytes whole = datagram(GetParam(), payload);
        qmiq_udp_datagram d;
        ASSERT_TRUE(parse(whole, d));
        EXPECT_EQ(d.headers, ip + udp);
        EXPECT_EQ(d.payload, payload);
        EXPECT_EQ(d.ports, qmiq_ports(whole.data(), whole.size()));
        EXPECT_NE(d.ports, 0u);
    }
}

TEST_P(UdpFlow, LeavesAllElseAlone) {
    EXPECT_FALSE(is_datagram(datagram(GetParam(), 0)));
    for (int extra : {-1, 1}) { // than IP says, and than UDP does
        Bytes other = packet;
        other.resize(packet.size() + extra);
        EXPECT_FALSE(is_datagram(other)) << extra;
        EXPECT_FALSE(is_datagram(finish(other))) << extra;
    }
    for (size_t length = ip; length < packet.size(); length++) {
        Bytes other(packet.begin(), packet.begin() + length);
        EXPECT_FALSE(is_datagram(other)) << length;
    }
    for (unsigned length : {0u, 7u, 8u, 107u, 109u, 0xffffu}) {
        Bytes other = packet;
        vmodem::ip::store16(&other[ip + 4], length);
        EXPECT_FALSE(is_datagram(other)) << length;
    }
}

// Each bit of the headers in turn.
TEST_P(UdpFlow, WhatMayDiffer) {
    for (size_t bit = 8; bit < (ip + udp) * 8; bit++) {
        const size_t at = bit / 8;
        Bytes other = packet;
        other[at] ^= 1 << bit % 8;
        const bool ip_field =
            GetParam() == 4 ? (at >= 2 && at < 6) || at == 10 || at == 11 : at == 4 || at == 5;
        EXPECT_EQ(qmiq_udp_same_flow(packet.data(), other.data()), ip_field || at >= ip + 4)
            << "byte " << at << ", bit " << bit % 8;
    }
}

INSTANTIATE_TEST_SUITE_P(Ip, UdpFlow, testing::Values(4u, 6u),
                         [](const auto &info) { return "v" + std::to_string(info.param); });

TEST(UdpFlowIpv4, OptionsFragmentsAndWrongChecksumsStayAlone) {
    const Bytes packet = datagram(4, 100);
    Bytes other = packet;
    other.insert(other.begin() + ipv4, 4, 1); // no-operation
    other[0] = 0x46;
    EXPECT_FALSE(is_datagram(finish(other)));
    for (unsigned bit = 0; bit < 16; bit++) {
        other = packet;
        other[6 + bit / 8] ^= 1 << bit % 8;
        EXPECT_EQ(is_datagram(finish(other)), bit == 6) << bit; // don't fragment
    }
    for (size_t bit = 4; bit < ipv4 * 8; bit++) {
        other = packet;
        other[bit / 8] ^= 1 << bit % 8;
        if (other[0] >> 4 == 4) {
            EXPECT_FALSE(is_datagram(other)) << bit;
        }
    }
}

} // namespace
