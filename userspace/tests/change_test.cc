// SPDX-License-Identifier: GPL-2.0
// mode, mux and link: what is asked of the driver, and what is said of it.
#include "bench.h"
#include "schema.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace {

using nlohmann::json;
using Calls = std::vector<std::string>;

struct Change {
    std::vector<const char *> arguments;
    const char *call;    // to the driver
    const char *printed; // when done
    const char *dry;     // in a dry run
    const char *json;    // what is in it besides the module
};

const Change changes[] = {
    {{"mode", "set", "1"},
     "wwan0: mode 1",
     "",
     "would set qmap_mode of wwan0 (Quectel EC25) to 1\n",
     R"({"mode": 1})"},
    {{"mode", "set", "0x8", "wwan0"},
     "wwan0: mode 8",
     "",
     "would set qmap_mode of wwan0 (Quectel EC25) to 8\n",
     R"({"mode": 8})"},
    {{"mux", "add", "0x85"},
     "wwan0: add 0x85",
     "wwan0.5\n",
     "would add a netdev with mux id 0x85 to wwan0 (Quectel EC25)\n",
     R"({"mux_id": 133, "mux_netdev": "wwan0.5"})"},
    {{"mux", "del", "1", "1-1"},
     "wwan0: delete 0x1",
     "",
     "would remove the netdev with mux id 0x01 from wwan0 (Quectel EC25)\n",
     R"({"mux_id": 1})"},
    {{"link", "up", "2"},
     "wwan0: link 0x82 up",
     "",
     "would set the link of wwan0.2 up\n",
     R"({"mux_id": 130, "mux_netdev": "wwan0.2", "link": "up"})"},
    {{"link", "down", "0x84"},
     "wwan0: link 0x84 down",
     "",
     "would set the link of wwan0.4 down\n",
     R"({"mux_id": 132, "mux_netdev": "wwan0.4", "link": "down"})"},
    {{"link", "up", "131"},
     "wwan0: link 0x83 up",
     "",
     "would set the link of wwan0.3 up\n",
     R"({"mux_id": 131, "mux_netdev": "wwan0.3", "link": "up"})"},
    {{"link", "up", "wwan0.3"},
     "wwan0: link 0x83 up",
     "",
     "would set the link of wwan0.3 up\n",
     R"({"mux_id": 131, "mux_netdev": "wwan0.3", "link": "up"})"},
};

std::vector<const char *> with(std::vector<const char *> arguments, const char *option) {
    arguments.push_back(option);
    return arguments;
}

TEST(Change, IsAskedOfTheDriver) {
    for (const Change &change : changes) {
        Bench bench;
        bench.kernel.there = {ec25()};
        EXPECT_EQ(bench.run(change.arguments), 0) << bench.err;
        EXPECT_EQ(bench.kernel.calls, Calls{change.call});
        EXPECT_EQ(bench.out, change.printed);
    }
}

TEST(Change, DryRunSaysWhatAndDoesNot) {
    for (const Change &change : changes) {
        Bench bench;
        bench.kernel.there = {ec25()};
        EXPECT_EQ(bench.run(with(change.arguments, "--dry-run")), 0) << bench.err;
        EXPECT_EQ(bench.kernel.calls, Calls{}) << change.call;
        EXPECT_EQ(bench.out, change.dry);
    }
}

TEST(Change, JsonFitsTheSchema) {
    for (const Change &change : changes) {
        Bench bench;
        bench.kernel.there = {ec25()};
        EXPECT_EQ(bench.run(with(change.arguments, "--json")), 0) << bench.err;
        EXPECT_EQ(violation(bench.out, "change"), "");
        json expected = json::parse(change.json);
        expected.update({{"usb_path", "1-1:1.4"}, {"netdev", "wwan0"}, {"dry_run", false}});
        EXPECT_EQ(json::parse(bench.out), expected);

        EXPECT_EQ(bench.run(with(with(change.arguments, "--json"), "--dry-run")), 0) << bench.err;
        EXPECT_EQ(violation(bench.out, "change"), "");
        EXPECT_EQ(json::parse(bench.out)["dry_run"], true);
        EXPECT_EQ(bench.kernel.calls, Calls{change.call}) << "once, by the run that was not dry";
    }
}

TEST(Change, RefusalIsPassedOn) {
    for (const Change &change : changes) {
        Bench bench;
        bench.kernel.there = {ec25()};
        bench.kernel.refusal = Error{"can't do that: wwan0.1 is up", 16};
        EXPECT_EQ(bench.run(change.arguments), 1);
        EXPECT_EQ(bench.err, "qmapctl: can't do that: wwan0.1 is up\n");
        EXPECT_EQ(bench.out, "");
    }
}

TEST(Change, WantsOneModuleThatCanBeSet) {
    for (const Change &change : changes) {
        Bench bench;
        EXPECT_EQ(bench.run(change.arguments), 1);
        EXPECT_EQ(bench.err, "qmapctl: no module found on this machine: see 'lsusb'\n");

        bench.kernel.there = {ec25()};
        bench.kernel.there[0].driver = "qmi_wwan";
        bench.kernel.there[0].q.reset();
        EXPECT_EQ(bench.run(change.arguments), 1);
        EXPECT_NE(bench.err.find("driven by qmi_wwan, which can't be set"), std::string::npos)
            << bench.err;
        EXPECT_EQ(bench.kernel.calls, Calls{});
    }
    for (const std::vector<const char *> &arguments : {std::vector{"mode", "set", "1"},
                                                       {"mux", "add", "5"},
                                                       {"mux", "del", "5"},
                                                       {"link", "up", "1"},
                                                       {"mode", "get"},
                                                       {"mux", "list"}}) {
        Bench bench;
        bench.kernel.there = {ec25(), rm500q()};
        EXPECT_EQ(bench.run(arguments), 2);
        EXPECT_EQ(bench.err, "qmapctl: which module? Name one by -d: wwan0 (Quectel EC25), wwan1 "
                             "(Quectel RM500Q-GL)\n");
        EXPECT_EQ(bench.kernel.calls, Calls{});
    }
}

TEST(Mode, Get) {
    Bench bench;
    bench.kernel.there = {ec25()};
    EXPECT_EQ(bench.run({"mode", "get"}), 0);
    EXPECT_EQ(bench.out, "4\n");
    EXPECT_EQ(bench.run({"mode", "get", "--json"}), 0);
    EXPECT_EQ(violation(bench.out, "mode"), "");
    EXPECT_EQ(json::parse(bench.out),
              json::parse(R"({"usb_path": "1-1:1.4", "netdev": "wwan0", "mode": 4})"));

    // The vendor's driver tells it too.
    bench.kernel.there[0].q.reset();
    bench.kernel.there[0].files.qmap_mode = 2;
    EXPECT_EQ(bench.run({"mode", "get"}), 0);
    EXPECT_EQ(bench.out, "2\n");

    bench.kernel.there[0].files = {};
    bench.kernel.there[0].driver = "qmi_wwan";
    EXPECT_EQ(bench.run({"mode", "get"}), 1);
    EXPECT_EQ(bench.err,
              "qmapctl: wwan0 (Quectel EC25) has no qmap_mode: its driver is qmi_wwan\n");
}

TEST(Mux, List) {
    Bench bench;
    bench.kernel.there = {ec25()};
    bench.kernel.there[0].pdns.resize(2);
    EXPECT_EQ(bench.run({"mux", "list"}), 0);
    EXPECT_EQ(bench.out, "MUX   NETDEV   LINK\n0x81  wwan0.1  up\n0x82  wwan0.2  down\n");
    EXPECT_EQ(bench.run({"mux", "list", "--json"}), 0);
    EXPECT_EQ(violation(bench.out, "mux_list"), "");
    EXPECT_EQ(json::parse(bench.out)["pdns"][1]["mux_id"], 0x82);
}

TEST(Link, APdnThatIsNotThereIsNotUnderstood) {
    Bench bench;
    bench.kernel.there = {ec25()};
    bench.kernel.there[0].pdns.resize(1);
    bench.kernel.there[0].pdns.push_back(bench.kernel.there[0].pdns[0]);
    bench.kernel.there[0].pdns[1].mux_id = 5;
    bench.kernel.there[0].pdns[1].netdev = "wwan0.x";
    for (const char *pdn : {"2", "8", "9", "0", "0x82", "0x100000081", "4294967425"}) {
        EXPECT_EQ(bench.run({"link", "up", pdn}), 2) << pdn;
        EXPECT_EQ(bench.err, fmt::format("qmapctl: wwan0 (Quectel EC25) has no PDN '{}'; it has 1, "
                                         "0x81 (wwan0.1); 0x05 (wwan0.x)\n",
                                         pdn));
    }
    // 5 is PDN 5, whose mux id is 0x85; 0x5 is a mux id.
    EXPECT_EQ(bench.run({"link", "up", "5"}), 2);
    EXPECT_EQ(bench.run({"link", "up", "0x5"}), 0);
    EXPECT_EQ(bench.kernel.calls, Calls{"wwan0: link 0x5 up"});
    EXPECT_EQ(bench.run({"link", "up", "wwan9"}), 2);
    EXPECT_EQ(bench.err, "qmapctl: no module is 'wwan9'; there is wwan0 (Quectel EC25)\n");
    EXPECT_EQ(bench.run({"link", "up", "wwan9", "wwan0"}), 2);
}

TEST(Link, WithoutQmapTheMasterIsPdn1) {
    Bench bench;
    bench.kernel.there = {ec25()};
    bench.kernel.there[0].q->mode = 0;
    bench.kernel.there[0].pdns.resize(1);
    bench.kernel.there[0].pdns[0].mux_id = 0;
    bench.kernel.there[0].pdns[0].netdev = "wwan0";
    for (const char *pdn : {"1", "wwan0"})
        EXPECT_EQ(bench.run({"link", "up", pdn}), 0) << bench.err;
    EXPECT_EQ(bench.kernel.calls, (Calls{"wwan0: link 0x0 up", "wwan0: link 0x0 up"}));
}

TEST(Link, ANetdevNamesItsModule) {
    Bench bench;
    bench.kernel.there = {ec25(), rm500q()};
    EXPECT_EQ(bench.run({"link", "up", "wwan1"}), 0) << bench.err;
    EXPECT_EQ(bench.run({"link", "down", "wwan0.2"}), 0) << bench.err;
    EXPECT_EQ(bench.run({"link", "up", "1", "wwan1"}), 0) << bench.err;
    EXPECT_EQ(bench.kernel.calls,
              (Calls{"wwan1: link 0x81 up", "wwan0: link 0x82 down", "wwan1: link 0x81 up"}));
}

} // namespace
