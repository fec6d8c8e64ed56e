// SPDX-License-Identifier: GPL-2.0
// What the driver binds to, what it makes of it, and how it lets go: names, ids, modes, log lines.
#include "bench.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <gtest/gtest.h>
#include <memory>
#include <net/if.h>
#include <optional>

namespace guest {
namespace {

constexpr const char *driver_directory = "/sys/bus/usb/drivers/qmi_wwan_q";
constexpr const char *parameters = "/sys/module/qmi_wwan_q/parameters/";

// Waits until the host is through with probing; the device's USB name, empty if it got none.
std::string wait_probed(const Modem &modem) {
    std::string name;
    wait_until([&] { return !(name = modem.usb_name()).empty(); });
    // The device is locked while its interfaces are being probed, and reading this takes the lock.
    read_file("/sys/bus/usb/devices/" + name + "/bConfigurationValue");
    return name;
}

// Name of the driver that has that interface; empty if none.
std::string driver_of(const std::string &usb_name, unsigned interface) {
    std::error_code error;
    return std::filesystem::read_symlink("/sys/bus/usb/devices/" + usb_name + "/" + usb_name +
                                             ":1." + std::to_string(interface) + "/driver",
                                         error)
        .filename();
}

// Netdevs that are the driver's, by name.
std::vector<std::string> wwan_netdevs() {
    std::vector<std::string> names;
    for (const std::string &name : list_directory("/sys/class/net"))
        if (name.starts_with("wwan"))
            names.push_back(name);
    std::ranges::sort(names);
    return names;
}

using Names = std::vector<std::string>;

std::string uevent_value(const std::string &netdev, const std::string &key) {
    const std::string text = "\n" + attribute(netdev, "uevent") + "\n";
    const size_t at = text.find("\n" + key + "=");
    if (at == std::string::npos)
        return "";
    const size_t value = at + key.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
}

uint32_t hex_attribute(const std::string &netdev, const std::string &file) {
    return std::strtoul(attribute(netdev, file).c_str(), nullptr, 16);
}

// Nothing in the log that a developer would have to look at.
void expect_quiet(KernelLog &log) {
    for (const char *alarm :
         {"WARNING:", "BUG:", "Call Trace", "UBSAN", "divide error", "failed with error"})
        EXPECT_EQ(log.count(alarm), 0u) << alarm;
}

void expect_all_traffic(Bench &bench) {
    for (const Pdn &pdn : bench.pdns()) {
        EXPECT_EQ(ping(pdn.ipv4(), 1400), "") << pdn.netdev;
        EXPECT_EQ(ping(pdn.ipv6()), "") << pdn.netdev;
        EXPECT_EQ(tcp_download(pdn.ipv4(), 200'000), "") << pdn.netdev;
        EXPECT_EQ(tcp_upload(pdn.ipv4(), 200'000), "") << pdn.netdev;
    }
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
}

TEST(Probe, LogsTheUsualLinesInOrder) {
    KernelLog log;
    LoadedDriver driver("qmap_mode=4");
    Bench bench("ec25", 4);
    const std::string usb = "qmi_wwan_q " + bench.modem().usb_name() + ":1.4";
    const std::string master = bench.master();
    Names expected = {
        "usbcore: registered new interface driver qmi_wwan_q",
        usb + ": cdc-wdm0: USB WDM device",
        usb + ": Quectel modules work on RawIP mode",
        usb + " " + master + ": register 'qmi_wwan_q' at usb-vhci_hcd.0-1, WWAN/QMI device, " +
            attribute(master, "address"),
    };
    for (const Pdn &pdn : bench.pdns())
        expected.push_back("net " + master + ": qmap_register_device " + pdn.netdev);
    expected.push_back(usb + ": rx_urb_size = 4096");

    ASSERT_TRUE(log.wait_for(expected.back()));
    auto line = log.lines().begin();
    for (const std::string &text : expected) {
        line = std::find(line, log.lines().end(), text);
        ASSERT_NE(line, log.lines().end()) << "missing, or not in its place: " << text;
    }
}

TEST(Probe, NamesFollowTheMode) {
    struct Case {
        const char *parameters;
        Names netdevs;
    };
    const Case cases[] = {
        {"", {"wwan0"}},
        {"qmap_mode=0", {"wwan0"}},
        {"qmap_mode=1", {"wwan0"}},
        {"qmap_mode=2", {"wwan0", "wwan0.1", "wwan0.2"}},
        {"qmap_mode=4", {"wwan0", "wwan0.1", "wwan0.2", "wwan0.3", "wwan0.4"}},
        {"rx_qmap=8",
         {"wwan0", "wwan0.1", "wwan0.2", "wwan0.3", "wwan0.4", "wwan0.5", "wwan0.6", "wwan0.7",
          "wwan0.8"}},
        {"qmap_mode=2 mux_separator=_", {"wwan0", "wwan0_1", "wwan0_2"}},
        {"mux_separator=- rx_qmap=2", {"wwan0", "wwan0-1", "wwan0-2"}},
        // As the vendor's driver is loaded.
        {"qmap_mode=2 bridge_mode=3 agg_time_limit=100000 agg_bypass_time=10000000",
         {"wwan0", "wwan0.1", "wwan0.2"}},
    };
    for (const Case &c : cases) {
        LoadedDriver driver(c.parameters);
        Modem modem(*vmodem::find_profile("ec25"));
        modem.plug_in();
        wait_probed(modem);
        EXPECT_EQ(wwan_netdevs(), c.netdevs) << c.parameters;
        modem.unplug();
        EXPECT_EQ(wwan_netdevs(), Names{}) << c.parameters;
    }
}

TEST(Probe, ParametersAreChecked) {
    for (const char *bad :
         {"qmap_mode=9", "qmap_mode=-1", "qmap_mode=many", "qmap_mode=", "qmap_mode=4294967296",
          "rx_qmap=9", "rx_qmap=1x", "mux_separator=", "mux_separator=/", "mux_separator=__"})
        EXPECT_EQ(LoadedDriver::try_load(bad), EINVAL) << bad;

    LoadedDriver driver("qmap_mode=3");
    const std::string mode = std::string(parameters) + "qmap_mode";
    for (const char *bad : {"9\n", "-1\n", "x\n", "\n", "1 2\n", "0x100000001\n"})
        EXPECT_EQ(write_file(mode, bad), EINVAL) << bad;
    EXPECT_EQ(read_file(mode), "3");
    EXPECT_EQ(write_file(mode, "0x8\n"), 0);
    EXPECT_EQ(read_file(mode), "8");
    EXPECT_EQ(read_file(std::string(parameters) + "rx_qmap"), "8");
    EXPECT_EQ(write_file(std::string(parameters) + "rx_qmap", "2"), 0);
    EXPECT_EQ(read_file(mode), "2");
}

TEST(Probe, AModuleThatNeedsQmapDoesNotChangeTheParameter) {
    LoadedDriver driver("qmap_mode=0");
    Bench nr("rm500q", 1);
    EXPECT_EQ(attribute(nr.master(), "qmap_mode"), "1");
    EXPECT_EQ(read_file(std::string(parameters) + "qmap_mode"), "0");
    Bench lte("ec25", 0);
    EXPECT_EQ(attribute(lte.master(), "qmap_mode"), "0");
    EXPECT_EQ(attribute(lte.master(), "qmap_size"), "1520");
    nr.connect_all();
    lte.connect_all();
    expect_all_traffic(nr);
    expect_all_traffic(lte);
}

TEST(Probe, SuperSpeedNeedsQmap) {
    LoadedDriver driver("qmap_mode=0");
    ModemOptions super;
    super.speed = vmodem::UsbSpeed::super;
    Bench bench("eg12", 1, super);
    EXPECT_EQ(attribute(bench.master(), "qmap_mode"), "1");
    EXPECT_EQ(attribute(bench.master(), "qmap_size"), "16384");
    EXPECT_EQ(read_file(std::string(parameters) + "qmap_mode"), "0");
    bench.connect_all();
    expect_all_traffic(bench);
}

TEST(Probe, EachModuleKeepsTheModeThatItWasPluggedInWith) {
    LoadedDriver driver("qmap_mode=4");
    const std::string mode = std::string(parameters) + "qmap_mode";
    auto first = std::make_unique<Bench>("ec25", 4);
    ASSERT_EQ(write_file(mode, "0"), 0);
    Bench second("ec25", 0);
    ASSERT_EQ(write_file(mode, "2"), 0);
    Bench third("rm500q", 2);

    EXPECT_EQ(attribute(first->master(), "qmap_mode"), "4");
    EXPECT_EQ(attribute(second.master(), "qmap_mode"), "0");
    EXPECT_EQ(attribute(third.master(), "qmap_mode"), "2");
    EXPECT_EQ(Names({first->master(), second.master(), third.master()}),
              Names({"wwan0", "wwan1", "wwan2"}));
    first->connect_all();
    second.connect_all();
    third.connect_all();
    expect_all_traffic(*first);
    expect_all_traffic(second);
    expect_all_traffic(third);

    // One of them goes; the others don't notice, and its name is free again.
    first.reset();
    EXPECT_EQ(wwan_netdevs(), Names({"wwan1", "wwan2", "wwan2.1", "wwan2.2"}));
    expect_all_traffic(second);
    expect_all_traffic(third);
    Bench fourth("eg12", 2);
    EXPECT_EQ(fourth.master(), "wwan0");
    fourth.connect_all();
    expect_all_traffic(fourth);
}

TEST(Probe, BindsToTheQmiInterfaceAlone) {
    LoadedDriver driver;
    Bench bench("ec25", 0);
    const std::string usb = bench.modem().usb_name();
    EXPECT_EQ(driver_of(usb, 4), "qmi_wwan_q");
    for (unsigned interface = 0; interface < 4; interface++)
        EXPECT_EQ(driver_of(usb, interface), "") << interface;
}

TEST(Probe, AnIdAddedAtRunTimeWorks) {
    vmodem::Profile unknown = *vmodem::find_profile("eg12");
    unknown.product_id = 0x7777;
    for (unsigned mode : {0, 1, 2}) {
        KernelLog log;
        LoadedDriver driver("qmap_mode=" + std::to_string(mode));
        ASSERT_EQ(write_file(std::string(driver_directory) + "/new_id", "2c7c 7777\n"), 0);
        Bench bench(unknown, mode);
        const std::string usb = wait_probed(bench.modem());
        EXPECT_EQ(driver_of(usb, 4), "qmi_wwan_q");
        for (unsigned interface = 0; interface < 4; interface++)
            EXPECT_EQ(driver_of(usb, interface), "") << interface;
        // The id matches the serial interfaces too: no reason to advise anybody.
        EXPECT_EQ(log.count("usbnet"), 0u);
        bench.connect_all();
        expect_all_traffic(bench);
    }
}

TEST(Probe, OtherNetworkCardTypesAreNamed) {
    LoadedDriver driver;
    for (unsigned usbnet : {1, 2, 3}) {
        KernelLog log;
        Modem modem(*vmodem::find_profile("ec25"), {.usbnet = usbnet});
        modem.plug_in();
        const std::string usb = wait_probed(modem);
        EXPECT_TRUE(log.wait_for("AT+QCFG=\"usbnet\"")) << usbnet;
        for (unsigned interface = 0; interface < 6; interface++)
            EXPECT_NE(driver_of(usb, interface), "qmi_wwan_q") << usbnet << " " << interface;
        EXPECT_EQ(wwan_netdevs(), Names{}) << usbnet;
        expect_quiet(log);
    }
}

TEST(Probe, DiallersFindTheirWay) {
    LoadedDriver driver("qmap_mode=4");
    Bench bench("ec25", 4);
    // quectel-CM takes the first entry of these directories.
    EXPECT_EQ(list_directory(bench.interface_path() + "/net"), Names{bench.master()});
    EXPECT_EQ(list_directory(bench.interface_path() + "/usbmisc"), Names{"cdc-wdm0"});
    EXPECT_TRUE(std::filesystem::is_character_file("/dev/cdc-wdm0"));
    EXPECT_EQ(ethtool_driver(bench.master()), "qmi_wwan_q");
    for (const Pdn &pdn : bench.pdns()) {
        EXPECT_EQ(ethtool_driver(pdn.netdev), "qmi_wwan_q");
        const std::string directory = "/sys/class/net/" + pdn.netdev;
        EXPECT_TRUE(std::filesystem::equivalent(directory + "/lower_" + bench.master(),
                                                "/sys/class/net/" + bench.master()));
        EXPECT_TRUE(std::filesystem::equivalent(
            "/sys/class/net/" + bench.master() + "/upper_" + pdn.netdev, directory));
        EXPECT_EQ(attribute(pdn.netdev, "iflink"), attribute(bench.master(), "ifindex"));
    }
}

TEST(Probe, NetdevsLookLikeEthernetWithoutArp) {
    for (unsigned mode : {0, 4}) {
        LoadedDriver driver("qmap_mode=" + std::to_string(mode));
        Bench bench("ec25", mode);
        Names netdevs = {bench.master()};
        if (mode)
            for (const Pdn &pdn : bench.pdns())
                netdevs.push_back(pdn.netdev);
        for (const std::string &netdev : netdevs) {
            const uint32_t flags = hex_attribute(netdev, "flags");
            EXPECT_TRUE(flags & IFF_NOARP) << netdev;
            EXPECT_TRUE(flags & IFF_BROADCAST) << netdev;
            EXPECT_TRUE(flags & IFF_MULTICAST) << netdev;
            EXPECT_FALSE(flags & IFF_POINTOPOINT) << netdev;
            EXPECT_EQ(attribute(netdev, "type"), "1") << netdev;
            EXPECT_EQ(attribute(netdev, "addr_len"), "6") << netdev;
            EXPECT_EQ(attribute(netdev, "mtu"), "1500") << netdev;
            EXPECT_EQ(uevent_value(netdev, "DEVTYPE"), "wwan") << netdev;
            EXPECT_EQ(attribute(netdev, "address"), attribute(bench.master(), "address")) << netdev;
        }
        // Unicast, of nobody in particular, and nothing that a raw IP packet could start with.
        const uint32_t first = hex_attribute(bench.master(), "address");
        EXPECT_EQ(first & 3, 2u);
        EXPECT_EQ(first & 0x40, 0u);
    }
}

TEST(Probe, AMuxNetdevIsUpOnlyOnAMasterThatIsUp) {
    LoadedDriver driver("qmap_mode=2");
    Bench bench("ec25", 2);
    const std::string mux = bench.pdn(2).netdev;
    EXPECT_EQ(set_up(mux, true), ENETDOWN);
    EXPECT_FALSE(hex_attribute(mux, "flags") & IFF_UP);
    EXPECT_EQ(set_up(bench.master(), true), 0);
    EXPECT_EQ(set_up(mux, true), 0);
    EXPECT_TRUE(hex_attribute(mux, "flags") & IFF_UP);
    EXPECT_EQ(set_up(bench.master(), false), 0);
    EXPECT_FALSE(hex_attribute(mux, "flags") & IFF_UP);
    EXPECT_EQ(set_up(mux, true), ENETDOWN);
    // And all the way back.
    bench.connect_all();
    expect_all_traffic(bench);
}

TEST(Probe, DtrIsSetWhileTheDriverIsBound) {
    auto driver = std::make_unique<LoadedDriver>();
    auto bench = std::make_unique<Bench>("ec25", 0);
    EXPECT_EQ(bench->modem().dtr(), 1u);
    const std::string interface = std::filesystem::path(bench->interface_path()).filename();
    ASSERT_EQ(write_file(std::string(driver_directory) + "/unbind", interface), 0);
    EXPECT_EQ(bench->modem().dtr(), 0u);
    ASSERT_EQ(write_file(std::string(driver_directory) + "/bind", interface), 0);
    EXPECT_EQ(bench->modem().dtr(), 1u);
    driver.reset();
    EXPECT_EQ(bench->modem().dtr(), 0u);
    EXPECT_EQ(wwan_netdevs(), Names{});
    driver = std::make_unique<LoadedDriver>();
    EXPECT_EQ(bench->modem().dtr(), 1u);
}

TEST(Probe, UnbindAndBindAgain) {
    KernelLog log;
    LoadedDriver driver("qmap_mode=4");
    Bench bench("ec25", 4);
    const Names netdevs = wwan_netdevs();
    const std::string interface = std::filesystem::path(bench.interface_path()).filename();
    bench.connect_all(); // is to be unbound with everything up and in use
    for (int round = 0; round < 10; round++) {
        ASSERT_EQ(write_file(std::string(driver_directory) + "/unbind", interface), 0) << round;
        EXPECT_EQ(wwan_netdevs(), Names{}) << round;
        EXPECT_FALSE(std::filesystem::exists("/dev/cdc-wdm0")) << round;
        EXPECT_EQ(driver_of(bench.modem().usb_name(), 4), "") << round;
        ASSERT_EQ(write_file(std::string(driver_directory) + "/bind", interface), 0) << round;
        EXPECT_EQ(wwan_netdevs(), netdevs) << round;
        EXPECT_EQ(attribute(bench.master(), "link_state"), "0x0") << round;
        EXPECT_EQ(statistic(bench.master(), "tx_packets"), 0u) << round;
    }
    bench.connect_all();
    expect_all_traffic(bench);
    expect_quiet(log);
}

// ---- descriptors as no sound module sends them

constexpr uint8_t dt_interface = 4, dt_endpoint = 5, dt_functional = 0x24;

// Offset of the QMI interface's descriptor.
size_t qmi_interface_at(const Bytes &configuration) {
    for (size_t at = 0; at + 2 < configuration.size() && configuration[at]; at += configuration[at])
        if (configuration[at + 1] == dt_interface && configuration[at + 2] == 4)
            return at;
    throw std::logic_error("no QMI interface");
}

// Offset of the QMI interface's endpoint number 'index', from 0.
size_t endpoint_at(const Bytes &configuration, unsigned index) {
    for (size_t at = qmi_interface_at(configuration); at < configuration.size();
         at += configuration[at])
        if (configuration[at + 1] == dt_endpoint && index-- == 0)
            return at;
    throw std::logic_error("no such endpoint");
}

void fix_length(Bytes &configuration) {
    configuration[2] = configuration.size() & 0xff;
    configuration[3] = configuration.size() >> 8;
}

auto insert(Bytes extra) {
    return [extra](Bytes &c) {
        c.insert(c.begin() + qmi_interface_at(c) + 9, extra.begin(), extra.end());
        fix_length(c);
    };
}

auto set_endpoint(unsigned index, unsigned field, uint8_t value) {
    return [=](Bytes &c) { c[endpoint_at(c, index) + field] = value; };
}

auto set_packet_size_zero(unsigned index) {
    return [=](Bytes &c) {
        c[endpoint_at(c, index) + 4] = 0;
        c[endpoint_at(c, index) + 5] = 0;
    };
}

auto remove_endpoint(unsigned index, bool count_right) {
    return [=](Bytes &c) {
        const auto at = c.begin() + endpoint_at(c, index);
        c.erase(at, at + 7);
        c[qmi_interface_at(c) + 4] -= count_right;
        fix_length(c);
    };
}

struct Mangled {
    const char *name;
    std::function<void(Bytes &)> mangle;
    bool binds; // and works; else it is refused

    friend void PrintTo(const Mangled &m, std::ostream *out) { *out << m.name; }
};

class MangledDescriptor : public testing::TestWithParam<Mangled> {};

TEST_P(MangledDescriptor, IsRefusedOrWorks) {
    KernelLog log;
    LoadedDriver driver("qmap_mode=1");
    const vmodem::Profile &profile = *vmodem::find_profile("ec25");
    if (GetParam().binds) {
        Bench bench(profile, 1, {.mangle_descriptor = GetParam().mangle});
        EXPECT_EQ(hex_attribute(bench.master(), "address") & 3, 2u);
        bench.connect_all();
        expect_all_traffic(bench);
    } else {
        Modem modem(profile, {.mangle_descriptor = GetParam().mangle});
        modem.plug_in();
        const std::string usb = wait_probed(modem);
        ASSERT_NE(usb, "");
        EXPECT_EQ(driver_of(usb, 4), "");
        EXPECT_EQ(wwan_netdevs(), Names{});
        EXPECT_EQ(modem.dtr(), 0u);
        EXPECT_FALSE(std::filesystem::exists("/dev/cdc-wdm0"));
    }
    expect_quiet(log);
}

// iMACAddress 4 is a string that the module has, 99 one that it has not, 1 one that is no address.
INSTANTIATE_TEST_SUITE_P(
    All, MangledDescriptor,
    testing::Values(
        Mangled{"FirmwareMac",
                insert({13, dt_functional, 0x0f, 4, 0, 0, 0, 0, 0xea, 0x05, 0, 0, 0}), true},
        Mangled{"SegmentSizeZero", insert({13, dt_functional, 0x0f, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                true},
        Mangled{"MacThatIsNone",
                insert({13, dt_functional, 0x0f, 1, 0, 0, 0, 0, 0xea, 0x05, 0, 0, 0}), true},
        Mangled{"CutEther", insert({4, dt_functional, 0x0f, 4}), true},
        Mangled{"CutHeader", insert({3, dt_functional, 0x00}), true},
        Mangled{"CutUnion", insert({4, dt_functional, 0x06, 4}), true},
        Mangled{"UnionElsewhere", insert({5, dt_functional, 0x06, 77, 78}), true},
        Mangled{"LengthBeyondInterface", insert({40, dt_functional, 0x0f, 4}), false},
        Mangled{"EtherTwice", insert({13, dt_functional, 0x0f, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      13, dt_functional, 0x0f, 99, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                true},
        Mangled{"TwoBytes", insert({2, dt_functional}), true},
        Mangled{"BulkInPacketZero", set_packet_size_zero(0), false},
        Mangled{"BulkOutPacketZero", set_packet_size_zero(1), false},
        Mangled{"NotifyPacketZero", set_packet_size_zero(2), false},
        Mangled{"BulkInIsInterrupt", set_endpoint(0, 3, 3), false},
        Mangled{"BulkOutIsInterrupt", set_endpoint(1, 3, 3), false},
        Mangled{"BulkOutIsIsochronous", set_endpoint(1, 3, 1), false},
        Mangled{"NotifyIsBulk", set_endpoint(2, 3, 2), false},
        Mangled{"NotifyIsOut", set_endpoint(2, 2, 0x09), false},
        Mangled{"BulkInIsOut", set_endpoint(0, 2, 0x08), false},
        Mangled{"BulkInMissing", remove_endpoint(0, false), false},
        Mangled{"BulkOutMissing", remove_endpoint(1, true), false},
        Mangled{"NotifyMissing", remove_endpoint(2, false), false}),
    [](const auto &info) { return std::string(info.param.name); });

} // namespace
} // namespace guest
