// SPDX-License-Identifier: GPL-2.0
// The driver's table of modules against the ids that the modules have, written down once more.
#include <algorithm>
#include <gtest/gtest.h>
#include <iterator>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

namespace {

// Vendor, product, number of the QMI interface, family.
using Id = std::tuple<unsigned, unsigned, unsigned, std::string>;

struct usb_device_id { // NOLINT(readability-identifier-naming)
    Id id;
};
#define QMIQ_ID(vendor, product, interface, family)                                                \
    {                                                                                              \
        { vendor, product, interface, #family }                                                    \
    }
#define MODULE_DEVICE_TABLE(bus, table) static_assert(std::size(table) > 1)
#include "id_table.h"

std::vector<Id> of_vendor(unsigned vendor, unsigned interface, const std::string &family,
                          std::initializer_list<unsigned> products) {
    std::vector<Id> ids;
    for (const unsigned product : products)
        ids.emplace_back(vendor, product, interface, family);
    return ids;
}

TEST(IdTable, IsThatOfTheModules) {
    std::vector<Id> expected;
    for (const auto &ids : {
             of_vendor(0x05c6, 4, "ethernet", {0x9003, 0x9215}),
             of_vendor(0x2c7c, 4, "mdm9x07",
                       {0x0125, 0x0121, 0x0191, 0x0195, 0x030e, 0x0296, 0x0435}),
             of_vendor(0x2c7c, 3, "mdm9x07", {0x0700}),
             of_vendor(0x2c7c, 4, "sdx20", {0x0306, 0x030b, 0x0512, 0x0620}),
             of_vendor(0x2c7c, 2, "sdx20", {0x0455, 0x0457}),
             of_vendor(0x2c7c, 3, "sdx20", {0x0316}),
             of_vendor(0x2c7c, 4, "sdx55", {0x0800, 0x0801, 0x0122, 0x013d}),
             of_vendor(0x2cb7, 4, "sdx55", {0x0104}),
             of_vendor(0x2cb7, 2, "sdx20", {0x0109}),
             of_vendor(0x1e0e, 5, "mdm9x07", {0x9001}),
             of_vendor(0x2dee, 5, "sdx55", {0x4d22}),
             of_vendor(0x1bc7, 2, "sdx55", {0x1070}),
             of_vendor(0x05c6, 4, "sdx20", {0x9025}),
         })
        expected.insert(expected.end(), ids.begin(), ids.end());
    std::vector<Id> found;
    for (const usb_device_id &entry : qmiq_ids)
        found.push_back(entry.id);
    ASSERT_FALSE(found.empty());
    EXPECT_EQ(found.back(), Id{}) << "the end of the table";
    found.pop_back();
    std::ranges::sort(expected);
    std::ranges::sort(found);
    EXPECT_EQ(found, expected);
}

} // namespace
