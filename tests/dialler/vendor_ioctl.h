// SPDX-License-Identifier: GPL-2.0
// The private ioctls of qmi_wwan_q, as programs that dial with the vendor driver use them.
// On an AF_INET datagram socket; ifr_name is the master, ifr_data points at the structure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dialler {

constexpr unsigned long ioctl_link_state = 0x89f1;  // in: u32
constexpr unsigned long ioctl_ul_settings = 0x89f2; // in: UlSettings
constexpr unsigned long ioctl_driver_info = 0x89f3; // out: DriverInfo

struct UlSettings {
    uint32_t size; // of this structure
    uint32_t rx_urb_size;
    uint32_t endpoint_type;
    uint32_t interface;
    uint32_t mux_id;
    uint32_t ul_max_datagrams;
    uint32_t ul_max_size;
    uint32_t dl_minimum_padding;
};
static_assert(sizeof(UlSettings) == 32);

struct DriverInfo {
    uint32_t size;
    uint32_t rx_urb_size;
    uint32_t endpoint_type;
    uint32_t interface;
    uint32_t qmap_mode;
    uint32_t qmap_version; // as WDA codes it: 5 or 9
    uint32_t dl_minimum_padding;
    char names[8][16];
    uint8_t mux_ids[8];
};
static_assert(sizeof(DriverInfo) == 164 && offsetof(DriverInfo, names) == 28 &&
              offsetof(DriverInfo, mux_ids) == 156);

} // namespace dialler
