// SPDX-License-Identifier: GPL-2.0
// The kinds of traffic that are measured.
#pragma once

#include "link.h"

#include <functional>
#include <string_view>

namespace bench {

// One run, all set up.
struct Job {
    uint64_t packets;           // that the work will move
    std::function<void()> work; // what is measured; throws if something is lost
    // What the module will have taken when it is done: datagrams in its sink, and packets into the
    // black hole.
    uint64_t sunk = 0;
};

struct Scenario {
    std::string_view name;
    bool answers; // needs a module that answers
    // About that many packets over all of these paths.
    Job (*prepare)(const std::vector<Path> &paths, uint64_t packets);
};

// nullptr if there is none of that name.
const Scenario *find_scenario(std::string_view name);

// ---- by kind, over all paths at once

Job udp_down(const std::vector<Path> &paths, uint64_t packets, size_t payload);
Job udp_up(const std::vector<Path> &paths, uint64_t packets, size_t payload);
// There and back, one at a time: a packet is a round trip.
Job udp_echo(const std::vector<Path> &paths, uint64_t packets);
Job tcp_down(const std::vector<Path> &paths, uint64_t packets);
Job tcp_up(const std::vector<Path> &paths, uint64_t packets);
Job tcp_both_ways(const std::vector<Path> &paths, uint64_t packets);
// From the module to a dummy netdev, and from a tun netdev to the module.
Job forward_udp_down(const std::vector<Path> &paths, uint64_t packets);
Job forward_udp_up(const std::vector<Path> &paths, uint64_t packets);
Job forward_tcp_down(const std::vector<Path> &paths, uint64_t packets);
Job forward_tcp_up(const std::vector<Path> &paths, uint64_t packets);

} // namespace bench
