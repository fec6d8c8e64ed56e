// SPDX-License-Identifier: GPL-2.0
// Checksums and segmentation that the stack leaves to driver and module, and checksums that the
// module has verified: whatever is switched off, the same bytes get there.
#include "../modem/checksum_offload.h"
#include "bench.h"
#include "map_frames.h"
#include "offloads.h"
#include "packets.h"

#include <gtest/gtest.h>
#include <thread>

namespace guest {
namespace {

constexpr uint16_t port = 7777;
constexpr uint64_t transfer_bytes = 2'000'000;

class Offloads : public testing::TestWithParam<Setup> {
  protected:
    Offloads() : driver("qmap_mode=" + std::to_string(GetParam().mode)), bench(GetParam()) {
        bench.connect_all();
    }

    const Pdn &pdn() { return bench.pdns().back(); }
    bool v5() { return bench.own_format().ul == Qmap::v5; }
    void turn(const Offload &what, bool on) { guest::turn(pdn().netdev, what, on); }

    void expect_right_bytes() {
        for (const Target &target : {pdn().ipv4(), pdn().ipv6()}) {
            EXPECT_EQ(tcp_download(target, transfer_bytes), "");
            EXPECT_EQ(tcp_upload(target, transfer_bytes), "");
            EXPECT_EQ(udp_echo(target, 1000), "");
            EXPECT_EQ(udp_echo(target, 1001), "");
            // In fragments.
            EXPECT_EQ(udp_echo(target, 5001), "");
        }
        expect_sound_uplink(bench, pdn());
    }

    LoadedDriver driver;
    Bench bench;
};

TEST_P(Offloads, OneOffAfterTheOther) {
    for (const Offload &off : {tso, gso, gro, rx_checksum, scatter_gather, tx_checksum}) {
        SCOPED_TRACE(off.name);
        turn(off, false);
        expect_right_bytes();
    }
    for (const Offload &on : {tx_checksum, scatter_gather, tso}) {
        SCOPED_TRACE(on.name);
        turn(on, true);
        expect_right_bytes();
    }
}

TEST_P(Offloads, ModuleComputesWhatItIsAskedTo) {
    const auto wanted = [&] { return bench.modem().uplink().checksums_wanted; };
    turn(tx_checksum, false);
    const uint64_t before = wanted();
    expect_right_bytes();
    EXPECT_EQ(wanted(), before);
    turn(tx_checksum, true);
    turn(scatter_gather, true);
    turn(tso, true);
    expect_right_bytes();
    if (v5()) {
        EXPECT_GT(wanted(), before + 2 * transfer_bytes / 1500);
    } else {
        EXPECT_EQ(wanted(), 0u);
    }
}

// What the stack hands over whole is counted as what goes out.
TEST_P(Offloads, UdpSegments) {
    for (const Target &target : {pdn().ipv4(), pdn().ipv6()})
        for (const auto &[bytes, segment] :
             {std::pair<size_t, uint16_t>{30'000, 1000}, {20'001, 1200}, {1201, 1200}, {640, 10}}) {
            const uint64_t packets = statistic(pdn().netdev, "tx_packets");
            EXPECT_EQ(udp_echo_segmented(target, bytes, segment), "") << bytes << "/" << segment;
            EXPECT_GE(statistic(pdn().netdev, "tx_packets"),
                      packets + (bytes + segment - 1) / segment);
        }
    EXPECT_EQ(bench.modem().uplink().violations, 0u) << bench.modem().uplink().first_violation;
}

// Of what the stack handed over whole, some is sent when the netdev is closed; the rest must not be
// taken for the next packet's.
TEST_P(Offloads, ClosedHalfWay) {
    const auto sent = [&] { return statistic(pdn().netdev, "tx_bytes"); };
    const uint64_t at_first = sent();
    bench.modem().hold_uplink(true);
    // More than may be in flight.
    std::jthread sender([&] { udp_echo_segmented(pdn().ipv4(), 60'000, 1200, 1s); });
    ASSERT_TRUE(wait_until([&] { return sent() >= at_first + 1200; }));
    sender.join();
    const uint64_t dropped = bench.counter("tx_pdn_down");
    ASSERT_EQ(set_up(pdn().netdev, false), 0);
    EXPECT_EQ(bench.counter("tx_pdn_down"), dropped + 1);
    bench.modem().hold_uplink(false);
    ASSERT_EQ(set_up(pdn().netdev, true), 0);
    EXPECT_EQ(ping(pdn().ipv4()), "");
    const uint64_t before = bench.modem().uplink().datagrams;
    for (unsigned i = 0; i < 10; i++)
        EXPECT_EQ(ping(pdn().ipv4()), "");
    // And what IPv6 says of its own accord.
    EXPECT_LT(bench.modem().uplink().datagrams, before + 50);
}

INSTANTIATE_TEST_SUITE_P(Modes, Offloads,
                         testing::Values(Setup{"ec25", 0}, Setup{"ec25", 1}, Setup{"eg12", 4},
                                         Setup{"rm500q", 1}, Setup{"rm500q", 4}),
                         name_of);

// ---- DL checksums

class RxChecksum : public testing::Test {
  protected:
    RxChecksum() : driver("qmap_mode=1"), bench("rm500q", 1) {
        bench.connect_all();
        receiver.emplace(pdn(), port);
    }

    const Pdn &pdn() { return bench.pdn(1); }
    // Not the checksum that its sender computed.
    Bytes wrong(size_t payload, uint8_t fill = 0x5a) {
        Bytes packet = udp_packet(pdn(), payload, port, fill);
        EXPECT_TRUE(vmodem::fill_transport_checksum(packet));
        packet.back() ^= 1;
        return packet;
    }
    Bytes frame(const Bytes &packet, bool vouched) {
        return data_frame(Qmap::v5, pdn().mux_id, packet, 0, vouched);
    }
    // Whatever became of those before it, this one arrives.
    void expect_next_is(uint8_t fill) {
        bench.modem().inject_transfer(frame(udp_packet(pdn(), 60, port, fill), false));
        EXPECT_EQ(receiver->receive(), Bytes(60, fill));
    }

    LoadedDriver driver;
    Bench bench;
    std::optional<UdpReceiver> receiver;
};

TEST_F(RxChecksum, IsTheModulesWhereItVouches) {
    bench.modem().inject_transfer(frame(wrong(100), true));
    const std::optional<Bytes> got = receiver->receive();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->size(), 100u);
    EXPECT_EQ(got->back(), 0x5a ^ 1);
}

TEST_F(RxChecksum, IsTheStacksWhereItDoesNot) {
    bench.modem().inject_transfer(frame(wrong(100), false));
    expect_next_is(1);
}

TEST_F(RxChecksum, IsTheStacksWhereTheUserSaysSo) {
    turn(pdn().netdev, rx_checksum, false);
    bench.modem().inject_transfer(frame(wrong(100), true));
    expect_next_is(2);
    turn(pdn().netdev, rx_checksum, true);
    bench.modem().inject_transfer(frame(wrong(100), true));
    EXPECT_TRUE(receiver->receive());
}

// A module can't have seen the whole of a datagram in one of its fragments.
TEST_F(RxChecksum, OfFragmentsIsTheStacks) {
    const std::vector<Bytes> fragments = in_fragments(wrong(1000), 512);
    bench.modem().inject_transfer(join({frame(fragments[0], true), frame(fragments[1], true)}));
    expect_next_is(3);
}

} // namespace
} // namespace guest
