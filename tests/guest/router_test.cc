// SPDX-License-Identifier: GPL-2.0
// This machine as a router with masquerading between a PDN and a LAN: the packets that GRO merged
// go on whole, those that the LAN's host left whole are cut up by the driver, and NAT changes both.
#include "map_frames.h"
#include "offloads.h"
#include "stress.h"

#include <algorithm>

namespace guest {
namespace {

constexpr uint64_t transfer_bytes = 2'000'000;

// A host behind this one, joined by veth: "lan" here, "host" there.
class Lan {
  public:
    Lan() {
        EXPECT_EQ(run("ip link add lan type veth && ip link set veth0 name host"), 0);
        // Packets would be received on the CPU that sent them, and overtake others.
        for (const std::string netdev : {"lan", "host"})
            EXPECT_EQ(write_file("/sys/class/net/" + netdev + "/queues/rx-0/rps_cpus", "1"), 0);
        EXPECT_EQ(host_.take("host"), 0);
        configure("lan", "1");
        host_.run_inside([this] {
            configure("host", "2");
            EXPECT_EQ(write_file("/proc/sys/net/ipv4/ping_group_range", "0 0"), 0);
            EXPECT_EQ(run("ip route add default via 10.200.0.1"), 0);
            EXPECT_EQ(run("ip -6 route add default via fd00::1"), 0);
        });
        EXPECT_TRUE(wait_operational("lan"));
    }
    ~Lan() { EXPECT_EQ(run("ip link del lan"), 0); }
    Lan(const Lan &) = delete;
    Lan &operator=(const Lan &) = delete;

    // That traffic of the host, with its result.
    std::string from_host(const std::function<std::string()> &traffic) const {
        std::string result;
        host_.run_inside([&] { result = traffic(); });
        return result;
    }

  private:
    static void configure(const std::string &netdev, const std::string &number) {
        EXPECT_EQ(set_up(netdev, true), 0);
        add_address(netdev, "10.200.0." + number + "/24");
        add_address(netdev, "fd00::" + number + "/64");
    }

    Namespace host_;
};

// Forwarding, and masquerading of what leaves by a netdev.
class Masquerading {
  public:
    explicit Masquerading(const std::string &netdev) {
        set_forwarding(true);
        EXPECT_EQ(run("nft 'table inet masquerading { chain c { type nat hook postrouting "
                      "priority 100; oifname \"" +
                      netdev + "\" masquerade; }; }'"),
                  0);
    }
    ~Masquerading() {
        EXPECT_EQ(run("nft delete table inet masquerading"), 0);
        set_forwarding(false);
    }
    Masquerading(const Masquerading &) = delete;
    Masquerading &operator=(const Masquerading &) = delete;
};

class Router : public testing::TestWithParam<Setup> {
  protected:
    Router()
        : driver("qmap_mode=" + std::to_string(GetParam().mode)),
          bench(GetParam().profile, GetParam().mode,
                {.uplink_packet = [this](uint8_t, ByteView packet, uint64_t) {
                    translated = translated && is_own(packet);
                }}) {
        bench.connect_all();
        masquerading.emplace(pdn().netdev);
    }

    const Pdn &pdn() { return bench.pdns().back(); }
    // Whether it does not come from the LAN's addresses.
    static bool is_own(ByteView packet) {
        return packet[0] >> 4 == 4 ? packet[12] != 10 || packet[13] != 200 : packet[8] != 0xfd;
    }
    void expect_right_bytes() {
        for (Target target : {pdn().ipv4(), pdn().ipv6()}) {
            SCOPED_TRACE(target.address);
            target.netdev = "host";
            const auto by_host = [&](auto traffic, auto... what) {
                return lan.from_host([&] { return traffic(target, what..., 10 * patience); });
            };
            EXPECT_EQ(by_host(tcp_download, transfer_bytes), "");
            EXPECT_EQ(by_host(tcp_upload, transfer_bytes), "");
            for (size_t size : {0, 1, 1000, 1400, 1472, 5001}) // the last in fragments
                EXPECT_EQ(by_host(udp_echo, size), "") << size;
            EXPECT_EQ(by_host(udp_echo_segmented, size_t(20'001), uint16_t(1200)), "");
            for (size_t size : {0, 56, 1400, 3000})
                EXPECT_EQ(by_host(ping, size), "") << size;
        }
        EXPECT_TRUE(translated);
        expect_sound_uplink(bench, pdn());
    }
    // Packets that this machine handed to the LAN for each that it got from the PDN.
    double handed_on_by_download() {
        Target target = pdn().ipv4();
        target.netdev = "host";
        const uint64_t in = statistic(pdn().netdev, "rx_packets"),
                       out = statistic("lan", "tx_packets");
        EXPECT_EQ(lan.from_host([&] { return tcp_download(target, transfer_bytes); }), "");
        return double(statistic("lan", "tx_packets") - out) /
               double(statistic(pdn().netdev, "rx_packets") - in);
    }

    std::atomic<bool> translated = true;
    LoadedDriver driver;
    Bench bench;
    Lan lan;
    std::optional<Masquerading> masquerading;
};

TEST_P(Router, Masquerades) {
    expect_right_bytes();
    EXPECT_LT(handed_on_by_download(), 0.7);
    for (const Offload &off : all_offloads)
        turn(pdn().netdev, off, false);
    expect_right_bytes();
    EXPECT_GT(handed_on_by_download(), 0.95);
}

// Nothing that the LAN's netdev can't do is asked of it, and the other way round.
TEST_P(Router, MasqueradesForALanWithoutOffloads) {
    for (const Offload &off : all_offloads)
        turn("lan", off, false);
    expect_right_bytes();
}

INSTANTIATE_TEST_SUITE_P(Modes, Router, testing::Values(Setup{"ec25", 2}, Setup{"rm500q", 2}),
                         name_of);

} // namespace
} // namespace guest
