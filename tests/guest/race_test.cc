// SPDX-License-Identifier: GPL-2.0
// Everything at once, for a few seconds: afterwards all works as before, and the kernel has found
// nothing wrong.
#include "stress.h"

#include <array>
#include <cerrno>
#include <gtest/gtest.h>
#include <random>
#include <unistd.h>

namespace guest {
namespace {

constexpr auto storm = 2500ms;

class Race : public testing::TestWithParam<Setup> {
  protected:
    Race() : driver_("qmap_mode=" + std::to_string(GetParam().mode)), bench_(GetParam()) {}

    void SetUp() override { revive(); }
    // Whatever the storm has left behind, back to a call on each PDN; then all must work.
    void TearDown() override {
        if (HasFatalFailure())
            return;
        if (bench_.mode())
            for (const Pdn &pdn : bench_.pdns())
                bench_.modem().send_command(pdn.mux_id, 2);
        bench_.modem().forget_errors();
        revive();
        for (const Pdn &pdn : bench_.pdns()) {
            // Endpoints may still be halted.
            EXPECT_TRUE(wait_until([&] { return udp_echo(pdn.ipv4(), 100, 1s).empty(); }));
            EXPECT_EQ(tcp_download(pdn.ipv4(), 300'000), "") << pdn.netdev;
            EXPECT_EQ(tcp_upload(pdn.ipv4(), 300'000), "") << pdn.netdev;
        }
        // The DL URBs are with the host controller again.
        EXPECT_TRUE(wait_until([&] { return bench_.modem().pending_bulk_in() >= urbs_; }))
            << bench_.modem().pending_bulk_in() << " of " << urbs_;
    }
    void revive() {
        // First, since a format must fit the largest.
        for (const Pdn &pdn : bench_.pdns())
            EXPECT_EQ(set_mtu(pdn.netdev, 1500), 0);
        EXPECT_EQ(set_up(bench_.master(), false), 0);
        bring_up(bench_);
        urbs_ = settled([&] { return bench_.modem().pending_bulk_in(); });
    }
    void load(Background &work) {
        for (const Pdn &pdn : bench_.pdns())
            work.load(pdn);
    }
    const Pdn &pdn() const { return bench_.pdns().back(); }

    CleanLog log_;
    LoadedDriver driver_;
    Bench bench_;
    unsigned urbs_ = 0;
};

TEST_P(Race, OpenCloseAndTraffic) {
    Background work;
    load(work);
    work.repeat([&] {
        set_up(bench_.master(), false);
        set_up(bench_.master(), true);
    });
    for (const Pdn &p : bench_.pdns())
        work.repeat([p] {
            set_up(p.netdev, false);
            set_up(p.netdev, true);
        });
    std::this_thread::sleep_for(storm);
}

TEST_P(Race, SettingsAndTraffic) {
    Background work;
    load(work);
    work.repeat([this, random = std::minstd_rand(1)]() mutable {
        qmi_wwan_q_format format = {sizeof(format), 0, 2, 4, 0x81, 1, 1500, 0};
        format.rx_urb_size = 1500 + random() % 30000;
        format.ul_max_datagrams = 1 + random() % 20;
        format.ul_max_size = 1600 + random() % 20000;
        // DL padding is left alone: the module would have to agree.
        bench_.set_format(format);
    });
    work.repeat([this, random = std::minstd_rand(2)]() mutable {
        write_file("/sys/class/net/" + bench_.master() + "/link_state",
                   std::to_string(random() % 6 | (random() % 2 ? 0x80 : 0)));
    });
    work.repeat([this, random = std::minstd_rand(3)]() mutable {
        set_mtu(bench_.pdns()[random() % bench_.pdns().size()].netdev, 68 + random() % 9000);
    });
    work.repeat([this] { ethtool_counters(bench_.master()); });
    work.repeat([this] {
        for (const char *file : {"link_state", "qmap_size", "bridge_ipv4", "statistics/rx_bytes"})
            attribute(bench_.master(), file);
        write_file("/sys/class/net/" + pdn().netdev + "/bridge_mode", "1");
        write_file("/sys/class/net/" + pdn().netdev + "/bridge_ipv4", "0a650002");
        write_file("/sys/class/net/" + pdn().netdev + "/bridge_mode", "0");
    });
    std::this_thread::sleep_for(storm);
}

TEST_P(Race, FlowErrorsAndTraffic) {
    Background work;
    load(work);
    // Unlike TCP it does not slow down when packets are lost.
    work.repeat([this] {
        udp_flood(pdn().ipv4(), 20, 500);
        std::this_thread::sleep_for(1ms);
    });
    if (bench_.mode())
        work.repeat([this, random = std::minstd_rand(4)]() mutable {
            const Pdn &p = bench_.pdns()[random() % bench_.pdns().size()];
            bench_.modem().send_command(p.mux_id, 1 + random() % 2);
            std::this_thread::sleep_for(1ms);
        });
    work.repeat([this, random = std::minstd_rand(5)]() mutable {
        constexpr std::array errors = {-EPIPE, -EPROTO, -EILSEQ, -ETIME, -EOVERFLOW};
        bench_.modem().inject_bulk_in_error(errors[random() % errors.size()]);
        bench_.modem().inject_bulk_out_error(errors[random() % 4]);
        std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 60));
    });
    work.repeat([this, random = std::minstd_rand(6)]() mutable {
        bench_.modem().hold_uplink(true);
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 10));
        bench_.modem().hold_uplink(false);
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 10));
    });
    std::this_thread::sleep_for(storm);
}

TEST_P(Race, ErrorsWhileOpenedAndClosed) {
    Background work;
    load(work);
    work.repeat([this] {
        bench_.modem().inject_bulk_in_error(-EPIPE);
        bench_.modem().inject_bulk_out_error(-EPIPE);
        std::this_thread::sleep_for(40ms);
    });
    work.repeat([&] {
        set_up(bench_.master(), false);
        set_up(bench_.master(), true);
        for (const Pdn &p : bench_.pdns())
            set_up(p.netdev, true);
    });
    std::this_thread::sleep_for(storm);
}

TEST_P(Race, ResetSleepAndTraffic) {
    Background work;
    load(work);
    const std::string power = "/sys/bus/usb/devices/" + bench_.modem().usb_name() + "/power/";
    write_file(power + "autosuspend_delay_ms", "0");
    work.repeat([&] {
        write_file(power + "control", "auto");
        std::this_thread::sleep_for(5ms);
        write_file(power + "control", "on");
    });
    work.repeat([&, device = bench_.modem().usb_name()] {
        usb_reset(device);
        std::this_thread::sleep_for(50ms);
    });
    work.repeat([&] {
        set_up(bench_.master(), false);
        std::this_thread::sleep_for(10ms);
        set_up(bench_.master(), true);
        for (const Pdn &p : bench_.pdns())
            set_up(p.netdev, true);
        bench_.agree();
        std::this_thread::sleep_for(30ms);
    });
    std::this_thread::sleep_for(storm);
    work.stop();
    write_file(power + "control", "on");
}

INSTANTIATE_TEST_SUITE_P(Modes, Race, testing::Values(Setup{"ec25", 0}, Setup{"rm500q", 4}),
                         name_of);

class RaceMux : public Race {};

TEST_P(RaceMux, NamespacesAndTraffic) {
    Namespace elsewhere;
    {
        Background work;
        load(work);
        for (unsigned n : {1, 2})
            work.repeat([&, netdev = bench_.pdn(n).netdev] {
                elsewhere.take(netdev);
                elsewhere.run_inside([&] { set_up(netdev, true); });
                elsewhere.give_back(netdev);
                set_up(netdev, true);
            });
        work.repeat([&] { ethtool_counters(bench_.master()); });
        std::this_thread::sleep_for(storm);
    }
    for (unsigned n : {1, 2})
        if (!exists(bench_.pdn(n).netdev)) {
            EXPECT_EQ(elsewhere.give_back(bench_.pdn(n).netdev), 0);
        }
}

// Allocations fail: that costs packets, never the link. The host controller's own, which cut the
// connection of vhci_hcd when they fail, are left alone: the caches are those of packets, URBs and
// transfer buffers.
class NoMemory : public Race {
  protected:
    void SetUp() override {
        if (!can_fail_allocations())
            GTEST_SKIP() << "this kernel can't let allocations fail (FAILSLAB)";
        Race::SetUp();
    }
    void TearDown() override {
        if (!IsSkipped())
            Race::TearDown();
    }
};

TEST_P(NoMemory, UnderLoad) {
    set_failures(slab_failures, "cache-filter", "Y");
    {
        Background work;
        load(work);
        work.repeat([this, size = 2000u]() mutable {
            set_mtu(pdn().netdev, 1500 + (size += 100) % 8000); // new buffers
            std::this_thread::sleep_for(2ms);
        });
        fail_allocations(slab_failures, "10");
        fail_allocations(page_failures, "10");
        std::this_thread::sleep_for(storm);
        EXPECT_TRUE(wait_until([&] { return bench_.counter("rx_no_memory") > 0; }));
        fail_allocations(slab_failures, "0");
        fail_allocations(page_failures, "0");
    }
    set_failures(slab_failures, "cache-filter", "N");
}

// Of the caller's own allocations some fail: an open may, and leaves nothing behind.
TEST_P(NoMemory, WhenOpened) {
    unsigned opened = 0, refused = 0;
    FailingAllocations("3").run([&] {
        for (unsigned i = 0; i < 60; i++) {
            set_up(bench_.master(), false);
            (set_up(bench_.master(), true) ? refused : opened)++;
        }
    });
    EXPECT_GT(opened, 0u);
    EXPECT_GT(refused, 0u);
}

INSTANTIATE_TEST_SUITE_P(Modes, RaceMux, testing::Values(Setup{"rm500q", 4}), name_of);
INSTANTIATE_TEST_SUITE_P(Modes, NoMemory, testing::Values(Setup{"ec25", 0}, Setup{"rm500q", 4}),
                         name_of);

} // namespace
} // namespace guest
