// SPDX-License-Identifier: GPL-2.0
// What tells one module family from another: ids, limits, manners.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace vmodem {

// QMAP version as the WDA service codes it (UL and DL aggregation protocol).
enum class Qmap : uint32_t { off = 0, v1 = 5, v5 = 9 };

enum class UsbSpeed { high, super };

// The most that a module agrees to in WDA Set Data Format.
struct AggregationLimits {
    uint32_t dl_max_datagrams;
    uint32_t dl_max_size; // bytes
    uint32_t ul_max_datagrams;
    uint32_t ul_max_size; // bytes
};

struct Profile {
    std::string_view name; // "ec25", "eg12", "rm500q", "rm520n", "ec20", "uc20"
    uint16_t vendor_id;
    uint16_t product_id;
    std::string_view manufacturer; // USB string
    std::string_view product;      // USB string
    std::string_view revision;     // DMS 23
    uint8_t qmi_interface;         // bInterfaceNumber of the QMI/RMNET function
    Qmap qmap;                     // the newest QMAP version it speaks; off: only 802.3
    bool qmap_only;                // 5G: no unaggregated mode
    bool nr;                       // radio technology it reports: NR, else LTE
    AggregationLimits limits;
};

std::span<const Profile> profiles();
// nullptr if there is none of that name.
const Profile *find_profile(std::string_view name);

} // namespace vmodem
