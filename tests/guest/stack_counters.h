// SPDX-License-Identifier: GPL-2.0
// What the IP stack has counted since boot.
#pragma once

#include <cstdint>
#include <string>

namespace guest {

// One by its name, of a file like /proc/net/snmp: pairs of lines, names and values in the same
// order. Before a name that several pairs have is its pair's, as in "Tcp:InErrs". Throws
// std::runtime_error if there is none.
uint64_t stack_counter(const std::string &path, const std::string &name);

} // namespace guest
