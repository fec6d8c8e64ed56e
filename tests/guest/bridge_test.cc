// SPDX-License-Identifier: GPL-2.0
// Bridge mode: the netdev is a port of a bridge, and a host on the LAN behind it uses the PDN's
// address, as if it were plugged into the network itself.
#include "bench.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <fcntl.h>
#include <future>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace guest {
namespace {

constexpr uint16_t port = 4000;

using Mac = std::array<uint8_t, 6>;
using Ipv4 = std::array<uint8_t, 4>;

constexpr Mac broadcast{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Mac client_mac{0x02, 0x11, 0x22, 0x33, 0x44, 0x55};
// The modem's end as the driver presents it.
constexpr Mac modem_mac{0x02, 0x50, 0xf3, 0, 0, 0};

// br0 of that netdev and of lan0, one end of a cable whose other end is lan1.
class Lan {
  public:
    explicit Lan(const std::string &netdev) {
        const std::string commands[] = {
            "ip link add lan0 type veth", // and veth0, its other end
            "ip link set veth0 name lan1", "ip link set lan1 address 02:11:22:33:44:55",
            "brctl addbr br0", "brctl addif br0 lan0", "brctl addif br0 " + netdev,
            // Says nothing of its own accord but IGMP.
            "for i in br0 lan0 lan1; do echo 1 > "
            "/proc/sys/net/ipv6/conf/$i/disable_ipv6; done",
            "ip link set lan0 up", "ip link set lan1 up", "ip link set br0 up"};
        for (const std::string &command : commands)
            EXPECT_EQ(run(command), 0) << command;
    }
    ~Lan() {
        run("ip link set br0 down; brctl delbr br0");
        if (exists("lan0"))
            run("ip link del lan0");
    }
    Lan(const Lan &) = delete;
    Lan &operator=(const Lan &) = delete;
};

// A host of its own at lan1: a network namespace.
class LanClient {
  public:
    LanClient() {
        std::promise<pid_t> born;
        std::promise<void> moved;
        std::thread first([&] {
            const bool ok = unshare(CLONE_NEWNET) == 0;
            namespace_ = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
            born.set_value(ok ? gettid() : 0);
            moved.get_future().wait();
        });
        const std::string thread = std::to_string(born.get_future().get());
        EXPECT_EQ(run("ip link set lan1 netns " + thread), 0);
        moved.set_value();
        first.join();
        call([] {
            write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
            return run("ip link set lan1 up");
        });
    }
    ~LanClient() {
        close(namespace_);
        wait_until([] { return !exists("lan0"); }); // lan1 goes with the namespace
    }
    LanClient(const LanClient &) = delete;
    LanClient &operator=(const LanClient &) = delete;

    // Carried out there.
    auto call(const auto &function) const -> decltype(function()) {
        return std::async(std::launch::async,
                          [&] {
                              if (setns(namespace_, CLONE_NEWNET))
                                  throw std::system_error(errno, std::generic_category(), "setns");
                              return function();
                          })
            .get();
    }

  private:
    int namespace_;
};

// Frames of that type as they come in at a netdev; and any going out.
class Wire {
  public:
    Wire(const char *netdev, uint16_t type) : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
        sockaddr_ll address{};
        address.sll_family = AF_PACKET;
        address.sll_protocol = htons(type);
        address.sll_ifindex = int(if_nametoindex(netdev));
        if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof(address)))
            throw std::system_error(errno, std::generic_category(), netdev);
    }
    ~Wire() { close(fd_); }
    Wire(const Wire &) = delete;
    Wire &operator=(const Wire &) = delete;

    void send(ByteView frame) {
        EXPECT_EQ(::send(fd_, frame.data(), frame.size(), 0), ssize_t(frame.size()));
    }
    std::optional<Bytes> receive(std::chrono::milliseconds timeout = patience) {
        pollfd p{fd_, POLLIN, 0};
        if (poll(&p, 1, int(timeout.count())) <= 0)
            return std::nullopt;
        Bytes frame(2048);
        const ssize_t n = recv(fd_, frame.data(), frame.size(), 0);
        frame.resize(std::max<ssize_t>(n, 0));
        return frame;
    }

  private:
    int fd_;
};

void append(Bytes &bytes, const auto &more) {
    bytes.insert(bytes.end(), std::begin(more), std::end(more));
}

Bytes arp(uint8_t operation, const Mac &destination, const Mac &sender_mac, const Ipv4 &sender,
          const Mac &target_mac, const Ipv4 &target) {
    Bytes frame;
    append(frame, destination);
    append(frame, sender_mac);
    append(frame, std::array<uint8_t, 10>{8, 6, 0, 1, 8, 0, 6, 4, 0, operation});
    append(frame, sender_mac);
    append(frame, sender);
    append(frame, target_mac);
    append(frame, target);
    return frame;
}

Bytes arp_request(const Ipv4 &sender, const Ipv4 &target) {
    return arp(1, broadcast, client_mac, sender, {}, target);
}

// What the driver answers to it.
Bytes arp_reply(const Ipv4 &sender, const Ipv4 &target) {
    return arp(2, client_mac, modem_mac, target, client_mac, sender);
}

Mac destination_of(const Bytes &frame) {
    Mac mac{};
    std::copy_n(frame.begin(), std::min(frame.size(), mac.size()), mac.begin());
    return mac;
}

Bytes ethernet(const Mac &destination, const Mac &source, const Bytes &packet) {
    Bytes frame;
    append(frame, destination);
    append(frame, source);
    append(frame, std::array<uint8_t, 2>{8, 0});
    append(frame, packet);
    return frame;
}

class Bridge : public testing::TestWithParam<unsigned> {
  protected:
    Bridge() : driver_("qmap_mode=" + std::to_string(GetParam())), bench_("ec25", GetParam()) {
        bench_.agree();
        // As connect(), but the address is for the LAN.
        EXPECT_EQ(set_up(bench_.master(), true), 0);
        EXPECT_EQ(set_up(pdn().netdev, true), 0);
        bench_.modem().open_mux(GetParam() ? pdn().mux_id : 0);
        EXPECT_EQ(bench_.set_link_state(pdn().number), 0);
        EXPECT_TRUE(wait_operational(pdn().netdev));
    }

    const Pdn &pdn() const { return bench_.pdns().back(); }
    uint8_t subnet() const { return 100 + (GetParam() ? pdn().number : 0); }
    Ipv4 ours() const { return {10, subnet(), 0, 2}; }
    Ipv4 gateway() const { return {10, subnet(), 0, 1}; }
    std::string text(const Ipv4 &a) const {
        return std::to_string(a[0]) + "." + std::to_string(a[1]) + "." + std::to_string(a[2]) +
               "." + std::to_string(a[3]);
    }
    void write(const char *file, const std::string &value) {
        EXPECT_EQ(write_file("/sys/class/net/" + pdn().netdev + "/" + file, value), 0) << file;
    }
    // Bridge mode, and the address that is handed over, as quectel-CM sets them.
    void hand_over() {
        write("bridge_mode", "1\n");
        char hex[16];
        std::snprintf(hex, sizeof(hex), "0x0a%02x0002", subnet());
        write("bridge_ipv4", hex);
    }
    // An IPv4 packet from the LAN, as if of that transport; complete as UDP.
    Bytes packet(const Ipv4 &source, const Ipv4 &destination, uint8_t protocol,
                 uint16_t destination_port = port) const {
        Bytes bytes = udp_packet(pdn(), 20, destination_port);
        bytes[9] = protocol;
        std::ranges::copy(source, bytes.begin() + 12);
        std::ranges::copy(destination, bytes.begin() + 16);
        return bytes; // the checksum is the network's to mind
    }
    Bytes packet_from_network(uint8_t fill) const {
        Pdn as_addressed = pdn();
        as_addressed.number = subnet() - 100;
        return udp_packet(as_addressed, 20, port, fill);
    }
    void send_from_network(uint8_t fill) {
        bench_.modem().send_packet(GetParam() ? pdn().mux_id : 0, packet_from_network(fill));
    }

    LoadedDriver driver_;
    Bench bench_;
};

TEST_P(Bridge, AHostOnTheLanTakesTheAddressAndTalks) {
    hand_over();
    const Lan lan(pdn().netdev);
    const LanClient client;
    ASSERT_TRUE(client.call([] { return take_lease("lan1"); }));
    EXPECT_TRUE(client.call([&] { return has_address("lan1", text(ours()) + "/30"); }));
    const Target peer{"lan1", text(gateway())};
    EXPECT_EQ(client.call([&] { return ping(peer, 1400); }), "");
    EXPECT_EQ(client.call([&] { return tcp_download(peer, 500'000); }), "");
    EXPECT_EQ(client.call([&] { return tcp_upload(peer, 500'000); }), "");
    // It does ARP for the world beyond the gateway as well, should it want to.
    EXPECT_EQ(client.call([] { return run("ip route add default dev lan1"); }), 0);
    EXPECT_EQ(client.call([] { return ping({"lan1", "192.0.2.1"}); }), "");
    const vmodem::UplinkStatistics up = bench_.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    EXPECT_EQ(bench_.modem().peer(GetParam() ? pdn().mux_id : 0).bad_packets, 0u);
}

TEST_P(Bridge, AnswersArpWhereTheModemWould) {
    const Lan lan(pdn().netdev);
    Wire wire("lan1", ETH_P_ARP);
    // Whatever is not to be answered is followed by this one, which is.
    const Ipv4 elsewhere{192, 0, 2, 1};
    const auto expect_silence = [&](const Bytes &frame, const char *what) {
        wire.send(frame);
        wire.send(arp_request(ours(), elsewhere));
        EXPECT_EQ(wire.receive(), arp_reply(ours(), elsewhere)) << what;
    };

    wire.send(arp_request(ours(), gateway()));
    EXPECT_EQ(wire.receive(300ms), std::nullopt) << "not in bridge mode";
    hand_over();
    wire.send(arp_request(ours(), gateway()));
    EXPECT_EQ(wire.receive(), arp_reply(ours(), gateway()));
    expect_silence(arp_request(ours(), ours()), "announcement");
    expect_silence(arp_request({}, gateway()), "probe of the gateway");
    expect_silence(arp_request({}, ours()), "probe of the own address");
    expect_silence(arp_request({192, 168, 1, 2}, gateway()), "another host of the LAN");
    expect_silence(arp_request(gateway(), ours()), "for the own address");
    expect_silence(arp(2, broadcast, client_mac, ours(), modem_mac, gateway()), "an answer");
    Bytes cut = arp_request(ours(), gateway());
    cut.resize(cut.size() - 1);
    expect_silence(cut, "cut");
    Bytes strange = arp_request(ours(), gateway());
    strange[18] = 8; // length of a hardware address
    expect_silence(strange, "of other hardware");
    // None of it went to the modem.
    EXPECT_EQ(bench_.modem().uplink().violations, 0u);

    write("bridge_mode", "0\n");
    wire.send(arp_request(ours(), gateway()));
    EXPECT_EQ(wire.receive(300ms), std::nullopt) << "no longer in bridge mode";
}

TEST_P(Bridge, PacketsAreAddressedToTheHost) {
    constexpr Mac other_mac{0x02, 0x66, 0, 0, 0, 1};
    constexpr Ipv4 anywhere{255, 255, 255, 255}, nobody{};
    hand_over();
    const Lan lan(pdn().netdev);
    Wire wire("lan1", ETH_P_IP);
    // The bridge's own IGMP is on the cable too.
    const auto destination = [&](uint8_t fill) {
        send_from_network(fill);
        for (;;) {
            const auto frame = wire.receive();
            const Mac mac = frame ? destination_of(*frame) : Mac{};
            if (!frame || *frame == ethernet(mac, modem_mac, packet_from_network(fill)))
                return mac;
        }
    };
    const auto send_up = [&](const Mac &source, const Bytes &packet) {
        const auto before = bench_.modem().uplink().datagrams;
        wire.send(ethernet(broadcast, source, packet));
        EXPECT_TRUE(wait_until([&] { return bench_.modem().uplink().datagrams > before; }));
    };

    EXPECT_EQ(destination(1), broadcast); // nobody has been heard of yet
    send_up(other_mac, packet(nobody, {224, 0, 0, 22}, 2));
    EXPECT_EQ(destination(2), broadcast) << "IGMP is not a host's that wants the address";
    send_up(client_mac, packet(nobody, anywhere, IPPROTO_UDP, 67));
    EXPECT_EQ(destination(3), client_mac) << "DHCP";
    send_up(other_mac, packet({10, subnet(), 0, 99}, gateway(), IPPROTO_UDP));
    EXPECT_EQ(destination(4), client_mac) << "a host with another address";
    send_up(other_mac, packet(nobody, {224, 0, 0, 22}, 2));
    EXPECT_EQ(destination(5), client_mac) << "IGMP";
    send_up(other_mac, packet(ours(), gateway(), IPPROTO_UDP));
    EXPECT_EQ(destination(6), other_mac) << "another host has the address now";
}

INSTANTIATE_TEST_SUITE_P(Modes, Bridge, testing::Values(0, 1, 2));

} // namespace
} // namespace guest
