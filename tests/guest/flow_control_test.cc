// SPDX-License-Identifier: GPL-2.0
// MUX commands of the modem: flow control of one PDN, and the answers to it.
#include "bench.h"
#include "map_frames.h"

#include <gtest/gtest.h>
#include <thread>
#include <utility>

namespace guest {
namespace {

constexpr uint8_t disable = 1, enable = 2;
constexpr uint8_t ack = 1, unsupported = 2;

class FlowControl : public testing::TestWithParam<Setup> {
  protected:
    FlowControl() : driver_("qmap_mode=" + std::to_string(GetParam().mode)), bench_(GetParam()) {
        bench_.connect_all();
    }

    Modem &modem() { return bench_.modem(); }
    const Pdn &pdn() const { return bench_.pdn(1); }
    uint64_t arrived() { return modem().peer(pdn().mux_id).udp_sunk_packets; }
    // Waits for that many answers; there must be no more.
    std::vector<vmodem::MuxCommand> answers(size_t count) {
        std::vector<vmodem::MuxCommand> all;
        wait_until([&] {
            for (auto &answer : modem().take_commands())
                all.push_back(std::move(answer));
            return all.size() >= count;
        });
        EXPECT_EQ(all.size(), count);
        return all;
    }
    // Tells the driver and waits until it has acknowledged.
    void flow(const Pdn &pdn, uint8_t name) {
        const uint32_t transaction = modem().send_command(pdn.mux_id, name);
        const auto answer = answers(1);
        ASSERT_EQ(answer.size(), 1u);
        EXPECT_EQ(answer[0].mux_id, pdn.mux_id);
        EXPECT_EQ(answer[0].name, name);
        EXPECT_EQ(answer[0].type, ack);
        EXPECT_EQ(answer[0].transaction, transaction);
    }
    // The other PDNs, or without them the DL, work: what was sent before had its chance.
    void others_go_on() {
        if (bench_.mode() > 1) {
            EXPECT_EQ(udp_echo(bench_.pdn(2).ipv4(), 500), "");
            EXPECT_EQ(tcp_upload(bench_.pdn(3).ipv6(), 50'000), "");
        } else {
            UdpReceiver receiver(pdn(), 7777);
            modem().send_packet(pdn().mux_id, udp_packet(pdn(), 10, 7777));
            EXPECT_TRUE(receiver.receive());
        }
    }
    void expect_arrived(uint64_t count) {
        EXPECT_TRUE(wait_until([&] { return arrived() == count; })) << arrived() << " of " << count;
    }

    LoadedDriver driver_;
    Bench bench_;
};

TEST_P(FlowControl, AnswerIsTheRequestAcknowledged) {
    for (uint8_t name : {disable, enable}) {
        for (size_t size : {8, 12, 16, 61, 64}) {
            Bytes frame = command_frame(pdn().mux_id, name, 0, 0xdeadbe00 + size, size);
            for (size_t i = 8; i < size; i++)
                frame[4 + i] = 0xa0 + i;
            frame[4 + 2] = 0x12; // reserved bytes come back, too
            modem().inject_transfer(frame);
            const auto answer = answers(1);
            ASSERT_EQ(answer.size(), 1u) << size;
            Bytes expected(frame.begin() + 4, frame.begin() + 4 + size);
            expected[1] = ack;
            EXPECT_EQ(answer[0].body, expected) << size;
            EXPECT_EQ(answer[0].mux_id, pdn().mux_id);
        }
    }
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
}

TEST_P(FlowControl, StopsOnePdnAndLosesNothing) {
    constexpr unsigned count = 300;
    const auto before = ethtool_counters(bench_.master());
    flow(pdn(), disable);
    std::jthread flood([&] { EXPECT_EQ(udp_flood(pdn().ipv4(), count, 1000), ""); });
    others_go_on();
    EXPECT_EQ(arrived(), 0u);
    flow(pdn(), disable); // once more changes nothing
    others_go_on();
    EXPECT_EQ(arrived(), 0u);
    flow(pdn(), enable);
    flood.join();
    expect_arrived(count);
    flow(pdn(), enable);
    EXPECT_EQ(udp_echo(pdn().ipv4(), 1000), "");

    auto counters = ethtool_counters(bench_.master());
    EXPECT_EQ(counters["rx_flow_disable"] - before.at("rx_flow_disable"), 2u);
    EXPECT_EQ(counters["rx_flow_enable"] - before.at("rx_flow_enable"), 2u);
    EXPECT_EQ(counters["tx_answers"] - before.at("tx_answers"), 4u);
    EXPECT_EQ(counters["tx_answer_dropped"], 0u);
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
}

TEST_P(FlowControl, TcpAcrossAStopOfTwoSeconds) {
    constexpr uint64_t bytes = 2'000'000;
    modem().set_uplink_rate(10'000'000);
    std::jthread upload([&] { EXPECT_EQ(tcp_upload(pdn().ipv4(), bytes), ""); });
    auto sunk = [&] { return modem().peer(pdn().mux_id).tcp_sunk_bytes; };
    EXPECT_TRUE(wait_until([&] { return sunk() > bytes / 5; }));
    flow(pdn(), disable);
    // What was in a transfer before the ack was.
    EXPECT_TRUE(wait_until([&] { return modem().pending_bulk_out() == 0; }));
    const uint64_t at_stop = sunk();
    std::this_thread::sleep_for(2s);
    EXPECT_EQ(sunk(), at_stop);
    EXPECT_LT(at_stop, bytes);
    flow(pdn(), enable);
    upload.join();
    EXPECT_EQ(sunk(), bytes);
    EXPECT_EQ(statistic(pdn().netdev, "tx_dropped"), 0u);
}

// Neither what is in a transfer, nor what waits for one to complete.
TEST_P(FlowControl, NoPacketComesAfterTheAnswer) {
    constexpr unsigned count = 5;
    modem().hold_uplink(true);
    ASSERT_EQ(udp_flood(pdn().ipv4(), count, 500), "");
    modem().send_command(pdn().mux_id, disable);
    EXPECT_TRUE(wait_until([&] { return bench_.counter("rx_flow_disable") == 1; }));
    modem().set_uplink_rate(100'000);
    modem().hold_uplink(false);
    EXPECT_EQ(answers(1).size(), 1u);
    EXPECT_EQ(arrived(), count);
}

// The answer must not be lost for want of a free URB.
TEST_P(FlowControl, AnsweredWhenThereIsRoom) {
    constexpr unsigned count = 150;
    modem().hold_uplink(true);
    std::jthread flood([&] { EXPECT_EQ(udp_flood(pdn().ipv4(), count, 1400), ""); });
    EXPECT_GE(settled([&] { return modem().pending_bulk_out(); }), 2u);
    modem().send_command(pdn().mux_id, disable);
    EXPECT_TRUE(wait_until([&] { return bench_.counter("rx_flow_disable") == 1; }));
    EXPECT_TRUE(modem().take_commands().empty());
    modem().hold_uplink(false);
    const auto answer = answers(1);
    ASSERT_EQ(answer.size(), 1u);
    EXPECT_EQ(answer[0].type, ack);
    others_go_on();
    EXPECT_LT(arrived(), count);
    flow(pdn(), enable);
    flood.join();
    expect_arrived(count);
}

TEST_P(FlowControl, FloodOfCommands) {
    constexpr unsigned count = 1000;
    modem().hold_uplink(true);
    for (unsigned i = 0; i < count; i++)
        modem().inject_transfer(command_frame(pdn().mux_id, i % 2 ? enable : disable, 0, i));
    EXPECT_TRUE(wait_until([&] {
        return bench_.counter("rx_flow_disable") + bench_.counter("rx_flow_enable") == count;
    }));
    const unsigned in_flight = modem().pending_bulk_out();
    EXPECT_LE(in_flight, 16u);
    const uint64_t dropped = bench_.counter("tx_answer_dropped");
    EXPECT_GT(dropped, count - 40u);
    modem().hold_uplink(false);
    const auto all = answers(count - dropped);
    EXPECT_EQ(bench_.counter("tx_answers"), count - dropped);
    // The oldest are answered, in order.
    for (size_t i = 0; i < all.size(); i++)
        EXPECT_EQ(all[i].transaction, i);
    others_go_on();
    EXPECT_EQ(udp_echo(pdn().ipv4(), 1000), "");

    // With an uplink that takes them, as many as come, and traffic besides.
    std::jthread upload([&] { EXPECT_EQ(tcp_upload(pdn().ipv4(), 300'000), ""); });
    constexpr unsigned more = 200;
    for (unsigned i = 0; i < more; i++)
        modem().inject_transfer(command_frame(pdn().mux_id, 0x33, 0, i));
    upload.join();
    EXPECT_TRUE(wait_until([&] {
        return bench_.counter("tx_answers") + bench_.counter("tx_answer_dropped") == count + more;
    }));
    for (const auto &answer : modem().take_commands())
        EXPECT_EQ(answer.type, unsupported);
    EXPECT_EQ(modem().uplink().violations, 0u) << modem().uplink().first_violation;
}

TEST_P(FlowControl, UnplugWhileStopped) {
    KernelLog log;
    flow(pdn(), disable);
    EXPECT_EQ(udp_flood(pdn().ipv4(), 50, 1000), "");
    modem().unplug();
    EXPECT_TRUE(wait_until([&] { return !exists(bench_.master()); }));
    for (const char *text : {"BUG", "WARNING", "Oops", "waiting for"})
        EXPECT_EQ(log.count(text), 0u) << text;
}

TEST_P(FlowControl, NetdevDownAndUpWhileStopped) {
    flow(pdn(), disable);
    EXPECT_EQ(udp_flood(pdn().ipv4(), 20, 1000), "");
    ASSERT_EQ(set_up(pdn().netdev, false), 0);
    ASSERT_EQ(set_up(pdn().netdev, true), 0);
    const uint64_t before = arrived();
    EXPECT_EQ(udp_flood(pdn().ipv4(), 5, 1000), "");
    others_go_on();
    EXPECT_EQ(arrived(), before); // the modem has not said that it may go on
    flow(pdn(), enable);
    expect_arrived(before + 5);
    EXPECT_EQ(udp_echo(pdn().ipv4(), 1000), "");
}

// A new call starts with the flow on.
TEST_P(FlowControl, LinkDownAndUpResetsIt) {
    const unsigned down = bench_.mode() > 1 ? 0x80 | pdn().number : 0;
    flow(pdn(), disable);
    EXPECT_EQ(udp_flood(pdn().ipv4(), 1, 1000), ""); // is stopped, too
    ASSERT_EQ(bench_.set_link_state(down), 0);
    ASSERT_TRUE(wait_until([&] { return attribute(pdn().netdev, "operstate") != "up"; }));
    ASSERT_EQ(bench_.set_link_state(pdn().number), 0);
    ASSERT_TRUE(wait_operational(pdn().netdev));
    EXPECT_EQ(udp_echo(pdn().ipv4(), 1000), "");

    // Up while it is up is no new call.
    flow(pdn(), disable);
    const uint64_t before = arrived();
    ASSERT_EQ(bench_.set_link_state(pdn().number), 0);
    EXPECT_EQ(udp_flood(pdn().ipv4(), 3, 1000), "");
    others_go_on();
    EXPECT_EQ(arrived(), before);
    flow(pdn(), enable);
    expect_arrived(before + 3);
}

TEST_P(FlowControl, UnknownCommandsAreUnsupported) {
    for (uint8_t name : {0, 3, 4, 0x80, 0xff}) {
        modem().inject_transfer(command_frame(pdn().mux_id, name, 0, 100 + name));
        const auto answer = answers(1);
        ASSERT_EQ(answer.size(), 1u);
        EXPECT_EQ(answer[0].name, name);
        EXPECT_EQ(answer[0].type, unsupported);
        EXPECT_EQ(answer[0].transaction, 100u + name);
    }
    EXPECT_EQ(udp_echo(pdn().ipv4(), 1000), "");
}

INSTANTIATE_TEST_SUITE_P(Modes, FlowControl,
                         testing::Values(Setup{"eg12", 1}, Setup{"eg12", 4}, Setup{"rm500q", 1},
                                         Setup{"rm500q", 4}),
                         name_of);

} // namespace
} // namespace guest
