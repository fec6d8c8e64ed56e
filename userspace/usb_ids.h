// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace usb_vendor {
constexpr uint16_t qualcomm = 0x05c6;
constexpr uint16_t telit = 0x1bc7;
constexpr uint16_t simcom = 0x1e0e;
constexpr uint16_t quectel = 0x2c7c;
} // namespace usb_vendor

// Number of the QMI interface of a module that the driver knows.
std::optional<uint8_t> known_qmi_interface(uint16_t vendor, uint16_t product);

// Whether modules of the driver's table have this vendor id.
bool is_module_vendor(uint16_t vendor);

// False for modules of these vendors that are on chips that have no QMI.
bool may_have_qmi(uint16_t vendor, uint16_t product);
