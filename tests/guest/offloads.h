// SPDX-License-Identifier: GPL-2.0
// What ethtool -K switches, by the commands that every ethtool knows.
#pragma once

#include "host.h"

#include <gtest/gtest.h>
#include <linux/ethtool.h>

namespace guest {

struct Offload {
    const char *name; // as ethtool -K has it
    uint32_t command;
};
inline constexpr Offload tx_checksum{"tx", ETHTOOL_STXCSUM}, scatter_gather{"sg", ETHTOOL_SSG},
    tso{"tso", ETHTOOL_STSO}, gso{"gso", ETHTOOL_SGSO}, gro{"gro", ETHTOOL_SGRO},
    rx_checksum{"rx", ETHTOOL_SRXCSUM};
// In the order in which they can be switched on: each needs those before it.
inline constexpr Offload all_offloads[] = {tx_checksum, scatter_gather, tso, gso, gro, rx_checksum};

inline void turn(const std::string &netdev, const Offload &what, bool on) {
    ASSERT_EQ(set_offload(netdev, what.command, on), 0) << what.name;
}

} // namespace guest
