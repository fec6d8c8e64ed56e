// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

namespace bench {

using vmodem::UsbSpeed;

static constexpr ScenarioTitle titles[] = {
    {"udp-down-1400", "UDP down 1400 B", GuestClock::instructions},
    {"udp-down-64", "UDP down 64 B", GuestClock::instructions},
    {"udp-up-1400", "UDP up 1400 B", GuestClock::instructions},
    {"udp-up-64", "UDP up 64 B", GuestClock::instructions},
    {"udp-echo", "lone packet and back", GuestClock::instructions},
    {"tcp-down", "TCP down", GuestClock::instructions},
    {"tcp-up", "TCP up", GuestClock::instructions},
    {"tcp-both-ways", "TCP both ways", GuestClock::instructions},
    {"forward-udp-down", "forwarded UDP down", GuestClock::instructions},
    {"forward-udp-up", "forwarded UDP up", GuestClock::instructions},
    {"forward-tcp-down", "forwarded TCP down", GuestClock::instructions},
    {"forward-tcp-up", "forwarded TCP up", GuestClock::instructions},
    {"4-pdns-udp-down", "4 PDNs, UDP down", GuestClock::instructions},
    {"4-pdns-udp-up", "4 PDNs, UDP up", GuestClock::instructions},
    {"4-pdns-tcp-down", "4 PDNs, TCP down", GuestClock::instructions},
    {"lone-packet", "lone packet, fastest", GuestClock::real},
    {"ping-idle", "ping, idle", GuestClock::real},
    {"ping-under-upload", "ping under an upload", GuestClock::real},
    {"ping-beside-upload", "... on another PDN", GuestClock::real},
};

static const std::vector<std::string_view> one_pdn{
    "udp-down-1400",    "udp-down-64",    "udp-up-1400",      "udp-up-64",
    "udp-echo",         "tcp-down",       "tcp-up",           "tcp-both-ways",
    "forward-udp-down", "forward-udp-up", "forward-tcp-down", "forward-tcp-up"};
static const std::vector<std::string_view> four_pdns{"4-pdns-udp-down", "4-pdns-udp-up",
                                                     "4-pdns-tcp-down"};
static const std::vector<std::string_view> one_pdn_latency{"lone-packet", "ping-idle",
                                                           "ping-under-upload"};

std::span<const ScenarioTitle> scenario_titles() {
    return titles;
}

static Subject this_driver(const std::string &profile, const std::string &heading, UsbSpeed speed) {
    auto load = [](int pdns) {
        return "{ rmmod qmi_wwan_q 2>/dev/null; insmod /qmi_wwan_q.ko qmap_mode=" +
               std::to_string(pdns) + "; }";
    };
    const std::string one = load(1), four = load(4);
    return {profile,
            heading,
            profile,
            speed,
            "",
            {{GuestClock::instructions, {{one, "", one_pdn}, {four, "-p 4", four_pdns}}},
             {GuestClock::real,
              {{one, "-l", one_pdn_latency}, {four, "-l -p 4", {"ping-beside-upload"}}}}},
            true};
}

std::vector<Subject> all_subjects() {
    return {{"floor",
             "no driver\ndummy",
             "",
             UsbSpeed::high,
             "",
             {{GuestClock::instructions,
               {{"", "-d", {"udp-up-1400", "udp-up-64", "forward-udp-up", "forward-tcp-up"}}}}}},
            {"in-tree",
             "qmi_wwan\nEC25 raw IP",
             "ec25",
             UsbSpeed::high,
             "qmi_wwan",
             {{GuestClock::instructions, {{"", "", one_pdn}}},
              {GuestClock::real, {{"", "-l", one_pdn_latency}}}}},
            this_driver("ec25", "this\nEC25 v1", UsbSpeed::high),
            this_driver("eg12", "this\nEG12 v1", UsbSpeed::high),
            this_driver("rm500q", "this\nRM500Q v5", UsbSpeed::super)};
}

} // namespace bench
