// SPDX-License-Identifier: GPL-2.0
#include "scenario.h"

#include <algorithm>
#include <iterator>

namespace bench {

using Paths = std::vector<Path>;

static constexpr size_t large = 1400, small = 64;

template <size_t payload> static Job udp_down_of(const Paths &paths, uint64_t packets) {
    return udp_down(paths, packets, payload);
}

template <size_t payload> static Job udp_up_of(const Paths &paths, uint64_t packets) {
    return udp_up(paths, packets, payload);
}

static constexpr Scenario scenarios[] = {
    {"udp-down-1400", true, udp_down_of<large>},
    {"udp-down-64", true, udp_down_of<small>},
    {"udp-up-1400", false, udp_up_of<large>},
    {"udp-up-64", false, udp_up_of<small>},
    {"udp-echo", true, udp_echo},
    {"tcp-down", true, tcp_down},
    {"tcp-up", true, tcp_up},
    {"tcp-both-ways", true, tcp_both_ways},
    {"forward-udp-down", true, forward_udp_down},
    {"forward-udp-up", false, forward_udp_up},
    {"forward-tcp-down", true, forward_tcp_down},
    {"forward-tcp-up", false, forward_tcp_up},
    {"4-pdns-udp-down", true, udp_down_of<large>},
    {"4-pdns-udp-up", true, udp_up_of<large>},
    {"4-pdns-tcp-down", true, tcp_down},
};

const Scenario *find_scenario(std::string_view name) {
    auto found = std::ranges::find(scenarios, name, &Scenario::name);
    return found == std::end(scenarios) ? nullptr : &*found;
}

} // namespace bench
