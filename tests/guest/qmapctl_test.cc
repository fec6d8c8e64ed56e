// SPDX-License-Identifier: GPL-2.0
// qmapctl but for setup and wda (setup_test.cc): the program, the driver and modules together.
#include "bench.h"
#include "netlink.h"
#include "qmapctl.h"
#include "stress.h"

#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>
#include <net/if.h>
#include <nlohmann/json.hpp>
#include <set>

namespace guest {
namespace {

using Json = nlohmann::json;

// A module that the driver is done with setting up.
class Plugged : public Bench {
  public:
    Plugged(const std::string &profile, unsigned mode) : Bench(profile, mode) {
        EXPECT_TRUE(wait_until([&] { return Netlink().get(index()).error == 0; }));
    }
    unsigned index() const { return if_nametoindex(master().c_str()); }
};

Ran expect_done(const std::string &arguments, uid_t user = root) {
    const Ran ran = qmapctl(arguments, user);
    EXPECT_EQ(ran.status, 0) << arguments << ": " << ran;
    EXPECT_EQ(ran.err, "") << arguments;
    return ran;
}

// One line says why.
void expect_failure(const std::string &arguments, int status, const std::string &reason,
                    uid_t user = root) {
    const Ran ran = qmapctl(arguments, user);
    EXPECT_EQ(ran.status, status) << arguments << ": " << ran;
    EXPECT_TRUE(ran.said(reason)) << arguments << ": " << ran;
    EXPECT_EQ(ran.err.find('\n'), std::string::npos) << arguments << ": " << ran;
    EXPECT_EQ(ran.out, "") << arguments;
}

Json json_of(const std::string &arguments, uid_t user = root) {
    return Json::parse(expect_done(arguments + " --json", user).out);
}

// Makes a call, tells the driver of it, and has traffic. The format has been agreed.
void expect_call(Bench &bench, const Pdn &pdn) {
    SCOPED_TRACE(pdn.netdev + " in mode " + std::to_string(bench.mode()));
    EXPECT_EQ(set_up(bench.master(), true), 0);
    EXPECT_EQ(set_up(pdn.netdev, true), 0);
    bench.modem().open_mux(bench.mode() ? pdn.mux_id : 0);
    expect_done("link up " + std::to_string(pdn.number) + " " + bench.master());
    EXPECT_TRUE(carrier(pdn.netdev));
    EXPECT_TRUE(wait_operational(pdn.netdev));
    set_ipv4(pdn.netdev, "10." + std::to_string(100 + pdn.number) + ".0.2", "255.255.255.252");
    EXPECT_EQ(udp_echo(pdn.ipv4(), 1000), "");
    EXPECT_EQ(tcp_download(pdn.ipv4(), 300'000), "");
    EXPECT_EQ(tcp_upload(pdn.ipv4(), 300'000), "");
}

void expect_no_violations(Bench &bench) {
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
}

std::string mode_get() {
    return expect_done("mode get").out;
}

std::string carriers(const std::vector<std::string> &netdevs) {
    std::string all;
    for (const std::string &netdev : netdevs)
        all += carrier(netdev) ? "1" : "0";
    return all;
}

// ---- each module by itself

struct Case {
    const char *profile;
    std::vector<unsigned> modes; // in which it is one after the other
    const char *ids, *family, *qmap, *format;

    friend void PrintTo(const Case &c, std::ostream *out) { *out << c.profile; }
};

class Qmapctl : public testing::TestWithParam<Case> {};

INSTANTIATE_TEST_SUITE_P(Modules, Qmapctl,
                         testing::Values(Case{"ec25",
                                              {0, 4, 1, 0},
                                              "2c7c:0125",
                                              "MDM9x07",
                                              "qmap",
                                              "qmap_mode 2, qmap, DL URBs of 4096 B, UL up to 11 "
                                              "packets in 4096 B\n"},
                                         Case{"rm500q",
                                              {1, 4, 1},
                                              "2c7c:0800",
                                              "5G",
                                              "qmapv5",
                                              "qmap_mode 2, qmapv5, DL URBs of 31744 B, UL up to "
                                              "11 packets in 8192 B\n"}),
                         [](const auto &info) { return info.param.profile; });

TEST_P(Qmapctl, Status) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench(GetParam().profile, 2);
    EXPECT_TRUE(expect_done("").printed("not agreed with the module yet"));
    expect_done("setup");
    expect_call(bench, bench.pdn(2));

    const std::string usb_path = bench.modem().usb_name() + ":1.4";
    const Ran text = expect_done("status");
    for (const std::string &part :
         {"wwan0  Quectel " + std::string(bench.modem().profile().product) + " (" + GetParam().ids +
              ")\n",
          "USB " + usb_path + " at 480 Mbit/s, /dev/cdc-wdm0, driver qmi_wwan_q (" +
              GetParam().family + ")\n",
          std::string(GetParam().format), std::string("1    0x81  wwan0.1  down   down  1500"),
          std::string("2    0x82  wwan0.2  up     up    1500"), std::string("10.102.0.2/30")})
        EXPECT_TRUE(text.printed(part)) << part << "\n" << text;

    const Json modules = json_of("status").at("modules");
    ASSERT_EQ(modules.size(), 1u);
    const Json &module = modules[0];
    EXPECT_EQ(module.at("usb_path"), usb_path);
    EXPECT_EQ(module.at("driver"), "qmi_wwan_q");
    EXPECT_EQ(module.at("control"), "/dev/cdc-wdm0");
    EXPECT_EQ(module.at("mode"), 2);
    EXPECT_EQ(module.at("link_state"), 2);
    EXPECT_EQ(module.at("format").at("qmap"), GetParam().qmap);
    EXPECT_EQ(module.at("format").at("agreed"), true);
    ASSERT_EQ(module.at("pdns").size(), 2u);
    const Json &idle = module.at("pdns")[0], &used = module.at("pdns")[1];
    EXPECT_EQ(idle.at("netdev"), "wwan0.1");
    EXPECT_EQ(idle.at("mux_id"), 0x81);
    EXPECT_EQ(idle.at("carrier"), false);
    EXPECT_EQ(idle.at("addresses"), Json::array());
    EXPECT_EQ(idle.at("rx").at("bytes"), 0);
    EXPECT_EQ(used.at("netdev"), "wwan0.2");
    EXPECT_EQ(used.at("mux_id"), 0x82);
    EXPECT_EQ(used.at("carrier"), true);
    EXPECT_NE(std::ranges::count(used.at("addresses"), "10.102.0.2/30"), 0) << used;
    for (const char *way : {"rx", "tx"}) {
        EXPECT_GT(used.at(way).at("bytes"), 300'000) << way;
        EXPECT_GT(used.at(way).at("packets"), 100) << way;
        EXPECT_EQ(used.at(way).at("errors"), 0) << way;
        EXPECT_EQ(used.at(way).at("dropped"), 0) << way;
    }
    expect_no_violations(bench);
}

TEST_P(Qmapctl, ModesAtRunTime) {
    const std::vector<unsigned> &modes = GetParam().modes;
    LoadedDriver driver("qmap_mode=" + std::to_string(modes[0]));
    Plugged bench(GetParam().profile, modes[0]);
    for (const unsigned mode : modes) {
        SCOPED_TRACE(mode);
        EXPECT_EQ(expect_done("mode set " + std::to_string(mode)).out, "");
        EXPECT_EQ(mode_get(), std::to_string(mode));
        bench.follow(mode);
        expect_done("setup");
        for (const unsigned number : std::set{1u, std::max(1u, mode)})
            expect_call(bench, bench.pdn(number));

        const Json before = json_of("status").at("modules")[0];
        expect_failure("mode set 3", 1,
                       "can't set qmap_mode of wwan0 to 3: the master netdev is up: set it down "
                       "first");
        const Json after = json_of("status").at("modules")[0];
        for (const char *field : {"mode", "format", "link_state"})
            EXPECT_EQ(before.at(field), after.at(field)) << field;
        EXPECT_EQ(before.at("pdns").size(), after.at("pdns").size());
        EXPECT_EQ(ping(bench.pdns().back().ipv4()), "");
        EXPECT_EQ(set_up(bench.master(), false), 0);
    }
    expect_no_violations(bench);
}

TEST_P(Qmapctl, Muxes) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench(GetParam().profile, 2);
    expect_done("setup");
    expect_call(bench, bench.pdn(1));

    EXPECT_EQ(expect_done("mux add 0x85").out, "wwan0.5");
    EXPECT_EQ(expect_done("mux list").out, "MUX   NETDEV   LINK\n"
                                           "0x81  wwan0.1  up\n"
                                           "0x82  wwan0.2  down\n"
                                           "0x85  wwan0.5  up");
    const Json pdns = json_of("mux list").at("pdns");
    ASSERT_EQ(pdns.size(), 3u);
    EXPECT_EQ(pdns[2].at("pdn"), 5);
    EXPECT_EQ(pdns[2].at("ifindex"), if_nametoindex("wwan0.5"));
    expect_call(bench, {5, "wwan0.5", 0x85});
    EXPECT_EQ(json_of("mux add 7").at("mux_netdev"), "wwan0.m7");

    expect_failure("mux add 0x85", 1, "there is a mux netdev of this mux id");
    expect_failure("mux del 0x83", 1, "there is no mux netdev of this mux id");
    expect_failure("mux add 255", 2, "'255' is no mux id: a number from 1 to 254");
    EXPECT_EQ(expect_done("mux del 7").out, "");
    EXPECT_EQ(expect_done("mux del 0x85").out, "");
    EXPECT_FALSE(exists("wwan0.m7") || exists("wwan0.5"));
    expect_failure("mux del 0x85", 1, "there is no mux netdev of this mux id");
    EXPECT_EQ(json_of("mux list").at("pdns").size(), 2u);
    expect_call(bench, bench.pdn(1));
    expect_no_violations(bench);
}

TEST_P(Qmapctl, Stats) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench(GetParam().profile, 2);
    expect_done("setup");
    expect_call(bench, bench.pdn(2));
    const auto module = [](const Json &printed) { return printed.at("modules").at(0); };
    const Json before = module(json_of("stats"));
    EXPECT_EQ(before.at("pdns")[0].at("rx").at("packets"), 0);
    EXPECT_EQ(tcp_download(bench.pdn(2).ipv4(), 1'000'000), "");
    const Json after = module(json_of("stats"));
    const auto moved = [](const Json &from, const Json &to, const char *way, const char *what) {
        return to.at(way).at(what).get<uint64_t>() - from.at(way).at(what).get<uint64_t>();
    };
    EXPECT_GE(moved(before.at("pdns")[1], after.at("pdns")[1], "rx", "bytes"), 1'000'000u);
    EXPECT_GE(moved(before, after, "rx", "datagrams"), 1'000'000u / 1500);
    EXPECT_GT(moved(before, after, "rx", "transfers"), 0u);
    EXPECT_GT(moved(before, after, "tx", "datagrams"), 0u);
    EXPECT_TRUE(expect_done("stats").printed("wwan0: "));

    // Rates add up to what was sent, however slowly that went.
    Running watch("stats --json -w=0.2 wwan0.2");
    ASSERT_TRUE(watch.line());
    EXPECT_EQ(tcp_download(bench.pdn(2).ipv4(), 1'000'000), "");
    uint64_t bytes = 0;
    while (bytes < 1'000'000) {
        const auto line = watch.line();
        ASSERT_TRUE(line) << bytes;
        const Json round = Json::parse(*line);
        EXPECT_GT(round.at("seconds"), 0.1);
        bytes += module(round).at("pdns")[1].at("rx").at("bytes").get<uint64_t>();
    }
    watch.send_signal(SIGTERM);
    EXPECT_EQ(watch.finish().status, 128 + SIGTERM);
}

// ---- what is the same on each

TEST(QmapctlAlone, Links) {
    LoadedDriver driver("qmap_mode=4");
    Plugged bench("ec25", 4);
    expect_done("setup");
    EXPECT_EQ(set_up(bench.master(), true), 0);
    std::vector<std::string> netdevs;
    for (const Pdn &pdn : bench.pdns()) {
        EXPECT_EQ(set_up(pdn.netdev, true), 0);
        netdevs.push_back(pdn.netdev);
    }
    const struct {
        const char *arguments, *carriers;
    } steps[] = {{"up 2", "0100"},         {"up 0x84", "0101"}, {"up wwan0.1", "1101"},
                 {"down wwan0.4", "1100"}, {"up 1", "1100"},    {"down 0x82", "1000"},
                 {"down 3", "1000"},       {"down 1", "0000"}};
    for (const auto &step : steps) {
        EXPECT_EQ(expect_done("link " + std::string(step.arguments)).out, "");
        EXPECT_EQ(carriers(netdevs), step.carriers) << step.arguments;
    }
    expect_failure("link up 5", 2,
                   "has no PDN '5'; it has 1, 0x81 (wwan0.1); 2, 0x82 (wwan0.2); 3, 0x83 "
                   "(wwan0.3); 4, 0x84 (wwan0.4)");
    EXPECT_EQ(carriers(netdevs), "0000");
}

TEST(QmapctlAlone, DryRunsChangeNothing) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench("rm500q", 2);
    const std::string before = expect_done("status --json").out;
    for (const std::string arguments :
         {"mode set 4", "mux add 7", "mux del 0x81", "link up 1", "setup"}) {
        EXPECT_TRUE(expect_done(arguments + " --dry-run").printed("would ")) << arguments;
        EXPECT_EQ(expect_done("status --json").out, before) << arguments;
    }
}

TEST(QmapctlAlone, AnyoneMayLook) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench("ec25", 2);
    const std::string before = expect_done("status --json").out;
    EXPECT_EQ(expect_done("status --json", nobody).out, before);
    EXPECT_EQ(expect_done("mode get", nobody).out, "2");
    for (const char *arguments : {"mode set 4", "mux add 7", "mux del 0x81", "link up 1"})
        expect_failure(arguments, 1, "that needs CAP_NET_ADMIN: run it as root", nobody);
    for (const char *arguments : {"setup", "wda get"})
        expect_failure(arguments, 1,
                       "/dev/cdc-wdm0: Permission denied: only root may talk to modules", nobody);
    EXPECT_EQ(expect_done("status --json").out, before);
}

TEST(QmapctlAlone, BadInput) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench("rm500q", 2);
    const std::string before = expect_done("status --json").out;
    expect_failure("sttaus", 2, "'sttaus' is not understood; qmapctl takes one of status, ");
    expect_failure("mode set 9", 2, "'9' is no qmap_mode: a number from 0 to 8");
    expect_failure("status wwan7", 2, "no module is 'wwan7'; there is wwan0 (");
    expect_failure("link up", 2, "PDN is required; see 'qmapctl link up --help'");
    expect_failure("stats -w=never", 2, "'never' is no interval: -w=SECONDS, 0.1 to 86400");
    EXPECT_EQ(expect_done("status --json").out, before);
}

TEST(QmapctlAlone, NoModeZeroOn5G) {
    LoadedDriver driver;
    Plugged bench("rm500q", 1);
    expect_failure("mode set 0", 1, "5G modules have no mode 0: they always send QMAP");
    EXPECT_EQ(mode_get(), "1");
}

// ---- more than one

TEST(QmapctlModules, TwoAtOnce) {
    LoadedDriver driver("qmap_mode=2");
    Plugged one("ec25", 2), other("rm500q", 2);
    Json modules = json_of("status").at("modules");
    ASSERT_EQ(modules.size(), 2u);
    if (modules[0].at("netdev") != one.master())
        std::swap(modules[0], modules[1]);
    EXPECT_EQ(modules[0].at("product_id"), "0125");
    EXPECT_EQ(modules[1].at("product_id"), "0800");
    const Ran text = expect_done("status");
    EXPECT_TRUE(text.printed("EC25-EU") && text.printed("RM500Q-GL")) << text;

    const std::string usb_name = other.modem().usb_name();
    const std::string control = modules[1].at("control");
    for (const std::string &device :
         {other.master(), other.pdn(2).netdev, control, control.substr(sizeof("/dev/") - 1),
          usb_name, usb_name + ":1.4"}) {
        const Json named = json_of("status " + device).at("modules");
        ASSERT_EQ(named.size(), 1u) << device;
        EXPECT_EQ(named[0], modules[1]) << device;
    }
    expect_failure("mode set 4", 2, "which module? Name one by -d: wwan0 (");
    expect_failure("mode get wwan", 2, "'wwan' may be any of wwan0 (");
    expect_done("mode set 3 -d " + usb_name);
    EXPECT_EQ(expect_done("mode get wwan0").out, "2");
    EXPECT_EQ(expect_done("mode get wwan1").out, "3");
}

// ---- events

// The next events, and nothing else, up to the last of these.
void expect_lines(Running &monitor, const std::vector<std::string> &beginnings) {
    for (const std::string &beginning : beginnings) {
        const auto line = monitor.line();
        ASSERT_TRUE(line) << "instead of " << beginning;
        EXPECT_TRUE(line->starts_with(beginning)) << *line << "\ninstead of " << beginning;
    }
}

// What 'monitor --json' tells of, up to the last of these.
std::vector<Json> expect_events(Running &monitor, const std::vector<std::string> &kinds) {
    std::vector<Json> events;
    for (const std::string &kind : kinds) {
        events.push_back(Json::parse(monitor.line().value_or("{\"event\": null}")));
        EXPECT_EQ(events.back().at("event"), kind) << events.back();
    }
    return events;
}

TEST(QmapctlMonitor, TellsOfEachEvent) {
    LoadedDriver driver("qmap_mode=2");
    Running text("monitor"), json("monitor --json");
    ASSERT_TRUE(text.listens() && json.listens());
    std::optional<Plugged> bench(std::in_place, "ec25", 2);
    const std::string where = "wwan0 (USB " + bench->modem().usb_name() + ":1.4), qmap_mode ";
    std::vector<Json> events = expect_events(json, {"device-added"});
    EXPECT_EQ(events[0].at("mode"), 2);
    EXPECT_EQ(events[0].at("pdns").size(), 2u);
    expect_lines(text, {"device-added: " + where +
                        "2, qmap, DL URBs of 4096 B, 0x81 wwan0.1 down, 0x82 wwan0.2 down"});

    expect_done("mode set 3");
    events = expect_events(json, {"mux-added", "device-changed"});
    EXPECT_EQ(events[0].at("pdns")[0].at("netdev"), "wwan0.3");
    EXPECT_EQ(events[1].at("mode"), 3);
    expect_lines(text, {"mux-added: wwan0", "device-changed: " + where + "3"});

    expect_done("mux add 7");
    expect_done("link up 2");
    expect_done("mux del 7");
    expect_done("setup");
    events = expect_events(json, {"mux-added", "link", "mux-removed", "device-changed"});
    EXPECT_EQ(events[0].at("pdns")[0].at("netdev"), "wwan0.m7");
    EXPECT_EQ(events[1].at("pdns")[0].at("netdev"), "wwan0.2");
    EXPECT_EQ(events[1].at("pdns")[0].at("carrier"), true);
    EXPECT_EQ(events[2].at("pdns")[0].at("mux_id"), 7);
    EXPECT_EQ(events[3].at("format").at("agreed"), true);
    expect_lines(text, {"mux-added: ", "link: ", "mux-removed: ", "device-changed: "});

    // It goes on when the module goes, and tells of the next.
    bench->modem().unplug();
    expect_events(json, {"device-removed"});
    expect_lines(text, {"device-removed: wwan0"});
    bench.emplace("rm500q", 2);
    events = expect_events(json, {"device-added"});
    EXPECT_EQ(events[0].at("format").at("qmap"), "qmapv5");
    expect_lines(text, {"device-added: wwan0"});

    text.send_signal(SIGTERM);
    json.send_signal(SIGINT);
    const Ran terminated = text.finish(), interrupted = json.finish();
    EXPECT_EQ(terminated.status, 128 + SIGTERM) << terminated;
    EXPECT_EQ(interrupted.status, 128 + SIGINT) << interrupted;
    EXPECT_EQ(terminated.out + terminated.err + interrupted.out + interrupted.err, "");
}

// Events that come while it begins neither end it nor are taken for answers.
TEST(QmapctlMonitor, BeginsAmongEvents) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench("ec25", 2);
    Background background;
    background.repeat([netlink = std::make_shared<Netlink>(), index = bench.index(),
                       up = 0u]() mutable { netlink->set_link(index, 0x81, up = !up); });
    for (unsigned round = 0; round < 10; round++) {
        Running monitor("monitor --json");
        std::optional<std::string> line;
        while ((line = monitor.line()) && line->find("events-lost") != std::string::npos)
            ;
        ASSERT_TRUE(line) << monitor.finish();
        EXPECT_EQ(Json::parse(*line).at("event"), "link");
    }
}

TEST(QmapctlMonitor, EndsWithTheDriver) {
    std::optional<LoadedDriver> driver(std::in_place);
    Running monitor("monitor");
    ASSERT_TRUE(monitor.listens());
    {
        Plugged bench("ec25", 0);
        expect_lines(monitor, {"device-added: wwan0"});
    }
    expect_lines(monitor, {"device-removed: wwan0"});
    driver.reset();
    const Ran ran = monitor.finish();
    EXPECT_EQ(ran.status, 1) << ran;
    EXPECT_EQ(ran.err, "qmapctl: qmi_wwan_q has been unloaded");
}

// ---- a module that goes

TEST_P(Qmapctl, Unplugged) {
    LoadedDriver driver("qmap_mode=2");
    Plugged bench(GetParam().profile, 2);
    bring_up(bench);
    Background background;
    background.load(bench.pdn(1));
    Running named("stats -w=0.1 wwan0"), all("stats -w=0.1"), monitor("monitor");
    ASSERT_TRUE(monitor.listens() && named.line() && all.line());
    bench.modem().unplug();

    const Ran gone = named.finish();
    EXPECT_EQ(gone.status, 1) << gone;
    EXPECT_EQ(gone.err, "qmapctl: wwan0 has gone");
    std::optional<std::string> line;
    while ((line = monitor.line()) && !line->starts_with("device-removed: wwan0"))
        ;
    EXPECT_TRUE(line);
    while ((line = all.line()) && *line != "No module with a netdev found.")
        ;
    EXPECT_TRUE(line && all.line()); // goes on

    EXPECT_TRUE(wait_until([] { return qmapctl("status").out == "No module found."; }));
    EXPECT_EQ(json_of("status"), Json::parse(R"({"modules": []})"));
    for (const char *arguments : {"status wwan0", "mode set 4", "link up 1"})
        expect_failure(arguments, 1, "no module found on this machine");
}

} // namespace
} // namespace guest
