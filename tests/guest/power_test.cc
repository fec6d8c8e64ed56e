// SPDX-License-Identifier: GPL-2.0
// Suspend, resume and reset: the netdevs stay as they are, and what is sent meanwhile is not lost.
//
// Of a single device: sleep of the whole system would freeze the process that is the module.
#include "stress.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace guest {
namespace {

class Power : public testing::TestWithParam<Setup> {
  protected:
    Power() : driver_("qmap_mode=" + std::to_string(GetParam().mode)), bench_(GetParam()) {}

    void SetUp() override {
        bench_.connect_all();
        ASSERT_EQ(udp_echo(pdn().ipv4(), 100), "");
        before_ = state();
    }
    void TearDown() override {
        if (HasFatalFailure())
            return;
        EXPECT_EQ(state(), before_);
        EXPECT_EQ(udp_echo(pdn().ipv4(), 100), "");
        EXPECT_EQ(tcp_download(pdn().ipv4(), 200'000), "");
        EXPECT_EQ(tcp_upload(pdn().ipv6(), 200'000), "");
        EXPECT_EQ(bench_.modem().dtr(), 1u);
        const vmodem::UplinkStatistics up = bench_.modem().uplink();
        EXPECT_EQ(up.violations, 0u) << up.first_violation;
    }

    const Pdn &pdn() const { return bench_.pdns().back(); }
    // All that a user would have to do again if it changed.
    std::string state() const {
        std::string text;
        std::vector<std::string> netdevs = {bench_.master()};
        for (const Pdn &p : bench_.pdns())
            netdevs.push_back(p.netdev);
        for (const std::string &netdev : netdevs) {
            text += netdev;
            for (const char *file : {"ifindex", "flags", "carrier", "mtu", "address"})
                text += " " + attribute(netdev, file);
            text += output_of("ip addr show dev " + netdev + " | grep inet") + "\n";
        }
        return text + attribute(bench_.master(), "qmap_mode") + " " +
               attribute(bench_.master(), "qmap_size") + " " +
               attribute(bench_.master(), "link_state");
    }
    std::string device() { return "/sys/bus/usb/devices/" + bench_.modem().usb_name(); }
    void let_sleep(bool allowed, const std::string &delay = "20") {
        ASSERT_EQ(write_file(device() + "/power/autosuspend_delay_ms", delay), 0);
        ASSERT_EQ(write_file(device() + "/power/control", allowed ? "auto" : "on"), 0);
    }
    bool asleep() { return bench_.modem().suspended(); }
    std::string power_status() {
        return read_file(device() + "/power/runtime_status").value_or("");
    }
    // Datagrams of udp_flood() that the module has got.
    uint64_t sunk() {
        return bench_.modem().peer(bench_.mode() ? pdn().mux_id : 0).udp_sunk_packets;
    }
    // The module was reset and knows nothing: its DTR is back, and the netdevs are as they were;
    // a format the driver has only when it is told of one.
    void expect_restored() {
        EXPECT_EQ(state(), before_);
        EXPECT_EQ(bench_.modem().dtr(), 1u);
        bench_.modem().set_format(bench_.own_format());
        const uint64_t aggregates = bench_.modem().uplink().aggregates;
        EXPECT_EQ(tcp_upload(pdn().ipv4(), 100'000), "");
        EXPECT_EQ(bench_.modem().uplink().aggregates, aggregates);
        bench_.agree();
    }

    CleanLog log_;
    LoadedDriver driver_;
    Bench bench_;
    std::string before_;
};

const auto setups = testing::Values(Setup{"ec25", 0}, Setup{"rm500q", 4});

TEST_P(Power, IdleSleepsAndAPacketWakes) {
    let_sleep(true);
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_TRUE(wait_until([&] { return asleep(); })) << i;
        EXPECT_EQ(state(), before_);
        EXPECT_EQ(udp_echo(pdn().ipv4(), 100), "") << i;
    }
    ASSERT_TRUE(wait_until([&] { return asleep(); }));
    let_sleep(false);
}

TEST_P(Power, DataFromTheModuleWakes) {
    UdpReceiver receiver(pdn(), 5000);
    let_sleep(true);
    for (uint8_t i = 0; i < 2; i++) {
        ASSERT_TRUE(wait_until([&] { return asleep(); })) << i;
        bench_.modem().send_packet(bench_.mode() ? pdn().mux_id : 0,
                                   udp_packet(pdn(), 100, 5000, i));
        const auto payload = receiver.receive();
        ASSERT_TRUE(payload) << i;
        EXPECT_EQ(*payload, Bytes(100, i));
    }
    let_sleep(false);
}

// More than there are slots for: they wait with the driver and in the qdisc until it is awake.
TEST_P(Power, NothingSentInSleepIsLost) {
    let_sleep(true);
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_TRUE(wait_until([&] { return asleep(); })) << i;
        const uint64_t start = sunk();
        ASSERT_EQ(udp_flood(pdn().ipv4(), 60, 1000), "");
        EXPECT_TRUE(wait_until([&] { return sunk() == start + 60; })) << sunk() - start << " of 60";
    }
    EXPECT_EQ(bench_.counter("tx_urb_error"), 0u);
    let_sleep(false);
}

TEST_P(Power, NoSleepWhileTransfersAreInFlight) {
    bench_.modem().hold_uplink(true);
    ASSERT_EQ(udp_flood(pdn().ipv4(), 1, 100), "");
    const uint64_t start = sunk();
    let_sleep(true);
    std::this_thread::sleep_for(300ms); // many times the delay
    EXPECT_EQ(power_status(), "active");
    bench_.modem().hold_uplink(false);
    EXPECT_TRUE(wait_until([&] { return sunk() == start + 1; }));
    EXPECT_EQ(bench_.counter("tx_urb_error"), 0u);
    EXPECT_TRUE(wait_until([&] { return asleep(); }));
    let_sleep(false);
}

// Without a delay a suspend that the driver refuses is not tried again.
TEST_P(Power, SleepsAsSoonAsTransfersAreDone) {
    let_sleep(true, "0");
    for (unsigned i = 0; i < 10; i++) {
        ASSERT_EQ(udp_flood(pdn().ipv4(), 1, 100), "");
        ASSERT_TRUE(wait_until([&] { return asleep(); })) << i;
    }
    let_sleep(false);
}

TEST_P(Power, OpenedAndClosedInSleep) {
    let_sleep(true);
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_TRUE(wait_until([&] { return asleep(); }));
        EXPECT_EQ(set_up(bench_.master(), false), 0);
        ASSERT_TRUE(wait_until([&] { return asleep(); }));
        EXPECT_EQ(set_up(bench_.master(), true), 0);
        for (const Pdn &p : bench_.pdns())
            EXPECT_EQ(set_up(p.netdev, true), 0);
        EXPECT_EQ(udp_echo(pdn().ipv4(), 100), "") << i;
    }
    let_sleep(false);
    // IPv6 forgets its addresses with the interface.
    for (const Pdn &p : bench_.pdns())
        run("ip addr add 2001:db8:" + std::to_string(p.number) + "::2/64 dev " + p.netdev);
}

TEST_P(Power, MtuAndFormatChangedInSleep) {
    let_sleep(true);
    ASSERT_TRUE(wait_until([&] { return asleep(); }));
    // Grows the DL URBs.
    EXPECT_EQ(set_mtu(pdn().netdev, 3000), 0);
    EXPECT_EQ(set_mtu(pdn().netdev, 1500), 0);
    bench_.agree();
    EXPECT_EQ(udp_echo(pdn().ipv4(), 100), "");
    let_sleep(false);
    before_ = state(); // qmap_size has grown
}

TEST_P(Power, Reset) {
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_EQ(usb_reset(bench_.modem().usb_name()), 0);
        expect_restored();
        const uint64_t aggregates = bench_.modem().uplink().aggregates;
        EXPECT_EQ(tcp_upload(pdn().ipv4(), 300'000), "");
        if (bench_.mode()) {
            EXPECT_GT(bench_.modem().uplink().aggregates, aggregates);
        }
    }
}

TEST_P(Power, StateLostInSleep) {
    let_sleep(true);
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_TRUE(wait_until([&] { return asleep(); }));
        KernelLog log;
        bench_.modem().lose_state_in_sleep();
        EXPECT_EQ(udp_echo(pdn().ipv4(), 100), "");
        EXPECT_EQ(log.count("retry with reset-resume") + log.count(": reset high-speed"), 1u);
        expect_restored();
    }
    let_sleep(false);
}

// What the driver has packed as the module had agreed is lost with that, and counted.
TEST_P(Power, PackedForAModuleThatLosesItsState) {
    constexpr unsigned count = 60;
    let_sleep(true);
    ASSERT_TRUE(wait_until([&] { return asleep(); }));
    bench_.modem().lose_state_in_sleep();
    const uint64_t start = sunk();
    auto lost = [&] { return statistic(bench_.master(), "tx_errors"); };
    ASSERT_EQ(udp_flood(pdn().ipv4(), count, 1000), "");
    EXPECT_TRUE(wait_until([&] { return sunk() - start + lost() == count; }))
        << sunk() - start << " and " << lost();
    // Without QMAP a packet is a transfer, before as after.
    EXPECT_EQ(bench_.counter("tx_discarded") > 0, bench_.mode() > 0);
    EXPECT_EQ(lost() > 0, bench_.mode() > 0);
    expect_restored();
    let_sleep(false);
}

TEST_P(Power, ResetUnderLoad) {
    Background load;
    load.load(pdn());
    for (unsigned i = 0; i < 2; i++) {
        ASSERT_EQ(usb_reset(bench_.modem().usb_name()), 0);
        bench_.agree();
    }
}

// What a reset takes back from the host controller is lost and counted, and nothing else is: some
// of it the module has got all the same.
TEST_P(Power, ResetsUnderAFlood) {
    constexpr unsigned count = 2000;
    const uint64_t start = sunk(), lost_before = statistic(bench_.master(), "tx_errors");
    auto arrived = [&] { return sunk() - start; };
    auto lost = [&] { return statistic(bench_.master(), "tx_errors") - lost_before; };
    std::jthread flood([&] { EXPECT_EQ(udp_flood(pdn().ipv4(), count, 500), ""); });
    for (unsigned i = 1; i <= 10; i++) {
        EXPECT_TRUE(wait_until([&] { return arrived() + lost() >= i * count / 20; }));
        ASSERT_EQ(usb_reset(bench_.modem().usb_name()), 0);
        bench_.agree();
    }
    flood.join();
    EXPECT_TRUE(wait_until([&] { return arrived() + lost() >= count; }));
    EXPECT_EQ(arrived() + lost(), count) << arrived() << " and " << lost();
}

TEST_P(Power, OpenedAndClosedInAReset) {
    std::atomic<bool> done = false;
    std::thread toggle([&] {
        while (!done) {
            set_up(bench_.master(), false);
            set_up(bench_.master(), true);
        }
    });
    for (unsigned i = 0; i < 8; i++)
        EXPECT_EQ(usb_reset(bench_.modem().usb_name()), 0);
    done = true;
    toggle.join();
    for (const Pdn &p : bench_.pdns()) {
        set_up(p.netdev, true);
        run("ip addr add 2001:db8:" + std::to_string(p.number) + "::2/64 dev " + p.netdev);
    }
    bench_.agree();
}

INSTANTIATE_TEST_SUITE_P(Modes, Power, setups, name_of);

// An aggregate that waits behind transfers in flight keeps the module awake.
class PowerAggregate : public Power {};

TEST_P(PowerAggregate, KeepsAwake) {
    bench_.modem().hold_uplink(true);
    ASSERT_EQ(udp_flood(pdn().ipv4(), 3, 100), "");
    let_sleep(true);
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(power_status(), "active");
    const uint64_t start = sunk();
    bench_.modem().hold_uplink(false);
    EXPECT_TRUE(wait_until([&] { return sunk() == start + 3; }));
    let_sleep(false);
}

INSTANTIATE_TEST_SUITE_P(Modes, PowerAggregate, testing::Values(Setup{"rm500q", 4}), name_of);

} // namespace
} // namespace guest
