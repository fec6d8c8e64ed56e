// SPDX-License-Identifier: GPL-2.0
#include "bench.h"
#include "schema.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

using nlohmann::json;

// A module through which, while a command sleeps, goes what `pass` adds; after `ticks` of these
// the kernel fails, which ends the command.
struct Traffic : Bench {
    explicit Traffic(unsigned ticks) {
        kernel.there = {ec25()};
        kernel.there[0].pdns.resize(2);
        kernel.counted = {{"rx_transfers", 100},
                          {"rx_datagrams", 1000},
                          {"tx_transfers", 50},
                          {"tx_datagrams", 60},
                          {"rx_babble", 1}};
        kernel.tick = [this, ticks] {
            if (++slept == ticks)
                kernel.failed = Error{"the end"};
            else if (pass)
                pass();
        };
    }

    // JSON objects that were printed, a line each.
    std::vector<json> objects() const {
        std::vector<json> all;
        std::istringstream lines(out);
        for (std::string line; std::getline(lines, line);) {
            EXPECT_EQ(violation(line, "stats"), "");
            all.push_back(json::parse(line));
        }
        return all;
    }

    std::function<void()> pass;
    unsigned slept = 0;
};

TEST(Stats, Totals) {
    Traffic traffic(1);
    EXPECT_EQ(traffic.run({"stats"}), 0) << traffic.err;
    EXPECT_EQ(traffic.out,
              R"(NETDEV   RX PACKETS  RX BYTES  RX DROPPED  TX PACKETS  TX BYTES  TX DROPPED
wwan0.1  1000        1.2 MiB   0           500         39.1 KiB  3
wwan0.2  0           0 B       0           0           0 B       0
wwan0: 100 URBs received with 10.0 packets each, 50 sent with 1.2
)");
    EXPECT_EQ(traffic.slept, 0u);
}

TEST(Stats, JsonTotals) {
    Traffic traffic(1);
    EXPECT_EQ(traffic.run({"stats", "--json"}), 0);
    EXPECT_EQ(violation(traffic.out, "stats"), "");
    const json stats = json::parse(traffic.out);
    EXPECT_EQ(stats["seconds"], nullptr);
    const json &module = stats["modules"][0];
    EXPECT_EQ(module["rx"], json::parse(R"({"transfers": 100, "datagrams": 1000,
                                            "datagrams_per_transfer": 10.0})"));
    EXPECT_EQ(module["pdns"][0]["tx"],
              json::parse(R"({"packets": 500, "bytes": 40000, "errors": 0, "dropped": 3})"));
}

TEST(Stats, OfADriverThatDoesNotCountTransfers) {
    Traffic traffic(1);
    traffic.kernel.counted.clear();
    EXPECT_EQ(traffic.run({"stats"}), 0);
    EXPECT_EQ(traffic.out.find("URBs"), std::string::npos) << traffic.out;
    EXPECT_EQ(traffic.run({"stats", "--json"}), 0);
    EXPECT_EQ(violation(traffic.out, "stats"), "");
    EXPECT_EQ(json::parse(traffic.out)["modules"][0]["rx"]["datagrams_per_transfer"], nullptr);
}

TEST(Stats, WatchShowsRates) {
    Traffic traffic(3);
    traffic.pass = [&] {
        Pdn &pdn = traffic.kernel.there[0].pdns[0];
        pdn.rx.packets += 2000;
        pdn.rx.bytes += 2'500'000;
        pdn.tx.packets += 20;
        pdn.tx.bytes += 1000;
        traffic.kernel.counted["rx_transfers"] += 100;
        traffic.kernel.counted["rx_datagrams"] += 2000;
    };
    EXPECT_EQ(traffic.run({"stats", "-w=2"}), 1);
    EXPECT_EQ(traffic.err, "qmapctl: the end\n");
    const std::string once =
        R"(NETDEV   RX PACKETS/S  RX MBIT/S  RX PACKETS/URB  TX PACKETS/S  TX MBIT/S  TX PACKETS/URB
wwan0.1  1000          10.00      20.0            10            0.00       -
wwan0.2  0             0.00       20.0            0             0.00       -
)";
    EXPECT_EQ(traffic.out, once + once);
}

TEST(Stats, WatchAsJsonIsAnObjectALine) {
    Traffic traffic(3);
    traffic.pass = [&] { traffic.kernel.there[0].pdns[0].rx.packets += 7; };
    EXPECT_EQ(traffic.run({"stats", "--json", "-w=0.5"}), 1);
    const std::vector<json> objects = traffic.objects();
    ASSERT_EQ(objects.size(), 2u);
    for (const json &object : objects) {
        EXPECT_EQ(object["seconds"], 0.5);
        EXPECT_EQ(object["modules"][0]["pdns"][0]["rx"]["packets"], 7);
        EXPECT_EQ(object["modules"][0]["pdns"][0]["rx"]["bytes"], 0);
    }
}

TEST(Stats, WaysToSayHowOften) {
    for (const std::vector<const char *> &arguments : {std::vector{"stats", "-w"},
                                                       {"stats", "-w=1"},
                                                       {"stats", "-w1"},
                                                       {"stats", "-w", "1"},
                                                       {"stats", "--watch"},
                                                       {"stats", "--watch=1"},
                                                       {"stats", "-w", "wwan0"},
                                                       {"stats", "wwan0", "-w"},
                                                       {"stats", "-w=1", "wwan0"},
                                                       {"-d", "wwan0", "stats", "-w"}}) {
        Traffic traffic(2);
        std::vector<const char *> with_json = arguments;
        with_json.insert(with_json.begin(), "--json");
        EXPECT_EQ(traffic.run(with_json), 1);
        ASSERT_EQ(traffic.objects().size(), 1u) << traffic.err;
        EXPECT_EQ(traffic.objects()[0]["seconds"], 1.0);
    }
}

// Counters that begin again, and netdevs that come and go, are no rates of 2^64.
TEST(Stats, WatchThroughAReplug) {
    Traffic traffic(4);
    unsigned passes = 0;
    traffic.pass = [&] {
        if (++passes == 1) {
            traffic.kernel.there = {};
        } else {
            traffic.kernel.there = {ec25()};
            traffic.kernel.there[0].pdns.resize(1);
            traffic.kernel.there[0].pdns[0].rx.packets = 5;
            traffic.kernel.counted = {{"rx_transfers", 1}, {"rx_datagrams", 2}};
        }
    };
    EXPECT_EQ(traffic.run({"stats", "--json", "-w"}), 1);
    const std::vector<json> objects = traffic.objects();
    ASSERT_EQ(objects.size(), 3u);
    EXPECT_EQ(objects[0]["modules"].size(), 0u);
    EXPECT_EQ(objects[1]["modules"][0]["pdns"][0]["rx"]["packets"], 5);
    EXPECT_EQ(objects[2]["modules"][0]["pdns"][0]["rx"]["packets"], 0);
}

TEST(Stats, CountersThatGoBackHaveBegunAgain) {
    Traffic traffic(2);
    traffic.pass = [] {};
    traffic.kernel.tick = [&] {
        if (++traffic.slept == 2)
            traffic.kernel.failed = Error{"the end"};
        traffic.kernel.there[0].pdns[0].rx.packets = 3;
        traffic.kernel.counted["rx_transfers"] = 4;
    };
    EXPECT_EQ(traffic.run({"stats", "--json", "-w"}), 1);
    const json module = traffic.objects().at(0)["modules"][0];
    EXPECT_EQ(module["pdns"][0]["rx"]["packets"], 3);
    EXPECT_EQ(module["rx"]["transfers"], 4);
}

TEST(Stats, AWatchedModuleThatGoesEndsIt) {
    Traffic traffic(4);
    traffic.pass = [&] { traffic.kernel.there = {rm500q()}; };
    EXPECT_EQ(traffic.run({"stats", "-w", "wwan0"}), 1);
    EXPECT_EQ(traffic.err, "qmapctl: wwan0 has gone\n");
}

TEST(Stats, WithoutNetdevsThereIsNothingToCount) {
    Traffic traffic(1);
    traffic.kernel.there[0].netdev = "";
    EXPECT_EQ(traffic.run({"stats", "--json"}), 0);
    EXPECT_EQ(json::parse(traffic.out)["modules"].size(), 0u);
    for (const std::vector<const char *> &arguments :
         {std::vector{"stats"}, std::vector{"stats", "-w"}}) {
        Traffic text(2);
        text.kernel.there.clear();
        text.run(arguments);
        EXPECT_EQ(text.out, "No module with a netdev found.\n");
    }
}

} // namespace
