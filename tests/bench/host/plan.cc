// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

namespace bench {

using vmodem::UsbSpeed;

static constexpr ScenarioTitle titles[] = {
    {"udp-down-1400", "UDP down 1400 B"},
    {"udp-down-64", "UDP down 64 B"},
    {"udp-up-1400", "UDP up 1400 B"},
    {"udp-up-64", "UDP up 64 B"},
    {"udp-echo", "lone packet and back"},
    {"tcp-down", "TCP down"},
    {"tcp-up", "TCP up"},
    {"tcp-both-ways", "TCP both ways"},
    {"forward-udp-down", "forwarded UDP down"},
    {"forward-udp-up", "forwarded UDP up"},
    {"forward-tcp-down", "forwarded TCP down"},
    {"forward-tcp-up", "forwarded TCP up"},
    {"4-pdns-udp-down", "4 PDNs, UDP down"},
    {"4-pdns-udp-up", "4 PDNs, UDP up"},
    {"4-pdns-tcp-down", "4 PDNs, TCP down"},
};

static const std::vector<std::string_view> one_pdn{
    "udp-down-1400",    "udp-down-64",    "udp-up-1400",      "udp-up-64",
    "udp-echo",         "tcp-down",       "tcp-up",           "tcp-both-ways",
    "forward-udp-down", "forward-udp-up", "forward-tcp-down", "forward-tcp-up"};
static const std::vector<std::string_view> four_pdns{"4-pdns-udp-down", "4-pdns-udp-up",
                                                     "4-pdns-tcp-down"};

std::span<const ScenarioTitle> scenario_titles() {
    return titles;
}

static Subject this_driver(const std::string &profile, const std::string &heading, UsbSpeed speed) {
    return {profile,
            heading,
            profile,
            speed,
            "",
            {{"insmod /qmi_wwan_q.ko qmap_mode=1", "", one_pdn},
             {"rmmod qmi_wwan_q && insmod /qmi_wwan_q.ko qmap_mode=4", "-p 4", four_pdns}},
            true};
}

std::vector<Subject> all_subjects() {
    return {{"floor",
             "no driver\ndummy",
             "",
             UsbSpeed::high,
             "",
             {{"", "-d", {"udp-up-1400", "udp-up-64", "forward-udp-up", "forward-tcp-up"}}}},
            {"in-tree",
             "qmi_wwan\nEC25 raw IP",
             "ec25",
             UsbSpeed::high,
             "qmi_wwan",
             {{"", "", one_pdn}}},
            this_driver("ec25", "this\nEC25 v1", UsbSpeed::high),
            this_driver("eg12", "this\nEG12 v1", UsbSpeed::high),
            this_driver("rm500q", "this\nRM500Q v5", UsbSpeed::super)};
}

} // namespace bench
