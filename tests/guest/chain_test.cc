// SPDX-License-Identifier: GPL-2.0
// UDP datagrams that the driver hands to the stack as one: which, and that whoever receives them
// sees the datagrams that came; and that none of it happens where packets are forwarded.
#include "../modem/file_descriptor.h"
#include "../modem/ip_wire.h"
#include "map_frames.h"
#include "offloads.h"
#include "packets.h"
#include "stress.h"

#include <array>

namespace guest {
namespace {

using namespace vmodem::ip;
using Packets = std::vector<Bytes>;

constexpr uint16_t port = 7777;
constexpr size_t full = 1000;

// Datagrams of one flow, from the network behind the first PDN.
struct Flow {
    Path path;
    uint16_t to = port;
    uint8_t traffic_class = 0, hop_limit = 64;
    bool checksum = true;
    uint8_t number = 0;
    Packets packets = {};

    Flow &one(size_t payload) {
        Bytes content(payload);
        for (size_t at = 0; at < payload; at++)
            content[at] = number + at * 7;
        number++;
        Bytes packet = udp_packet(path, content, to, hop_limit);
        if (!checksum)
            store16(&payload_of(packet)[6], 0);
        set_traffic_class(packet, traffic_class);
        if (!path.v6) {
            store16(&packet[4], number * 111); // no matter to who receives it
            fill_header_checksum(packet);
        }
        packets.push_back(packet);
        return *this;
    }
    Flow &full_ones(unsigned count) {
        while (count--)
            one(full);
        return *this;
    }
};

Bytes payload_of_udp(const Bytes &packet) {
    return Bytes(packet.begin() + (packet[0] >> 4 == 6 ? 48 : 28), packet.end());
}

// What the stack gets of the driver is of concern if it is UDP for the port.
std::optional<size_t> payload_if_ours(const Bytes &packet) {
    const bool v6 = !packet.empty() && packet[0] >> 4 == 6;
    const size_t headers = v6 ? 48 : 28;
    if (packet.size() < headers || packet[v6 ? 6 : 9] != 17 || load16(&packet[headers - 6]) < port)
        return std::nullopt;
    return packet.size() - headers;
}

class Chain : public testing::TestWithParam<Setup> {
  protected:
    Chain()
        : driver("qmap_mode=" + std::to_string(GetParam().mode)), bench(GetParam()),
          version(bench.modem().format().dl) {
        bench.connect_all();
        receiver.emplace(pdn(), port);
        go_past_gro();
    }

    const Pdn &pdn() { return bench.pdn(1); }
    Flow flow(bool v6) { return {path_from(pdn(), v6)}; }
    void send(const Packets &packets, bool vouched = true) {
        bench.modem().inject_transfer(data_frames(version, pdn().mux_id, packets, vouched));
    }
    // The driver first sees whether GRO makes something of UDP, and looks again now and then.
    void go_past_gro() {
        for (unsigned i = 0; i < 20; i++) {
            send(flow(false).one(10).packets);
            EXPECT_TRUE(receiver->receive());
        }
    }
    // Each datagram is received by itself; with a tap on the netdev in so many pieces, if what
    // comes by chance to be GRO's is tried again.
    void expect(const Packets &packets, unsigned pieces, bool vouched = true) {
        size_t payload = 0;
        for (const Bytes &packet : packets)
            payload += payload_of_udp(packet).size();
        unsigned found = 0;
        for (unsigned turn = 0; turn < 2 && found != pieces; turn++) {
            const vmodem::FileDescriptor tap(packet_socket(pdn().netdev));
            send(packets, vouched);
            found = take_packets(tap.get(), payload, payload_if_ours).size();
            expect_received(packets);
        }
        EXPECT_EQ(found, pieces);
        send(packets, vouched); // and without the tap
        expect_received(packets);
    }
    void expect_received(const Packets &packets) {
        for (size_t i = 0; i < packets.size(); i++)
            ASSERT_EQ(receiver->receive(), payload_of_udp(packets[i])) << i;
    }

    LoadedDriver driver;
    Bench bench;
    const Qmap version;
    std::optional<UdpReceiver> receiver;
};

TEST_P(Chain, WhatContinues) {
    for (const bool v6 : {false, true})
        for (const bool vouched : {false, true}) {
            SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
            expect(flow(v6).full_ones(10).packets, 1, vouched);
            expect(flow(v6).full_ones(3).one(300).packets, 1, vouched);
            expect(flow(v6).full_ones(3).one(1).packets, 1, vouched);
            expect(flow(v6).full_ones(3).one(300).full_ones(2).packets, 2, vouched);
            expect(flow(v6).one(300).full_ones(2).packets, 2, vouched);
            expect(flow(v6).one(300).packets, 1, vouched);
        }
    Flow none = flow(false); // as some send it on IPv4
    none.checksum = false;
    expect(none.full_ones(5).packets, 1, false);
}

// Two pieces each, as something that the receiver may look at changes between the third and fourth.
TEST_P(Chain, WhatDoesNot) {
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        for (const auto &change : std::initializer_list<std::function<void(Flow &)>>{
                 [](Flow &f) { f.traffic_class = 3; }, [](Flow &f) { f.hop_limit--; },
                 [](Flow &f) { f.path.local.bytes[2]++; }}) {
            Flow f = flow(v6);
            f.full_ones(3);
            change(f);
            expect(f.full_ones(3).packets, 2);
        }
        // Another receiver's are no obstacle.
        UdpReceiver other(pdn(), port + 1);
        Flow f = flow(v6);
        f.full_ones(3);
        f.to++;
        f.one(full);
        f.to--;
        f.full_ones(3);
        send(f.packets);
        EXPECT_EQ(other.receive(), payload_of_udp(f.packets[3]));
        f.packets.erase(f.packets.begin() + 3);
        expect_received(f.packets);
    }
}

// What is wrong with one does no harm to the others.
TEST_P(Chain, WrongOnes) {
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        const size_t udp = v6 ? 40 : 20;
        const Packets good = flow(v6).full_ones(7).packets;
        Packets others = good;
        others.erase(others.begin() + 3);
        const std::function<void(Bytes &)> damages[] = {
            [](Bytes &packet) { packet.back() ^= 1; },      // checksum
            [&](Bytes &packet) { packet[udp + 4] = 0xff; }, // too long
            [&](Bytes &packet) { store16(&packet[udp + 4], 7); },
        };
        for (const auto &damage : damages) {
            Packets packets = good;
            damage(packets[3]);
            send(packets, false);
            expect_received(others);
        }
    }
}

TEST_P(Chain, IsLro) {
    EXPECT_TRUE(has_lro(pdn().netdev));
    turn_lro(pdn().netdev, false);
    expect(flow(false).full_ones(5).packets, 5);
    turn_lro(pdn().netdev, true);
    expect(flow(false).full_ones(5).packets, 1);

    // Who forwards does without.
    set_forwarding(true);
    EXPECT_FALSE(has_lro(pdn().netdev));
    expect(flow(false).full_ones(5).packets, 5);
    set_forwarding(false);
    turn_lro(pdn().netdev, true);
    ASSERT_EQ(run("ip link add br0 type bridge && ip link set " + pdn().netdev + " master br0"), 0);
    EXPECT_FALSE(has_lro(pdn().netdev));
    ASSERT_EQ(run("ip link del br0"), 0);
}

// More than one skb can hold, and than the flows that are kept apart; each flow stays in order.
TEST_P(Chain, Many) {
    constexpr unsigned flows = 12, each = 8, rounds = 50;
    const size_t payload = bench.own_format().dl_max_size / flows / each - 64;
    receiver->hold(8 << 20);
    Packets packets;
    for (unsigned i = 0; i < flows; i++) {
        Flow f = flow(i % 2);
        f.path.local.bytes[2] += i;
        f.number = i * each;
        for (unsigned n = 0; n < each; n++)
            f.one(payload);
        packets.insert(packets.end(), f.packets.begin(), f.packets.end());
    }
    for (unsigned i = 0; i < rounds; i++)
        send(packets);
    std::array<unsigned, flows> received{};
    for (unsigned i = 0; i < rounds * flows * each; i++) {
        const auto found = receiver->receive();
        ASSERT_TRUE(found) << i;
        const uint8_t number = found->at(0);
        ASSERT_LT(number, flows * each);
        EXPECT_EQ(*found, payload_of_udp(packets[number]));
        EXPECT_EQ(received[number / each]++ % each, number % each);
    }
    const Packets small = flow(false).one(8).one(8).packets;
    for (unsigned i = 0; i < 3000; i++)
        send(small);
    for (unsigned i = 0; i < 3000; i++)
        ASSERT_NO_FATAL_FAILURE(expect_received(small));
}

INSTANTIATE_TEST_SUITE_P(Modes, Chain, testing::Values(Setup{"eg12", 1}, Setup{"rm500q", 2}),
                         name_of);

} // namespace
} // namespace guest
