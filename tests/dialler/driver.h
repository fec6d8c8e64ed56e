// SPDX-License-Identifier: GPL-2.0
// What a dialler asks of the network driver, and tells it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dialler {

struct MuxNetdev {
    std::string name;
    uint8_t mux_id;
};

struct DriverFacts {
    uint32_t rx_urb_size = 0;
    uint32_t endpoint_type = 2; // HSUSB
    uint32_t interface = 4;
    unsigned qmap_mode = 0;
    uint32_t qmap_version = 0; // as WDA codes it; 0 when qmap_mode is 0
    uint32_t dl_minimum_padding = 0;
    bool raw_ip = true; // of qmap_mode 0; else always
    std::vector<MuxNetdev> muxes;
    bool from_ioctl = false;

    // nullptr if the driver has no netdev for that PDN.
    const MuxNetdev *mux_of(unsigned pdn) const;
};

class Driver {
  public:
    // master: "wwan0"
    explicit Driver(std::string master);
    ~Driver();
    Driver(const Driver &) = delete;
    Driver &operator=(const Driver &) = delete;

    // By ioctl; from qmap_mode and qmap_size in sysfs where there is none, as older programs do.
    DriverFacts facts() const;
    // Passes on what the module takes in one transfer. False if the driver does not want it.
    bool set_ul_limits(const DriverFacts &facts, uint32_t max_datagrams, uint32_t max_size) const;
    // Carrier of that PDN's netdev. False if the driver keeps none (qmap_mode 0).
    bool set_link_state(const DriverFacts &facts, unsigned pdn, bool up) const;
    // IFF_UP; throws std::system_error.
    void set_up(const std::string &netdev, bool up) const;

  private:
    std::string master_;
    int socket_;
};

} // namespace dialler
