// SPDX-License-Identifier: GPL-2.0
#include "usb_ids.h"

#include <algorithm>
#include <iterator>

namespace {

// The driver's own table, read as this.
struct usb_device_id { // NOLINT(readability-identifier-naming)
    uint16_t vendor, product;
    uint8_t interface;
};
#define QMIQ_ID(vendor, product, interface, family)                                                \
    { vendor, product, interface }
#define MODULE_DEVICE_TABLE(bus, table) static_assert(std::size(table) > 1)
#include "id_table.h"

} // namespace

std::optional<uint8_t> known_qmi_interface(uint16_t vendor, uint16_t product) {
    const auto *known = std::ranges::find_if(qmiq_ids, [&](const usb_device_id &id) {
        return id.vendor == vendor && id.product == product;
    });
    if (vendor == 0 || known == std::end(qmiq_ids))
        return std::nullopt;
    return known->interface;
}

bool is_module_vendor(uint16_t vendor) {
    return vendor != 0 && std::ranges::any_of(qmiq_ids, [&](const usb_device_id &id) {
               return id.vendor == vendor;
           });
}

bool may_have_qmi(uint16_t vendor, uint16_t product) {
    // Quectel's numbers tell the chip: 09xx are Unisoc's, 6xxx ASR's.
    return vendor != usb_vendor::quectel ||
           ((product & 0xff00) != 0x0900 && (product & 0xf000) != 0x6000);
}
