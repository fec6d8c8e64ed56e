// SPDX-License-Identifier: GPL-2.0
// How long a packet takes to the module and back, in real time.
#pragma once

#include "link.h"

#include <chrono>
#include <string_view>

namespace bench {

struct Latency {
    std::string_view name;
    // Throws if a packet does not come back.
    std::chrono::duration<double, std::milli> (*measure)(const std::vector<Path> &paths);
};

// nullptr if there is none of that name.
const Latency *find_latency(std::string_view name);

} // namespace bench
