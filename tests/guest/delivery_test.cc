// SPDX-License-Identifier: GPL-2.0
// How packets reach the stack: in the memory that the driver uses again, and by GRO or past it.
#include "bench.h"
#include "map_frames.h"
#include "packets.h"

#include <algorithm>
#include <cstring>

namespace guest {
namespace {

constexpr uint16_t port = 4567;

class Delivery : public testing::TestWithParam<Setup> {
  protected:
    Delivery()
        : driver("qmap_mode=" + std::to_string(GetParam().mode)), bench(GetParam()),
          version(bench.modem().profile().qmap) {
        bench.connect_all();
    }

    // The next 'count' datagrams, each of which is all its number, in one transfer.
    void send(unsigned count, size_t payload) {
        std::vector<Bytes> packets;
        for (; count; count--, sent++) {
            Bytes content(payload);
            for (size_t at = 0; at < payload; at += sizeof(sent))
                memcpy(&content[at], &sent, sizeof(sent));
            packets.push_back(udp_packet(bench.pdn(1), false, content, port));
        }
        bench.modem().inject_transfer(data_frames(version, bench.pdn(1).mux_id, packets));
    }
    // Receives until all that was sent is there, in order; returns how many in the largest piece.
    size_t expect_all(UdpReceiver &receiver, size_t payload) {
        size_t largest = 0;
        while (received < sent) {
            const std::optional<Bytes> piece = receiver.receive();
            if (!piece || piece->empty() || piece->size() % payload) {
                ADD_FAILURE() << "after " << received << " of " << sent << ": "
                              << (piece ? "a piece of " + std::to_string(piece->size()) : "none");
                break;
            }
            largest = std::max(largest, piece->size() / payload);
            for (size_t at = 0; at < piece->size(); at += payload, received++)
                for (size_t word = 0; word < payload; word += sizeof(received))
                    if (memcmp(&(*piece)[at + word], &received, sizeof(received))) {
                        ADD_FAILURE() << "datagram " << received << " is not as sent at " << word;
                        return largest;
                    }
        }
        return largest;
    }

    LoadedDriver driver;
    Bench bench;
    const Qmap version;
    uint32_t sent = 0, received = 0;
};

// Three times what the driver has pages for, all of it held by a socket that is not read.
TEST_P(Delivery, WhatIsHeldIsNotWrittenOver) {
    constexpr unsigned datagrams = 2400, in_transfer = 2;
    constexpr size_t payload = 1400;
    UdpReceiver receiver(bench.pdn(1), port);
    receiver.hold(datagrams * 4096);
    for (unsigned i = 0; i < datagrams / in_transfer; i++)
        send(in_transfer, payload);
    EXPECT_TRUE(wait_until([&] { return bench.counter("rx_datagrams") >= datagrams; }));
    expect_all(receiver, payload);
}

// UDP goes past GRO once nothing has come of it, and back as soon as somebody asks.
TEST_P(Delivery, UdpIsMergedForWhoAsks) {
    constexpr unsigned transfers = 100, in_transfer = 20;
    constexpr size_t payload = 100;
    const auto rounds = [&](UdpReceiver &receiver) {
        size_t largest = 0;
        for (unsigned i = 0; i < transfers; i++) {
            send(in_transfer, payload);
            largest = std::max(largest, expect_all(receiver, payload));
        }
        return largest;
    };
    for (unsigned turn = 0; turn < 2; turn++) {
        SCOPED_TRACE(turn);
        UdpReceiver receiver(bench.pdn(1), port);
        EXPECT_EQ(rounds(receiver), 1u);
        receiver.take_merged();
        EXPECT_GT(rounds(receiver), in_transfer / 2);
    }
}

// Whichever way they go, and while that changes, none overtakes another.
TEST_P(Delivery, UdpStaysInOrder) {
    constexpr unsigned transfers = 600, in_transfer = 10;
    constexpr size_t payload = 100;
    UdpReceiver receiver(bench.pdn(1), port);
    receiver.hold(transfers * in_transfer * 1024);
    for (unsigned i = 0; i < transfers; i++) {
        send(in_transfer, payload);
        if (i == transfers / 2)
            receiver.take_merged();
    }
    expect_all(receiver, payload);
}

INSTANTIATE_TEST_SUITE_P(Modes, Delivery,
                         testing::Values(Setup{"ec25", 1}, Setup{"rm500q", 4},
                                         Setup{"rm500q", 1, vmodem::UsbSpeed::super}),
                         name_of);

} // namespace
} // namespace guest
