// SPDX-License-Identifier: GPL-2.0
// The WDA data format in force between module and host.
#pragma once

#include "profile.h"

#include <cstdint>

namespace vmodem {

enum class LinkProtocol : uint32_t { ethernet_802_3 = 1, raw_ip = 2 };

struct DataFormat {
    LinkProtocol link_protocol = LinkProtocol::raw_ip;
    Qmap ul = Qmap::off;
    Qmap dl = Qmap::off;
    uint32_t dl_max_datagrams = 0;
    uint32_t dl_max_size = 0; // bytes
    uint32_t ul_max_datagrams = 0;
    uint32_t ul_max_size = 0;        // bytes
    uint32_t dl_minimum_padding = 0; // bytes before the IP packet, v5 DL
    bool agreed = false;             // by a WDA Set Data Format since the last reset
};

} // namespace vmodem
