// SPDX-License-Identifier: GPL-2.0
#include "../modem/usb_device.h"
#include "downlink.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <map>

using namespace vmodem;
using namespace std::chrono_literals;

namespace {

constexpr uint8_t bulk_in = 0x88, bulk_out = 0x05, notify = 0x89, serial_in = 0x81;

class Device : public testing::Test {
  protected:
    Device() { control({0x00, 0x09, 1, 0, 0, 0, 0, 0}); }

    UrbResult control(std::array<uint8_t, 8> setup, ByteView data = {}) {
        uint64_t id = next_id++;
        uint32_t length = setup[6] | setup[7] << 8;
        device.submit({id, uint8_t(setup[0] & 0x80), setup, length, false, data});
        return results.at(id);
    }
    uint64_t in(uint8_t endpoint, uint32_t length) {
        device.submit({next_id, endpoint, {}, length, false, {}});
        return next_id++;
    }
    uint64_t out(const Bytes &data, bool zero_packet = false) {
        device.submit({next_id, bulk_out, {}, uint32_t(data.size()), zero_packet, data});
        return next_id++;
    }
    bool done(uint64_t id) { return results.contains(id); }

    std::map<uint64_t, UrbResult> results;
    std::deque<Bytes> downlink;
    std::vector<std::pair<size_t, bool>> uplink;
    std::vector<Bytes> commands;
    uint64_t next_id = 1;
    UsbDevice device{
        make_descriptors(*find_profile("ec25"), UsbSpeed::high, Composition::qmi),
        UsbSpeed::high,
        {.complete =
             [this](UrbResult r) {
                 EXPECT_FALSE(results.contains(r.id)) << "completed twice";
                 results[r.id] = std::move(r);
             },
         .command = [this](ByteView c) { commands.emplace_back(c.begin(), c.end()); },
         .uplink = [this](ByteView d, bool zero) { uplink.emplace_back(d.size(), zero); },
         .downlink = [this] { return take_first(downlink); },
         .line_state = [](unsigned) {}}};
};

TEST_F(Device, CutsDescriptorsToWhatWasAskedFor) {
    auto r = control({0x80, 0x06, 0, 2, 0, 0, 9, 0});
    EXPECT_EQ(r.status, 0);
    EXPECT_EQ(r.actual, 9u);
    EXPECT_EQ(r.data.size(), 9u);
    EXPECT_EQ(control({0x80, 0x06, 0, 15, 0, 0, 5, 0}).status, -EPIPE); // BOS
    EXPECT_EQ(control({0xc0, 0x77, 0, 0, 0, 0, 5, 0}).status, -EPIPE);
}

TEST_F(Device, RemembersDtrOfTheQmiInterfaceOnly) {
    control({0x21, 0x22, 1, 0, 2, 0, 0, 0});
    EXPECT_EQ(device.dtr(), 0u);
    control({0x21, 0x22, 1, 0, 4, 0, 0, 0});
    EXPECT_EQ(device.dtr(), 1u);
    control({0x21, 0x22, 0, 0, 4, 0, 0, 0});
    EXPECT_EQ(device.dtr(), 0u);
}

TEST_F(Device, NotifiesOnceForEachResponse) {
    device.respond({1, 2, 3});
    auto first = in(notify, 8), second = in(notify, 8);
    ASSERT_TRUE(done(first));
    EXPECT_EQ(results[first].data, (Bytes{0xa1, 1, 0, 0, 4, 0, 0, 0}));
    EXPECT_FALSE(done(second));
    EXPECT_EQ(control({0xa1, 1, 0, 0, 4, 0, 0, 16}).data, (Bytes{1, 2, 3}));
    EXPECT_EQ(control({0xa1, 1, 0, 0, 4, 0, 0, 16}).actual, 0u);
    device.respond({4});
    EXPECT_TRUE(done(second));
}

TEST_F(Device, TakesEncapsulatedCommands) {
    EXPECT_EQ(control({0x21, 0, 0, 0, 4, 0, 2, 0}, Bytes{7, 8}).status, 0);
    EXPECT_EQ(control({0x21, 0, 0, 0, 3, 0, 2, 0}, Bytes{7, 8}).status, -EPIPE);
    EXPECT_EQ(control({0x21, 0, 0, 0, 4, 0, 3, 0}, Bytes{7, 8}).status, -EPIPE); // data is short
    EXPECT_EQ(commands, (std::vector<Bytes>{{7, 8}}));
}

TEST_F(Device, KeepsIdleUrbsPendingUntilCancelled) {
    auto data = in(bulk_in, 2048), serial = in(serial_in, 512);
    device.pump_bulk_in();
    EXPECT_FALSE(done(data) || done(serial));
    EXPECT_EQ(device.pending_bulk_in(), 1u);
    EXPECT_TRUE(device.cancel(serial));
    EXPECT_TRUE(device.cancel(data));
    EXPECT_FALSE(device.cancel(data));
    downlink.push_back({1});
    device.pump_bulk_in();
    EXPECT_FALSE(done(data));
}

TEST_F(Device, EndsATransferThatFillsTheBufferByAnEmptyPacket) {
    downlink = {Bytes(1024, 7), Bytes(3, 9)};
    auto a = in(bulk_in, 1024), b = in(bulk_in, 1024), c = in(bulk_in, 1024);
    EXPECT_EQ(device.pump_bulk_in(), 3u);
    EXPECT_EQ(results[a].actual, 1024u);
    EXPECT_EQ(results[b].actual, 0u);
    EXPECT_EQ(results[b].status, 0);
    EXPECT_EQ(results[c].actual, 3u);
}

TEST_F(Device, OverrunsABufferThatIsTooSmall) {
    downlink = {Bytes(1500, 7), Bytes(1500, 9)};
    auto a = in(bulk_in, 1024), b = in(bulk_in, 1024), c = in(bulk_in, 1400);
    device.pump_bulk_in();
    EXPECT_EQ(results[a].actual, 1024u);
    EXPECT_EQ(results[b].actual, 476u); // the rest of the same transfer
    EXPECT_EQ(results[c].status, -EOVERFLOW);
    EXPECT_LE(results[c].data.size(), 1400u);
}

TEST_F(Device, StallsUntilTheHaltIsCleared) {
    device.fail_bulk_in(-EPIPE);
    downlink = {Bytes(3, 9)};
    auto a = in(bulk_in, 512), b = in(bulk_in, 512);
    device.pump_bulk_in();
    EXPECT_EQ(results[a].status, -EPIPE);
    EXPECT_EQ(results[b].status, -EPIPE);
    EXPECT_EQ(control({0x82, 0, 0, 0, bulk_in, 0, 2, 0}).data, (Bytes{1, 0}));
    control({0x02, 1, 0, 0, bulk_in, 0, 0, 0});
    auto c = in(bulk_in, 512);
    device.pump_bulk_in();
    EXPECT_EQ(results[c].actual, 3u);

    device.fail_bulk_out(-EPIPE);
    auto d = out({1}), e = out({2});
    device.release_bulk_out(Clock::now());
    EXPECT_EQ(results[d].status, -EPIPE);
    EXPECT_EQ(results[e].status, -EPIPE);
    control({0x02, 1, 0, 0, bulk_out, 0, 0, 0});
    EXPECT_EQ(results[out({3})].status, 0);
    EXPECT_EQ(uplink.size(), 1u);
}

TEST_F(Device, HoldsTheUplinkInOrder) {
    device.hold_bulk_out(true);
    auto a = out(Bytes(512), true), b = out({2});
    device.release_bulk_out(Clock::now());
    EXPECT_FALSE(done(a) || done(b));
    EXPECT_TRUE(device.cancel(b));
    device.hold_bulk_out(false);
    auto c = out({3, 4}, true);
    device.release_bulk_out(Clock::now());
    EXPECT_TRUE(done(a) && done(c) && !done(b));
    // An empty packet follows whole packets only.
    EXPECT_EQ(uplink, (std::vector<std::pair<size_t, bool>>{{512, true}, {2, false}}));
}

TEST_F(Device, TakesTheUplinkNoFasterThanItsRate) {
    device.set_bulk_out_rate(8000); // a byte a millisecond
    auto now = Clock::now();
    auto a = out(Bytes(100)), b = out(Bytes(100));
    auto due = device.release_bulk_out(now);
    EXPECT_FALSE(done(a));
    ASSERT_TRUE(due);
    while (due && !done(b)) {
        now = *due;
        due = device.release_bulk_out(now);
    }
    EXPECT_TRUE(done(a) && done(b));
}

TEST_F(Device, TakesTheUplinkOnceItIsQuiet) {
    constexpr auto quiet = std::chrono::hours(1);
    device.set_bulk_out_quiet(quiet);
    auto a = out(Bytes(100)), b = out(Bytes(100));
    auto due = device.release_bulk_out(Clock::now());
    EXPECT_FALSE(done(a) || done(b));
    ASSERT_TRUE(due && *due > Clock::now());
    auto c = out(Bytes(100));
    EXPECT_GT(device.release_bulk_out(*due), due);
    EXPECT_FALSE(done(a) || done(b) || done(c));
    EXPECT_FALSE(device.release_bulk_out(Clock::now() + quiet));
    EXPECT_TRUE(done(a) && done(b) && done(c));
}

TEST_F(Device, ForgetsHaltsAndDtrWhenConfiguredAnew) {
    control({0x21, 0x22, 1, 0, 4, 0, 0, 0});
    control({0x02, 3, 0, 0, bulk_in, 0, 0, 0});
    control({0x00, 0x09, 1, 0, 0, 0, 0, 0});
    EXPECT_EQ(device.dtr(), 0u);
    EXPECT_EQ(control({0x82, 0, 0, 0, bulk_in, 0, 2, 0}).data, (Bytes{0, 0}));
    EXPECT_EQ(control({0x00, 0x09, 2, 0, 0, 0, 0, 0}).status, -EPIPE);
}

} // namespace
