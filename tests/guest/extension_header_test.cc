// SPDX-License-Identifier: GPL-2.0
// What may stand between the IP header and TCP or UDP: IPv6 extension headers, IPv4 options,
// fragments. Neither the module's checksums nor the driver's segments may go wrong over it.
#include "../modem/pattern.h"
#include "map_frames.h"
#include "offloads.h"
#include "packets.h"
#include "stack_counters.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>

namespace guest {
namespace {

constexpr uint16_t port = 7777;

// Something between the headers.
struct Insertion {
    const char *name;
    bool v6;
    std::function<Bytes(const Bytes &packet)> into;
};

// A route that the packet has come to the end of; nobody knows its type 0 by now but to skip it.
ExtensionHeader used_route() {
    ExtensionHeader header{routing_header, Bytes(23)};
    header.bytes[0] = 2;
    return header;
}

// A packet in one 'fragment'.
ExtensionHeader whole_fragment() {
    return {fragment_header, Bytes(7)};
}

Insertion extensions(const char *name, std::vector<ExtensionHeader> headers) {
    return {name, true,
            [headers](const Bytes &packet) { return with_extension_headers(packet, headers); }};
}

Insertion options(const char *name, size_t size) {
    constexpr uint8_t no_operation = 1;
    return {name, false,
            [=](const Bytes &packet) { return with_options(packet, Bytes(size, no_operation)); }};
}

const std::vector<Insertion> insertions = {
    extensions("hop-by-hop", {experimental_header(hop_by_hop, 8)}),
    extensions("destination options", {experimental_header(destination_options, 8)}),
    extensions("long destination options", {experimental_header(destination_options, 512)}),
    extensions("routing", {used_route()}),
    extensions("fragment", {whole_fragment()}),
    extensions("all",
               {experimental_header(hop_by_hop, 16), experimental_header(destination_options, 8),
                used_route(), whole_fragment(), experimental_header(destination_options, 24)}),
    options("options", 4),
    options("as many options as there can be", 40),
};

class ExtensionHeaders : public testing::TestWithParam<Setup> {
  protected:
    ExtensionHeaders()
        : driver("qmap_mode=" + std::to_string(GetParam().mode)),
          bench(GetParam().profile, GetParam().mode, {.downlink_packet = [this](Bytes packet) {
                    const std::lock_guard lock(mutex);
                    return downlink ? downlink(std::move(packet)) : packet;
                }}) {
        // Large enough for GRO to have something to merge.
        DataFormat format = bench.own_format();
        format.dl_max_size = 16384;
        bench.agree(format);
        for (const Pdn &pdn : bench.pdns())
            bench.connect(pdn);
    }

    const Pdn &pdn() { return bench.pdns().back(); }
    void send_all(const std::vector<Bytes> &packets, bool vouched) {
        bench.modem().inject_transfer(
            data_frames(bench.own_format().dl, pdn().mux_id, packets, vouched));
    }
    // nullptr: nothing any more.
    void network_sends(std::function<Bytes(Bytes)> changed) {
        const std::lock_guard lock(mutex);
        downlink = std::move(changed);
    }

    std::mutex mutex;
    std::function<Bytes(Bytes)> downlink;
    LoadedDriver driver;
    Bench bench;
};

// ---- down

Bytes spoilt(Bytes packet) {
    packet.back() ^= 1;
    return packet;
}

// Whatever the module says: it can't have checked the checksum of what it does not find.
TEST_P(ExtensionHeaders, OfReceivedUdp) {
    UdpReceiver receiver(pdn(), port);
    uint64_t offset = 0;
    for (const bool merging : {true, false}) {
        turn(pdn().netdev, gro, merging);
        for (const Insertion &insertion : insertions)
            for (const bool vouched : {true, false}) {
                SCOPED_TRACE(std::string(insertion.name) + (vouched ? ", vouched for" : ""));
                std::vector<Bytes> payloads, packets;
                for (size_t size : {1000, 999, 998, 8, 1}) {
                    payloads.emplace_back(size);
                    vmodem::fill_pattern(offset, payloads.back());
                    offset += size;
                    const Bytes packet =
                        insertion.into(udp_packet(pdn(), insertion.v6, payloads.back(), port));
                    packets.push_back(spoilt(packet));
                    packets.push_back(packet);
                }
                send_all(packets, vouched);
                for (const Bytes &payload : payloads)
                    ASSERT_TRUE(receiver.receive() == payload) << payload.size();
            }
    }
}

// The same of fragments, each of which has the headers.
TEST_P(ExtensionHeaders, OfReceivedFragments) {
    UdpReceiver receiver(pdn(), port);
    Bytes payload(1400);
    vmodem::fill_pattern(1, payload);
    const auto send = [&](const Insertion &insertion, const Bytes &packet, bool vouched) {
        std::vector<Bytes> fragments = in_fragments(packet, 512);
        std::ranges::transform(fragments, fragments.begin(), insertion.into);
        send_all(fragments, vouched);
    };
    for (const Insertion &insertion : insertions) {
        if (std::string(insertion.name) == "fragment" || std::string(insertion.name) == "all")
            continue; // not twice in a packet
        for (const bool vouched : {true, false}) {
            SCOPED_TRACE(std::string(insertion.name) + (vouched ? ", vouched for" : ""));
            const Bytes packet = udp_packet(pdn(), insertion.v6, payload, port);
            send(insertion, spoilt(packet), vouched);
            send(insertion, packet, vouched);
            ASSERT_TRUE(receiver.receive() == payload);
        }
    }
}

uint64_t tcp_checksum_errors() {
    return stack_counter("/proc/net/snmp", "Tcp:InCsumErrors");
}

// TCP, where each lost segment is sent again and each spoilt one counted.
TEST_P(ExtensionHeaders, OfReceivedTcp) {
    constexpr uint64_t bytes = 500'000;
    constexpr unsigned spoil_every = 100;
    constexpr size_t data_packet = 1000;
    for (const Insertion &insertion : insertions) {
        SCOPED_TRACE(insertion.name);
        const uint64_t bad = tcp_checksum_errors();
        unsigned packets = 0;
        network_sends([&](Bytes packet) {
            if ((packet[0] >> 4 == 6) != insertion.v6)
                return packet;
            const bool spoil = packet.size() >= data_packet && ++packets % spoil_every == 0;
            packet = insertion.into(packet);
            return spoil ? spoilt(packet) : packet;
        });
        EXPECT_EQ(tcp_download(insertion.v6 ? pdn().ipv6() : pdn().ipv4(), bytes), "");
        network_sends(nullptr);
        EXPECT_GE(packets, bytes / 1500);
        EXPECT_TRUE(wait_until([&] {
            return tcp_checksum_errors() - bad == packets / spoil_every;
        })) << tcp_checksum_errors() - bad
            << " of " << packets << " packets";
    }
}

// ---- up

// The headers by socket options, as whoever may use raw sockets can have them.
void set_option(int socket, int level, int name, const Bytes &value) {
    if (setsockopt(socket, level, name, value.data(), value.size()))
        throw std::system_error(errno, std::generic_category(), "header option");
}

Bytes with_next(const ExtensionHeader &header) {
    Bytes bytes{0};
    bytes.insert(bytes.end(), header.bytes.begin(), header.bytes.end());
    return bytes;
}

using Prepare = std::function<void(int socket)>;

Prepare set_experiment(int name, uint8_t type, size_t size) {
    return [=](int socket) {
        set_option(socket, IPPROTO_IPV6, name, with_next(experimental_header(type, size)));
    };
}

Prepare set_options(size_t size) {
    return [=](int socket) { set_option(socket, IPPROTO_IP, IP_OPTIONS, Bytes(size, 1)); };
}

TEST_P(ExtensionHeaders, OfSentPackets) {
    const Prepare hop = set_experiment(IPV6_HOPOPTS, hop_by_hop, 8),
                  destination = set_experiment(IPV6_DSTOPTS, destination_options, 24);
    const std::vector<std::pair<const char *, Prepare>> v6 = {
        {"hop-by-hop", hop},
        {"destination options", destination},
        {"both",
         [&](int socket) {
             hop(socket);
             destination(socket);
         }},
        // More than fits the buffer that headers are made in.
        {"long destination options", set_experiment(IPV6_DSTOPTS, destination_options, 512)},
    };
    const std::vector<std::pair<const char *, Prepare>> v4 = {
        {"options", set_options(4)},
        {"as many options as there can be", set_options(40)},
    };
    const auto expect_traffic = [&](const Target &target) {
        EXPECT_EQ(tcp_upload(target, 500'000), "");
        EXPECT_EQ(tcp_download(target, 200'000), "");
        for (size_t size : {0, 1, 500, 900, 1400, 1500, 5001, 20'000})
            EXPECT_EQ(udp_echo(target, size), "") << size;
        expect_sound_uplink(bench, pdn());
    };
    for (const bool offload : {true, false}) {
        for (const Offload &what : {tx_checksum, scatter_gather, tso, gso})
            if (offload || what.command == tx_checksum.command)
                turn(pdn().netdev, what, offload);
        for (const auto &[of_version, target] : {std::pair{v6, pdn().ipv6()}, {v4, pdn().ipv4()}})
            for (const auto &[name, prepare] : of_version) {
                SCOPED_TRACE(name);
                Target with_headers = target;
                with_headers.prepare = prepare;
                expect_traffic(with_headers);
            }
    }
}

// The address in the IP header is not the one that the checksum covers then.
TEST_P(ExtensionHeaders, OfPacketsSentOnARoute) {
    Target v4{pdn().netdev, "192.0.2.7"}, v6{pdn().netdev, "2001:db8:ffff::7"};
    v4.prepare = [&](int socket) {
        Bytes route = {1, 131, 7, 4, 0, 0, 0, 0}; // 'no operation' before it, for the alignment
        inet_pton(AF_INET, pdn().ipv4().address.c_str(), &route[4]);
        set_option(socket, IPPROTO_IP, IP_OPTIONS, route);
    };
    v6.prepare = [&](int socket) {
        Bytes route = {0, 2, 2, 1, 0, 0, 0, 0};
        route.resize(24);
        inet_pton(AF_INET6, pdn().ipv6().address.c_str(), &route[8]);
        set_option(socket, IPPROTO_IPV6, IPV6_RTHDR, route);
    };
    for (const Target &target : {v4, v6}) {
        SCOPED_TRACE(target.address);
        EXPECT_EQ(tcp_upload(target, 500'000), "");
        EXPECT_EQ(tcp_download(target, 200'000), "");
    }
    // Linux itself computes it wrongly for UDP over IPv4.
    EXPECT_EQ(udp_echo(v6, 1000), "");
    EXPECT_EQ(udp_echo(v6, 5000), "");
    expect_sound_uplink(bench, pdn());
}

INSTANTIATE_TEST_SUITE_P(Modes, ExtensionHeaders,
                         testing::Values(Setup{"ec25", 2}, Setup{"rm500q", 2}), name_of);

} // namespace
} // namespace guest
