// SPDX-License-Identifier: GPL-2.0
// Data formats for drivers without netlink.
#include "bench.h"
#include "other_drivers.h"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace {

// A sysfs of one netdev.
class InTree : public testing::Test {
  protected:
    std::filesystem::path root;
    Module module;

    InTree() {
        char name[] = "/tmp/sysfs.XXXXXX";
        root = mkdtemp(name);
        std::filesystem::create_directories(root / "class/net/wwan0/qmi");
        write("qmi/raw_ip", "N");
        write("mtu", "1500");
        module.netdev = "wwan0";
        module.driver = "qmi_wwan";
        module.files.raw_ip = false;
    }
    ~InTree() override { std::filesystem::remove_all(root); }

    void write(const char *file, const char *text) {
        std::ofstream(root / "class/net/wwan0" / file) << text;
    }
    std::string read(const char *file) {
        std::string text;
        std::ifstream(root / "class/net/wwan0" / file) >> text;
        return text;
    }
    Status tell(const WdaFormat &agreed) { return tell_in_tree_driver(module, agreed, root); }
};

TEST_F(InTree, RawIp) {
    ASSERT_TRUE(
        tell({.link_protocol = LinkProtocol::raw_ip, .dl_aggregation = 0, .dl_max_size = 0}));
    EXPECT_EQ(read("qmi/raw_ip"), "Y");
    EXPECT_EQ(read("mtu"), "1500");
    module.files.raw_ip = true;
    ASSERT_TRUE(tell({.link_protocol = LinkProtocol::ethernet}));
    EXPECT_EQ(read("qmi/raw_ip"), "N");
}

TEST_F(InTree, AsItIsAlready) {
    std::filesystem::remove(root / "class/net/wwan0/qmi/raw_ip");
    EXPECT_TRUE(tell({.link_protocol = LinkProtocol::ethernet}));
    EXPECT_TRUE(tell({}));
    const Status refused = tell({.link_protocol = LinkProtocol::raw_ip});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENOENT);
    EXPECT_EQ(refused.error().message, "can't set raw_ip of wwan0: No such file or directory");
}

TEST_F(InTree, SizeOfQmapTransfers) {
    ASSERT_TRUE(
        tell({.link_protocol = LinkProtocol::raw_ip, .dl_aggregation = 5, .dl_max_size = 16384}));
    EXPECT_EQ(read("qmi/raw_ip"), "Y");
    EXPECT_EQ(read("mtu"), "16384");
}

TEST(VendorsDriver, WhatItIsTold) {
    Module module = ec25();
    module.q.reset();
    module.files.qmap_size = 4096;
    qmi_wwan_q_format format = vendors_format(module, {.dl_max_size = 2048,
                                                       .dl_minimum_padding = 8,
                                                       .ul_max_datagrams = 11,
                                                       .ul_max_size = 3000});
    EXPECT_EQ(format.size, 32u);
    EXPECT_EQ(format.rx_urb_size, 2048u);
    EXPECT_EQ(format.ep_type, 2u);
    EXPECT_EQ(format.iface_id, 4u);
    EXPECT_EQ(format.mux_id, 0x81u);
    EXPECT_EQ(format.ul_max_datagrams, 11u);
    EXPECT_EQ(format.ul_max_size, 3000u);
    EXPECT_EQ(format.dl_minimum_padding, 8u);
    format = vendors_format(module, {});
    EXPECT_EQ(format.rx_urb_size, 4096u);
    EXPECT_EQ(format.ul_max_datagrams, 1u);

    module.netdev = "no-such-netdev";
    const Status refused = tell_vendors_driver(module, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENODEV);
}

} // namespace
