// SPDX-License-Identifier: GPL-2.0
#include "bench.h"
#include "schema.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;

// What other drivers, or none, make of an EC25.
Module in_tree() {
    Module module = ec25();
    module.driver = "qmi_wwan";
    module.q.reset();
    module.files.raw_ip = true;
    return module;
}

Module vendors() {
    Module module = ec25();
    module.q.reset();
    module.files.qmap_mode = 4;
    module.files.qmap_size = 4096;
    module.files.link_state = 1;
    return module;
}

Module without_driver() {
    Module module = in_tree();
    module.driver = module.control = module.netdev = "";
    module.ifindex = 0;
    module.pdns.clear();
    module.files = {};
    return module;
}

Module other_card(NetworkCard card, uint16_t vendor = 0x2c7c, uint16_t product = 0x0125) {
    Module module = without_driver();
    module.card = card;
    module.vendor_id = vendor;
    module.product_id = product;
    module.driver = "cdc_ether";
    module.netdev = "usb0";
    return module;
}

TEST(Status, TellsOfEachModule) {
    Bench bench;
    bench.kernel.there = {ec25(), rm500q()};
    for (const std::vector<const char *> &arguments : {std::vector<const char *>{}, {"status"}}) {
        EXPECT_EQ(bench.run(arguments), 0) << bench.err;
        EXPECT_EQ(bench.out,
                  R"(wwan0  Quectel EC25 (2c7c:0125)
    USB 1-1:1.4 at 480 Mbit/s, /dev/cdc-wdm0, driver qmi_wwan_q (mdm9x07)
    qmap_mode 4, qmap, DL URBs of 4096 B, UL up to 11 packets in 4096 B
    PDN  MUX   NETDEV   STATE  LINK  MTU   RX       TX        ADDRESSES
    1    0x81  wwan0.1  up     up    1500  1.2 MiB  39.1 KiB  10.101.0.2/30 2001:db8:1::2/64
    2    0x82  wwan0.2  down   down  1500  0 B      0 B
    3    0x83  wwan0.3  down   down  1500  0 B      0 B
    4    0x84  wwan0.4  down   down  1500  0 B      0 B
wwan1  Quectel RM500Q-GL (2c7c:0800)
    USB 2-1:1.4 at 5000 Mbit/s, /dev/cdc-wdm1, driver qmi_wwan_q (sdx55)
    qmap_mode 1, qmapv5, DL URBs of 31744 B, not agreed with the module yet
    PDN  MUX   NETDEV  STATE  LINK  MTU   RX   TX   ADDRESSES
    1    0x81  wwan1   down   down  1500  0 B  0 B
)");
    }
    EXPECT_EQ(bench.run({"status", "wwan1"}), 0);
    EXPECT_TRUE(bench.out.starts_with("wwan1  Quectel RM500Q-GL")) << bench.out;
}

TEST(Status, SaysWhatIsUnusual) {
    Bench bench;
    bench.kernel.there = {ec25()};
    Module &module = bench.kernel.there[0];
    module.q->mode = 0;
    module.q->format = {.link_protocol = LinkProtocol::ethernet, .rx_urb_size = 1520};
    module.pdns.resize(1);
    module.pdns[0].mux_id = 0;
    module.pdns[0].flow_off = true;
    EXPECT_EQ(bench.run({}), 0);
    EXPECT_NE(bench.out.find("    qmap_mode 0, 802.3, DL URBs of 1520 B\n"), std::string::npos)
        << bench.out;
    EXPECT_NE(bench.out.find("1    -    wwan0.1  up     up, UL stopped"), std::string::npos)
        << bench.out;

    module.q->mode = 8;
    module.q->format.dl_padding = 16;
    module.pdns[0].mux_id = 0xfe;
    EXPECT_EQ(bench.run({}), 0);
    EXPECT_NE(bench.out.find("DL padding 16 B"), std::string::npos) << bench.out;
    EXPECT_NE(bench.out.find("-    0xfe"), std::string::npos) << bench.out;
}

TEST(Status, TellsOfOtherDrivers) {
    Bench bench;
    bench.kernel.there = {in_tree()};
    EXPECT_EQ(bench.run({}), 0);
    EXPECT_NE(bench.out.find("driver qmi_wwan\n    raw-ip\n    PDN"), std::string::npos)
        << bench.out;
    bench.kernel.there = {vendors()};
    EXPECT_EQ(bench.run({}), 0);
    EXPECT_NE(bench.out.find("driver qmi_wwan_q\n    qmap_mode 4, DL URBs of 4096 B\n"),
              std::string::npos)
        << bench.out;
}

TEST(Status, NamesTheRemedy) {
    struct Case {
        Module module;
        const char *problem;
    };
    const Case cases[] = {
        {without_driver(),
         "! No driver has its QMI interface: modprobe qmi_wwan_q; if that is loaded: echo 1-1:1.4 "
         ">/sys/bus/usb/drivers/qmi_wwan_q/bind\n"},
        {other_card(NetworkCard::mbim),
         "! It is in mbim mode, not QMI: send it AT+QCFG=\"usbnet\",0 and then AT+CFUN=1,1.\n"},
        {other_card(NetworkCard::ecm, 0x1e0e, 0x9018), "send it AT+CUSBPIDSWITCH=9001,1,1.\n"},
        {other_card(NetworkCard::rndis, 0x2cb7, 0x0105),
         "! It is in rndis mode, not QMI: its maker"},
        {other_card(NetworkCard::none), "! It shows no network interface: send it AT+QCFG"},
        {other_card(NetworkCard::ecm, 0x2c7c, 0x6005), "is not on a Qualcomm chip"},
        {other_card(NetworkCard::ncm, 0x2c7c, 0x0900), "is not on a Qualcomm chip"},
    };
    for (const Case &c : cases) {
        Bench bench;
        bench.kernel.there = {c.module};
        EXPECT_EQ(bench.run({}), 0);
        EXPECT_NE(bench.out.find(c.problem), std::string::npos) << bench.out << c.problem;
    }
    Bench bench;
    bench.kernel.there = {ec25(), in_tree(), vendors()};
    EXPECT_EQ(bench.run({}), 0);
    EXPECT_EQ(bench.out.find('!'), std::string::npos) << bench.out;
}

TEST(Status, NoModuleIsNoFailure) {
    Bench bench;
    EXPECT_EQ(bench.run({}), 0);
    EXPECT_EQ(bench.out, "No module found.\n");
    EXPECT_EQ(bench.run({"--json"}), 0);
    EXPECT_EQ(json::parse(bench.out), json::parse(R"({"modules": []})"));
    EXPECT_EQ(bench.run({"status", "wwan0"}), 1);
}

TEST(Status, JsonTellsAllAndFitsTheSchema) {
    Bench bench;
    bench.kernel.there = {ec25()};
    EXPECT_EQ(bench.run({"status", "--json"}), 0);
    EXPECT_EQ(violation(bench.out, "status"), "");
    json module = json::parse(bench.out)["modules"][0];
    EXPECT_EQ(module["pdns"].size(), 4u);
    module["pdns"].erase(module["pdns"].begin() + 1, module["pdns"].end());
    EXPECT_EQ(module, json::parse(R"({
        "usb_path": "1-1:1.4", "vendor_id": "2c7c", "product_id": "0125", "model": "Quectel EC25",
        "serial": "a1b2c3", "usb_speed": 480, "network_card": "qmi", "interface": 4,
        "driver": "qmi_wwan_q", "control": "/dev/cdc-wdm0", "netdev": "wwan0", "ifindex": 10,
        "up": true, "family": "mdm9x07", "mode": 4, "link_state": 1,
        "format": {"link_protocol": "raw-ip", "qmap": "qmap", "rx_urb_size": 4096,
                   "ul_max_datagrams": 11, "ul_max_size": 4096, "dl_padding": 0, "agreed": true},
        "pdns": [{"pdn": 1, "mux_id": 129, "netdev": "wwan0.1", "ifindex": 11, "carrier": true,
                  "flow_off": false, "up": true, "mtu": 1500,
                  "addresses": ["10.101.0.2/30", "2001:db8:1::2/64"],
                  "rx": {"packets": 1000, "bytes": 1300000, "errors": 0, "dropped": 0},
                  "tx": {"packets": 500, "bytes": 40000, "errors": 0, "dropped": 3}}],
        "problems": []})"));
}

TEST(Status, JsonOfEveryKindOfModuleFitsTheSchema) {
    Bench bench;
    bench.kernel.there = {ec25(),
                          rm500q(),
                          in_tree(),
                          vendors(),
                          without_driver(),
                          other_card(NetworkCard::mbim),
                          other_card(NetworkCard::none),
                          Module{}};
    EXPECT_EQ(bench.run({"--json"}), 0);
    EXPECT_EQ(violation(bench.out, "status"), "");
    const json modules = json::parse(bench.out)["modules"];
    EXPECT_EQ(modules[2]["format"]["link_protocol"], "raw-ip");
    EXPECT_EQ(modules[2]["mode"], nullptr);
    EXPECT_EQ(modules[3]["mode"], 4);
    EXPECT_EQ(modules[3]["format"]["rx_urb_size"], 4096);
    EXPECT_EQ(modules[4]["driver"], nullptr);
    EXPECT_EQ(modules[5]["network_card"], "mbim");
    EXPECT_EQ(modules[5]["problems"].size(), 1u);
}

// Only root can name a netdev so; a module's own text is cleaned where it is read.
TEST(Status, HostileNamesReachNeitherTerminalNorJson) {
    Bench bench;
    bench.kernel.there = {ec25()};
    Module &module = bench.kernel.there[0];
    module.netdev = module.model = module.pdns[0].netdev = module.driver = "\x1b[2J\xff\xc2\x9b";
    for (const std::vector<const char *> &arguments :
         {std::vector<const char *>{}, {"--json"}, {"mux", "list"}, {"stats"}}) {
        EXPECT_EQ(bench.run(arguments), 0);
        for (const char *bad : {"\x1b", "\xff", "\x9b"})
            EXPECT_EQ(bench.out.find(bad), std::string::npos) << bench.out;
    }
}

TEST(Schema, FindsWhatIsWrong) {
    Bench bench;
    bench.kernel.there = {ec25()};
    EXPECT_EQ(bench.run({"--json"}), 0);
    const json good = json::parse(bench.out);
    EXPECT_EQ(violation(good.dump(), "status"), "");

    json bad = good;
    bad["modules"][0]["mode"] = "4";
    EXPECT_NE(violation(bad.dump(), "status"), "");
    bad = good;
    bad["modules"][0].erase("pdns");
    EXPECT_NE(violation(bad.dump(), "status"), "");
    bad = good;
    bad["modules"][0]["pdns"][0]["new"] = 1;
    EXPECT_NE(violation(bad.dump(), "status"), "");
    bad = good;
    bad["modules"][0]["vendor_id"] = "2C7C";
    EXPECT_NE(violation(bad.dump(), "status"), "");
    bad = good;
    bad["modules"][0]["network_card"] = "wifi";
    EXPECT_NE(violation(bad.dump(), "status"), "");
    bad = good;
    bad["modules"][0]["pdns"][0]["rx"]["bytes"] = -1;
    EXPECT_NE(violation(bad.dump(), "status"), "");
    EXPECT_NE(violation("{", "status"), "");
}

} // namespace
