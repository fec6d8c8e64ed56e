// SPDX-License-Identifier: GPL-2.0
// Packets of all sizes, both ways, every byte compared, whatever is left to driver and module.
#include "../modem/file_descriptor.h"
#include "../modem/pattern.h"
#include "map_frames.h"
#include "offloads.h"
#include "packets.h"

#include <algorithm>
#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

namespace guest {
namespace {

constexpr uint16_t port = 7777, sink = 9;
constexpr int largest = 9000;
constexpr size_t ipv4_header = 20, ipv6_header = 40, udp_header = 8;

size_t ip_header(bool v6) {
    return v6 ? ipv6_header : ipv4_header;
}

// From the smallest with a whole UDP header: each up to beyond the usual MTU, then up to the
// largest so that each remainder of 1024, and with it of every smaller power of two, comes along.
std::vector<size_t> packet_sizes(bool v6) {
    constexpr size_t each = 1600, step = 7;
    std::vector<size_t> sizes;
    for (size_t size = ip_header(v6) + udp_header; size < largest; size += size < each ? 1 : step)
        sizes.push_back(size);
    sizes.push_back(largest);
    return sizes;
}

// What arrives at the module for the UDP sink: one stream of the pattern, in sound packets.
class Uplink {
  public:
    void receive(ByteView bytes) {
        const auto packet = vmodem::ip::parse(bytes);
        if (packet && packet->protocol == IPPROTO_UDP && packet->payload.size() >= udp_header &&
            packet->payload[2] == 0 && packet->payload[3] == sink) {
            const ByteView payload = packet->payload.subspan(udp_header);
            sound_ = sound_ && !packet->fragment && payload_checksum_right(*packet) &&
                     !vmodem::pattern_mismatches(bytes_, payload);
            bytes_ += payload.size();
            packets_++;
        }
    }
    uint64_t packets() const { return packets_; }
    // No byte was lost, doubled, changed or moved so far.
    bool sound() const { return sound_; }

  private:
    std::atomic<uint64_t> packets_ = 0, bytes_ = 0;
    std::atomic<bool> sound_ = true;
};

class PacketSizes : public testing::TestWithParam<Setup> {
  protected:
    PacketSizes()
        : driver("qmap_mode=" + std::to_string(GetParam().mode)),
          bench(GetParam().profile, GetParam().mode,
                {.uplink_packet = [this](uint8_t, ByteView packet,
                                         uint64_t) { uplink.receive(packet); }}),
          version(bench.modem().profile().qmap) {}

    const Pdn &pdn() { return bench.pdns().back(); }
    void connect(const DataFormat &format) {
        bench.agree(format);
        for (const Pdn &pdn : bench.pdns())
            bench.connect(pdn);
    }
    // As a module would do that lets the largest packets through.
    void connect_for_largest() {
        DataFormat format = bench.own_format();
        format.dl_max_size = transfer_size;
        format.ul_max_size = transfer_size;
        connect(format);
        ASSERT_EQ(set_mtu(pdn().netdev, largest), 0);
    }
    void expect_sound_uplink() {
        EXPECT_TRUE(uplink.sound());
        const vmodem::UplinkStatistics up = bench.modem().uplink();
        EXPECT_EQ(up.violations, 0u) << up.first_violation;
        EXPECT_EQ(statistic(pdn().netdev, "tx_dropped"), 0u);
    }

    static constexpr size_t transfer_size = 31744;
    Uplink uplink;
    LoadedDriver driver;
    Bench bench;
    const Qmap version;
};

// ---- down

class DownlinkSizes : public PacketSizes {
  protected:
    // One of each size, 'times' in a row; one stream of the pattern in all.
    void expect_all(UdpReceiver &receiver, bool v6, unsigned times) {
        const size_t headers = ip_header(v6) + udp_header;
        Bytes transfer;
        std::vector<size_t> payloads;
        const auto exchange = [&] {
            bench.modem().inject_transfer(transfer);
            for (size_t i = 0; i < payloads.size();) {
                const auto piece = receiver.receive();
                ASSERT_TRUE(piece) << "no datagram of " << payloads[i];
                // Nothing but equal datagrams is merged.
                const size_t merged = payloads[i] ? piece->size() / payloads[i] : 1;
                ASSERT_EQ(piece->size(), payloads[i] * merged);
                ASSERT_LE(merged, times);
                ASSERT_EQ(vmodem::pattern_mismatches(received, *piece), 0u) << payloads[i];
                received += piece->size();
                i += merged;
            }
            transfer.clear();
            payloads.clear();
        };
        for (const size_t size : packet_sizes(v6)) {
            for (unsigned i = 0; i < times; i++) {
                Bytes payload(size - headers);
                vmodem::fill_pattern(sent, payload);
                sent += payload.size();
                const Bytes frame =
                    data_frame(version, pdn().mux_id, udp_packet(pdn(), v6, payload, port));
                if (transfer.size() + frame.size() > transfer_size) {
                    ASSERT_NO_FATAL_FAILURE(exchange());
                }
                transfer.insert(transfer.end(), frame.begin(), frame.end());
                payloads.push_back(payload.size());
            }
        }
        exchange();
    }

    uint64_t sent = 0, received = 0;
};

TEST_P(DownlinkSizes, ArriveWhole) {
    connect_for_largest();
    UdpReceiver receiver(pdn(), port);
    receiver.hold(64 * transfer_size); // as many packets as fit a transfer, at 1 KiB or more each
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        expect_all(receiver, v6, 1);
        for (const Offload &off : {gro, rx_checksum}) {
            SCOPED_TRACE(off.name);
            turn(pdn().netdev, off, false);
            expect_all(receiver, v6, 1);
        }
        turn(pdn().netdev, gro, true);
        turn(pdn().netdev, rx_checksum, true);
    }
    receiver.take_merged();
    for (const bool v6 : {false, true})
        expect_all(receiver, v6, 2);
}

// What says UDP and is shorter than its header.
TEST_P(DownlinkSizes, WithoutAWholeHeader) {
    connect_for_largest();
    for (const bool v6 : {false, true}) {
        const vmodem::FileDescriptor fd(
            socket(v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_UDP));
        ASSERT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, pdn().netdev.c_str(),
                             pdn().netdev.size()),
                  0);
        for (const bool merging : {true, false}) {
            turn(pdn().netdev, gro, merging);
            std::vector<Bytes> packets;
            for (size_t payload = 0; payload < udp_header; payload++) {
                Bytes packet = vmodem::ip::make_packet(path_from(pdn(), v6),
                                                       vmodem::ip::Protocol::udp, payload);
                vmodem::fill_pattern(payload, vmodem::ip::payload_of(packet));
                if (!v6)
                    vmodem::ip::fill_header_checksum(packet);
                packets.push_back(std::move(packet));
            }
            bench.modem().inject_transfer(data_frames(version, pdn().mux_id, packets));
            for (const Bytes &packet : packets) {
                pollfd p{fd.get(), POLLIN, 0};
                ASSERT_EQ(poll(&p, 1, int(std::chrono::milliseconds(patience).count())), 1)
                    << packet.size();
                Bytes received(packet.size() + 1);
                received.resize(recv(fd.get(), received.data(), received.size(), 0));
                // IPv6's raw sockets leave the IP header out.
                EXPECT_TRUE(
                    std::ranges::equal(received, ByteView(packet).subspan(v6 ? ipv6_header : 0)))
                    << packet.size();
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, DownlinkSizes,
                         testing::Values(Setup{"ec25", 2}, Setup{"rm500q", 2}), name_of);

// ---- up

// Datagrams to the sink, which make one stream of the pattern.
class PatternSender {
  public:
    PatternSender(const Target &target, uint64_t &stream) : stream_(stream) {
        const bool v6 = target.address.find(':') != std::string::npos;
        const int unfragmented = IP_PMTUDISC_DO; // and IPv6's the same
        sockaddr_storage to{};
        socklen_t size = sizeof(sockaddr_in6);
        if (v6) {
            auto &address = reinterpret_cast<sockaddr_in6 &>(to);
            address.sin6_family = AF_INET6;
            address.sin6_port = htons(sink);
            inet_pton(AF_INET6, target.address.c_str(), &address.sin6_addr);
        } else {
            auto &address = reinterpret_cast<sockaddr_in &>(to);
            address.sin_family = AF_INET;
            address.sin_port = htons(sink);
            inet_pton(AF_INET, target.address.c_str(), &address.sin_addr);
            size = sizeof(address);
        }
        fd_ = vmodem::FileDescriptor(socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!fd_ ||
            setsockopt(fd_.get(), SOL_SOCKET, SO_BINDTODEVICE, target.netdev.c_str(),
                       target.netdev.size()) ||
            setsockopt(fd_.get(), v6 ? IPPROTO_IPV6 : IPPROTO_IP,
                       v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &unfragmented,
                       sizeof(unfragmented)) ||
            ::connect(fd_.get(), reinterpret_cast<sockaddr *>(&to), size))
            throw std::system_error(errno, std::generic_category(), "UDP sender");
    }

    // 0 or the errno; in datagrams of 'segment', unless that is 0.
    int send(size_t bytes, int segment = 0) {
        if (setsockopt(fd_.get(), SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment)))
            return errno;
        Bytes payload(bytes);
        vmodem::fill_pattern(stream_, payload);
        if (::send(fd_.get(), payload.data(), payload.size(), 0) < 0)
            return errno;
        stream_ += bytes;
        return 0;
    }

  private:
    vmodem::FileDescriptor fd_;
    uint64_t &stream_;
};

class UplinkSizes : public PacketSizes {
  protected:
    PatternSender sender(bool v6) { return {v6 ? pdn().ipv6() : pdn().ipv4(), stream}; }
    void wait_for(uint64_t packets) {
        EXPECT_TRUE(wait_until([&] { return uplink.packets() == packets; }))
            << uplink.packets() << " of " << packets;
    }
    // One write for each size; with 'segments', of two such datagrams and a shorter one.
    void expect_all(bool v6, bool segments) {
        uint64_t packets = uplink.packets();
        PatternSender to = sender(v6);
        for (const size_t size : packet_sizes(v6)) {
            const size_t payload = size - ip_header(v6) - udp_header;
            if (!segments) {
                ASSERT_EQ(to.send(payload), 0) << size;
                packets++;
            } else if (payload > 1) {
                ASSERT_EQ(to.send(2 * payload + payload / 2, payload), 0) << size;
                packets += 3;
            }
        }
        wait_for(packets);
    }

    uint64_t stream = 0;
};

TEST_P(UplinkSizes, ArriveWhole) {
    connect_for_largest();
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        expect_all(v6, false);
        expect_all(v6, true);
        turn(pdn().netdev, scatter_gather, false);
        expect_all(v6, false);
        expect_all(v6, true);
        turn(pdn().netdev, tx_checksum, false); // the kernel makes no segments then
        expect_all(v6, false);
        for (const Offload &on : {tx_checksum, scatter_gather, tso, gso})
            turn(pdn().netdev, on, true);
    }
    expect_sound_uplink();
}

TEST_P(UplinkSizes, WithoutAWholeHeader) {
    connect(bench.own_format());
    uint64_t before = bench.modem().uplink().datagrams;
    for (const bool v6 : {false, true})
        for (size_t payload = 0; payload < udp_header; payload++) {
            vmodem::ip::Path path = path_from(pdn(), v6);
            std::swap(path.local, path.remote);
            Bytes packet = vmodem::ip::make_packet(path, vmodem::ip::Protocol::udp, payload);
            if (!v6)
                vmodem::ip::fill_header_checksum(packet);
            const uint64_t bad = bench.modem().peer(pdn().mux_id).bad_packets;
            ASSERT_EQ(send_raw(pdn().netdev, packet), 0);
            // The network behind the module misses the header.
            EXPECT_TRUE(wait_until([&] {
                return bench.modem().peer(pdn().mux_id).bad_packets == bad + 1;
            })) << packet.size();
        }
    EXPECT_GE(bench.modem().uplink().datagrams, before + 2 * udp_header);
    expect_sound_uplink();
}

// What does not fit a transfer that was agreed on is refused where it comes from.
TEST_P(UplinkSizes, UpToWhatFitsATransfer) {
    connect(bench.own_format());
    const size_t overhead = version == Qmap::v5 ? 8 : 4;
    const int mtu = int(bench.own_format().ul_max_size - overhead);
    ASSERT_EQ(set_mtu(pdn().netdev, mtu), 0);
    EXPECT_EQ(set_mtu(pdn().netdev, mtu + 1), EINVAL);
    for (const bool v6 : {false, true}) {
        SCOPED_TRACE(v6 ? "IPv6" : "IPv4");
        PatternSender to = sender(v6);
        const uint64_t before = uplink.packets();
        constexpr unsigned count = 40;
        const size_t most = mtu - ip_header(v6) - udp_header;
        for (size_t payload = most - count; payload < most; payload++)
            EXPECT_EQ(to.send(payload + 1), 0) << payload;
        wait_for(before + count);
        EXPECT_EQ(to.send(most + 1), EMSGSIZE);
        vmodem::ip::Path path = path_from(pdn(), v6);
        EXPECT_EQ(send_raw(pdn().netdev, vmodem::ip::make_packet(path, vmodem::ip::Protocol::udp,
                                                                 most + udp_header + 1)),
                  EMSGSIZE);
    }
    expect_sound_uplink();
}

INSTANTIATE_TEST_SUITE_P(Modes, UplinkSizes, testing::Values(Setup{"ec25", 2}, Setup{"rm500q", 2}),
                         name_of);

} // namespace
} // namespace guest
