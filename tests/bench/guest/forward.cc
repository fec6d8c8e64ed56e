// SPDX-License-Identifier: GPL-2.0
// A router's work: packets that pass through this machine. The far side of the module is a dummy
// netdev, or a tun netdev whose packets this program writes.
#include "../../modem/ip_checksum.h"
#include "../../modem/ip_packet.h"
#include "../../modem/tcp_segment.h"
#include "pace.h"
#include "scenario.h"
#include "sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <memory>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <thread>
#include <unistd.h>

namespace bench {

using namespace std::chrono_literals;
using vmodem::Bytes;

namespace {

constexpr uint32_t lan_host = 198u << 24 | 18u << 16 | 77; // behind the dummy
constexpr uint32_t tun_host = 198u << 24 | 18u << 16 | 1u << 8 | 77;
constexpr uint16_t lan_port = 5001;
constexpr size_t udp_payload = 1400, tcp_payload = 1460;
// linux/virtio_net.h is not for C++.
struct OffloadHeader {
    uint8_t flags = 0, gso_type = 0;
    uint16_t header_size = 0, gso_size = 0, checksum_start = 0, checksum_offset = 0;
};
constexpr uint8_t needs_checksum = 1, gso_tcpv4 = 1;

constexpr size_t ethernet_header = 14, udp_headers = 28, tcp_headers = 40;

void append16(Bytes &bytes, unsigned value) {
    bytes.push_back(uint8_t(value >> 8));
    bytes.push_back(uint8_t(value));
}

// A packet as the module would see it: 'remote' is this side.
vmodem::ip::Path path_between(uint32_t from, uint32_t to) {
    return {false, vmodem::ip::ipv4_address(from), vmodem::ip::ipv4_address(to)};
}

Bytes udp_packet(uint32_t from, uint32_t to, uint16_t from_port, uint16_t to_port,
                 const Bytes &payload) {
    Bytes header;
    append16(header, from_port);
    append16(header, to_port);
    append16(header, unsigned(8 + payload.size()));
    append16(header, 0);
    Bytes packet = vmodem::ip::make_packet(path_between(from, to), vmodem::ip::Protocol::udp,
                                           header.size() + payload.size());
    auto body = vmodem::ip::payload_of(packet);
    std::ranges::copy(payload, std::ranges::copy(header, body.begin()).out);
    vmodem::ip::fill_payload_checksum(packet, 6);
    vmodem::ip::fill_header_checksum(packet);
    return packet;
}

// ---- down

// The netdev that forwarded packets leave by, and a count of them.
class Lan {
  public:
    Lan() {
        run("ip link add lan type dummy");
        run("ip addr add 198.18.0.1/24 dev lan");
        run("ip link set lan up");
        run("echo 1 >/proc/sys/net/ipv4/ip_forward");
        packets_ = open_statistic("tx_packets");
        bytes_ = open_statistic("tx_bytes");
    }
    ~Lan() { [[maybe_unused]] int status = std::system("ip link del lan"); }
    Lan(const Lan &) = delete;
    Lan &operator=(const Lan &) = delete;

    // Bytes of payload that have left, in packets with headers of that size. What GRO has merged
    // leaves as one packet with one header.
    uint64_t payload(size_t headers) const {
        uint64_t packets, bytes;
        do { // until none has left in between
            packets = read(packets_);
            bytes = read(bytes_);
        } while (packets != read(packets_));
        return bytes - packets * (ethernet_header + headers);
    }

  private:
    static FileDescriptor open_statistic(const std::string &name) {
        const std::string path = "/sys/class/net/lan/statistics/" + name;
        FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file)
            fail(path);
        return file;
    }
    static uint64_t read(const FileDescriptor &file) {
        std::array<char, 32> text{};
        if (::pread(file.get(), text.data(), text.size() - 1, 0) <= 0)
            fail("statistics");
        return std::strtoull(text.data(), nullptr, 10);
    }

    FileDescriptor packets_, bytes_;
};

// Asks the module for a flow in the name of a host behind this one.
void request_flow(const Path &path, uint16_t service, uint64_t packets, size_t payload) {
    const std::string text = std::to_string(packets) + " " + std::to_string(payload) + " 0";
    const Bytes packet =
        udp_packet(lan_host, path.peer, lan_port, service, Bytes(text.begin(), text.end()));
    const FileDescriptor socket(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW));
    const sockaddr_in peer = address_of(path.peer, 0);
    if (!socket || ::sendto(socket.get(), packet.data(), packet.size(), 0,
                            reinterpret_cast<const sockaddr *>(&peer), sizeof(peer)) < 0)
        fail("request");
}

Job forward_down(const Path &path, uint16_t service, uint64_t packets, size_t payload,
                 size_t headers) {
    auto lan = std::make_shared<Lan>();
    auto work = [=] {
        constexpr auto interval = 5ms;
        constexpr auto patience = std::chrono::seconds(patience_seconds);
        const uint64_t wanted = packets * payload;
        request_flow(path, service, packets, payload);
        uint64_t forwarded = 0;
        for (auto idle = 0ms; forwarded < wanted && idle < patience; idle += interval) {
            std::this_thread::sleep_for(interval);
            const uint64_t now = lan->payload(headers);
            if (now != forwarded)
                idle = 0ms;
            forwarded = now;
        }
        if (forwarded != wanted)
            throw std::runtime_error(std::to_string(forwarded) + " bytes of " +
                                     std::to_string(wanted) + " were forwarded");
    };
    return {packets, work};
}

// ---- up

// Where forwarded packets come from.
class Tun {
  public:
    Tun() : fd_(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
        if (!fd_)
            fail("/dev/net/tun");
        ifreq request{};
        std::strcpy(request.ifr_name, "tun0");
        request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
        if (::ioctl(fd_.get(), TUNSETIFF, &request) < 0)
            fail("TUNSETIFF");
        run("ip addr add 198.18.1.1/24 dev tun0");
        run("ip link set tun0 up");
        run("echo 1 >/proc/sys/net/ipv4/ip_forward");
    }

    void write(const OffloadHeader &header, const Bytes &packet) const {
        std::array<iovec, 2> parts{{{const_cast<OffloadHeader *>(&header), sizeof(header)},
                                    {const_cast<uint8_t *>(packet.data()), packet.size()}}};
        if (::writev(fd_.get(), parts.data(), parts.size()) < 0)
            fail("tun");
    }

  private:
    FileDescriptor fd_;
};

} // namespace

Job forward_udp_down(const std::vector<Path> &paths, uint64_t packets) {
    return forward_down(paths.front(), port_source, packets, udp_payload, udp_headers);
}

Job forward_tcp_down(const std::vector<Path> &paths, uint64_t packets) {
    return forward_down(paths.front(), port_tcp_flow, packets, tcp_payload, tcp_headers);
}

// Nothing but the pace holds back who forwards: what the module takes too slowly, the qdisc drops.
Job forward_udp_up(const std::vector<Path> &paths, uint64_t packets) {
    const Path &path = paths.front();
    auto tun = std::make_shared<Tun>();
    auto pace = std::make_shared<Pace>(path);
    const Bytes packet = udp_packet(tun_host, path.peer, lan_port, port_sink, Bytes(udp_payload));
    auto work = [=] {
        for (uint64_t i = 0; i < packets; i++) {
            tun->write({}, packet);
            pace->sent(1);
        }
        pace->finish();
    };
    return {packets, work, path.answers ? packets : 0};
}

// As it comes from a LAN whose driver has GRO: many segments in one packet, to be cut up again.
Job forward_tcp_up(const std::vector<Path> &paths, uint64_t packets) {
    constexpr uint64_t segments = 44;
    const Path &path = paths.front();
    auto tun = std::make_shared<Tun>();
    auto pace = std::make_shared<Pace>(path);
    const uint64_t count = packets / segments;
    auto work = [=] {
        using vmodem::ip::ack;
        const vmodem::ip::TcpHeader tcp{lan_port, port_sink, 0, 0, ack, 0xffff, {}, {}};
        Bytes packet = vmodem::ip::make_tcp(path_between(tun_host, path.black_hole), tcp,
                                            segments * tcp_payload);
        vmodem::ip::fill_header_checksum(packet);
        // The sum over the pseudo header: what NEEDS_CSUM completes.
        const uint64_t sum =
            vmodem::ip::add_to_sum(htons(IPPROTO_TCP) + htons(uint16_t(packet.size() - 20)),
                                   vmodem::ByteView(packet).subspan(12, 8));
        vmodem::ip::store_checksum(&packet[36], ~vmodem::ip::finish_sum(sum));
        const OffloadHeader header{needs_checksum, gso_tcpv4, tcp_headers, tcp_payload, 20, 16};
        uint32_t sequence = 0;
        for (uint64_t i = 0; i < count; i++, sequence += segments * tcp_payload) {
            const uint32_t big_endian = htonl(sequence);
            std::memcpy(&packet[24], &big_endian, sizeof(big_endian));
            tun->write(header, packet);
            pace->sent(segments);
        }
        pace->finish();
    };
    return {count * segments, work, path.answers ? count * segments : 0};
}

} // namespace bench
