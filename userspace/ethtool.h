// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "result.h"

#include <cstdint>
#include <map>
#include <string>

// Named counters of a netdev, as 'ethtool -S' shows them.
Result<std::map<std::string, uint64_t>> ethtool_counters(const std::string &netdev);
