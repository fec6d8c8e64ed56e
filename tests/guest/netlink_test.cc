// SPDX-License-Identifier: GPL-2.0
// Changes at run time: mode, mux netdevs one by one, data format, link, by generic netlink; the
// events that tell of them; and the rtnetlink kind of the mux netdevs.
#include "netlink.h"
#include "stress.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <net/if.h>
#include <random>
#include <sched.h>

namespace guest {
namespace {

// A module, and a program that talks to its driver.
class Rig {
  public:
    Rig(const std::string &profile, unsigned mode, ModemOptions options = {})
        : bench_(profile, mode, std::move(options)) {
        // The master's name shows a moment before the module is one.
        EXPECT_TRUE(wait_until([&] { return netlink_.get(index()).error == 0; }));
    }

    Bench &bench() { return bench_; }
    Modem &modem() { return bench_.modem(); }
    Netlink &netlink() { return netlink_; }
    const std::string &master() const { return bench_.master(); }
    unsigned index() const { return if_nametoindex(master().c_str()); }

    NlDevice state() {
        const NlReply reply = netlink_.get(index());
        EXPECT_EQ(reply.error, 0) << reply.message;
        return reply.device.value_or(NlDevice{});
    }
    NlReply set_mode(uint32_t mode) { return netlink_.set_mode(index(), mode); }
    NlReply add_mux(uint32_t id) { return netlink_.add_mux(index(), id); }
    NlReply delete_mux(uint32_t id) { return netlink_.delete_mux(index(), id); }
    NlReply set_link(uint32_t id, uint32_t up) { return netlink_.set_link(index(), id, up); }
    NlReply set_format(const NlFormatChange &change) {
        return netlink_.set_format(index(), change);
    }
    // Both ends agree on the module's own limits, as a dialler has them do.
    void agree() {
        const DataFormat format = bench_.own_format();
        modem().set_format(format);
        if (!bench_.mode())
            return;
        const NlReply reply = set_format({.qmap_version = format.ul == vmodem::Qmap::v5 ? 9 : 5,
                                          .rx_urb_size = format.dl_max_size,
                                          .ul_max_datagrams = format.ul_max_datagrams,
                                          .ul_max_size = format.ul_max_size});
        ASSERT_EQ(reply.error, 0) << reply.message;
    }
    // What the test's modem has behind a mux id: the netdev of that id, or the master.
    Pdn pdn(uint8_t id) {
        const NlDevice device = state();
        const NlPdn *found = device.find(id);
        EXPECT_TRUE(found) << unsigned(id);
        const uint8_t mux = id ? id : 0x81;
        return {mux & 0x7fu, found ? found->netdev : "", mux};
    }
    // A call on it, with an address; without a format.
    void call(const Pdn &pdn) {
        EXPECT_EQ(set_up(master(), true), 0);
        EXPECT_EQ(set_up(pdn.netdev, true), 0);
        modem().open_mux(bench_.mode() ? pdn.mux_id : 0);
        const NlReply reply = set_link(bench_.mode() ? pdn.mux_id : 0, 1);
        EXPECT_EQ(reply.error, 0) << reply.message;
        EXPECT_TRUE(wait_operational(pdn.netdev));
        set_ipv4(pdn.netdev, "10." + std::to_string(100 + pdn.number) + ".0.2", "255.255.255.252");
    }

  private:
    Bench bench_;
    Netlink netlink_;
};

void expect_traffic(const Pdn &pdn) {
    EXPECT_EQ(udp_echo(pdn.ipv4(), 1000), "") << pdn.netdev;
    EXPECT_EQ(tcp_download(pdn.ipv4(), 300'000), "") << pdn.netdev;
    EXPECT_EQ(tcp_upload(pdn.ipv4(), 300'000), "") << pdn.netdev;
}

// Everything that a user can see of the driver's state.
std::string all_of(Rig &rig) {
    const NlDevice d = rig.state();
    std::string text = d.netdev + " mode " + std::to_string(d.mode) + " link_state " +
                       std::to_string(d.link_state) + (d.agreed ? " agreed" : "");
    if (d.format)
        for (uint32_t value :
             {d.format->link_protocol, d.format->qmap_version, d.format->rx_urb_size,
              d.format->ul_max_datagrams, d.format->ul_max_size, d.format->dl_padding})
            text += " " + std::to_string(value);
    for (const NlPdn &pdn : d.pdns)
        text += "\n" + pdn.netdev + " " + std::to_string(pdn.ifindex) + " " +
                std::to_string(pdn.mux_id) + " " + std::to_string(pdn.link);
    for (const std::string &netdev : driver_netdevs())
        text += "\n" + netdev + " carrier " + attribute(netdev, "carrier") + " " +
                attribute(netdev, "flags") + " " + attribute(netdev, "ifindex");
    for (const char *file : {"qmap_mode", "qmap_size", "link_state"})
        text += std::string("\n") + file + " " + attribute(rig.master(), file);
    return text;
}

// Refuses, says why, and leaves everything as it was.
void expect_refusal(Rig &rig, int error, const std::function<NlReply()> &request,
                    const std::string &what) {
    const std::string before = all_of(rig);
    const NlReply reply = request();
    EXPECT_EQ(reply.error, error) << what << ": " << reply.message;
    EXPECT_NE(reply.message, "") << what;
    EXPECT_EQ(all_of(rig), before) << what;
}

std::vector<uint32_t> mux_ids(const NlDevice &device) {
    std::vector<uint32_t> ids;
    for (const NlPdn &pdn : device.pdns)
        ids.push_back(pdn.mux_id);
    return ids;
}

using Ids = std::vector<uint32_t>;

// ---- what is told

TEST(NetlinkGet, Ec25InModeFour) {
    LoadedDriver driver("qmap_mode=4");
    Rig rig("ec25", 4);
    const NlReply reply = rig.netlink().dump();
    EXPECT_EQ(reply.error, 0);
    EXPECT_FALSE(reply.interrupted);
    ASSERT_EQ(reply.devices.size(), 1u);
    const NlDevice &d = reply.devices[0];
    EXPECT_EQ(d.command, QMI_WWAN_Q_CMD_DEV_GET);
    EXPECT_EQ(d.ifindex, rig.index());
    EXPECT_EQ(d.netdev, "wwan0");
    EXPECT_EQ(d.usb_path, rig.modem().usb_name() + ":1.4");
    EXPECT_EQ(d.vendor_id, 0x2c7cu);
    EXPECT_EQ(d.product_id, 0x125u);
    EXPECT_EQ(d.usb_speed, 480u);
    EXPECT_EQ(d.ep_type, 2u);
    EXPECT_EQ(d.interface, 4u);
    EXPECT_EQ(d.family, "MDM9x07");
    EXPECT_EQ(d.mode, 4u);
    EXPECT_EQ(d.link_state, 0u);
    EXPECT_FALSE(d.agreed);
    EXPECT_EQ(d.format, (NlFormat{2, 5, 4096, 1, 0, 0}));
    ASSERT_EQ(mux_ids(d), (Ids{0x81, 0x82, 0x83, 0x84}));
    for (const NlPdn &pdn : d.pdns) {
        EXPECT_EQ(pdn.netdev, "wwan0." + std::to_string(pdn.mux_id - 0x80));
        EXPECT_EQ(pdn.ifindex, if_nametoindex(pdn.netdev.c_str()));
        EXPECT_EQ(pdn.link, 0u);
        EXPECT_FALSE(pdn.flow_off);
    }
}

TEST(NetlinkGet, Rm500qAtSuperSpeed) {
    LoadedDriver driver;
    Rig rig("rm500q", 1, {.speed = vmodem::UsbSpeed::super});
    const NlDevice d = rig.state();
    EXPECT_EQ(d.command, QMI_WWAN_Q_CMD_DEV_GET);
    EXPECT_EQ(d.product_id, 0x800u);
    EXPECT_EQ(d.usb_speed, 5000u);
    EXPECT_EQ(d.family, "5G");
    EXPECT_EQ(d.mode, 1u);
    EXPECT_EQ(d.link_state, 1u);
    EXPECT_EQ(d.format, (NlFormat{2, 9, 31744, 1, 0, 0}));
    ASSERT_EQ(mux_ids(d), (Ids{0x81}));
    EXPECT_EQ(d.pdns[0].ifindex, d.ifindex);
    EXPECT_EQ(d.pdns[0].netdev, d.netdev);
    EXPECT_EQ(d.pdns[0].link, 1u);
}

TEST(NetlinkGet, ModeZeroAndTheOldFraming) {
    LoadedDriver driver;
    Rig raw_ip("ec25", 0), ethernet("uc20", 0);
    NlDevice d = raw_ip.state();
    EXPECT_EQ(d.format, (NlFormat{2, 0, 1520, 1, 0, 0}));
    EXPECT_EQ(mux_ids(d), (Ids{0}));
    d = ethernet.state();
    EXPECT_EQ(d.family, "802.3");
    EXPECT_EQ(d.vendor_id, 0x05c6u);
    EXPECT_EQ(d.product_id, 0x9003u);
    EXPECT_EQ(d.format, (NlFormat{1, 0, 1520, 1, 0, 0}));
}

TEST(NetlinkGet, WhatWasAgreedAndStopped) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    rig.agree();
    rig.call(rig.pdn(0x82));
    rig.modem().send_command(0x82, 1);
    ASSERT_TRUE(wait_until([&] { return rig.bench().counter("rx_flow_disable") == 1; }));
    const NlDevice d = rig.state();
    EXPECT_TRUE(d.agreed);
    EXPECT_EQ(d.format, (NlFormat{2, 9, 31744, 11, 8192, 0}));
    EXPECT_EQ(d.link_state, 2u);
    ASSERT_TRUE(d.find(0x81) && d.find(0x82));
    EXPECT_EQ(d.find(0x82)->link, 1u);
    EXPECT_TRUE(d.find(0x82)->flow_off);
    EXPECT_FALSE(d.find(0x81)->flow_off);
}

TEST(NetlinkGet, TwoModulesAndNoOther) {
    LoadedDriver driver("qmap_mode=1");
    Rig one("ec25", 1), other("rm500q", 1);
    ASSERT_EQ(run("brctl addbr lan"), 0);
    ASSERT_EQ(one.set_mode(3).error, 0);
    const NlReply reply = one.netlink().dump();
    ASSERT_EQ(reply.devices.size(), 2u);
    EXPECT_LT(reply.devices[0].ifindex, reply.devices[1].ifindex);
    EXPECT_EQ(reply.devices[0].product_id, 0x125u);
    EXPECT_EQ(reply.devices[0].mode, 3u);
    EXPECT_EQ(reply.devices[1].product_id, 0x800u);
    EXPECT_EQ(reply.devices[1].mode, 1u);
    for (const std::string netdev : {"lan", "lo", "wwan0.1"}) {
        const NlReply refused = one.netlink().get(if_nametoindex(netdev.c_str()));
        EXPECT_EQ(refused.error, ENODEV) << netdev;
        EXPECT_NE(refused.message, "") << netdev;
    }
    EXPECT_EQ(one.netlink().get(12345).error, ENODEV);
    EXPECT_EQ(one.netlink().get(0).error, ERANGE);
    EXPECT_EQ(one.netlink().raw(QMI_WWAN_Q_CMD_DEV_GET, {}).error, EINVAL);
    EXPECT_EQ(run("brctl delbr lan"), 0);
}

// A module is seen from its master's network namespace, and from no other.
TEST(NetlinkGet, Namespaces) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    Namespace elsewhere;
    const unsigned index = rig.index();
    const auto inside = [&](const std::function<void(Netlink &)> &work) {
        elsewhere.run_inside([&] {
            Netlink netlink;
            work(netlink);
        });
    };
    inside([&](Netlink &netlink) {
        EXPECT_TRUE(netlink.dump().devices.empty());
        EXPECT_EQ(netlink.get(index).error, ENODEV);
        EXPECT_EQ(netlink.delete_mux(index, 0x81).error, ENODEV);
    });
    // A mux netdev elsewhere has no index here.
    const unsigned mux_index = if_nametoindex("wwan0.2");
    ASSERT_EQ(elsewhere.take("wwan0.2"), 0);
    const NlDevice d = rig.state();
    ASSERT_EQ(mux_ids(d), (Ids{0x81, 0x82}));
    EXPECT_NE(d.find(0x81)->ifindex, 0u);
    EXPECT_EQ(d.find(0x82)->ifindex, 0u) << mux_index;
    EXPECT_EQ(d.find(0x82)->netdev, "");
    // And can be removed from here.
    EXPECT_EQ(rig.delete_mux(0x82).error, 0);
    elsewhere.run_inside([] { EXPECT_FALSE(exists("wwan0.2")); });

    ASSERT_EQ(elsewhere.take(rig.master()), 0);
    EXPECT_TRUE(rig.netlink().dump().devices.empty());
    inside([&](Netlink &netlink) {
        const NlReply reply = netlink.dump();
        ASSERT_EQ(reply.devices.size(), 1u);
        EXPECT_EQ(reply.devices[0].netdev, "wwan0");
        EXPECT_EQ(netlink.add_mux(reply.devices[0].ifindex, 7).error, 0);
        EXPECT_TRUE(exists("wwan0.m7"));
    });
}

// ---- who may

TEST(NetlinkSet, NeedsTheCapability) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    const unsigned index = rig.index();
    const std::string before = all_of(rig);
    const auto denied = [&](const std::function<NlReply(Netlink &)> &request) {
        return without_capabilities([&] {
            Netlink netlink;
            return request(netlink).error;
        });
    };
    EXPECT_EQ(denied([&](Netlink &n) { return n.set_mode(index, 3); }), EPERM);
    EXPECT_EQ(denied([&](Netlink &n) { return n.set_mode(index, 2); }), EPERM);
    EXPECT_EQ(denied([&](Netlink &n) { return n.set_format(index, {.rx_urb_size = 8192}); }),
              EPERM);
    EXPECT_EQ(denied([&](Netlink &n) { return n.set_link(index, 0x81, 1); }), EPERM);
    EXPECT_EQ(denied([&](Netlink &n) { return n.add_mux(index, 7); }), EPERM);
    EXPECT_EQ(denied([&](Netlink &n) { return n.delete_mux(index, 0x81); }), EPERM);
    EXPECT_EQ(denied([&](Netlink &n) { return n.get(index); }), 0);
    EXPECT_EQ(denied([&](Netlink &n) { return n.dump(); }), 0);
    EXPECT_EQ(all_of(rig), before);
}

// ---- mode

TEST(NetlinkMode, ChangesUnderEachOthersTraffic) {
    CleanLog log;
    LoadedDriver driver;
    Rig rig("ec25", 0);
    for (unsigned mode : {0, 4, 1, 8, 2, 0, 1}) {
        const NlReply reply = rig.set_mode(mode);
        ASSERT_EQ(reply.error, 0) << mode << ": " << reply.message;
        rig.bench().follow(mode);
        NlDevice d = rig.state();
        EXPECT_EQ(d.mode, mode);
        EXPECT_FALSE(d.agreed);
        EXPECT_EQ(d.link_state, mode < 2 ? 1u : 0u);
        EXPECT_EQ(d.format, (NlFormat{2, mode ? 5u : 0u, mode ? 4096u : 1520u, 1, 0, 0}));
        EXPECT_EQ(attribute(rig.master(), "qmap_mode"), std::to_string(mode));
        EXPECT_EQ(attribute(rig.master(), "qmap_size"), mode ? "4096" : "1520");
        EXPECT_EQ(driver_netdevs().size(), mode < 2 ? 1u : mode + 1);
        ASSERT_EQ(d.pdns.size(), rig.bench().pdns().size());
        // Before the first packet of IPv6's own.
        rig.agree();
        EXPECT_EQ(set_up(rig.master(), true), 0);
        EXPECT_EQ(carrier(rig.master()), mode < 2);

        for (const Pdn &pdn : rig.bench().pdns())
            rig.call(pdn);
        for (const Pdn &pdn : rig.bench().pdns())
            expect_traffic(pdn);
        // Nothing goes on the master of mux netdevs.
        if (mode > 1) {
            EXPECT_NE(udp_echo({rig.master(), "10.101.0.1"}, 100, 300ms), "");
        }
        EXPECT_EQ(set_up(rig.master(), false), 0);
    }
    EXPECT_EQ(rig.modem().uplink().violations, 0u) << rig.modem().uplink().first_violation;
}

// What is there in both modes stays: with its index, its address and its MTU.
TEST(NetlinkMode, KeepsTheNetdevsOfBoth) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("eg12", 2);
    ASSERT_EQ(rig.add_mux(0x85).error, 0);
    const unsigned first = if_nametoindex("wwan0.1"), fifth = if_nametoindex("wwan0.5");
    ASSERT_EQ(set_mtu("wwan0.1", 1400), 0);
    rig.agree();
    ASSERT_EQ(rig.set_link(0x81, 1).error, 0);
    ASSERT_EQ(rig.set_mode(4).error, 0);
    EXPECT_EQ(mux_ids(rig.state()), (Ids{0x81, 0x82, 0x83, 0x84}));
    EXPECT_EQ(if_nametoindex("wwan0.1"), first);
    EXPECT_EQ(attribute("wwan0.1", "mtu"), "1400");
    EXPECT_FALSE(exists("wwan0.5"));
    EXPECT_EQ(rig.state().link_state, 0u);
    EXPECT_FALSE(rig.state().agreed);
    ASSERT_EQ(rig.set_mode(8).error, 0);
    EXPECT_EQ(if_nametoindex("wwan0.1"), first);
    EXPECT_NE(if_nametoindex("wwan0.5"), fifth);
    // Nothing to do: nothing done.
    rig.agree();
    ASSERT_EQ(rig.set_mode(8).error, 0);
    EXPECT_TRUE(rig.state().agreed);
}

TEST(NetlinkMode, RefusedWhileUp) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns())
        rig.call(pdn);
    for (uint32_t mode : {0, 1, 3, 8})
        expect_refusal(
            rig, EBUSY, [&] { return rig.set_mode(mode); }, std::to_string(mode));
    for (const Pdn &pdn : rig.bench().pdns())
        expect_traffic(pdn);
    ASSERT_EQ(rig.set_mode(2).error, 0); // as it is
    ASSERT_EQ(set_up(rig.master(), false), 0);
    EXPECT_EQ(rig.set_mode(3).error, 0);
}

TEST(NetlinkMode, RefusesWhatAModuleCannot) {
    LoadedDriver driver("qmap_mode=1");
    {
        Rig rig("rm500q", 1);
        expect_refusal(
            rig, EOPNOTSUPP, [&] { return rig.set_mode(0); }, "5G");
        expect_refusal(
            rig, ERANGE, [&] { return rig.set_mode(9); }, "9");
        expect_refusal(
            rig, ERANGE, [&] { return rig.set_mode(0x80000001); }, "0x80000001");
        expect_refusal(
            rig, EINVAL, [&] { return rig.netlink().raw(QMI_WWAN_Q_CMD_MODE_SET, {}); },
            "no index");
        EXPECT_EQ(rig.set_mode(8).error, 0);
    }
    {
        Rig rig("ec25", 1, {.speed = vmodem::UsbSpeed::super});
        expect_refusal(
            rig, EOPNOTSUPP, [&] { return rig.set_mode(0); }, "SuperSpeed");
    }
    Rig rig("uc20", 0);
    for (uint32_t mode : {1, 2, 8})
        expect_refusal(
            rig, EOPNOTSUPP, [&] { return rig.set_mode(mode); }, "802.3");
    expect_refusal(
        rig, EOPNOTSUPP, [&] { return rig.add_mux(0x81); }, "802.3");
    EXPECT_EQ(rig.set_mode(0).error, 0);
}

// In mode 0 a frame that begins with such an address could be taken for an IP packet.
TEST(NetlinkMode, ModeZeroAndTheAddress) {
    LoadedDriver driver("qmap_mode=1");
    Rig rig("ec25", 1);
    ASSERT_EQ(run("ip link set " + rig.master() + " address 46:00:00:00:00:01"), 0);
    expect_refusal(
        rig, EADDRNOTAVAIL, [&] { return rig.set_mode(0); }, "46:");
    ASSERT_EQ(run("ip link set " + rig.master() + " address 06:00:00:00:00:01"), 0);
    EXPECT_EQ(rig.set_mode(0).error, 0);
}

// The names that the new netdevs would have are taken: others are found.
TEST(NetlinkMode, TakenNames) {
    LoadedDriver driver;
    Rig rig("ec25", 0);
    ASSERT_EQ(run("brctl addbr wwan0.2"), 0);
    ASSERT_EQ(rig.set_mode(3).error, 0);
    const NlDevice d = rig.state();
    ASSERT_EQ(mux_ids(d), (Ids{0x81, 0x82, 0x83}));
    EXPECT_EQ(d.pdns[1].netdev, "qmimux0");
    EXPECT_EQ(d.pdns[2].netdev, "wwan0.3");
    ASSERT_EQ(rig.set_mode(0).error, 0);
    EXPECT_FALSE(exists("qmimux0"));
    EXPECT_EQ(run("brctl delbr wwan0.2"), 0);
}

// ---- mux netdevs one by one

TEST(NetlinkMux, NamesKindAndNumbers) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    struct Case {
        uint32_t id;
        std::string netdev;
    };
    for (const Case &c : {Case{0x85, "wwan0.5"}, Case{7, "wwan0.m7"}, Case{254, "wwan0.m254"},
                          Case{1, "wwan0.m1"}, Case{0x89, "wwan0.m137"}, Case{0x88, "wwan0.8"}}) {
        const NlReply reply = rig.add_mux(c.id);
        ASSERT_EQ(reply.error, 0) << c.id << ": " << reply.message;
        // The answer is the module as it is then.
        ASSERT_TRUE(reply.device && reply.device->find(c.id)) << c.id;
        EXPECT_EQ(reply.device->command, QMI_WWAN_Q_CMD_MUX_ADD);
        EXPECT_EQ(reply.device->find(c.id)->netdev, c.netdev);
        EXPECT_EQ(reply.device->find(c.id)->ifindex, if_nametoindex(c.netdev.c_str()));
        EXPECT_EQ(reply.device->find(c.id)->link, 1u);
        EXPECT_EQ(attribute(c.netdev, "name_assign_type"), "2"); // so udev keeps the name
        const Link link = link_of(c.netdev);
        EXPECT_EQ(link.kind, "qmi_wwan_q");
        EXPECT_EQ(link.mux_id, c.id);
        char port[16];
        std::snprintf(port, sizeof(port), "mux0x%02x", unsigned(c.id));
        EXPECT_EQ(link.port_name, port);
        EXPECT_EQ(link.master, rig.index());
    }
    const NlDevice d = rig.state();
    EXPECT_EQ(d.mode, 2u);
    EXPECT_EQ(mux_ids(d), (Ids{1, 7, 0x81, 0x82, 0x85, 0x88, 0x89, 254}));
    // Bit n-1 is mux id 0x80 + n.
    EXPECT_EQ(d.link_state, 0x190u);
    EXPECT_EQ(attribute(rig.master(), "link_state"), "0x190");
    EXPECT_EQ(link_of(rig.master()).kind, "");

    expect_refusal(
        rig, ENOSPC, [&] { return rig.add_mux(9); }, "the ninth");
    ASSERT_EQ(rig.delete_mux(254).error, 0);
    for (uint32_t id : {0x81, 0x82, 7, 0x85})
        expect_refusal(
            rig, EEXIST, [&] { return rig.add_mux(id); }, std::to_string(id));
    for (uint32_t id : {0u, 255u, 256u, 0x181u, ~0u}) {
        expect_refusal(
            rig, ERANGE, [&] { return rig.add_mux(id); }, std::to_string(id));
        expect_refusal(
            rig, ERANGE, [&] { return rig.delete_mux(id); }, std::to_string(id));
    }
    for (uint32_t id : {2, 254, 0x83})
        expect_refusal(
            rig, ENOENT, [&] { return rig.delete_mux(id); }, std::to_string(id));
}

// Others come and go while calls are up: these lose nothing by it.
TEST(NetlinkMux, ComeAndGoUnderTraffic) {
    CleanLog log;
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns())
        rig.call(pdn);
    const auto master_rx = [&] { return statistic(rig.master(), "rx_packets"); };

    std::atomic<unsigned> downloads = 0;
    std::atomic<bool> stop = false;
    std::vector<std::string> errors[2];
    std::vector<std::thread> others;
    for (unsigned i : {0, 1})
        others.emplace_back([&, i] {
            while (!stop) {
                const Target target = rig.bench().pdn(i + 1).ipv4();
                for (const std::string &error :
                     {tcp_download(target, 500'000), tcp_upload(target, 200'000)})
                    if (!error.empty())
                        errors[i].push_back(error);
                downloads++;
            }
        });
    for (unsigned round = 0; round < 4; round++) {
        for (uint8_t id : {0x85, 7, 254}) {
            ASSERT_EQ(rig.add_mux(id).error, 0);
            const Pdn pdn = rig.pdn(id);
            rig.call(pdn);
            expect_traffic(pdn);
        }
        for (uint8_t id : {7, 254, 0x85}) {
            const uint64_t before = master_rx();
            ASSERT_EQ(rig.delete_mux(id).error, 0);
            // The master keeps count of what went through those that are gone.
            EXPECT_GE(master_rx(), before);
        }
    }
    const unsigned done = downloads;
    EXPECT_TRUE(wait_until([&] { return downloads >= done + 2; }, 10 * patience));
    stop = true;
    for (std::thread &thread : others)
        thread.join();
    for (const auto &list : errors)
        for (const std::string &error : list)
            ADD_FAILURE() << error;
    EXPECT_EQ(rig.modem().uplink().violations, 0u) << rig.modem().uplink().first_violation;
    EXPECT_EQ(rig.bench().counter("tx_urb_error"), 0u);
}

struct FirstMux {
    const char *profile;
    unsigned mode;
    bool running;

    friend void PrintTo(const FirstMux &c, std::ostream *out) {
        *out << c.profile << " mode " << c.mode << (c.running ? " running" : " down");
    }
};

class NetlinkFirstMux : public testing::TestWithParam<FirstMux> {};

// From modes 0 and 1 the first mux netdev makes the module one of mux netdevs, the last turns it
// back; also under a master that is up and carries packets.
TEST_P(NetlinkFirstMux, AndLast) {
    CleanLog log;
    const auto &[profile, mode, running] = GetParam();
    LoadedDriver driver("qmap_mode=" + std::to_string(mode));
    Rig rig(profile, mode);
    const unsigned index = rig.index();
    const auto as_before = [&] {
        rig.bench().follow(mode);
        rig.agree();
        const Pdn pdn = rig.bench().pdn(1);
        rig.call(pdn);
        expect_traffic(pdn);
    };
    for (unsigned round = 0; round < 3; round++) {
        as_before();
        const NlFormat format = *rig.state().format;
        {
            Background load;
            if (running)
                load.load(rig.bench().pdn(1));
            else
                ASSERT_EQ(set_up(rig.master(), false), 0);
            ASSERT_EQ(rig.add_mux(0x83).error, 0);
            ASSERT_EQ(rig.add_mux(7).error, 0);
        }
        EXPECT_EQ(rig.index(), index);
        NlDevice d = rig.state();
        EXPECT_EQ(d.mode, 2u);
        EXPECT_EQ(mux_ids(d), (Ids{7, 0x83}));
        EXPECT_EQ(d.link_state, 4u);
        EXPECT_FALSE(d.agreed);
        EXPECT_NE(d.format->qmap_version, 0u);
        EXPECT_EQ(attribute(rig.master(), "flags"), running ? "0x1083" : "0x1082");

        rig.bench().follow(2);
        rig.agree();
        for (uint8_t id : {0x83, 7}) {
            rig.call(rig.pdn(id));
            expect_traffic(rig.pdn(id));
        }
        if (!running) {
            ASSERT_EQ(set_up(rig.master(), false), 0);
        }
        ASSERT_EQ(rig.delete_mux(7).error, 0);
        EXPECT_EQ(rig.state().mode, 2u);
        ASSERT_EQ(rig.delete_mux(0x83).error, 0);
        d = rig.state();
        EXPECT_EQ(d.mode, mode);
        EXPECT_EQ(d.link_state, 1u);
        EXPECT_FALSE(d.agreed);
        EXPECT_EQ(d.format->qmap_version, format.qmap_version);
        EXPECT_EQ(driver_netdevs(), std::vector{rig.master()});
    }
    as_before();
    // In mode 0 packets go out as raw IP while the module still has QMAP.
    if (mode) {
        EXPECT_EQ(rig.modem().uplink().violations, 0u) << rig.modem().uplink().first_violation;
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, NetlinkFirstMux,
                         testing::Values(FirstMux{"ec25", 0, false}, FirstMux{"ec25", 0, true},
                                         FirstMux{"ec25", 1, true}, FirstMux{"rm500q", 1, true}));

// A mode that was set is left with all its netdevs gone.
TEST(NetlinkMux, LastOfAModeThatWasSet) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    ASSERT_EQ(set_up(rig.master(), true), 0);
    ASSERT_EQ(rig.delete_mux(0x81).error, 0);
    ASSERT_EQ(rig.delete_mux(0x82).error, 0);
    NlDevice d = rig.state();
    EXPECT_EQ(d.mode, 2u);
    EXPECT_EQ(mux_ids(d), Ids{});
    EXPECT_EQ(d.format->qmap_version, 5u);
    // And they are made again.
    rig.agree();
    ASSERT_EQ(rig.add_mux(0x82).error, 0);
    rig.call(rig.pdn(0x82));
    expect_traffic(rig.pdn(0x82));
    ASSERT_EQ(set_up(rig.master(), false), 0);
    ASSERT_EQ(rig.set_mode(2).error, 0);
    EXPECT_EQ(mux_ids(rig.state()), (Ids{0x81, 0x82}));
}

// The vendor's interfaces name PDNs by number, also where some are missing.
TEST(NetlinkMux, HolesInTheVendorsInterfaces) {
    LoadedDriver driver("qmap_mode=3");
    Rig rig("ec25", 3);
    ASSERT_EQ(rig.delete_mux(0x81).error, 0);
    ASSERT_EQ(rig.add_mux(0x85).error, 0);
    ASSERT_EQ(rig.add_mux(7).error, 0);
    qmi_wwan_q_info info{};
    ASSERT_EQ(rig.bench().get_info(info), 0);
    EXPECT_EQ(info.qmap_mode, 3u);
    for (unsigned i = 0; i < 8; i++) {
        const bool there = i == 1 || i == 2 || i == 4;
        EXPECT_STREQ(info.ifname[i], there ? ("wwan0." + std::to_string(i + 1)).c_str() : "");
        EXPECT_EQ(info.mux_id[i], there ? 0x81 + i : 0);
    }
    const std::string file = "/sys/class/net/" + rig.master() + "/link_state";
    EXPECT_EQ(attribute(rig.master(), "link_state"), "0x10");
    EXPECT_EQ(write_file(file, "1"), EINVAL);
    EXPECT_EQ(write_file(file, "4"), EINVAL);
    EXPECT_EQ(write_file(file, "7"), EINVAL); // mux id 0x87
    EXPECT_EQ(rig.bench().set_link_state(0x81), EINVAL);
    EXPECT_EQ(write_file(file, "3"), 0);
    EXPECT_EQ(rig.bench().set_link_state(2), 0);
    EXPECT_EQ(attribute(rig.master(), "link_state"), "0x16");
    EXPECT_EQ(rig.state().find(0x82)->link, 1u);
    EXPECT_EQ(rig.bench().set_link_state(0x85), 0);
    EXPECT_EQ(rig.bench().set_link_state(0x82), 0);
    EXPECT_EQ(rig.bench().set_link_state(0x83), 0);
    EXPECT_EQ(attribute(rig.master(), "link_state"), "0x0");
    // That of mux id 7 is no PDN's, but it is a link.
    EXPECT_EQ(set_up(rig.master(), true), 0);
    EXPECT_TRUE(carrier(rig.master()));
    EXPECT_EQ(rig.set_link(7, 0).error, 0);
    EXPECT_FALSE(carrier(rig.master()));
}

TEST(NetlinkMux, ByTheNamesOfRtnetlink) {
    LoadedDriver driver("qmap_mode=3");
    Rig rig("ec25", 3);
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns())
        rig.call(pdn);
    EXPECT_EQ(delete_link(if_nametoindex("wwan0.2")).error, 0);
    EXPECT_FALSE(exists("wwan0.2"));
    EXPECT_EQ(mux_ids(rig.state()), (Ids{0x81, 0x83}));
    expect_traffic(rig.pdn(0x81));
    expect_traffic(rig.pdn(0x83));
    expect_refusal(
        rig, EOPNOTSUPP, [&] { return make_link("wwan0.2", "qmi_wwan_q", rig.master()); }, "add");
    EXPECT_FALSE(exists("wwan0.2"));
    EXPECT_EQ(delete_link(rig.index()).error, EOPNOTSUPP);
    ASSERT_EQ(rig.add_mux(0x82).error, 0);
    rig.call(rig.pdn(0x82));
    expect_traffic(rig.pdn(0x82));
}

// GRO holds packets back between polls, on lists of the master's: those of a netdev that goes are
// handed over first.
TEST(NetlinkMux, GoesWithPacketsHeldByGro) {
    CleanLog log;
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    rig.agree();
    const std::string master = "/sys/class/net/" + rig.master() + "/";
    ASSERT_EQ(write_file(master + "napi_defer_hard_irqs", "2"), 0);
    ASSERT_EQ(write_file(master + "gro_flush_timeout", "40000000"), 0);
    Background load;
    rig.call(rig.pdn(0x81));
    load.load(rig.pdn(0x81));
    for (unsigned round = 0; round < 10; round++) {
        ASSERT_EQ(rig.add_mux(0x83).error, 0);
        const Pdn pdn = rig.pdn(0x83);
        rig.call(pdn);
        Background more;
        more.load(pdn);
        ASSERT_TRUE(wait_until([&] { return statistic(pdn.netdev, "rx_packets") > 30; }));
        ASSERT_EQ(rig.delete_mux(0x83).error, 0);
    }
    std::this_thread::sleep_for(100ms); // a flush that comes too late would have come by now
}

// Of the driver's own allocations for a request some fail: then the request does, and all is as
// it was. On kernels booted for it, see NoMemory.
TEST(NetlinkNoMemory, AllOrNothing) {
    if (!can_fail_allocations())
        GTEST_SKIP() << "this kernel can't let allocations fail (FAILSLAB)";
    LoadedDriver driver("qmap_mode=1");
    Rig rig("ec25", 1);
    const unsigned index = rig.index();
    unsigned done = 0, refused = 0;
    {
        const FailingAllocations failing("2");
        const auto under_failures = [&](const std::function<NlReply(Netlink &)> &request) {
            const std::string before = all_of(rig);
            NlReply reply;
            Netlink netlink; // a request that failed on its way leaves it out of step
            failing.run([&] {
                try {
                    reply = request(netlink);
                } catch (const std::runtime_error &) {
                    reply.error = ECOMM; // of the socket: the driver may have done it
                }
            });
            if (reply.error && reply.error != ECOMM) {
                EXPECT_EQ(all_of(rig), before) << reply.message;
                refused++;
            }
            done += !reply.error;
        };
        for (unsigned round = 0; round < 40; round++) {
            under_failures([&](Netlink &n) { return n.set_mode(index, round % 2 ? 4 : 8); });
            under_failures([&](Netlink &n) { return n.add_mux(index, 7); });
            under_failures([&](Netlink &n) { return n.set_mode(index, 1); });
        }
    }
    EXPECT_GT(done, 0u);
    EXPECT_GT(refused, 0u);
    ASSERT_EQ(rig.set_mode(2).error, 0);
    rig.bench().follow(2);
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns()) {
        rig.call(pdn);
        expect_traffic(pdn);
    }
}

// ---- format

TEST(NetlinkFormat, WhatIsLeftOutStays) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    EXPECT_FALSE(rig.state().agreed);
    ASSERT_EQ(rig.set_format({.ul_max_datagrams = 11, .ul_max_size = 8192}).error, 0);
    EXPECT_TRUE(rig.state().agreed);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 9, 31744, 11, 8192, 0}));
    ASSERT_EQ(rig.set_format({.ul_max_datagrams = 16}).error, 0);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 9, 31744, 16, 8192, 0}));
    ASSERT_EQ(rig.set_format({.ul_max_size = 4096}).error, 0);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 9, 31744, 16, 4096, 0}));
    ASSERT_EQ(rig.set_format({.dl_padding = 8}).error, 0);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 9, 31744, 16, 4096, 8}));
    ASSERT_EQ(rig.set_format({.qmap_version = 5}).error, 0);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 5, 31744, 16, 4096, 8}));
    // URBs don't shrink.
    ASSERT_EQ(rig.set_format({.rx_urb_size = 16384}).error, 0);
    EXPECT_EQ(rig.state().format->rx_urb_size, 31744u);
    ASSERT_EQ(rig.set_format({.rx_urb_size = 65536}).error, 0);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 5, 65536, 16, 4096, 8}));
    ASSERT_EQ(rig.set_format({.ul_max_datagrams = 0}).error, 0);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 5, 65536, 1, 0, 8}));
    ASSERT_EQ(rig.set_format({}).error, 0); // agreed to what is in use
    EXPECT_EQ(rig.state().format, (NlFormat{2, 5, 65536, 1, 0, 8}));
}

TEST(NetlinkFormat, BadValuesChangeNothing) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    ASSERT_EQ(set_mtu(rig.bench().pdn(2).netdev, 3000), 0);
    ASSERT_EQ(rig.set_format({.ul_max_datagrams = 11, .ul_max_size = 8192}).error, 0);
    struct Case {
        const char *what;
        int error;
        NlFormatChange change;
    };
    const Case cases[] = {
        {"link protocol", EINVAL, {.link_protocol = 2}},
        {"version 0", ERANGE, {.qmap_version = 0}},
        {"version 7", EINVAL, {.qmap_version = 7}},
        {"version 10", ERANGE, {.qmap_version = 10}},
        {"DL size", ERANGE, {.rx_urb_size = 65537}},
        {"UL size", ERANGE, {.ul_max_size = 65537}},
        {"UL size 0", EINVAL, {.ul_max_size = 0}},
        {"UL size below the MTU", EINVAL, {.ul_max_size = 3007}},
        {"padding", ERANGE, {.dl_padding = 256}},
        {"one of many",
         ERANGE,
         {.rx_urb_size = 40000, .ul_max_datagrams = 3, .ul_max_size = 5000, .dl_padding = 256}},
        {"the other of many",
         EINVAL,
         {.qmap_version = 5, .rx_urb_size = 40000, .ul_max_datagrams = 3, .ul_max_size = 100}},
    };
    for (const Case &c : cases)
        expect_refusal(
            rig, c.error, [&] { return rig.set_format(c.change); }, c.what);
    EXPECT_EQ(rig.set_format({.ul_max_size = 3008}).error, 0);

    ASSERT_EQ(rig.set_mode(1).error, 0);
    expect_refusal(
        rig, EINVAL, [&] { return rig.set_format({.ul_max_datagrams = 11}); },
        "aggregation without a size");
    Rig raw_ip("uc20", 0);
    expect_refusal(
        raw_ip, EOPNOTSUPP, [&] { return raw_ip.set_format({.rx_urb_size = 4096}); }, "mode 0");
}

// A module may have agreed v1 although its family speaks v5, and the other way round.
TEST(NetlinkFormat, VersionUnderTraffic) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns())
        rig.call(pdn);
    for (const auto &[qmap, version] : {std::pair{vmodem::Qmap::v1, 5}, {vmodem::Qmap::v5, 9}}) {
        DataFormat format = rig.bench().own_format();
        format.ul = format.dl = qmap;
        rig.modem().set_format(format);
        ASSERT_EQ(rig.set_format({.qmap_version = version}).error, 0);
        qmi_wwan_q_info info{};
        ASSERT_EQ(rig.bench().get_info(info), 0);
        EXPECT_EQ(info.qmap_version, unsigned(version));
        // What the stack sends by itself may have come in between the two.
        const auto violations = [&] { return unsigned(rig.modem().uplink().violations); };
        const unsigned before = settled(violations);
        for (const Pdn &pdn : rig.bench().pdns())
            expect_traffic(pdn);
        EXPECT_EQ(violations(), before) << rig.modem().uplink().first_violation;
    }
    // The vendor's ioctl, which does not name it, leaves it.
    ASSERT_EQ(rig.set_format({.qmap_version = 5}).error, 0);
    ASSERT_EQ(rig.bench().set_format({32, 31744, 2, 4, 0x81, 11, 8192, 0}), 0);
    EXPECT_EQ(rig.state().format->qmap_version, 5u);
    // A reset makes all of it void.
    ASSERT_EQ(usb_reset(rig.modem().usb_name()), 0);
    EXPECT_FALSE(rig.state().agreed);
    EXPECT_EQ(rig.state().format, (NlFormat{2, 9, 31744, 1, 0, 0}));
}

// ---- link

TEST(NetlinkLink, EachDrivesItsCarrier) {
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    ASSERT_EQ(rig.add_mux(7).error, 0);
    ASSERT_EQ(set_up(rig.master(), true), 0);
    ASSERT_EQ(set_up("wwan0.2", true), 0);
    EXPECT_EQ(rig.set_link(0x82, 1).error, 0);
    EXPECT_TRUE(carrier("wwan0.2"));
    EXPECT_EQ(attribute(rig.master(), "link_state"), "0x2");
    EXPECT_EQ(rig.set_link(0x82, 0).error, 0);
    EXPECT_FALSE(carrier("wwan0.2"));
    EXPECT_TRUE(carrier(rig.master())); // of id 7
    for (uint32_t id : {0, 6, 0x83, 254})
        expect_refusal(
            rig, ENOENT, [&] { return rig.set_link(id, 1); }, std::to_string(id));
    expect_refusal(
        rig, ERANGE, [&] { return rig.set_link(255, 1); }, "255");
    expect_refusal(
        rig, ERANGE, [&] { return rig.set_link(0x182, 1); }, "0x182");
    expect_refusal(
        rig, ERANGE, [&] { return rig.set_link(0x82, 2); }, "2");
}

TEST(NetlinkLink, TheMastersOwn) {
    LoadedDriver driver;
    Rig rig("ec25", 0);
    ASSERT_EQ(set_up(rig.master(), true), 0);
    EXPECT_EQ(rig.set_link(0, 0).error, 0);
    EXPECT_FALSE(carrier(rig.master()));
    EXPECT_EQ(rig.set_link(0, 1).error, 0);
    EXPECT_TRUE(carrier(rig.master()));
    expect_refusal(
        rig, ENOENT, [&] { return rig.set_link(0x81, 0); }, "no QMAP");
    ASSERT_EQ(set_up(rig.master(), false), 0);
    ASSERT_EQ(rig.set_mode(1).error, 0);
    expect_refusal(
        rig, ENOENT, [&] { return rig.set_link(0, 0); }, "QMAP");
    EXPECT_EQ(rig.set_link(0x81, 0).error, 0);
    EXPECT_EQ(rig.state().link_state, 0u);
}

// ---- requests that are no requests

std::vector<uint8_t> attribute_bytes(uint16_t type, const std::vector<uint8_t> &value) {
    std::vector<uint8_t> bytes(4);
    bytes[0] = uint8_t(4 + value.size());
    bytes[2] = type & 0xff;
    bytes[3] = type >> 8;
    bytes.insert(bytes.end(), value.begin(), value.end());
    bytes.resize((bytes.size() + 3) & ~size_t(3));
    return bytes;
}

TEST(NetlinkFuzz, MalformedRequests) {
    CleanLog log;
    LoadedDriver driver("qmap_mode=2");
    Rig rig("ec25", 2);
    const std::string before = all_of(rig);
    const std::vector<uint8_t> index =
        attribute_bytes(QMI_WWAN_Q_A_DEV_IFINDEX, {uint8_t(rig.index()), 0, 0, 0});
    std::minstd_rand random(1);
    unsigned refused = 0;
    for (unsigned i = 0; i < 20'000; i++) {
        std::vector<uint8_t> request = i % 8 ? index : std::vector<uint8_t>{};
        // Whatever may follow, nothing here is a whole request: an unknown attribute or one that
        // no request may have comes last.
        for (unsigned n = random() % 3; n; n--) {
            std::vector<uint8_t> value(random() % 40);
            for (uint8_t &byte : value)
                byte = random() % 4 ? random() % 16 : random();
            const auto attribute = attribute_bytes(1 + random() % 16, value);
            request.insert(request.end(), attribute.begin(), attribute.end());
        }
        const auto last = attribute_bytes(QMI_WWAN_Q_A_DEV_USB_PATH, {'1', '-', '1', 0});
        request.insert(request.end(), last.begin(), last.end());
        const NlReply reply = rig.netlink().raw(uint8_t(1 + random() % 14), request);
        refused += reply.error != 0;
    }
    EXPECT_EQ(refused, 20'000u);
    EXPECT_EQ(all_of(rig), before);
}

// ---- events

// The next events are these commands, in this order; returns them.
std::vector<NlDevice> expect_events(Netlink &netlink, const std::vector<uint8_t> &commands,
                                    const std::string &what) {
    std::vector<NlDevice> events;
    std::vector<uint8_t> got;
    for (size_t i = 0; i < commands.size(); i++)
        if (auto event = netlink.event()) {
            got.push_back(event->command);
            events.push_back(*event);
        }
    if (auto more = netlink.event(100ms))
        got.push_back(more->command);
    EXPECT_EQ(got, commands) << what;
    events.resize(commands.size());
    return events;
}

TEST(NetlinkEvents, OneForEachChange) {
    constexpr uint8_t added = QMI_WWAN_Q_CMD_DEV_ADD_NTF, removed = QMI_WWAN_Q_CMD_DEV_DEL_NTF,
                      changed = QMI_WWAN_Q_CMD_DEV_CHANGE_NTF,
                      mux_added = QMI_WWAN_Q_CMD_MUX_ADD_NTF,
                      mux_removed = QMI_WWAN_Q_CMD_MUX_DEL_NTF, link = QMI_WWAN_Q_CMD_LINK_NTF;
    LoadedDriver driver;
    Netlink monitor;
    monitor.subscribe();
    std::optional<Rig> rig(std::in_place, "eg12", 0);
    std::vector<NlDevice> e = expect_events(monitor, {added}, "arrival");
    EXPECT_EQ(e[0].ifindex, rig->index());
    EXPECT_EQ(e[0].product_id, 0x512u);
    EXPECT_EQ(mux_ids(e[0]), (Ids{0}));

    ASSERT_EQ(rig->set_mode(2).error, 0);
    e = expect_events(monitor, {mux_added, mux_added, changed}, "mode 2");
    EXPECT_EQ(mux_ids(e[0]), (Ids{0x81}));
    EXPECT_EQ(e[0].ifindex, rig->index());
    EXPECT_EQ(e[0].netdev, rig->master());
    EXPECT_EQ(e[0].usb_path, rig->modem().usb_name() + ":1.4");
    EXPECT_EQ(e[0].pdns[0].netdev, "wwan0.1");
    EXPECT_EQ(e[2].mode, 2u);
    EXPECT_EQ(mux_ids(e[2]), (Ids{0x81, 0x82}));
    ASSERT_EQ(rig->set_mode(2).error, 0);
    EXPECT_NE(rig->set_mode(9).error, 0);
    expect_events(monitor, {}, "nothing changed");

    ASSERT_EQ(rig->set_format({.ul_max_datagrams = 10, .ul_max_size = 5000}).error, 0);
    e = expect_events(monitor, {changed}, "format");
    EXPECT_EQ(e[0].format, (NlFormat{2, 5, 16384, 10, 5000, 0}));
    ASSERT_EQ(rig->bench().set_format({32, 20000, 2, 4, 0x81, 1, 0, 0}), 0);
    e = expect_events(monitor, {changed}, "format by the vendor's ioctl");
    EXPECT_EQ(e[0].format, (NlFormat{2, 5, 20000, 1, 0, 0}));
    ASSERT_EQ(set_mtu("wwan0.1", 30000), 0);
    e = expect_events(monitor, {changed}, "URBs grow with the MTU");
    EXPECT_GT(e[0].format->rx_urb_size, 30000u);

    ASSERT_EQ(rig->set_link(0x82, 1).error, 0);
    e = expect_events(monitor, {link}, "link");
    EXPECT_EQ(mux_ids(e[0]), (Ids{0x82}));
    EXPECT_EQ(e[0].pdns[0].link, 1u);
    ASSERT_EQ(rig->set_link(0x82, 1).error, 0);
    ASSERT_EQ(rig->bench().set_link_state(2), 0);
    expect_events(monitor, {}, "the link is up already");
    ASSERT_EQ(write_file("/sys/class/net/" + rig->master() + "/link_state", "0x82"), 0);
    e = expect_events(monitor, {link}, "link by the vendor's file");
    EXPECT_EQ(e[0].pdns[0].link, 0u);

    ASSERT_EQ(rig->add_mux(7).error, 0);
    e = expect_events(monitor, {mux_added}, "mux");
    EXPECT_EQ(e[0].pdns[0].netdev, "wwan0.m7");
    EXPECT_EQ(e[0].pdns[0].link, 1u);
    const unsigned mux_index = if_nametoindex("wwan0.m7");
    ASSERT_EQ(delete_link(mux_index).error, 0);
    e = expect_events(monitor, {mux_removed}, "link deleted");
    EXPECT_EQ(e[0].pdns[0].ifindex, mux_index);
    ASSERT_EQ(rig->delete_mux(0x81).error, 0);
    expect_events(monitor, {mux_removed}, "mux deleted");

    ASSERT_EQ(rig->set_mode(1).error, 0);
    e = expect_events(monitor, {mux_removed, changed}, "mode 1");
    EXPECT_EQ(mux_ids(e[0]), (Ids{0x82}));
    ASSERT_EQ(rig->add_mux(0x84).error, 0);
    e = expect_events(monitor, {mux_added, changed}, "first mux");
    EXPECT_EQ(e[1].mode, 2u);
    ASSERT_EQ(rig->delete_mux(0x84).error, 0);
    e = expect_events(monitor, {mux_removed, changed}, "last mux");
    EXPECT_EQ(e[1].mode, 1u);

    ASSERT_EQ(rig->set_format({.ul_max_datagrams = 10, .ul_max_size = 5000}).error, 0);
    expect_events(monitor, {changed}, "format");
    ASSERT_EQ(usb_reset(rig->modem().usb_name()), 0);
    e = expect_events(monitor, {changed}, "reset");
    EXPECT_FALSE(e[0].agreed);

    const unsigned index = rig->index();
    rig.reset();
    e = expect_events(monitor, {removed}, "unplugged");
    EXPECT_EQ(e[0].ifindex, index);
    EXPECT_EQ(e[0].product_id, 0x512u);
}

// The module talks 802.3 after all: the driver follows, and says so.
TEST(NetlinkEvents, ModuleChangesItsFraming) {
    LoadedDriver driver;
    Rig rig("ec25", 0);
    ASSERT_EQ(set_up(rig.master(), true), 0);
    Netlink monitor;
    monitor.subscribe();
    DataFormat format = rig.bench().own_format();
    format.link_protocol = vmodem::LinkProtocol::ethernet_802_3;
    rig.modem().set_format(format);
    rig.modem().send_packet(0, udp_packet(rig.bench().pdn(1), 100, 5000));
    const std::vector<NlDevice> e =
        expect_events(monitor, {QMI_WWAN_Q_CMD_DEV_CHANGE_NTF}, "framing");
    ASSERT_TRUE(e[0].format);
    EXPECT_EQ(e[0].format->link_protocol, 1u);
}

TEST(NetlinkEvents, InTheMastersNamespaceAlone) {
    LoadedDriver driver("qmap_mode=1");
    Rig rig("ec25", 1);
    Netlink here;
    here.subscribe();
    Namespace elsewhere;
    std::optional<Netlink> there;
    elsewhere.run_inside([&] { there.emplace().subscribe(); });
    EXPECT_EQ(rig.set_link(0x81, 0).error, 0);
    EXPECT_TRUE(here.event());
    EXPECT_FALSE(there->event(200ms));
    // Where the master is then.
    ASSERT_EQ(elsewhere.take(rig.master()), 0);
    elsewhere.run_inside(
        [&] { EXPECT_EQ(Netlink().set_link(if_nametoindex("wwan0"), 0x81, 1).error, 0); });
    EXPECT_TRUE(there->event());
    EXPECT_FALSE(here.event(200ms));
    ASSERT_EQ(elsewhere.give_back(rig.master()), 0);
}

// ---- everything at once

// The module goes while all of this is under way; nothing that is asked then hangs or harms.
class NetlinkUnplug : public testing::Test {
  protected:
    // Plugs in, has 'work' go on in the background under 'load' of the first PDN, pulls out.
    void repeat(unsigned mode, bool running,
                const std::function<void(Rig &rig, Background &background)> &work) {
        std::minstd_rand random(3);
        for (unsigned round = 0; round < 8; round++) {
            Rig rig("rm500q", mode);
            rig.agree();
            Background background;
            work(rig, background);
            if (running) {
                rig.call(rig.bench().pdn(1));
                background.load(rig.bench().pdn(1));
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(random() % 200));
            rig.modem().unplug();
            background.stop();
            EXPECT_TRUE(wait_until([] { return driver_netdevs().empty(); }));
            EXPECT_TRUE(rig.netlink().dump().devices.empty());
        }
    }

    CleanLog log_;
};

TEST_F(NetlinkUnplug, WhileModesChange) {
    LoadedDriver driver("qmap_mode=1");
    repeat(1, false, [](Rig &rig, Background &background) {
        background.repeat(
            [netlink = std::make_shared<Netlink>(), index = rig.index(), mode = 1u]() mutable {
                mode = mode == 1 ? 8 : mode == 8 ? 3 : 1;
                netlink->set_mode(index, mode);
            });
        for (const char *file : {"qmap_mode", "qmap_size", "link_state", "statistics/rx_bytes"})
            background.repeat([file, master = rig.master()] { attribute(master, file); });
    });
}

TEST_F(NetlinkUnplug, WhileItIsDumpedAndWatched) {
    LoadedDriver driver("qmap_mode=4");
    repeat(4, true, [](Rig &rig, Background &background) {
        for (unsigned i = 0; i < 2; i++)
            background.repeat([netlink = std::make_shared<Netlink>()] { netlink->dump(); });
        background.repeat(
            [netlink = std::make_shared<Netlink>(), index = rig.index()] { netlink->get(index); });
        auto monitor = std::make_shared<Netlink>();
        monitor->subscribe();
        background.repeat([monitor] { monitor->event(10ms); });
        background.repeat([netlink = std::make_shared<Netlink>(), index = rig.index()] {
            netlink->set_link(index, 0x82, 1);
            netlink->set_link(index, 0x82, 0);
        });
    });
}

TEST_F(NetlinkUnplug, WhileMuxesComeAndGoUnderLoad) {
    LoadedDriver driver("qmap_mode=2");
    repeat(2, true, [](Rig &rig, Background &background) {
        for (uint32_t id : {7, 0x85})
            background.repeat([id, netlink = std::make_shared<Netlink>(), index = rig.index()] {
                netlink->add_mux(index, id);
                netlink->delete_mux(index, id);
            });
    });
}

// The same without an end: afterwards all works.
TEST(NetlinkRace, EverythingUnderTraffic) {
    CleanLog log;
    LoadedDriver driver("qmap_mode=2");
    Rig rig("rm500q", 2);
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns())
        rig.call(pdn);
    {
        Background work;
        for (const Pdn &pdn : rig.bench().pdns())
            work.load(pdn);
        const auto repeat = [&](const std::function<void(Netlink &)> &action) {
            work.repeat([netlink = std::make_shared<Netlink>(), action] { action(*netlink); });
        };
        const unsigned index = rig.index();
        for (uint32_t id : {0x85, 7})
            repeat([id, index, master = rig.master()](Netlink &netlink) {
                const NlReply reply = netlink.add_mux(index, id);
                const NlPdn *pdn = reply.device ? reply.device->find(id) : nullptr;
                if (pdn) {
                    set_up(pdn->netdev, true);
                    udp_flood({pdn->netdev, "10.133.0.1"}, 5, 100);
                    delete_link(pdn->ifindex);
                }
            });
        repeat([](Netlink &netlink) { netlink.dump(); });
        repeat([index, random = std::minstd_rand(4)](Netlink &netlink) mutable {
            netlink.set_format(index, {.ul_max_datagrams = 1 + random() % 20});
        });
        repeat([index](Netlink &netlink) { EXPECT_EQ(netlink.set_mode(index, 3).error, EBUSY); });
        work.repeat([&] {
            statistic(rig.master(), "rx_bytes");
            ethtool_counters(rig.master());
            attribute(rig.master(), "link_state");
        });
        std::this_thread::sleep_for(3s);
    }
    rig.agree();
    for (const Pdn &pdn : rig.bench().pdns()) {
        rig.call(pdn);
        expect_traffic(pdn);
    }
}

// Resets, without traffic: vhci_hcd does not stand an UL URB that is unlinked as it completes.
TEST(NetlinkRace, ResetsAmongChanges) {
    CleanLog log;
    LoadedDriver driver;
    Rig rig("ec25", 0);
    write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
    ASSERT_EQ(set_up(rig.master(), true), 0);
    {
        Background work;
        const unsigned index = rig.index();
        for (uint32_t id : {0x81, 7})
            work.repeat([netlink = std::make_shared<Netlink>(), id, index] {
                netlink->add_mux(index, id);
                std::this_thread::sleep_for(3ms);
                netlink->delete_mux(index, id);
                std::this_thread::sleep_for(3ms);
            });
        work.repeat([&] { usb_reset(rig.modem().usb_name()); });
        work.repeat([netlink = std::make_shared<Netlink>(), index] {
            netlink->set_format(index, {.ul_max_datagrams = 5, .ul_max_size = 3000});
        });
        std::this_thread::sleep_for(3s);
    }
    write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "0");
    for (uint32_t id : {0x81, 7})
        rig.delete_mux(id);
    EXPECT_EQ(rig.state().mode, 0u);
    rig.call(rig.bench().pdn(1));
    expect_traffic(rig.bench().pdn(1));
}

// The first mux and the last, over and over, under a master that is up, opened and closed.
TEST(NetlinkRace, FirstAndLastMuxOfARunningMaster) {
    CleanLog log;
    LoadedDriver driver;
    Rig rig("ec25", 0);
    rig.call(rig.bench().pdn(1));
    {
        Background work;
        work.load(rig.bench().pdn(1));
        work.repeat([netlink = std::make_shared<Netlink>(), index = rig.index()] {
            netlink->add_mux(index, 0x81);
            netlink->delete_mux(index, 0x81);
        });
        work.repeat([&] {
            for (const char *file : {"qmap_mode", "qmap_size", "statistics/tx_bytes"})
                attribute(rig.master(), file);
        });
        work.repeat([&] {
            std::this_thread::sleep_for(30ms);
            set_up(rig.master(), false);
            set_up(rig.master(), true);
        });
        std::this_thread::sleep_for(3s);
    }
    rig.delete_mux(0x81);
    EXPECT_EQ(rig.state().mode, 0u);
    rig.modem().forget_errors();
    rig.call(rig.bench().pdn(1));
    expect_traffic(rig.bench().pdn(1));
}

} // namespace
} // namespace guest
