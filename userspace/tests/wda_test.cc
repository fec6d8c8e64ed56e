// SPDX-License-Identifier: GPL-2.0
// wda get and set, from the command line to what is printed.
#include "bench.h"
#include "schema.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

class Wda : public testing::Test {
  protected:
    Bench bench;

    Wda() {
        bench.kernel.there = {ec25()};
        bench.modem.format = bench.modem.family_answer({.link_protocol = LinkProtocol::raw_ip,
                                                        .ul_aggregation = 5,
                                                        .dl_aggregation = 5,
                                                        .dl_max_datagrams = 8,
                                                        .ul_max_datagrams = 11});
    }
    bool printed(const std::string &text) const {
        return bench.out.find(text) != std::string::npos;
    }
    bool told(const std::string &text) const { return bench.err.find(text) != std::string::npos; }
    nlohmann::json json() const {
        const auto json = nlohmann::json::parse(bench.out);
        EXPECT_EQ(violation(bench.out, json.contains("dry_run") ? "change" : "wda"), "");
        return json;
    }
};

TEST_F(Wda, GetShowsBothSides) {
    ASSERT_EQ(bench.run({"wda", "get"}), 0) << bench.err;
    EXPECT_EQ(bench.out, "wwan0 (Quectel EC25)\n"
                         "                      module  driver\n"
                         "  link protocol       raw-ip  raw-ip\n"
                         "  UL aggregation      qmap    qmap\n"
                         "  DL aggregation      qmap    qmap\n"
                         "  UL max datagrams    11      11\n"
                         "  UL max size         4096    4096\n"
                         "  DL max datagrams    8       -\n"
                         "  DL max size         4096    4096\n"
                         "  DL minimum padding  0       0\n"
                         "  QoS header          off     -\n");
    EXPECT_TRUE(bench.modem.requests.empty());
    EXPECT_EQ(bench.modem.timeout, std::chrono::seconds(10));
}

TEST_F(Wda, GetMarksWhatDiffers) {
    bench.modem.format.dl_max_size = 16384;
    ASSERT_EQ(bench.run({"wda", "get"}), 0);
    EXPECT_TRUE(printed("!  DL max size         16384   4096\n")) << bench.out;
    EXPECT_TRUE(printed("Remedy: qmapctl setup wwan0\n")) << bench.out;
}

TEST_F(Wda, GetAsJson) {
    bench.modem.format.dl_max_size = 16384;
    ASSERT_EQ(bench.run({"wda", "get", "wwan0", "--json"}), 0);
    const auto answer = json();
    EXPECT_EQ(answer["netdev"], "wwan0");
    EXPECT_EQ(answer["control"], "/dev/cdc-wdm0");
    EXPECT_EQ(answer["module"]["dl_aggregation"], "qmap");
    EXPECT_EQ(answer["module"]["dl_max_size"], 16384);
    EXPECT_EQ(answer["driver"]["dl_max_size"], 4096);
    EXPECT_EQ(answer["driver"]["link_protocol"], "raw-ip");
    ASSERT_EQ(answer["mismatches"].size(), 1u);
    EXPECT_EQ(answer["mismatches"][0]["field"], "dl_max_size");
    EXPECT_EQ(answer["remedy"], "qmapctl setup wwan0");
    bench.modem.format.dl_max_size = 4096;
    ASSERT_EQ(bench.run({"wda", "get", "--json"}), 0);
    EXPECT_TRUE(json()["mismatches"].empty());
    EXPECT_TRUE(json()["remedy"].is_null());
}

TEST_F(Wda, NumbersWithoutAName) {
    bench.modem.format.link_protocol = LinkProtocol(7);
    bench.modem.format.dl_aggregation = 0xffffffff;
    ASSERT_EQ(bench.run({"wda", "get", "--json"}), 0);
    EXPECT_EQ(json()["module"]["link_protocol"], "7");
    EXPECT_EQ(json()["module"]["dl_aggregation"], "4294967295");
}

TEST_F(Wda, SetChangesWhatIsNamed) {
    ASSERT_EQ(bench.run({"wda", "set", "--ul-max-datagrams", "4", "wwan0"}), 0) << bench.err;
    ASSERT_EQ(bench.modem.requests.size(), 1u);
    const WdaFormat &asked = bench.modem.requests[0];
    EXPECT_EQ(asked.ul_max_datagrams, 4u);
    EXPECT_EQ(asked.ul_aggregation, 5u);
    EXPECT_EQ(asked.dl_max_size, 4096u);
    EXPECT_EQ(bench.kernel.format.ul_max_datagrams, 4u);
    EXPECT_TRUE(printed("asked   answered  driver\n")) << bench.out;
    EXPECT_TRUE(printed("UL max datagrams    4       4         4\n")) << bench.out;
}

TEST_F(Wda, SetPassesOnEveryOption) {
    bench.kernel.there[0].q.reset(); // of another driver, which minds nothing
    ASSERT_EQ(bench.run({"wda",
                         "set",
                         "--link-protocol",
                         "802.3",
                         "--ul-aggregation",
                         "qmapv5",
                         "--dl-aggregation",
                         "off",
                         "--dl-max-datagrams",
                         "1",
                         "--dl-max-size",
                         "2",
                         "--ul-max-datagrams",
                         "3",
                         "--ul-max-size",
                         "4294967295",
                         "--dl-min-padding",
                         "5",
                         "--ndp-signature",
                         "0x304D434E",
                         "--qos-header",
                         "off",
                         "--flow-control",
                         "on",
                         "--timeout",
                         "77"}),
              0)
        << bench.err;
    const WdaFormat expected{.qos_header = false,
                             .link_protocol = LinkProtocol::ethernet,
                             .ul_aggregation = 9,
                             .dl_aggregation = 0,
                             .ndp_signature = 0x304d434e,
                             .dl_max_datagrams = 1,
                             .dl_max_size = 2,
                             .dl_minimum_padding = 5,
                             .ul_max_datagrams = 3,
                             .ul_max_size = 0xffffffff,
                             .flow_control = true};
    ASSERT_EQ(bench.modem.requests.size(), 1u);
    EXPECT_EQ(bench.modem.requests[0], expected);
    EXPECT_EQ(bench.modem.timeout, std::chrono::seconds(77));
}

TEST_F(Wda, SetAsJson) {
    ASSERT_EQ(bench.run({"wda", "set", "--ul-max-size", "8192", "--json"}), 0) << bench.err;
    EXPECT_EQ(json()["asked"]["ul_max_size"], 8192);
    EXPECT_EQ(json()["answered"]["ul_max_size"], 4096);
    EXPECT_EQ(json()["driver"]["ul_max_size"], 4096);
}

TEST_F(Wda, DryRunOnlyAsks) {
    ASSERT_EQ(bench.run({"wda", "set", "--ul-max-size", "2048", "--dry-run"}), 0) << bench.err;
    EXPECT_TRUE(printed("would ask wwan0 (Quectel EC25) for\n")) << bench.out;
    EXPECT_TRUE(printed("UL max size         2048    4096\n")) << bench.out;
    EXPECT_TRUE(bench.modem.requests.empty());
    EXPECT_TRUE(bench.kernel.calls.empty());
    ASSERT_EQ(bench.run({"wda", "set", "--ul-max-size", "2048", "--dry-run", "--json"}), 0);
    EXPECT_EQ(json()["asked"]["ul_max_size"], 2048);
    EXPECT_EQ(json()["dry_run"], true);
    EXPECT_TRUE(json()["answered"].is_null());
}

TEST_F(Wda, WhatTheDriverCannotDoIsNotAsked) {
    for (const auto &[option, value] : {std::pair{"--dl-aggregation", "off"},
                                        {"--link-protocol", "802.3"},
                                        {"--dl-max-size", "65537"},
                                        {"--dl-min-padding", "256"}}) {
        EXPECT_EQ(bench.run({"wda", "set", option, value}), 1) << option;
        EXPECT_TRUE(told("wwan0 (Quectel EC25): ")) << bench.err;
    }
    EXPECT_EQ(bench.run({"wda", "set", "--qos-header", "on"}), 1);
    EXPECT_TRUE(bench.modem.requests.empty());
}

TEST_F(Wda, RefusalsFail) {
    bench.kernel.refusal = Error{"wwan0: no", EINVAL};
    EXPECT_EQ(bench.run({"wda", "set", "--ul-max-size", "100"}), 1);
    EXPECT_TRUE(told("wwan0: no; the module was set back to what it had\n")) << bench.err;
    EXPECT_EQ(bench.modem.format.ul_max_size, 4096u);
    EXPECT_EQ(bench.out, "");

    bench.modem.silent = Error{"/dev/cdc-wdm0: no answer", ETIMEDOUT};
    EXPECT_EQ(bench.run({"wda", "get"}), 1);
    EXPECT_TRUE(told("qmapctl: /dev/cdc-wdm0: no answer\n")) << bench.err;
    EXPECT_EQ(bench.run({"wda", "set", "--ul-max-size", "100"}), 1);
}

TEST_F(Wda, NotUnderstood) {
    EXPECT_EQ(bench.run({"wda"}), 2);
    EXPECT_EQ(bench.run({"wda", "set"}), 2);
    EXPECT_TRUE(told("nothing to set")) << bench.err;
    EXPECT_EQ(bench.run({"wda", "set", "--link-protocol", "ip"}), 2);
    EXPECT_EQ(bench.run({"wda", "set", "--dl-aggregation", "5"}), 2);
    EXPECT_EQ(bench.run({"wda", "set", "--flow-control", "maybe"}), 2);
    EXPECT_EQ(bench.run({"wda", "set", "--ul-max-size", "-1"}), 2);
    EXPECT_EQ(bench.run({"wda", "set", "--ul-max-size", "4294967296"}), 2);
    EXPECT_EQ(bench.run({"wda", "get", "--timeout", "0"}), 2);
    EXPECT_EQ(bench.run({"wda", "get", "--timeout", "3601"}), 2);
    EXPECT_EQ(bench.run({"wda", "get", "wwan9"}), 2);
    EXPECT_TRUE(bench.modem.endpoints.empty());
}

TEST_F(Wda, NothingToTalkTo) {
    bench.kernel.there[0].control.clear();
    EXPECT_EQ(bench.run({"wda", "get"}), 1);
    EXPECT_TRUE(told("no control node")) << bench.err;
    bench.kernel.there[0].card = NetworkCard::ecm;
    EXPECT_EQ(bench.run({"wda", "get"}), 1);
    EXPECT_TRUE(told("AT+QCFG=\"usbnet\",0")) << bench.err;
    EXPECT_TRUE(bench.modem.endpoints.empty());
}

} // namespace
