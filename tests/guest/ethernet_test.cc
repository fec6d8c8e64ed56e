// SPDX-License-Identifier: GPL-2.0
// Modules that speak 802.3: those that can't do otherwise, those that do it unasked, and those that
// do it where it makes no sense.
#include "bench.h"

#include <gtest/gtest.h>

namespace guest {
namespace {

constexpr uint16_t port = 4000;

Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes &part : parts)
        all.insert(all.end(), part.begin(), part.end());
    return all;
}

// Without QMAP there is no mux id for the network to tell its addresses by.
Pdn pdn_of(const Bench &bench) {
    return {0, bench.master(), 0};
}

void expect_traffic(Bench &bench) {
    const Pdn pdn = pdn_of(bench);
    EXPECT_EQ(ping(pdn.ipv4()), "");
    EXPECT_EQ(ping(pdn.ipv6(), 1400), "");
    EXPECT_EQ(tcp_download(pdn.ipv4(), 100'000), "");
    EXPECT_EQ(tcp_upload(pdn.ipv4(), 100'000), "");
    EXPECT_EQ(tcp_download(pdn.ipv6(), 100'000), "");
    EXPECT_EQ(tcp_upload(pdn.ipv6(), 100'000), "");
    EXPECT_EQ(bench.modem().peer(0).bad_packets, 0u);
    EXPECT_EQ(bench.counter("rx_not_ip"), 0u);
}

class Ethernet : public testing::TestWithParam<bool> {
  protected:
    static ModemOptions options() {
        ModemOptions options;
        options.broken_ethernet_header = GetParam();
        return options;
    }
};

TEST_P(Ethernet, IsLearnedFromWhatTheModuleSends) {
    KernelLog log;
    LoadedDriver driver;
    Bench bench("ec25", 0, options());
    ASSERT_EQ(set_up(bench.master(), true), 0);
    add_address(bench.master(), "10.100.0.2/30");
    DataFormat format;
    format.link_protocol = vmodem::LinkProtocol::ethernet_802_3;
    format.agreed = true;
    bench.modem().set_format(format);
    UdpReceiver receiver(pdn_of(bench), port);
    EXPECT_EQ(log.count("802.3"), 0u);
    bench.modem().send_packet(0, udp_packet(pdn_of(bench), 100, port, 0x11));
    EXPECT_EQ(receiver.receive(), Bytes(100, 0x11));
    EXPECT_TRUE(log.wait_for("the module sends 802.3 frames"));

    bench.modem().open_mux(0);
    add_address(bench.master(), "2001:db8::2/64");
    const uint64_t before = bench.modem().uplink().violations; // by what went out as raw IP
    expect_traffic(bench);
    EXPECT_EQ(bench.modem().uplink().violations, before) << bench.modem().uplink().first_violation;
    EXPECT_EQ(log.count("the module sends 802.3 frames"), 1u);
}

TEST_P(Ethernet, OnlyModulesWork) {
    struct Setup {
        const char *profile;
        unsigned wanted_mode;
    };
    for (const auto &[profile, mode] : {Setup{"ec20", 0}, Setup{"uc20", 4}}) {
        KernelLog log;
        LoadedDriver driver("qmap_mode=" + std::to_string(mode));
        Bench bench(profile, 0, options()); // there is no QMAP to be had
        EXPECT_EQ(attribute(bench.master(), "qmap_mode"), "0");
        EXPECT_EQ(attribute(bench.master(), "qmap_size"), "1520");
        EXPECT_EQ(log.count("RawIP"), 0u);
        bench.agree();
        ASSERT_EQ(bench.set_link_state(0), 0);
        ASSERT_EQ(set_up(bench.master(), true), 0);
        bench.modem().open_mux(0);
        ASSERT_EQ(bench.set_link_state(1), 0);
        ASSERT_TRUE(take_lease(bench.master())) << profile;
        EXPECT_TRUE(has_address(bench.master(), "10.100.0.2/30"));
        add_address(bench.master(), "2001:db8::2/64");
        expect_traffic(bench);
        const vmodem::UplinkStatistics up = bench.modem().uplink();
        EXPECT_EQ(up.violations, 0u) << up.first_violation;
    }
}

INSTANTIATE_TEST_SUITE_P(Headers, Ethernet, testing::Bool(),
                         [](const auto &info) { return info.param ? "Broken" : "Sound"; });

TEST(EthernetInQmap, IsCountedAndHarmless) {
    LoadedDriver driver("qmap_mode=1");
    Bench bench("ec25", 1);
    bench.connect_all();
    const Pdn &pdn = bench.pdn(1);
    UdpReceiver receiver(pdn, port);
    const Bytes frame = joined({{0x02, 0x50, 0xf3, 0, 0, 1, 0x02, 0x50, 0xf3, 0, 0, 0, 0x08, 0},
                                udp_packet(pdn, 50, port, 0x22)});
    const Bytes good = udp_packet(pdn, 52, port, 0x33);
    ASSERT_TRUE(frame.size() % 4 == 0 && good.size() % 4 == 0); // no padding

    // In a MAP frame: it is dropped and counted, what follows it in the transfer is not.
    const Bytes transfer = joined({{0, pdn.mux_id, 0, uint8_t(frame.size())},
                                   frame,
                                   {0, pdn.mux_id, 0, uint8_t(good.size())},
                                   good});
    const uint64_t dropped = statistic(pdn.netdev, "rx_dropped");
    bench.modem().inject_transfer(transfer);
    EXPECT_EQ(receiver.receive(), Bytes(52, 0x33));
    EXPECT_EQ(bench.counter("rx_not_ip"), 1u);
    EXPECT_EQ(statistic(pdn.netdev, "rx_dropped"), dropped + 1);

    // Without a MAP header it is whatever its first bytes say: an error all the same.
    const uint64_t errors = statistic(bench.master(), "rx_errors");
    bench.modem().inject_transfer(frame);
    EXPECT_TRUE(wait_until([&] { return statistic(bench.master(), "rx_errors") > errors; }));
    bench.modem().send_packet(pdn.mux_id, good);
    EXPECT_EQ(receiver.receive(), Bytes(52, 0x33));
    EXPECT_EQ(ping(pdn.ipv4(), 1400), "");
    EXPECT_EQ(tcp_download(pdn.ipv4(), 100'000), "");
    EXPECT_EQ(bench.counter("rx_not_ip"), 1u);
}

} // namespace
} // namespace guest
