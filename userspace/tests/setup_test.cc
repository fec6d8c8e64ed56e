// SPDX-License-Identifier: GPL-2.0
// setup, from the command line to what is printed, for each family and mode.
#include "bench.h"
#include "schema.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

class Setup : public testing::Test {
  protected:
    Bench bench;

    Setup() { plug_in(ec25()); }
    // As the driver has it before anything is agreed.
    void plug_in(Module module) {
        if (module.q) {
            module.q->format.ul_max_datagrams = 1;
            module.q->format.ul_max_size = 0;
            module.q->format.agreed = false;
        }
        bench.kernel.there = {module};
    }
    void plug_in_without_qmap(LinkProtocol protocol) {
        Module module = ec25();
        module.q->mode = 0;
        module.q->format = {.link_protocol = protocol, .rx_urb_size = 1520};
        plug_in(module);
    }
    bool printed(const std::string &text) const {
        return bench.out.find(text) != std::string::npos;
    }
    bool told(const std::string &text) const { return bench.err.find(text) != std::string::npos; }
    nlohmann::json json() const {
        EXPECT_EQ(violation(bench.out, "change"), "");
        return nlohmann::json::parse(bench.out);
    }
};

TEST_F(Setup, AnEc25WithQmap) {
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.out, "wwan0 (Quectel EC25): module and driver have agreed\n"
                         "link_prot 2\n"
                         "ul_data_aggregation_protocol 5\n"
                         "dl_data_aggregation_protocol 5\n"
                         "dl_data_aggregation_max_datagrams 8\n"
                         "dl_data_aggregation_max_size 4096\n"
                         "ul_data_aggregation_max_datagrams 11\n"
                         "ul_data_aggregation_max_size 4096\n"
                         "rx_urb_size 4096\n");
    EXPECT_EQ(bench.kernel.format.ul_max_datagrams, 11u);
    EXPECT_EQ(bench.kernel.format.ul_max_size, 4096u);
    EXPECT_EQ(bench.modem.timeout, std::chrono::seconds(30));
}

TEST_F(Setup, AnRm500q) {
    bench.modem = FakeModem::rm500q();
    plug_in(rm500q());
    ASSERT_EQ(bench.run({"setup", "wwan1"}), 0) << bench.err;
    EXPECT_TRUE(printed("dl_data_aggregation_protocol 9\n"));
    EXPECT_TRUE(printed("dl_data_aggregation_max_size 31744\n"));
    EXPECT_EQ(bench.kernel.format.dl_aggregation, 9u);
    EXPECT_EQ(bench.kernel.format.ul_max_size, 8192u);
    EXPECT_EQ(bench.modem.endpoints.at(0).control, "/dev/cdc-wdm1");
}

TEST_F(Setup, TwiceSendsOnce) {
    for (auto [module, modem] : {std::pair{ec25(), FakeModem()}, {rm500q(), FakeModem::rm500q()}}) {
        bench.modem = modem;
        plug_in(module);
        ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
        EXPECT_EQ(bench.modem.requests.size(), 1u);
        const size_t calls = bench.kernel.calls.size();
        const std::string lines = bench.out.substr(bench.out.find('\n'));
        ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
        EXPECT_TRUE(printed("agree already; nothing was sent\n")) << bench.out;
        EXPECT_EQ(bench.out.substr(bench.out.find('\n')), lines);
        EXPECT_EQ(bench.modem.requests.size(), 1u);
        EXPECT_EQ(bench.kernel.calls.size(), calls);
    }
}

TEST_F(Setup, AgainAfterTheModuleHasReset) {
    ASSERT_EQ(bench.run({"setup"}), 0);
    bench.modem.format = FakeModem().format;
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.modem.requests.size(), 2u);
    plug_in(ec25()); // the driver knows, the module has kept its format
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.modem.requests.size(), 3u);
}

TEST_F(Setup, WithoutQmap) {
    plug_in_without_qmap(LinkProtocol::raw_ip);
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_TRUE(printed("link_prot 2\nul_data_aggregation_protocol 0\n")) << bench.out;
    EXPECT_TRUE(printed("rx_urb_size 1520\n")) << bench.out;
    EXPECT_EQ(bench.modem.format.link_protocol, LinkProtocol::raw_ip);
    EXPECT_TRUE(bench.kernel.calls.empty());
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.modem.requests.size(), 1u);
}

TEST_F(Setup, AModuleThatKnows8023Only) {
    plug_in_without_qmap(LinkProtocol::ethernet);
    bench.modem.ethernet_only = true;
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_TRUE(printed("link_prot 1\n")) << bench.out;
    EXPECT_TRUE(bench.modem.requests.empty()) << "that is what it has";
}

TEST_F(Setup, AModuleWithoutWda) {
    plug_in_without_qmap(LinkProtocol::ethernet);
    bench.modem.silent = Error{"no WDA service", EOPNOTSUPP};
    EXPECT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_TRUE(printed("no WDA service")) << bench.out;
    EXPECT_EQ(bench.run({"setup", "--json"}), 0);
    EXPECT_EQ(json()["agreed"], true);
    plug_in(ec25());
    EXPECT_EQ(bench.run({"setup"}), 1);
    plug_in_without_qmap(LinkProtocol::ethernet);
    bench.modem.silent = Error{"no answer", ETIMEDOUT};
    EXPECT_EQ(bench.run({"setup"}), 1);
}

TEST_F(Setup, DryRunOnlyAsks) {
    ASSERT_EQ(bench.run({"setup", "--dry-run"}), 0) << bench.err;
    EXPECT_TRUE(printed("would ask the module for\nlink_prot 2\n")) << bench.out;
    EXPECT_TRUE(printed("ul_data_aggregation_max_size 8192\n")) << bench.out;
    EXPECT_TRUE(bench.modem.requests.empty());
    EXPECT_TRUE(bench.kernel.calls.empty());
    ASSERT_EQ(bench.run({"setup", "--dry-run", "--json"}), 0);
    EXPECT_EQ(json()["agreed"], false);
    EXPECT_EQ(json()["asked"]["ul_max_size"], 8192);
}

TEST_F(Setup, AsJson) {
    ASSERT_EQ(bench.run({"setup", "--json"}), 0) << bench.err;
    EXPECT_EQ(json()["netdev"], "wwan0");
    EXPECT_EQ(json()["agreed"], true);
    EXPECT_EQ(json()["changed"], true);
    EXPECT_EQ(json()["module"]["dl_aggregation"], "qmap");
    EXPECT_EQ(json()["driver"]["ul_max_datagrams"], 11);
    EXPECT_EQ(json()["rx_urb_size"], 4096);
    ASSERT_EQ(bench.run({"setup", "--json"}), 0);
    EXPECT_EQ(json()["changed"], false);
}

TEST_F(Setup, RefusedByTheDriver) {
    bench.kernel.refusal = Error{"wwan0: UL size 4096 is less than a packet of MTU 9000", EINVAL};
    EXPECT_EQ(bench.run({"setup"}), 1);
    EXPECT_EQ(bench.err, "qmapctl: wwan0: UL size 4096 is less than a packet of MTU 9000; the "
                         "module was set back to what it had\n");
    EXPECT_EQ(bench.modem.format.dl_aggregation, 0u);
    EXPECT_EQ(bench.out, "");
}

TEST_F(Setup, RefusedByTheModule) {
    bench.modem.answer = [](unsigned, const WdaFormat &) -> Result<WdaFormat> {
        return failure("/dev/cdc-wdm0: the module refuses WDA Set Data Format: NoMemory (2)");
    };
    EXPECT_EQ(bench.run({"setup"}), 1);
    EXPECT_TRUE(told("NoMemory (2); nothing was changed\n")) << bench.err;
}

TEST_F(Setup, NoAnswer) {
    bench.modem.silent = Error{"/dev/cdc-wdm0: no answer", ETIMEDOUT};
    EXPECT_EQ(bench.run({"setup", "--timeout", "3"}), 1);
    EXPECT_EQ(bench.modem.timeout, std::chrono::seconds(3));
    EXPECT_TRUE(bench.modem.requests.empty());
}

// The module answers v1 to v5: the driver does it so too.
TEST_F(Setup, AnOlderVersionThanAsked) {
    bench.modem = FakeModem::rm500q();
    bench.modem.newest = Aggregation::qmap;
    bench.modem.format = bench.modem.family_answer({});
    plug_in(rm500q());
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.modem.requests.at(0).dl_aggregation, 9u);
    EXPECT_EQ(bench.kernel.format.dl_aggregation, 5u);
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.modem.requests.size(), 1u);
}

TEST_F(Setup, TheInTreeDriver) {
    Module module = ec25();
    module.driver = "qmi_wwan";
    module.q.reset();
    module.files.raw_ip = false;
    plug_in(module);
    ASSERT_EQ(bench.run({"setup"}), 0) << bench.err;
    EXPECT_EQ(bench.modem.format.link_protocol, LinkProtocol::raw_ip);
    EXPECT_EQ(bench.kernel.format.link_protocol, LinkProtocol::raw_ip);
    EXPECT_EQ(bench.kernel.calls.size(), 1u);

    bench.modem = FakeModem::rm500q();
    EXPECT_EQ(bench.run({"setup"}), 1);
    EXPECT_TRUE(told("5G")) << bench.err;
    EXPECT_TRUE(told("set back")) << bench.err;
    EXPECT_EQ(bench.kernel.calls.size(), 1u);
}

} // namespace
