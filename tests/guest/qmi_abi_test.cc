// SPDX-License-Identifier: GPL-2.0
// The in-tree driver's files and its name: what libqmi, ModemManager and uqmi rely on.
#include "../dialler/data_call.h"
#include "bench.h"
#include "map_frames.h"
#include "stress.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace guest {
namespace {

using dialler::CdcWdm;
using dialler::DataCall;
using dialler::DriverFacts;
using dialler::QmiClient;
using vmodem::IpFamily;
using vmodem::LinkProtocol;

std::string path_of(const std::string &netdev, const std::string &file) {
    return "/sys/class/net/" + netdev + "/" + file;
}

// A file of the master's group qmi/.
std::string qmi(const Bench &bench, const std::string &file) {
    return attribute(bench.master(), "qmi/" + file);
}

// 0 or the errno.
int set_qmi(const Bench &bench, const std::string &file, const std::string &text) {
    return write_file(path_of(bench.master(), "qmi/" + file), text + "\n");
}

// As libqmi finds it: the upper netdev that has this mux id. Empty if there is none.
std::string mux_netdev(const Bench &bench, const std::string &mux_id) {
    const std::string prefix = "upper_";
    for (const std::string &entry : list_directory("/sys/class/net/" + bench.master()))
        if (entry.starts_with(prefix) &&
            attribute(entry.substr(prefix.size()), "qmap/mux_id") == mux_id)
            return entry.substr(prefix.size());
    return "";
}

// A mux netdev that was made by qmi/add_mux, with the addresses that go with the id.
Pdn pdn_of(const Bench &bench, uint8_t mux_id) {
    char text[5];
    std::snprintf(text, sizeof(text), "0x%02x", mux_id);
    return {mux_id & 0x7fu, mux_netdev(bench, text), mux_id};
}

// Without QMAP: the network does not know which PDN it is.
Pdn single_pdn(const Bench &bench) {
    return {0, bench.master(), 0};
}

// The dialogue of a program that has set everything up by these files, over /dev/cdc-wdm0.
class Dialogue {
  public:
    Dialogue(const Bench &bench, uint32_t version, uint32_t size)
        : channel_(dialler::find_cdc_wdm(bench.master())), qmi_(channel_) {
        facts_.qmap_mode = version ? 1 : 0;
        facts_.qmap_version = version;
        facts_.rx_urb_size = size;
    }
    DataFormat agree() { return dialler::agree_format(qmi_, facts_); }
    std::unique_ptr<DataCall> dial(uint8_t mux_id) {
        return std::make_unique<DataCall>(qmi_, facts_, mux_id, IpFamily::v4);
    }

  private:
    CdcWdm channel_;
    QmiClient qmi_;
    DriverFacts facts_;
};

void expect_sound(Bench &bench) {
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    EXPECT_EQ(bench.counter("rx_babble"), 0u);
}

// No IPv6: nothing is sent unasked, in a framing that is not agreed yet, or in a URB that vhci_hcd,
// which is not safe against that, is to take back while it completes.
void be_quiet(const std::string &netdev) {
    ASSERT_EQ(write_file("/proc/sys/net/ipv6/conf/" + netdev + "/disable_ipv6", "1"), 0);
}

// ---- what there is

TEST(QmiAbi, FilesAndTheirModes) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    for (const char *file : {"raw_ip", "pass_through", "add_mux", "del_mux"})
        EXPECT_EQ(mode_of(path_of(bench.master(), std::string("qmi/") + file)), 0644u) << file;
    EXPECT_EQ(qmi(bench, "raw_ip"), "Y");
    EXPECT_EQ(qmi(bench, "pass_through"), "N");
    EXPECT_EQ(qmi(bench, "add_mux"), "");
    EXPECT_EQ(qmi(bench, "del_mux"), "");
    EXPECT_EQ(mode_of(path_of(bench.master(), "qmap")), 0u);
    EXPECT_EQ(read_file(path_of(bench.master(), "uevent")).value_or("").rfind("DEVTYPE=wwan", 0),
              0u);
}

TEST(QmiAbi, MuxNetdevsOfAModeAreShownToo) {
    LoadedDriver driver("qmap_mode=3");
    Bench bench("ec25", 3);
    const std::string ids = "0x81\n0x82\n0x83";
    // The last netdev is there before its id is in use.
    EXPECT_TRUE(wait_until([&] { return qmi(bench, "add_mux") == ids; })) << qmi(bench, "add_mux");
    EXPECT_EQ(qmi(bench, "del_mux"), ids);
    for (const Pdn &pdn : bench.pdns()) {
        EXPECT_EQ(mode_of(path_of(pdn.netdev, "qmap/mux_id")), 0444u);
        EXPECT_EQ(pdn_of(bench, pdn.mux_id).netdev, pdn.netdev);
        EXPECT_EQ(mode_of(path_of(pdn.netdev, "qmi")), 0u);
        EXPECT_NE(mode_of(path_of(pdn.netdev, "lower_" + bench.master())), 0u);
    }
}

TEST(QmiAbi, NeedsCapNetAdmin) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    ASSERT_EQ(set_qmi(bench, "add_mux", "5"), 0);
    for (const auto &[file, text] : {std::pair{"raw_ip", "N"}, std::pair{"pass_through", "Y"},
                                     std::pair{"add_mux", "6"}, std::pair{"del_mux", "5"}}) {
        EXPECT_EQ(without_capabilities([&] { return set_qmi(bench, file, text); }), EPERM) << file;
        EXPECT_EQ(without_capabilities([&] {
                      return read_file(path_of(bench.master(), std::string("qmi/") + file)) ? 0 : 1;
                  }),
                  0)
            << file;
    }
    EXPECT_EQ(qmi(bench, "raw_ip"), "Y");
    EXPECT_EQ(qmi(bench, "pass_through"), "N");
    EXPECT_EQ(qmi(bench, "add_mux"), "0x05");
}

TEST(QmiAbi, BadValuesChangeNothing) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    for (const char *file : {"raw_ip", "pass_through"}) {
        const std::string before = qmi(bench, file);
        for (const char *bad : {"", " ", "x", "2", "-1", "maybe", "NNNNNNNNNNNNNNNNNNNNNNNN"})
            EXPECT_EQ(set_qmi(bench, file, bad), EINVAL) << file << " '" << bad << "'";
        EXPECT_EQ(qmi(bench, file), before);
    }
    ASSERT_EQ(set_qmi(bench, "add_mux", "0x10"), 0);
    for (const char *bad : {"", " ", "x", "0", "255", "256", "257", "0x110", "-1", "1 2", "1x",
                            "08", "4294967297", "0x100000001", "00000000000000000000000000001"})
        for (const char *file : {"add_mux", "del_mux"}) {
            EXPECT_EQ(set_qmi(bench, file, bad), EINVAL) << file << " '" << bad << "'";
            EXPECT_EQ(qmi(bench, "add_mux"), "0x10") << bad;
        }
    EXPECT_EQ(set_qmi(bench, "add_mux", "16"), EINVAL); // there already
    EXPECT_EQ(set_qmi(bench, "del_mux", "17"), EINVAL); // not there
    EXPECT_EQ(qmi(bench, "del_mux"), "0x10");
}

TEST(QmiAbi, MuxIdsInAnyBaseUpToEight) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    for (const char *id : {"1", "0x81", "0376", "2", "3", "4", "5", "6"})
        EXPECT_EQ(set_qmi(bench, "add_mux", id), 0) << id;
    const std::string all = "0x01\n0x02\n0x03\n0x04\n0x05\n0x06\n0x81\n0xfe";
    EXPECT_EQ(qmi(bench, "add_mux"), all);
    EXPECT_EQ(set_qmi(bench, "add_mux", "7"), ENOSPC);
    EXPECT_EQ(qmi(bench, "add_mux"), all);
    for (const char *id : {"0x01", "0x81", "0xfe"})
        EXPECT_NE(mux_netdev(bench, id), "") << id;
    for (const char *id : {"254", "129", "0x1", "02", "3", "4", "5"})
        EXPECT_EQ(set_qmi(bench, "del_mux", id), 0) << id;
    EXPECT_EQ(qmi(bench, "del_mux"), "0x06");
    EXPECT_EQ(mux_netdev(bench, "0xfe"), "");
    EXPECT_EQ(set_qmi(bench, "del_mux", "6"), 0);
    EXPECT_EQ(qmi(bench, "del_mux"), "");
    EXPECT_EQ(attribute(bench.master(), "qmap_mode"), "0");
}

// ---- raw_ip

// What WDA would have agreed with the module.
void set_link_protocol(Bench &bench, LinkProtocol protocol) {
    DataFormat format;
    format.link_protocol = protocol;
    format.agreed = true;
    bench.modem().set_format(format);
}

void expect_framing(Bench &bench, bool raw_ip) {
    ASSERT_EQ(set_up(bench.master(), false), 0);
    ASSERT_EQ(set_qmi(bench, "raw_ip", raw_ip ? "Y" : "N"), 0);
    EXPECT_EQ(qmi(bench, "raw_ip"), raw_ip ? "Y" : "N");
    set_link_protocol(bench, raw_ip ? LinkProtocol::raw_ip : LinkProtocol::ethernet_802_3);
    ASSERT_EQ(set_up(bench.master(), true), 0);
    EXPECT_EQ(set_qmi(bench, "raw_ip", raw_ip ? "N" : "Y"), EBUSY);
    EXPECT_EQ(set_qmi(bench, "raw_ip", raw_ip ? "Y" : "N"), 0); // no change
    if (!has_address(bench.master(), "10.100.0.2/30"))
        add_address(bench.master(), "10.100.0.2/30");
    expect_traffic(bench, single_pdn(bench));
    EXPECT_EQ(qmi(bench, "raw_ip"), raw_ip ? "Y" : "N");
    expect_sound(bench);
}

TEST(RawIp, IsTheFramingThatTheDriverUses) {
    KernelLog log;
    LoadedDriver driver;
    Bench bench("ec25", 0);
    bench.modem().open_mux(0);
    be_quiet(bench.master());
    for (bool raw_ip : {false, true, false, true})
        expect_framing(bench, raw_ip);
    // It had not to be learned from what the module sends.
    EXPECT_EQ(log.count("so does the driver now"), 0u);
}

TEST(RawIp, WhatWasToldOutlivesAReset) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    ASSERT_EQ(set_qmi(bench, "raw_ip", "N"), 0);
    ASSERT_EQ(usb_reset(bench.modem().usb_name()), 0);
    EXPECT_EQ(qmi(bench, "raw_ip"), "N");
}

// Firmware that talks 802.3 does so without meaning it.
TEST(RawIp, SingleIpPacketsDontTurn802_3Off) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    bench.modem().open_mux(0);
    be_quiet(bench.master());
    expect_framing(bench, false);
    UdpReceiver receiver(single_pdn(bench), 4000);
    bench.modem().inject_transfer(udp_packet(single_pdn(bench), 100, 4000, 0x33));
    EXPECT_EQ(receiver.receive(), Bytes(100, 0x33));
    EXPECT_EQ(qmi(bench, "raw_ip"), "N");
    expect_traffic(bench, single_pdn(bench));
    expect_sound(bench);
}

TEST(RawIp, ShowsWhatWasLearned) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    bench.modem().open_mux(0);
    ASSERT_EQ(set_up(bench.master(), true), 0);
    add_address(bench.master(), "10.100.0.2/30");
    set_link_protocol(bench, LinkProtocol::ethernet_802_3);
    UdpReceiver receiver(single_pdn(bench), 4000);
    bench.modem().send_packet(0, udp_packet(single_pdn(bench), 100, 4000, 0x44));
    EXPECT_EQ(receiver.receive(), Bytes(100, 0x44));
    EXPECT_EQ(qmi(bench, "raw_ip"), "N");
    EXPECT_EQ(set_qmi(bench, "raw_ip", "Y"), EBUSY);
    ASSERT_EQ(set_up(bench.master(), false), 0);
    EXPECT_EQ(set_qmi(bench, "raw_ip", "Y"), 0);
    EXPECT_EQ(qmi(bench, "raw_ip"), "Y");
}

// ModemManager sets 802.3 before it agrees on any format, and gives up where it is refused.
TEST(RawIp, IsAllThatQmapCarries) {
    LoadedDriver driver("qmap_mode=1");
    for (const char *profile : {"ec25", "rm500q"}) {
        Bench bench(profile, 1);
        for (const char *set : {"N", "Y", "N"}) {
            EXPECT_EQ(set_qmi(bench, "raw_ip", set), 0);
            EXPECT_EQ(qmi(bench, "raw_ip"), set);
        }
        EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EINVAL);
        ASSERT_EQ(usb_reset(bench.modem().usb_name()), 0);
        EXPECT_EQ(qmi(bench, "raw_ip"), "N");
        bench.connect_all();
        expect_traffic(bench, bench.pdn(1));
        EXPECT_EQ(set_qmi(bench, "raw_ip", "Y"), EBUSY);
        expect_sound(bench);

        ASSERT_EQ(set_up(bench.master(), false), 0);
        EXPECT_EQ(set_qmi(bench, "add_mux", "1"), 0);
        EXPECT_EQ(set_qmi(bench, "raw_ip", "N"), 0);
        EXPECT_EQ(set_qmi(bench, "raw_ip", "Y"), 0);
        EXPECT_EQ(qmi(bench, "raw_ip"), "Y");
    }
}

TEST(RawIp, IsNotWhatAnEthernetModuleStartsWith) {
    LoadedDriver driver;
    Bench bench("uc20", 0);
    EXPECT_EQ(qmi(bench, "raw_ip"), "N");
    EXPECT_EQ(set_qmi(bench, "add_mux", "1"), EOPNOTSUPP);
    EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EINVAL);
    EXPECT_EQ(set_qmi(bench, "raw_ip", "Y"), 0);
    EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EINVAL);
}

// ---- add_mux, del_mux

struct Setup {
    const char *profile;
    unsigned mode;
    uint32_t version;

    friend void PrintTo(const Setup &s, std::ostream *out) { *out << s.profile; }
};

class AddMux : public testing::TestWithParam<Setup> {};

TEST_P(AddMux, OneAndHundredTwentyNine) {
    const auto &[profile, mode, version] = GetParam();
    LoadedDriver driver;
    Bench bench(profile, mode);
    ASSERT_EQ(set_qmi(bench, "add_mux", "1"), 0);
    // The other one while the master is up.
    ASSERT_EQ(set_up(bench.master(), true), 0);
    ASSERT_EQ(set_qmi(bench, "add_mux", "129"), 0);
    const uint32_t size = bench.modem().profile().limits.dl_max_size;
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), std::to_string(size));

    Dialogue dialogue(bench, version, size);
    const DataFormat format = dialogue.agree();
    EXPECT_EQ(uint32_t(format.dl), version);
    EXPECT_EQ(format.dl_max_size, size);
    std::vector<std::unique_ptr<DataCall>> calls;
    const Pdn one = pdn_of(bench, 1), other = pdn_of(bench, 129);
    for (const Pdn &pdn : {one, other}) {
        calls.push_back(dialogue.dial(pdn.mux_id));
        ASSERT_EQ(set_up(pdn.netdev, true), 0) << pdn.netdev;
        EXPECT_EQ(attribute(pdn.netdev, "mtu"), "1500");
        // Nobody who uses these files tells the link state.
        ASSERT_TRUE(wait_operational(pdn.netdev));
        ASSERT_TRUE(take_lease(pdn.netdev));
        EXPECT_TRUE(has_address(pdn.netdev, "10.101.0.2/30"));
    }
    expect_traffic(bench, one);
    expect_traffic(bench, other);

    ASSERT_EQ(set_qmi(bench, "del_mux", "1"), 0);
    EXPECT_FALSE(exists(one.netdev));
    EXPECT_EQ(qmi(bench, "add_mux"), "0x81");
    expect_traffic(bench, other);
    expect_sound(bench);
    ASSERT_EQ(set_qmi(bench, "del_mux", "129"), 0);
    EXPECT_EQ(attribute(bench.master(), "qmap_mode"), std::to_string(mode));
}

INSTANTIATE_TEST_SUITE_P(Families, AddMux,
                         testing::Values(Setup{"ec25", 0, 5}, Setup{"rm500q", 1, 9}),
                         [](const auto &info) { return std::string(info.param.profile); });

TEST(Mux, TheLastOneGoneTheMasterCarriesPackets) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    be_quiet(bench.master());
    ASSERT_EQ(set_up(bench.master(), true), 0);
    ASSERT_EQ(set_qmi(bench, "add_mux", "1"), 0);
    ASSERT_EQ(set_qmi(bench, "del_mux", "1"), 0);
    Dialogue dialogue(bench, 0, 0);
    EXPECT_EQ(dialogue.agree().dl, vmodem::Qmap::off);
    const auto call = dialogue.dial(0);
    ASSERT_TRUE(take_lease(bench.master()));
    expect_traffic(bench, single_pdn(bench));
}

// The file is there a moment before the driver is done with the module.
TEST(Mux, AddedAsSoonAsThereIsAFile) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    for (int round = 0; round < 10; round++) {
        bench.modem().unplug();
        bench.modem().plug_in();
        const auto end = std::chrono::steady_clock::now() + 10s;
        int error;
        while ((error = set_qmi(bench, "add_mux", "1")) == ENOENT &&
               std::chrono::steady_clock::now() < end)
            ;
        EXPECT_EQ(error, 0) << std::strerror(error);
    }
}

TEST(Mux, UnpluggedInUse) {
    CleanLog log;
    LoadedDriver driver;
    Bench bench("ec25", 0);
    for (int round = 0; round < 4; round++) {
        bench.modem().plug_in();
        ASSERT_TRUE(wait_until([&] { return exists(bench.master()); }));
        for (const char *id : {"1", "129", "2"})
            ASSERT_EQ(set_qmi(bench, "add_mux", id), 0);
        ASSERT_EQ(set_up(bench.master(), true), 0);
        DataFormat format = bench.own_format();
        format.ul = format.dl = vmodem::Qmap::v1;
        format.dl_max_datagrams = 10;
        format.dl_max_size = 4096;
        bench.modem().set_format(format);
        Background traffic;
        for (uint8_t id : {1, 129, 2}) {
            const Pdn pdn = pdn_of(bench, id);
            ASSERT_EQ(set_up(pdn.netdev, true), 0);
            bench.modem().open_mux(id);
            set_ipv4(pdn.netdev, "10." + std::to_string(100 + pdn.number) + ".0.2",
                     "255.255.255.252");
            traffic.load(pdn);
        }
        std::this_thread::sleep_for(500ms);
        bench.modem().unplug();
        EXPECT_TRUE(wait_until([] { return driver_netdevs().empty(); }));
    }
}

// ---- MTU of the master: the size of a DL aggregate, as programs tell the in-tree driver

TEST(MasterMtu, IsTheDownlinkSize) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    ASSERT_EQ(set_qmi(bench, "add_mux", "1"), 0);
    // Modules may agree to more than their family usually does.
    DataFormat format;
    format.agreed = true;
    format.ul = format.dl = vmodem::Qmap::v1;
    format.dl_max_datagrams = 64;
    bench.modem().set_format(format);
    ASSERT_EQ(set_up(bench.master(), true), 0);
    const Pdn pdn = pdn_of(bench, 1);
    ASSERT_EQ(set_up(pdn.netdev, true), 0);
    ASSERT_TRUE(wait_operational(pdn.netdev));
    add_address(pdn.netdev, "10.101.0.2/30");
    bench.modem().open_mux(pdn.mux_id);
    for (uint32_t size : {16384u, 32767u}) {
        ASSERT_EQ(set_mtu(bench.master(), int(size)), 0);
        EXPECT_EQ(attribute(bench.master(), "qmap_size"), std::to_string(size));
        EXPECT_EQ(attribute(pdn.netdev, "mtu"), "1500");
        format.dl_max_size = size;
        bench.modem().set_format(format);
        const uint64_t datagrams = bench.counter("rx_datagrams"),
                       transfers = bench.counter("rx_transfers");
        EXPECT_EQ(tcp_download(pdn.ipv4(), 2'000'000), "");
        // Aggregates that would not have fitted the family's 4096 bytes.
        EXPECT_GT(bench.counter("rx_datagrams") - datagrams,
                  4 * (bench.counter("rx_transfers") - transfers));
        expect_sound(bench);
    }
}

// ---- pass_through

// From the host to the UDP sink behind that PDN.
Bytes packet_to_sink(unsigned pdn, size_t payload) {
    Bytes packet = udp_packet({pdn, "", 0}, payload, 9);
    std::swap_ranges(packet.begin() + 12, packet.begin() + 16, packet.begin() + 16);
    return packet;
}

// MAP frames on the master, as rmnet sends and takes them.
class MapSocket {
  public:
    explicit MapSocket(const std::string &netdev)
        : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_MAP))) {
        address_.sll_family = AF_PACKET;
        address_.sll_protocol = htons(ETH_P_MAP);
        address_.sll_ifindex = int(if_nametoindex(netdev.c_str()));
        if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr *>(&address_), sizeof(address_)))
            throw std::system_error(errno, std::generic_category(), "packet socket");
    }
    ~MapSocket() { close(fd_); }
    MapSocket(const MapSocket &) = delete;
    MapSocket &operator=(const MapSocket &) = delete;

    // Bytes sent, or the negative errno.
    ssize_t send(const Bytes &frames, uint16_t protocol = ETH_P_MAP) {
        sockaddr_ll address = address_;
        address.sll_protocol = htons(protocol);
        const ssize_t n = sendto(fd_, frames.data(), frames.size(), 0,
                                 reinterpret_cast<sockaddr *>(&address), sizeof(address));
        return n < 0 ? -errno : n;
    }
    // What the module sends next.
    std::optional<Bytes> receive(std::chrono::milliseconds timeout = patience) {
        pollfd p{fd_, POLLIN, 0};
        if (poll(&p, 1, int(timeout.count())) <= 0)
            return std::nullopt;
        Bytes frames(65536);
        const ssize_t n = recv(fd_, frames.data(), frames.size(), 0);
        frames.resize(n < 0 ? 0 : n);
        return frames;
    }

  private:
    int fd_;
    sockaddr_ll address_{};
};

TEST(PassThrough, TransfersGoUpAndDownAsTheyAre) {
    LoadedDriver driver("bridge_mode=1"); // which is of no concern here
    Bench bench("ec25", 0);
    ASSERT_EQ(set_qmi(bench, "pass_through", "Y"), 0);
    EXPECT_EQ(qmi(bench, "pass_through"), "Y");
    EXPECT_EQ(attribute(bench.master(), "type"), "65534"); // ARPHRD_NONE
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), "4096");
    ASSERT_EQ(set_up(bench.master(), true), 0);
    DataFormat format;
    format.agreed = true;
    format.ul = format.dl = vmodem::Qmap::v1;
    format.dl_max_datagrams = format.ul_max_datagrams = 10;
    format.dl_max_size = format.ul_max_size = 4096;
    bench.modem().set_format(format);
    MapSocket map(bench.master());

    // What the module sends arrives whole, good or bad, also two frames or none.
    for (const Bytes &transfer : {Bytes{0, 5, 0, 4, 1, 2, 3, 4, 0, 9, 0, 4, 5, 6, 7, 8},
                                  Bytes{0xff}, Bytes(4096, 0x45), Bytes(1514, 0)}) {
        bench.modem().inject_transfer(transfer);
        EXPECT_EQ(map.receive(), transfer);
    }
    EXPECT_EQ(statistic(bench.master(), "rx_packets"), 4u);
    EXPECT_EQ(statistic(bench.master(), "rx_bytes"), 16u + 1 + 4096 + 1514);

    // Two packets of the host's in one transfer.
    bench.modem().open_mux(5);
    const auto sunk = [&] { return bench.modem().peer(5).udp_sunk_packets; };
    const Bytes packet = packet_to_sink(5, 64);
    const Bytes frames = repeat(data_frame(Qmap::v1, 5, packet), 2);
    const vmodem::UplinkStatistics before = bench.modem().uplink();
    EXPECT_EQ(map.send(frames), ssize_t(frames.size()));
    EXPECT_TRUE(wait_until([&] { return sunk() == 2; }));
    const vmodem::UplinkStatistics after = bench.modem().uplink();
    EXPECT_EQ(after.transfers, before.transfers + 1);
    EXPECT_EQ(after.max_transfer, frames.size());
    EXPECT_EQ(statistic(bench.master(), "tx_bytes"), frames.size());

    // What is no MAP frame goes nowhere, the kernel's own router solicitations included.
    const uint64_t dropped = bench.counter("tx_no_pdn");
    EXPECT_EQ(map.send(packet, ETH_P_IP), ssize_t(packet.size()));
    EXPECT_EQ(bench.counter("tx_no_pdn"), dropped + 1);
    // As long as the MTU lets it be.
    EXPECT_EQ(map.send(data_frame(Qmap::v1, 5, packet_to_sink(5, 1468))), 1500);
    EXPECT_TRUE(wait_until([&] { return sunk() == 3; }));
    expect_sound(bench);
}

TEST(PassThrough, WhatItDoesNotGoTogetherWith) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    ASSERT_EQ(set_up(bench.master(), true), 0);
    EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EBUSY);
    EXPECT_EQ(set_qmi(bench, "pass_through", "N"), 0); // no change
    ASSERT_EQ(set_up(bench.master(), false), 0);

    ASSERT_EQ(set_qmi(bench, "raw_ip", "N"), 0);
    EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EINVAL);
    ASSERT_EQ(set_qmi(bench, "raw_ip", "Y"), 0);

    ASSERT_EQ(set_qmi(bench, "add_mux", "3"), 0);
    EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EBUSY);
    ASSERT_EQ(set_qmi(bench, "del_mux", "3"), 0);

    ASSERT_EQ(run("ip link add br0 type bridge && ip link set " + bench.master() + " master br0"),
              0);
    EXPECT_EQ(set_qmi(bench, "pass_through", "Y"), EBUSY);
    ASSERT_EQ(run("ip link del br0"), 0);
    EXPECT_EQ(qmi(bench, "pass_through"), "N");
    EXPECT_EQ(attribute(bench.master(), "type"), "1");

    ASSERT_EQ(set_qmi(bench, "pass_through", "Y"), 0);
    EXPECT_EQ(set_qmi(bench, "raw_ip", "N"), EINVAL);
    EXPECT_EQ(set_qmi(bench, "add_mux", "3"), EBUSY);
    EXPECT_EQ(set_qmi(bench, "del_mux", "3"), EINVAL);
    qmi_wwan_q_info info;
    EXPECT_EQ(bench.get_info(info), EOPNOTSUPP);
    ASSERT_EQ(set_up(bench.master(), true), 0);
    EXPECT_EQ(set_qmi(bench, "pass_through", "N"), EBUSY);
    EXPECT_EQ(qmi(bench, "pass_through"), "Y");
}

TEST(PassThrough, LeavesNothingBehind) {
    LoadedDriver driver;
    for (const auto &[profile, mode] : {std::pair{"ec25", 0u}, std::pair{"rm500q", 1u}}) {
        Bench bench(profile, mode);
        ASSERT_EQ(set_qmi(bench, "pass_through", "Y"), 0);
        ASSERT_EQ(set_up(bench.master(), true), 0);
        ASSERT_EQ(set_up(bench.master(), false), 0);
        ASSERT_EQ(set_qmi(bench, "pass_through", "N"), 0);
        EXPECT_EQ(attribute(bench.master(), "type"), "1");
        EXPECT_EQ(attribute(bench.master(), "addr_len"), "6");
        bench.connect_all();
        EXPECT_EQ(ping(bench.pdn(1).ipv4()), "") << profile;
        EXPECT_EQ(tcp_download(bench.pdn(1).ipv6(), 200'000), "") << profile;
        EXPECT_EQ(tcp_upload(bench.pdn(1).ipv4(), 200'000), "") << profile;
        expect_sound(bench);
    }
}

// ---- the driver's name

TEST(DriverName, IsTheInTreeOnesIfAskedFor) {
    KernelLog log;
    LoadedDriver driver("driver_name=qmi_wwan qmap_mode=1");
    const std::string parameter = "/sys/module/qmi_wwan_q/parameters/driver_name";
    EXPECT_EQ(read_file(parameter), "qmi_wwan");
    EXPECT_EQ(mode_of(parameter), 0444u);
    Bench bench("ec25", 1);
    EXPECT_EQ(ethtool_driver(bench.master()), "qmi_wwan");
    EXPECT_EQ(mode_of(bench.interface_path() + "/driver/module/parameters/driver_name"), 0444u);
    EXPECT_TRUE(log.wait_for(bench.master() + ": register 'qmi_wwan' at "));
    bench.connect_all();
    EXPECT_EQ(ping(bench.pdn(1).ipv4()), "");
}

TEST(DriverName, IsOursOrTheInTreeOnes) {
    KernelLog log;
    for (const char *bad : {"driver_name=", "driver_name=x", "driver_name=qmi_wwan_", "driver_name",
                            "driver_name=qmi_wwan,qmi_wwan_q"})
        EXPECT_EQ(LoadedDriver::try_load(bad), EINVAL) << bad;
    EXPECT_TRUE(log.wait_for("driver_name: qmi_wwan_q or qmi_wwan is meant"));
    LoadedDriver driver("driver_name=qmi_wwan_q");
    Bench bench("ec25", 0);
    EXPECT_EQ(ethtool_driver(bench.master()), "qmi_wwan_q");
}

TEST(DriverName, IsTakenWhileTheInTreeDriverIsLoaded) {
    LoadedModule in_tree("qmi_wwan");
    KernelLog log;
    EXPECT_EQ(LoadedDriver::try_load("driver_name=qmi_wwan"), EBUSY);
    EXPECT_TRUE(log.wait_for("another driver is named qmi_wwan: is the in-tree one loaded"));
    EXPECT_EQ(LoadedDriver::try_load(""), 0);
}

} // namespace
} // namespace guest
