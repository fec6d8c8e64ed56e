// SPDX-License-Identifier: GPL-2.0
// What the module tells the host about itself at enumeration, as plain bytes.
#pragma once

#include "bytes.h"
#include "profile.h"

#include <optional>
#include <string>
#include <vector>

namespace vmodem {

// Network-card types, numbered as AT+QCFG="usbnet" does.
enum class Composition : unsigned { qmi = 0, ecm = 1, mbim = 2, rndis = 3 };

// nullopt for a number that no module here knows.
std::optional<Composition> composition_of(unsigned usbnet);

constexpr unsigned bulk_packet_size(UsbSpeed speed) {
    return speed == UsbSpeed::super ? 1024 : 512;
}

// The network function's place in the configuration.
struct NetworkFunction {
    Composition composition;
    uint8_t control_interface;
    uint8_t notify_endpoint; // interrupt IN
    uint8_t bulk_in_endpoint;
    uint8_t bulk_out_endpoint;
};

struct UsbDescriptors {
    Bytes device;
    Bytes configuration;
    Bytes bos;                        // empty at high speed
    std::vector<std::string> strings; // string descriptor n is strings[n - 1]
    NetworkFunction network;

    // Descriptor of that type and index; nullopt: the device has none.
    std::optional<Bytes> find(uint8_t type, uint8_t index) const;
};

UsbDescriptors make_descriptors(const Profile &profile, UsbSpeed speed, Composition composition);

} // namespace vmodem
