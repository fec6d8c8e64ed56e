// SPDX-License-Identifier: GPL-2.0
#include "ip_checksum.h"
#include "ip_host.h"
#include "ip_reassembly.h"

#include <algorithm>
#include <random>

using namespace vmodem;
using namespace vmodem::ip;

static uint16_t plain_checksum(ByteView bytes) {
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        sum += i % 2 ? bytes[i] : bytes[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return uint16_t(~sum);
}

TEST(IpChecksum, AgreesWithThePlainAlgorithm) {
    std::mt19937 random(1);
    for (size_t length = 0; length < 200; ++length) {
        Bytes bytes(length);
        std::generate(bytes.begin(), bytes.end(), [&] { return uint8_t(random()); });
        if (length % 3 == 0)
            std::fill(bytes.begin(), bytes.end(), 0xff);
        uint8_t stored[2];
        store_checksum(stored, finish_sum(add_to_sum(0, bytes)));
        EXPECT_EQ(load16(stored), plain_checksum(bytes)) << length;
    }
}

TEST(IpPacket, RefusesWhatARouterWould) {
    for (bool v6 : {false, true}) {
        Bytes good = Host::udp(Host::path(v6), 1000, 9, Bytes(20));
        ASSERT_TRUE(parse(good));
        for (size_t length = 0; length < good.size(); ++length)
            EXPECT_FALSE(parse(ByteView(good).first(length))) << length;
        Bytes longer = good;
        longer.push_back(0);
        EXPECT_FALSE(parse(longer));
        Bytes version = good;
        version[0] ^= 0x10;
        EXPECT_FALSE(parse(version));
    }
    Bytes damaged = Host::udp(Host::path(false), 1000, 9, Bytes(20));
    damaged[8] ^= 1;
    EXPECT_FALSE(parse(damaged));
}

TEST(IpPacket, StepsOverExtensionHeaders) {
    // Hop-by-hop, then destination options, then UDP.
    Bytes chain = {60, 0, 1, 4, 0, 0, 0, 0, 17, 1, 0, 0, 0, 0, 0, 0,
                   0,  0, 0, 0, 0, 0, 0, 0, 1,  2, 3, 4, 5, 6, 7, 8};
    Packet packet{};
    packet.payload = chain;
    ASSERT_TRUE(skip_extension_headers(packet));
    EXPECT_EQ(packet.protocol, 17);
    EXPECT_EQ(packet.payload.size(), 8u);
    for (size_t cut = 0; cut < 24; ++cut) {
        packet.protocol = 0;
        packet.payload = ByteView(chain).first(cut);
        EXPECT_FALSE(skip_extension_headers(packet)) << cut;
    }
}

TEST(IpPacket, IsAtItsLastDestination) {
    Bytes v4 = Host::udp(Host::path(false), 1000, 9, Bytes(20));
    const Address v4_header = parse(v4)->path.local;
    const Bytes source_route = {1, 131, 7, 4, 192, 0, 2, 7};
    v4.insert(v4.begin() + 20, source_route.begin(), source_route.end());
    v4[0] = 0x47;
    store16(&v4[2], v4.size());
    const auto local = [&] {
        fill_header_checksum(v4);
        return parse(v4)->path.local;
    };
    EXPECT_EQ(local(), ipv4_address(0xc0000207));
    v4[23] = 8; // the end of the route
    EXPECT_EQ(local(), v4_header);
    v4[23] = 4;
    v4[22] = 6; // no address in it
    EXPECT_EQ(local(), v4_header);

    Bytes v6 = Host::udp(Host::path(true), 1000, 9, Bytes(20));
    const Address v6_header = parse(v6)->path.local;
    Bytes route = {17, 2, 2, 1, 0, 0, 0, 0};
    route.resize(24, 0x77);
    v6.insert(v6.begin() + 40, route.begin(), route.end());
    store16(&v6[4], v6.size() - 40);
    v6[6] = 43;
    EXPECT_EQ(parse(v6)->path.local.bytes[15], 0x77);
    v6[43] = 0; // no segments left
    EXPECT_EQ(parse(v6)->path.local, v6_header);
}

namespace {

struct ReassemblyTest : testing::Test {
    Reassembly::Result add(uint32_t id, size_t offset, size_t length, bool more,
                           std::chrono::seconds at = {}) {
        piece = Bytes(data.begin() + ptrdiff_t(offset), data.begin() + ptrdiff_t(offset + length));
        packet = {Host::path(true), 17, 64, piece, Fragment{id, uint16_t(offset), more}};
        return reassembly.add(packet, Clock::time_point() + at);
    }
    ReassemblyTest() : data(3000) {
        for (size_t i = 0; i < data.size(); ++i)
            data[i] = uint8_t(i * 7 + i / 256);
    }
    Bytes data, piece;
    Packet packet{};
    Reassembly reassembly;
    static constexpr auto complete = Reassembly::Result::complete,
                          incomplete = Reassembly::Result::incomplete,
                          bad = Reassembly::Result::bad;
};

} // namespace

TEST_F(ReassemblyTest, AnyOrderAndDuplicates) {
    std::vector<std::array<size_t, 2>> pieces = {{0, 800}, {800, 800}, {1600, 800}, {2400, 600}};
    do {
        for (size_t i = 0; i < 4; ++i) {
            auto [offset, length] = pieces[i];
            if (i == 2) {
                EXPECT_EQ(add(5, pieces[0][0], pieces[0][1], pieces[0][0] < 2400), incomplete);
            }
            ASSERT_EQ(add(5, offset, length, offset < 2400), i == 3 ? complete : incomplete);
        }
        EXPECT_TRUE(
            std::equal(data.begin(), data.end(), packet.payload.begin(), packet.payload.end()));
        EXPECT_FALSE(packet.fragment);
    } while (std::next_permutation(pieces.begin(), pieces.end()));
}

TEST_F(ReassemblyTest, RefusesContradictions) {
    EXPECT_EQ(add(1, 0, 12, true), bad); // not of whole eights
    EXPECT_EQ(add(1, 0, 0, true), bad);
    EXPECT_EQ(add(2, 0, 800, true), incomplete);
    EXPECT_EQ(add(2, 792, 800, true), bad); // overlap
    EXPECT_EQ(add(3, 800, 8, false), incomplete);
    EXPECT_EQ(add(3, 808, 8, true), bad); // beyond the end
    EXPECT_EQ(add(4, 800, 8, true), incomplete);
    EXPECT_EQ(add(4, 0, 8, false), bad); // the end before what is there
}

TEST_F(ReassemblyTest, ForgetsTheOldAndTheManyth) {
    EXPECT_EQ(add(1, 0, 800, true), incomplete);
    EXPECT_EQ(add(1, 800, 800, false, std::chrono::seconds(11)), incomplete);
    for (uint32_t id = 100; id < 100 + Reassembly::max_datagrams; ++id)
        EXPECT_EQ(add(id, 0, 800, true, std::chrono::seconds(11)), incomplete);
    EXPECT_EQ(add(1, 0, 800, true, std::chrono::seconds(11)), incomplete);
    EXPECT_EQ(add(131, 800, 800, false, std::chrono::seconds(11)), complete);
}
