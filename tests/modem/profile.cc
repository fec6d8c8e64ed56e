// SPDX-License-Identifier: GPL-2.0
#include "profile.h"

#include <algorithm>
#include <array>

namespace vmodem {

namespace {

constexpr uint16_t quectel = 0x2c7c, qualcomm = 0x05c6;
constexpr uint8_t qmi_interface = 4;

constexpr std::array<Profile, 6> table{{
    {"ec25",
     quectel,
     0x0125,
     "Quectel",
     "EC25-EU",
     "EC25EUGAR06A07M4G",
     qmi_interface,
     Qmap::v1,
     false,
     false,
     {10, 4096, 16, 4096}},
    {"eg12",
     quectel,
     0x0512,
     "Quectel",
     "EG12-GT",
     "EG12GTLAR01A05M4G",
     qmi_interface,
     Qmap::v1,
     false,
     false,
     {32, 16384, 16, 8192}},
    {"rm500q",
     quectel,
     0x0800,
     "Quectel",
     "RM500Q-GL",
     "RM500QGLABR11A06M4G",
     qmi_interface,
     Qmap::v5,
     true,
     true,
     {62, 31744, 11, 8192}},
    {"rm520n",
     quectel,
     0x0801,
     "Quectel",
     "RM520N-GL",
     "RM520NGLAAR03A03M4G",
     qmi_interface,
     Qmap::v5,
     true,
     true,
     {62, 31744, 11, 8192}},
    {"ec20",
     qualcomm,
     0x9215,
     "Quectel",
     "EC20",
     "EC20CQAR02A09E2G",
     qmi_interface,
     Qmap::off,
     false,
     false,
     {}},
    {"uc20",
     qualcomm,
     0x9003,
     "Quectel",
     "UC20",
     "UC20GQBR03A12E1G",
     qmi_interface,
     Qmap::off,
     false,
     false,
     {}},
}};

} // namespace

std::span<const Profile> profiles() {
    return table;
}

const Profile *find_profile(std::string_view name) {
    auto found = std::ranges::find(table, name, &Profile::name);
    return found == table.end() ? nullptr : &*found;
}

} // namespace vmodem
