// SPDX-License-Identifier: GPL-2.0
// Whole transfers in every mode: 20 MB each way by IPv4 and by IPv6 with each byte compared, PDNs
// side by side.
#include "bench.h"

#include <future>
#include <gtest/gtest.h>
#include <set>

namespace guest {
namespace {

constexpr uint64_t transfer_bytes = 20'000'000;

class Transfer : public testing::TestWithParam<Setup> {
  protected:
    Transfer() : driver("qmap_mode=" + std::to_string(GetParam().mode)), bench(GetParam()) {
        bench.connect_all();
    }

    // What no transfer may cause: the modem sees rubbish, or a byte is lost on the way.
    void expect_no_loss() {
        const vmodem::UplinkStatistics up = bench.modem().uplink();
        EXPECT_EQ(up.violations, 0u) << up.first_violation;
        EXPECT_EQ(up.dropped_unbound, 0u);
        if (bench.mode()) {
            EXPECT_LE(up.max_transfer, bench.own_format().ul_max_size);
            EXPECT_LE(up.max_datagrams, bench.own_format().ul_max_datagrams);
        }
        // tx_no_pdn: what IPv6 sends on a master of its own accord.
        const std::set<std::string> expected = {"rx_transfers", "rx_datagrams", "tx_transfers",
                                                "tx_datagrams", "tx_no_pdn"};
        for (const auto &[name, value] : ethtool_counters(bench.master()))
            if (!expected.contains(name)) {
                EXPECT_EQ(value, 0u) << name;
            }
        EXPECT_EQ(segments_out_of_order(), out_of_order_before);
        for (const Pdn &pdn : bench.pdns()) {
            const auto peer = bench.modem().peer(bench.mode() ? pdn.mux_id : 0);
            EXPECT_EQ(peer.bad_packets, 0u);
            EXPECT_EQ(peer.tcp_out_of_order, 0u);
            EXPECT_EQ(peer.tcp_sink_mismatches, 0u);
            EXPECT_EQ(statistic(pdn.netdev, "rx_dropped"), 0u);
            EXPECT_EQ(statistic(pdn.netdev, "tx_dropped"), 0u);
        }
    }

    const uint64_t out_of_order_before = segments_out_of_order();
    LoadedDriver driver;
    Bench bench;
};

TEST_P(Transfer, TwentyMegabytesEachWay) {
    const Pdn &pdn = bench.pdns().back();

    for (const auto &peer : {pdn.ipv4(), pdn.ipv6()}) {
        EXPECT_EQ(tcp_download(peer, transfer_bytes), "");
        EXPECT_EQ(tcp_upload(peer, transfer_bytes), "");
    }
    EXPECT_EQ(ping(bench.pdns().front().ipv6(), 1400), "");
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    if (bench.mode()) {
        EXPECT_GT(up.aggregates, 0u);
        EXPECT_GT(up.max_datagrams, 1u);
    }
    EXPECT_GT(statistic(pdn.netdev, "rx_bytes"), 2 * transfer_bytes);
    EXPECT_GT(statistic(pdn.netdev, "tx_bytes"), 2 * transfer_bytes);
    EXPECT_GE(statistic(bench.master(), "rx_bytes"), statistic(pdn.netdev, "rx_bytes"));
    expect_no_loss();
}

TEST_P(Transfer, EveryDatagramSize) {
    const Pdn &pdn = bench.pdns().front();

    // Among them transfers that are a multiple of the USB packet, which need a zero-length one.
    for (size_t payload = 0; payload <= 1472; payload += payload < 40 || payload > 440 ? 1 : 7)
        ASSERT_EQ(udp_echo(pdn.ipv4(), payload), "") << payload;
    EXPECT_GT(bench.modem().uplink().zero_length_packets, 0u);
    expect_no_loss();
}

INSTANTIATE_TEST_SUITE_P(Modes, Transfer,
                         testing::Values(Setup{"ec25", 0}, Setup{"ec25", 1}, Setup{"ec25", 4},
                                         Setup{"eg12", 1}, Setup{"eg12", 4}, Setup{"rm500q", 1},
                                         Setup{"rm500q", 4},
                                         Setup{"rm520n", 4, vmodem::UsbSpeed::super}),
                         name_of);

class FourPdns : public Transfer {};

TEST_P(FourPdns, SideBySide) {
    std::vector<std::future<std::string>> transfers;
    for (const Pdn &pdn : bench.pdns())
        for (const auto &peer : {pdn.ipv4(), pdn.ipv6()})
            for (const auto transfer : {tcp_download, tcp_upload})
                transfers.push_back(std::async(std::launch::async, transfer, peer,
                                               transfer_bytes / 8, 10 * patience));
    for (auto &transfer : transfers)
        EXPECT_EQ(transfer.get(), "");
    expect_no_loss();
}

INSTANTIATE_TEST_SUITE_P(Families, FourPdns,
                         testing::Values(Setup{"ec25", 4}, Setup{"eg12", 4}, Setup{"rm500q", 4}),
                         name_of);

} // namespace
} // namespace guest
