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

// "lro", which has no command of its own.
inline bool has_lro(const std::string &netdev) {
    return get_offload(netdev, ETHTOOL_GFLAGS) & ETH_FLAG_LRO;
}
inline void turn_lro(const std::string &netdev, bool on) {
    const uint32_t others = get_offload(netdev, ETHTOOL_GFLAGS) & ~uint32_t(ETH_FLAG_LRO);
    ASSERT_EQ(set_offload(netdev, ETHTOOL_SFLAGS, others | (on ? ETH_FLAG_LRO : 0)), 0);
}

} // namespace guest
