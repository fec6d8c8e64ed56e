// SPDX-License-Identifier: GPL-2.0
#include "bench.h"
#include "schema.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

using nlohmann::json;

// As the driver tells of a PDN: no more than the module's names.
Event pdn_event(Event::Kind kind) {
    Event event{kind};
    event.module.usb_path = "1-1:1.4";
    event.module.netdev = "wwan0";
    event.module.ifindex = 10;
    event.module.pdns = {ec25().pdns[0]};
    return event;
}

std::vector<Event> all_kinds() {
    return {{Event::Kind::device_added, ec25()},    pdn_event(Event::Kind::mux_added),
            pdn_event(Event::Kind::link),           {Event::Kind::device_changed, rm500q()},
            pdn_event(Event::Kind::mux_removed),    {Event::Kind::lost},
            {Event::Kind::device_removed, rm500q()}};
}

TEST(Monitor, OneLineAnEvent) {
    Bench bench;
    bench.kernel.events = all_kinds();
    bench.kernel.events[0].module.pdns.resize(2);
    EXPECT_EQ(bench.run({"monitor"}), 0) << bench.err;
    EXPECT_EQ(
        bench.out,
        R"(device-added: wwan0 (USB 1-1:1.4), qmap_mode 4, qmap, DL URBs of 4096 B, 0x81 wwan0.1 up, 0x82 wwan0.2 down
mux-added: wwan0 (USB 1-1:1.4), 0x81 wwan0.1 up
link: wwan0 (USB 1-1:1.4), 0x81 wwan0.1 up
device-changed: wwan1 (USB 2-1:1.4), qmap_mode 1, qmapv5, DL URBs of 31744 B, 0x81 wwan1 down
mux-removed: wwan0 (USB 1-1:1.4), 0x81 wwan0.1 up
events-lost: see 'qmapctl status'
device-removed: wwan1 (USB 2-1:1.4), qmap_mode 1, qmapv5, DL URBs of 31744 B, 0x81 wwan1 down
)");
}

TEST(Monitor, JsonIsAnObjectALine) {
    Bench bench;
    bench.kernel.events = all_kinds();
    EXPECT_EQ(bench.run({"monitor", "--json"}), 0);
    std::istringstream lines(bench.out);
    std::vector<json> events;
    for (std::string line; std::getline(lines, line);) {
        EXPECT_EQ(violation(line, "event"), "");
        events.push_back(json::parse(line));
    }
    ASSERT_EQ(events.size(), all_kinds().size());
    EXPECT_EQ(events[0]["event"], "device-added");
    EXPECT_EQ(events[0]["mode"], 4);
    EXPECT_EQ(events[0]["format"]["qmap"], "qmap");
    EXPECT_EQ(events[2], json::parse(R"({"event": "link", "usb_path": "1-1:1.4", "netdev": "wwan0",
        "ifindex": 10, "mode": null, "format": null, "pdns": [{"pdn": 1, "mux_id": 129,
        "netdev": "wwan0.1", "ifindex": 11, "carrier": true, "flow_off": false}]})"));
    EXPECT_EQ(events[5], json::parse(R"({"event": "events-lost"})"));
}

TEST(Monitor, OfOneModule) {
    Bench bench;
    bench.kernel.there = {ec25(), rm500q()};
    bench.kernel.events = all_kinds();
    EXPECT_EQ(bench.run({"monitor", "wwan1"}), 0) << bench.err;
    EXPECT_TRUE(bench.out.starts_with("device-changed: wwan1")) << bench.out;
    EXPECT_EQ(bench.out.find("wwan0"), std::string::npos) << bench.out;
    EXPECT_NE(bench.out.find("events-lost"), std::string::npos) << bench.out;
    EXPECT_EQ(bench.run({"monitor", "wwan9"}), 2);
}

TEST(Monitor, WithoutTheDriver) {
    Bench bench;
    bench.kernel.failed = Error{"qmi_wwan_q is not loaded"};
    EXPECT_EQ(bench.run({"monitor"}), 1);
    EXPECT_EQ(bench.err, "qmapctl: qmi_wwan_q is not loaded\n");
}

} // namespace
