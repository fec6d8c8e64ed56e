// SPDX-License-Identifier: GPL-2.0
// Modules as they are found in a sysfs of the test's own.
#include "sysfs.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

// What an interface is, as in its descriptor.
struct UsbClass {
    const char *usb_class, *subclass, *protocol, *endpoints;
};
constexpr UsbClass at_port{"ff", "00", "00", "03"};
constexpr UsbClass qmi{"ff", "ff", "ff", "03"};
constexpr UsbClass mbim{"02", "0e", "00", "01"};
constexpr UsbClass ecm{"02", "06", "00", "01"};
constexpr UsbClass ncm{"02", "0d", "00", "01"};
constexpr UsbClass rndis{"e0", "01", "03", "01"};
constexpr UsbClass cdc_data{"0a", "00", "00", "02"};

class SysfsTest : public testing::Test {
  protected:
    SysfsTest() {
        char name[] = "/tmp/qmapctl-sysfs.XXXXXX";
        root_ = mkdtemp(name);
        fs::create_directories(root_ / "bus/usb/devices");
        fs::create_directories(root_ / "class/net");
    }
    ~SysfsTest() override { fs::remove_all(root_); }

    void write(const fs::path &path, const std::string &text) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }

    void add_device(const std::string &name, const std::string &vendor,
                    const std::string &product) {
        const fs::path path = fs::path("bus/usb/devices") / name;
        write(path / "idVendor", vendor + "\n");
        write(path / "idProduct", product + "\n");
        write(path / "manufacturer", "Quectel\n");
        write(path / "product", "EC25\n");
        write(path / "serial", "a1b2\n");
        write(path / "speed", "480\n");
    }

    void add_interface(const std::string &name, const UsbClass &what,
                       const std::string &driver = "", const std::string &netdev = "",
                       const std::string &node = "") {
        const fs::path path = fs::path("bus/usb/devices") / name;
        write(path / "bInterfaceNumber", "0" + name.substr(name.rfind('.') + 1) + "\n");
        write(path / "bInterfaceClass", what.usb_class + std::string("\n"));
        write(path / "bInterfaceSubClass", what.subclass + std::string("\n"));
        write(path / "bInterfaceProtocol", what.protocol + std::string("\n"));
        write(path / "bNumEndpoints", what.endpoints + std::string("\n"));
        if (!driver.empty())
            fs::create_symlink("../../drivers/" + driver, root_ / path / "driver");
        if (!netdev.empty()) {
            fs::create_directories(root_ / path / "net" / netdev);
            add_netdev(netdev, 7);
        }
        if (!node.empty())
            fs::create_directories(root_ / path / "usbmisc" / node);
    }

    void add_netdev(const std::string &name, unsigned ifindex) {
        write(fs::path("class/net") / name / "ifindex", std::to_string(ifindex) + "\n");
    }

    // An EC25 with its four serial ports.
    void add_ec25(const std::string &driver = "", const std::string &netdev = "",
                  const std::string &node = "") {
        add_device("1-1", "2c7c", "0125");
        for (const char *name : {"1-1:1.0", "1-1:1.1", "1-1:1.2", "1-1:1.3"})
            add_interface(name, at_port, "option");
        add_interface("1-1:1.4", qmi, driver, netdev, node);
    }

    std::vector<Module> modules() const { return Sysfs(root_).modules(); }

    // The only one there is.
    Module module() const {
        const std::vector<Module> all = modules();
        EXPECT_EQ(all.size(), 1u);
        return all.empty() ? Module{} : all[0];
    }

    fs::path root_;
};

TEST_F(SysfsTest, TellsWhatAModuleIs) {
    add_ec25("qmi_wwan_q", "wwan0", "cdc-wdm3");
    const Module found = module();
    EXPECT_EQ(found.usb_path, "1-1:1.4");
    EXPECT_EQ(found.card, NetworkCard::qmi);
    EXPECT_EQ(found.vendor_id, 0x2c7c);
    EXPECT_EQ(found.product_id, 0x0125);
    EXPECT_EQ(found.model, "Quectel EC25");
    EXPECT_EQ(found.serial, "a1b2");
    EXPECT_EQ(found.usb_speed, 480u);
    EXPECT_EQ(found.interface, 4u);
    EXPECT_EQ(found.driver, "qmi_wwan_q");
    EXPECT_EQ(found.control, "/dev/cdc-wdm3");
    EXPECT_EQ(found.netdev, "wwan0");
    EXPECT_EQ(found.ifindex, 7u);
    EXPECT_FALSE(found.q);
}

TEST_F(SysfsTest, NothingIsThere) {
    EXPECT_TRUE(modules().empty());
    EXPECT_TRUE(Sysfs("/nonesuch").modules().empty());
    add_device("usb1", "1d6b", "0002");
    add_interface("1-0:1.0", {"09", "00", "00", "01"}, "hub");
    add_device("1-2", "046d", "c31c");
    add_interface("1-2:1.0", {"03", "01", "01", "01"}, "usbhid");
    // An Ethernet adapter and a telephone that shares its connection.
    add_device("1-3", "0bda", "8153");
    add_interface("1-3:1.0", ecm, "cdc_ether", "eth0");
    add_device("1-4", "05c6", "f00e");
    add_interface("1-4:1.0", rndis, "rndis_host", "usb0");
    EXPECT_TRUE(modules().empty());
}

TEST_F(SysfsTest, InTreeDriver) {
    add_ec25("qmi_wwan", "wwan0", "cdc-wdm0");
    write("class/net/wwan0/qmi/raw_ip", "Y\n");
    EXPECT_EQ(module().files.raw_ip, true);
    ASSERT_EQ(module().pdns.size(), 1u);
    EXPECT_EQ(module().pdns[0].netdev, "wwan0");
    EXPECT_EQ(module().pdns[0].ifindex, 7u);
    EXPECT_EQ(module().pdns[0].mux_id, 0u);

    write("class/net/wwan0/qmi/raw_ip", "N\n");
    for (const auto &[name, mux_id, ifindex] :
         {std::tuple{"qmimux1", "0x02\n", 9}, {"qmimux0", "0x81\n", 8}}) {
        add_netdev(name, ifindex);
        write(fs::path("class/net") / name / "qmap/mux_id", mux_id);
        fs::create_directory_symlink(std::string("../") + name,
                                     root_ / "class/net/wwan0" / (std::string("upper_") + name));
    }
    // Bridges and VLANs are above it too.
    fs::create_directory_symlink("../br0", root_ / "class/net/wwan0/upper_br0");
    const Module found = module();
    EXPECT_EQ(found.files.raw_ip, false);
    ASSERT_EQ(found.pdns.size(), 2u);
    EXPECT_EQ(found.pdns[0].netdev, "qmimux1");
    EXPECT_EQ(found.pdns[0].mux_id, 2u);
    EXPECT_EQ(found.pdns[0].ifindex, 9u);
    EXPECT_EQ(found.pdns[1].mux_id, 0x81u);
}

TEST_F(SysfsTest, VendorsDriver) {
    add_ec25("qmi_wwan_q", "wwan0", "cdc-wdm0");
    write("class/net/wwan0/qmap_mode", "3\n");
    write("class/net/wwan0/qmap_size", "16384\n");
    write("class/net/wwan0/link_state", "0x5\n");
    add_netdev("wwan0.1", 8);
    add_netdev("wwan0_3", 9);
    const Module found = module();
    EXPECT_EQ(found.files.qmap_mode, 3u);
    EXPECT_EQ(found.files.qmap_size, 16384u);
    EXPECT_EQ(found.files.link_state, 5u);
    ASSERT_EQ(found.pdns.size(), 2u);
    EXPECT_EQ(found.pdns[0].netdev, "wwan0.1");
    EXPECT_EQ(found.pdns[0].mux_id, 0x81u);
    EXPECT_EQ(found.pdns[1].netdev, "wwan0_3");
    EXPECT_EQ(found.pdns[1].mux_id, 0x83u);

    write("class/net/wwan0/qmap_mode", "1\n");
    ASSERT_EQ(module().pdns.size(), 1u);
    EXPECT_EQ(module().pdns[0].netdev, "wwan0");
    EXPECT_EQ(module().pdns[0].mux_id, 0x81u);
}

TEST_F(SysfsTest, WithoutADriver) {
    add_ec25();
    const Module found = module();
    EXPECT_EQ(found.usb_path, "1-1:1.4");
    EXPECT_EQ(found.card, NetworkCard::qmi);
    EXPECT_EQ(found.driver, "");
    EXPECT_EQ(found.control, "");
    EXPECT_EQ(found.netdev, "");
    EXPECT_TRUE(found.pdns.empty());
}

TEST_F(SysfsTest, AnIdThatTheDriverDoesNotKnow) {
    add_device("2-1.4", "2c7c", "0fff");
    add_interface("2-1.4:1.0", at_port);
    add_interface("2-1.4:1.3", qmi);
    EXPECT_EQ(module().usb_path, "2-1.4:1.3");
    EXPECT_EQ(module().card, NetworkCard::qmi);
    EXPECT_EQ(module().interface, 3u);
}

TEST_F(SysfsTest, AnyMakersModuleThatAQmiDriverHas) {
    add_device("1-1", "1199", "9091");
    add_interface("1-1:1.0", at_port, "qcserial");
    add_interface("1-1:1.8", qmi, "qmi_wwan", "wwan0", "cdc-wdm0");
    EXPECT_EQ(module().usb_path, "1-1:1.8");
    EXPECT_EQ(module().vendor_id, 0x1199);
}

// One interface for control and one for data, both of which the driver has.
TEST_F(SysfsTest, AnInterfaceInTwoParts) {
    add_device("1-1", "12d1", "1506");
    add_interface("1-1:1.1", {"ff", "01", "09", "01"}, "qmi_wwan", "wwan0", "cdc-wdm0");
    add_interface("1-1:1.2", {"ff", "01", "08", "02"}, "qmi_wwan");
    EXPECT_EQ(module().usb_path, "1-1:1.1");
}

TEST_F(SysfsTest, OtherNetworkCards) {
    struct Case {
        UsbClass what;
        NetworkCard card;
        const char *driver;
    };
    for (const Case &c : {Case{mbim, NetworkCard::mbim, "cdc_mbim"},
                          {ecm, NetworkCard::ecm, "cdc_ether"},
                          {ncm, NetworkCard::ncm, "cdc_ncm"},
                          {rndis, NetworkCard::rndis, "rndis_host"},
                          {{"02", "02", "ff", "01"}, NetworkCard::rndis, "rndis_host"},
                          {{"ef", "04", "01", "01"}, NetworkCard::rndis, ""}}) {
        fs::remove_all(root_ / "bus/usb/devices");
        add_device("1-1", "2c7c", "0125");
        add_interface("1-1:1.2", at_port, "option");
        add_interface("1-1:1.4", c.what, c.driver, *c.driver ? "usb0" : "");
        add_interface("1-1:1.5", cdc_data, c.driver);
        const Module found = module();
        EXPECT_EQ(found.card, c.card);
        EXPECT_EQ(found.usb_path, "1-1:1.4");
        EXPECT_EQ(found.driver, c.driver);
        EXPECT_EQ(found.netdev, *c.driver ? "usb0" : "");
        EXPECT_EQ(found.pdns.size(), *c.driver ? 1u : 0u);
    }
}

TEST_F(SysfsTest, AModuleWithoutANetworkInterface) {
    add_device("1-1", "2c7c", "0125");
    add_interface("1-1:1.2", at_port, "option");
    EXPECT_EQ(module().usb_path, "1-1");
    EXPECT_EQ(module().card, NetworkCard::none);
}

TEST_F(SysfsTest, SeveralInOrder) {
    add_ec25("qmi_wwan_q", "wwan0", "cdc-wdm0");
    add_device("2-1", "2c7c", "0800");
    add_interface("2-1:1.4", qmi, "qmi_wwan", "wwan1", "cdc-wdm1");
    add_device("1-1.2", "2c7c", "0512");
    add_interface("1-1.2:1.4", mbim, "cdc_mbim", "wwan2", "cdc-wdm2");
    std::vector<std::string> paths;
    for (const Module &found : modules())
        paths.push_back(found.usb_path);
    EXPECT_EQ(paths, (std::vector<std::string>{"1-1:1.4", "1-1.2:1.4", "2-1:1.4"}));
}

TEST_F(SysfsTest, HostileText) {
    add_ec25("qmi_wwan_q", "wwan0", "cdc-wdm0");
    const fs::path device = "bus/usb/devices/1-1";
    write(device / "manufacturer", "\x1b[2J\xff\n");
    write(device / "product", std::string(100000, 'x'));
    write(device / "serial", std::string("a\0b\n", 4));
    const Module found = module();
    EXPECT_TRUE(found.model.starts_with("?[2J? xxx")) << found.model;
    EXPECT_LT(found.model.size(), 1000u);
    EXPECT_EQ(found.serial, "a?b");

    write(device / "manufacturer", "");
    write(device / "product", " \n");
    fs::remove(root_ / device / "serial");
    EXPECT_EQ(module().model, "");
    EXPECT_EQ(module().serial, "");
}

TEST_F(SysfsTest, HostileNumbers) {
    add_ec25("qmi_wwan_q", "wwan0", "cdc-wdm0");
    const fs::path netdev = "class/net/wwan0";
    for (const std::string &text :
         {std::string(), std::string("\n"), std::string("many\n"), std::string("-1\n"),
          std::string("4294967296\n"), std::string("99999999999999999999999\n"),
          std::string("4 4\n"), std::string("4\0", 2), std::string(5000, '1'),
          std::string("\x1b[2J")}) {
        for (const char *file : {"qmap_mode", "qmap_size", "link_state", "ifindex"})
            write(netdev / file, text);
        write("bus/usb/devices/1-1/speed", text);
        const Module found = module();
        EXPECT_EQ(found.files.qmap_mode, std::nullopt) << text;
        EXPECT_EQ(found.files.qmap_size, std::nullopt) << text;
        EXPECT_EQ(found.files.link_state, std::nullopt) << text;
        EXPECT_EQ(found.ifindex, 0u) << text;
        EXPECT_EQ(found.usb_speed, 0u) << text;
    }
    // No loop over four thousand million netdevs.
    write(netdev / "qmap_mode", "4294967295\n");
    EXPECT_TRUE(module().pdns.empty());
}

TEST_F(SysfsTest, HostileIds) {
    for (const char *id : {"", "zzzz", "12345", "-1", "0x2c7c", "2c7c2c7c2c7c2c7c2c7c"}) {
        add_device("1-1", id, "0125");
        add_interface("1-1:1.4", qmi);
        EXPECT_TRUE(modules().empty()) << id;
        fs::remove_all(root_ / "bus/usb/devices/1-1:1.4");
    }
    add_device("1-1", "0000", "0000"); // what ends the driver's table
    add_interface("1-1:1.0", qmi);
    EXPECT_TRUE(modules().empty());
}

TEST_F(SysfsTest, AMuxNetdevWithoutAMuxId) {
    add_ec25("qmi_wwan", "wwan0", "cdc-wdm0");
    for (const char *text : {"", "0x100\n", "none\n"}) {
        write("class/net/qmimux0/qmap/mux_id", text);
        fs::remove(root_ / "class/net/wwan0/upper_qmimux0");
        fs::create_directory_symlink("../qmimux0", root_ / "class/net/wwan0/upper_qmimux0");
        ASSERT_EQ(module().pdns.size(), 1u) << text;
        EXPECT_EQ(module().pdns[0].netdev, "wwan0");
    }
}

// Directories where files should be, and the other way round.
TEST_F(SysfsTest, TheWrongKindOfFile) {
    add_ec25("qmi_wwan_q", "wwan0", "cdc-wdm0");
    fs::remove(root_ / "bus/usb/devices/1-1/product");
    fs::create_directories(root_ / "bus/usb/devices/1-1/product");
    fs::remove_all(root_ / "bus/usb/devices/1-1:1.4/usbmisc");
    write("bus/usb/devices/1-1:1.4/usbmisc", "cdc-wdm0\n");
    EXPECT_EQ(module().model, "Quectel");
    EXPECT_EQ(module().control, "");
}

} // namespace
