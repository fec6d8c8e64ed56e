// SPDX-License-Identifier: GPL-2.0
// The checksum engine of a QMAP v5 module.
#pragma once

#include "bytes.h"

namespace vmodem {

// Length that the IP header claims for the whole packet; 0 if it is no IPv4 or IPv6 header.
size_t ip_total_length(ByteView packet);

// Writes the TCP or UDP checksum of a whole IP packet, whatever its field holds. False if it has
// none that hardware can fill in: another protocol, a fragment, IPv6 extension headers, too short.
bool fill_transport_checksum(std::span<uint8_t> packet);

} // namespace vmodem
