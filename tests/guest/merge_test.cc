// SPDX-License-Identifier: GPL-2.0
// TCP segments that the driver hands to the stack as one: which, and that the packets which come of
// them, when they are forwarded to where nothing may be left whole, are those that came.
#include "../modem/file_descriptor.h"
#include "../modem/ip_wire.h"
#include "map_frames.h"
#include "offloads.h"
#include "packets.h"
#include "stress.h"
#include "tcp_segment.h"

#include <algorithm>

namespace guest {
namespace {

using namespace vmodem::ip;
using Packets = std::vector<Bytes>;

constexpr uint16_t first_port = 30000;
constexpr size_t full = 1000;

size_t ip_size(const Bytes &packet) {
    return packet[0] >> 4 == 6 ? 40 : 20;
}

size_t tcp_payload(const Bytes &packet) {
    const size_t ip = ip_size(packet);
    return packet.size() - ip - (packet[ip + 12] >> 4) * 4;
}

std::optional<size_t> payload_if_ours(const Bytes &packet) {
    const size_t ip = packet.empty() ? 0 : ip_size(packet);
    if (packet.size() < ip + 20 || packet[ip == 40 ? 6 : 9] != 6 ||
        load16(&packet[ip]) < first_port)
        return std::nullopt;
    return tcp_payload(packet);
}

// A netdev behind which nothing is, and what this machine forwards there.
class Sink {
  public:
    Sink() {
        EXPECT_EQ(run("ip link add sink type dummy"), 0);
        EXPECT_EQ(set_up("sink", true), 0);
        add_address("sink", "10.201.0.1/24");
        add_address("sink", "fd01::1/64");
        set_forwarding(true);
        fd_ = vmodem::FileDescriptor(packet_socket("sink"));
    }
    ~Sink() {
        set_forwarding(false);
        EXPECT_EQ(run("ip link del sink"), 0);
    }

    // With segmentation the netdev takes what is merged; without it the stack takes that apart.
    void segments(bool itself) {
        for (const Offload &offload : {tx_checksum, scatter_gather, tso})
            turn("sink", offload, itself);
    }
    // What comes until there are so many bytes of TCP payload, headers included in the packets.
    Packets take(size_t payload) { return take_packets(fd_.get(), payload, payload_if_ours); }

  private:
    vmodem::FileDescriptor fd_;
};

// Segments of one connection, from the network to behind the sink.
struct Stream {
    Path path;
    uint16_t port = first_port;
    uint16_t window = 1000;
    uint16_t id = 0xfffd; // they count past 0
    int id_step = 1;
    bool dont_fragment = true;
    uint32_t sequence = 0xfffff000;
    uint8_t traffic_class = 0, hop_limit = 64;
    Bytes options = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}; // timestamps

    Bytes next(size_t payload, uint8_t flags = ack) {
        Bytes packet = make_packet(path, Protocol::tcp, 20 + options.size() + payload, hop_limit);
        const auto tcp = payload_of(packet);
        store16(&tcp[0], port);
        store16(&tcp[2], 5001);
        store32(&tcp[4], sequence);
        store32(&tcp[8], 0x01020304);
        tcp[12] = (20 + options.size()) / 4 << 4;
        tcp[13] = flags;
        store16(&tcp[14], window);
        std::ranges::copy(options, tcp.begin() + 20);
        for (size_t at = 20 + options.size(); at < tcp.size(); at++)
            tcp[at] = sequence + at * 7;
        sequence += payload;
        fill_payload_checksum(packet, 16);
        set_traffic_class(packet, traffic_class);
        if (path.v6)
            return packet;
        store16(&packet[4], id);
        id += id_step;
        packet[6] = dont_fragment ? 0x40 : 0;
        fill_header_checksum(packet);
        return packet;
    }
    Stream &one(size_t payload, uint8_t flags = ack) {
        packets.push_back(next(payload, flags));
        return *this;
    }
    Stream &full_ones(unsigned count) {
        while (count--)
            one(full);
        return *this;
    }

    Packets packets = {};
};

// As a router sends it on.
Bytes forwarded(Bytes packet) {
    if (packet[0] >> 4 == 6) {
        packet[7]--;
        return packet;
    }
    packet[8]--;
    fill_header_checksum(packet);
    return packet;
}

class Merge : public testing::TestWithParam<Setup> {
  protected:
    Merge()
        : driver("qmap_mode=" + std::to_string(GetParam().mode)), bench(GetParam()),
          version(bench.modem().format().dl) {
        bench.connect_all();
    }

    Stream stream(bool v6) {
        Stream s{path_from(bench.pdn(1), v6)};
        if (v6)
            s.path.remote.bytes = {0xfd, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
        else
            s.path.remote = ipv4_address(0x0ac90002);
        return s;
    }
    // What leaves of them, which the sink takes whole, or the stack has taken apart.
    Packets leaving(const Packets &packets, bool whole, bool vouched) {
        size_t payload = 0;
        for (const Bytes &packet : packets)
            payload += tcp_payload(packet);
        sink.segments(whole);
        bench.modem().inject_transfer(data_frames(version, bench.pdn(1).mux_id, packets, vouched));
        return sink.take(payload);
    }
    // Where nothing may be left whole they leave as they came. Connections may overtake each other.
    void expect_all(Packets packets, bool vouched) {
        Packets came = leaving(packets, false, vouched);
        ASSERT_EQ(came.size(), packets.size());
        const auto port = [](const Bytes &packet) { return load16(&packet[ip_size(packet)]); };
        std::ranges::stable_sort(came, {}, port);
        std::ranges::stable_sort(packets, {}, port);
        for (size_t i = 0; i < packets.size(); i++)
            EXPECT_EQ(came[i], forwarded(packets[i])) << "packet " << i;
    }
    // And elsewhere as so many pieces.
    void expect(const Stream &stream, size_t pieces, bool vouched = true) {
        EXPECT_EQ(leaving(stream.packets, true, vouched).size(), pieces);
        expect_all(stream.packets, vouched);
    }

    LoadedDriver driver;
    Bench bench;
    const Qmap version;
    Sink sink;
};

TEST_P(Merge, WhatContinues) {
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        for (const bool vouched : {false, true})
            expect(stream(v6).full_ones(10), 1, vouched);
        expect(stream(v6).full_ones(3).one(300), 1);
        expect(stream(v6).full_ones(3).one(300).full_ones(2), 2);
        expect(stream(v6).one(300).full_ones(2), 2);
        expect(stream(v6).full_ones(3).one(full, ack | psh).full_ones(3), 2);
        Stream s = stream(v6);
        s.options.clear();
        expect(s.full_ones(7), 1);
        s = stream(v6);
        s.id_step = 0; // as some servers have it
        expect(s.full_ones(5), 1);
    }
}

TEST_P(Merge, ConnectionsByTheirOwn) {
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        Packets mixed;
        std::vector<Stream> streams(3, stream(v6));
        for (uint16_t i = 0; i < streams.size(); i++)
            streams[i].port += i;
        for (unsigned round = 0; round < 4; round++)
            for (Stream &s : streams)
                mixed.push_back(s.next(full));
        // Two of them may share a place.
        EXPECT_LT(leaving(mixed, true, true).size(), mixed.size());
        expect_all(mixed, true);
    }
}

// Segments between which another connection's come take a place each in an skb, of which it has 17.
TEST_P(Merge, MorePiecesThanAnSkbHolds) {
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        Packets mixed;
        std::vector<Stream> streams(2, stream(v6));
        for (Stream &s : streams)
            s.options.clear();
        streams[1].port++;
        for (unsigned round = 0; round < 19; round++)
            for (Stream &s : streams)
                mixed.push_back(s.next(20));
        EXPECT_LT(leaving(mixed, true, true).size(), mixed.size() / 2);
        expect_all(mixed, true);
    }
}

// Two pieces each, as something changes between the third and the fourth.
TEST_P(Merge, WhatDoesNot) {
    const std::pair<const char *, std::function<void(Stream &)>> changes[] = {
        {"a gap", [](Stream &s) { s.sequence += full; }},
        {"again", [](Stream &s) { s.sequence -= full; }},
        {"window", [](Stream &s) { s.window++; }},
        {"timestamps", [](Stream &s) { s.options[7]++; }},
        {"options", [](Stream &s) { s.options.clear(); }},
        {"congestion experienced", [](Stream &s) { s.traffic_class = 3; }},
        {"hop limit", [](Stream &s) { s.hop_limit--; }},
    };
    for (const bool v6 : {false, true})
        for (const auto &[name, change] : changes) {
            SCOPED_TRACE(std::string(name) + (v6 ? ", IPv6" : ", IPv4"));
            Stream s = stream(v6);
            s.full_ones(3);
            change(s);
            expect(s.full_ones(3), 2);
        }
    Stream s = stream(false);
    s.full_ones(3).id += 5;
    expect(s.full_ones(3), 2);
    s = stream(false);
    s.full_ones(3).id_step = 0;
    s.id--;
    expect(s.full_ones(3), 2);
    s = stream(false);
    s.id_step = 0; // fragments of them could not be told apart
    s.dont_fragment = false;
    expect(s.full_ones(3), 3);
}

TEST_P(Merge, WhatStaysAlone) {
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        for (const int flags : {ack | fin, ack | rst, ack | 0x40, ack | 0x80}) {
            SCOPED_TRACE(flags);
            expect(stream(v6).full_ones(3).one(full, flags).full_ones(3), 3);
        }
        // A checksum that nobody vouches for, and that is wrong.
        Stream s = stream(v6);
        s.full_ones(7).packets[3].back() ^= 1;
        expect(s, 3, false);

        turn(bench.pdn(1).netdev, gro, false);
        expect(stream(v6).full_ones(5), 5);
        turn(bench.pdn(1).netdev, gro, true);
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, Merge, testing::Values(Setup{"eg12", 1}, Setup{"rm500q", 2}),
                         name_of);

} // namespace
} // namespace guest
